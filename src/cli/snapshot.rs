//! `snapshot`: what a data stream holds, in a file, before retention drops it.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use jiff::SignedDuration;

use super::output::{self, Output};
use super::progress::Progress;
use super::request::{Session, Snapshot};
use super::wire;
use crate::error::{Error, Result};
use crate::exit;
use crate::expect::stream::{self, StreamEstimate, StreamRead, Summary};
use crate::outcome::Verdict;
use crate::report::screen;
use crate::report::units::{count, counted, size};

pub(super) async fn run(request: Snapshot, session: &Session) -> Result<u8> {
    let aws = wire::aws(&session.aws).await?;
    let Snapshot { read, file, dry_run } = request;
    if dry_run {
        let estimate = stream::estimate(&aws, &read).await?;
        Output::open(None)?.deliver(|out| show_estimate(&estimate, &read, out))?;
        return Ok(exit::RECONCILED);
    }
    let mut output = Output::open(Some(&file))?;
    let progress = Progress::new(session.progress);
    let summary = stream::read(&aws, &read, &mut output, &progress).await?;
    progress.clear();
    output.finish(Ok(()))?;
    if !session.quiet {
        let mut text = Vec::new();
        show(&summary, &read, &file, &mut text).map_err(|error| Error::io("stderr", error))?;
        output::say(&String::from_utf8_lossy(&text));
    }
    let verdict = if is_cut(&summary, &read) { Verdict::Inconclusive } else { Verdict::Reconciled };
    Ok(exit::code(verdict))
}

/// Whether retention has taken a part of what was asked for.
fn is_cut(summary: &Summary, read: &StreamRead) -> bool {
    read.from.is_some_and(|from| summary.complete_from > from)
}

fn show(summary: &Summary, read: &StreamRead, file: &Path, out: &mut dyn Write) -> io::Result<()> {
    let Summary { stream, counts, .. } = summary;
    let records = counted(counts.user_records, "record", "records");
    writeln!(out, "{records} of data stream {} kept, {}", screen::text(&stream.name), {
        size(counts.bytes)
    })?;
    writeln!(out)?;
    let closed = summary.shards.iter().filter(|shard| shard.closed).count() as u64;
    let shards = counted(summary.shards.len() as u64, "shard", "shards");
    writeln!(out, "  shards    {shards}, {} closed", count(closed))?;
    if counts.aggregates > 0 {
        let aggregates = counted(counts.aggregates, "is a KPL aggregate", "are KPL aggregates");
        let records = counted(counts.records, "record", "records");
        writeln!(out, "  stream    {records}, of which {aggregates}")?;
    }
    if counts.damaged_aggregates > 0 {
        let damaged = counted(counts.damaged_aggregates, "record", "records");
        writeln!(out, "  damaged   {damaged} with the beginning of a KPL aggregate, kept as put")?;
    }
    if let (Some(first), Some(last)) = (counts.first_arrival, counts.last_arrival) {
        writeln!(out, "  arrived   {first} to {last}")?;
    }
    writeln!(out, "  complete  from {} to {}", summary.complete_from, read.to)?;
    let calls = counted(summary.calls, "call", "calls");
    writeln!(out, "  calls     {calls}, {} throttled", count(summary.throttled))?;
    writeln!(out)?;
    if is_cut(summary, read) {
        let retention = hours(stream.retention);
        writeln!(out, "The stream keeps records for {retention}: those that arrived before")?;
        writeln!(out, "{} are gone, or may be. The snapshot has a gap there.", {
            summary.complete_from
        })?;
        writeln!(out)?;
    }
    let file = screen::text(&file.display().to_string()).into_owned();
    writeln!(out, "Next  fhcheck reconcile s3://BUCKET --manifest {file}")
}

fn show_estimate(
    estimate: &StreamEstimate,
    read: &StreamRead,
    out: &mut dyn Write,
) -> io::Result<()> {
    let name = screen::text(&estimate.stream.name);
    let share = read.share.as_percent();
    let shards = counted(estimate.open + estimate.closed, "shard", "shards");
    writeln!(out, "data stream {name}: {shards} to read, {} closed", count(estimate.closed))?;
    writeln!(out)?;
    writeln!(out, "  retention  {}", hours(estimate.stream.retention))?;
    writeln!(out, "  window     {} to {}", estimate.complete_from, read.to)?;
    let calls = counted(estimate.calls_at_least, "call", "calls");
    writeln!(out, "  at least   {calls}, {}", time(estimate.at_least))?;
    writeln!(out, "  at most    {}, {}", size(estimate.bytes_at_most), time(estimate.at_most))?;
    writeln!(out)?;
    writeln!(
        out,
        "At {share} % of what each shard gives to its readers. How much is in it, nothing"
    )?;
    writeln!(out, "says; the most is what it takes when 1 MiB a second is put on it all the time.")
}

fn hours(duration: SignedDuration) -> String {
    counted(duration.as_hours().unsigned_abs(), "hour", "hours")
}

/// A length of time, to the second.
fn time(duration: Duration) -> String {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    format!("{:#}", SignedDuration::from_secs(seconds))
}
