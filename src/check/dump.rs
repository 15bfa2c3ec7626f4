//! `dump`: every record, in the order of keys and offsets.
//!
//! Bodies are fetched ahead; records are given out one object after another, as they are split.

use std::io;
use std::ops::Range;

use bytes::Bytes;
use futures::StreamExt;
use tokio::sync::mpsc;

use super::crew::Crew;
use super::failed::{ErrorOutput, Sorted, Sorter};
use super::notes::objects;
use super::peculiar::{Peculiar, Peculiarities};
use super::stage::{Offsets, doubtful_from};
use super::{Job, Run, gap, integrity, joined};
use crate::decode::{self, Damaged, Encoding};
use crate::error::{Error, Result};
use crate::naming;
use crate::observe::Event;
use crate::outcome::{
    self, ByteBook, Formats, Gap, GapReason, Malformed, Note, ObjectBook, Undecodable, Verdict,
};
use crate::plan::ReadPlan;
use crate::source::Body;
use crate::split::{Format, FormatChoice, Part, Record, Shared, Sink, Span, Standing, Tally};

/// Code of the note that error output was not asked for, and is there.
const LEFT_OUT: &str = "error-output-left-out";

/// Codes of the notes that tell whoever takes the records what they are, and which are not among them.
pub const SAID_OF_RECORDS: [&str; 6] = [
    LEFT_OUT,
    "cloudwatch-logs",
    "log-messages",
    "base64-text",
    "base64-decoded",
    "control-messages",
];

/// What to give out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Records of data.
    Data,
    /// Records in error output: what Firehose could not deliver, decoded.
    Failed,
}

/// One record on its way out of `dump`.
#[derive(Debug, Clone, Copy)]
pub struct Dumped<'a> {
    /// The record's bytes.
    pub bytes: &'a [u8],
    /// The object's key.
    pub key: &'a str,
    /// Where it begins in the object's content; of a failed record, where its error document does.
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
    /// When it cannot be written; the run ends, quietly if the reader has gone.
    fn record(&mut self, record: Dumped<'_>) -> io::Result<()>;
    /// Whether it is all the same to it where a record ends and another one, right behind it, begins. Then
    /// several may come as one.
    fn joins(&self) -> bool {
        false
    }
    /// Takes malformed bytes of an object, a piece at a time, in order.
    ///
    /// # Errors
    /// When they cannot be written; the run ends.
    fn rejected(&mut self, key: &str, offset: u64, bytes: &[u8]) -> io::Result<()>;
}

/// What a dump went through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
    /// What stands in error output, given out or not.
    pub error_output: outcome::ErrorOutput,
    /// Spans that are no record: the first by key and offset, as many as were asked for.
    pub malformed: Vec<Malformed>,
    /// How many such spans there are.
    pub malformed_spans: u64,
    /// Objects that do not decode whole.
    pub undecodable: Vec<Undecodable>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
    /// How objects were split.
    pub formats: Formats,
    /// What is worth knowing besides.
    pub notes: Vec<Note>,
    /// Whoever read the records has gone before their end; what is said here is of those before.
    pub closed: bool,
}

impl DumpOutcome {
    /// Discrepant when stored data is damaged, inconclusive when some could not be read.
    pub fn verdict(&self) -> Verdict {
        integrity(&self.gaps, self.malformed_spans > 0 || !self.undecodable.is_empty())
    }
}

impl Run {
    /// Gives out every record that is wanted, in the order of keys and offsets. Of malformed spans the first
    /// `samples` are kept.
    ///
    /// An object whose body turns out unreadable half-way is a gap, though its first records are
    /// out by then.
    ///
    /// # Errors
    /// When the listing fails, a cap would be passed, or the sink does not take a record.
    pub async fn dump(
        &self,
        sink: Box<dyn DumpSink>,
        wanted: Wanted,
        samples: usize,
    ) -> Result<DumpOutcome> {
        let catalog = self.catalog().await?;
        self.admit(catalog.bytes_to_read())?;
        let jobs = self.to_read(&catalog);
        let bytes = catalog.bytes_to_read();
        self.observer.on(Event::ReadingStarts { objects: jobs.len() as u64, bytes });
        let (outcome, peculiar) = (DumpOutcome::default(), Peculiarities::default());
        let mut dump = Dump { sink, wanted, samples, outcome, peculiar };
        dump.outcome.location = self.plan.location.to_string();
        dump.outcome.objects = catalog.book();
        dump.outcome.notes = catalog.notes;
        let mut bodies = self.fetch_ahead(jobs);
        while let Some((job, body)) = bodies.recv().await {
            dump = match body {
                Ok(body) => self.dump_one(dump, job, body).await?,
                Err(reason) => {
                    self.observer.on(Event::Gap {
                        key: &job.object.key,
                        bytes: job.object.size,
                        reason: &reason,
                    });
                    dump.gap(&job, reason);
                    dump
                }
            };
            if dump.outcome.closed {
                return Ok(dump.outcome);
            }
        }
        dump.outcome.objects.assert_balanced();
        dump.left_out();
        dump.outcome.notes.extend(dump.peculiar.notes());
        Ok(dump.outcome)
    }

    /// Bodies in the order of their objects, several of them on their way at once. There is room for as many
    /// as there may be requests: fetching does not stand still while an object is split, and how many bytes
    /// wait is up to whoever admits them.
    fn fetch_ahead(&self, jobs: Vec<Job>) -> mpsc::Receiver<(Job, Result<Body, GapReason>)> {
        let (sender, receiver) = mpsc::channel(self.plan.limits.requests.min(jobs.len()).max(1));
        let run = self.clone();
        tokio::spawn(async move {
            let fetches = jobs.into_iter().map(|job| {
                let run = run.clone();
                async move {
                    let body = run.fetch(&job).await;
                    (job, body)
                }
            });
            let mut bodies = futures::stream::iter(fetches).buffered(run.plan.limits.requests);
            while let Some(body) = bodies.next().await {
                if sender.send(body).await.is_err() {
                    return;
                }
            }
        });
        receiver
    }

    async fn dump_one(&self, mut dump: Dump, job: Job, body: Body) -> Result<Dump> {
        let (plan, crew) = (self.plan.clone(), self.crew.clone());
        let before = dump.outcome.records;
        let permit = crew.worker().await;
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let result = dump.object(&job, body, &plan, &crew);
            (dump, job, result)
        });
        let (dump, job, result) = joined(task.await)?;
        self.done(&job.object, dump.outcome.records - before);
        result.map(|()| dump)
    }
}

struct Dump {
    sink: Box<dyn DumpSink>,
    wanted: Wanted,
    samples: usize,
    outcome: DumpOutcome,
    peculiar: Peculiarities,
}

impl Dump {
    fn object(&mut self, job: &Job, body: Body, plan: &ReadPlan, crew: &Crew) -> Result<()> {
        let suggested = naming::suggested_encoding(&job.object.key);
        let limit = plan.limits.object_bytes;
        let (stored, len) = (body.bytes(), body.len());
        let mut content = match decode::open_as(body, suggested, limit, plan.base64) {
            Ok(content) => content,
            Err(reason) => {
                self.gap(job, reason);
                return Ok(());
            }
        };
        let offsets = Offsets::of(content.encoding());
        let decoded = content.layers().contains(&Encoding::Base64);
        let name = job.name();
        let mut sink = Forward {
            dump: self,
            key: &name,
            format: &plan.format,
            base64: plan.base64,
            sorter: if job.site.errors_only { Sorter::errors() } else { Sorter::default() },
            errors: ErrorOutput::default(),
            index: 0,
            offsets,
            peculiar: None,
            content: stored.filter(|_| content.encoding() == Encoding::Plain),
            error: None,
        };
        let split = crew.split(&mut content, len, &plan.format, &mut sink);
        let Forward { sorter, errors, offsets, peculiar, error, .. } = sink;
        match error {
            Some(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.outcome.closed = true;
                return Ok(());
            }
            Some(error) => return Err(Error::io("records cannot be written", error)),
            None => {}
        }
        match split.and_then(|split| Ok((split, content.finish()?))) {
            Ok(((format, mut tally), damage)) => {
                sorter.settle(&mut tally);
                tally.recovered += doubtful_from(&damage).map_or(0, |from| offsets.from(from));
                let errors = sorter.is_error_output().then_some(errors);
                self.peculiar.add(peculiar.flatten(), decoded, &tally);
                self.commit(&name, format, &tally, errors, damage);
            }
            Err(reason) => self.gap(job, reason),
        }
        Ok(())
    }

    fn commit(
        &mut self,
        key: &str,
        format: Format,
        tally: &Tally,
        errors: Option<ErrorOutput>,
        damage: Vec<Damaged>,
    ) {
        let outcome = &mut self.outcome;
        outcome.objects.read += 1;
        outcome.bytes.add(&tally.bytes);
        outcome.malformed_spans += tally.malformed_spans;
        if self.wanted == Wanted::Data {
            outcome.records += tally.records;
            outcome.recovered += tally.recovered;
        }
        match errors {
            Some(errors) => {
                errors.add_to(&mut outcome.error_output);
                outcome.records += if self.wanted == Wanted::Failed { errors.records } else { 0 };
            }
            None => outcome.formats.add(&format, 1),
        }
        outcome.undecodable.extend(damage.into_iter().map(|damage| Undecodable {
            key: key.to_owned(),
            stored_offset: damage.stored_offset,
            decoded: tally.bytes.decoded,
            what: damage.what,
        }));
    }

    /// Says what was not asked for, and is there.
    fn left_out(&mut self) {
        let outcome::ErrorOutput { objects: count, records, .. } = self.outcome.error_output;
        if self.wanted == Wanted::Data && count > 0 {
            let text = format!(
                "{records} failed records in {} of error output are left out (--failed gives them)",
                objects(count)
            );
            self.outcome.notes.push(Note { code: LEFT_OUT, text });
        }
    }

    fn gap(&mut self, job: &Job, reason: GapReason) {
        self.outcome.objects.gaps += 1;
        self.outcome.gaps.push(gap(job, reason));
    }
}

/// Hands on what the splitter finds in one object, until it is not taken any more.
struct Forward<'a> {
    dump: &'a mut Dump,
    key: &'a str,
    format: &'a FormatChoice,
    base64: bool,
    sorter: Sorter,
    errors: ErrorOutput,
    index: u64,
    offsets: Offsets,
    /// By the first record of data, once there is one.
    peculiar: Option<Option<Peculiar>>,
    /// All of it, where it is stored as it is and lies in memory.
    content: Option<Bytes>,
    error: Option<io::Error>,
}

impl Forward<'_> {
    fn data(&mut self, record: &Record<'_>) {
        self.offsets.note(record);
        self.peculiar.get_or_insert_with(|| Peculiar::of(record.bytes));
        if self.dump.wanted == Wanted::Data {
            self.give(record.bytes, record, 1);
        }
    }

    /// Gives out a record: one of the object, or one that its error document holds; or several as one.
    fn give(&mut self, bytes: &[u8], stands: &Record<'_>, records: u64) {
        if self.error.is_none() {
            let result = self.dump.sink.record(Dumped {
                bytes,
                key: self.key,
                offset: stands.offset,
                index: self.index,
                recovered: stands.standing == Standing::Recovered,
            });
            self.tried(result);
            self.index += records;
        }
    }

    fn tried(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            self.error.get_or_insert(error);
        }
    }
}

impl Sink for Forward<'_> {
    fn record(&mut self, record: Record<'_>) {
        if self.error.is_some() {
            return;
        }
        let mut failed = Vec::new();
        let kept = self.dump.wanted == Wanted::Failed;
        let take = |bytes: &[u8]| failed.extend(kept.then(|| bytes.to_vec()));
        match self.sorter.sort(&record, self.format, self.base64, take) {
            Sorted::Data => self.data(&record),
            Sorted::Failed(document, records) => {
                self.errors.add(&document, records);
                failed.iter().for_each(|bytes| self.give(bytes, &record, 1));
            }
            Sorted::Rejected(span) => {
                self.rejected(span.offset, record.bytes);
                self.malformed(span);
            }
        }
    }

    fn malformed(&mut self, span: Span) {
        let malformed = &mut self.dump.outcome.malformed;
        if malformed.len() < self.dump.samples {
            malformed.push(Malformed {
                key: self.key.to_owned(),
                offset: span.offset,
                len: span.len,
                error_offset: span.error_offset,
                damage: span.damage,
            });
        }
    }

    fn rejected(&mut self, offset: u64, bytes: &[u8]) {
        if self.error.is_none() {
            // A reader of records that has gone has seen what it wanted; one of evidence has not.
            let result = self.dump.sink.rejected(self.key, offset, bytes);
            self.tried(
                result.map_err(|error| io::Error::other(format!("malformed bytes: {error}"))),
            );
        }
    }

    fn is_done(&self) -> bool {
        self.error.is_some()
    }
}

/// What another thread takes: where records of data are.
#[derive(Debug)]
struct Places {
    /// Those right behind one another are one.
    joins: bool,
    /// Where they are, and how many there.
    all: Vec<(Range<usize>, u64)>,
}

impl Part for Places {
    fn another(&self) -> Self {
        Self { joins: self.joins, all: Vec::new() }
    }

    fn record(&mut self, record: Record<'_>) {
        let start = usize::try_from(record.offset).expect("it lies in memory");
        let end = start + record.bytes.len();
        match self.all.last_mut() {
            Some((before, records)) if self.joins && before.end == start => {
                before.end = end;
                *records += 1;
            }
            _ => self.all.push((start..end, 1)),
        }
    }
}

impl Shared for Forward<'_> {
    type Part = Places;

    fn part(&self) -> Option<Places> {
        let is_data = self.sorter.is_data() && self.peculiar == Some(None);
        let places = || Places { joins: self.dump.sink.joins(), all: Vec::new() };
        (is_data && self.content.is_some()).then(places)
    }

    fn join(&mut self, part: &mut Places, standing: Standing) {
        let places = part.all.drain(..);
        let content = self.content.clone().filter(|_| self.dump.wanted == Wanted::Data);
        let Some(content) = content else { return };
        for (place, records) in places {
            let (offset, bytes) = (place.start as u64, &content[place]);
            self.give(bytes, &Record { bytes, offset, standing }, records);
        }
    }
}
