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
use super::reconcile::{Comparison, is_by_count, stager};
use super::seen::Seen;
use super::stage::Staged;
use super::{Job, Run};
use crate::error::Result;
use crate::fingerprint::Policy;
use crate::observe::Event;
use crate::plan::{Expectation, Location};
use crate::stop::Stop;

impl Run {
    /// Whether it costs neither requests nor transfer to read objects once more.
    fn rereads_for_nothing(&self) -> bool {
        self.sites.iter().all(|site| matches!(site.location, Location::Local(_)))
    }

    /// The same, whoever asks for an end: what was read already is read again.
    pub(super) fn to_its_end(&self) -> Self {
        Self { stop: Stop::never(), ..self.clone() }
    }
}

impl Comparison {
    /// Whether a match proves a record. What is kept for other runs must be proven without one.
    pub(super) fn matches_prove(&self) -> bool {
        let is_manifest = matches!(self.plan.expectation, Expectation::Manifest(_));
        let compares_bytes = self.plan.policy == Policy::Raw && !is_by_count(&self.plan);
        let truth_is_json = self.truth.is_json && self.truth.demanded() > 0;
        is_manifest
            && compares_bytes
            && truth_is_json
            && self.run.rereads_for_nothing()
            && self.kept.is_none()
            && !self.checks_all
    }

    /// Compares both sides, and reads again what that leaves in doubt.
    pub(super) async fn compared(&mut self) -> Result<Compared> {
        loop {
            let compared = self.compare_sides().await?;
            if self.are_undamaged(&compared.strangers).await? {
                return Ok(compared);
            }
            self.read_again().await?;
        }
    }

    /// Reads everything again that was read, and checks it.
    async fn read_again(&mut self) -> Result<()> {
        self.checks_all = true;
        let mut jobs = self.run.to_read(&self.catalog);
        jobs.retain(|job| self.seen.has_read(job.number));
        let gaps = std::mem::take(&mut self.seen.gaps);
        self.seen = Seen::new(self.plan.samples, &self.storage);
        self.seen.gaps = gaps;
        self.storage.forget_staged();
        let bytes = jobs.iter().map(|job| job.object.size).sum();
        self.run.observer.on(Event::ReadingStarts { objects: jobs.len() as u64, bytes });
        self.read_as(&self.run.to_its_end(), &jobs, false).await?;
        self.seen.order();
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

    fn numbered(&self, number: u64) -> Option<Job> {
        self.run.numbered(&self.catalog, number)
    }
}
