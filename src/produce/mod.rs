//! Records to a stream: made up or given, put in batches, with a ledger written ahead of every put.
//!
//! Whenever the process dies, what its ledger says is true: see [`crate::expect::manifest`]. Only what
//! was not acknowledged is put again. A put without an answer may have succeeded, so a record may be
//! in the stream more than once; the ledger says how often at most.

mod tally;

#[cfg(feature = "aws")]
mod batch;
#[cfg(feature = "aws")]
mod function;
#[cfg(feature = "aws")]
mod input;
#[cfg(feature = "aws")]
mod ledger;
#[cfg(feature = "aws")]
mod pace;
#[cfg(feature = "aws")]
mod put;
#[cfg(feature = "aws")]
mod records;
#[cfg(feature = "aws")]
mod run;
#[cfg(feature = "aws")]
mod target;

#[cfg(feature = "aws")]
pub use function::{Invocation, invoke};
#[cfg(feature = "aws")]
pub use run::{Again, Plan, again, run, write_out};
pub use tally::Tally;
#[cfg(feature = "aws")]
pub use target::Target;

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use crate::error::Error;

/// Which records to put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Records {
    /// Made-up ones. Equal values give equal records and equal partition keys.
    Seeded {
        /// Seeds records and partition keys.
        seed: u64,
        /// How many.
        count: u64,
        /// The time in the first one.
        start: Timestamp,
        /// Time from one to the next, on average.
        interval: Duration,
    },
    /// Those of a file, told apart as those of an object are.
    Input {
        /// The file. It is read twice: once to see that it is whole, once to put.
        path: PathBuf,
        /// Seeds partition keys.
        seed: u64,
    },
}

/// What a producer came to.
#[derive(Debug)]
pub struct Produced {
    /// Where records went, in words: `data stream orders`.
    pub target: String,
    /// The manifests that say what was put.
    pub manifests: Vec<PathBuf>,
    /// The numbers.
    pub tally: Tally,
    /// Why not all of them were acknowledged.
    pub failure: Option<Error>,
}
