//! Options of `trace`.

use clap::{Args, ValueEnum};

use super::OutputArgs;

/// Options of `trace`.
#[derive(Debug, Clone, Args)]
pub struct TraceArgs {
    /// Where the objects are, s3://BUCKET[/PREFIX] or a directory; without it, the delivery stream
    /// says so
    #[arg(value_name = "LOCATION")]
    pub location: Option<String>,
    /// The delivery stream
    #[arg(long, value_name = "NAME", required_unless_present = "stack")]
    pub delivery_stream: Option<String>,
    /// The stack that the delivery stream is in
    #[arg(long, value_name = "NAME", conflicts_with_all = ["location", "delivery_stream"])]
    pub stack: Option<String>,
    /// The data stream that it reads; without it, the delivery stream says so
    #[arg(long, value_name = "NAME")]
    pub stream: Option<String>,
    /// So many records were put in the window
    #[arg(long, value_name = "N", conflicts_with = "manifest", help_heading = "The producer")]
    pub produced: Option<u64>,
    /// Count the records of these manifests that were put in the window; repeat it for several
    #[arg(long, value_name = "PATH", help_heading = "The producer")]
    pub manifest: Vec<String>,
    /// From this time on; without it, the last hour before --until
    ///
    /// A timestamp (2023-05-04T08:30:00Z), a date (2023-05-04), or a time ago (30m, 2h, 1d). The
    /// window is widened to whole periods.
    #[arg(long, value_name = "TIME", help_heading = "Which time")]
    pub since: Option<String>,
    /// Until this time; without it, now
    #[arg(long, value_name = "TIME", help_heading = "Which time")]
    pub until: Option<String>,
    /// How long a row spans; without it, the shortest that CloudWatch still has and that gives a
    /// table of some length
    #[arg(long, value_enum, value_name = "PERIOD", help_heading = "Which time")]
    pub period: Option<PeriodArg>,
    /// Time zone of the times in keys, as the delivery stream has it; UTC without either
    #[arg(long, value_name = "ZONE", help_heading = "Which time")]
    pub zone: Option<String>,
    /// Where error output is, if it is elsewhere; repeat it for several
    #[arg(long, value_name = "LOCATION")]
    pub failed_location: Vec<String>,
    /// Refuse to read more stored bytes than this, as 10MiB, 1GB, 500k
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    pub max_bytes: Option<String>,
    /// Where the result goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// How long a row spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PeriodArg {
    /// One minute; kept for 15 days.
    #[value(name = "1m")]
    Minute,
    /// Five minutes; kept for 63 days.
    #[value(name = "5m")]
    FiveMinutes,
    /// One hour; kept for 455 days.
    #[value(name = "1h")]
    Hour,
}
