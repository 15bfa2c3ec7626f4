//! One object, from its body to what is committed of it. Synchronous, on a worker thread.

mod rows;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::Job;
use super::crew::Crew;
use super::failed::{ErrorOutput, Sorted, Sorter};
use super::peculiar::Peculiar;
use crate::decode::{self, Damaged, Encoding};
use crate::fingerprint::{Fingerprinter, Policy};
use crate::limits::OBJECT_BYTES_CEILING;
use crate::naming;
use crate::outcome::GapReason;
use crate::reconcile::{Storage, Wanted};
use crate::source::Body;
use crate::split::{Format, FormatChoice, Part, Record, Shared, Sink, Span, Standing, Tally};
use rows::Taken;
pub(super) use rows::{Recovered, Rows};

/// How objects are staged.
#[derive(Debug, Clone)]
pub(super) struct Stager {
    pub(super) format: FormatChoice,
    pub(super) base64: bool,
    pub(super) object_bytes: u64,
    /// Without a policy records are only counted.
    pub(super) identities: Option<Identities>,
    /// Identities will be matched with those that were produced.
    pub(super) proves: bool,
    /// A match proves a record: bounds suffice, and rows of these. An object that is damaged is to be read
    /// again.
    pub(super) bounds_suffice: Option<Wanted>,
    /// Error output is looked for; else every record is one of data.
    pub(super) knows_errors: bool,
    /// So many malformed spans are kept; the rest is only counted.
    pub(super) spans: usize,
    /// Whose threads may help.
    pub(super) crew: Crew,
}

/// How records become identities, and where these are kept until their object is committed.
#[derive(Debug, Clone)]
pub(super) struct Identities {
    pub(super) policy: Policy,
    pub(super) seed: u64,
    pub(super) storage: Arc<Storage>,
}

/// Everything that one object holds.
#[derive(Debug)]
pub(super) struct Staged {
    pub(super) encoding: Encoding,
    /// One encoding inside another, in words.
    pub(super) layered: Option<String>,
    /// What it was declared to be, where that is something else.
    pub(super) misdeclared: Option<Encoding>,
    /// What its rows have, if it is a columnar file.
    pub(super) columns: Vec<String>,
    pub(super) format: Format,
    pub(super) tally: Tally,
    pub(super) records: Option<Rows>,
    pub(super) spans: Vec<Span>,
    pub(super) damage: Vec<Damaged>,
    /// What it holds if it is error output. Then none of its records is data.
    pub(super) errors: Option<ErrorOutput>,
    /// Records that lack what the policy compares.
    pub(super) incomplete: u64,
    /// What its records are, where that is peculiar.
    pub(super) peculiar: Option<Peculiar>,
    /// It was base64 text, and was decoded.
    pub(super) decoded: bool,
    /// Only the bounds of its records were looked at.
    pub(super) by_bounds: bool,
    /// It was read for matches that prove records: it counts only if it is undamaged.
    pub(super) awaits_proof: bool,
}

impl Staged {
    /// Whether there is nothing in it but records of data and what stands between them.
    pub(super) fn is_undamaged(&self) -> bool {
        let Self { tally, spans, damage, errors, .. } = self;
        tally.recovered == 0
            && tally.malformed_spans == 0
            && tally.bytes.malformed == 0
            && spans.is_empty()
            && damage.is_empty()
            && errors.is_none()
    }

    /// Whether it has to be read again, and checked.
    pub(super) fn is_amiss(&self) -> bool {
        self.awaits_proof && !self.is_undamaged()
    }
}

impl Stager {
    /// Reads a body to its end.
    ///
    /// # Errors
    /// When it cannot be read to its end, or is too large: then nothing of it counts.
    pub(super) fn stage(&self, job: &Job, body: Body) -> Result<Staged, GapReason> {
        let stored = body.len();
        let limit = self.object_bytes.min(OBJECT_BYTES_CEILING - 1);
        let suggested = naming::suggested_encoding(&job.object.key);
        let mut content = decode::open_as(body, suggested, limit, self.base64)?;
        let (encoding, misdeclared) = (content.encoding(), content.misdeclared());
        let layered = content.layered();
        let columns = content.columns().to_vec();
        let decoded = content.layers().contains(&Encoding::Base64);
        let wanted = self.bounds_suffice.as_ref().filter(|_| !job.site.errors_only);
        let mut sink = Collect::new(self, job.number, encoding, wanted);
        if job.site.errors_only {
            sink.sorter = Sorter::errors();
        }
        let (format, mut tally) = self.crew.split(&mut content, stored, &self.format, &mut sink)?;
        let damage = content.finish()?;
        // Other formats are looked at as ever.
        let may_be_json = matches!(format, Format::Json | Format::Delimited(_));
        let by_bounds = wanted.is_some() && may_be_json;
        let incomplete = sink.fingerprinter.as_ref().map_or(0, Fingerprinter::incomplete);
        let incomplete = incomplete + sink.incomplete;
        let Collect { mut records, spans, offsets, sorter, errors, peculiar, .. } = sink;
        if let Some(from) = doubtful_from(&damage) {
            tally.recovered += match &mut records {
                Some(records) => records.doubt(from),
                None => offsets.from(from),
            };
        }
        sorter.settle(&mut tally);
        let errors = sorter.is_error_output().then_some(errors);
        Ok(Staged {
            encoding,
            layered,
            misdeclared,
            columns,
            format,
            tally,
            records,
            spans,
            damage,
            errors,
            incomplete,
            peculiar: peculiar.flatten(),
            decoded,
            by_bounds,
            awaits_proof: wanted.is_some(),
        })
    }
}

/// From where on no checksum vouches for the content.
pub(super) fn doubtful_from(damage: &[Damaged]) -> Option<u64> {
    damage.iter().map(|damage| damage.doubtful_from).min()
}

/// Where the clean records of an object are that may turn out doubtful: those of an encoded one,
/// whose checksum comes behind them. It is for those who only count them.
#[derive(Debug)]
pub(super) struct Offsets {
    wanted: bool,
    clean: Vec<u64>,
}

impl Offsets {
    pub(super) fn of(encoding: Encoding) -> Self {
        Self { wanted: encoding != Encoding::Plain, clean: Vec::new() }
    }

    pub(super) fn note(&mut self, record: &Record<'_>) {
        if self.wanted && record.standing == Standing::Clean {
            self.clean.push(record.offset);
        }
    }

    /// How many clean records stand at this offset or behind it.
    pub(super) fn from(&self, offset: u64) -> u64 {
        (self.clean.len() - self.clean.partition_point(|&clean| clean < offset)) as u64
    }
}

struct Collect<'a> {
    format: &'a FormatChoice,
    base64: bool,
    number: u64,
    sorter: Sorter,
    errors: ErrorOutput,
    fingerprinter: Option<Fingerprinter>,
    /// Records that lack what the policy compares, among those that other threads have taken.
    incomplete: u64,
    records: Option<Rows>,
    offsets: Offsets,
    is_plain: bool,
    spans: Vec<Span>,
    spans_max: usize,
    proves: bool,
    bounds_suffice: bool,
    /// By the first record of data, once there is one.
    peculiar: Option<Option<Peculiar>>,
}

impl<'a> Collect<'a> {
    fn new(stager: &'a Stager, number: u64, encoding: Encoding, wanted: Option<&Wanted>) -> Self {
        let identities = stager.identities.as_ref();
        let fingerprinter = identities.map(|known| {
            let fingerprinter = Fingerprinter::new(&known.policy, known.seed);
            // Conversion writes names in lower case.
            if encoding.is_columnar() { fingerprinter.in_any_case() } else { fingerprinter }
        });
        Self {
            format: &stager.format,
            base64: stager.base64,
            number,
            sorter: if stager.knows_errors { Sorter::default() } else { Sorter::data() },
            errors: ErrorOutput::default(),
            fingerprinter,
            incomplete: 0,
            records: identities.map(|known| match wanted {
                Some(wanted) => Rows::beyond_doubt(&known.storage, number, wanted),
                None => Rows::new(&known.storage, number, encoding),
            }),
            offsets: Offsets::of(encoding),
            is_plain: encoding == Encoding::Plain,
            spans: Vec::new(),
            spans_max: stager.spans,
            proves: stager.proves,
            bounds_suffice: wanted.is_some(),
            peculiar: None,
        }
    }
}

impl Collect<'_> {
    fn data(&mut self, record: Record<'_>) {
        self.peculiar.get_or_insert_with(|| Peculiar::of(record.bytes));
        match (&mut self.fingerprinter, &mut self.records) {
            (Some(fingerprinter), Some(records)) => {
                records.push(&record, fingerprinter.identity(record.bytes));
            }
            _ => self.offsets.note(&record),
        }
    }
}

/// What another thread takes: records of data.
struct Data {
    number: u64,
    fingerprinter: Option<Fingerprinter>,
    taken: Taken,
}

impl Data {
    fn new(number: u64, fingerprinter: Option<&Fingerprinter>) -> Self {
        let fingerprinter = fingerprinter.map(Fingerprinter::another);
        Self { number, fingerprinter, taken: Taken::default() }
    }
}

impl Part for Data {
    fn another(&self) -> Self {
        Self::new(self.number, self.fingerprinter.as_ref())
    }

    fn record(&mut self, record: Record<'_>) {
        let Some(fingerprinter) = &mut self.fingerprinter else { return };
        self.taken.push(&record, fingerprinter.identity(record.bytes), self.number);
    }
}

impl Shared for Collect<'_> {
    type Part = Data;

    fn part(&self) -> Option<Data> {
        // What is encoded comes in order.
        let is_plain_data = self.sorter.is_data() && self.peculiar == Some(None) && self.is_plain;
        is_plain_data.then(|| Data::new(self.number, self.fingerprinter.as_ref()))
    }

    fn join(&mut self, part: &mut Data, standing: Standing) {
        let incomplete = part.fingerprinter.as_mut().map(Fingerprinter::take_incomplete);
        self.incomplete += incomplete.unwrap_or_default();
        if let Some(records) = &mut self.records {
            records.join(&part.taken, standing);
        }
        part.taken.clear();
    }
}

impl Sink for Collect<'_> {
    fn record(&mut self, record: Record<'_>) {
        let (fingerprinter, rows) = (&mut self.fingerprinter, &mut self.errors.rows);
        let take = |bytes: &[u8]| {
            let fingerprinter = fingerprinter.as_mut();
            rows.extend(fingerprinter.map(|known| (known.identity(bytes), record.offset)));
        };
        match self.sorter.sort(&record, self.format, self.base64, take) {
            Sorted::Data => self.data(record),
            Sorted::Failed(document, records) => self.errors.add(&document, records),
            Sorted::Rejected(span) => self.malformed(span),
        }
    }

    fn malformed(&mut self, span: Span) {
        if self.spans.len() < self.spans_max {
            self.spans.push(span);
        }
    }

    fn proves(&self) -> bool {
        self.proves
    }

    fn bounds_suffice(&self) -> bool {
        self.bounds_suffice
    }

    /// What is not just records of data is read again and checked, from the beginning.
    fn is_done(&self) -> bool {
        self.bounds_suffice && (!self.spans.is_empty() || self.sorter.is_error_output())
    }
}
