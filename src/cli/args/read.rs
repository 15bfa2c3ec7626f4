//! Options of the commands that read: list, dump, reconcile.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::FormatArg;
use crate::limits;

/// What to read, and how.
#[derive(Debug, Clone, Args)]
pub struct ReadArgs {
    /// s3://BUCKET[/PREFIX], a directory or a file; without it, FHCHECK_LOCATION
    ///
    /// s3://BUCKET means the prefix firehose/, s3://BUCKET/ is the whole bucket.
    #[arg(value_name = "LOCATION")]
    pub location: Option<String>,
    /// Read where this delivery stream delivers to; asks Firehose for prefix, error output and zone
    #[arg(long, value_name = "NAME", conflicts_with = "location", help_heading = "Which objects")]
    pub delivery_stream: Option<String>,
    /// Read where the delivery stream of this CloudFormation stack delivers to
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with_all = ["location", "delivery_stream"],
        help_heading = "Which objects"
    )]
    pub stack: Option<String>,
    /// Where error output is, if it is elsewhere; repeat it for several
    ///
    /// Error output below the location is found in any case, and that of --delivery-stream and
    /// --stack too.
    #[arg(long, value_name = "LOCATION", help_heading = "Which objects")]
    pub failed_location: Vec<String>,
    /// Only objects that can hold records which arrived at this time or later
    ///
    /// A timestamp (2023-05-04T08:30:00Z), a date (2023-05-04), or a time ago (30m, 2h, 1d).
    /// Objects are found by the time in their keys, the arrival of their first record: those begun
    /// up to 30 minutes before are read too, because of buffering.
    #[arg(long, value_name = "TIME", help_heading = "Which objects")]
    pub since: Option<String>,
    /// Only objects that were begun before this time
    #[arg(long, value_name = "TIME", help_heading = "Which objects")]
    pub until: Option<String>,
    /// Time zone of the times in keys, as the delivery stream has it; UTC without it
    #[arg(long, value_name = "ZONE", help_heading = "Which objects")]
    pub zone: Option<String>,
    /// Prefix of the delivery stream as it is configured, with its expressions; known with
    /// --delivery-stream and --stack, else seen in the keys
    #[arg(long, value_name = "PREFIX", help_heading = "Which objects")]
    pub prefix_format: Option<String>,
    /// What to do with objects whose key is not one that Firehose writes
    #[arg(
        long,
        value_enum,
        value_name = "HOW",
        default_value = "read",
        help_heading = "Which objects"
    )]
    pub foreign: ForeignArg,
    /// How records are told apart
    #[arg(
        long,
        value_enum,
        value_name = "HOW",
        default_value = "auto",
        help_heading = "How to read"
    )]
    pub split: SplitArg,
    /// Records have this between them; \n, \t, \r, \0, \\ and \xHH are understood
    #[arg(long, value_name = "STRING", help_heading = "How to read")]
    pub delimiter: Option<String>,
    /// Records are base64 text: decode them first
    #[arg(long, help_heading = "How to read")]
    pub base64: bool,
    /// Only say what reading would take and cost; nothing is read
    #[arg(long, help_heading = "Limits")]
    pub dry_run: bool,
    /// Refuse to read more stored bytes than this, as 10MiB, 1GB, 500k
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    pub max_bytes: Option<String>,
    /// Largest content of one object
    #[arg(long, value_name = "SIZE", default_value = "16GiB", help_heading = "Limits")]
    pub max_object_size: String,
    /// Stored bytes held at once
    #[arg(long, value_name = "SIZE", default_value = "256MiB", help_heading = "Limits")]
    pub max_in_flight: String,
    /// Requests under way at once
    #[arg(long, value_name = "N", default_value_t = 32, help_heading = "Limits")]
    pub concurrency: usize,
    /// Worker threads; without it, one a core
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub jobs: Option<usize>,
}

/// What to do with foreign objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ForeignArg {
    /// Read them like any other.
    Read,
    /// Leave them out.
    Skip,
}

/// How records are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SplitArg {
    /// By a look at the content.
    Auto,
    /// JSON values, with anything or nothing between them.
    Json,
    /// A record a line.
    Lines,
    /// Aggregates of the Kinesis Producer Library, stored as they were put.
    Kpl,
    /// Messages of the log events in subscription records of CloudWatch Logs.
    LogEvents,
}

/// Where the result goes, and what it looks like.
#[derive(Debug, Clone, Args)]
pub struct OutputArgs {
    /// What the result looks like
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        default_value = "table",
        help_heading = "Output"
    )]
    pub format: FormatArg,
    /// Write the result to this file; it appears when the run is through
    #[arg(long, short, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
}

/// Options of `list`.
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    /// What to read, and how.
    #[command(flatten)]
    pub read: ReadArgs,
    /// Read the objects, and count the records in each
    #[arg(long)]
    pub records: bool,
    /// Read the objects, and note what other readers of them will trip over
    #[arg(long)]
    pub lint: bool,
    /// Where the result goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Options of `dump`.
#[derive(Debug, Clone, Args)]
pub struct DumpArgs {
    /// What to read, and how.
    #[command(flatten)]
    pub read: ReadArgs,
    /// Write the records in error output, decoded, and only those
    #[arg(long)]
    pub failed: bool,
    /// Write JSON objects with key, offset, index and record
    #[arg(long, conflicts_with_all = ["raw", "format"])]
    pub with_origin: bool,
    /// Write nothing between records
    #[arg(long, conflicts_with = "format")]
    pub raw: bool,
    /// Write malformed bytes to this file, exactly
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    /// Where the result goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Options of `reconcile`.
#[derive(Debug, Clone, Args)]
pub struct ReconcileArgs {
    /// What to read, and how.
    #[command(flatten)]
    pub read: ReadArgs,
    /// So many records should be there, whichever they are
    #[arg(
        long,
        value_name = "N",
        conflicts_with_all = ["manifest", "stream"],
        help_heading = "What to expect"
    )]
    pub expected: Option<u64>,
    /// These records should be there: a file, directory or s3:// location; repeat it for several
    #[arg(long, value_name = "PATH", conflicts_with = "stream", help_heading = "What to expect")]
    pub manifest: Vec<String>,
    /// What this Kinesis data stream holds should be there; without NAME, the delivery stream's
    /// source
    #[arg(
        long,
        value_name = "NAME",
        num_args = 0..=1,
        default_missing_value = "",
        help_heading = "What to expect"
    )]
    pub stream: Option<String>,
    /// Percent of the 5 calls and 2 MiB a second that each shard gives to all its readers, of which
    /// Firehose is one
    #[arg(
        long,
        value_name = "PERCENT",
        default_value_t = limits::STREAM_SHARE_DEFAULT,
        requires = "stream",
        help_heading = "What to expect"
    )]
    pub stream_share: u8,
    /// Look again until all is there, or is late enough to be called lost, for this long at most
    #[arg(long, value_name = "DURATION", help_heading = "What to expect")]
    pub wait: Option<String>,
    /// When two records are the same: raw, json, or key=/POINTER[,/POINTER]
    ///
    /// raw: their bytes are equal. json: their values are, however they are spelled. key: the
    /// values at these JSON Pointers are.
    #[arg(
        long = "match",
        value_name = "HOW",
        default_value = "raw",
        help_heading = "What to expect"
    )]
    pub matching: String,
    /// Findings that are fine
    #[arg(
        long,
        value_enum,
        value_name = "KIND",
        value_delimiter = ',',
        help_heading = "What to expect"
    )]
    pub allow: Vec<AllowArg>,
    /// Keep what objects hold in this directory, and read only what is new next time
    ///
    /// What is kept of an object is used for the same version of it, read in the same way. Anything in
    /// the directory that is damaged or not fhcheck's is left out, and a note says so. Whoever may
    /// write to it decides what is reported: it is made for you alone.
    #[arg(long, value_name = "DIR", help_heading = "How to read")]
    pub cache: Option<PathBuf>,
    /// What is known of records is kept in this much memory, and the rest in temporary files
    #[arg(
        long,
        value_name = "SIZE",
        default_value = limits::MEMORY_DEFAULT_TEXT,
        help_heading = "Limits"
    )]
    pub memory: String,
    /// Directory of these temporary files; without it, TMPDIR
    #[arg(long, value_name = "DIR", help_heading = "Limits")]
    pub temp_dir: Option<PathBuf>,
    /// How many findings of a kind to show: a number, or all
    #[arg(long, value_name = "N", default_value = "10", help_heading = "Output")]
    pub samples: String,
    /// Where the result goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// A finding that may be fine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AllowArg {
    /// Copies of records that were produced.
    Duplicates,
    /// Records that were never produced.
    Unexpected,
    /// Records in error output.
    Failed,
}
