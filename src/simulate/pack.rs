//! Records into objects: one buffer, closed by size or by time as Firehose's is.
//!
//! Packing is told which records to lose or to write twice. It is done once to deliver, and where
//! whole objects are to be hit once before that, to learn which objects there will be.

use std::collections::VecDeque;
use std::mem;
use std::time::Duration;

use jiff::Timestamp;

use super::faults::{Hit, Hits};
use super::records::Records;
use crate::error::{Error, ErrorKind, Result};

/// When a buffer is closed, and what stands between its records.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) delimiter: &'a [u8],
    pub(super) bytes: usize,
    pub(super) interval: Duration,
}

/// Takes what packing makes.
pub(super) trait Sink {
    /// A record was produced.
    fn produced(&mut self, record: &[u8]) -> Result<()>;
    /// It is lost.
    fn lost(&mut self, index: u64, record: &[u8]);
    /// It fails: it goes to error output.
    fn failed(&mut self, index: u64, record: &[u8], arrival: Timestamp);
    /// A buffer was closed.
    fn object(&mut self, buffer: &mut Buffer, closed: Timestamp) -> Result<()>;
}

/// What is special about a record in a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// One of a kind.
    Plain,
    /// A copy of it is, or will be, written too.
    Original,
    /// It is that copy.
    Copy,
    /// It is to be garbled.
    Garble,
}

/// A part of a buffer's content.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Piece {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A record's place in a buffer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pub(super) index: u64,
    pub(super) role: Role,
    pub(super) offset: usize,
    pub(super) len: usize,
    /// Where it stands in the content, with what it is put in.
    pub(super) stored: Piece,
    /// Where bytes of the record itself stand there.
    pub(super) held: Piece,
}

/// The content of one object to be.
#[derive(Debug)]
pub(super) struct Buffer {
    pub(super) content: Vec<u8>,
    pub(super) records: u64,
    /// Arrival of the oldest record.
    pub(super) oldest: Timestamp,
    /// Where each record ends, with the delimiter before it.
    pub(super) ends: Vec<usize>,
    /// The records that are not plain.
    pub(super) marks: Vec<Mark>,
    pub(super) last: Option<Mark>,
    /// The content before its records were put into something; empty where they were not.
    pub(super) produced: Vec<u8>,
}

impl Buffer {
    /// The bytes of a record.
    pub(super) fn record(&self, mark: &Mark) -> &[u8] {
        let content = if self.produced.is_empty() { &self.content } else { &self.produced };
        &content[mark.offset..mark.offset + mark.len]
    }

    /// The last record, if cutting it surely leaves something that is no record.
    pub(super) fn cuttable(&self) -> Option<Mark> {
        self.last.filter(|last| last.role == Role::Plain && breakable(self.record(last)))
    }

    fn push(&mut self, mut mark: Mark, record: &[u8], delimiter: &[u8]) {
        if self.records > 0 {
            self.content.extend_from_slice(delimiter);
        }
        (mark.offset, mark.len) = (self.content.len(), record.len());
        self.content.extend_from_slice(record);
        mark.stored = Piece { start: mark.offset, end: self.content.len() };
        mark.held = mark.stored;
        self.ends.push(self.content.len());
        self.records += 1;
        self.last = Some(mark);
        if mark.role != Role::Plain {
            self.marks.push(mark);
        }
    }

    fn clear(&mut self) {
        self.content.clear();
        self.produced.clear();
        self.records = 0;
        self.ends.clear();
        self.marks.clear();
        self.last = None;
    }
}

/// Whether a record is a JSON object or array by its looks. A number or a bare word may be one
/// even when a part of it is gone.
pub(super) fn breakable(record: &[u8]) -> bool {
    matches!(record.first(), Some(b'{' | b'[')) && record.trim_ascii_end().len() > 1
}

/// Packs all records, from the first on.
pub(super) fn pack(
    rules: Rules<'_>,
    records: &mut dyn Records,
    mut hits: Hits,
    sink: &mut dyn Sink,
) -> Result<()> {
    records.rewind();
    let mut packer = Packer::new(rules, sink);
    let mut record = Vec::new();
    let mut index = 0;
    loop {
        record.clear();
        let Some(arrival) = records.write_next(&mut record)? else { break };
        packer.sink.produced(&record)?;
        packer.take(index, &record, arrival, hits.at(index))?;
        index += 1;
    }
    if index != records.total() {
        let message = format!("{} records were announced, and {index} came", records.total());
        return Err(Error::new(ErrorKind::Usage, message));
    }
    packer.finish()
}

/// A record that is to be written once more.
type Again = (u64, Vec<u8>);

struct Packer<'a> {
    rules: Rules<'a>,
    sink: &'a mut dyn Sink,
    buffer: Buffer,
    now: Timestamp,
    /// To be written again, but not in the buffer that is open.
    waiting: Vec<Again>,
    /// To be written again as soon as there is room.
    due: VecDeque<Again>,
}

impl<'a> Packer<'a> {
    fn new(rules: Rules<'a>, sink: &'a mut dyn Sink) -> Self {
        let buffer = Buffer {
            content: Vec::new(),
            records: 0,
            oldest: Timestamp::UNIX_EPOCH,
            ends: Vec::new(),
            marks: Vec::new(),
            last: None,
            produced: Vec::new(),
        };
        let now = Timestamp::UNIX_EPOCH;
        Self { rules, sink, buffer, now, waiting: Vec::new(), due: VecDeque::new() }
    }

    /// One record arrives.
    fn take(
        &mut self,
        index: u64,
        record: &[u8],
        arrival: Timestamp,
        hit: Option<Hit>,
    ) -> Result<()> {
        self.now = arrival;
        let role = match hit {
            None => Role::Plain,
            Some(Hit::Lose) => {
                self.sink.lost(index, record);
                return Ok(());
            }
            Some(Hit::Fail) => {
                self.sink.failed(index, record, arrival);
                return Ok(());
            }
            Some(Hit::Garble) => Role::Garble,
            Some(Hit::DuplicateHere | Hit::DuplicateLater) => Role::Original,
        };
        let twice = record.len() * 2 + self.rules.delimiter.len();
        let here = hit == Some(Hit::DuplicateHere) && twice <= self.rules.bytes;
        self.make_room(if here { twice } else { record.len() })?;
        self.push(index, role, record);
        if here {
            self.push(index, Role::Copy, record);
        } else if role == Role::Original {
            self.waiting.push((index, record.to_vec()));
        }
        while let Some((index, record)) =
            self.due.pop_front_if(|(_, record)| fits(&self.rules, &self.buffer, record.len()))
        {
            self.push(index, Role::Copy, &record);
        }
        Ok(())
    }

    /// No later object follows: what is still to be written again goes where there is room.
    fn finish(mut self) -> Result<()> {
        let rest: Vec<_> = self.due.drain(..).chain(self.waiting.drain(..)).collect();
        for (index, record) in rest {
            self.make_room(record.len())?;
            self.push(index, Role::Copy, &record);
        }
        if self.buffer.records > 0 { self.close(Timestamp::MAX) } else { Ok(()) }
    }

    /// Closes the buffer if it is too old, or too full for so many bytes more.
    fn make_room(&mut self, len: usize) -> Result<()> {
        let open = self.buffer.records > 0;
        if open && (self.now >= self.deadline() || !fits(&self.rules, &self.buffer, len)) {
            self.close(self.now)?;
        }
        Ok(())
    }

    fn deadline(&self) -> Timestamp {
        self.buffer.oldest.checked_add(self.rules.interval).unwrap_or(Timestamp::MAX)
    }

    fn close(&mut self, now: Timestamp) -> Result<()> {
        let closed = now.min(self.deadline());
        self.sink.object(&mut self.buffer, closed)?;
        self.buffer.clear();
        self.due.extend(mem::take(&mut self.waiting));
        Ok(())
    }

    fn push(&mut self, index: u64, role: Role, record: &[u8]) {
        if self.buffer.records == 0 {
            self.buffer.oldest = self.now;
        }
        let nowhere = Piece::default();
        let mark = Mark { index, role, offset: 0, len: 0, stored: nowhere, held: nowhere };
        self.buffer.push(mark, record, self.rules.delimiter);
    }
}

/// Whether a record of this length fits into a buffer with others in it.
fn fits(rules: &Rules<'_>, buffer: &Buffer, len: usize) -> bool {
    buffer.content.len() + rules.delimiter.len() + len <= rules.bytes
}
