//! The control flow of a run: list, admit, fetch, decode, split, fingerprint, commit, finish.

use std::io;

use jiff::civil::DateTime;

use crate::decode::Encoding;
use crate::error::Result;
use crate::naming::KeyName;
use crate::observe::Observer;
use crate::outcome::{
    ByteBook, Formats, Gap, Malformed, Note, ObjectBook, Outcome, SkipReason, Undecodable, Verdict,
};
use crate::plan::{ReadPlan, ReconcilePlan};
use crate::source::{ObjectRef, Source};
use crate::split::Format;

/// One object of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The object.
    pub object: ObjectRef,
    /// What its key says; `None` for a foreign object.
    pub name: Option<KeyName>,
    /// Why it is not read, where it is not.
    pub skip: Option<SkipReason>,
    /// What is inside, where it was read.
    pub contents: Option<Contents>,
}

/// What one object holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// How its bytes are encoded.
    pub encoding: Encoding,
    /// How its records are told apart.
    pub format: Format,
    /// Records in it.
    pub records: u64,
    /// Those of them that touch damage or stand behind it.
    pub recovered: u64,
    /// Its content, in bytes.
    pub bytes: ByteBook,
    /// Spans that are no record.
    pub malformed_spans: u64,
}

/// What a listing found, objects in the order of their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Listing {
    /// What was listed: `s3://bucket/prefix`, or a path.
    pub location: String,
    /// Its objects.
    pub objects: Vec<Listed>,
    /// Objects by what became of them. Without `--records` none is read: then `read` counts those
    /// that a reconciliation would read.
    pub book: ObjectBook,
    /// Requests that the listing took.
    pub list_requests: u64,
    /// Hours between the first and the last key time in which no object begins, as `[from, to)`
    /// in the zone of the keys.
    pub silent_hours: Vec<(DateTime, DateTime)>,
    /// Spans that are no record, where objects were read: the first by key and offset.
    pub malformed: Vec<Malformed>,
    /// Objects that do not decode whole.
    pub undecodable: Vec<Undecodable>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
    /// What is worth knowing besides.
    pub notes: Vec<Note>,
}

impl Listing {
    /// Discrepant when stored data is damaged, inconclusive when some could not be read.
    pub fn verdict(&self) -> Verdict {
        let contents = self.objects.iter().filter_map(|listed| listed.contents.as_ref());
        let damaged = contents.map(|contents| contents.malformed_spans).sum::<u64>() > 0
            || !self.malformed.is_empty()
            || !self.undecodable.is_empty();
        if !self.gaps.is_empty() || self.book.gaps > 0 {
            Verdict::Inconclusive
        } else if damaged {
            Verdict::Discrepant
        } else {
            Verdict::Reconciled
        }
    }
}

/// One record on its way out of `dump`.
#[derive(Debug, Clone, Copy)]
pub struct Dumped<'a> {
    /// The record's bytes.
    pub bytes: &'a [u8],
    /// The object's key.
    pub key: &'a str,
    /// Where it begins in the object's content.
    pub offset: u64,
    /// Its number in the object, from 0.
    pub index: u64,
    /// Whether it touches damage or stands behind it.
    pub recovered: bool,
}

/// Takes what `dump` finds, in the order of keys and offsets.
pub trait DumpSink: Send {
    /// Takes one record.
    ///
    /// # Errors
    /// When it cannot be written; the run ends.
    fn record(&mut self, record: Dumped<'_>) -> io::Result<()>;
    /// Takes malformed bytes of an object, a piece at a time, in order.
    ///
    /// # Errors
    /// When they cannot be written; the run ends.
    fn rejected(&mut self, key: &str, offset: u64, bytes: &[u8]) -> io::Result<()>;
}

/// What a dump went through.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct DumpOutcome {
    /// What was read.
    pub location: String,
    /// Objects by what became of them.
    pub objects: ObjectBook,
    /// Bytes of content.
    pub bytes: ByteBook,
    /// Records given out.
    pub records: u64,
    /// Those of them that touch damage or stand behind it.
    pub recovered: u64,
    /// Spans that are no record: all of them.
    pub malformed: Vec<Malformed>,
    /// Objects that do not decode whole.
    pub undecodable: Vec<Undecodable>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
    /// How objects were split.
    pub formats: Formats,
    /// What is worth knowing besides.
    pub notes: Vec<Note>,
}

impl DumpOutcome {
    /// Discrepant when stored data is damaged, inconclusive when some could not be read.
    pub fn verdict(&self) -> Verdict {
        if !self.gaps.is_empty() || self.objects.gaps > 0 {
            Verdict::Inconclusive
        } else if self.malformed.is_empty() && self.undecodable.is_empty() {
            Verdict::Reconciled
        } else {
            Verdict::Discrepant
        }
    }
}

/// What a run would cost, before anything is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Estimate {
    /// LIST requests made.
    pub list_requests: u64,
    /// GET requests that reading takes.
    pub get_requests: u64,
    /// Objects to read.
    pub objects: u64,
    /// Stored bytes to read.
    pub bytes: u64,
}

/// Lists the objects of a plan; with `records`, reads each and counts what is in it.
///
/// # Errors
/// When the listing fails, or would pass a cap.
pub async fn list(
    source: &dyn Source,
    plan: &ReadPlan,
    records: bool,
    samples: usize,
    observer: &dyn Observer,
) -> Result<Listing> {
    let _ = (source, plan, records, samples, observer);
    todo!()
}

/// Lists, and says what reading would take. Nothing is read.
///
/// # Errors
/// When the listing fails.
pub async fn estimate(
    source: &dyn Source,
    plan: &ReadPlan,
    observer: &dyn Observer,
) -> Result<Estimate> {
    let _ = (source, plan, observer);
    todo!()
}

/// Gives out every record, in the order of keys and offsets.
///
/// # Errors
/// When the listing fails, a cap would be passed, or the sink does not take a record.
pub async fn dump(
    source: &dyn Source,
    plan: &ReadPlan,
    sink: &mut dyn DumpSink,
    observer: &dyn Observer,
) -> Result<DumpOutcome> {
    let _ = (source, plan, sink, observer);
    todo!()
}

/// Compares what is stored with what was produced.
///
/// `manifests` opens the sources that the plan's manifests name, in their order.
///
/// # Errors
/// When the listing or a manifest fails, or a cap would be passed.
pub async fn reconcile(
    source: &dyn Source,
    manifests: &[Box<dyn Source>],
    plan: &ReconcilePlan,
    observer: &dyn Observer,
) -> Result<Outcome> {
    let _ = (source, manifests, plan, observer);
    todo!()
}
