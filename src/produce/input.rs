//! The user's own records: a file, split as an object is, a few records in memory at a time.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use bytes::Bytes;
use xxhash_rust::xxh3::Xxh3;

use super::ledger::AS_IT_WAS;
use crate::error::{Error, ErrorKind, Result};
use crate::expect::manifest::Content;
use crate::split::{FormatChoice, Record, Sink, Span, split};

/// Records that wait between the splitter and whoever puts them.
const WAITING: usize = 16;

/// Records of a file, as they are split by a thread of their own.
pub(super) struct Input(Receiver<Result<Bytes>>);

impl Input {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let mut file = open(path)?;
        let (sender, receiver) = sync_channel(WAITING);
        let name = path.display().to_string();
        std::thread::spawn(move || {
            let mut feed = Feed { sender, name, ended: false };
            let (_, _, read) = split(&mut file, &FormatChoice::Detect, &mut feed);
            if let Err(error) = read {
                let error = Error::io(&feed.name, error);
                feed.send(Err(error));
            }
        });
        Ok(Self(receiver))
    }

    pub(super) fn next(&mut self) -> Option<Result<Bytes>> {
        self.0.recv().ok()
    }
}

/// Counts the records of a file, and sees that all of it is records that can be put; and what it holds.
pub(super) fn survey(path: &Path, record_bytes: usize) -> Result<(u64, Content)> {
    let mut file = Known::new(open(path)?);
    let mut survey = Survey { name: path, record_bytes, records: 0, wrong: None };
    let (_, _, read) = split(&mut file, &FormatChoice::Detect, &mut survey);
    if let Some(wrong) = survey.wrong {
        return Err(wrong);
    }
    read.map_err(|error| Error::io(path.display(), error))?;
    Ok((survey.records, file.content()))
}

/// Sees that a file holds what it held when a ledger was begun with it.
pub(super) fn unchanged(path: &Path, before: &Content, ledger: &Path) -> Result<()> {
    let mut file = Known::new(open(path)?);
    io::copy(&mut file, &mut io::sink()).map_err(|error| Error::io(path.display(), error))?;
    let now = file.content();
    if now == *before {
        return Ok(());
    }
    let what = if now.bytes == before.bytes {
        "it has as many bytes, and not the same ones".to_owned()
    } else {
        format!("it has {} bytes, and had {}", now.bytes, before.bytes)
    };
    let (path, ledger) = (path.display(), ledger.display());
    let message = format!("{path} is not what it was when {ledger} was begun: {what}");
    Err(Error::new(ErrorKind::Manifest, message).hint(AS_IT_WAS))
}

/// A file that is known again when it has been read to its end.
struct Known {
    file: File,
    bytes: u64,
    hasher: Xxh3,
}

impl Known {
    fn new(file: File) -> Self {
        Self { file, bytes: 0, hasher: Xxh3::new() }
    }

    fn content(&self) -> Content {
        Content { bytes: self.bytes, xxh3: format!("{:032x}", self.hasher.digest128()) }
    }
}

impl Read for Known {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(out)?;
        self.bytes += count as u64;
        self.hasher.update(&out[..count]);
        Ok(count)
    }
}

fn open(path: &Path) -> Result<File> {
    let failed = |error| Error::io(path.display(), error);
    let file = File::open(path).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        let message = format!("{} is not a file", path.display());
        return Err(Error::new(ErrorKind::Usage, message)
            .hint("records are read twice, and once more to resume: write them to a file first"));
    }
    Ok(file)
}

fn malformed(name: impl std::fmt::Display, span: &Span) -> Error {
    let message = format!("{name} is no record at byte {}: {}", span.error_offset, span.damage);
    Error::new(ErrorKind::Usage, message).hint("mend it, or take those bytes out")
}

struct Feed {
    sender: SyncSender<Result<Bytes>>,
    name: String,
    ended: bool,
}

impl Feed {
    fn send(&mut self, what: Result<Bytes>) {
        self.ended |= what.is_err();
        self.ended |= self.sender.send(what).is_err();
    }
}

impl Sink for Feed {
    fn record(&mut self, record: Record<'_>) {
        if !self.ended {
            self.send(Ok(Bytes::copy_from_slice(record.bytes)));
        }
    }

    fn malformed(&mut self, span: Span) {
        if !self.ended {
            self.send(Err(malformed(&self.name, &span)));
        }
    }

    fn is_done(&self) -> bool {
        self.ended
    }
}

struct Survey<'a> {
    name: &'a Path,
    record_bytes: usize,
    records: u64,
    wrong: Option<Error>,
}

impl Sink for Survey<'_> {
    fn record(&mut self, record: Record<'_>) {
        if record.bytes.len() > self.record_bytes && self.wrong.is_none() {
            let message = format!(
                "record {} of {} (at byte {}) has {} bytes, and at most {} can be put",
                self.records,
                self.name.display(),
                record.offset,
                record.bytes.len(),
                self.record_bytes
            );
            self.wrong = Some(Error::new(ErrorKind::Limit, message).hint("take it out"));
        }
        self.records += 1;
    }

    fn malformed(&mut self, span: Span) {
        if self.wrong.is_none() {
            self.wrong = Some(malformed(self.name.display(), &span));
        }
    }

    fn is_done(&self) -> bool {
        self.wrong.is_some()
    }
}
