//! The numbers of a producer, as its ledger has them.

/// What became of records and of their puts. A put is one record in one request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records to put.
    pub records: u64,
    /// Records that were put at least once.
    pub put: u64,
    /// Records that were acknowledged.
    pub acknowledged: u64,
    /// Puts in all.
    pub puts: u64,
    /// Puts that were rejected.
    pub rejected: u64,
    /// Puts without an answer: such a record may be in the stream all the same, and once more if it
    /// was put again.
    pub uncertain: u64,
}

impl Tally {
    /// Records that were not acknowledged.
    pub fn left(&self) -> u64 {
        self.records.saturating_sub(self.acknowledged)
    }

    /// Puts of records that had been put before.
    pub fn retried(&self) -> u64 {
        self.puts.saturating_sub(self.put)
    }

    /// Whether every record was acknowledged.
    pub fn is_complete(&self) -> bool {
        self.left() == 0
    }
}
