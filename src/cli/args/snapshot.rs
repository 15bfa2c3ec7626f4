//! Options of `snapshot`.

use std::path::PathBuf;

use clap::Args;

use crate::limits;

/// Options of `snapshot`.
#[derive(Debug, Clone, Args)]
pub struct SnapshotArgs {
    /// Name or ARN of the data stream
    #[arg(long, value_name = "NAME")]
    pub stream: String,
    /// Write the snapshot to this file; it appears when it is whole
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// Only records that arrived at this time or later; without it, from the oldest on
    ///
    /// A timestamp (2023-05-04T08:30:00Z), a date (2023-05-04, in UTC), or a time ago (30m, 2h, 1d).
    /// Arrival is approximate: the snapshot holds a minute more at both ends.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only records that arrived before this time; without it, now. A time to come is waited for
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Percent of the 5 calls and 2 MiB a second that each shard gives to all its readers, of which
    /// Firehose is one
    #[arg(long, value_name = "PERCENT", default_value_t = limits::STREAM_SHARE_DEFAULT)]
    pub stream_share: u8,
    /// Only say what reading would take; nothing is read
    #[arg(long)]
    pub dry_run: bool,
}
