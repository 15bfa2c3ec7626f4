//! A producer's run: begun with a new ledger, or gone on with from an old one.

use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::batch::Queue;
use super::input::unchanged;
use super::ledger::Ledger;
use super::pace::Pace;
use super::put::Producer;
use super::records::{Fresh, Record, Rest, origin};
use super::target::{Putter, Target};
use super::{Produced, Records, Tally};
use crate::aws::Aws;
use crate::error::{Error, ErrorKind, Result};
use crate::expect::manifest::{Header, Kind, Origin};
use crate::limits::RECORD_BYTES_MAX;
use crate::observe::{Event, Observer};
use crate::stop::Stop;

/// Characters of a made-up partition key.
const KEY_BYTES: usize = 32;

/// What to put, and where.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where to.
    pub target: Target,
    /// What.
    pub records: Records,
    /// The ledger. It must not exist yet.
    pub manifest: PathBuf,
    /// Records a second at most.
    pub rate: Option<u64>,
    /// Requests in a row of which nothing is acknowledged, before it gives up.
    pub attempts: u32,
    /// The clock of whoever runs it.
    pub now: fn() -> Timestamp,
}

/// What to go on with.
#[derive(Debug, Clone)]
pub struct Again {
    /// The ledger of a producer that did not come to its end.
    pub manifest: PathBuf,
    /// Where its input is now, where that is another place.
    pub input: Option<PathBuf>,
    /// Records a second at most.
    pub rate: Option<u64>,
    /// Requests in a row of which nothing is acknowledged, before it gives up.
    pub attempts: u32,
    /// The clock of whoever runs it.
    pub now: fn() -> Timestamp,
}

/// Puts records with a new ledger.
///
/// # Errors
/// When nothing can be begun: the input is not records that can be put, or the ledger cannot be
/// written. What goes wrong later is in [`Produced::failure`].
pub async fn run(aws: &Aws, plan: &Plan, stop: &Stop, observer: &dyn Observer) -> Result<Produced> {
    let target = &plan.target;
    let key_bytes = if target.is_keyed() { KEY_BYTES } else { 0 };
    let origin = origin(&plan.records, target.limits().record_bytes - key_bytes)?;
    let fresh = Fresh::open(&origin, target.is_keyed())?;
    let tally = Tally { records: origin.count(), ..Tally::default() };
    let at = (plan.now)();
    let header = Header { kind: Kind::Ledger, target: target.words(), at, origin: Some(origin) };
    let ledger = Ledger::create(&plan.manifest, header, plan.now)?;
    observer.on(Event::PuttingStarts { records: tally.records });
    let producer = Producer {
        putter: Putter::new(target, aws),
        limits: target.limits(),
        ledger,
        queue: Queue::new(fresh),
        pace: Pace::new(plan.rate),
        attempts: plan.attempts,
        tally,
        observer,
    };
    finish(target, plan.manifest.clone(), producer.run(stop).await)
}

/// Goes on with a ledger: puts what it has no acknowledgement for, and what it has not yet.
///
/// # Errors
/// When it is no ledger, or is damaged, or the records cannot be had again. What goes wrong later is
/// in [`Produced::failure`].
pub async fn again(
    aws: &Aws,
    plan: &Again,
    stop: &Stop,
    observer: &dyn Observer,
) -> Result<Produced> {
    let path = &plan.manifest;
    let (ledger, state) = Ledger::reopen(path, plan.now)?;
    let cannot = |what: &str| {
        let message = format!("{} cannot be gone on with: {what}", path.display());
        Error::new(ErrorKind::Manifest, message)
    };
    let target = Target::of_words(&state.header.target)
        .ok_or_else(|| cannot("nothing can be put where it says"))?;
    let mut origin = state
        .header
        .origin
        .clone()
        .ok_or_else(|| cannot("it does not say where its records come from"))?;
    match (&mut origin, &plan.input) {
        (Origin::Input { path, .. }, Some(input)) => *path = input.to_string_lossy().into_owned(),
        (Origin::Seeded { .. }, Some(_)) => return Err(cannot("its records come from no --input")),
        (_, None) => {}
    }
    if let Origin::Input { path: input, content: Some(content), .. } = &origin {
        unchanged(Path::new(input), content, path)?;
    }
    let tally = state.tally;
    let fresh = Fresh::open(&origin, target.is_keyed())?;
    let rest = Rest::open(path, state, fresh)?;
    observer.on(Event::PuttingStarts { records: tally.records });
    observer.on(Event::Put { acknowledged: tally.acknowledged, rejected: 0 });
    let producer = Producer {
        putter: Putter::new(&target, aws),
        limits: target.limits(),
        ledger,
        queue: Queue::new(rest),
        pace: Pace::new(plan.rate),
        attempts: plan.attempts,
        tally,
        observer,
    };
    finish(&target, path.clone(), producer.run(stop).await)
}

fn finish(
    target: &Target,
    manifest: PathBuf,
    ran: Result<(Tally, Option<Error>)>,
) -> Result<Produced> {
    let (tally, failure) = ran?;
    let failure = failure.or_else(|| {
        let message = "the input has fewer records now than when the ledger was begun";
        (!tally.is_complete()).then(|| Error::new(ErrorKind::Manifest, message))
    });
    let failure = failure.map(|error| {
        let resume = format!("fhcheck produce --resume {}", manifest.display());
        let hint = match error.advice() {
            Some(advice) => format!("{advice}; go on with: {resume}"),
            None => format!("go on with: {resume}"),
        };
        error.hint(hint)
    });
    Ok(Produced { target: target.words(), manifests: vec![manifest], tally, failure })
}

/// Writes records one a line instead of putting them anywhere, and says how many.
///
/// # Errors
/// When they cannot be had, or not be written.
pub fn write_out(records: &Records, out: &mut dyn Write) -> Result<u64> {
    let origin = origin(records, RECORD_BYTES_MAX)?;
    let mut written = 0;
    for record in Fresh::open(&origin, false)? {
        let Record { data, .. } = record?;
        let line = out.write_all(&data).and_then(|()| out.write_all(b"\n"));
        line.map_err(|error| Error::io("the records cannot be written", error))?;
        written += 1;
    }
    Ok(written)
}
