//! A reconciliation for people: verdict, books, findings, what to do next.

use std::io;

use super::trouble::{Trouble, only_first};
use super::{Page, Tone, books, next, verdict};
use crate::limits;
use crate::outcome::{Class, Origin, Outcome, Place, Sample, SkipReason};
use crate::report::screen;
use crate::report::units::{count, counted, size, times};
use crate::split::Format;

pub(super) fn write(outcome: &Outcome, page: &mut Page<'_>) -> io::Result<()> {
    verdict::write(outcome, page)?;
    page.blank()?;
    write_question(outcome, page)?;
    page.blank()?;
    books::write(outcome, page)?;
    write_failed(outcome, page)?;
    write_missing(outcome, page)?;
    write_pending(outcome, page)?;
    write_duplicates(outcome, page)?;
    write_unexpected(outcome, page)?;
    write_repeated(outcome, page)?;
    write_identical(outcome, page)?;
    Trouble::of(outcome).write(page)?;
    write_skipped(&outcome.books.objects.skipped, page)?;
    page.notes(&outcome.notes)?;
    next::write(outcome, page)
}

/// What was compared with what.
fn write_question(outcome: &Outcome, page: &mut Page<'_>) -> io::Result<()> {
    let expected = screen::text(&outcome.expectation);
    let matched = match outcome.matching.as_str() {
        "count" => String::new(),
        "raw" => ", matched by bytes".to_owned(),
        "json" => ", matched as JSON values".to_owned(),
        other => format!(", matched by {}", screen::text(other)),
    };
    page.labelled(Tone::Dim, "  stored  ", &screen::text(&outcome.location))?;
    page.labelled(Tone::Dim, "  expected", &format!("{expected}{matched}"))?;
    if let Some(cached) = outcome.cached {
        let objects = counted(cached.objects, "object", "objects");
        let text = format!("{objects} from the cache, {} not read", size(cached.bytes));
        page.labelled(Tone::Dim, "  known   ", &text)?;
    }
    match outcome.formats.0.as_slice() {
        [] | [(Format::Json, _)] => Ok(()),
        formats => {
            let each = formats.iter().map(|(format, objects)| {
                format!("{format} ({})", counted(*objects, "object", "objects"))
            });
            page.labelled(Tone::Dim, "  split as", &each.collect::<Vec<_>>().join(", "))
        }
    }
}

/// What failed, and by which codes everything in error output did.
fn write_failed(outcome: &Outcome, page: &mut Page<'_>) -> io::Result<()> {
    let class = &outcome.differences.failed;
    let text = counted(class.records, "record", "records") + " in error output";
    let (tone, text) = allowed(outcome.allow.failed, text);
    write_heading(tone, "Failed", text, class, page)?;
    if class.samples.len() > 1 {
        let codes = outcome.error_output.codes.iter();
        let codes =
            codes.map(|(code, records)| format!("{} {}", count(*records), screen::text(code)));
        page.labelled(Tone::Dim, "  by code ", &codes.collect::<Vec<_>>().join(", "))?;
    }
    write_samples(class, page)
}

/// What may come yet.
fn write_pending(outcome: &Outcome, page: &mut Page<'_>) -> io::Result<()> {
    let class = &outcome.differences.pending;
    let text = counted(class.records, "record", "records") + "; too young to be missing";
    write_class(Tone::Unsure, "Pending", text, class, page)
}

/// What is no finding: it was produced so.
fn write_repeated(outcome: &Outcome, page: &mut Page<'_>) -> io::Result<()> {
    let class = &outcome.differences.repeated;
    let copies = counted(class.records, "copy", "copies");
    let of = counted(class.identities, "record", "records");
    let text = format!("{copies} of {of}, each under a sequence number of its own");
    write_class(Tone::Strong, "Twice in the stream", text, class, page)
}

fn write_missing(outcome: &Outcome, page: &mut Page<'_>) -> io::Result<()> {
    let class = &outcome.differences.missing;
    let records = counted(class.records, "record", "records");
    let (tone, title, text) = if outcome.has_gaps() {
        (Tone::Unsure, "Not found", format!("{records}; what could not be read may hold them"))
    } else {
        (Tone::Bad, "Missing", records)
    };
    write_class(tone, title, text, class, page)
}

fn write_duplicates(outcome: &Outcome, page: &mut Page<'_>) -> io::Result<()> {
    let class = &outcome.differences.duplicates;
    let copies = counted(class.records, "copy", "copies");
    let text = format!("{copies} of {}", counted(class.identities, "record", "records"));
    let (tone, text) = allowed(outcome.allow.duplicates, text);
    write_class(tone, "Duplicates", text, class, page)
}

fn write_unexpected(outcome: &Outcome, page: &mut Page<'_>) -> io::Result<()> {
    let class = &outcome.differences.unexpected;
    let text = counted(class.records, "record was", "records were") + " never produced";
    let (tone, text) = allowed(outcome.allow.unexpected, text);
    write_class(tone, "Unexpected", text, class, page)
}

/// With a count: what the count may hide.
fn write_identical(outcome: &Outcome, page: &mut Page<'_>) -> io::Result<()> {
    let class = &outcome.differences.identical;
    let text = counted(class.records, "record equals", "records equal") + " another one";
    write_class(Tone::Unsure, "Identical", text, class, page)
}

fn allowed(allowed: bool, text: String) -> (Tone, String) {
    if allowed { (Tone::Strong, text + " (allowed)") } else { (Tone::Bad, text) }
}

fn write_class(
    tone: Tone,
    title: &str,
    text: String,
    class: &Class,
    page: &mut Page<'_>,
) -> io::Result<()> {
    write_heading(tone, title, text, class, page)?;
    write_samples(class, page)
}

fn write_heading(
    tone: Tone,
    title: &str,
    mut text: String,
    class: &Class,
    page: &mut Page<'_>,
) -> io::Result<()> {
    if class.samples.is_empty() {
        return Ok(());
    }
    let shown = class.samples.len().min(page.layout.samples);
    text.push_str(&only_first(shown as u64, class.identities));
    page.section(tone, title, &text)
}

fn write_samples(class: &Class, page: &mut Page<'_>) -> io::Result<()> {
    let shown = class.samples.len().min(page.layout.samples);
    class.samples[..shown].iter().try_for_each(|sample| write_sample(sample, page))
}

fn write_sample(sample: &Sample, page: &mut Page<'_>) -> io::Result<()> {
    let mut excerpt = screen::excerpt(&sample.excerpt);
    if sample.excerpt.len() >= limits::EXCERPT_BYTES {
        excerpt.push('…');
    }
    if !excerpt.is_empty() {
        page.verbatim(2, &excerpt)?;
    }
    if sample.produced > 1 || sample.found > 1 {
        let counts = match sample.produced {
            0 => format!("found {}", times(sample.found)),
            produced => format!("produced {}, found {}", times(produced), times(sample.found)),
        };
        page.line(&format!("    {counts}"))?;
    }
    if let Some(failure) = &sample.failure {
        let mut text = screen::text(&failure.to_string()).into_owned();
        if let Some(attempts) = failure.attempts {
            text.push_str(&format!(" ({})", counted(attempts, "attempt", "attempts")));
        }
        page.labelled(Tone::Dim, "    error   ", &text)?;
    }
    if let Some(origin) = &sample.origin {
        page.labelled(Tone::Dim, "    stream  ", &origin_text(origin))?;
    }
    write_places("failed    ", &sample.failed_at, sample.failed, page)?;
    write_places("stored    ", &sample.found_at, sample.found, page)?;
    write_places("manifest  ", &sample.produced_at, sample.produced, page)
}

/// "shardId-000000000000, sequence number 4951…, arrived 2026-07-04T09:30:00Z".
fn origin_text(origin: &Origin) -> String {
    let Origin { shard_id, sequence_number, sub_sequence_number, partition_key, arrival } = origin;
    let mut parts = Vec::new();
    parts.extend(shard_id.clone());
    parts.extend(sequence_number.as_ref().map(|number| format!("sequence number {number}")));
    parts.extend(sub_sequence_number.map(|number| format!("record {number} of an aggregate")));
    parts.extend(partition_key.as_ref().map(|key| format!("partition key {key}")));
    parts.extend(arrival.map(|arrival| format!("arrived {arrival}")));
    screen::text(&parts.join(", ")).into_owned()
}

fn write_places(label: &str, places: &[Place], total: u64, page: &mut Page<'_>) -> io::Result<()> {
    let mut lead = format!("    {}", page.paint(Tone::Dim, label));
    for place in places {
        let at = format!(" @ {}", count(place.offset));
        let key = page.key(&place.key, 4 + label.len() + at.len());
        page.line(&format!("{lead}{key}{at}"))?;
        lead = " ".repeat(4 + label.len());
    }
    let more = total.saturating_sub(places.len() as u64);
    if more > 0 && !places.is_empty() {
        page.line(&format!("{lead}and {}", counted(more, "more place", "more places")))?;
    }
    Ok(())
}

/// "Skipped  1 folder marker, 2 outside the window".
pub(super) fn write_skipped(
    skipped: &[u64; SkipReason::ALL.len()],
    page: &mut Page<'_>,
) -> io::Result<()> {
    let parts: Vec<_> = SkipReason::ALL
        .iter()
        .zip(skipped)
        .filter(|(_, objects)| **objects > 0)
        .map(|(reason, objects)| match (reason, *objects) {
            (SkipReason::OutsideWindow, objects) => {
                format!("{} {}", count(objects), reason.as_str())
            }
            (reason, objects) => {
                counted(objects, reason.as_str(), &format!("{}s", reason.as_str()))
            }
        })
        .collect();
    if parts.is_empty() {
        return Ok(());
    }
    page.section(Tone::Strong, "Skipped", &parts.join(", "))
}
