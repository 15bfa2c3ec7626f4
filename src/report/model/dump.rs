//! A dump's shapes.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{ByteBook, ErrorOutput, FormatCount, Header, ObjectBook, Trouble, all, formats};
use crate::base64;
use crate::check::{DumpOutcome, Dumped};

/// A record with its origin. It is shown as the JSON value it is; else as text where it is UTF-8;
/// else as base64.
#[derive(Serialize)]
pub(crate) struct Record<'a> {
    key: &'a str,
    offset: u64,
    index: u64,
    recovered: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<Cow<'a, RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record_text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record_base64: Option<String>,
}

impl<'a> From<&Dumped<'a>> for Record<'a> {
    fn from(dumped: &Dumped<'a>) -> Self {
        let text = std::str::from_utf8(dumped.bytes).ok();
        let record = text.and_then(value);
        let record_text = text.filter(|_| record.is_none());
        let record_base64 = text.is_none().then(|| base64::encode(dumped.bytes));
        let &Dumped { key, offset, index, recovered, .. } = dumped;
        Self { key, offset, index, recovered, record, record_text, record_base64 }
    }
}

/// A record as the JSON value it is, its spelling kept. Only line breaks between tokens become
/// spaces, because a record must not break the line it stands on.
fn value(text: &str) -> Option<Cow<'_, RawValue>> {
    let raw: &RawValue = serde_json::from_str(text).ok()?;
    if !text.contains(['\n', '\r']) {
        return Some(Cow::Borrowed(raw));
    }
    let one_line = raw.get().replace(['\n', '\r'], " ");
    RawValue::from_string(one_line).ok().map(Cow::Owned)
}

/// What a dump went through, in numbers; as NDJSON, its last line.
#[derive(Serialize)]
pub(crate) struct DumpSummary<'a> {
    #[serde(flatten)]
    header: Header<'a>,
    book: ObjectBook,
    bytes: ByteBook,
    records: u64,
    recovered: u64,
    error_output: ErrorOutput<'a>,
    malformed_spans: u64,
    formats: Vec<FormatCount>,
}

impl<'a> DumpSummary<'a> {
    pub(crate) fn new(outcome: &'a DumpOutcome) -> Self {
        Self {
            header: Header::new("fhcheck.dump", outcome.verdict(), &outcome.location),
            book: (&outcome.objects).into(),
            bytes: (&outcome.bytes).into(),
            records: outcome.records,
            recovered: outcome.recovered,
            error_output: (&outcome.error_output).into(),
            malformed_spans: outcome.malformed_spans,
            formats: formats(&outcome.formats),
        }
    }
}

/// What stands after the records in a dump's document.
#[derive(Serialize)]
pub(crate) struct Dump<'a> {
    summary: DumpSummary<'a>,
    #[serde(flatten)]
    trouble: Trouble<'a>,
}

impl<'a> Dump<'a> {
    pub(crate) fn new(outcome: &'a DumpOutcome) -> Self {
        Self {
            summary: DumpSummary::new(outcome),
            trouble: Trouble {
                malformed: all(&outcome.malformed),
                undecodable: all(&outcome.undecodable),
                gaps: all(&outcome.gaps),
                notes: all(&outcome.notes),
            },
        }
    }
}
