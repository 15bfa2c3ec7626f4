//! One side of a comparison: a multiset of records, spread over partitions by their identities.

use std::fmt;
use std::sync::Arc;

use super::digest::Digest;
use super::rows::Row;
use super::storage::{Block, Packed, Spill, Storage};
use crate::error::Result;

/// Identities are spread over so many partitions by their first byte, and each of those over so many
/// buckets by the second.
pub(super) const PARTITIONS: usize = 256;
/// What the buckets of one partition come to.
pub(super) type Digests = [Digest; PARTITIONS];

/// Rows of a partition that are counted, digested and kept together.
const CHUNK_ROWS: usize = 1024;

/// A multiset of records.
pub struct Side {
    storage: Arc<Storage>,
    partitions: Vec<Partition>,
    records: u64,
    /// Bytes of rows that only this side holds in memory, but for those of open chunks.
    held: u64,
    chunk_rows: usize,
    file: Option<Arc<Spill>>,
}

#[derive(Default)]
struct Partition {
    /// What came last.
    open: Vec<Row>,
    sealed: Vec<Arc<Chunk>>,
    blocks: Vec<Block>,
    /// Of all rows but the open ones.
    digests: Option<Box<Digests>>,
    records: u64,
}

/// Rows that do not change any more. A full chunk is never moved: growth costs no copy and no spare
/// room.
struct Chunk {
    rows: Vec<Row>,
    storage: Arc<Storage>,
}

impl Chunk {
    fn new(rows: Vec<Row>, storage: &Arc<Storage>) -> Self {
        storage.hold(bytes(rows.len()));
        Self { rows, storage: Arc::clone(storage) }
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        self.storage.release(bytes(self.rows.len()));
    }
}

fn bytes(rows: usize) -> u64 {
    (rows * Row::BYTES) as u64
}

impl Partition {
    /// Takes the open rows into the digests.
    fn digest(&mut self, storage: &Storage) {
        if !self.open.is_empty() {
            let digests = self.digests.get_or_insert_with(no_digests);
            self.open.iter().for_each(|row| take(digests, row, storage));
        }
    }
}

fn no_digests() -> Box<Digests> {
    Box::new([Digest::default(); PARTITIONS])
}

fn take(digests: &mut Digests, row: &Row, storage: &Storage) {
    digests[row.digit(1)].take(row.identity(), &storage.keys);
}

impl Side {
    /// An empty side, kept there.
    pub fn new(storage: &Arc<Storage>) -> Self {
        let room = storage.for_gathering(PARTITIONS) / bytes(1);
        Self {
            storage: Arc::clone(storage),
            partitions: Vec::new(),
            records: 0,
            held: 0,
            chunk_rows: usize::try_from(room).unwrap_or(CHUNK_ROWS).clamp(1, CHUNK_ROWS),
            file: None,
        }
    }

    /// Takes the records of one object, or of several.
    ///
    /// # Errors
    /// When they fit neither into memory nor on disk.
    pub fn commit(&mut self, rows: impl IntoIterator<Item = Row>) -> Result<()> {
        self.begin();
        rows.into_iter().try_for_each(|row| self.push(row))
    }

    /// Takes one record.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub fn push(&mut self, row: Row) -> Result<()> {
        self.begin();
        let number = row.digit(0);
        let partition = &mut self.partitions[number];
        self.records += 1;
        partition.records += 1;
        partition.open.push(row);
        if partition.open.len() < self.chunk_rows { Ok(()) } else { self.seal(number) }
    }

    fn begin(&mut self) {
        if self.partitions.is_empty() {
            self.partitions.resize_with(PARTITIONS, Partition::default);
        }
    }

    fn seal(&mut self, number: usize) -> Result<()> {
        let partition = &mut self.partitions[number];
        partition.digest(&self.storage);
        // Once a partition has filled a chunk, more are to be expected.
        let rows = std::mem::replace(&mut partition.open, Vec::with_capacity(self.chunk_rows));
        self.held += bytes(rows.len());
        partition.sealed.push(Arc::new(Chunk::new(rows, &self.storage)));
        if self.storage.is_short(self.held) { self.spill() } else { Ok(()) }
    }

    /// Writes everything that it holds in memory to its temporary file.
    fn spill(&mut self) -> Result<()> {
        let file = match &self.file {
            Some(file) => Arc::clone(file),
            None => Arc::clone(self.file.insert(self.storage.file()?)),
        };
        for partition in &mut self.partitions {
            partition.digest(&self.storage);
            let sealed = partition.sealed.iter().flat_map(|chunk| &chunk.rows);
            let rows = sealed.chain(&partition.open);
            Block::write(rows, &file, &self.storage, &mut partition.blocks)?;
            partition.sealed.clear();
            partition.open.clear();
        }
        self.held = 0;
        Ok(())
    }

    /// Takes everything that another side holds.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub fn merge(&mut self, other: Self) -> Result<()> {
        self.held += other.held;
        self.copy(&other)
    }

    /// Takes everything that another side holds too; what is not in open chunks is shared.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub fn copy(&mut self, other: &Self) -> Result<()> {
        if other.records > 0 {
            self.begin();
        }
        for (number, theirs) in other.partitions.iter().enumerate() {
            let ours = &mut self.partitions[number];
            let open = theirs.open.len() as u64;
            ours.sealed.extend(theirs.sealed.iter().cloned());
            ours.blocks.extend(theirs.blocks.iter().cloned());
            ours.records += theirs.records - open;
            self.records += theirs.records - open;
            if let Some(theirs) = &theirs.digests {
                let digests = ours.digests.get_or_insert_with(no_digests);
                digests.iter_mut().zip(theirs.iter()).for_each(|(ours, theirs)| *ours += theirs);
            }
            theirs.open.iter().try_for_each(|&row| self.push(row))?;
        }
        Ok(())
    }

    /// How many records it holds.
    pub fn records(&self) -> u64 {
        self.records
    }

    pub(super) fn storage(&self) -> &Arc<Storage> {
        &self.storage
    }

    /// How many records are in a partition.
    pub(super) fn records_in(&self, number: usize) -> u64 {
        self.partitions.get(number).map_or(0, |partition| partition.records)
    }

    /// What the buckets of a partition come to.
    pub(super) fn digests(&self, number: usize) -> Box<Digests> {
        let Some(partition) = self.partitions.get(number) else { return no_digests() };
        let mut digests = partition.digests.clone().unwrap_or_else(no_digests);
        partition.open.iter().for_each(|row| take(&mut digests, row, &self.storage));
        digests
    }

    /// Hands out the records of a partition, in no order.
    ///
    /// # Errors
    /// When they cannot be read back.
    pub(super) fn each_in(&self, number: usize, mut take: impl FnMut(&Row)) -> Result<()> {
        // A side that holds nothing has no partitions.
        let Some(partition) = self.partitions.get(number) else { return Ok(()) };
        let sealed = partition.sealed.iter().flat_map(|chunk| &chunk.rows);
        sealed.chain(&partition.open).for_each(&mut take);
        let mut buffer = Vec::new();
        let mut read = |row| {
            take(&row);
            Ok(())
        };
        partition.blocks.iter().try_for_each(|block| block.read(&mut buffer, &mut read))
    }
}

impl fmt::Debug for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Side").field("records", &self.records).finish_non_exhaustive()
    }
}
