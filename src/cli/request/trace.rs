//! What `trace` was asked for.

use super::{Output, Read};
use crate::plan::{Location, Memory};
use crate::trace::Grid;

/// `trace`.
#[derive(Debug, Clone)]
pub struct Trace {
    /// The objects; their window is that of the grid.
    pub read: Read,
    /// The delivery stream, where it is not that of a stack.
    pub delivery_stream: Option<String>,
    /// The data stream, where one was given.
    pub stream: Option<String>,
    /// What the producer says.
    pub produced: TraceProduced,
    /// The window in periods.
    pub grid: Grid,
    /// Whether the length of a period was given.
    pub given_period: bool,
    /// Where what is known of records is kept.
    pub memory: Memory,
    /// Where the result goes.
    pub output: Output,
}

/// What the producer says of the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TraceProduced {
    /// Nothing.
    Unknown,
    /// So many records were put.
    Count(u64),
    /// The records of these manifests were.
    Manifest(Vec<Location>),
}
