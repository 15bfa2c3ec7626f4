//! Data or error output: what an object is taken for by its first record, and what follows for all
//! of them.

use std::collections::BTreeMap;

use crate::failed::Document;
use crate::fingerprint::Identity;
use crate::limits::{ERROR_CODE_CHARS, ERROR_MESSAGE_CHARS};
use crate::outcome::{self, Failure, excerpt};
use crate::split::{Damage, FormatChoice, Record, Span, Tally};

/// What one object of error output holds.
#[derive(Debug, Default)]
pub(super) struct ErrorOutput {
    /// Error documents.
    pub(super) documents: u64,
    /// Records in them.
    pub(super) records: u64,
    /// These records by the code of their error.
    pub(super) codes: BTreeMap<String, u64>,
    /// What they are, where that is asked for, and where their document begins.
    pub(super) rows: Vec<(Identity, u64)>,
}

impl ErrorOutput {
    pub(super) fn add(&mut self, document: &Document, records: u64) {
        self.documents += 1;
        self.records += records;
        *self.codes.entry(clip(&document.code, ERROR_CODE_CHARS)).or_default() += records;
    }

    /// Adds it to what a run has seen of error output.
    pub(super) fn add_to(&self, all: &mut outcome::ErrorOutput) {
        all.objects += 1;
        all.documents += self.documents;
        all.records += self.records;
        for (code, records) in &self.codes {
            *all.codes.entry(code.clone()).or_default() += records;
        }
    }
}

/// What one record of an object is.
pub(super) enum Sorted {
    /// A record of data.
    Data,
    /// An error document, and how many records it holds.
    Failed(Document, u64),
    /// In error output, and no error document whose records can be had.
    Rejected(Span),
}

/// Sorts the records of one object. The first one decides: if it is an error document, the object
/// is error output, and nothing in it is data.
#[derive(Debug, Default)]
pub(super) struct Sorter {
    error_output: Option<bool>,
    rejected: u64,
    rejected_bytes: u64,
}

impl Sorter {
    /// Takes everything for data.
    pub(super) fn data() -> Self {
        Self { error_output: Some(false), ..Self::default() }
    }

    /// Takes everything for error output: what is none is malformed.
    pub(super) fn errors() -> Self {
        Self { error_output: Some(true), ..Self::default() }
    }

    /// Whether the object is error output, as far as it is known.
    pub(super) fn is_error_output(&self) -> bool {
        self.error_output == Some(true)
    }

    /// Whether everything that comes is data, whatever it is.
    pub(super) fn is_data(&self) -> bool {
        self.error_output == Some(false)
    }

    /// Sorts one record; the records of an error document are handed to `take`.
    pub(super) fn sort(
        &mut self,
        record: &Record<'_>,
        format: &FormatChoice,
        base64: bool,
        take: impl FnMut(&[u8]),
    ) -> Sorted {
        if self.error_output == Some(false) {
            return Sorted::Data;
        }
        let document = Document::read(record.bytes);
        if !*self.error_output.get_or_insert(document.is_some()) {
            return Sorted::Data;
        }
        let document = document.ok_or(Damage::NoErrorDocument);
        let read = document.and_then(|document| {
            let records = document.records(format, base64, take)?;
            Ok((document, records))
        });
        match read {
            Ok((document, records)) => Sorted::Failed(document, records),
            Err(damage) => Sorted::Rejected(self.reject(record, damage)),
        }
    }

    fn reject(&mut self, record: &Record<'_>, damage: Damage) -> Span {
        let (offset, len) = (record.offset, record.bytes.len() as u64);
        self.rejected += 1;
        self.rejected_bytes += len;
        Span { offset, len, error_offset: offset, damage }
    }

    /// Puts right what the splitter took for records of data. The bytes of error documents stay
    /// bytes of records.
    pub(super) fn settle(&self, tally: &mut Tally) {
        if self.is_error_output() {
            (tally.records, tally.recovered) = (0, 0);
            tally.malformed_spans += self.rejected;
            tally.bytes.records -= self.rejected_bytes;
            tally.bytes.malformed += self.rejected_bytes;
        }
    }
}

/// Why a record failed, and how it begins: the first one of its document.
#[derive(Debug, Clone)]
pub(super) struct Failed {
    pub(super) failure: Failure,
    pub(super) excerpt: Vec<u8>,
}

impl Failed {
    /// A second look at an error document.
    pub(super) fn read(record: &[u8]) -> Option<Self> {
        let document = Document::read(record)?;
        let mut first = None;
        let take = |record: &[u8]| _ = first.get_or_insert_with(|| excerpt(record));
        document.records(&FormatChoice::Detect, false, take).ok()?;
        let failure = Failure {
            code: clip(&document.code, ERROR_CODE_CHARS),
            message: clip(&document.message, ERROR_MESSAGE_CHARS),
            attempts: document.attempts,
            arrival: document
                .arrival
                .and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok()),
        };
        Some(Self { failure, excerpt: first.unwrap_or_default() })
    }
}

fn clip(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::split::{self, Sink};

    struct Sorting {
        sorter: Sorter,
        seen: Vec<String>,
    }

    impl Sink for Sorting {
        fn record(&mut self, record: Record<'_>) {
            let mut records = Vec::new();
            let take = |bytes: &[u8]| records.push(String::from_utf8_lossy(bytes).into_owned());
            let sorted = self.sorter.sort(&record, &FormatChoice::Detect, false, take);
            self.seen.push(match sorted {
                Sorted::Data => "data".to_owned(),
                Sorted::Failed(document, _) => format!("{}: {}", document.code, records.join(" ")),
                Sorted::Rejected(span) => span.damage.code().to_owned(),
            });
        }

        fn malformed(&mut self, _: Span) {}
    }

    fn sort(content: &str) -> (Vec<String>, Tally) {
        let mut sorting = Sorting { sorter: Sorter::default(), seen: Vec::new() };
        let (_, mut tally, _) =
            split::split(&mut content.as_bytes(), &FormatChoice::Detect, &mut sorting);
        sorting.sorter.settle(&mut tally);
        tally.bytes.assert_balanced();
        (sorting.seen, tally)
    }

    const FAILED: &str = r#"{"rawData":"eyJhIjoxfQ==","errorCode":"E","attemptsMade":1}"#;

    #[test]
    fn an_object_that_begins_with_an_error_document_is_error_output() {
        let content = format!("{FAILED}{FAILED}\n{{\"a\":1}}");
        let (seen, tally) = sort(&content);
        assert_eq!(seen, ["E: {\"a\":1}", "E: {\"a\":1}", "no-error-document"]);
        assert_eq!((tally.records, tally.malformed_spans, tally.bytes.malformed), (0, 1, 7));
    }

    #[test]
    fn an_error_document_among_records_is_one_of_them() {
        let (seen, tally) = sort(&format!("{{\"a\":1}}\n{FAILED}"));
        assert_eq!(seen, ["data", "data"]);
        assert_eq!((tally.records, tally.malformed_spans), (2, 0));
    }
}
