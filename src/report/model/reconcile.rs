//! A reconciliation's shapes.

use serde::Serialize;

use super::{
    ByteBook, Cached, ErrorOutput, FormatCount, Header, ObjectBook, Trouble, all, formats,
};
use crate::base64;
use crate::limits;
use crate::outcome::{self, Outcome};
use crate::report::{identity_checked, screen};

#[derive(Serialize)]
struct ProducedBook {
    produced: u64,
    delivered: u64,
    failed: u64,
    pending: u64,
    missing: u64,
    uncertain: u64,
}

#[derive(Serialize)]
struct FoundBook {
    found: u64,
    delivered: u64,
    duplicates: u64,
    unexpected: u64,
}

#[derive(Serialize)]
struct Books {
    objects: ObjectBook,
    bytes: ByteBook,
    produced: ProducedBook,
    found: FoundBook,
}

impl From<&outcome::Books> for Books {
    fn from(books: &outcome::Books) -> Self {
        let outcome::ProducedBook { produced, delivered, failed, pending, missing, uncertain } =
            books.produced;
        let found = &books.found;
        Self {
            objects: (&books.objects).into(),
            bytes: (&books.bytes).into(),
            produced: ProducedBook { produced, delivered, failed, pending, missing, uncertain },
            found: FoundBook {
                found: found.found,
                delivered: found.delivered,
                duplicates: found.duplicates,
                unexpected: found.unexpected,
            },
        }
    }
}

#[derive(Serialize)]
pub(crate) struct Place<'a> {
    key: &'a str,
    offset: u64,
}

fn places(places: &[outcome::Place]) -> Vec<Place<'_>> {
    places.iter().map(|place| Place { key: &place.key, offset: place.offset }).collect()
}

/// An identity that does not balance. The excerpt is text where it is UTF-8, else base64; neither
/// where the record's bytes are not at hand.
#[derive(Serialize)]
pub(crate) struct Sample<'a> {
    produced: u64,
    found: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    excerpt: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    excerpt_base64: Option<String>,
    /// Whether the record may be longer than its excerpt.
    truncated: bool,
    produced_at: Vec<Place<'a>>,
    found_at: Vec<Place<'a>>,
    failed: u64,
    failed_at: Vec<Place<'a>>,
    failure: Option<Failure<'a>>,
    origin: Option<Origin<'a>>,
}

/// Where the data stream keeps a record.
#[derive(Serialize)]
struct Origin<'a> {
    shard_id: Option<&'a str>,
    sequence_number: Option<&'a str>,
    sub_sequence_number: Option<u64>,
    partition_key: Option<&'a str>,
    arrival: Option<String>,
}

impl<'a> From<&'a outcome::Origin> for Origin<'a> {
    fn from(origin: &'a outcome::Origin) -> Self {
        Self {
            shard_id: origin.shard_id.as_deref(),
            sequence_number: origin.sequence_number.as_deref(),
            sub_sequence_number: origin.sub_sequence_number,
            partition_key: origin.partition_key.as_deref(),
            arrival: origin.arrival.map(|arrival| arrival.to_string()),
        }
    }
}

/// Why a record was not delivered.
#[derive(Serialize)]
struct Failure<'a> {
    code: &'a str,
    message: &'a str,
    attempts: Option<u64>,
    arrival: Option<String>,
}

impl<'a> From<&'a outcome::Failure> for Failure<'a> {
    fn from(failure: &'a outcome::Failure) -> Self {
        let outcome::Failure { code, message, attempts, arrival } = failure;
        let arrival = arrival.map(|arrival| arrival.to_string());
        Self { code, message, attempts: *attempts, arrival }
    }
}

impl<'a> Sample<'a> {
    pub(crate) fn new(sample: &'a outcome::Sample) -> Self {
        let truncated = sample.excerpt.len() >= limits::EXCERPT_BYTES;
        let whole = screen::whole_characters(&sample.excerpt);
        let bytes = if truncated { whole } else { &sample.excerpt[..] };
        let (excerpt, excerpt_base64) = match std::str::from_utf8(bytes) {
            Ok("") => (None, None),
            Ok(text) => (Some(text), None),
            Err(_) => (None, Some(base64::encode(&sample.excerpt))),
        };
        Self {
            produced: sample.produced,
            found: sample.found,
            excerpt,
            excerpt_base64,
            truncated,
            produced_at: places(&sample.produced_at),
            found_at: places(&sample.found_at),
            failed: sample.failed,
            failed_at: places(&sample.failed_at),
            failure: sample.failure.as_ref().map(Failure::from),
            origin: sample.origin.as_ref().map(Origin::from),
        }
    }
}

#[derive(Serialize)]
pub(crate) struct Counts {
    records: u64,
    identities: u64,
}

impl From<&outcome::Class> for Counts {
    fn from(class: &outcome::Class) -> Self {
        Self { records: class.records, identities: class.identities }
    }
}

#[derive(Serialize)]
struct Class<'a> {
    #[serde(flatten)]
    counts: Counts,
    samples: Vec<Sample<'a>>,
}

impl<'a> From<&'a outcome::Class> for Class<'a> {
    fn from(class: &'a outcome::Class) -> Self {
        Self { counts: class.into(), samples: class.samples.iter().map(Sample::new).collect() }
    }
}

#[derive(Serialize)]
struct Allow {
    duplicates: bool,
    unexpected: bool,
    failed: bool,
}

/// What a reconciliation says in numbers and words, without samples.
#[derive(Serialize)]
pub(crate) struct ReconcileFacts<'a> {
    #[serde(flatten)]
    header: Header<'a>,
    expectation: &'a str,
    matching: &'a str,
    /// Whether records were compared, and not only how many there are.
    identity_checked: bool,
    allow: Allow,
    books: Books,
    error_output: ErrorOutput<'a>,
    malformed_spans: u64,
    recovered: u64,
    formats: Vec<FormatCount>,
    /// Null without a cache.
    cached: Option<Cached>,
}

impl<'a> ReconcileFacts<'a> {
    fn new(outcome: &'a Outcome) -> Self {
        let outcome::Allow { duplicates, unexpected, failed } = outcome.allow;
        Self {
            header: Header::new("fhcheck.reconcile", outcome.verdict(), &outcome.location),
            expectation: &outcome.expectation,
            matching: &outcome.matching,
            identity_checked: identity_checked(outcome),
            allow: Allow { duplicates, unexpected, failed },
            books: (&outcome.books).into(),
            error_output: (&outcome.error_output).into(),
            malformed_spans: outcome.malformed_spans,
            recovered: outcome.recovered,
            formats: formats(&outcome.formats),
            cached: outcome.cached.map(Cached::from),
        }
    }
}

/// The last line of a reconciliation as NDJSON.
#[derive(Serialize)]
pub(crate) struct ReconcileSummary<'a> {
    #[serde(flatten)]
    facts: ReconcileFacts<'a>,
    failed: Counts,
    pending: Counts,
    missing: Counts,
    duplicates: Counts,
    unexpected: Counts,
    repeated: Counts,
    identical: Counts,
}

impl<'a> ReconcileSummary<'a> {
    pub(crate) fn new(outcome: &'a Outcome) -> Self {
        let differences = &outcome.differences;
        Self {
            facts: ReconcileFacts::new(outcome),
            failed: (&differences.failed).into(),
            pending: (&differences.pending).into(),
            missing: (&differences.missing).into(),
            duplicates: (&differences.duplicates).into(),
            unexpected: (&differences.unexpected).into(),
            repeated: (&differences.repeated).into(),
            identical: (&differences.identical).into(),
        }
    }
}

/// A reconciliation as one document.
#[derive(Serialize)]
pub(crate) struct Reconcile<'a> {
    #[serde(flatten)]
    facts: ReconcileFacts<'a>,
    failed: Class<'a>,
    pending: Class<'a>,
    missing: Class<'a>,
    duplicates: Class<'a>,
    unexpected: Class<'a>,
    repeated: Class<'a>,
    identical: Class<'a>,
    #[serde(flatten)]
    trouble: Trouble<'a>,
}

impl<'a> Reconcile<'a> {
    pub(crate) fn new(outcome: &'a Outcome) -> Self {
        let differences = &outcome.differences;
        Self {
            facts: ReconcileFacts::new(outcome),
            failed: (&differences.failed).into(),
            pending: (&differences.pending).into(),
            missing: (&differences.missing).into(),
            duplicates: (&differences.duplicates).into(),
            unexpected: (&differences.unexpected).into(),
            repeated: (&differences.repeated).into(),
            identical: (&differences.identical).into(),
            trouble: Trouble {
                malformed: all(&outcome.malformed),
                undecodable: all(&outcome.undecodable),
                gaps: all(&outcome.gaps),
                notes: all(&outcome.notes),
            },
        }
    }
}
