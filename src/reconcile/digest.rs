//! What a multiset of identities comes to, whatever their order: equal digests prove equal multisets
//! without a look at any row.

use std::ops::AddAssign;

use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128_with_seed};

use crate::fingerprint::Identity;

/// Count, and two sums of mixes that have nothing to do with each other. Sums wrap, so that digests of
/// parts add up to that of the whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Digest {
    pub(super) records: u64,
    sums: [u128; 2],
}

/// Seeds the two mixes. Who does not know them cannot prepare multisets whose sums agree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keys([u64; 2]);

impl Keys {
    /// From the seed of a run, which is also that of the identities, in another use.
    pub(super) fn of(seed: u64) -> Self {
        Self([b"one", b"two"].map(|name| xxh3_64_with_seed(name, seed)))
    }
}

impl Digest {
    pub(super) fn take(&mut self, identity: Identity, keys: &Keys) {
        let bytes = identity.to_le_bytes();
        self.records += 1;
        for (sum, &key) in self.sums.iter_mut().zip(&keys.0) {
            *sum = sum.wrapping_add(xxh3_128_with_seed(&bytes, key));
        }
    }
}

impl AddAssign<&Self> for Digest {
    fn add_assign(&mut self, other: &Self) {
        self.records += other.records;
        for (sum, other) in self.sums.iter_mut().zip(other.sums) {
            *sum = sum.wrapping_add(other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(identities: &[Identity]) -> Digest {
        let mut digest = Digest::default();
        identities.iter().for_each(|&identity| digest.take(identity, &Keys::of(7)));
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
    fn a_lost_pair_does_not_cancel_in_a_sum_of_halves() {
        // What sums of the identities themselves would not see.
        assert_ne!(digest(&[1, 4]), digest(&[2, 3]));
        assert_ne!(digest(&[0, 1 << 127]), digest(&[1 << 126, 1 << 126]));
    }
}
