//! `reconcile`: what is stored against what was produced.

use std::collections::HashMap;
use std::sync::Arc;

use super::catalog::{Catalog, Listed};
use super::compare::{Compared, compare};
use super::crew::Crew;
use super::kept::Kept;
use super::notes::{self, Noticed};
use super::seen::Seen;
use super::stage::{Identities, Stager};
use super::truth::{Manifest, Reader, Truth};
use super::unchecked::is_local;
use super::{Job, Run};
use crate::error::Result;
use crate::fingerprint::Policy;
use crate::observe::Event;
use crate::outcome::Outcome;
use crate::plan::{Expectation, ReconcilePlan, Window, Young};
use crate::reconcile::{self, Found, Produced, Storage, Wanted};
use crate::stop::before_a_result;

impl Run {
    /// Compares what is stored with what was produced. The manifests are those that the plan names.
    ///
    /// # Errors
    /// When the listing fails, a manifest cannot be read whole, or a cap would be passed.
    ///
    /// # Panics
    /// When the books do not balance, which is a defect of fhcheck.
    pub async fn reconcile(
        &self,
        plan: &ReconcilePlan,
        manifests: Vec<Manifest>,
    ) -> Result<Outcome> {
        let mut comparison = self.compare_once(plan, manifests).await?;
        comparison.look().await?;
        comparison.outcome().await
    }

    /// Reads what was produced, for a comparison with what is stored now and later.
    ///
    /// # Errors
    /// When a manifest cannot be read whole.
    pub async fn compare(
        &self,
        plan: &ReconcilePlan,
        manifests: Vec<Manifest>,
    ) -> Result<Comparison> {
        self.comparison(plan, manifests, false).await
    }

    /// The same, for a comparison with what is stored now. Where something differs, manifests are read again
    /// that are files: they have to be there still, as they were.
    ///
    /// # Errors
    /// When a manifest cannot be read whole.
    pub async fn compare_once(
        &self,
        plan: &ReconcilePlan,
        manifests: Vec<Manifest>,
    ) -> Result<Comparison> {
        self.comparison(plan, manifests, true).await
    }

    async fn comparison(
        &self,
        plan: &ReconcilePlan,
        manifests: Vec<Manifest>,
        once: bool,
    ) -> Result<Comparison> {
        let mut plan = plan.clone();
        let kept = self.kept(&plan.read, plan.policy.of_stored(is_by_count(&plan)));
        // Identities of this run must be those that are kept.
        plan.seed = kept.as_ref().map_or(plan.seed, Kept::seed);
        let workers = plan.read.limits.workers;
        let storage = Storage::new(plan.memory.bytes, workers, &plan.memory.overflow, plan.seed);
        // What is kept for other runs must be proven without a match.
        let rereads = kept.is_none() && self.rereads_for_nothing(&plan);
        let wanted = if rereads && once { Wanted::traces() } else { Wanted::all() };
        let of_truth = if truth_rereads(&plan, &manifests) { &wanted } else { &Wanted::all() };
        let truth = Truth::new(&storage, of_truth);
        let mut truth = self.truth(&plan, manifests, truth).await?;
        truth.settle(plan.young)?;
        // Those of one side are of no use.
        let is_one_sided = wanted.is_none() && !storage.has_traces();
        let wanted = if is_one_sided { Wanted::none() } else { wanted };
        let mut comparison = Comparison {
            run: self.clone(),
            truth,
            catalog: Catalog::default(),
            seen: Seen::new(plan.samples, &storage, &Wanted::all()),
            plan,
            kept,
            storage,
            restarts: 0,
            rereads,
            wanted,
            checks_all: false,
        };
        comparison.seen = comparison.nothing_seen();
        Ok(comparison)
    }
}

/// What was produced, and what is stored as far as it was looked at.
pub struct Comparison {
    pub(super) run: Run,
    pub(super) plan: ReconcilePlan,
    /// What earlier runs found out about objects.
    pub(super) kept: Option<Kept>,
    pub(super) storage: Arc<Storage>,
    pub(super) truth: Truth,
    /// Objects by their numbers: those of the first look in the order of their keys, then those that
    /// came later.
    pub(super) catalog: Catalog,
    pub(super) seen: Seen,
    restarts: u64,
    /// It costs nothing to read objects once more, and their bytes are compared.
    pub(super) rereads: bool,
    /// Of what is read for matches, rows are kept of these.
    pub(super) wanted: Wanted,
    /// No match is taken for a proof any more.
    pub(super) checks_all: bool,
}

impl Comparison {
    /// Records that were put for sure in the window, and those whose puts had no answer.
    pub fn produced(&self) -> (u64, u64) {
        (self.truth.demanded(), self.truth.sides.uncertain.records())
    }

    /// Adds what was produced meanwhile.
    ///
    /// # Errors
    /// When the manifest cannot be read whole.
    pub async fn add(&mut self, manifest: Manifest) -> Result<()> {
        self.run.read_manifest(&self.plan, manifest, &mut self.truth).await
    }

    /// Lists what is stored, and reads what was not read yet.
    ///
    /// # Errors
    /// When the listing fails, a cap would be passed, or somebody asked for an end before there was
    /// anything to say.
    pub async fn look(&mut self) -> Result<()> {
        let listing = tokio::select! {
            biased;
            () = self.run.stop.asked() => return self.looked().then_some(()).ok_or_else(before_a_result),
            listing = self.run.catalog() => listing?,
        };
        if !self.goes_on_with(listing) {
            self.restarts += 1;
            self.seen = self.nothing_seen();
        }
        self.seen.gaps.clear();
        let mut jobs = self.run.to_read(&self.catalog);
        jobs.retain(|job| !self.seen.has_read(job.number));
        let bytes = jobs.iter().map(|job| job.object.size).sum();
        self.run.observer.on(Event::ReadingStarts { objects: jobs.len() as u64, bytes });
        let jobs = self.take_kept(jobs).await?;
        // What is known already counts for nothing, and so does what nobody waits for any more.
        if !self.run.stop.is_asked() {
            self.run.admit(self.catalog.bytes_to_read() - self.seen.cached.bytes)?;
        }
        self.read(self.run.clone(), &jobs).await
    }

    /// Whether there was a look before.
    fn looked(&self) -> bool {
        !self.catalog.objects.is_empty()
    }

    /// Takes a new listing. Objects that were there are expected to be there still, as they were:
    /// if they are not, nothing that was read of them can be told from the rest.
    fn goes_on_with(&mut self, listing: Catalog) -> bool {
        let Catalog { objects, notes, requests, keys: _ } = listing;
        (self.catalog.notes, self.catalog.requests) = (notes, requests);
        if !self.looked() {
            self.catalog.objects = objects;
            return true;
        }
        let key = |listed: &Listed| (listed.site, listed.object.key.clone());
        let mut before: HashMap<_, _> =
            self.catalog.objects.iter().map(|listed| (key(listed), &listed.object)).collect();
        let mut same = true;
        let mut new = Vec::new();
        for listed in &objects {
            match before.remove(&key(listed)) {
                Some(object) => {
                    same &= object.etag == listed.object.etag && object.size == listed.object.size;
                }
                None => new.push(listed.clone()),
            }
        }
        same &= before.is_empty();
        if same {
            self.catalog.objects.extend(new);
        } else {
            self.catalog.objects = objects;
        }
        same
    }

    pub(super) async fn read(&mut self, run: Run, jobs: &[Job]) -> Result<()> {
        let wanted = self.matches_prove().then(|| self.wanted.clone());
        let amiss = self.read_as(&run, jobs, wanted).await?;
        self.read_as(&self.run.to_its_end(), &amiss, None).await?;
        self.seen.order();
        Ok(())
    }

    /// Reads objects; where a match proves records, with rows of these. Objects that are not just records
    /// and blanks then, as far as their bounds tell, are to be read again.
    pub(super) async fn read_as(
        &mut self,
        run: &Run,
        jobs: &[Job],
        bounds_suffice: Option<Wanted>,
    ) -> Result<Vec<Job>> {
        let (plan, seen) = (&self.plan, &mut self.seen);
        let mut stager = stager(plan, run.crew.clone(), Some(&self.storage));
        stager.bounds_suffice = bounds_suffice;
        let kept = self.kept.clone();
        let work = move |job: &Job, body| {
            let staged = stager.stage(job, body)?;
            if let Some(kept) = &kept {
                kept.store(job, &staged);
            }
            Ok(staged)
        };
        let mut amiss = Vec::new();
        run.each(jobs, work, |job, staged| {
            match staged {
                Ok(staged) if staged.is_amiss() => amiss.push(job.clone()),
                Ok(staged) => {
                    run.done(&job.object, staged.tally.records);
                    seen.commit(job, staged)?;
                }
                Err(reason) => seen.gap(job, reason),
            }
            Ok(())
        })
        .await?;
        Ok(amiss)
    }

    /// Records that were found so far, and records that were produced: those that must be there.
    pub fn progress(&self) -> (u64, u64) {
        let produced = match self.plan.expectation {
            Expectation::Count(count) => count,
            _ => self.truth.demanded(),
        };
        (self.seen.records(), produced)
    }

    /// Decides anew which records may still be on their way, and says whether any may: if not, time
    /// changes nothing.
    ///
    /// # Errors
    /// When what is known of records fits neither into memory nor on disk.
    pub fn set_young(&mut self, young: Option<Young>) -> Result<bool> {
        self.plan.young = young;
        self.truth.settle(young)?;
        Ok(match self.plan.expectation {
            Expectation::Count(_) => young.is_some_and(|young| young.untimed),
            _ => self.truth.sides.recent.records() > 0,
        })
    }

    /// What the last look comes to.
    ///
    /// # Errors
    /// When a worker thread was stopped, or what was spilled cannot be read back.
    ///
    /// # Panics
    /// When the books do not balance, which is a defect of fhcheck.
    pub async fn outcome(&mut self) -> Result<Outcome> {
        self.run.observer.on(Event::Comparing);
        let compared = self.compared().await?;
        let Self { run, plan, storage, truth, catalog, seen, kept, .. } = self;
        let mut outcome = seen.outcome.clone();
        outcome.location = run.plan.location.to_string();
        outcome.expectation = expectation(plan, truth);
        outcome.matching = matching(plan);
        outcome.allow = plan.allow;
        outcome.gaps = truth.gaps.iter().chain(&seen.gaps).cloned().collect();
        let read = outcome.books.objects.read;
        outcome.books.objects = catalog.book();
        outcome.books.objects.read = read;
        outcome.books.objects.gaps = seen.gaps.len() as u64;
        let Compared { produced, found, classes, unproven, strangers: _, lacking: _, suspects: _ } =
            compared;
        outcome.books.produced = produced;
        outcome.books.found = found;
        seen.demote(&mut outcome, &unproven, |place| run.name(catalog, place));
        outcome.differences =
            run.samples(classes, truth, &Reader::new(plan, storage, &run.crew), catalog).await;
        outcome.notes.extend(catalog.notes.iter().cloned());
        outcome.notes.extend(seen.columns.notes(plan));
        let noticed = Noticed {
            incomplete: truth.incomplete + seen.incomplete,
            misdeclared: seen.misdeclared,
            remarks: truth.remarks,
            restarts: self.restarts,
        };
        notes::add(&mut outcome, plan, &noticed);
        outcome.notes.extend(seen.peculiar.notes());
        outcome.notes.extend(run.cache_notes());
        outcome.cached = kept.is_some().then_some(seen.cached);
        outcome.books.assert_balanced();
        Ok(outcome)
    }

    /// Compares both sides as they are; rows of suspects may have been kept since the last time.
    pub(super) async fn compare_sides(&mut self, suspects: bool) -> Result<Compared> {
        let Self { plan, storage, truth, seen, .. } = self;
        let produced = std::mem::replace(&mut truth.sides, Produced::new(storage));
        let found = std::mem::replace(&mut seen.found, Found::new(storage));
        let (produced, found) = (Arc::new(produced), Arc::new(found));
        let (repeated, strangers) = (truth.remarks.sequenced, seen.has_any_by_bounds());
        let kept = reconcile::Kept { samples: plan.samples, repeated, strangers, suspects };
        let compared = compare(plan, &produced, &found, kept).await?;
        truth.sides = Arc::into_inner(produced).expect("the comparison is done with it");
        seen.found = Arc::into_inner(found).expect("the comparison is done with it");
        Ok(compared)
    }
}

/// How objects are staged; without a storage their records are only counted.
pub(super) fn stager(plan: &ReconcilePlan, crew: Crew, storage: Option<&Arc<Storage>>) -> Stager {
    let by_count = is_by_count(plan);
    let (policy, seed) = (plan.policy.of_stored(by_count).clone(), plan.seed);
    Stager {
        format: plan.read.format.clone(),
        base64: plan.read.base64,
        object_bytes: plan.read.limits.object_bytes,
        identities: storage.map(Arc::clone).map(|storage| Identities { policy, seed, storage }),
        proves: !by_count,
        bounds_suffice: None,
        knows_errors: true,
        spans: plan.samples.max(1),
        crew,
    }
}

pub(super) fn is_by_count(plan: &ReconcilePlan) -> bool {
    matches!(plan.expectation, Expectation::Count(_))
}

/// Whether all that was produced is said by files, which can be read again.
fn truth_rereads(plan: &ReconcilePlan, manifests: &[Manifest]) -> bool {
    let are_files = match &plan.expectation {
        Expectation::Manifest(locations) => locations.iter().all(is_local),
        Expectation::Count(_) | Expectation::Stream(_) => false,
    };
    are_files && manifests.iter().all(|manifest| manifest.arrived == Window::default())
}

fn expectation(plan: &ReconcilePlan, truth: &Truth) -> String {
    match &plan.expectation {
        Expectation::Count(count) => format!("a count of {count}"),
        Expectation::Stream(name) => format!("data stream {name}"),
        Expectation::Manifest(_) => match truth.names().as_slice() {
            [one] => format!("manifest {one}"),
            several => format!("manifests {}", several.join(", ")),
        },
    }
}

fn matching(plan: &ReconcilePlan) -> String {
    match (&plan.expectation, &plan.policy) {
        (Expectation::Count(_), _) => "count".into(),
        (_, Policy::Raw) => "raw".into(),
        (_, Policy::Json) => "json".into(),
        (_, Policy::Key(pointers)) => {
            let pointers: Vec<_> = pointers.iter().map(ToString::to_string).collect();
            format!("key={}", pointers.join(","))
        }
    }
}
