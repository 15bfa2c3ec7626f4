//! The ledger of a producer: written ahead of each put, and read again to go on.
//!
//! Whatever a line speaks of stands in the file before it happens, so that the process may be killed
//! at any moment. The order is: the records of a request and the put itself, brought to the disk;
//! then the request; then what it answered.

use std::fs::{File, TryLockError};
use std::io::{BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::Tally;
use super::records::Record;
use crate::error::{Error, ErrorKind, Result};
use crate::expect::manifest::{self, Answer, Header, Kind, Line};

/// A ledger that is being written, by this process alone.
pub(super) struct Ledger {
    out: BufWriter<File>,
    path: PathBuf,
    now: fn() -> Timestamp,
}

impl Ledger {
    /// Begins one. A file that is there already is not touched.
    pub(super) fn create(path: &Path, header: Header, now: fn() -> Timestamp) -> Result<Self> {
        let file = File::create_new(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                let message = format!("{} exists already", path.display());
                Error::new(ErrorKind::Usage, message).hint(format!(
                    "name another --manifest, or go on with fhcheck produce --resume {}",
                    path.display()
                ))
            }
            _ => Error::io(path.display(), error),
        })?;
        let mut ledger = Self::over(file, path, now)?;
        ledger.write(&Line::Header(header))?;
        ledger.sync()?;
        Ok(ledger)
    }

    /// Reads one to its end, and goes on behind its last whole line.
    pub(super) fn reopen(path: &Path, now: fn() -> Timestamp) -> Result<(Self, State)> {
        let failed = |error| Error::io(path.display(), error);
        let file = File::options().read(true).write(true).open(path).map_err(failed)?;
        let mut ledger = Self::over(file, path, now)?;
        let state = read(&mut BufReader::new(ledger.out.get_ref()), path)?;
        let file = ledger.out.get_mut();
        file.set_len(state.bytes).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        Ok((ledger, state))
    }

    fn over(file: File, path: &Path, now: fn() -> Timestamp) -> Result<Self> {
        match file.try_lock() {
            Ok(()) => Ok(Self { out: BufWriter::new(file), path: path.to_owned(), now }),
            Err(TryLockError::WouldBlock) => {
                let message = format!("{} is being written", path.display());
                Err(Error::new(ErrorKind::Usage, message)
                    .hint("another fhcheck produce is at work: wait for its end"))
            }
            Err(TryLockError::Error(error)) => Err(Error::io(path.display(), error)),
        }
    }

    /// Notes that these records are about to be put in one request, and first those that it does not
    /// have yet. They may not be put before [`Ledger::sync`]. Says how many are put for the first
    /// time.
    pub(super) fn put(&mut self, records: &mut [Record]) -> Result<u64> {
        for record in records.iter_mut().filter(|record| !record.recorded) {
            self.write(&Line::Record {
                number: record.number,
                partition_key: record.key.as_deref().map(Into::into),
                data: record.data.as_ref().into(),
            })?;
            record.recorded = true;
        }
        let numbers = records.iter().map(|record| record.number).collect();
        self.write(&Line::Put { numbers, at: (self.now)() })?;
        let put = records.iter_mut().map(|record| std::mem::replace(&mut record.put, true));
        Ok(put.filter(|before| !before).count() as u64)
    }

    /// Brings what was noted to the disk.
    pub(super) fn sync(&mut self) -> Result<()> {
        let flushed = self.out.flush().and_then(|()| self.out.get_ref().sync_data());
        flushed.map_err(|error| Error::io(self.path.display(), error))
    }

    /// Notes what was answered. If it is lost, the puts count as ones without an answer.
    pub(super) fn answers(&mut self, answers: Vec<Answer>) -> Result<()> {
        self.write(&Line::Answers(answers))?;
        self.out.flush().map_err(|error| Error::io(self.path.display(), error))
    }

    fn write(&mut self, line: &Line<'_>) -> Result<()> {
        manifest::write(line, &mut self.out).map_err(|error| Error::io(self.path.display(), error))
    }
}

/// What a ledger says.
#[derive(Debug)]
pub(super) struct State {
    pub(super) header: Header,
    pub(super) tally: Tally,
    /// Bytes of its whole lines.
    pub(super) bytes: u64,
    /// What became of each record in it.
    pub(super) fates: Vec<Fate>,
}

/// What became of one record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Fate {
    /// Whether it was put at all.
    pub(super) put: bool,
    pub(super) acknowledged: bool,
    /// Puts that have no answer.
    open: u32,
}

impl State {
    fn apply(&mut self, line: Line<'_>) -> Result<(), String> {
        match line {
            Line::Record { number, .. } if number == self.fates.len() as u64 => {
                self.fates.push(Fate::default());
                Ok(())
            }
            Line::Record { number, .. } => Err(format!("record {number} is out of order")),
            Line::Put { numbers, .. } => numbers.into_iter().try_for_each(|number| {
                let fate = self.fate(number)?;
                let first = !std::mem::replace(&mut fate.put, true);
                fate.open += 1;
                self.tally.put += u64::from(first);
                self.tally.puts += 1;
                self.tally.uncertain += 1;
                Ok(())
            }),
            Line::Answers(answers) => answers.iter().try_for_each(|answer| self.answer(answer)),
            Line::Header(_) | Line::Read(_) | Line::End { .. } => {
                Err("a line that no ledger has there".to_owned())
            }
        }
    }

    fn answer(&mut self, answer: &Answer) -> Result<(), String> {
        let fate = self.fate(answer.record)?;
        fate.open = fate
            .open
            .checked_sub(1)
            .ok_or_else(|| format!("record {} has more answers than it was put", answer.record))?;
        let first = answer.is_acknowledged() && !fate.acknowledged;
        fate.acknowledged |= answer.is_acknowledged();
        self.tally.uncertain -= 1;
        self.tally.acknowledged += u64::from(first);
        self.tally.rejected += u64::from(!answer.is_acknowledged());
        Ok(())
    }

    fn fate(&mut self, number: u64) -> Result<&mut Fate, String> {
        let fate = usize::try_from(number).ok().and_then(|number| self.fates.get_mut(number));
        fate.ok_or_else(|| format!("record {number} is not in it"))
    }
}

/// Reads a ledger. A last line that is cut counts for nothing: what it speaks of had not happened,
/// or its answer is not known.
pub(super) fn read(ledger: &mut impl BufRead, path: &Path) -> Result<State> {
    let mut line = Vec::new();
    let mut state: Option<State> = None;
    loop {
        line.clear();
        let len = ledger.read_until(b'\n', &mut line);
        let len = len.map_err(|error| Error::io(path.display(), error))?;
        if line.pop() != Some(b'\n') {
            break;
        }
        let read = manifest::read(&line).map_err(|what| damaged(path, &what))?;
        state = Some(match (state, read) {
            (Some(mut state), line) => {
                state.apply(line).map_err(|what| damaged(path, &what))?;
                state.bytes += len as u64;
                state
            }
            (None, Line::Header(header)) if header.kind == Kind::Ledger => {
                let records = header.origin.as_ref().map_or(0, manifest::Origin::count);
                let tally = Tally { records, ..Tally::default() };
                State { header, tally, bytes: len as u64, fates: Vec::new() }
            }
            (None, _) => return Err(no_ledger(path)),
        });
    }
    state.ok_or_else(|| no_ledger(path))
}

pub(super) fn damaged(path: &Path, what: &str) -> Error {
    let message = format!("manifest {} is damaged: {what}", path.display());
    Error::new(ErrorKind::Manifest, message)
}

fn no_ledger(path: &Path) -> Error {
    let message = format!("{} is no ledger of fhcheck produce", path.display());
    Error::new(ErrorKind::Manifest, message)
        .hint("where it is empty, nothing was put: produce again, without --resume")
}

/// A record that is not the one that the ledger has under its number.
pub(super) fn disagrees(path: &Path, number: u64) -> Error {
    let message =
        format!("record {number} is another one now than when {} was written", path.display());
    Error::new(ErrorKind::Manifest, message).hint(AS_IT_WAS)
}

/// What helps where the input is another one.
pub(super) const AS_IT_WAS: &str =
    "give --input the file as it was; nothing else can tell what is left to put";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expect::manifest::Origin;

    fn at() -> Timestamp {
        "2026-07-04T09:30:00Z".parse().unwrap()
    }

    fn header() -> Header {
        let path = "orders.ndjson".to_owned();
        let origin = Some(Origin::Input { path, count: 3, seed: 1, content: None });
        Header { kind: Kind::Ledger, target: "data stream orders".into(), at: at(), origin }
    }

    fn answer(record: u64, error: Option<&str>) -> Answer {
        Answer {
            record,
            sequence_number: error.is_none().then(|| "49".to_owned()),
            shard_id: None,
            record_id: None,
            error_code: error.map(str::to_owned),
        }
    }

    fn record(number: u64) -> Record {
        let data = bytes::Bytes::from(format!(r#"{{"n": {number}}}"#));
        Record { number, key: Some("k".into()), data, recorded: false, put: false }
    }

    /// Two requests of two records: one is rejected, put again, and its answer never comes.
    fn story(path: &Path) {
        let mut ledger = Ledger::create(path, header(), at).unwrap();
        ledger.put(&mut [record(0), record(1)]).unwrap();
        ledger.answers(vec![answer(0, None), answer(1, Some("Throttled"))]).unwrap();
        let again = Record { recorded: true, put: true, ..record(1) };
        ledger.put(&mut [again, record(2)]).unwrap();
        ledger.answers(vec![answer(2, None)]).unwrap();
        ledger.sync().unwrap();
    }

    #[test]
    fn a_ledger_says_what_became_of_each_record() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        story(&path);
        let (ledger, state) = Ledger::reopen(&path, at).unwrap();
        assert_eq!(state.header, header());
        let acknowledged: Vec<_> = state.fates.iter().map(|fate| fate.acknowledged).collect();
        assert_eq!(acknowledged, [true, false, true]);
        let tally =
            Tally { records: 3, put: 3, acknowledged: 2, puts: 4, rejected: 1, uncertain: 1 };
        assert_eq!(state.tally, tally);
        assert_eq!((tally.left(), tally.retried()), (1, 1));
        let error = Ledger::reopen(&path, at).err().unwrap();
        assert!(error.to_string().contains("is being written"), "{error}");
        drop(ledger);
        let error = Ledger::create(&path, header(), at).err().unwrap();
        assert!(error.advice().unwrap().contains("--resume"), "{error:?}");
    }

    /// Wherever the writer dies, what is left is true: no acknowledgement that was not given, no put
    /// that is forgotten; and it can be gone on with.
    #[test]
    fn a_ledger_that_is_cut_anywhere_is_true() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        story(&path);
        let whole = std::fs::read(&path).unwrap();
        let begun = whole.iter().position(|byte| *byte == b'\n').unwrap();
        for cut in 0..=whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let read = Ledger::reopen(&path, at);
            if cut <= begun {
                assert_eq!(read.err().unwrap().kind(), ErrorKind::Manifest, "at {cut}");
                continue;
            }
            let (mut ledger, state) = read.unwrap();
            let lines = whole[..cut].split_inclusive(|byte| *byte == b'\n');
            let lines: Vec<_> = lines.filter(|line| line.ends_with(b"\n")).collect();
            let has = |text: &str| {
                lines.iter().filter(|line| line.starts_with(text.as_bytes())).count() as u64
            };
            assert_eq!(state.tally.puts, 2 * has(r#"{"put"#), "at {cut}");
            let acknowledged = [0, 1, 2][usize::try_from(has(r#"{"answers"#)).unwrap()];
            assert_eq!(state.tally.acknowledged, acknowledged, "at {cut}");
            let tally = state.tally;
            assert_eq!(tally.puts, tally.acknowledged + tally.rejected + tally.uncertain);

            ledger.put(&mut [record(state.fates.len() as u64)]).unwrap();
            ledger.sync().unwrap();
            drop(ledger);
            let (_, after) = Ledger::reopen(&path, at).unwrap();
            assert_eq!(after.tally.puts, tally.puts + 1, "at {cut}");
        }
    }

    #[test]
    fn damage_inside_a_ledger_is_an_error() {
        let refused = |change: &dyn Fn(String) -> String| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("ledger");
            story(&path);
            let text = change(std::fs::read_to_string(&path).unwrap());
            read(&mut text.as_bytes(), &path).unwrap_err().to_string()
        };
        let said = refused(&|text| text.replacen(r#"{"record":1"#, r#"{"record":2"#, 1));
        assert!(said.contains("out of order"), "{said}");
        let said = refused(&|text| text.replace(r#"{"put":[1,2]"#, r#"{"put":[1,3]"#));
        assert!(said.contains("record 3 is not in it"), "{said}");
        let said = refused(&|text| text.replace(r#"[{"record":2,"#, r#"[{"record":0,"#));
        assert!(said.contains("more answers"), "{said}");
        let said = refused(&|text| text.replace("\n{\"put\":[0", "\n\"put\":[0"));
        assert!(said.contains("damaged"), "{said}");
    }
}
