//! What `simulate` is asked for.

use std::path::PathBuf;

use crate::expect::stream::StreamRead;
use crate::simulate::{Pace, Spec};

/// `simulate`.
#[derive(Debug, Clone)]
pub struct Simulate {
    /// Where to.
    pub to: SimulateTo,
    /// Which records.
    pub from: SimulateFrom,
    /// The delivery stream, and what goes wrong in it.
    pub spec: Spec,
}

/// Where `simulate` writes.
#[derive(Debug, Clone)]
pub enum SimulateTo {
    /// Into a new directory, all of it.
    Directory(PathBuf),
    /// Objects into a bucket.
    Bucket {
        /// Its name.
        bucket: String,
        /// The file of the truth.
        truth: PathBuf,
        /// The file of the records, where no data stream keeps them.
        manifest: PathBuf,
    },
}

/// Which records `simulate` delivers.
#[derive(Debug, Clone)]
pub enum SimulateFrom {
    /// So many made-up ones.
    MadeUp(u64, Pace),
    /// Those of a file, one a line.
    Input(PathBuf, Pace),
    /// What a data stream holds.
    Stream(StreamRead),
}
