//! A record in a comparison: its identity, and where it is.

use std::fmt;

use super::storage::{Packed, bytes_at};
use super::traces::Mark;
use super::wanted::BUCKET_BITS;
use crate::fingerprint::Identity;
use crate::limits::{OBJECT_BYTES_CEILING, OBJECTS_CEILING};

/// Where a record is: the number of its object and its offset there, in eight bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(u64);

const OFFSET_BITS: u32 = OBJECT_BYTES_CEILING.trailing_zeros();
const _: () = assert!(OBJECT_BYTES_CEILING.is_power_of_two() && OBJECTS_CEILING.is_power_of_two());
const _: () = assert!(OBJECTS_CEILING.trailing_zeros() + OFFSET_BITS == u64::BITS);

impl Place {
    /// The place as a number, in the order of places.
    pub(super) fn number(self) -> u64 {
        self.0
    }

    /// The place of a number.
    pub(super) fn of_number(number: u64) -> Self {
        Self(number)
    }

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

    /// The first bits of its identity.
    #[inline]
    pub(super) fn bucket(&self) -> u16 {
        u16::try_from(self.identity[0] >> (u64::BITS - BUCKET_BITS)).unwrap_or_default()
    }

    /// How its identity begins, for a trace of it.
    #[inline]
    pub(super) fn mark(&self) -> Mark {
        Mark::of(self.identity())
    }

    /// Eight bits of its identity, the first ones from the `depth`-th byte on.
    #[inline]
    pub(super) fn digit(&self, depth: u32) -> usize {
        let half = self.identity[(depth / 8) as usize];
        (half >> (56 - depth % 8 * 8) & 0xff) as usize
    }
}

impl Packed for Row {
    const BYTES: usize = 24;

    #[inline]
    fn pack(&self, out: &mut [u8]) {
        let [high, low] = self.identity;
        for (word, out) in [high, low, self.place.0].into_iter().zip(out.chunks_exact_mut(8)) {
            out.copy_from_slice(&word.to_le_bytes());
        }
    }

    #[inline]
    fn unpack(bytes: &[u8]) -> Self {
        let word = |at| u64::from_le_bytes(bytes_at(bytes, at));
        Self { identity: [word(0), word(8)], place: Place(word(16)) }
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x} {:?}", self.identity(), self.place)
    }
}
