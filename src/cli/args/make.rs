//! Options of the commands that make something: simulate, demo, completions, man.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use clap_complete::Shell;

use crate::limits;

/// How objects are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CompressionArg {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
    /// A ZIP archive with one entry.
    Zip,
    /// Snappy as snappy-java writes it.
    Snappy,
    /// Snappy as Hadoop writes it.
    HadoopSnappy,
    /// Zstandard.
    Zstd,
}

/// What records are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WrapArg {
    /// Nothing.
    None,
    /// Base64 text.
    Base64,
    /// Subscription records of CloudWatch Logs.
    LogEvents,
    /// Aggregates of the Kinesis Producer Library.
    Kpl,
}

/// Options of `simulate`.
#[derive(Debug, Clone, Args)]
pub struct SimulateArgs {
    /// Directory to write to; it must be new or empty
    #[arg(value_name = "DIR", required_unless_present = "to", conflicts_with = "to")]
    pub out: Option<PathBuf>,
    /// Write to this bucket instead: s3://BUCKET[/PREFIX], where PREFIX stands for --prefix
    ///
    /// No object is written over. What S3 says of when an object was written is the time of the run.
    #[arg(long, value_name = "LOCATION")]
    pub to: Option<String>,
    /// With --to: write the truth to this new file
    #[arg(long, value_name = "FILE", default_value = "fhcheck-truth.json", conflicts_with = "out")]
    pub truth: PathBuf,
    /// With --to: write the records that are produced to this new file, one a line
    #[arg(
        long,
        value_name = "FILE",
        default_value = "fhcheck-produced.ndjson",
        conflicts_with_all = ["out", "stream"]
    )]
    pub manifest: PathBuf,
    /// Deliver what this Kinesis data stream holds, as it arrived, instead of made-up records
    #[arg(long, value_name = "NAME", conflicts_with_all = ["count", "input", "rate", "start"])]
    pub stream: Option<String>,
    /// Percent of the 5 calls and 2 MiB a second that each shard gives to all its readers
    #[arg(
        long,
        value_name = "PERCENT",
        default_value_t = limits::STREAM_SHARE_DEFAULT,
        requires = "stream"
    )]
    pub stream_share: u8,
    /// Records to produce
    #[arg(long, value_name = "N", default_value_t = 10, conflicts_with = "input")]
    pub count: u64,
    /// Deliver the records of this file, one a line, instead of made-up ones
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// The same seed gives the same bytes
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Faults and how many of each: lose, duplicate, cut, garble, fail, late
    #[arg(long, value_name = "KIND=N", value_delimiter = ',')]
    pub fault: Vec<String>,
    /// How objects are compressed
    #[arg(
        long,
        value_enum,
        value_name = "HOW",
        default_value = "none",
        help_heading = "Delivery stream"
    )]
    pub compression: CompressionArg,
    /// What records are in when Firehose gets them
    #[arg(
        long,
        value_enum,
        value_name = "WHAT",
        default_value = "none",
        help_heading = "Delivery stream"
    )]
    pub wrap: WrapArg,
    /// Records are gzip before they are compressed, each by itself, as those of CloudWatch Logs are
    #[arg(long, conflicts_with = "delimiter", help_heading = "Delivery stream")]
    pub gzip_records: bool,
    /// What to put between records; \n, \t, \r, \0, \\ and \xHH are understood
    #[arg(long, value_name = "STRING", default_value = "", help_heading = "Delivery stream")]
    pub delimiter: String,
    /// Prefix of the keys, with expressions such as !{timestamp:yyyy/MM/dd}; without it, firehose/
    #[arg(long, value_name = "PREFIX", help_heading = "Delivery stream")]
    pub prefix: Option<String>,
    /// Prefix of error output, with !{firehose:error-output-type}; without it, processing-failed/
    #[arg(
        long,
        value_name = "PREFIX",
        default_value = "",
        hide_default_value = true,
        help_heading = "Delivery stream"
    )]
    pub error_prefix: String,
    /// Time zone of the times in keys
    #[arg(long, value_name = "ZONE", default_value = "UTC", help_heading = "Delivery stream")]
    pub zone: String,
    /// Content of one object, at most
    #[arg(long, value_name = "SIZE", default_value = "5MiB", help_heading = "Delivery stream")]
    pub buffer_size: String,
    /// Time that one object spans, at most
    #[arg(long, value_name = "DURATION", default_value = "5m", help_heading = "Delivery stream")]
    pub buffer_interval: String,
    /// Records a second
    #[arg(long, value_name = "N", default_value_t = 10, help_heading = "Delivery stream")]
    pub rate: u64,
    /// When the first record arrives, as --since takes it; without it, 2023-05-04T08:30:21Z
    #[arg(long, value_name = "TIME", help_heading = "Delivery stream")]
    pub start: Option<String>,
    /// Name of the delivery stream
    #[arg(
        long,
        value_name = "NAME",
        default_value = "fhcheck-demo",
        help_heading = "Delivery stream"
    )]
    pub stream_name: String,
}

/// Options of `demo`.
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// Records to produce
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub count: u64,
    /// Faults and how many of each: lose, duplicate, cut, garble, fail, late
    #[arg(long, value_name = "KIND=N", value_delimiter = ',')]
    pub fault: Vec<String>,
    /// The same seed gives the same story
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// How objects are compressed
    #[arg(long, value_enum, value_name = "HOW", default_value = "none")]
    pub compression: CompressionArg,
}

/// Options of `completions`.
#[derive(Debug, Clone, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Options of `man`.
#[derive(Debug, Clone, Args)]
pub struct ManArgs {
    /// Write a page for each command into this directory
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
