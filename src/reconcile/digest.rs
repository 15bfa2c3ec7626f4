//! What a multiset of identities comes to, whatever their order: equal digests prove equal multisets
//! without a look at any row.

use std::ops::{AddAssign, Sub};

use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128_with_seed};

use super::rows::Row;
use super::wanted::BUCKETS;
use crate::fingerprint::Identity;

/// Count, and two sums that have nothing to do with each other: of the identities, which are seeded hashes
/// themselves, and of hashes of them. Sums wrap, so that digests of parts add up to that of the whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Digest {
    pub(super) records: u64,
    identities: u128,
    hashes: u128,
}

/// Seeds the hashes of identities. Who does not know it cannot prepare multisets whose sums agree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key(u64);

impl Key {
    /// From the seed of a run, which is also that of the identities, in another use.
    pub(super) fn of(seed: u64) -> Self {
        Self(xxh3_64_with_seed(b"digest", seed))
    }
}

impl Digest {
    #[inline]
    pub(super) fn take(&mut self, identity: Identity, key: Key) {
        self.records += 1;
        self.identities = self.identities.wrapping_add(identity);
        let hash = xxh3_128_with_seed(&identity.to_le_bytes(), key.0);
        self.hashes = self.hashes.wrapping_add(hash);
    }
}

impl AddAssign<&Self> for Digest {
    fn add_assign(&mut self, other: &Self) {
        self.records += other.records;
        self.identities = self.identities.wrapping_add(other.identities);
        self.hashes = self.hashes.wrapping_add(other.hashes);
    }
}

impl Sub for Digest {
    type Output = Self;

    fn sub(self, part: Self) -> Self {
        Self {
            records: self.records.wrapping_sub(part.records),
            identities: self.identities.wrapping_sub(part.identities),
            hashes: self.hashes.wrapping_sub(part.hashes),
        }
    }
}

/// The identity that two multisets differ by, where they differ by one record.
pub(super) fn only_difference(one: Digest, other: Digest, key: Key) -> Option<Identity> {
    [one - other, other - one].into_iter().find_map(|difference| {
        let mut single = Digest::default();
        single.take(difference.identities, key);
        (single == difference).then_some(difference.identities)
    })
}

/// What every bucket comes to. They are few enough to stay in a core's own cache: a record may be of any.
pub(super) struct Sums(Box<[Digest; BUCKETS]>);

impl Sums {
    pub(super) fn new() -> Self {
        // Not an array first: that would be much for a thread's stack.
        let digests = vec![Digest::default(); BUCKETS].into_boxed_slice();
        Self(digests.try_into().expect("there are as many"))
    }

    #[inline]
    pub(super) fn take(&mut self, row: &Row, key: Key) {
        self.0[usize::from(row.bucket())].take(row.identity(), key);
    }

    pub(super) fn add(&mut self, bucket: u16, digest: &Digest) {
        self.0[usize::from(bucket)] += digest;
    }

    pub(super) fn bucket(&self, bucket: u16) -> &Digest {
        &self.0[usize::from(bucket)]
    }

    /// What they come to together.
    pub(super) fn total(&self) -> Digest {
        total(&self.0[..])
    }
}

impl AddAssign<&Self> for Sums {
    fn add_assign(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0.iter()).for_each(|(ours, theirs)| *ours += theirs);
    }
}

/// What several come to together.
pub(super) fn total(digests: &[Digest]) -> Digest {
    digests.iter().fold(Digest::default(), |mut total, digest| {
        total += digest;
        total
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(identities: &[Identity]) -> Digest {
        let mut digest = Digest::default();
        identities.iter().for_each(|&identity| digest.take(identity, Key::of(7)));
        digest
    }

    #[test]
    fn order_does_not_matter_and_everything_else_does() {
        let all = digest(&[1, 2, 2, 3]);
        assert_eq!(all, digest(&[2, 3, 1, 2]));
        let mut parts = digest(&[2, 3]);
        parts += &digest(&[1, 2]);
        assert_eq!(all, parts);
        for other in [&[1, 2, 3][..], &[1, 1, 2, 3], &[1, 2, 3, 3], &[0, 3, 2, 3], &[1, 2, 2, 4]] {
            assert_ne!(all, digest(other), "{other:?}");
        }
    }

    #[test]
    fn a_difference_of_one_record_says_which_it_is() {
        let (all, key) = (digest(&[5, 9, 9, 7]), Key::of(7));
        assert_eq!(only_difference(all, digest(&[9, 5, 9]), key), Some(7));
        assert_eq!(only_difference(digest(&[9, 5, 7]), all, key), Some(9));
        assert_eq!(only_difference(all, all, key), None);
        for other in [&[5, 9][..], &[5, 9, 9, 8], &[5, 9, 9, 7, 1, 2], &[1, 2, 3]] {
            assert_eq!(only_difference(all, digest(other), key), None, "{other:?}");
        }
    }

    #[test]
    fn a_lost_pair_does_not_cancel_in_a_sum_of_halves() {
        // What sums of the identities themselves would not see.
        assert_ne!(digest(&[1, 4]), digest(&[2, 3]));
        assert_ne!(digest(&[0, 1 << 127]), digest(&[1 << 126, 1 << 126]));
    }
}
