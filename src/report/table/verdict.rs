//! The first line: the verdict, and what it rests on.

use std::io;

use super::{Page, Tone};
use crate::check::{DumpOutcome, Listing};
use crate::outcome::{Outcome, Verdict};
use crate::report::units::{count, counted};
use crate::report::{Totals, identity_checked};

fn name(verdict: Verdict) -> (Tone, &'static str) {
    match verdict {
        Verdict::Reconciled => (Tone::Good, "RECONCILED"),
        Verdict::Discrepant => (Tone::Bad, "DISCREPANT"),
        Verdict::Inconclusive => (Tone::Unsure, "INCONCLUSIVE"),
    }
}

/// The verdict of a reconciliation, and what a count cannot know.
pub(super) fn write(outcome: &Outcome, page: &mut Page<'_>) -> io::Result<()> {
    let verdict = outcome.verdict();
    let (tone, name) = name(verdict);
    let text = match verdict {
        Verdict::Reconciled => delivered(outcome),
        Verdict::Discrepant => findings(outcome).join(", "),
        Verdict::Inconclusive => inconclusive(outcome),
    };
    page.labelled(tone, name, &text)?;
    if identity_checked(outcome) {
        return Ok(());
    }
    let identical = outcome.differences.identical.records;
    let warning = if identical == 0 {
        "identity was not checked (only the count): a loss and an unexpected record would cancel out"
            .to_owned()
    } else {
        format!(
            "identity was not checked (only the count), and {} identical to another one: \
             a loss and a duplicate would cancel out",
            if identical == 1 {
                "1 record is".to_owned()
            } else {
                format!("{} records are", count(identical))
            }
        )
    };
    let lead = " ".repeat(name.len());
    page.labelled(Tone::Plain, &lead, &warning)
}

/// "10 of 10 records delivered", and what was allowed besides.
fn delivered(outcome: &Outcome) -> String {
    let books = &outcome.books;
    let produced = books.produced.produced;
    if produced == 0 && books.found.found == 0 {
        return "nothing was expected, and nothing is there".to_owned();
    }
    let word = if produced == 1 { "record" } else { "records" };
    let delivered = count(books.produced.delivered);
    // A count finds records; only an identity shows that they are the ones that were produced.
    let done = if identity_checked(outcome) { "delivered" } else { "found" };
    let mut text = format!("{delivered} of {} {word} {done}", count(produced));
    let besides = [
        (books.produced.failed, "failed"),
        (books.produced.pending, "pending"),
        (books.produced.uncertain, "uncertain"),
        (
            books.found.duplicates,
            if books.found.duplicates == 1 { "duplicate" } else { "duplicates" },
        ),
        (books.found.unexpected, "unexpected"),
    ];
    for (number, word) in besides.iter().filter(|(number, _)| *number > 0) {
        text.push_str(&format!(", {} {word}", count(*number)));
    }
    text
}

/// "1 record missing", "1 duplicate": what makes it a discrepancy.
fn findings(outcome: &Outcome) -> Vec<String> {
    let (books, allow) = (&outcome.books, &outcome.allow);
    let mut parts = Vec::new();
    let missing = books.produced.missing;
    if missing > 0 {
        parts.push(format!("{} missing", counted(missing, "record", "records")));
    }
    if books.produced.failed > 0 && !allow.failed {
        parts.push(format!("{} failed", counted(books.produced.failed, "record", "records")));
    }
    if books.found.duplicates > 0 && !allow.duplicates {
        parts.push(counted(books.found.duplicates, "duplicate", "duplicates"));
    }
    if books.found.unexpected > 0 && !allow.unexpected {
        parts.push(counted(books.found.unexpected, "unexpected record", "unexpected records"));
    }
    parts.extend(damage(outcome.malformed_spans, outcome.undecodable.len() as u64));
    parts
}

fn damage(spans: u64, undecodable: u64) -> Vec<String> {
    let mut parts = Vec::new();
    if spans > 0 {
        parts.push(counted(spans, "malformed span", "malformed spans"));
    }
    if undecodable > 0 {
        parts.push(counted(undecodable, "damaged object", "damaged objects"));
    }
    parts
}

fn unread(objects: u64) -> String {
    format!("{} could not be read", counted(objects, "object", "objects"))
}

/// What could not be read, then what is known all the same.
fn inconclusive(outcome: &Outcome) -> String {
    if !outcome.has_gaps() {
        let pending = counted(outcome.books.produced.pending, "record", "records");
        return format!("{pending} may still be on their way; {}", delivered(outcome));
    }
    let mut findings = findings(outcome);
    let missing = outcome.books.produced.missing;
    if missing > 0 {
        // What is not found may stand in what was not read: nobody can call it missing.
        findings[0] = format!("{} not found in the rest", counted(missing, "record", "records"));
    }
    let gaps = outcome.books.objects.gaps;
    let mut parts = Vec::new();
    if gaps > 0 {
        parts.push(unread(gaps));
    }
    if outcome.gaps.len() as u64 > gaps {
        parts.push("a part of the data stream has expired".to_owned());
    }
    let unread = parts.join(", ");
    if findings.is_empty() {
        format!("{unread}; {} all the same", delivered(outcome))
    } else {
        format!("{unread}; {}", findings.join(", "))
    }
}

/// The verdict on a listing, where there is something to say.
pub(super) fn write_list(
    listing: &Listing,
    totals: &Totals,
    page: &mut Page<'_>,
) -> io::Result<()> {
    let undecodable = listing.undecodable.len() as u64;
    let gaps = listing.book.gaps.max(listing.gaps.len() as u64);
    trouble(listing.verdict(), gaps, damage(totals.malformed_spans, undecodable), page)
}

/// The verdict on a dump, where there is something to say.
pub(super) fn write_dump(outcome: &DumpOutcome, page: &mut Page<'_>) -> io::Result<()> {
    let damage = damage(outcome.malformed_spans, outcome.undecodable.len() as u64);
    let gaps = outcome.objects.gaps.max(outcome.gaps.len() as u64);
    trouble(outcome.verdict(), gaps, damage, page)
}

fn trouble(
    verdict: Verdict,
    gaps: u64,
    damage: Vec<String>,
    page: &mut Page<'_>,
) -> io::Result<()> {
    let (tone, name) = name(verdict);
    match verdict {
        Verdict::Reconciled => Ok(()),
        Verdict::Discrepant => page.labelled(tone, name, &damage.join(", ")),
        Verdict::Inconclusive => {
            let parts: Vec<_> = std::iter::once(unread(gaps)).chain(damage).collect();
            page.labelled(tone, name, &parts.join(", "))
        }
    }
}
