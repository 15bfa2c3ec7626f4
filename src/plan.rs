//! A validated request: what to read, how to read it, what to compare it with.
//!
//! Environment, clock and terminal have been resolved before a plan exists. None of these types
//! has a default: whoever makes one decides everything.

use std::fmt;
use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::fingerprint::Policy;
use crate::outcome::Allow;
use crate::split::FormatChoice;

/// Where objects are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A prefix of a bucket. An empty prefix is the whole bucket.
    S3 {
        /// The bucket's name.
        bucket: String,
        /// What every key starts with.
        prefix: String,
    },
    /// A directory or a file on this machine.
    Local(PathBuf),
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
            Self::Local(path) => write!(f, "{}", path.display()),
        }
    }
}

/// A span of time, `[since, until)`; either end may be open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Window {
    /// The first instant inside.
    pub since: Option<Timestamp>,
    /// The first instant after it.
    pub until: Option<Timestamp>,
}

impl Window {
    /// Whether both ends are open.
    pub fn is_open(&self) -> bool {
        self.since.is_none() && self.until.is_none()
    }
}

/// What to do with objects whose key is not one that Firehose writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// Read them like any other; they are marked in the listing and counted in a note.
    Read,
    /// Leave them out, as skipped objects.
    Skip,
}

/// The caps of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest content of one object, in bytes.
    pub object_bytes: u64,
    /// Largest sum of stored bytes that the run may read; `None` is no limit.
    pub total_bytes: Option<u64>,
    /// Stored bytes held by fetched bodies at once.
    pub in_flight_bytes: u64,
    /// Requests under way at once.
    pub requests: usize,
    /// Worker threads for everything after the hand-over of a body.
    pub workers: usize,
}

/// What to read and how.
#[derive(Debug, Clone)]
pub struct ReadPlan {
    /// Where the objects are.
    pub location: Location,
    /// Which of them, by the time in their keys.
    pub window: Window,
    /// The time zone of the times in keys (`CustomTimeZone` of the delivery stream; UTC unless set).
    pub zone: TimeZone,
    /// The delivery stream's `Prefix`, as it was written, where somebody said it; else how keys tell
    /// time is seen in the keys.
    pub prefix: Option<String>,
    /// Objects with other keys than Firehose's.
    pub foreign: Foreign,
    /// How records are told apart.
    pub format: FormatChoice,
    /// Whether content is decoded first where it is base64 text.
    pub base64: bool,
    /// Every cap.
    pub limits: Limits,
}

/// Where what is known of records is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    /// Bytes that may be kept in memory.
    pub bytes: u64,
    /// The directory of the temporary files that hold the rest.
    pub overflow: PathBuf,
}

/// What should be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expectation {
    /// So many records, whichever they are.
    Count(u64),
    /// The records of these manifests, together. A manifest is content like an object's, plain or
    /// compressed.
    Manifest(Vec<Location>),
    /// What this data stream holds.
    Stream(String),
}

/// Which records may still be on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Young {
    /// Those that were put, or arrived, at this instant or later.
    pub since: Timestamp,
    /// Those of which nobody knows when, too.
    pub untimed: bool,
}

/// A reconciliation.
#[derive(Debug, Clone)]
pub struct ReconcilePlan {
    /// What to read.
    pub read: ReadPlan,
    /// What to compare it with.
    pub expectation: Expectation,
    /// When two records are the same. A count ignores it.
    pub policy: Policy,
    /// Findings that are fine.
    pub allow: Allow,
    /// How many samples to keep of each kind of finding.
    pub samples: usize,
    /// Records from before this instant need not be there: the delivery stream began to read then
    /// (`DeliveryStartTimestamp`).
    pub delivery_start: Option<Timestamp>,
    /// Records that are not there, and may come yet. `None`: all have had their time.
    pub young: Option<Young>,
    /// Where what is known of records is kept.
    pub memory: Memory,
    /// Seeds the identities of this run, so that nobody can prepare records that collide.
    pub seed: u64,
}
