//! What `snapshot` was asked for.

use jiff::Unit;
use jiff::tz::TimeZone;

use super::{time, usage};
use crate::cli::args::SnapshotArgs;
use crate::cli::env::Env;
use crate::cli::request::Snapshot;
use crate::error::Result;
use crate::expect::stream::{Share, StreamRead};

pub(super) fn snapshot(args: SnapshotArgs, env: &Env) -> Result<Snapshot> {
    // Kinesis counts in milliseconds.
    let now = env.now.round(Unit::Millisecond).unwrap_or(env.now);
    let end = |option, text: &Option<String>| {
        let text = text.as_deref();
        text.map(|text| time::instant(option, text, now, &TimeZone::UTC)).transpose()
    };
    let from = end("--since", &args.since)?;
    let to = end("--until", &args.until)?.unwrap_or(now);
    if let Some(from) = from {
        if from > now {
            return Err(usage(format!("--since {from} is still to come"))
                .hint("a window may end later than now, and not begin then"));
        }
        if from >= to {
            return Err(usage(format!("the window is empty: it begins {from} and ends {to}"))
                .hint("--since must be before --until"));
        }
    }
    let share = Share::percent(args.stream_share).ok_or_else(|| {
        usage(format!("--stream-share {} is no percentage", args.stream_share))
            .hint("from 1 to 100; Firehose needs 20 of them for its calls alone")
    })?;
    let read = StreamRead { stream: args.stream, from, to, share, now };
    Ok(Snapshot { read, file: args.output, dry_run: args.dry_run })
}
