//! One side of a comparison: identities, and where each one is.

use std::fmt;

use crate::fingerprint::Identity;
use crate::limits::{OBJECT_BYTES_CEILING, OBJECTS_CEILING};

/// Where a record is: the number of its object and its offset there, in eight bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(u64);

const OFFSET_BITS: u32 = OBJECT_BYTES_CEILING.trailing_zeros();
const _: () = assert!(OBJECT_BYTES_CEILING.is_power_of_two() && OBJECTS_CEILING.is_power_of_two());
const _: () = assert!(OBJECTS_CEILING.trailing_zeros() + OFFSET_BITS == u64::BITS);

impl Place {
    /// A place.
    ///
    /// # Panics
    /// Beyond [`OBJECTS_CEILING`] or [`OBJECT_BYTES_CEILING`], which callers check first.
    pub fn new(object: u64, offset: u64) -> Self {
        assert!(object < OBJECTS_CEILING && offset < OBJECT_BYTES_CEILING);
        Self(object << OFFSET_BITS | offset)
    }

    /// The number of the object.
    pub fn object(self) -> u64 {
        self.0 >> OFFSET_BITS
    }

    /// The offset in the object's content, in bytes.
    pub fn offset(self) -> u64 {
        self.0 & (OBJECT_BYTES_CEILING - 1)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.object(), self.offset())
    }
}

/// A record: what it is and where. The identity is kept in halves, so that a row is 24 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    identity: [u64; 2],
    place: Place,
}

const _: () = assert!(size_of::<Row>() == 24);

impl Row {
    /// A record's row.
    pub fn new(identity: Identity, place: Place) -> Self {
        let halves = [identity >> 64, identity & u128::from(u64::MAX)];
        Self { identity: halves.map(|half| u64::try_from(half).unwrap_or_default()), place }
    }

    /// What it is.
    pub fn identity(&self) -> Identity {
        u128::from(self.identity[0]) << 64 | u128::from(self.identity[1])
    }

    /// Where it is.
    pub fn place(&self) -> Place {
        self.place
    }

    fn partition(&self) -> usize {
        (self.identity[0] >> (u64::BITS - PARTITION_BITS)) as usize
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x} {:?}", self.identity(), self.place)
    }
}

const PARTITION_BITS: u32 = 8;
/// Identities are spread over so many partitions by their first bits.
pub(super) const PARTITIONS: usize = 1 << PARTITION_BITS;
/// A full chunk is never moved: growth costs no copy and no spare room.
const CHUNK_ROWS: usize = 1024;

/// A multiset of records.
#[derive(Default)]
pub struct Side {
    partitions: Vec<Chunks>,
    records: u64,
}

#[derive(Default)]
struct Chunks(Vec<Vec<Row>>);

impl Chunks {
    fn push(&mut self, row: Row) {
        match self.0.last_mut() {
            Some(chunk) if chunk.len() < CHUNK_ROWS => chunk.push(row),
            _ => {
                // The first chunk of a partition grows; once it is full, more are to be expected.
                let capacity = if self.0.is_empty() { 4 } else { CHUNK_ROWS };
                let mut chunk = Vec::with_capacity(capacity);
                chunk.push(row);
                self.0.push(chunk);
            }
        }
    }
}

impl Side {
    /// Takes the records of one object, or of several.
    pub fn commit(&mut self, rows: impl IntoIterator<Item = Row>) {
        if self.partitions.is_empty() {
            self.partitions.resize_with(PARTITIONS, Chunks::default);
        }
        for row in rows {
            self.partitions[row.partition()].push(row);
            self.records += 1;
        }
    }

    /// Takes everything that another side holds.
    pub fn merge(&mut self, other: Self) {
        for chunks in other.partitions {
            self.commit(chunks.0.into_iter().flatten());
        }
    }

    /// Takes a copy of everything that another side holds.
    pub fn copy(&mut self, other: &Self) {
        self.commit(
            other.partitions.iter().flat_map(|Chunks(chunks)| chunks.iter().flatten().copied()),
        );
    }

    /// How many records it holds.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// The records of one partition, in the order of identity and place.
    pub(super) fn partition(&self, number: usize) -> Vec<Row> {
        // A side that holds nothing has no partitions.
        let Some(Chunks(chunks)) = self.partitions.get(number) else { return Vec::new() };
        let mut rows = Vec::with_capacity(chunks.iter().map(Vec::len).sum());
        for chunk in chunks {
            rows.extend_from_slice(chunk);
        }
        rows.sort_unstable();
        rows
    }
}

impl fmt::Debug for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Side").field("records", &self.records).finish_non_exhaustive()
    }
}
