//! Records that a data stream held, out of a snapshot of it, in the order of their arrival.
//!
//! A snapshot has them shard by shard, interleaved. What is sorted is where each line stands; one
//! record is in memory.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};

use jiff::Timestamp;

use super::records::Records;
use crate::error::{Error, ErrorKind, Result};
use crate::expect::manifest::{self, Line};

/// The records of a snapshot.
#[derive(Debug)]
pub struct Held {
    file: File,
    lines: Vec<Place>,
    done: usize,
    line: Vec<u8>,
}

/// Where a record's line stands. Sorted by arrival; records of one millisecond stay in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    arrival: Timestamp,
    offset: u64,
    len: usize,
}

impl Held {
    /// The records of the snapshot in a file.
    ///
    /// # Errors
    /// When it cannot be read, or is no snapshot that is whole.
    pub fn open(file: File) -> Result<Self> {
        let mut lines = Vec::new();
        let mut reader = BufReader::new(&file);
        reader.rewind().map_err(unread)?;
        let (mut offset, mut line, mut whole) = (0, Vec::new(), false);
        loop {
            line.clear();
            let len = reader.read_until(b'\n', &mut line).map_err(unread)?;
            if len == 0 {
                break;
            }
            match manifest::read(line.trim_ascii_end()).map_err(broken)? {
                Line::Header(_) => {}
                Line::Read(read) => {
                    if read.data.trim_ascii().is_empty() {
                        let number = read.sequence_number;
                        let message = format!("record {number} is empty and would leave no trace");
                        return Err(Error::new(ErrorKind::Usage, message)
                            .hint("simulate a stream without empty records"));
                    }
                    lines.push(Place { arrival: read.arrival, offset, len });
                }
                Line::End { records } => whole = records == lines.len() as u64,
                _ => return Err(broken("it has lines that no snapshot has".to_owned())),
            }
            offset += len as u64;
        }
        if !whole {
            return Err(broken("it is not whole".to_owned()));
        }
        lines.sort_unstable();
        Ok(Self { file, lines, done: 0, line: Vec::new() })
    }
}

impl Records for Held {
    fn total(&self) -> u64 {
        self.lines.len() as u64
    }

    fn rewind(&mut self) {
        self.done = 0;
    }

    fn write_next(&mut self, out: &mut Vec<u8>) -> Result<Option<Timestamp>> {
        let Some(place) = self.lines.get(self.done) else { return Ok(None) };
        self.done += 1;
        self.line.resize(place.len, 0);
        self.file.seek(SeekFrom::Start(place.offset)).map_err(unread)?;
        self.file.read_exact(&mut self.line).map_err(unread)?;
        match manifest::read(self.line.trim_ascii_end()).map_err(broken)? {
            Line::Read(read) => out.extend_from_slice(&read.data),
            _ => return Err(broken("it changed meanwhile".to_owned())),
        }
        Ok(Some(place.arrival))
    }
}

fn unread(error: std::io::Error) -> Error {
    Error::io("the snapshot cannot be read", error)
}

fn broken(what: String) -> Error {
    Error::new(ErrorKind::Io, format!("the snapshot cannot be read: {what}"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::expect::manifest::{Header, Kind, Read as Row};

    fn row(number: &str, shard: &str, arrival: &str, data: &[u8]) -> Line<'static> {
        Line::Read(Row {
            sequence_number: number.to_owned().into(),
            sub_sequence_number: None,
            shard_id: shard.to_owned().into(),
            partition_key: "a".into(),
            arrival: arrival.parse().unwrap(),
            data: data.to_vec().into(),
        })
    }

    fn snapshot(rows: &[Line<'_>], end: Option<u64>) -> Result<Held> {
        let mut file = tempfile::tempfile().unwrap();
        let header = Header {
            kind: Kind::Snapshot,
            target: "data stream orders".into(),
            at: Timestamp::UNIX_EPOCH,
            origin: None,
        };
        manifest::write(&Line::Header(header), &mut file).unwrap();
        for row in rows {
            manifest::write(row, &mut file).unwrap();
        }
        if let Some(records) = end {
            manifest::write(&Line::End { records }, &mut file).unwrap();
        }
        file.flush().unwrap();
        Held::open(file)
    }

    fn all(held: &mut Held) -> Vec<(String, Vec<u8>)> {
        let (mut all, mut record) = (Vec::new(), Vec::new());
        while let Some(arrival) = held.write_next(&mut record).unwrap() {
            all.push((arrival.to_string(), std::mem::take(&mut record)));
        }
        all
    }

    #[test]
    fn records_come_in_the_order_of_their_arrival_however_often() {
        let rows = [
            row("1", "a", "2026-07-04T09:30:01Z", b"one\nmore"),
            row("2", "a", "2026-07-04T09:30:03Z", b"\xff\xfe"),
            row("1", "b", "2026-07-04T09:30:02Z", b"{}"),
            row("2", "b", "2026-07-04T09:30:02Z", b"[]"),
        ];
        let mut held = snapshot(&rows, Some(4)).unwrap();
        assert_eq!(held.total(), 4);
        let first = all(&mut held);
        let expected: [(&str, &[u8]); 4] = [
            ("2026-07-04T09:30:01Z", b"one\nmore"),
            ("2026-07-04T09:30:02Z", b"{}"),
            ("2026-07-04T09:30:02Z", b"[]"),
            ("2026-07-04T09:30:03Z", b"\xff\xfe"),
        ];
        assert_eq!(first, expected.map(|(at, data)| (at.to_owned(), data.to_vec())));
        held.rewind();
        assert_eq!(all(&mut held), first);
    }

    #[test]
    fn half_a_snapshot_and_empty_records_are_refused() {
        let one = [row("1", "a", "2026-07-04T09:30:01Z", b"one")];
        for end in [None, Some(2)] {
            let error = snapshot(&one, end).unwrap_err();
            assert_eq!(error.to_string(), "the snapshot cannot be read: it is not whole");
        }
        let error = snapshot(&[row("7", "a", "2026-07-04T09:30:01Z", b" ")], Some(1)).unwrap_err();
        assert_eq!(error.to_string(), "record 7 is empty and would leave no trace");
    }
}
