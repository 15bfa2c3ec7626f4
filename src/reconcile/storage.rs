//! Where rows are kept: in memory up to a budget, beyond it in temporary files.
//!
//! Such a file has no name from the moment it is made (on Unix; elsewhere it goes when it is closed):
//! however a run ends, it leaves nothing behind. It is written in blocks, each with a checksum that
//! stays in memory, and what is read back is believed only where it fits.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use xxhash_rust::xxh3::xxh3_64;

use super::digest::Key;
use super::traces;
use crate::error::{Error, ErrorKind, Result};

/// What can be written to and read back.
pub(super) trait Medium: Read + Write + Seek + Send {}

impl<T: Read + Write + Seek + Send> Medium for T {}

type Open = dyn Fn(&Path) -> io::Result<Box<dyn Medium>> + Send + Sync;

/// The budget of a run, and where what does not fit goes.
pub struct Storage {
    memory: u64,
    workers: u64,
    folder: PathBuf,
    open: Box<Open>,
    pub(super) key: Key,
    /// Of records whose rows are not kept.
    pub(super) traces: traces::Kept,
    held: AtomicU64,
    spilled: AtomicU64,
    /// What is staged shares these, at most one a worker.
    staging: Mutex<Vec<Arc<Spill>>>,
}

impl Storage {
    /// Keeps about `memory` bytes of rows in memory, for so many workers together, and the rest in
    /// temporary files in `folder`. The seed is the run's.
    pub fn new(memory: u64, workers: usize, folder: &Path, seed: u64) -> Arc<Self> {
        Self::on(memory, workers, folder, seed, |folder| {
            tempfile::tempfile_in(folder).map(|file| Box::new(file) as Box<dyn Medium>)
        })
    }

    pub(super) fn on(
        memory: u64,
        workers: usize,
        folder: &Path,
        seed: u64,
        open: impl Fn(&Path) -> io::Result<Box<dyn Medium>> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            memory,
            workers: workers.max(1) as u64,
            folder: folder.to_owned(),
            open: Box::new(open),
            key: Key::of(seed),
            traces: traces::Kept::default(),
            held: AtomicU64::new(0),
            spilled: AtomicU64::new(0),
            staging: Mutex::default(),
        })
    }

    /// Bytes that were written to temporary files.
    pub fn spilled(&self) -> u64 {
        self.spilled.load(Ordering::Relaxed)
    }

    /// Bytes of rows that sides hold in memory.
    #[cfg(test)]
    pub(super) fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }

    /// Bytes of rows that sides may hold in memory; the rest of the budget is for what is staged,
    /// written and compared.
    fn for_sides(&self) -> u64 {
        self.memory / 4 * 3
    }

    /// Bytes that a worker may hold to compare.
    pub(super) fn for_comparing(&self) -> u64 {
        self.memory / 4 / self.workers
    }

    /// Bytes that a side gathers before it counts them.
    pub(super) fn for_gathering(&self) -> u64 {
        self.memory / 8
    }

    /// Bytes of one object that are staged before they are counted; each worker may have one that waits
    /// besides.
    pub(super) fn for_staging(&self) -> u64 {
        self.memory / 16 / self.workers
    }

    pub(super) fn hold(&self, bytes: u64) {
        self.held.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn release(&self, bytes: u64) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Whether a side that holds so many bytes must make room. One that is done may keep half of the
    /// budget, so that there is room for those that grow, and nobody writes crumbs.
    pub(super) fn is_short(&self, own: u64) -> bool {
        let budget = self.for_sides();
        own > budget / 2 || (self.held.load(Ordering::Relaxed) > budget && own > budget / 16)
    }

    /// Whether sides may hold so many bytes more.
    pub(super) fn has_room(&self, more: u64) -> bool {
        self.held.load(Ordering::Relaxed).saturating_add(more) <= self.for_sides()
    }

    /// Whether there are traces of all records whose rows are not kept.
    pub fn has_traces(&self) -> bool {
        self.traces.lock().are_whole()
    }

    /// Gives up the traces of records.
    pub fn forget_traces(&self) {
        self.traces.lock().give_up(self);
    }

    /// A temporary file for what is staged: the number of files must not grow with that of objects.
    pub(super) fn file_for_staging(&self) -> Result<Arc<Spill>> {
        let mut files = self.staging.lock().unwrap_or_else(PoisonError::into_inner);
        let is_enough = files.len() as u64 >= self.workers;
        let file = if is_enough { files.remove(0) } else { self.file()? };
        files.push(Arc::clone(&file));
        Ok(file)
    }

    /// Gives up what was staged: a file goes with the last block that is kept of it.
    pub fn forget_staged(&self) {
        self.staging.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// A new temporary file.
    pub(super) fn file(&self) -> Result<Arc<Spill>> {
        let name = format!("a temporary file in {}", self.folder.display());
        let medium = (self.open)(&self.folder).map_err(|error| unwritten(&name, error))?;
        Ok(Arc::new(Spill { name, medium: Mutex::new((medium, 0)) }))
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { memory, folder, held, spilled, .. } = self;
        let mut shown = f.debug_struct("Storage");
        shown.field("memory", memory).field("folder", folder);
        shown.field("held", held).field("spilled", spilled).finish_non_exhaustive()
    }
}

fn unwritten(name: &str, error: io::Error) -> Error {
    Error::io(format!("what does not fit into --memory goes to {name}"), error).hint(
        "free some space there, name a directory on another disk with --temp-dir, or keep more in \
         memory with --memory",
    )
}

fn unread(name: &str, what: &str) -> Error {
    Error::new(ErrorKind::Io, format!("{name}, where a part of the records was kept, {what}")).hint(
        "this machine's disk or memory is not sound, so there is no verdict; run again with \
         --temp-dir on another disk",
    )
}

/// A temporary file. It goes with the last block of it.
pub(super) struct Spill {
    name: String,
    medium: Mutex<(Box<dyn Medium>, u64)>,
}

/// What is kept in a fixed number of bytes.
pub trait Packed: Copy {
    /// So many.
    const BYTES: usize;

    /// Writes them.
    fn pack(&self, out: &mut [u8]);

    /// Reads them.
    fn unpack(bytes: &[u8]) -> Self;
}

/// The bytes of a number, from their place among packed ones.
#[inline]
pub fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().unwrap_or([0; N])
}

/// A part of a temporary file, written at once and read at once.
#[derive(Clone)]
pub(super) struct Block {
    file: Arc<Spill>,
    offset: u64,
    len: u32,
    checksum: u64,
}

/// Largest block, in bytes.
const BLOCK_BYTES: usize = 1 << 20;

impl Block {
    /// Writes items behind what is in a file, and says where.
    pub(super) fn write<'a, T: Packed + 'a>(
        parts: impl IntoIterator<Item = &'a [T]>,
        file: &Arc<Spill>,
        storage: &Storage,
        blocks: &mut Vec<Self>,
    ) -> Result<()> {
        let most = BLOCK_BYTES / T::BYTES * T::BYTES;
        let mut bytes = Vec::new();
        for mut items in parts {
            while !items.is_empty() {
                let (at, room) = (bytes.len(), (most - bytes.len()) / T::BYTES);
                let (now, later) = items.split_at(room.min(items.len()));
                bytes.resize(at + now.len() * T::BYTES, 0);
                let places = bytes[at..].chunks_exact_mut(T::BYTES);
                now.iter().zip(places).for_each(|(item, place)| item.pack(place));
                items = later;
                if bytes.len() == most {
                    blocks.push(Self::append(&bytes, file, storage)?);
                    bytes.clear();
                }
            }
        }
        if !bytes.is_empty() {
            blocks.push(Self::append(&bytes, file, storage)?);
        }
        Ok(())
    }

    fn append(bytes: &[u8], file: &Arc<Spill>, storage: &Storage) -> Result<Self> {
        let mut medium = file.medium.lock().unwrap_or_else(PoisonError::into_inner);
        let (medium, end) = &mut *medium;
        let offset = *end;
        let written = medium.seek(SeekFrom::Start(offset)).and_then(|_| medium.write_all(bytes));
        written.map_err(|error| unwritten(&file.name, error))?;
        *end += bytes.len() as u64;
        storage.spilled.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        Ok(Self { file: Arc::clone(file), offset, len, checksum: xxh3_64(bytes) })
    }

    /// Reads the items of a block; `buffer` is scratch space.
    pub(super) fn read<T: Packed>(
        &self,
        buffer: &mut Vec<u8>,
        take: impl FnMut(T) -> Result<()>,
    ) -> Result<()> {
        buffer.resize(self.len as usize, 0);
        let read = {
            let mut medium = self.file.medium.lock().unwrap_or_else(PoisonError::into_inner);
            let medium = &mut medium.0;
            medium.seek(SeekFrom::Start(self.offset)).and_then(|_| medium.read_exact(buffer))
        };
        let name = &self.file.name;
        read.map_err(|error| unread(name, &format!("cannot be read: {error}")))?;
        if xxh3_64(buffer) != self.checksum {
            let what = format!("holds other bytes at {} than were written", self.offset);
            return Err(unread(name, &what));
        }
        buffer.chunks_exact(T::BYTES).map(T::unpack).try_for_each(take)
    }
}

/// A sequence of items, of which only the last ones are in memory when they are many.
pub struct Spool<T> {
    storage: Arc<Storage>,
    items: Vec<T>,
    blocks: Vec<Block>,
    len: u64,
    /// Why it is not complete.
    failure: Option<Error>,
}

impl<T: Packed> Spool<T> {
    /// An empty one.
    pub fn new(storage: &Arc<Storage>) -> Self {
        let storage = Arc::clone(storage);
        Self { storage, items: Vec::new(), blocks: Vec::new(), len: 0, failure: None }
    }

    /// How many items there are.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds an item. Whether it could be kept is said when all are asked for.
    pub fn push(&mut self, item: T) {
        self.items.push(item);
        self.len += 1;
        if (self.items.len() * T::BYTES) as u64 > self.storage.for_staging() {
            let written = self.spill();
            self.items.clear();
            self.failure = self.failure.take().or(written.err());
        }
    }

    fn spill(&mut self) -> Result<()> {
        let file = match self.blocks.last() {
            Some(block) => Arc::clone(&block.file),
            None => self.storage.file()?,
        };
        Block::write([&self.items[..]], &file, &self.storage, &mut self.blocks)
    }

    /// Hands out all items, in their order.
    ///
    /// # Errors
    /// When not all could be kept, or one of them is not taken.
    pub fn each(mut self, mut take: impl FnMut(T) -> Result<()>) -> Result<()> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let mut buffer = Vec::new();
        for block in &self.blocks {
            block.read(&mut buffer, &mut take)?;
        }
        self.items.into_iter().try_for_each(take)
    }
}

impl<T: fmt::Debug> fmt::Debug for Spool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { len, items, .. } = self;
        f.debug_struct("Spool").field("len", len).field("last", items).finish_non_exhaustive()
    }
}
