//! `reconcile`: what is stored against what was produced.

use std::sync::Arc;

use super::catalog::Catalog;
use super::excerpts::{self, Excerpts, Objects};
use super::list::{malformed, undecodable};
use super::stage::{Staged, Stager};
use super::truth::{Manifest, Truth};
use super::{Run, gap, joined};
use crate::error::Result;
use crate::fingerprint::Policy;
use crate::observe::Event;
use crate::outcome::{
    self, Class, Differences, FoundBook, GapReason, Malformed, Note, Outcome, ProducedBook, Sample,
};
use crate::plan::{Expectation, ReconcilePlan};
use crate::reconcile::{self, Found, Place, Row, Side};
use crate::source::{ObjectRef, Source};
use crate::split::{Damage, FormatChoice, Standing};

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
        let mut truth = Truth::default();
        let manifest_stager = stager(plan, FormatChoice::Detect);
        for manifest in manifests {
            self.read_manifest(&manifest_stager, manifest, &mut truth).await?;
        }
        let catalog = self.catalog().await?;
        self.admit(&catalog)?;
        let mut seen = self.read_objects(plan, &catalog).await?;
        self.observer.on(Event::Comparing);
        let compared = compare(plan, &mut truth.side, &mut seen).await?;
        let mut outcome = seen.outcome;
        outcome.location = self.plan.location.to_string();
        outcome.expectation = expectation(plan, &truth);
        outcome.matching = matching(plan);
        outcome.allow = plan.allow;
        let Compared { produced, found, classes, unproven } = compared;
        outcome.books.produced = produced;
        outcome.books.found = found;
        demote(&mut outcome, &unproven, &seen.recovered_lens, &catalog, plan.samples);
        let stored = Stored { source: Arc::clone(&self.source), catalog };
        outcome.differences = self.samples(classes, &truth, &stored).await;
        outcome.notes.extend(stored.catalog.notes);
        let incomplete = truth.incomplete + seen.incomplete;
        notes(&mut outcome, plan, incomplete, seen.misdeclared);
        outcome.books.assert_balanced();
        Ok(outcome)
    }

    async fn read_objects(&self, plan: &ReconcilePlan, catalog: &Catalog) -> Result<Seen> {
        let objects = catalog.to_read();
        let bytes = catalog.bytes_to_read();
        self.observer.on(Event::ReadingStarts { objects: objects.len() as u64, bytes });
        let mut seen = Seen::new(catalog, plan.samples);
        let stager = stager(plan, self.plan.format.clone());
        let work = move |_, object: &ObjectRef, body| stager.stage(&object.key, body);
        self.each(&objects, work, |number, object, staged| {
            match staged {
                Ok(staged) => {
                    self.done(object, staged.tally.records);
                    seen.commit(number, &object.key, staged);
                }
                Err(reason) => seen.gap(object, reason),
            }
            Ok(())
        })
        .await?;
        seen.order();
        Ok(seen)
    }

    /// The samples of each class, with the records themselves where they can be had.
    async fn samples(&self, classes: Classes, truth: &Truth, stored: &Stored) -> Differences {
        let shown = |class: &reconcile::Tally, produced: bool| -> Vec<Place> {
            let groups = class.groups.iter();
            groups
                .filter_map(|group| match group.produced_at.first() {
                    Some(&place) => produced.then_some(place),
                    None => group.found_at.first().copied().filter(|_| !produced),
                })
                .collect()
        };
        let all = [&classes.missing, &classes.duplicates, &classes.unexpected, &classes.identical];
        let places = |produced| all.iter().flat_map(move |class| shown(class, produced));
        let (format, bytes) = (&self.plan.format, self.plan.limits.object_bytes);
        let produced = excerpts::read(truth, places(true), &FormatChoice::Detect, bytes).await;
        let found = excerpts::read(stored, places(false), format, bytes).await;
        let class = |tally| class(tally, truth, &stored.catalog, &produced, &found);
        Differences {
            missing: class(classes.missing),
            duplicates: class(classes.duplicates),
            unexpected: class(classes.unexpected),
            identical: class(classes.identical),
        }
    }
}

fn stager(plan: &ReconcilePlan, format: FormatChoice) -> Stager {
    let policy = match plan.expectation {
        // Equal bytes are what a count can still say of identity.
        Expectation::Count(_) => Policy::Raw,
        Expectation::Manifest(_) => plan.policy.clone(),
    };
    Stager {
        format,
        object_bytes: plan.read.limits.object_bytes,
        identities: Some((policy, plan.seed)),
        proves: matches!(plan.expectation, Expectation::Manifest(_)),
        spans: plan.samples.max(1),
    }
}

/// What is stored.
struct Stored {
    source: Arc<dyn Source>,
    catalog: Catalog,
}

impl Objects for Stored {
    fn object(&self, number: u64) -> Option<(Arc<dyn Source>, ObjectRef)> {
        let listed = self.catalog.objects.get(usize::try_from(number).ok()?)?;
        Some((Arc::clone(&self.source), listed.object.clone()))
    }
}

/// What was seen of the stored objects.
struct Seen {
    outcome: Outcome,
    found: Found,
    /// The lengths of recovered records: they may turn out to be none.
    recovered_lens: Vec<(Place, u32)>,
    incomplete: u64,
    misdeclared: u64,
    samples: usize,
}

impl Seen {
    fn new(catalog: &Catalog, samples: usize) -> Self {
        let mut outcome = Outcome::default();
        outcome.books.objects = catalog.book();
        let (found, recovered_lens) = Default::default();
        Self { outcome, found, recovered_lens, incomplete: 0, misdeclared: 0, samples }
    }

    fn commit(&mut self, number: u64, key: &str, staged: Staged) {
        let outcome = &mut self.outcome;
        outcome.books.objects.read += 1;
        outcome.books.bytes.add(&staged.tally.bytes);
        outcome.malformed_spans += staged.tally.malformed_spans;
        outcome.malformed.extend(malformed(key, &staged));
        outcome.undecodable.extend(undecodable(key, &staged));
        outcome.formats.add(&staged.format, 1);
        self.incomplete += staged.incomplete;
        self.misdeclared += u64::from(staged.misdeclared.is_some());
        let place = |offset| Place::new(number, offset);
        let recovered =
            staged.records.iter().filter(|record| record.standing == Standing::Recovered);
        self.recovered_lens.extend(recovered.map(|record| (place(record.offset), record.len)));
        for (standing, side) in [
            (Standing::Clean, &mut self.found.clean),
            (Standing::Recovered, &mut self.found.recovered),
        ] {
            let records = staged.records.iter().filter(|record| record.standing == standing);
            side.commit(records.map(|record| Row::new(record.identity, place(record.offset))));
        }
        if outcome.malformed.len() > self.samples.saturating_mul(2).max(64) {
            outcome.order(self.samples);
        }
    }

    fn gap(&mut self, object: &ObjectRef, reason: GapReason) {
        self.outcome.books.objects.gaps += 1;
        self.outcome.gaps.push(gap(object, reason));
    }

    fn order(&mut self) {
        self.recovered_lens.sort_unstable();
        self.outcome.order(self.samples);
    }
}

#[derive(Default)]
struct Classes {
    missing: reconcile::Tally,
    duplicates: reconcile::Tally,
    unexpected: reconcile::Tally,
    identical: reconcile::Tally,
}

struct Compared {
    produced: ProducedBook,
    found: FoundBook,
    classes: Classes,
    unproven: Vec<Place>,
}

/// Compares the two sides, on a worker thread: sorting takes its time.
async fn compare(plan: &ReconcilePlan, truth: &mut Side, seen: &mut Seen) -> Result<Compared> {
    let (truth, mut found) = (std::mem::take(truth), std::mem::take(&mut seen.found));
    let (samples, workers) = (plan.samples, plan.read.limits.workers);
    let expectation = plan.expectation.clone();
    let work = move || match expectation {
        Expectation::Count(expected) => {
            found.clean.merge(found.recovered);
            compare_count(expected, found.clean, samples)
        }
        Expectation::Manifest(_) => {
            let produced = truth.records();
            compare_identities(produced, reconcile::compare(truth, found, samples, workers))
        }
    };
    joined(tokio::task::spawn_blocking(work).await)
}

fn compare_count(expected: u64, found: Side, samples: usize) -> Compared {
    let records = found.records();
    let delivered = expected.min(records);
    let (missing, unexpected) = (expected - delivered, records - delivered);
    let identical = reconcile::repeats(found, samples);
    let count = |records| reconcile::Tally { records, ..reconcile::Tally::default() };
    Compared {
        produced: ProducedBook { produced: expected, delivered, missing, ..Default::default() },
        found: FoundBook { found: records, delivered, unexpected, duplicates: 0 },
        classes: Classes {
            missing: count(missing),
            unexpected: count(unexpected),
            identical,
            ..Classes::default()
        },
        unproven: Vec::new(),
    }
}

fn compare_identities(produced: u64, result: reconcile::Result) -> Compared {
    let delivered = result.delivered;
    Compared {
        produced: ProducedBook {
            produced,
            delivered,
            missing: result.missing.records,
            ..Default::default()
        },
        found: FoundBook {
            found: result.found,
            delivered,
            duplicates: result.duplicates.records,
            unexpected: result.unexpected.records,
        },
        classes: Classes {
            missing: result.missing,
            duplicates: result.duplicates,
            unexpected: result.unexpected,
            ..Classes::default()
        },
        unproven: result.unproven,
    }
}

/// Recovered records that were never produced are malformed bytes after all.
fn demote(
    outcome: &mut Outcome,
    unproven: &[Place],
    lens: &[(Place, u32)],
    catalog: &Catalog,
    samples: usize,
) {
    outcome.recovered = (lens.len() - unproven.len()) as u64;
    for (count, &place) in unproven.iter().enumerate() {
        let at = lens.binary_search_by_key(&place, |(place, _)| *place);
        let len = u64::from(lens[at.expect("every recovered record has its length")].1);
        outcome.books.bytes.records -= len;
        outcome.books.bytes.malformed += len;
        outcome.malformed_spans += 1;
        if count < samples {
            outcome.malformed.push(Malformed {
                key: catalog.key(place.object()),
                offset: place.offset(),
                len,
                error_offset: place.offset(),
                damage: Damage::Unproven,
            });
        }
    }
    outcome.order(samples);
}

fn class(
    tally: reconcile::Tally,
    truth: &Truth,
    catalog: &Catalog,
    produced: &Excerpts,
    found: &Excerpts,
) -> Class {
    let in_truth = |place: &Place| {
        let index = usize::try_from(place.object()).expect("numbers are indices");
        outcome::Place { key: truth.objects[index].2.clone(), offset: place.offset() }
    };
    let in_store =
        |place: &Place| outcome::Place { key: catalog.key(place.object()), offset: place.offset() };
    let sample = |group: reconcile::Group| {
        let bytes = match group.produced_at.first() {
            Some(place) => produced.get(place),
            None => group.found_at.first().and_then(|place| found.get(place)),
        };
        Sample {
            produced: group.produced,
            found: group.found,
            excerpt: bytes.cloned().unwrap_or_default(),
            produced_at: group.produced_at.iter().map(in_truth).collect(),
            found_at: group.found_at.iter().map(in_store).collect(),
        }
    };
    Class {
        records: tally.records,
        identities: tally.identities,
        samples: tally.groups.into_iter().map(sample).collect(),
    }
}

fn expectation(plan: &ReconcilePlan, truth: &Truth) -> String {
    match &plan.expectation {
        Expectation::Count(count) => format!("a count of {count}"),
        Expectation::Manifest(_) => {
            let mut names: Vec<_> =
                truth.objects.iter().map(|(_, _, name)| name.as_str()).collect();
            names.dedup();
            match names.as_slice() {
                [one] => format!("manifest {one}"),
                several => format!("manifests {}", several.join(", ")),
            }
        }
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

fn notes(outcome: &mut Outcome, plan: &ReconcilePlan, incomplete: u64, misdeclared: u64) {
    let mut note = |code, text: String| outcome.notes.push(Note { code, text });
    let books = &outcome.books;
    if books.objects.listed == 0 {
        note("empty", format!("there is no object under {}", outcome.location));
    }
    if matches!(plan.expectation, Expectation::Count(_)) {
        note(
            "identity-not-checked",
            "only the number was checked, not which records they are: a loss and a duplicate \
             cancel (--manifest checks each one)"
                .into(),
        );
    }
    if books.produced.missing > 0 && books.bytes.malformed > 0 {
        note(
            "missing-may-be-malformed",
            format!(
                "{} bytes are malformed: missing records may be among them",
                books.bytes.malformed
            ),
        );
    }
    if incomplete > 0 && !matches!(plan.expectation, Expectation::Count(_)) {
        note(
            "incomplete-identities",
            format!(
                "{incomplete} records are not JSON or lack a key; they were matched by what they have"
            ),
        );
    }
    if misdeclared > 0 {
        note(
            "misdeclared-encoding",
            format!("{misdeclared} objects are not encoded as their key or Content-Encoding says"),
        );
    }
    if !plan.read.window.is_open() {
        note(
            "window-edges",
            "objects at the edges of the window may hold records from outside it".into(),
        );
    }
    if outcome.formats.0.len() > 1 {
        note(
            "mixed-formats",
            "objects differ in how their records are told apart; --split says one way for all"
                .into(),
        );
    }
}
