//! One side of a comparison: a multiset of records, spread over partitions by their identities.

use std::fmt;
use std::sync::Arc;

use super::digest::{Digest, Sums};
use super::rows::Row;
use super::storage::{Block, Packed, Spill, Storage};
use super::wanted::Wanted;
use crate::error::Result;

/// Identities are spread over so many partitions by their first byte, and each of those over so many
/// buckets by the second.
pub(super) const PARTITIONS: usize = 256;

/// Rows of a partition that are summed and kept together.
const CHUNK_ROWS: usize = 1024;

/// A multiset of records.
pub struct Side {
    storage: Arc<Storage>,
    /// The buckets whose rows it has. It may have others that nobody needs.
    wanted: Wanted,
    /// None as long as there is no row.
    partitions: Option<Box<Partitions>>,
    /// What all records come to. Where all rows are kept, those of open chunks are not in it yet: they are
    /// added when their chunk is full, since neighbours are added faster.
    sums: Option<Sums>,
    records: u64,
    /// Bytes of rows that only this side holds in memory, but for those of open chunks.
    held: u64,
    chunk_rows: usize,
    file: Option<Arc<Spill>>,
    /// It is the records of one object, and will be part of another side.
    staging: bool,
}

type Partitions = [Partition; PARTITIONS];

#[derive(Default)]
struct Partition {
    /// What came last.
    open: Vec<Row>,
    sealed: Vec<Arc<Chunk>>,
    blocks: Vec<Block>,
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

fn no_partitions() -> Box<Partitions> {
    Box::new(std::array::from_fn(|_| Partition::default()))
}

impl Side {
    /// An empty side, kept there.
    pub fn new(storage: &Arc<Storage>) -> Self {
        Self::gathering(storage, storage.for_gathering())
    }

    /// An empty side for the records of one object that is read, which will be part of another one.
    pub fn staging(storage: &Arc<Storage>) -> Self {
        Self { staging: true, ..Self::gathering(storage, storage.for_staging()) }
    }

    /// The same, which keeps no rows but these.
    #[must_use]
    pub fn keeping(mut self, wanted: &Wanted) -> Self {
        self.narrow(wanted);
        self
    }

    /// One that holds about so many bytes of rows in open chunks.
    fn gathering(storage: &Arc<Storage>, room: u64) -> Self {
        let room = room / PARTITIONS as u64 / bytes(1);
        Self {
            storage: Arc::clone(storage),
            wanted: Wanted::all(),
            partitions: None,
            sums: None,
            records: 0,
            held: 0,
            chunk_rows: usize::try_from(room).unwrap_or(CHUNK_ROWS).clamp(1, CHUNK_ROWS),
            file: None,
            staging: false,
        }
    }

    /// Takes records.
    ///
    /// # Errors
    /// When they fit neither into memory nor on disk.
    pub fn extend(&mut self, rows: &[Row]) -> Result<()> {
        self.records += rows.len() as u64;
        if self.wanted.is_all() {
            return self.keep(rows);
        }
        let sums = self.sums.get_or_insert_with(Sums::new);
        rows.iter().for_each(|row| sums.take(row, self.storage.key));
        if self.wanted.is_none() {
            return Ok(());
        }
        let wanted = self.wanted.clone();
        let mut wanted = rows.iter().filter(|row| wanted.holds(row.bucket()));
        wanted.try_for_each(|row| self.keep(std::slice::from_ref(row)))
    }

    fn keep(&mut self, mut rows: &[Row]) -> Result<()> {
        while let Some(number) = self.gather(&mut rows) {
            self.seal(number)?;
        }
        Ok(())
    }

    /// Takes one record.
    ///
    /// # Errors
    /// As [`Self::extend`].
    pub fn push(&mut self, row: Row) -> Result<()> {
        self.extend(&[row])
    }

    /// Spreads rows up to the one that fills a chunk, and says of which partition.
    fn gather(&mut self, rows: &mut &[Row]) -> Option<usize> {
        let partitions = self.partitions.get_or_insert_with(no_partitions);
        for (count, row) in (1..).zip(rows.iter()) {
            let number = row.digit(0);
            let open = &mut partitions[number].open;
            open.push(*row);
            if open.len() >= self.chunk_rows {
                *rows = &rows[count..];
                return Some(number);
            }
        }
        None
    }

    /// Adds the open rows of a partition to the sums, where they are not in them yet.
    fn sum(&mut self, number: usize) {
        if let Some(partitions) = self.partitions.as_ref().filter(|_| self.wanted.is_all()) {
            let sums = self.sums.get_or_insert_with(Sums::new);
            partitions[number].open.iter().for_each(|row| sums.take(row, self.storage.key));
        }
    }

    /// Keeps no rows but these any more.
    fn narrow(&mut self, wanted: &Wanted) {
        if !wanted.is_all() {
            (0..PARTITIONS).for_each(|number| self.sum(number));
            self.wanted = self.wanted.and(wanted);
        }
    }

    fn seal(&mut self, number: usize) -> Result<()> {
        self.sum(number);
        let partition = &mut self.partitions.get_or_insert_with(no_partitions)[number];
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
            None if self.staging => Arc::clone(self.file.insert(self.storage.file_for_staging()?)),
            None => Arc::clone(self.file.insert(self.storage.file()?)),
        };
        (0..PARTITIONS).for_each(|number| self.sum(number));
        for partition in self.partitions.iter_mut().flat_map(|all| all.iter_mut()) {
            let sealed = partition.sealed.iter().map(|chunk| &chunk.rows[..]);
            let rows = sealed.chain([&partition.open[..]]);
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
    /// As [`Self::extend`].
    pub fn merge(&mut self, other: Self) -> Result<()> {
        self.held += other.held;
        self.copy(&other)
    }

    /// Takes everything that another side holds too; what is not in open chunks is shared. Rows are kept
    /// of what both keep them of.
    ///
    /// # Errors
    /// As [`Self::extend`].
    pub fn copy(&mut self, other: &Self) -> Result<()> {
        if other.records == 0 {
            return Ok(());
        }
        self.narrow(&other.wanted);
        if let Some(theirs) = &other.sums {
            *self.sums.get_or_insert_with(Sums::new) += theirs;
        }
        self.records += other.records;
        for theirs in other.partitions.iter().flat_map(|all| all.iter().enumerate()) {
            let (number, theirs) = theirs;
            let ours = &mut self.partitions.get_or_insert_with(no_partitions)[number];
            ours.sealed.extend(theirs.sealed.iter().cloned());
            ours.blocks.extend(theirs.blocks.iter().cloned());
            if other.wanted.is_all() {
                // These are in no sums yet.
                self.records -= theirs.open.len() as u64;
                self.extend(&theirs.open)?;
            } else {
                self.keep(&theirs.open)?;
            }
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

    /// Whether the rows of all its records are kept.
    pub fn keeps_all(&self) -> bool {
        self.wanted.is_all() || self.records == 0
    }

    /// Whether the rows of a bucket are kept.
    pub(super) fn keeps(&self, bucket: u16) -> bool {
        self.wanted.holds(bucket)
    }

    fn partition(&self, number: usize) -> Option<&Partition> {
        self.partitions.as_ref().map(|all| &all[number])
    }

    /// Rows that are in no sums yet.
    fn not_summed(&self, number: usize) -> &[Row] {
        let open = self.partition(number).filter(|_| self.wanted.is_all());
        open.map_or(&[], |partition| &partition.open)
    }

    /// What the buckets of a partition come to.
    pub(super) fn digests(&self, number: usize) -> Vec<Digest> {
        let summed = self.sums.as_ref().map(|sums| sums.partition(number).to_vec());
        let mut digests = summed.unwrap_or_else(|| vec![Digest::default(); PARTITIONS]);
        for row in self.not_summed(number) {
            digests[row.digit(1)].take(row.identity(), self.storage.key);
        }
        digests
    }

    /// What all records come to.
    pub(super) fn total(&self) -> Digest {
        let mut total = self.sums.as_ref().map(Sums::total).unwrap_or_default();
        for row in (0..PARTITIONS).flat_map(|number| self.not_summed(number)) {
            total.take(row.identity(), self.storage.key);
        }
        total
    }

    /// Hands out the rows of a partition, in no order.
    ///
    /// # Errors
    /// When they cannot be read back.
    pub(super) fn each_in(&self, number: usize, mut take: impl FnMut(&Row)) -> Result<()> {
        let Some(partition) = self.partition(number) else { return Ok(()) };
        let sealed = partition.sealed.iter().flat_map(|chunk| &chunk.rows);
        sealed.chain(&partition.open).for_each(&mut take);
        let mut buffer = Vec::new();
        let mut read = |row| {
            take(&row);
            Ok(())
        };
        partition.blocks.iter().try_for_each(|block| block.read(&mut buffer, &mut read))
    }

    /// Shows all rows, in no order.
    ///
    /// # Errors
    /// When they cannot be read back, or one of them is not taken.
    pub(super) fn visit(&self, mut take: impl FnMut(&Row) -> Result<()>) -> Result<()> {
        let mut taken = Ok(());
        for number in 0..PARTITIONS {
            self.each_in(number, |row| {
                if taken.is_ok() {
                    taken = take(row);
                }
            })?;
        }
        taken
    }
}

impl fmt::Debug for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Side").field("records", &self.records).finish_non_exhaustive()
    }
}
