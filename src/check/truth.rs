//! The truth: the records of the manifests, which must be whole to prove anything.

mod function;
mod ledger;
mod read;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::StreamExt;
use jiff::Timestamp;

use super::site::Site;
use super::{Job, Run};
use crate::error::{Error, ErrorKind, Result};
use crate::fingerprint::Identity;
use crate::observe::Event;
use crate::outcome::{Gap, GapReason, Origin};
use crate::plan::{ReconcilePlan, Window, Young};
use crate::reconcile::{
    Packed, Pile, Place, Produced, Row, Side, Spool, Storage, Wanted, bytes_at,
};
use crate::source::{KeyRange, Source};
use crate::stop::before_a_result;
pub(super) use read::Reader;

/// A manifest: the source that holds it, and the range of keys that it is.
pub struct Manifest {
    /// How reports name it.
    pub name: String,
    /// Where it is.
    pub source: Arc<dyn Source>,
    /// Its key, or the prefix of several.
    pub range: KeyRange,
    /// What it should say and cannot: what a data stream no longer holds.
    pub gaps: Vec<Gap>,
    /// Records of a data stream that did not arrive in this time are said by another manifest.
    pub arrived: Window,
}

/// How sure it is that a record must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Demand {
    /// It was put, now or never; or at this instant.
    Sure(Option<Timestamp>),
    /// Its put had no answer.
    Uncertain,
    /// It was put, outside the window.
    Outside,
}

/// A record that must be there, and when it was put.
#[derive(Debug, Clone, Copy)]
struct Timed {
    at: Timestamp,
    row: Row,
}

impl Packed for Timed {
    const BYTES: usize = 12 + Row::BYTES;

    fn pack(&self, out: &mut [u8]) {
        out[..8].copy_from_slice(&self.at.as_second().to_le_bytes());
        out[8..12].copy_from_slice(&self.at.subsec_nanosecond().to_le_bytes());
        self.row.pack(&mut out[12..]);
    }

    fn unpack(bytes: &[u8]) -> Self {
        let seconds = i64::from_le_bytes(bytes_at(bytes, 0));
        let nanoseconds = i32::from_le_bytes(bytes_at(bytes, 8));
        let at = Timestamp::new(seconds, nanoseconds).unwrap_or_default();
        Self { at, row: Row::unpack(&bytes[12..]) }
    }
}

/// What one object of a manifest says.
#[derive(Debug)]
struct Said {
    /// Records that must be there by now.
    sure: Side,
    /// Records that must be there, and may be on their way.
    timed: Spool<Timed>,
    /// Records that must be there, of which nobody knows since when.
    untimed: Pile,
    uncertain: Side,
    outside: Side,
    /// They stand alone, as JSON, every byte of which was checked.
    is_json: bool,
    /// Why not all of them could be kept.
    failure: Option<Error>,
    /// What its producer says besides.
    remarks: Remarks,
    /// Records that lack what the policy compares.
    incomplete: u64,
}

/// What manifests say besides records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Remarks {
    /// Records that were to be put, and never were.
    pub(super) never_put: u64,
    /// Records that were put without an answer, where nobody knows which.
    pub(super) unanswered: u64,
    /// Records without content: they leave no trace.
    pub(super) empty: u64,
    /// The manifest says under which sequence numbers its records are in the stream.
    pub(super) sequenced: bool,
}

impl Said {
    fn new(storage: &Arc<Storage>, wanted: &Wanted) -> Self {
        let side = || Side::staging(storage);
        Self {
            sure: side(),
            timed: Spool::new(storage),
            untimed: Pile::new(storage, wanted),
            uncertain: side(),
            outside: side(),
            is_json: false,
            failure: None,
            remarks: Remarks::default(),
            incomplete: 0,
        }
    }

    /// What is put at this instant or later may be on its way.
    fn demand(&mut self, row: Row, demand: Demand, young: Timestamp) {
        let kept = match demand {
            Demand::Sure(Some(at)) if at >= young => {
                self.timed.push(Timed { at, row });
                Ok(())
            }
            Demand::Sure(Some(_)) => self.sure.push(row),
            Demand::Sure(None) => {
                self.untimed.push(row);
                Ok(())
            }
            Demand::Uncertain => self.uncertain.push(row),
            Demand::Outside => self.outside.push(row),
        };
        if let Err(error) = kept {
            self.failure.get_or_insert(error);
        }
    }

    /// These must be there, and nobody knows since when.
    fn demand_all(&mut self, rows: &[Row]) {
        self.untimed.extend(rows);
    }
}

impl Remarks {
    fn add(&mut self, other: Self) {
        self.never_put += other.never_put;
        self.unanswered += other.unanswered;
        self.empty += other.empty;
        self.sequenced |= other.sequenced;
    }
}

/// What was produced.
pub(super) struct Truth {
    pub(super) sides: Produced,
    storage: Arc<Storage>,
    /// Of records that stand alone, rows are kept of these.
    wanted: Wanted,
    /// Records that must be there, and may be on their way.
    timed: Spool<Timed>,
    /// Records that must be there, of which nobody knows since when.
    untimed: Side,
    pub(super) incomplete: u64,
    pub(super) remarks: Remarks,
    pub(super) gaps: Vec<Gap>,
    /// All records are JSON, every byte of which was checked.
    pub(super) is_json: bool,
    /// The manifests' objects by number, each with the name that reports give it.
    objects: Vec<(Job, String)>,
}

/// What a second look at a record of the truth shows.
#[derive(Debug, Clone, Default)]
pub(super) struct Look {
    pub(super) excerpt: Vec<u8>,
    pub(super) origin: Option<Origin>,
    partition_key: Option<String>,
}

/// Since when what was put may be on its way.
fn young_since(young: Option<Young>) -> Timestamp {
    young.map_or(Timestamp::MAX, |young| young.since)
}

impl Truth {
    /// Nothing yet. Of records that stand alone, rows are kept of these.
    pub(super) fn new(storage: &Arc<Storage>, wanted: &Wanted) -> Self {
        Self {
            sides: Produced::new(storage),
            storage: Arc::clone(storage),
            wanted: wanted.clone(),
            timed: Spool::new(storage),
            untimed: Side::new(storage).keeping(wanted),
            incomplete: 0,
            remarks: Remarks::default(),
            gaps: Vec::new(),
            is_json: true,
            objects: Vec::new(),
        }
    }

    /// Decides which records may still be on their way. That may be asked again, later.
    pub(super) fn settle(&mut self, young: Option<Young>) -> Result<()> {
        let since = young_since(young);
        let Produced { sure, recent, .. } = &mut self.sides;
        *recent = Side::new(&self.storage);
        let timed = std::mem::replace(&mut self.timed, Spool::new(&self.storage));
        timed.each(|timed| {
            if timed.at < since {
                return sure.push(timed.row);
            }
            self.timed.push(timed);
            recent.push(timed.row)
        })?;
        let on_their_way = young.is_some_and(|young| young.untimed);
        if on_their_way {
            recent.copy(&self.untimed)
        } else {
            sure.merge(std::mem::replace(&mut self.untimed, Side::new(&self.storage)))
        }
    }

    fn commit(&mut self, said: Said) -> Result<()> {
        if let Some(failure) = said.failure {
            return Err(failure);
        }
        self.incomplete += said.incomplete;
        self.remarks.add(said.remarks);
        self.is_json &= said.is_json;
        said.timed.each(|timed| {
            self.timed.push(timed);
            Ok(())
        })?;
        self.sides.sure.merge(said.sure)?;
        said.untimed.give(&mut self.untimed)?;
        self.sides.uncertain.merge(said.uncertain)?;
        self.sides.outside.merge(said.outside)
    }

    /// Records that must be there.
    pub(super) fn demanded(&self) -> u64 {
        self.sides.sure.records() + self.timed.len() + self.untimed.records()
    }

    /// An object of the manifests.
    pub(super) fn job(&self, number: u64) -> Option<Job> {
        Some(self.objects.get(usize::try_from(number).ok()?)?.0.clone())
    }

    /// How reports name the manifests.
    pub(super) fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.objects.iter().map(|(_, name)| name.as_str()).collect();
        names.dedup();
        names
    }

    pub(super) fn name(&self, number: u64) -> String {
        self.objects[usize::try_from(number).expect("numbers are indices")].1.clone()
    }

    /// Reads these records a second time. What cannot be had again is left out.
    pub(super) async fn look(
        &self,
        reader: &Reader,
        wanted: impl Iterator<Item = (Place, Identity)>,
    ) -> BTreeMap<(Place, Identity), Look> {
        let mut by_object: BTreeMap<u64, BTreeSet<(u64, Identity)>> = BTreeMap::new();
        for (place, identity) in wanted {
            by_object.entry(place.object()).or_default().insert((place.offset(), identity));
        }
        let mut looks = BTreeMap::new();
        for (number, wanted) in by_object {
            let index = usize::try_from(number).expect("numbers are indices");
            let (job, reader) = (self.objects[index].0.clone(), reader.clone());
            let Ok(body) = job.site.source.fetch(&job.object).await else { continue };
            let look = move || reader.look(&job, body, &wanted);
            let found = super::joined(tokio::task::spawn_blocking(look).await).unwrap_or_default();
            let place = |offset| Place::new(number, offset);
            looks.extend(found.into_iter().map(|((offset, id), look)| ((place(offset), id), look)));
        }
        looks
    }
}

impl Run {
    /// Adds what the manifests say to the truth.
    pub(super) async fn truth(
        &self,
        plan: &ReconcilePlan,
        manifests: Vec<Manifest>,
        mut truth: Truth,
    ) -> Result<Truth> {
        for manifest in manifests {
            self.read_manifest(plan, manifest, &mut truth).await?;
        }
        Ok(truth)
    }

    /// Adds the records of one manifest to the truth.
    pub(super) async fn read_manifest(
        &self,
        plan: &ReconcilePlan,
        manifest: Manifest,
        truth: &mut Truth,
    ) -> Result<()> {
        let jobs = jobs(&manifest, truth.objects.len() as u64).await?;
        let first = truth.objects.len();
        truth.objects.extend(jobs.into_iter().map(|job| (job, manifest.name.clone())));
        let reader = Reader::new(plan, &truth.storage, &self.crew).arrived(manifest.arrived);
        let reader = reader.keeping(&truth.wanted);
        tokio::select! {
            biased;
            // A part of the truth is none.
            () = self.stop.asked() => return Err(before_a_result()),
            read = self.read_said(reader, first, truth) => read?,
        }
        truth.gaps.extend(manifest.gaps);
        Ok(())
    }

    /// Adds what the objects of the truth say, from a number on.
    async fn read_said(&self, reader: Reader, first: usize, truth: &mut Truth) -> Result<()> {
        let jobs: Vec<_> = truth.objects[first..].iter().map(|(job, _)| job.clone()).collect();
        let work = move |job: &Job, body| Ok(reader.read(job, body));
        self.each(&jobs, work, |job, read| {
            let said = read.and_then(|read| read.map_err(GapReason::Failed));
            let unreadable = |reason| unreadable(&truth.name(job.number), job, &reason);
            let said = said.map_err(unreadable)?;
            truth.commit(said)?;
            self.observer.on(Event::Manifest { records: truth.demanded() });
            Ok(())
        })
        .await
    }

    /// Reads the truth once more, for rows of these.
    pub(super) async fn read_truth_again(
        &self,
        plan: &ReconcilePlan,
        truth: &mut Truth,
        wanted: &Wanted,
    ) -> Result<()> {
        let mut again = Truth::new(&truth.storage, wanted);
        (again.objects, again.gaps) = (truth.objects.clone(), truth.gaps.clone());
        let reader = Reader::new(plan, &truth.storage, &self.crew).keeping(wanted);
        let reader = if truth.is_json { reader.by_bounds() } else { reader };
        let advice = "run again when nobody writes to it";
        let read = self.to_its_end().read_said(reader, 0, &mut again).await;
        read.map_err(|error| error.hint(advice))?;
        again.settle(plan.young)?;
        if !again.sides.are_those_of(&truth.sides) {
            let message =
                format!("manifest {} changed while it was read", truth.names().join(", "));
            return Err(Error::new(ErrorKind::Manifest, message).hint(advice));
        }
        *truth = again;
        Ok(())
    }
}

/// The objects of a manifest, numbered from `first` on.
async fn jobs(manifest: &Manifest, first: u64) -> Result<Vec<Job>> {
    let Manifest { name, source, range, .. } = manifest;
    let mut objects = Vec::new();
    let mut keys = source.list(range);
    while let Some(object) = keys.next().await {
        objects.push(object?);
    }
    // A key that is named whole is one manifest, whatever other keys begin like it.
    if objects.iter().any(|object| object.key == range.prefix) {
        objects.retain(|object| object.key == range.prefix);
    } else if !range.prefix.is_empty() && !range.prefix.ends_with('/') {
        // Keys that only begin like it are other manifests.
        objects.clear();
    }
    if objects.is_empty() {
        return Err(Error::new(ErrorKind::NotFound, format!("manifest {name} does not exist")));
    }
    let site = Arc::new(Site::manifest(Arc::clone(source)));
    let numbered = (first..).zip(objects);
    Ok(numbered.map(|(number, object)| Job { number, object, site: Arc::clone(&site) }).collect())
}

/// A truth with holes proves nothing.
fn unreadable(name: &str, job: &Job, reason: &GapReason) -> Error {
    let key = &job.object.key;
    let message = format!("manifest {name} cannot be used ({key}): {reason}");
    Error::new(ErrorKind::Manifest, message).hint(
        "a truth with holes proves nothing: mend the manifest, or leave it out and use --expected",
    )
}
