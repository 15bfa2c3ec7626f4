//! One side of a comparison: a multiset of records, spread over partitions by their identities.

use std::fmt;
use std::sync::Arc;

use super::digest::{Digest, Sums, total};
use super::rows::Row;
use super::storage::{Block, Packed, Spill, Storage};
use super::traces::Traces;
use super::wanted::{BUCKETS, Wanted};
use crate::error::Result;

/// Identities are spread over so many partitions by their first byte, and the rows of each of those over so
/// many parts by the second.
pub(super) const PARTITIONS: usize = 256;
/// So many buckets are in a partition, and so many parts of it in each.
pub(super) const PARTITION_BUCKETS: usize = BUCKETS / PARTITIONS;
pub(super) const BUCKET_PARTS: usize = PARTITIONS / PARTITION_BUCKETS;
/// What the rows of each part of a partition come to.
pub(super) type Digests = [Digest; PARTITIONS];

/// Rows of a partition that are counted, digested and kept together.
const CHUNK_ROWS: usize = 1024;

/// A multiset of records.
pub struct Side {
    storage: Arc<Storage>,
    /// What it keeps rows of: of these, and of no others.
    wanted: Wanted,
    /// What all records come to, where not all rows are kept.
    sums: Option<Sums>,
    /// Traces of all records, where that is wanted.
    traces: Option<Traces>,
    /// Rows. None as long as there is no row.
    partitions: Option<Box<Partitions>>,
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
    /// Of all rows but the open ones, and how many those are.
    digests: Option<Box<Digests>>,
    digested: u64,
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
            self.digested += self.open.len() as u64;
        }
    }

    fn rows(&self) -> u64 {
        self.digested + self.open.len() as u64
    }
}

/// A bucket of a partition.
pub(super) fn bucket(number: usize, place: usize) -> u16 {
    u16::try_from(number * PARTITION_BUCKETS + place).expect("buckets are less than 2^16")
}

fn no_partitions() -> Box<Partitions> {
    Box::new(std::array::from_fn(|_| Partition::default()))
}

fn no_digests() -> Box<Digests> {
    Box::new([Digest::default(); PARTITIONS])
}

fn take(digests: &mut Digests, row: &Row, storage: &Storage) {
    digests[row.digit(1)].take(row.identity(), storage.key);
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

    /// The same, which keeps no rows but these. It is empty yet.
    #[must_use]
    pub fn keeping(self, wanted: &Wanted) -> Self {
        let sums = (!wanted.is_all()).then(Sums::new);
        let traces = wanted.is_traces().then(|| Traces::new(&self.storage));
        Self { wanted: wanted.clone(), sums, traces, ..self }
    }

    /// One that holds about so many bytes of rows in open chunks.
    fn gathering(storage: &Arc<Storage>, room: u64) -> Self {
        let room = room / PARTITIONS as u64 / bytes(1);
        Self {
            storage: Arc::clone(storage),
            wanted: Wanted::all(),
            sums: None,
            traces: None,
            partitions: None,
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
        if let Some(sums) = &mut self.sums {
            rows.iter().for_each(|row| sums.take(row, self.storage.key));
        }
        if self.wanted.is_all() {
            return self.keep(rows);
        }
        if self.wanted.is_none() {
            if let Some(traces) = &mut self.traces {
                rows.iter().for_each(|row| traces.push(row));
            }
            return Ok(());
        }
        let wanted = rows.iter().filter(|row| self.wanted.holds(row));
        let wanted: Vec<_> = wanted.copied().collect();
        self.keep(&wanted)
    }

    /// Keeps rows of records that it knows already.
    ///
    /// # Errors
    /// As [`Self::extend`].
    pub fn keep(&mut self, mut rows: &[Row]) -> Result<()> {
        while let Some(number) = self.gather(&mut rows) {
            self.seal(number)?;
        }
        Ok(())
    }

    /// Keeps no rows but these any more.
    fn narrow(&mut self, wanted: &Wanted) -> Result<()> {
        let new = if self.staging { Self::staging } else { Self::new };
        let narrow = new(&self.storage).keeping(wanted);
        let before = std::mem::replace(self, narrow);
        before.visit(|&row| self.push(row))
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

    fn seal(&mut self, number: usize) -> Result<()> {
        let partition = &mut self.partitions.get_or_insert_with(no_partitions)[number];
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
            None if self.staging => Arc::clone(self.file.insert(self.storage.file_for_staging()?)),
            None => Arc::clone(self.file.insert(self.storage.file()?)),
        };
        for partition in self.partitions.iter_mut().flat_map(|all| all.iter_mut()) {
            partition.digest(&self.storage);
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
        self.take(&other, other.held)
    }

    /// Takes everything that another side holds too; what is not in open chunks is shared. Where one of them
    /// keeps all rows and the other does not, neither do both.
    ///
    /// # Errors
    /// As [`Self::extend`].
    pub fn copy(&mut self, other: &Self) -> Result<()> {
        self.take(other, 0)
    }

    /// The same; so many bytes of what is shared then are held by this side alone.
    fn take(&mut self, other: &Self, held: u64) -> Result<()> {
        if other.records == 0 {
            return Ok(());
        }
        if self.wanted != other.wanted {
            if !self.wanted.is_all() {
                assert!(other.wanted.is_all(), "rows of the same are kept, or all");
                return other.visit(|&row| self.push(row));
            }
            self.narrow(&other.wanted)?;
        }
        if let Some(sums) = &mut self.sums {
            other.add_to(sums);
        }
        if let (Some(ours), Some(theirs)) = (&mut self.traces, &other.traces) {
            ours.merge(theirs);
        }
        self.records += other.records;
        self.held += held;
        for theirs in other.partitions.iter().flat_map(|all| all.iter().enumerate()) {
            let (number, theirs) = theirs;
            let ours = &mut self.partitions.get_or_insert_with(no_partitions)[number];
            ours.sealed.extend(theirs.sealed.iter().cloned());
            ours.blocks.extend(theirs.blocks.iter().cloned());
            ours.digested += theirs.digested;
            if let Some(theirs) = &theirs.digests {
                let digests = ours.digests.get_or_insert_with(no_digests);
                digests.iter_mut().zip(theirs.iter()).for_each(|(ours, theirs)| *ours += theirs);
            }
            self.keep(&theirs.open)?;
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

    /// Whether it keeps the rows of all records.
    pub fn keeps_all(&self) -> bool {
        self.wanted.is_all()
    }

    /// What the records of a bucket come to, and those of them without rows; `kept` are the digests of its
    /// rows.
    pub(super) fn sums_in(&self, bucket: u16, kept: &[Digest]) -> (Digest, Digest) {
        let kept = total(kept);
        self.sums.as_ref().map_or((kept, Digest::default()), |sums| {
            let all = *sums.bucket(bucket);
            (all, all - kept)
        })
    }

    /// Adds what all records come to.
    fn add_to(&self, all: &mut Sums) {
        if let Some(sums) = &self.sums {
            *all += sums;
            return;
        }
        for (number, partition) in self.partitions.iter().flat_map(|all| all.iter().enumerate()) {
            let parts = partition.digests.iter().flat_map(|digests| digests.iter().enumerate());
            parts.for_each(|(part, digest)| all.add(bucket(number, part / BUCKET_PARTS), digest));
            partition.open.iter().for_each(|row| all.take(row, self.storage.key));
        }
    }

    /// What all records come to.
    pub(super) fn total(&self) -> Digest {
        let mut sums = Sums::new();
        self.add_to(&mut sums);
        sums.total()
    }

    /// How many records are in a bucket, where not all rows are kept.
    pub(super) fn records_in(&self, bucket: u16) -> u64 {
        self.sums.as_ref().map_or(0, |sums| sums.bucket(bucket).records)
    }

    /// Traces of its records, as far as they were not given up.
    pub(super) fn traces(&self) -> Option<&Traces> {
        self.traces.as_ref()
    }

    fn partition(&self, number: usize) -> Option<&Partition> {
        self.partitions.as_ref().map(|all| &all[number])
    }

    /// How many rows are in a partition.
    pub(super) fn rows_in(&self, number: usize) -> u64 {
        self.partition(number).map_or(0, Partition::rows)
    }

    /// What the rows of each part of a partition come to.
    pub(super) fn digests(&self, number: usize) -> Box<Digests> {
        let Some(partition) = self.partition(number) else { return no_digests() };
        let mut digests = partition.digests.clone().unwrap_or_else(no_digests);
        partition.open.iter().for_each(|row| take(&mut digests, row, &self.storage));
        digests
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
