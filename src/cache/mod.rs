//! What objects hold, kept in a directory for the next run: an entry for each version of an object.
//!
//! Nothing in it is believed for being there. An entry counts only if it is about this very object, read
//! in this very way, and its checksum fits; else it is as if there were none, and that is counted.

mod bytes;
mod entry;
mod folder;
mod header;
mod key;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};
use tempfile::NamedTempFile;

pub use entry::{Facts, Row, Writer, read};
pub use key::{Key, Terms, Version};

use crate::error::Result;

/// What decoding, splitting and fingerprinting come to. Raise it with every change after which an
/// undamaged object has other records, identities, offsets or facts than before; what older versions have
/// kept is then not found any more. A test compares it with what the fixtures come to.
pub const READER_VERSION: u32 = 1;

/// Where entries are written before they get their names.
const NEW: &str = "new";
/// What was begun, and not ended so long after, never will be.
const ABANDONED: SignedDuration = SignedDuration::from_hours(24);
/// Bytes that are read at a time.
const BUFFER_BYTES: u64 = 64 << 10;

/// A directory of entries.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    seed: u64,
    opened: Timestamp,
    damaged: AtomicU64,
    unwritten: AtomicU64,
    /// Why the first entry could not be written. None was tried after it.
    failure: OnceLock<String>,
}

/// Why a directory is no cache.
#[derive(Debug)]
pub enum Unusable {
    /// There is something in it, and nothing that says that it is fhcheck's.
    Foreign,
    /// Everybody on this machine may write to it.
    Exposed,
    /// It cannot be made, read or written.
    Failed(io::Error),
}

impl From<io::Error> for Unusable {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => {
                f.write_str("it is not empty, and no cache of this version of fhcheck")
            }
            Self::Exposed => f.write_str("everybody may write to it"),
            Self::Failed(error) => write!(f, "{error}"),
        }
    }
}

impl Cache {
    /// Opens the cache in a directory, and makes it where there is nothing: then the seed is its.
    ///
    /// # Errors
    /// [`Unusable`]: why it is as if there were no cache. Nothing in the directory was changed.
    pub fn open(folder: &Path, seed: u64, now: Timestamp) -> Result<Self, Unusable> {
        folder::make(folder)?;
        if let Some(cache) = Self::look(folder, now)? {
            cache.sweep();
            return Ok(cache);
        }
        header::write(folder, seed)?;
        // Another run may have been faster.
        Self::look(folder, now)?.ok_or(Unusable::Foreign)
    }

    /// The cache in a directory. `None` where it is still to be made: the directory is empty, or there
    /// is none.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn look(folder: &Path, now: Timestamp) -> Result<Option<Self>, Unusable> {
        if folder::is_exposed(folder)? {
            return Err(Unusable::Exposed);
        }
        // Asked before the header is read: another run may make it in between.
        let empty = folder::is_empty(folder)?;
        match header::read(folder)? {
            None if empty => Ok(None),
            None => Err(Unusable::Foreign),
            Some(seed) => Ok(Some(Self::new(folder, seed, now))),
        }
    }

    fn new(folder: &Path, seed: u64, opened: Timestamp) -> Self {
        Self {
            folder: folder.to_owned(),
            seed,
            opened,
            damaged: AtomicU64::new(0),
            unwritten: AtomicU64::new(0),
            failure: OnceLock::new(),
        }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What seeds the identities in it.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// When it was opened, by whoever did.
    pub fn opened(&self) -> Timestamp {
        self.opened
    }

    /// Entries that were there and could not be used.
    pub fn damaged(&self) -> u64 {
        self.damaged.load(Ordering::Relaxed)
    }

    /// How many entries could not be written, and why the first could not.
    pub fn unwritten(&self) -> Option<(u64, &str)> {
        let failure = self.failure.get()?;
        Some((self.unwritten.load(Ordering::Relaxed), failure))
    }

    /// Whether there is an entry. Nobody has looked into it.
    pub fn holds(&self, key: &Key) -> bool {
        matches!(folder::entry(&self.path(key)), Ok(Some(_)))
    }

    /// What is kept of an object. Its rows are handed out before it is known whether they can be
    /// believed: they count only where there are facts in the end.
    pub fn load(&self, key: &Key, take: impl FnMut(Row)) -> Option<Facts> {
        let found = folder::entry(&self.path(key)).transpose()?;
        let facts = found.ok().and_then(|(file, len)| self.read(file, len, key, take));
        if facts.is_none() {
            self.damaged.fetch_add(1, Ordering::Relaxed);
        }
        facts
    }

    fn read(&self, file: File, len: u64, key: &Key, take: impl FnMut(Row)) -> Option<Facts> {
        let buffer = usize::try_from(len.min(BUFFER_BYTES)).ok()?;
        read(BufReader::with_capacity(buffer, file), len, key, self.seed, take)
    }

    /// Keeps what an object holds, in the place of what was kept before; `rows` writes its rows. Where
    /// that fails, the object is read again next time: see [`Self::unwritten`]. So is one with more names
    /// of columns than an entry takes.
    pub fn store(
        &self,
        key: &Key,
        facts: &Facts,
        rows: impl FnOnce(&mut Writer<&File>) -> Result<()>,
    ) {
        let written = || match self.failure.get() {
            None => self.write(key, facts, rows).map_err(|error| error.to_string()),
            // A disk that is full stays so.
            Some(_) => Err(String::new()),
        };
        if let Err(error) = written() {
            self.failure.get_or_init(|| error);
            self.unwritten.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn write(
        &self,
        key: &Key,
        facts: &Facts,
        rows: impl FnOnce(&mut Writer<&File>) -> Result<()>,
    ) -> io::Result<()> {
        let new = self.folder.join(NEW);
        folder::make_inside(&new)?;
        let file = NamedTempFile::new_in(&new)?;
        let writer = Writer::begin(file.as_file(), key, self.seed, facts);
        // That is no failure, and no reason to keep nothing else.
        let Some(mut writer) = writer else { return Ok(()) };
        rows(&mut writer).map_err(io::Error::other)?;
        writer.finish()?;
        let path = self.path(key);
        path.parent().map_or(Ok(()), folder::make_inside)?;
        file.persist(path)?;
        Ok(())
    }

    /// The entry's file: the first byte of its name is that of its folder.
    fn path(&self, key: &Key) -> PathBuf {
        let name = format!("{:032x}", key.name(self.seed));
        let (shard, rest) = name.split_at(2);
        self.folder.join(shard).join(rest)
    }

    /// Removes what runs have left behind that were killed while they wrote.
    fn sweep(&self) {
        let Ok(entries) = fs::read_dir(self.folder.join(NEW)) else { return };
        for entry in entries.flatten() {
            let modified = entry.metadata().and_then(|metadata| metadata.modified());
            let modified = modified.ok().and_then(|time| Timestamp::try_from(time).ok());
            if modified.is_some_and(|modified| self.opened.duration_since(modified) > ABANDONED) {
                // Whoever may not remove it leaves it to the next one.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}
