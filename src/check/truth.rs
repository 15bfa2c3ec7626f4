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
use crate::reconcile::{Place, Produced, Row, Side};
use crate::source::{KeyRange, Source};
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

/// What one object of a manifest says.
#[derive(Debug, Default)]
struct Said {
    /// Records that must be there, and when they were put.
    timed: Vec<(Timestamp, Row)>,
    /// Records that must be there, of which nobody knows since when.
    untimed: Vec<Row>,
    uncertain: Vec<Row>,
    outside: Vec<Row>,
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
    fn demand(&mut self, row: Row, demand: Demand) {
        match demand {
            Demand::Sure(Some(at)) => self.timed.push((at, row)),
            Demand::Sure(None) => self.untimed.push(row),
            Demand::Uncertain => self.uncertain.push(row),
            Demand::Outside => self.outside.push(row),
        }
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
#[derive(Default)]
pub(super) struct Truth {
    pub(super) sides: Produced,
    /// Records that must be there, and when they were put, in the order in which they were read.
    timed: Vec<(Timestamp, Row)>,
    /// Records that must be there, of which nobody knows since when.
    untimed: Side,
    pub(super) incomplete: u64,
    pub(super) remarks: Remarks,
    pub(super) gaps: Vec<Gap>,
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

impl Truth {
    /// Decides which records may still be on their way. That may be asked again, later.
    pub(super) fn settle(&mut self, young: Option<Young>) {
        let since = young.map_or(Timestamp::MAX, |young| young.since);
        let Produced { sure, recent, .. } = &mut self.sides;
        *recent = Side::default();
        self.timed.retain(|(at, row)| {
            let young = *at >= since;
            if young { &mut *recent } else { &mut *sure }.commit([*row]);
            young
        });
        self.timed.shrink_to_fit();
        let on_their_way = young.is_some_and(|young| young.untimed);
        if on_their_way {
            self.sides.recent.copy(&self.untimed);
        } else {
            self.sides.sure.merge(std::mem::take(&mut self.untimed));
        }
    }

    fn commit(&mut self, mut said: Said) {
        self.incomplete += said.incomplete;
        self.remarks.add(said.remarks);
        self.timed.append(&mut said.timed);
        self.untimed.commit(said.untimed);
        self.sides.uncertain.commit(said.uncertain);
        self.sides.outside.commit(said.outside);
    }

    /// Records that must be there.
    pub(super) fn demanded(&self) -> u64 {
        self.sides.sure.records() + self.timed.len() as u64 + self.untimed.records()
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
    /// Reads what the manifests say.
    pub(super) async fn truth(
        &self,
        plan: &ReconcilePlan,
        manifests: Vec<Manifest>,
    ) -> Result<Truth> {
        let mut truth = Truth::default();
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
        let name = manifest.name;
        let reader = Reader::new(plan).arrived(manifest.arrived);
        let work = move |job: &Job, body| Ok(reader.read(job, body));
        self.each(&jobs, work, |job, read| {
            let said = read.and_then(|read| read.map_err(GapReason::Failed));
            truth.commit(said.map_err(|reason| unreadable(&name, job, &reason))?);
            self.observer.on(Event::Manifest { records: truth.demanded() });
            Ok(())
        })
        .await?;
        truth.objects.extend(jobs.into_iter().map(|job| (job, name.clone())));
        truth.gaps.extend(manifest.gaps);
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
