//! What a run tells whoever watches it. Nothing that is said here is ever read back.

use crate::outcome::GapReason;

/// A moment in a run.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The listing named one more object.
    Listed {
        /// Its stored bytes.
        bytes: u64,
    },
    /// The listing is complete: so much is going to be read.
    ReadingStarts {
        /// Objects.
        objects: u64,
        /// Stored bytes.
        bytes: u64,
    },
    /// One object's body is at hand and being worked on.
    Fetched {
        /// Its key.
        key: &'a str,
        /// Its stored bytes.
        bytes: u64,
    },
    /// One object is done.
    Done {
        /// Its key.
        key: &'a str,
        /// Its stored bytes.
        bytes: u64,
        /// Records in it.
        records: u64,
    },
    /// One object could not be read.
    Gap {
        /// Its key.
        key: &'a str,
        /// Its stored bytes.
        bytes: u64,
        /// Why.
        reason: &'a GapReason,
    },
    /// The records of a manifest are being read.
    Manifest {
        /// Records so far.
        records: u64,
    },
    /// A data stream is being read.
    Stream {
        /// Records so far, those in aggregates included.
        records: u64,
        /// Their bytes in the stream.
        bytes: u64,
        /// Shards that are read.
        done: u64,
        /// Shards that are known.
        shards: u64,
    },
    /// The differences are being computed.
    Comparing,
    /// A step of the work on a stack begins.
    Step {
        /// What is done, in words.
        text: &'a str,
    },
    /// A resource of a stack, or the stack itself, has come into a state.
    Resource {
        /// Its name, after those of the nested stacks that it is in: `Delivery/Stream`.
        path: &'a str,
        /// Its type: `AWS::Kinesis::Stream`.
        kind: &'a str,
        /// The state, as CloudFormation spells it.
        state: &'a str,
        /// Why, where CloudFormation says so.
        reason: Option<&'a str>,
    },
    /// A bucket is being emptied.
    Emptied {
        /// Its name.
        bucket: &'a str,
        /// Versions of objects deleted so far.
        removed: u64,
    },
    /// Records are going to be put.
    PuttingStarts {
        /// So many.
        records: u64,
    },
    /// One request to put was answered, or got no answer.
    Put {
        /// Records that it acknowledged.
        acknowledged: u64,
        /// Records that it did not.
        rejected: u64,
    },
}

/// Watches a run.
pub trait Observer: Send + Sync {
    /// Told of each moment as it happens, from any thread.
    fn on(&self, event: Event<'_>);
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn on(&self, _: Event<'_>) {}
}
