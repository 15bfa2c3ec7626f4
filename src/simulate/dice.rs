//! Seeded numbers whose sequence is ours: a library upgrade never changes what a seed gives.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// A source of numbers. Each purpose draws from a stream of its own, so that asking for one more
/// fault does not change the records.
#[derive(Debug, Clone)]
pub(super) struct Dice(ChaCha8Rng);

/// What numbers are drawn for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    Records = 1,
    Names = 2,
    RecordFaults = 3,
    ObjectFaults = 4,
    Damage = 5,
    PartitionKeys = 6,
    Partitions = 7,
}

impl Dice {
    pub(super) fn new(seed: u64, purpose: Purpose) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(purpose as u64);
        Self(rng)
    }

    /// 64 even bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `bound`, or 0 where that is 0. The bias is at most `bound / 2^64`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        scale(self.bits(), bound)
    }

    /// A place in something of this length.
    pub(super) fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }

    /// 128 bits as hexadecimal digits.
    pub(super) fn hex(&mut self) -> String {
        format!("{:016x}{:016x}", self.bits(), self.bits())
    }

    /// A version 4 UUID.
    pub(super) fn uuid(&mut self) -> String {
        let (high, low) = (self.bits(), self.bits());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | ((low >> 48) & 0x3fff),
            low & 0xffff_ffff_ffff,
        )
    }

    /// So many letters and digits.
    pub(super) fn alphanumeric(&mut self, len: usize) -> String {
        const CHARS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        (0..len).map(|_| char::from(CHARS[self.index(CHARS.len())])).collect()
    }
}

/// Maps 64 even bits to a number below `bound`.
fn scale(bits: u64, bound: u64) -> u64 {
    let wide = (u128::from(bits) * u128::from(bound)) >> 64;
    u64::try_from(wide).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_these_numbers_for_ever() {
        let mut dice = Dice::new(7, Purpose::Names);
        assert_eq!([dice.below(100), dice.below(100), dice.below(1)], [1, 19, 0]);
        assert_eq!(dice.uuid(), "9ca69b8e-82e1-45fd-8c9a-60579823531a");
        assert_eq!(dice.alphanumeric(11), "NF5uTggGpFv");
    }

    #[test]
    fn numbers_stay_below_their_bound_and_reach_it() {
        assert_eq!(scale(u64::MAX, 10), 9);
        assert_eq!(scale(0, 10), 0);
        assert_eq!(scale(u64::MAX, 0), 0);
        assert_eq!(scale(u64::MAX, u64::MAX), u64::MAX - 1);
    }
}
