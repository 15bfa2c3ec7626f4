//! The records to put, one after another: from a seed or a file; and before them, those that a
//! ledger has already.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Take};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;

use super::Records;
use super::input::Input;
use super::ledger::{self, Fate, State, damaged};
use crate::error::{Error, ErrorKind, Result};
use crate::expect::manifest::{self, Line, Origin};
use crate::simulate::{Generated, Kind, Pace, PartitionKeys, Records as _};

/// A record to put.
#[derive(Debug, Clone)]
pub(super) struct Record {
    /// Its number in the ledger.
    pub(super) number: u64,
    /// Its partition key; none where the target has no shards.
    pub(super) key: Option<String>,
    pub(super) data: Bytes,
    /// Whether the ledger has it already.
    pub(super) recorded: bool,
    /// Whether it was put already.
    pub(super) put: bool,
}

impl Record {
    /// Its bytes as the limits of requests count them.
    pub(super) fn size(&self) -> usize {
        self.data.len() + self.key.as_ref().map_or(0, String::len)
    }
}

/// What the records that a user asks for are, in terms of a ledger. A file is read to its end, to
/// see that all of it is records and none is too large.
pub(super) fn origin(records: &Records, record_bytes: usize) -> Result<Origin> {
    match records {
        Records::Seeded { seed, count, start, interval } => {
            let interval_micros = u64::try_from(interval.as_micros()).unwrap_or(u64::MAX);
            Ok(Origin::Seeded { seed: *seed, count: *count, start: *start, interval_micros })
        }
        Records::Input { path, seed } => {
            let whole = path.canonicalize().map_err(|error| Error::io(path.display(), error))?;
            let text = whole.to_str().ok_or_else(|| {
                let message = format!("{} has a path that is not UTF-8", whole.display());
                Error::new(ErrorKind::Usage, message).hint("a manifest cannot name it; rename it")
            })?;
            let (count, content) = super::input::survey(path, record_bytes)?;
            let (path, content) = (text.to_owned(), Some(content));
            Ok(Origin::Input { path, count, seed: *seed, content })
        }
    }
}

/// The records of an origin, none of them recorded.
pub(super) struct Fresh {
    made: Made,
    keys: Option<PartitionKeys>,
    next: u64,
    count: u64,
}

enum Made {
    Seeded(Box<Generated>),
    Input(Input),
}

impl Fresh {
    /// With partition keys where the target has shards.
    pub(super) fn open(origin: &Origin, keyed: bool) -> Result<Self> {
        let (made, seed) = match origin {
            Origin::Seeded { seed, count, start, interval_micros } => {
                let interval = Duration::from_micros(*interval_micros);
                let pace = Pace { start: *start, interval };
                (Made::Seeded(Box::new(Generated::new(Kind::Article, *count, pace, *seed))), *seed)
            }
            Origin::Input { path, seed, .. } => (Made::Input(Input::open(Path::new(path))?), *seed),
        };
        Ok(Self {
            made,
            keys: keyed.then(|| PartitionKeys::new(seed)),
            next: 0,
            count: origin.count(),
        })
    }
}

impl Iterator for Fresh {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Result<Record>> {
        // A file may have grown since its records were counted.
        if self.next == self.count {
            return None;
        }
        let data = match &mut self.made {
            Made::Seeded(generated) => {
                let mut data = Vec::new();
                match generated.write_next(&mut data) {
                    Ok(written) => written.map(|_| Ok(Bytes::from(data))),
                    Err(error) => Some(Err(error)),
                }
            }
            Made::Input(input) => input.next(),
        };
        let number = self.next;
        self.next += 1;
        let key = self.keys.as_mut().and_then(Iterator::next);
        data.map(|data| data.map(|data| Record { number, key, data, recorded: false, put: false }))
    }
}

/// What a ledger leaves to do: its records that have no acknowledgement, then those that it has
/// not yet. Both are taken from the origin, and each recorded one must be what the ledger says.
pub(super) struct Rest {
    fresh: Fresh,
    ledger: BufReader<Take<File>>,
    line: Vec<u8>,
    fates: std::vec::IntoIter<Fate>,
    name: PathBuf,
}

impl Rest {
    pub(super) fn open(path: &Path, state: State, fresh: Fresh) -> Result<Self> {
        let file = File::open(path).map_err(|error| Error::io(path.display(), error))?;
        Ok(Self {
            fresh,
            ledger: BufReader::new(file.take(state.bytes)),
            line: Vec::new(),
            fates: state.fates.into_iter(),
            name: path.to_owned(),
        })
    }

    /// Whether the ledger's next record is this one.
    fn agrees(&mut self, record: &Record) -> Result<bool> {
        loop {
            self.line.clear();
            let read = self.ledger.read_until(b'\n', &mut self.line);
            if read.map_err(|error| Error::io(self.name.display(), error))? == 0 {
                return Err(damaged(&self.name, "it changed while it was read"));
            }
            let line = manifest::read(self.line.trim_ascii_end());
            let line = line.map_err(|what| damaged(&self.name, &what))?;
            if let Line::Record { number, partition_key, data } = line {
                return Ok(number == record.number
                    && partition_key.as_deref() == record.key.as_deref()
                    && *data == record.data);
            }
        }
    }
}

impl Iterator for Rest {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Result<Record>> {
        loop {
            let mut record = match self.fresh.next() {
                Some(Ok(record)) => record,
                other => return other,
            };
            let Some(fate) = self.fates.next() else { return Some(Ok(record)) };
            match self.agrees(&record) {
                Ok(true) if fate.acknowledged => {}
                Ok(true) => {
                    (record.recorded, record.put) = (true, fate.put);
                    return Some(Ok(record));
                }
                Ok(false) => return Some(Err(ledger::disagrees(&self.name, record.number))),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
