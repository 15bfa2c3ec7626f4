//! Outcome to bytes: tables for people, JSON, NDJSON and CSV for machines.
//!
//! Nothing here looks at a clock, a terminal or the environment: width and colour are parameters,
//! and the same outcome gives the same bytes, always.

mod csv;
pub mod dump;
mod estimate;
mod json;
mod model;
pub mod screen;
pub mod stack;
#[cfg(feature = "cli")]
pub mod table;
pub mod trace;
pub mod units;

use std::io::{self, Write};

use crate::check::{Estimate, Listed, Listing};
use crate::limits;
use crate::outcome::Outcome;
use crate::produce::Produced;

/// What a report looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A table for people.
    #[cfg(feature = "cli")]
    Table(table::Layout),
    /// One JSON document, as `docs/report.v1.schema.json` describes it.
    Json,
    /// A JSON document a line: the findings or objects first, the summary last.
    Ndjson,
    /// RFC 4180: a row for each finding or object.
    Csv,
}

/// Writes what a listing found.
///
/// # Errors
/// When `out` does not take it.
pub fn list(listing: &Listing, form: Form, out: &mut dyn Write) -> io::Result<()> {
    match form {
        #[cfg(feature = "cli")]
        Form::Table(layout) => table::list(listing, layout, out),
        Form::Json => json::document(&model::List::new(listing), out),
        Form::Ndjson => json::list_lines(listing, out),
        Form::Csv => csv::list(listing, out),
    }
}

/// Writes what a reconciliation found.
///
/// # Errors
/// When `out` does not take it.
pub fn reconcile(outcome: &Outcome, form: Form, out: &mut dyn Write) -> io::Result<()> {
    match form {
        #[cfg(feature = "cli")]
        Form::Table(layout) => table::reconcile(outcome, layout, out),
        Form::Json => json::document(&model::Reconcile::new(outcome), out),
        Form::Ndjson => json::reconcile_lines(outcome, out),
        Form::Csv => csv::reconcile(outcome, out),
    }
}

/// Writes what reading would take, and cost where it takes requests.
///
/// # Errors
/// When `out` does not take it.
pub fn estimate(
    location: &str,
    estimate: &Estimate,
    form: Form,
    out: &mut dyn Write,
) -> io::Result<()> {
    let priced = estimate::Priced::new(location, estimate).model();
    match form {
        #[cfg(feature = "cli")]
        Form::Table(layout) => table::estimate(&priced, layout, out),
        Form::Json => json::document(&priced, out),
        Form::Ndjson => json::line(&priced, out),
        Form::Csv => csv::estimate(&priced, out),
    }
}

/// Writes what a stack is like. It has no rows: what is no table is the document.
///
/// # Errors
/// When `out` does not take it.
pub fn stack(report: &stack::Report<'_>, form: Form, out: &mut dyn Write) -> io::Result<()> {
    match form {
        #[cfg(feature = "cli")]
        Form::Table(layout) => table::stack(report, layout, out),
        Form::Json | Form::Ndjson | Form::Csv => json::document(&stack::Document::new(report), out),
    }
}

/// Writes a walk along the pipeline.
///
/// # Errors
/// When `out` does not take it.
pub fn trace(report: &trace::Report<'_>, form: Form, out: &mut dyn Write) -> io::Result<()> {
    match form {
        #[cfg(feature = "cli")]
        Form::Table(layout) => table::trace(report, layout, out),
        Form::Json => json::document(&trace::Document::new(report), out),
        Form::Ndjson => trace::lines(report, out),
        Form::Csv => csv::trace(report.walk, out),
    }
}

/// Writes what a producer came to.
///
/// # Errors
/// When `out` does not take it.
pub fn produce(produced: &Produced, form: Form, out: &mut dyn Write) -> io::Result<()> {
    match form {
        #[cfg(feature = "cli")]
        Form::Table(layout) => table::produce(produced, layout, out),
        Form::Json => json::document(&model::Produce::new(produced), out),
        Form::Ndjson => json::line(&model::Produce::new(produced), out),
        Form::Csv => csv::produce(produced, out),
    }
}

/// Whether a reconciliation compared records, and not only how many there are.
fn identity_checked(outcome: &Outcome) -> bool {
    outcome.matching != "count"
}

/// What the objects of a listing add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Totals {
    /// Objects that are read, or would be.
    objects: u64,
    /// Their stored bytes.
    bytes: u64,
    /// Their records, where any was read.
    records: Option<u64>,
    /// Those that are smaller than [`limits::SMALL_OBJECT_BYTES`].
    small: u64,
    /// Spans in them that are no record.
    malformed_spans: u64,
    /// The bytes of those spans.
    malformed_bytes: u64,
    /// Records that touch damage or stand behind it.
    recovered: u64,
}

impl Totals {
    fn of(listing: &Listing) -> Self {
        let zero = Self {
            objects: 0,
            bytes: 0,
            records: None,
            small: 0,
            malformed_spans: 0,
            malformed_bytes: 0,
            recovered: 0,
        };
        listing.objects.iter().filter(|listed| listed.skip.is_none()).fold(zero, Self::plus)
    }

    fn plus(mut self, listed: &Listed) -> Self {
        self.objects += 1;
        self.bytes += listed.object.size;
        self.small += u64::from(listed.object.size < limits::SMALL_OBJECT_BYTES);
        if let Some(contents) = &listed.contents {
            self.records = Some(self.records.unwrap_or(0) + contents.records);
            self.malformed_spans += contents.malformed_spans;
            self.malformed_bytes += contents.bytes.malformed;
            self.recovered += contents.recovered;
        }
        self
    }
}
