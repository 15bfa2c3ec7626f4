//! A second look at the few records that both sides may differ by, where traces of all tell which.
//!
//! What stands at their places says who they are, and rows of them are kept as if the first reading had
//! done it. Whether they are all that differs is for the sums to say: if not, everything is read again.

use std::collections::{BTreeMap, BTreeSet};

use super::Job;
use super::excerpts::{self, Kept};
use super::reconcile::Comparison;
use crate::error::Result;
use crate::fingerprint::{Fingerprinter, Identity};
use crate::plan::ReadPlan;
use crate::reconcile::{Mark, Row, Suspects, Trace};
use crate::split::Format;

/// Identities by how they begin; `None` where several begin alike.
type Known = BTreeMap<Mark, Option<Identity>>;

impl Comparison {
    /// Keeps rows of suspects. Whether they are what they were at first.
    pub(super) async fn keep_suspects(&mut self, suspects: &Suspects) -> Result<bool> {
        self.storage.forget_traces();
        let mut of_truth = self.plan.read.clone();
        // As what counts here was read: records that stand alone, as JSON.
        of_truth.format = Format::Json.into();
        let job = |number| self.truth.job(number);
        let read = self.identities(&job, &suspects.produced, of_truth).await?;
        let Some(produced) = rows(&suspects.produced, |trace| read.get(&trace.place).copied())
        else {
            return Ok(false);
        };
        let mut known = Known::new();
        for row in &produced {
            let identity = row.identity();
            let same = known.entry(Mark::of(identity)).or_insert(Some(identity));
            *same = same.filter(|&known| known == identity);
        }
        // What was produced needs no look where it is stored: it begins alike, and the sums will tell.
        let known = |trace: &Trace| known.get(&trace.mark).copied().flatten();
        let strangers = suspects.found.iter().filter(|trace| known(trace).is_none());
        let strangers: Vec<_> = strangers.copied().collect();
        let job = |number| self.numbered(number);
        let read = self.identities(&job, &strangers, self.plan.read.clone()).await?;
        let of_found = |trace: &Trace| known(trace).or_else(|| read.get(&trace.place).copied());
        let Some(found) = rows(&suspects.found, of_found) else { return Ok(false) };
        self.truth.sides.sure.keep(&produced)?;
        self.seen.found.clean.keep(&found)?;
        Ok(true)
    }

    /// What is at these places. What cannot be read is left out.
    async fn identities(
        &self,
        job: &impl Fn(u64) -> Option<Job>,
        traces: &[Trace],
        plan: ReadPlan,
    ) -> Result<Kept<Identity>> {
        let mut offsets: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
        for Trace { place, .. } in traces {
            offsets.entry(place.object()).or_default().insert(place.offset());
        }
        let jobs: Vec<_> = offsets.keys().filter_map(|&number| job(number)).collect();
        let (policy, seed) = (self.plan.policy.clone(), self.plan.seed);
        let work = move |job: &Job, body| {
            let mut fingerprinter = Fingerprinter::new(&policy, seed);
            let keep = |record: &[u8]| Some(fingerprinter.identity(record));
            let offsets = offsets.get(&job.number).cloned().unwrap_or_default();
            Ok(excerpts::look(job, body, &plan, offsets, keep))
        };
        let mut read = Kept::new();
        self.run
            .to_its_end()
            .each(&jobs, work, |_, kept| {
                read.extend(kept.into_iter().flatten());
                Ok(())
            })
            .await?;
        Ok(read)
    }
}

/// Rows of records, if all are known and begin as their traces say.
fn rows(traces: &[Trace], identity: impl Fn(&Trace) -> Option<Identity>) -> Option<Vec<Row>> {
    let row = |trace: &Trace| {
        let identity = identity(trace).filter(|&identity| Mark::of(identity) == trace.mark);
        Some(Row::new(identity?, trace.place))
    };
    traces.iter().map(row).collect()
}
