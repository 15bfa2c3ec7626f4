//! Of which records rows are kept, and of which it is only known what they come to.

use std::fmt;
use std::sync::Arc;

use super::rows::Row;
use crate::fingerprint::Identity;

/// Identities are spread over buckets by so many of their first bits.
pub(super) const BUCKET_BITS: u32 = 12;
pub(super) const BUCKETS: usize = 1 << BUCKET_BITS;
const WORD_BITS: usize = u64::BITS as usize;

/// A bucket that differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uneven {
    /// Its number.
    pub bucket: u16,
    /// The one identity that the difference is of, where it is of one record.
    pub only: Option<Identity>,
}

/// Of which records a side keeps rows. What the others come to it knows without.
#[derive(Clone, PartialEq, Eq)]
pub struct Wanted(Rows);

#[derive(Clone, PartialEq, Eq)]
enum Rows {
    All,
    None,
    Traces,
    Of(Arc<Parts>),
}

/// Rows of some buckets: of each all of them, or those of one identity.
#[derive(PartialEq, Eq)]
struct Parts {
    all: Bits,
    one: Bits,
    only: Box<[Identity]>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Bits([u64; BUCKETS / WORD_BITS]);

impl Bits {
    fn set(&mut self, bucket: u16) {
        self.0[usize::from(bucket) / WORD_BITS] |= 1 << (usize::from(bucket) % WORD_BITS);
    }

    #[inline]
    fn has(&self, bucket: u16) -> bool {
        self.0[usize::from(bucket) / WORD_BITS] >> (usize::from(bucket) % WORD_BITS) & 1 == 1
    }

    fn count(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }
}

impl Wanted {
    /// Of all of them.
    pub fn all() -> Self {
        Self(Rows::All)
    }

    /// Of none of them.
    pub fn none() -> Self {
        Self(Rows::None)
    }

    /// Of none of them; but as long as memory allows, a trace of each says how its identity begins and where it is.
    pub fn traces() -> Self {
        Self(Rows::Traces)
    }

    /// Of what these buckets differ by.
    pub fn these(buckets: &[Uneven]) -> Self {
        let none = Bits([0; BUCKETS / WORD_BITS]);
        let mut some = Parts { all: none, one: none, only: vec![0; BUCKETS].into_boxed_slice() };
        for &Uneven { bucket, only } in buckets {
            match only {
                Some(identity) => {
                    some.one.set(bucket);
                    some.only[usize::from(bucket)] = identity;
                }
                None => some.all.set(bucket),
            }
        }
        Self(Rows::Of(Arc::new(some)))
    }

    /// Whether it is all of them.
    pub fn is_all(&self) -> bool {
        matches!(self.0, Rows::All)
    }

    /// Whether it is none of them.
    pub fn is_none(&self) -> bool {
        matches!(self.0, Rows::None | Rows::Traces)
    }

    /// Whether there are traces of them.
    pub(super) fn is_traces(&self) -> bool {
        matches!(self.0, Rows::Traces)
    }

    #[inline]
    pub(super) fn holds(&self, row: &Row) -> bool {
        match &self.0 {
            Rows::All => true,
            Rows::None | Rows::Traces => false,
            Rows::Of(some) => {
                let bucket = row.bucket();
                let is_only = || some.only[usize::from(bucket)] == row.identity();
                some.all.has(bucket) || some.one.has(bucket) && is_only()
            }
        }
    }
}

impl fmt::Debug for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Rows::All => f.write_str("all"),
            Rows::None => f.write_str("none"),
            Rows::Traces => f.write_str("none, but traces"),
            Rows::Of(some) => {
                let (all, one) = (some.all.count(), some.one.count());
                write!(f, "{all} buckets, and one identity of {one}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::Place;

    #[test]
    fn some_are_those_and_no_other() {
        let row = |bucket: u16, rest: u128| {
            let identity = u128::from(bucket) << (Identity::BITS - BUCKET_BITS) | rest;
            Row::new(identity, Place::new(0, 0))
        };
        let all = [0, 63, 0xfff].map(|bucket| Uneven { bucket, only: None });
        let one = Uneven { bucket: 64, only: Some(row(64, 5).identity()) };
        let some = Wanted::these(&[&all[..], &[one]].concat());
        let held: Vec<_> = (0..=0xfff).filter(|&bucket| some.holds(&row(bucket, 5))).collect();
        assert_eq!(held, [0, 63, 64, 0xfff]);
        assert!(some.holds(&row(63, 6)) && !some.holds(&row(64, 6)));
        assert!(!some.is_all() && !some.is_none());
        assert!(Wanted::none().is_none() && !Wanted::all().is_none());
        assert!(Wanted::all().holds(&row(1, 1)) && !Wanted::none().holds(&row(1, 1)));
        assert_eq!(format!("{some:?}"), "3 buckets, and one identity of 1");
    }
}
