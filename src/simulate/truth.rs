//! The truth about a simulated delivery: what was produced, what went wrong and where, and what an
//! honest checker must therefore say. These are wire types: `truth.json` holds a [`Truth`].

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::outcome::Verdict;

/// Version of `truth.json`.
const VERSION: u32 = 1;

/// What was delivered, and what was done to it. Its size grows with the faults, not the records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truth {
    /// Version of this document.
    pub truth_version: u32,
    /// The seed of names and faults.
    pub seed: u64,
    /// Records produced.
    pub produced: u64,
    /// Records that stand whole in the data, copies included.
    pub written: u64,
    /// Objects written.
    pub objects: u64,
    /// Bytes of content written.
    pub content_bytes: u64,
    /// Bytes of bodies stored.
    pub stored_bytes: u64,
    /// Records that were never written.
    pub lost: Vec<Lost>,
    /// Records that were written twice.
    pub duplicated: Vec<Duplicated>,
    /// Records that are no JSON any more.
    pub garbled: Vec<Damaged>,
    /// Records that stand in error output only.
    pub failed: Vec<Failed>,
    /// Objects that end in the middle of a record; this is that record.
    pub cut: Vec<Damaged>,
    /// Objects written after their time.
    pub late: Vec<Late>,
    /// What comparing the data with the manifest must give.
    pub expected: Expected,
}

/// A record that was never written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lost {
    /// Its number among those produced, from 0.
    pub index: u64,
    /// The record; what is no UTF-8 in it is replaced.
    pub record: String,
}

/// A place in the data.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spot {
    /// The object's key.
    pub key: String,
    /// Offset in the decoded content, in bytes.
    pub offset: u64,
}

/// A record that was written twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duplicated {
    /// Its number among those produced, from 0.
    pub index: u64,
    /// The record; what is no UTF-8 in it is replaced.
    pub record: String,
    /// Where it stands.
    pub original: Spot,
    /// Where it stands again.
    pub copy: Spot,
}

/// A record that stands in error output only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failed {
    /// Its number among those produced, from 0.
    pub index: u64,
    /// The record; what is no UTF-8 in it is replaced.
    pub record: String,
    /// Where its error document stands.
    pub at: Spot,
    /// The code of its error.
    pub code: String,
}

/// A record that stands damaged in the data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Damaged {
    /// Its number among those produced, from 0.
    pub index: u64,
    /// The record as it was produced; what is no UTF-8 in it is replaced.
    pub record: String,
    /// Where what is left of it begins.
    pub at: Spot,
    /// How many bytes are left of it.
    pub len: u64,
    /// Offset of the first byte overwritten or cut off, in the decoded content.
    pub damage_offset: u64,
}

/// An object written after its time. Its key names the old hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Late {
    /// The object's key.
    pub key: String,
    /// When it was due, in RFC 3339.
    pub due: String,
    /// When it was written, in RFC 3339.
    pub modified: String,
}

/// What an honest checker says about the data, with the manifest and `--match raw`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The verdict.
    #[serde(with = "verdict")]
    pub verdict: Verdict,
    /// Records produced and found.
    pub delivered: u64,
    /// Records produced, not delivered, and found in error output.
    pub failed: u64,
    /// Records produced and not found.
    pub missing: u64,
    /// Copies beyond those produced.
    pub duplicates: u64,
    /// Objects that hold bytes which are no record.
    pub malformed_objects: u64,
    /// Objects whose stored body does not decode whole.
    pub undecodable_objects: u64,
}

impl Truth {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            truth_version: VERSION,
            seed,
            produced: 0,
            written: 0,
            objects: 0,
            content_bytes: 0,
            stored_bytes: 0,
            lost: Vec::new(),
            duplicated: Vec::new(),
            garbled: Vec::new(),
            failed: Vec::new(),
            cut: Vec::new(),
            late: Vec::new(),
            expected: Expected {
                verdict: Verdict::Reconciled,
                delivered: 0,
                failed: 0,
                missing: 0,
                duplicates: 0,
                malformed_objects: 0,
                undecodable_objects: 0,
            },
        }
    }

    /// Draws the conclusion. So many objects do not decode whole.
    pub(super) fn conclude(&mut self, balance: &Balance, undecodable: u64) {
        let damaged: BTreeSet<&str> =
            self.garbled.iter().chain(&self.cut).map(|damaged| damaged.at.key.as_str()).collect();
        let Sums { missing, failed, duplicates } = balance.sums();
        let expected = &mut self.expected;
        expected.delivered = self.produced - missing - failed;
        expected.failed = failed;
        expected.missing = missing;
        expected.duplicates = duplicates;
        expected.malformed_objects = damaged.len() as u64;
        expected.undecodable_objects = undecodable;
        let fine = missing + failed == 0 && duplicates == 0 && damaged.is_empty();
        expected.verdict = if fine { Verdict::Reconciled } else { Verdict::Discrepant };
    }
}

/// How often each victim is found beyond or below how often it was produced, and how often it
/// stands in error output. Records need not be different from each other: a loss and a copy of equal
/// records cancel.
#[derive(Debug, Default)]
pub(super) struct Balance(HashMap<Vec<u8>, (i64, u64)>);

/// What a balance comes to.
#[derive(Debug, Default)]
struct Sums {
    missing: u64,
    failed: u64,
    duplicates: u64,
}

impl Balance {
    pub(super) fn add(&mut self, record: &[u8], change: i64) {
        self.0.entry(record.trim_ascii().to_vec()).or_default().0 += change;
    }

    pub(super) fn fail(&mut self, record: &[u8]) {
        let (change, failed) = self.0.entry(record.trim_ascii().to_vec()).or_default();
        *change -= 1;
        *failed += 1;
    }

    fn sums(&self) -> Sums {
        let mut sums = Sums::default();
        for &(change, in_error_output) in self.0.values() {
            if change < 0 {
                let failed = in_error_output.min(change.unsigned_abs());
                sums.failed += failed;
                sums.missing += change.unsigned_abs() - failed;
            } else {
                sums.duplicates += change.unsigned_abs();
            }
        }
        sums
    }
}

/// A verdict as a word.
mod verdict {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::outcome::Verdict;

    const WORDS: [(Verdict, &str); 3] = [
        (Verdict::Reconciled, "reconciled"),
        (Verdict::Discrepant, "discrepant"),
        (Verdict::Inconclusive, "inconclusive"),
    ];

    pub(super) fn serialize<S: Serializer>(value: &Verdict, to: S) -> Result<S::Ok, S::Error> {
        let word = WORDS.iter().find(|(verdict, _)| verdict == value).map_or("", |(_, word)| word);
        to.serialize_str(word)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Verdict, D::Error> {
        let text = String::deserialize(from)?;
        let found = WORDS.iter().find(|(_, word)| *word == text).map(|(verdict, _)| *verdict);
        found.ok_or_else(|| D::Error::custom(format!("{text:?} is no verdict")))
    }
}
