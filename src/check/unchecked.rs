//! Objects of which only the bounds of records were looked at.
//!
//! Where the truth is JSON that was checked byte by byte, a record that equals one of it needs no second
//! proof. So where it costs nothing to read objects again, they are split by bounds alone, three times as
//! fast, and the comparison says whether that was enough: if every record of an object was produced, its
//! content is records and blanks, as a full check would have found. A record that was not produced proves
//! nothing: every object that holds it is checked. Where one turns out damaged, everything is read again
//! and checked.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::compare::Compared;
use super::reconcile::{Comparison, stager};
use super::seen::Seen;
use super::stage::Staged;
use super::{Job, Run};
use crate::error::Result;
use crate::fingerprint::Policy;
use crate::observe::Event;
use crate::plan::{Expectation, Location, ReconcilePlan};
use crate::reconcile::{Uneven, Wanted};
use crate::stop::Stop;

/// Whether reading costs neither requests nor transfer.
pub(super) fn is_local(location: &Location) -> bool {
    matches!(location, Location::Local(_))
}

impl Run {
    /// Whether objects are compared byte by byte with manifests, and it costs neither requests nor transfer
    /// to read them once more.
    pub(super) fn rereads_for_nothing(&self, plan: &ReconcilePlan) -> bool {
        let is_manifest = matches!(plan.expectation, Expectation::Manifest(_));
        let compares_bytes = plan.policy == Policy::Raw;
        is_manifest && compares_bytes && self.sites.iter().all(|site| is_local(&site.location))
    }

    /// The same, whoever asks for an end: what was read already is read again.
    pub(super) fn to_its_end(&self) -> Self {
        Self { stop: Stop::never(), ..self.clone() }
    }
}

impl Comparison {
    /// Whether a match proves a record.
    pub(super) fn matches_prove(&self) -> bool {
        let truth_is_json = self.truth.is_json && self.truth.demanded() > 0;
        self.rereads && truth_is_json && !self.checks_all
    }

    /// Nothing seen yet, with rows of what they are needed of.
    pub(super) fn nothing_seen(&self) -> Seen {
        let wanted = if self.matches_prove() { self.wanted.clone() } else { Wanted::all() };
        Seen::new(self.plan.samples, &self.storage, &wanted)
    }

    /// Compares both sides, and reads again what that leaves in doubt.
    pub(super) async fn compared(&mut self) -> Result<Compared> {
        let mut keeps_suspects = false;
        loop {
            let compared = self.compare_sides(keeps_suspects).await?;
            if !compared.lacking.is_empty() {
                keeps_suspects = match &compared.suspects {
                    Some(suspects) => self.keep_suspects(suspects).await?,
                    None => false,
                };
                if !keeps_suspects {
                    self.read_for_rows(&compared.lacking).await?;
                }
            } else if self.are_undamaged(&compared.strangers).await? {
                return Ok(compared);
            } else {
                (self.checks_all, keeps_suspects) = (true, false);
                self.read_again().await?;
            }
        }
    }

    /// Reads again what was read without keeping rows of what these buckets differ by. Whoever needs others
    /// later gets all.
    async fn read_for_rows(&mut self, lacking: &[Uneven]) -> Result<()> {
        self.storage.forget_staged();
        self.storage.forget_traces();
        let is_first = self.wanted.is_none();
        self.wanted = if is_first { Wanted::these(lacking) } else { Wanted::all() };
        if !self.truth.sides.keeps_all() {
            self.run.read_truth_again(&self.plan, &mut self.truth, &self.wanted).await?;
        }
        if !self.seen.found.clean.keeps_all() {
            self.read_again().await?;
        }
        Ok(())
    }

    /// Reads everything again that was read, and checks what was checked.
    async fn read_again(&mut self) -> Result<()> {
        let mut jobs = self.run.to_read(&self.catalog);
        jobs.retain(|job| self.seen.has_read(job.number));
        let bytes = jobs.iter().map(|job| job.object.size).sum();
        self.run.observer.on(Event::ReadingStarts { objects: jobs.len() as u64, bytes });
        let (by_bounds, checked): (Vec<_>, Vec<_>) =
            jobs.into_iter().partition(|job| self.seen.is_by_bounds(job.number));
        let gaps = std::mem::take(&mut self.seen.gaps);
        self.seen = self.nothing_seen();
        self.seen.gaps = gaps;
        self.storage.forget_staged();
        let run = self.run.to_its_end();
        self.read_as(&run, &checked, None).await?;
        self.read(run, &by_bounds).await?;
        self.run.observer.on(Event::Comparing);
        Ok(())
    }

    /// Whether objects with records that were never produced are what their bounds say: undamaged, every
    /// byte of them checked.
    async fn are_undamaged(&mut self, strangers: &BTreeSet<u64>) -> Result<bool> {
        let doubtful = strangers.iter().filter(|&&number| self.seen.is_by_bounds(number));
        let jobs: Vec<_> = doubtful.filter_map(|&number| self.numbered(number)).collect();
        let stager = stager(&self.plan, self.run.crew.clone(), None);
        let run = self.run.to_its_end();
        let (seen, mut all) = (&mut self.seen, true);
        let work = move |job: &Job, body| stager.stage(job, body);
        run.each(&jobs, work, |job, staged| {
            let undamaged = staged.as_ref().is_ok_and(Staged::is_undamaged);
            if undamaged {
                seen.mark_checked(job.number);
            }
            all &= undamaged;
            Ok(())
        })
        .await?;
        Ok(all)
    }

    pub(super) fn numbered(&self, number: u64) -> Option<Job> {
        self.run.numbered(&self.catalog, number)
    }
}
