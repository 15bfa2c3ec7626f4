//! One object of a manifest, from its body to what it says. Synchronous, on a worker thread.
//!
//! It is read in the same way twice: for its records, and again for the few that a report shows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::function;
use super::ledger::Ledger;
use super::{Demand, Look, Remarks, Said, young_since};
use crate::check::Job;
use crate::check::crew::Crew;
use crate::decode::{self, Content, Damaged, Undone};
use crate::expect::{self, manifest};
use crate::fingerprint::{Fingerprinter, Identity, Policy};
use crate::limits::{OBJECT_BYTES_CEILING, PRODUCER_CLOCK_SLACK, RAW_DATA_BYTES_MAX};
use crate::naming;
use crate::outcome::{Origin, excerpt};
use crate::plan::{ReconcilePlan, Window};
use crate::reconcile::{Place, Row, Storage, Wanted};
use crate::source::Body;
use crate::split::{self, Format, FormatChoice, Part, Record, Shared, Sink, Span, Standing};

/// Reads manifests.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    format: FormatChoice,
    base64: bool,
    object_bytes: u64,
    policy: Policy,
    seed: u64,
    demanded: Demanded,
    arrived: Window,
    young_since: Timestamp,
    storage: Arc<Storage>,
    /// Rows are kept of these records that stand alone.
    wanted: Wanted,
    /// They were checked before, and their bounds suffice.
    by_bounds: bool,
    /// Whose threads may help.
    crew: Crew,
}

/// When a record must have been put for it to be demanded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Demanded {
    window: Window,
    start: Option<Timestamp>,
}

/// Whose clock says when a record was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    /// The data stream's own, by which keys are named too.
    Stream,
    /// The producer's.
    Producer,
}

impl Demanded {
    /// What is demanded of a record that was put at an instant.
    pub(super) fn of(&self, at: Timestamp, clock: Clock) -> Demand {
        let slack = match clock {
            Clock::Stream => jiff::SignedDuration::ZERO,
            Clock::Producer => {
                jiff::SignedDuration::try_from(PRODUCER_CLOCK_SLACK).expect("a slack of minutes")
            }
        };
        let since = self.window.since.max(self.start);
        let early = since.is_some_and(|since| at - slack < since);
        let late = self.window.until.is_some_and(|until| at + slack >= until);
        if early || late { Demand::Outside } else { Demand::Sure(Some(at)) }
    }
}

/// What a manifest is, by how it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Records,
    Own,
    Function,
}

impl Reader {
    pub(crate) fn new(plan: &ReconcilePlan, storage: &Arc<Storage>, crew: &Crew) -> Self {
        Self {
            format: plan.read.format.clone(),
            base64: plan.read.base64,
            object_bytes: plan.read.limits.object_bytes,
            policy: plan.policy.clone(),
            seed: plan.seed,
            demanded: Demanded { window: plan.read.window, start: plan.delivery_start },
            arrived: Window::default(),
            young_since: young_since(plan.young),
            storage: Arc::clone(storage),
            wanted: Wanted::all(),
            by_bounds: false,
            crew: crew.clone(),
        }
    }

    /// Keeps rows of these alone of records that stand alone.
    pub(super) fn keeping(self, wanted: &Wanted) -> Self {
        Self { wanted: wanted.clone(), ..self }
    }

    /// Looks at bounds alone: whoever has them reads what was checked before, and sees to it that it is
    /// the same.
    pub(super) fn by_bounds(self) -> Self {
        Self { by_bounds: true, ..self }
    }

    /// Passes over what did not arrive in a data stream in this time.
    pub(super) fn arrived(self, arrived: Window) -> Self {
        Self { arrived, ..self }
    }

    /// What it says.
    ///
    /// # Errors
    /// Why it cannot be used, in words.
    pub(super) fn read(&self, job: &Job, body: Body) -> Result<Said, String> {
        let mut reading = Reading::new(self, job.number, None);
        reading.run(job, body)?;
        let incomplete = reading.said.incomplete + reading.fingerprinter.incomplete();
        Ok(Said { remarks: reading.remarks, incomplete, ..reading.said })
    }

    /// A second look at records, by their offsets and identities.
    pub(super) fn look(
        &self,
        job: &Job,
        body: Body,
        wanted: &BTreeSet<(u64, Identity)>,
    ) -> BTreeMap<(u64, Identity), Look> {
        let mut reading = Reading::new(self, job.number, Some(wanted));
        // It was whole when it was read the first time.
        let _ = reading.run(job, body);
        reading.looks.found
    }

    /// Records alone are told apart as data is; but what is put between data need not be put
    /// between them.
    fn format_of_records(&self, content: &mut Content) -> FormatChoice {
        match &self.format {
            FormatChoice::Fixed(Format::Delimited(delimiter)) => {
                let head = content.head().unwrap_or_default();
                match memchr::memmem::find(head, delimiter) {
                    Some(_) => self.format.clone(),
                    None => FormatChoice::Detect,
                }
            }
            other => other.clone(),
        }
    }
}

/// One pass over one object of a manifest.
pub(super) struct Reading<'a> {
    reader: &'a Reader,
    fingerprinter: Fingerprinter,
    /// The number of the object.
    number: u64,
    said: Said,
    pub(super) remarks: Remarks,
    looks: Looks<'a>,
}

/// In a second look: what is wanted of it, and what was seen.
#[derive(Default)]
struct Looks<'a> {
    wanted: Option<&'a BTreeSet<(u64, Identity)>>,
    found: BTreeMap<(u64, Identity), Look>,
}

impl Looks<'_> {
    fn saw(&mut self, offset: u64, identity: Identity, record: &[u8]) {
        if self.wanted.is_some_and(|wanted| wanted.contains(&(offset, identity))) {
            let look = || Look { excerpt: excerpt(record), ..Look::default() };
            self.found.entry((offset, identity)).or_insert_with(look);
        }
    }
}

impl<'a> Reading<'a> {
    fn new(reader: &'a Reader, number: u64, wanted: Option<&'a BTreeSet<(u64, Identity)>>) -> Self {
        Self {
            reader,
            fingerprinter: Fingerprinter::new(&reader.policy, reader.seed),
            number,
            said: Said::new(&reader.storage, &reader.wanted),
            remarks: Remarks::default(),
            looks: Looks { wanted, ..Looks::default() },
        }
    }

    fn run(&mut self, job: &Job, body: Body) -> Result<(), String> {
        let (reader, stored) = (self.reader, body.len());
        let limit = reader.object_bytes.min(OBJECT_BYTES_CEILING - 1);
        let suggested = naming::suggested_encoding(&job.object.key);
        let mut content = decode::open_as(body, suggested, limit, reader.base64)
            .map_err(|reason| reason.to_string())?;
        let shape = shape(content.head().map_err(|reason| reason.to_string())?);
        let format = match shape {
            Shape::Own => FormatChoice::Fixed(Format::Lines),
            Shape::Records | Shape::Function => reader.format_of_records(&mut content),
        };
        let mut lines = Lines { reading: self, shape, ledger: Ledger::default(), wrong: None };
        // Lines of a ledger mean something together: it is read as it was.
        let wanted = lines.reading.looks.wanted.filter(|_| shape == Shape::Records);
        if let Some(wanted) = wanted
            && let Some(pieces) = content.take_pieces().map_err(|reason| reason.to_string())?
        {
            // By the first one it is known whether they are answers of the function.
            let offsets = wanted.iter().map(|(offset, _)| *offset).chain([0]).collect();
            let seen = split::split_again(&pieces, &format, &offsets, &mut lines);
            return seen.map_err(|error| error.to_string());
        }
        let split = reader.crew.split(&mut content, stored, &format, &mut lines);
        let Lines { ledger, wrong, shape, .. } = lines;
        let damage = content.finish().map_err(|reason| reason.to_string())?;
        let (format, tally) = split.map_err(|reason| reason.to_string())?;
        self.said.is_json = shape == Shape::Records && format == Format::Json;
        // The writer of a ledger may have been killed in the middle of its last line.
        let torn = |wrong: &Wrong| wrong.is_last && ledger.may_be_torn();
        let wrong = wrong.filter(|wrong| !torn(wrong)).map(|wrong| wrong.what);
        match wrong.or_else(|| damage.first().map(damaged)) {
            Some(wrong) => Err(wrong),
            None if shape == Shape::Own => ledger.finish(tally.bytes.decoded, self),
            None => Ok(()),
        }
    }

    /// A record that stands alone in the manifest.
    fn record(&mut self, record: &Record<'_>) {
        let identity = self.fingerprinter.identity(record.bytes);
        self.looks.saw(record.offset, identity, record.bytes);
        self.demand(record.offset, identity, Demand::Sure(None));
    }

    /// The records in the data of one put, by their identities. What a producer compressed is inflated,
    /// as it is where it is stored.
    pub(super) fn data(&mut self, data: &[u8], offset: u64) -> Vec<Identity> {
        let mut identities = Vec::with_capacity(1);
        let format = &self.reader.format;
        let undone = match decode::undo(data, RAW_DATA_BYTES_MAX, self.reader.base64) {
            Undone::Content(content) => content,
            Undone::Kept | Undone::Damaged => data.into(),
        };
        split::each_record(&undone, format, |record| {
            let identity = self.fingerprinter.identity(record);
            self.looks.saw(offset, identity, record);
            identities.push(identity);
        });
        if identities.is_empty() {
            self.remarks.empty += 1;
        }
        identities
    }

    /// Says how sure it is that a record must be there.
    pub(super) fn demand(&mut self, offset: u64, identity: Identity, demand: Demand) {
        if self.looks.wanted.is_none() {
            let row = Row::new(identity, Place::new(self.number, offset));
            self.said.demand(row, demand, self.reader.young_since);
        }
    }

    /// In a second look: the partition key of what stands at this offset.
    pub(super) fn keyed(&mut self, offset: u64, key: &str) {
        let looks = self.looks.found.range_mut((offset, 0)..=(offset, Identity::MAX));
        looks.for_each(|(_, look)| look.partition_key = Some(key.to_owned()));
    }

    /// In a second look: where a data stream keeps what stands at this offset.
    pub(super) fn origin(&mut self, offset: u64, origin: impl FnOnce() -> Origin) {
        let looks = self.looks.found.range_mut((offset, 0)..=(offset, Identity::MAX));
        let mut looks = looks.filter(|(_, look)| look.origin.is_none()).peekable();
        if looks.peek().is_some() {
            let origin = origin();
            looks.for_each(|(_, look)| {
                let partition_key = origin.partition_key.clone().or(look.partition_key.take());
                look.origin = Some(Origin { partition_key, ..origin.clone() });
            });
        }
    }

    /// Whether another manifest says what arrived then.
    pub(super) fn is_said_elsewhere(&self, arrival: Timestamp) -> bool {
        let Window { since, until } = self.reader.arrived;
        since.is_some_and(|since| arrival < since) || until.is_some_and(|until| arrival >= until)
    }

    pub(super) fn demanded(&self, at: Timestamp, clock: Clock) -> Demand {
        self.reader.demanded.of(at, clock)
    }
}

fn shape(head: &[u8]) -> Shape {
    if head.starts_with(manifest::BEGINS) { Shape::Own } else { Shape::Records }
}

fn damaged(damage: &Damaged) -> String {
    format!("at stored byte {}: {}", damage.stored_offset, damage.what)
}

/// What the splitter finds in a manifest.
struct Lines<'r, 'a> {
    reading: &'r mut Reading<'a>,
    shape: Shape,
    ledger: Ledger,
    /// The first thing that is wrong.
    wrong: Option<Wrong>,
}

/// What another thread takes: records that stand alone.
struct Alone {
    fingerprinter: Fingerprinter,
    number: u64,
    rows: Vec<Row>,
}

impl Part for Alone {
    fn another(&self) -> Self {
        let (fingerprinter, number) = (self.fingerprinter.another(), self.number);
        Self { fingerprinter, number, rows: Vec::new() }
    }

    fn record(&mut self, record: Record<'_>) {
        let identity = self.fingerprinter.identity(record.bytes);
        self.rows.push(Row::new(identity, Place::new(self.number, record.offset)));
    }
}

impl Shared for Lines<'_, '_> {
    type Part = Alone;

    fn part(&self) -> Option<Alone> {
        let Reading { fingerprinter, number, looks, .. } = &*self.reading;
        let alone = self.shape == Shape::Records && self.wrong.is_none() && looks.wanted.is_none();
        alone.then(|| Alone {
            fingerprinter: fingerprinter.another(),
            number: *number,
            rows: Vec::new(),
        })
    }

    fn join(&mut self, part: &mut Alone, _: Standing) {
        let said = &mut self.reading.said;
        let incomplete = part.fingerprinter.take_incomplete();
        if self.wrong.is_none() {
            said.incomplete += incomplete;
            said.demand_all(&part.rows);
        }
        part.rows.clear();
    }
}

/// What is wrong with a manifest.
struct Wrong {
    what: String,
    /// Nothing stands behind it.
    is_last: bool,
}

impl Sink for Lines<'_, '_> {
    fn record(&mut self, record: Record<'_>) {
        if let Some(wrong) = &mut self.wrong {
            wrong.is_last = false;
            return;
        }
        let offset = record.offset;
        if offset == 0 && self.shape == Shape::Records && expect::function::is_answer(record.bytes)
        {
            self.shape = Shape::Function;
        }
        let taken = match self.shape {
            Shape::Records => {
                self.reading.record(&record);
                Ok(())
            }
            Shape::Function => function::read(record.bytes, offset, self.reading),
            Shape::Own => match manifest::read(record.bytes) {
                Ok(line) => self.ledger.take(line, offset, self.reading),
                // Half a line is wrong as long as another one follows.
                Err(wrong) => {
                    let what = format!("at byte {offset}: {wrong}");
                    self.wrong = Some(Wrong { what, is_last: true });
                    return;
                }
            },
        };
        if let Err(wrong) = taken {
            let what = format!("at byte {offset}: {wrong}");
            self.wrong = Some(Wrong { what, is_last: false });
        }
    }

    fn malformed(&mut self, span: Span) {
        let what = format!("at byte {}: {}", span.error_offset, span.damage);
        self.wrong.get_or_insert(Wrong { what, is_last: false });
    }

    fn bounds_suffice(&self) -> bool {
        self.reading.reader.by_bounds
    }

    fn is_done(&self) -> bool {
        self.wrong.as_ref().is_some_and(|wrong| !wrong.is_last)
    }
}
