//! What `snapshot` was asked for.

use jiff::Unit;
use jiff::tz::TimeZone;

use super::{text, time, usage};
use crate::cli::args::SnapshotArgs;
use crate::cli::env::Env;
use crate::cli::request::Snapshot;
use crate::error::Result;
use crate::expect::stream::StreamRead;

pub(super) fn snapshot(args: SnapshotArgs, env: &Env) -> Result<Snapshot> {
    // Kinesis counts in milliseconds.
    let now = env.now.round(Unit::Millisecond).unwrap_or(env.now);
    let end = |option, text: &Option<String>| {
        let instant = |text| time::instant(option, text, now, &TimeZone::UTC);
        text.as_deref().map(instant).transpose()
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
    let share = text::share(args.stream_share)?;
    let read = StreamRead { stream: args.stream, from, to, share, now };
    Ok(Snapshot { read, file: args.output, dry_run: args.dry_run })
}
