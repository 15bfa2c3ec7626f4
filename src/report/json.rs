//! Reports as JSON: one document, or a document a line.

use std::io::{self, Write};

use serde::Serialize;

use super::model::{
    Gap, Line, ListSummary, Malformed, Note, Object, ReconcileSummary, Sample, Undecodable,
};
use crate::check::{DumpOutcome, Listing};
use crate::outcome::{self, Class, Outcome};

/// One document, indented, with a line break at its end.
pub(super) fn document(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    out.write_all(b"\n")
}

/// One document on one line.
pub(super) fn line(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

/// One document on one line that says what kind it is.
pub(super) fn typed(
    kind: &'static str,
    body: impl Serialize,
    out: &mut dyn Write,
) -> io::Result<()> {
    line(&Line { kind, body }, out)
}

/// A line for each object and finding, the summary last.
pub(super) fn list_lines(listing: &Listing, out: &mut dyn Write) -> io::Result<()> {
    for listed in &listing.objects {
        typed("object", Object::from(listed), out)?;
    }
    listing_trouble(listing, out)?;
    typed("summary", ListSummary::new(listing), out)
}

/// A line for each finding, the summary last.
pub(super) fn reconcile_lines(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    let differences = &outcome.differences;
    let classes: [(&'static str, &Class); 7] = [
        ("failed", &differences.failed),
        ("pending", &differences.pending),
        ("missing", &differences.missing),
        ("duplicate", &differences.duplicates),
        ("unexpected", &differences.unexpected),
        ("repeated", &differences.repeated),
        ("identical", &differences.identical),
    ];
    for (kind, class) in classes {
        for sample in &class.samples {
            typed(kind, Sample::new(sample), out)?;
        }
    }
    trouble(&outcome.malformed, &outcome.undecodable, &outcome.gaps, &outcome.notes, out)?;
    typed("summary", ReconcileSummary::new(outcome), out)
}

/// A line for each thing that is wrong with what was dumped. The summary follows elsewhere.
pub(super) fn dump_trouble(outcome: &DumpOutcome, out: &mut dyn Write) -> io::Result<()> {
    trouble(&outcome.malformed, &outcome.undecodable, &outcome.gaps, &outcome.notes, out)
}

/// A line for each thing that is wrong with what was listed.
pub(super) fn listing_trouble(listing: &Listing, out: &mut dyn Write) -> io::Result<()> {
    trouble(&listing.malformed, &listing.undecodable, &listing.gaps, &listing.notes, out)
}

fn trouble(
    malformed: &[outcome::Malformed],
    undecodable: &[outcome::Undecodable],
    gaps: &[outcome::Gap],
    notes: &[outcome::Note],
    out: &mut dyn Write,
) -> io::Result<()> {
    for span in malformed {
        typed("malformed", Malformed::from(span), out)?;
    }
    for object in undecodable {
        typed("undecodable", Undecodable::from(object), out)?;
    }
    for gap in gaps {
        typed("gap", Gap::from(gap), out)?;
    }
    for note in notes {
        typed("note", Note::from(note), out)?;
    }
    Ok(())
}
