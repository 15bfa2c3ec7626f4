//! What `trace` was asked for.

use jiff::{SignedDuration, Timestamp};

use super::{location, read, usage};
use crate::cli::args::{ForeignArg, PeriodArg, ReadArgs, SplitArg, TraceArgs};
use crate::cli::env::Env;
use crate::cli::request::{Session, Trace, TraceProduced};
use crate::error::{Error, Result};
use crate::limits;
use crate::plan::Window;
use crate::trace::{Grid, Period};

/// How far back a window reaches that nobody gave a beginning.
const LAST: SignedDuration = SignedDuration::from_hours(1);

pub(super) fn trace(args: TraceArgs, session: &Session, env: &Env) -> Result<Trace> {
    let mut read = read::read(&read_args(&args), env)?;
    let until = read.window.until.unwrap_or(env.now);
    let since = read.window.since.or_else(|| until.checked_sub(LAST).ok()).unwrap_or(until);
    if since >= env.now {
        return Err(usage(format!("the window begins {since}, which is still to come"))
            .hint("--since must be before now"));
    }
    if since >= until {
        return Err(usage(format!("the window is empty: it begins {since} and ends {until}"))
            .hint("--since must be before --until"));
    }
    let grid = Grid::new(since, until, period(&args, since, until, env.now)?, env.now);
    read.window = Window { since: Some(grid.since()), until: Some(grid.until()) };
    let manifests = args.manifest.iter().map(|text| location::manifest(text));
    let manifests = manifests.collect::<Result<Vec<_>>>()?;
    super::output::spare([&args.output.output], manifests.iter().chain(read::inputs(&read)))?;
    Ok(Trace {
        read,
        delivery_stream: args.delivery_stream,
        stream: args.stream,
        produced: match args.produced {
            Some(records) => TraceProduced::Count(records),
            None if manifests.is_empty() => TraceProduced::Unknown,
            None => TraceProduced::Manifest(manifests),
        },
        grid,
        given_period: args.period.is_some(),
        memory: super::memory(env),
        output: super::output(args.output, limits::SAMPLES_DEFAULT, session, env),
    })
}

/// The options that other commands have too.
fn read_args(args: &TraceArgs) -> ReadArgs {
    let delivery_stream = args.delivery_stream.clone().filter(|_| args.location.is_none());
    ReadArgs {
        prefix_format: None,
        stack: args.stack.clone(),
        location: args.location.clone(),
        delivery_stream,
        failed_location: args.failed_location.clone(),
        since: args.since.clone(),
        until: args.until.clone(),
        zone: args.zone.clone(),
        foreign: ForeignArg::Read,
        split: SplitArg::Auto,
        delimiter: None,
        base64: false,
        dry_run: false,
        max_bytes: args.max_bytes.clone(),
        max_object_size: limits::OBJECT_BYTES_MAX_DEFAULT.to_string(),
        max_in_flight: limits::IN_FLIGHT_BYTES_DEFAULT.to_string(),
        concurrency: limits::REQUESTS_DEFAULT,
        jobs: None,
    }
}

fn period(args: &TraceArgs, since: Timestamp, until: Timestamp, now: Timestamp) -> Result<Period> {
    let Some(given) = args.period else {
        return Period::of(since, until, now).ok_or_else(|| {
            forgotten(since).hint("the objects are still there: fhcheck list --records")
        });
    };
    let period = match given {
        PeriodArg::Minute => Period::Minute,
        PeriodArg::FiveMinutes => Period::FiveMinutes,
        PeriodArg::Hour => Period::Hour,
    };
    if period.is_kept(since, now) {
        return Ok(period);
    }
    let kept = Period::ALL.into_iter().find(|period| period.is_kept(since, now));
    let Some(kept) = kept else { return Err(forgotten(since)) };
    let days = period.retention().as_secs() / (24 * 3600);
    let message = format!(
        "CloudWatch keeps data points of {} for {days} days, and the window begins {since}",
        period.as_str()
    );
    Err(usage(message).hint(format!("--period {} is the shortest it still has", kept.as_str())))
}

fn forgotten(since: Timestamp) -> Error {
    usage(format!("CloudWatch keeps no metrics for longer than 455 days: not from {since}"))
}
