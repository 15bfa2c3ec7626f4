//! The books of a run: four equations that balance, or fhcheck is wrong.

use super::SkipReason;

/// `listed = read + skipped + gaps`, in objects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ObjectBook {
    /// Objects that the listing named.
    pub listed: u64,
    /// Objects whose whole body was read.
    pub read: u64,
    /// Objects left out on purpose, by [`SkipReason::ALL`].
    pub skipped: [u64; SkipReason::ALL.len()],
    /// Objects that could not be read.
    pub gaps: u64,
}

/// `decoded = records + separators + malformed`, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ByteBook {
    /// Content bytes.
    pub decoded: u64,
    /// Bytes of records.
    pub records: u64,
    /// Bytes between records.
    pub separators: u64,
    /// Bytes that are neither.
    pub malformed: u64,
}

/// `produced = delivered + failed + pending + missing + uncertain`, in records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProducedBook {
    /// Records that were produced, or that the count says were.
    pub produced: u64,
    /// Found in a data object.
    pub delivered: u64,
    /// Found in an error-output object.
    pub failed: u64,
    /// Not found, and too young to be missing.
    pub pending: u64,
    /// Not found.
    pub missing: u64,
    /// Not found, and never acknowledged: perhaps never put.
    pub uncertain: u64,
}

/// `found = delivered + duplicates + unexpected`, in records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FoundBook {
    /// Records found in data objects.
    pub found: u64,
    /// Those that were produced.
    pub delivered: u64,
    /// Copies beyond those that were produced.
    pub duplicates: u64,
    /// Those that were never produced.
    pub unexpected: u64,
}

/// The four equations of a run. They are asserted in release builds too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Books {
    /// Objects.
    pub objects: ObjectBook,
    /// Bytes, over all objects; it holds for every single one.
    pub bytes: ByteBook,
    /// Records, seen from the producer.
    pub produced: ProducedBook,
    /// Records, seen from the bucket.
    pub found: FoundBook,
}

impl ObjectBook {
    /// Objects left out on purpose.
    pub fn skipped_total(&self) -> u64 {
        self.skipped.iter().sum()
    }

    /// # Panics
    /// When the equation does not hold, which is a defect of fhcheck.
    pub fn assert_balanced(&self) {
        let sum = self.read + self.skipped_total() + self.gaps;
        assert_eq!(self.listed, sum, "listed objects = read + skipped + gaps: {self:?}");
    }
}

impl ByteBook {
    /// Adds the bytes of one more object.
    pub fn add(&mut self, other: &Self) {
        self.decoded += other.decoded;
        self.records += other.records;
        self.separators += other.separators;
        self.malformed += other.malformed;
    }

    /// # Panics
    /// When the equation does not hold, which is a defect of fhcheck.
    pub fn assert_balanced(&self) {
        let sum = self.records + self.separators + self.malformed;
        assert_eq!(self.decoded, sum, "decoded bytes = records + separators + malformed: {self:?}");
    }
}

impl Books {
    /// # Panics
    /// When an equation does not hold, which is a defect of fhcheck.
    pub fn assert_balanced(&self) {
        self.objects.assert_balanced();
        self.bytes.assert_balanced();
        let p = &self.produced;
        let sum = p.delivered + p.failed + p.pending + p.missing + p.uncertain;
        assert_eq!(
            p.produced, sum,
            "produced = delivered + failed + pending + missing + uncertain: {p:?}"
        );
        let f = &self.found;
        let sum = f.delivered + f.duplicates + f.unexpected;
        assert_eq!(f.found, sum, "records found = delivered + duplicates + unexpected: {f:?}");
        assert_eq!(p.delivered, f.delivered, "delivered is one number: {p:?} {f:?}");
    }
}
