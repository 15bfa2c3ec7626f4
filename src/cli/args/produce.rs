//! Options of `produce`.

use std::path::PathBuf;

use clap::Args;

use super::OutputArgs;
use crate::limits;

/// Options of `produce`.
#[derive(Debug, Clone, Args)]
#[group(id = "to", required = true, multiple = false, args = ["stream", "delivery_stream", "lambda", "out", "resume"])]
pub struct ProduceArgs {
    /// Put on this data stream (PutRecords)
    #[arg(long, value_name = "NAME", help_heading = "Where to")]
    pub stream: Option<String>,
    /// Put on this delivery stream (Direct PUT, PutRecordBatch)
    #[arg(long, value_name = "NAME", help_heading = "Where to")]
    pub delivery_stream: Option<String>,
    /// Let this function of the stack put; its answer is the manifest
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with_all = ["input", "seed", "start", "rate"],
        help_heading = "Where to"
    )]
    pub lambda: Option<String>,
    /// Put nothing: write the records to this file, one a line; - is stdout
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["manifest", "attempts"],
        help_heading = "Where to"
    )]
    pub out: Option<PathBuf>,
    /// Go on with this manifest: put what it has no acknowledgement for
    ///
    /// The records are made up again, or read from the input again, and each must be what the
    /// manifest says.
    #[arg(
        long,
        value_name = "MANIFEST",
        conflicts_with_all = ["count", "seed", "start", "manifest"],
        help_heading = "Where to"
    )]
    pub resume: Option<PathBuf>,
    /// Records to make up
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10,
        conflicts_with = "input",
        help_heading = "Which records"
    )]
    pub count: u64,
    /// Put the records of this file instead: JSON glued or in lines, or lines of text
    #[arg(long, value_name = "FILE", help_heading = "Which records")]
    pub input: Option<PathBuf>,
    /// The same seed gives the same records and partition keys
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Which records")]
    pub seed: u64,
    /// The time in the first record, as --since takes it; without it, now
    #[arg(long, value_name = "TIME", conflicts_with = "input", help_heading = "Which records")]
    pub start: Option<String>,
    /// Records a second, at most; without it, as fast as the stream takes them
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u64).range(1..=limits::PUT_RATE_MAX),
        help_heading = "How"
    )]
    pub rate: Option<u64>,
    /// Give up after so many requests in a row of which nothing was taken
    #[arg(
        long,
        value_name = "N",
        default_value_t = limits::PUT_ATTEMPTS_DEFAULT,
        value_parser = clap::value_parser!(u32).range(1..),
        help_heading = "How"
    )]
    pub attempts: u32,
    /// Write the manifest to this file; without it, to one that is named after target and time
    #[arg(long, value_name = "FILE", help_heading = "How")]
    pub manifest: Option<PathBuf>,
    /// Where the result goes.
    #[command(flatten)]
    pub output: OutputArgs,
}
