//! Of which records rows are kept, and of which it is only known what they come to.

use std::fmt;
use std::sync::Arc;

/// Identities are spread over buckets by so many of their first bits.
pub(super) const BUCKET_BITS: u32 = 12;
pub(super) const BUCKETS: usize = 1 << BUCKET_BITS;
const WORD_BITS: usize = u64::BITS as usize;

/// The buckets of which a side keeps rows. What the others come to it knows without.
#[derive(Clone, PartialEq, Eq)]
pub struct Wanted(Buckets);

#[derive(Clone, PartialEq, Eq)]
enum Buckets {
    All,
    None,
    Some(Arc<[u64; BUCKETS / WORD_BITS]>),
}

impl Wanted {
    /// All of them.
    pub fn all() -> Self {
        Self(Buckets::All)
    }

    /// None of them.
    pub fn none() -> Self {
        Self(Buckets::None)
    }

    /// These.
    pub fn these(buckets: &[u16]) -> Self {
        if buckets.is_empty() {
            return Self::none();
        }
        let mut words = [0; BUCKETS / WORD_BITS];
        for &bucket in buckets {
            words[usize::from(bucket) / WORD_BITS] |= 1 << (usize::from(bucket) % WORD_BITS);
        }
        Self(Buckets::Some(Arc::new(words)))
    }

    /// Whether it is all of them.
    pub fn is_all(&self) -> bool {
        matches!(self.0, Buckets::All)
    }

    /// Whether it is none of them.
    pub fn is_none(&self) -> bool {
        matches!(self.0, Buckets::None)
    }

    #[inline]
    pub(super) fn holds(&self, bucket: u16) -> bool {
        match &self.0 {
            Buckets::All => true,
            Buckets::None => false,
            Buckets::Some(words) => {
                words[usize::from(bucket) / WORD_BITS] >> (usize::from(bucket) % WORD_BITS) & 1 == 1
            }
        }
    }

    /// Those that are in both.
    pub(super) fn and(&self, other: &Self) -> Self {
        match (&self.0, &other.0) {
            (_, Buckets::All) => self.clone(),
            (Buckets::All, _) => other.clone(),
            (Buckets::None, _) | (_, Buckets::None) => Self::none(),
            (Buckets::Some(ours), Buckets::Some(theirs)) => {
                let both = |word: usize| ours[word] & theirs[word];
                Self(Buckets::Some(Arc::new(std::array::from_fn(both))))
            }
        }
    }
}

impl fmt::Debug for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Buckets::All => f.write_str("all"),
            Buckets::None => f.write_str("none"),
            Buckets::Some(words) => {
                let count: u32 = words.iter().map(|word| word.count_ones()).sum();
                write!(f, "{count} of {BUCKETS}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_are_those_and_no_other() {
        let some = Wanted::these(&[0, 63, 64, 0xfff]);
        let held: Vec<_> = (0..=0xfff).filter(|&bucket| some.holds(bucket)).collect();
        assert_eq!(held, [0, 63, 64, 0xfff]);
        assert!(!some.is_all() && !some.is_none());
        assert!(Wanted::none().is_none() && !Wanted::all().is_none());
        let both = some.and(&Wanted::these(&[1, 64]));
        assert_eq!(both, Wanted::these(&[64]));
        assert_eq!((both.and(&Wanted::all()), Wanted::all().and(&both)), (both.clone(), both));
    }
}
