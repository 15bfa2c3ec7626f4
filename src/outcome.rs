//! What a run found out: verdict, findings, gaps, and the books that must balance.
//!
//! Three vocabularies that are never mixed: a *finding* is a proven fact about stored data, a
//! *gap* is evidence that could not be obtained, an [`Error`](crate::error::Error) ends the run.
//! Nothing here knows how it will be shown.

mod books;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use crate::limits;
use crate::split::{Damage, Format};
pub use books::{Books, ByteBook, FoundBook, ObjectBook, ProducedBook};

/// The answer to "did every record make it?".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[must_use]
pub enum Verdict {
    /// Every record is accounted for.
    Reconciled,
    /// Stored data differs from what was expected, or is damaged.
    Discrepant,
    /// Something could not be read. It outranks every finding.
    Inconclusive,
}

/// Why one object's evidence could not be obtained.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum GapReason {
    /// The object was there when it was listed and is not any more.
    Deleted,
    /// Another version took the object's place after it was listed.
    Replaced,
    /// The credentials may list the object but not read it. The text names the missing right.
    AccessDenied(String),
    /// The object is archived in this storage class and must be restored first.
    Archived(String),
    /// The body ended early or went on too long.
    Length {
        /// Bytes that the listing promised.
        expected: u64,
        /// Bytes that came.
        got: u64,
    },
    /// The body does not have the checksum that the source keeps for it.
    Checksum(String),
    /// Recognised, but fhcheck cannot read it. The text names the encoding.
    Unsupported(String),
    /// The content is larger than `--max-object-size`, or inflates beyond reason.
    TooLarge(String),
    /// The data stream no longer holds what arrived from the first instant to the second.
    Expired(Timestamp, Timestamp),
    /// The run was asked to end before it came to this.
    Interrupted,
    /// The source failed otherwise. The text says how, and after how many attempts.
    Failed(String),
}

impl fmt::Display for GapReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deleted => f.write_str("deleted after it was listed"),
            Self::Replaced => {
                f.write_str("replaced by another version after it was listed; run again")
            }
            Self::AccessDenied(what) => write!(f, "access denied: {what}"),
            Self::Archived(class) => {
                write!(f, "archived in storage class {class}; restore it, then run again")
            }
            Self::Length { expected, got } => {
                write!(f, "{got} bytes arrived instead of {expected}")
            }
            Self::Checksum(what) => write!(f, "checksum mismatch: {what}"),
            Self::Unsupported(encoding) => write!(f, "{encoding} is recognised but not read yet"),
            Self::TooLarge(what) => f.write_str(what),
            Self::Expired(from, to) => write!(
                f,
                "what arrived from {from} to {to} has expired: it is older than the stream's retention"
            ),
            Self::Interrupted => f.write_str("not read: the run was interrupted"),
            Self::Failed(what) => f.write_str(what),
        }
    }
}

impl GapReason {
    /// A short name of the reason, for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Replaced => "replaced",
            Self::AccessDenied(_) => "access-denied",
            Self::Archived(_) => "archived",
            Self::Length { .. } => "length",
            Self::Checksum(_) => "checksum",
            Self::Unsupported(_) => "unsupported",
            Self::TooLarge(_) => "too-large",
            Self::Expired(..) => "expired",
            Self::Interrupted => "interrupted",
            Self::Failed(_) => "failed",
        }
    }
}

/// Evidence that could not be obtained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The object's key.
    pub key: String,
    /// Its stored bytes, as listed.
    pub size: u64,
    /// Why it could not be read.
    pub reason: GapReason,
}

/// Why a listed object was not meant to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SkipReason {
    /// A zero-byte key that ends with `/`, as consoles make for a folder.
    FolderMarker,
    /// Its key time lies outside the window.
    OutsideWindow,
    /// Its key is not one that Firehose writes, and `--foreign skip` was given.
    Foreign,
}

impl SkipReason {
    /// All reasons, in the order in which reports name them.
    pub const ALL: [Self; 3] = [Self::FolderMarker, Self::OutsideWindow, Self::Foreign];

    /// The reason in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FolderMarker => "folder marker",
            Self::OutsideWindow => "outside the window",
            Self::Foreign => "foreign object",
        }
    }
}

/// A record's place in what is stored.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The object's key, or the manifest's path.
    pub key: String,
    /// Offset in the decoded content, in bytes.
    pub offset: u64,
}

/// Where a data stream keeps a record, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// `ShardId`.
    pub shard_id: Option<String>,
    /// `SequenceNumber`.
    pub sequence_number: Option<String>,
    /// Its place in a KPL aggregate, from 0.
    pub sub_sequence_number: Option<u64>,
    /// `PartitionKey`.
    pub partition_key: Option<String>,
    /// `ApproximateArrivalTimestamp`.
    pub arrival: Option<Timestamp>,
}

/// Why a record was not delivered, as its error document says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The error's code: `Lambda.FunctionError`, say. The set is open.
    pub code: String,
    /// The error in words; empty where nothing is said.
    pub message: String,
    /// How often Firehose tried.
    pub attempts: Option<u64>,
    /// When Firehose received the record.
    pub arrival: Option<Timestamp>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, message, .. } = self;
        let colon = if message.is_empty() { "" } else { ": " };
        write!(f, "{code}{colon}{message}")
    }
}

/// What stands in error output, whether or not it was produced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorOutput {
    /// Objects that are error output.
    pub objects: u64,
    /// Error documents in them.
    pub documents: u64,
    /// Records in these documents.
    pub records: u64,
    /// These records by the code of their error.
    pub codes: BTreeMap<String, u64>,
}

/// One identity that does not balance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sample {
    /// How many times it was produced.
    pub produced: u64,
    /// How many times it was found in data objects.
    pub found: u64,
    /// How many times it was found in error output.
    pub failed: u64,
    /// The record, or its beginning (at most [`limits::EXCERPT_BYTES`]); empty where its bytes are
    /// not at hand.
    pub excerpt: Vec<u8>,
    /// Where the manifest names it: at most [`limits::PLACES_SHOWN`].
    pub produced_at: Vec<Place>,
    /// Where it was found: at most [`limits::PLACES_SHOWN`].
    pub found_at: Vec<Place>,
    /// Where it stands in error output: at most [`limits::PLACES_SHOWN`]. The offset is that of its
    /// error document.
    pub failed_at: Vec<Place>,
    /// Why it failed, by the first of these documents.
    pub failure: Option<Failure>,
    /// Where the data stream keeps it, by the first place that names it.
    pub origin: Option<Origin>,
}

/// A class of findings: how many records, and some of them by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Class {
    /// Records in this class. For duplicates: copies beyond those that were produced.
    pub records: u64,
    /// Different identities in this class.
    pub identities: u64,
    /// The first of them, in the order of their first place.
    pub samples: Vec<Sample>,
}

/// What reconciling two multisets found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// Produced, not delivered, and found in error output.
    pub failed: Class,
    /// Produced, nowhere to be found, and too young to be missing.
    pub pending: Class,
    /// Produced, and nowhere to be found.
    pub missing: Class,
    /// Found more often than produced.
    pub duplicates: Class,
    /// Found, but never produced.
    pub unexpected: Class,
    /// Where the truth has sequence numbers: records that are in the data stream more than once, under
    /// different ones. Not a finding: each of them was produced.
    pub repeated: Class,
    /// With a count only: records that are identical to another one. Not a finding, but a loss and
    /// a duplicate may cancel behind it.
    pub identical: Class,
}

/// Bytes of a data object that are no record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// The object's key.
    pub key: String,
    /// Offset of the span in the decoded content, in bytes.
    pub offset: u64,
    /// Length of the span, in bytes.
    pub len: u64,
    /// Where reading failed, as an offset in the decoded content. It lies in the span or at its end.
    pub error_offset: u64,
    /// What was wrong there.
    pub damage: Damage,
}

/// A body that arrived whole and does not decode whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecodable {
    /// The object's key.
    pub key: String,
    /// Where decoding failed, as an offset in the stored bytes.
    pub stored_offset: u64,
    /// Content bytes that decoded before it.
    pub decoded: u64,
    /// What was wrong: "gzip body is cut", say.
    pub what: String,
}

/// Findings that the user has declared to be no reason for a discrepancy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Allow {
    /// Copies are fine.
    pub duplicates: bool,
    /// Records that were never produced are fine.
    pub unexpected: bool,
    /// Records in error output are fine.
    pub failed: bool,
}

/// Something worth knowing that is neither finding nor gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// A short name, for machines.
    pub code: &'static str,
    /// A sentence, for people.
    pub text: String,
}

/// How objects were split, and how many of them each way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Formats(pub Vec<(Format, u64)>);

impl Formats {
    /// Counts `objects` more of one format.
    pub fn add(&mut self, format: &Format, objects: u64) {
        match self.0.iter_mut().find(|(known, _)| known == format) {
            Some((_, count)) => *count += objects,
            None => self.0.push((format.clone(), objects)),
        }
    }
}

/// Objects of which an earlier run has kept what they hold, so that they need not be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cached {
    /// So many.
    pub objects: u64,
    /// Their stored bytes.
    pub bytes: u64,
}

impl Cached {
    /// Counts one more.
    pub(crate) fn add(&mut self, bytes: u64) {
        self.objects += 1;
        self.bytes += bytes;
    }
}

/// What a reconciliation found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Outcome {
    /// What was read: `s3://bucket/prefix`, or a path.
    pub location: String,
    /// What it was compared with, in words: "a count of 10", "manifest produced.ndjson".
    pub expectation: String,
    /// How records were matched: `count`, `raw`, `json` or `key=/a,/b`.
    pub matching: String,
    /// The four equations.
    pub books: Books,
    /// What is failed, missing, doubled, unexpected.
    pub differences: Differences,
    /// What stands in error output.
    pub error_output: ErrorOutput,
    /// Spans that are no record: the first by key and offset, as many as samples were asked for.
    pub malformed: Vec<Malformed>,
    /// How many such spans there are.
    pub malformed_spans: u64,
    /// Records that count although they touch damage or stand behind it.
    pub recovered: u64,
    /// Objects that do not decode whole.
    pub undecodable: Vec<Undecodable>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
    /// How objects were split.
    pub formats: Formats,
    /// Of the objects that count as read, those that came from the cache, where there is one.
    pub cached: Option<Cached>,
    /// What the user declared to be fine.
    pub allow: Allow,
    /// What is worth knowing besides.
    pub notes: Vec<Note>,
}

impl Outcome {
    /// Puts what was found as objects were done into the order of keys and offsets, and keeps as
    /// many malformed spans as samples are wanted.
    pub(crate) fn order(&mut self, samples: usize) {
        self.malformed.sort_by(|a, b| (&a.key, a.offset).cmp(&(&b.key, b.offset)));
        self.malformed.truncate(samples);
        self.undecodable.sort_by(|a, b| (&a.key, a.stored_offset).cmp(&(&b.key, b.stored_offset)));
        self.gaps.sort_by(|a, b| a.key.cmp(&b.key));
        self.formats.0.sort_by_key(|(format, _)| format.to_string());
    }

    /// Whether there is evidence that could not be had.
    pub fn has_gaps(&self) -> bool {
        !self.gaps.is_empty() || self.books.objects.gaps > 0
    }

    /// The answer. A gap outranks a finding: what could not be read is never reported as fine.
    pub fn verdict(&self) -> Verdict {
        let books = &self.books;
        if self.has_gaps() {
            return Verdict::Inconclusive;
        }
        let discrepant = books.produced.missing > 0
            || (books.produced.failed > 0 && !self.allow.failed)
            || (books.found.duplicates > 0 && !self.allow.duplicates)
            || (books.found.unexpected > 0 && !self.allow.unexpected)
            || books.bytes.malformed > 0
            || self.malformed_spans > 0
            || !self.undecodable.is_empty();
        match (discrepant, books.produced.pending) {
            (true, _) => Verdict::Discrepant,
            (false, 0) => Verdict::Reconciled,
            // What is on its way may come or not: nobody knows yet.
            (false, _) => Verdict::Inconclusive,
        }
    }
}

/// The beginning of a record, for a report.
pub fn excerpt(record: &[u8]) -> Vec<u8> {
    record[..record.len().min(limits::EXCERPT_BYTES)].to_vec()
}
