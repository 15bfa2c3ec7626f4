//! Partition keys: made up from a seed, so even that they spread over the shards of a data stream.

use super::dice::{Dice, Purpose};

/// Partition keys, one for each record. They never end.
#[derive(Debug, Clone)]
pub struct PartitionKeys(Dice);

impl PartitionKeys {
    /// The same seed gives the same keys.
    pub fn new(seed: u64) -> Self {
        Self(Dice::new(seed, Purpose::PartitionKeys))
    }
}

impl Iterator for PartitionKeys {
    type Item = String;

    /// 32 hexadecimal digits. A data stream hashes a key to find its shard, so any even choice of
    /// keys spreads.
    fn next(&mut self) -> Option<String> {
        Some(self.0.hex())
    }
}
