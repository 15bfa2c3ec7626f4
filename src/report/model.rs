//! The shapes that leave the house: version 1 of `docs/report.v1.schema.json`.
//!
//! These are the only types that are serialised. A change that a reader could trip over needs a
//! new version; the types of [`crate::outcome`] may change freely.

mod dump;
mod estimate;
mod list;
mod produce;
mod reconcile;

use serde::Serialize;

use crate::check::Listing;
use crate::exit;
use crate::outcome::{self, SkipReason, Verdict};

pub(super) use dump::{Dump, DumpSummary, Record};
pub(super) use estimate::{Cost, Estimate};
pub(super) use list::{List, ListSummary, Object};
pub(super) use produce::Produce;
pub(super) use reconcile::{Reconcile, ReconcileSummary, Sample};

/// The version of every report.
const VERSION: u32 = 1;

/// A line of NDJSON: what kind it is, and what it says.
#[derive(Serialize)]
pub(super) struct Line<T> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(flatten)]
    pub(super) body: T,
}

/// What every report begins with.
#[derive(Serialize)]
pub(super) struct Header<'a> {
    report: &'static str,
    version: u32,
    verdict: &'static str,
    exit_code: u8,
    location: &'a str,
}

impl<'a> Header<'a> {
    pub(super) fn new(report: &'static str, verdict: Verdict, location: &'a str) -> Self {
        let exit_code = exit::code(verdict);
        Self { report, version: VERSION, verdict: verdict_name(verdict), exit_code, location }
    }
}

fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Reconciled => "reconciled",
        Verdict::Discrepant => "discrepant",
        Verdict::Inconclusive => "inconclusive",
    }
}

#[derive(Serialize)]
struct ObjectBook {
    listed: u64,
    read: u64,
    skipped: Vec<Skipped>,
    gaps: u64,
}

#[derive(Serialize)]
struct Skipped {
    reason: &'static str,
    objects: u64,
}

impl From<&outcome::ObjectBook> for ObjectBook {
    fn from(book: &outcome::ObjectBook) -> Self {
        let skipped = SkipReason::ALL.iter().zip(book.skipped);
        let skipped =
            skipped.map(|(reason, objects)| Skipped { reason: skip_name(*reason), objects });
        Self { listed: book.listed, read: book.read, skipped: skipped.collect(), gaps: book.gaps }
    }
}

/// A short name of the reason, for machines.
pub(super) fn skip_name(reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::FolderMarker => "folder-marker",
        SkipReason::OutsideWindow => "outside-window",
        SkipReason::Foreign => "foreign",
    }
}

#[derive(Serialize)]
struct ByteBook {
    decoded: u64,
    records: u64,
    separators: u64,
    malformed: u64,
}

impl From<&outcome::ByteBook> for ByteBook {
    fn from(book: &outcome::ByteBook) -> Self {
        let &outcome::ByteBook { decoded, records, separators, malformed } = book;
        Self { decoded, records, separators, malformed }
    }
}

#[derive(Serialize)]
pub(super) struct Malformed<'a> {
    key: &'a str,
    offset: u64,
    length: u64,
    error_offset: u64,
    code: &'static str,
    reason: String,
}

impl<'a> From<&'a outcome::Malformed> for Malformed<'a> {
    fn from(span: &'a outcome::Malformed) -> Self {
        Self {
            key: &span.key,
            offset: span.offset,
            length: span.len,
            error_offset: span.error_offset,
            code: span.damage.code(),
            reason: span.damage.to_string(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Undecodable<'a> {
    key: &'a str,
    stored_offset: u64,
    decoded: u64,
    reason: &'a str,
}

impl<'a> From<&'a outcome::Undecodable> for Undecodable<'a> {
    fn from(object: &'a outcome::Undecodable) -> Self {
        let outcome::Undecodable { key, stored_offset, decoded, what } = object;
        Self { key, stored_offset: *stored_offset, decoded: *decoded, reason: what }
    }
}

#[derive(Serialize)]
pub(super) struct Gap<'a> {
    key: &'a str,
    size: u64,
    code: &'static str,
    reason: String,
}

impl<'a> From<&'a outcome::Gap> for Gap<'a> {
    fn from(gap: &'a outcome::Gap) -> Self {
        let outcome::Gap { key, size, reason } = gap;
        Self { key, size: *size, code: reason.code(), reason: reason.to_string() }
    }
}

#[derive(Serialize)]
pub(super) struct Note<'a> {
    code: &'static str,
    text: &'a str,
}

impl<'a> From<&'a outcome::Note> for Note<'a> {
    fn from(note: &'a outcome::Note) -> Self {
        Self { code: note.code, text: &note.text }
    }
}

#[derive(Serialize)]
struct FormatCount {
    format: String,
    objects: u64,
}

fn formats(formats: &outcome::Formats) -> Vec<FormatCount> {
    let each = formats.0.iter();
    each.map(|(format, objects)| FormatCount { format: format.to_string(), objects: *objects })
        .collect()
}

/// Objects that come from a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Cached {
    pub(super) objects: u64,
    pub(super) bytes: u64,
}

impl From<outcome::Cached> for Cached {
    fn from(cached: outcome::Cached) -> Self {
        let outcome::Cached { objects, bytes } = cached;
        Self { objects, bytes }
    }
}

/// What stands in error output, whether or not it was produced.
#[derive(Serialize)]
struct ErrorOutput<'a> {
    objects: u64,
    documents: u64,
    records: u64,
    codes: Vec<Code<'a>>,
}

#[derive(Serialize)]
struct Code<'a> {
    code: &'a str,
    records: u64,
}

impl<'a> From<&'a outcome::ErrorOutput> for ErrorOutput<'a> {
    fn from(output: &'a outcome::ErrorOutput) -> Self {
        let codes = output.codes.iter();
        Self {
            objects: output.objects,
            documents: output.documents,
            records: output.records,
            codes: codes.map(|(code, records)| Code { code, records: *records }).collect(),
        }
    }
}

/// Each of some domain values in its outside shape.
fn all<'a, D, M: From<&'a D>>(values: &'a [D]) -> Vec<M> {
    values.iter().map(M::from).collect()
}

/// What is wrong besides records that do not balance, and what is worth knowing.
#[derive(Serialize)]
pub(super) struct Trouble<'a> {
    malformed: Vec<Malformed<'a>>,
    undecodable: Vec<Undecodable<'a>>,
    gaps: Vec<Gap<'a>>,
    notes: Vec<Note<'a>>,
}

impl<'a> Trouble<'a> {
    pub(super) fn of_listing(listing: &'a Listing) -> Self {
        Self {
            malformed: all(&listing.malformed),
            undecodable: all(&listing.undecodable),
            gaps: all(&listing.gaps),
            notes: all(&listing.notes),
        }
    }
}
