//! `reconcile`: what is stored against what was produced.

use std::sync::Arc;

use super::catalog::Catalog;
use super::columns::Columns;
use super::compare::{Classes, Compared, compare};
use super::excerpts::{self, Kept, Objects};
use super::failed::{ErrorOutput, Failed};
use super::list::{malformed, undecodable};
use super::stage::{Staged, Stager};
use super::truth::{Manifest, Truth};
use super::{Run, gap};
use crate::error::Result;
use crate::fingerprint::Policy;
use crate::observe::Event;
use crate::outcome::{
    self, Class, Differences, GapReason, Malformed, Note, Outcome, Sample, excerpt,
};
use crate::plan::{Expectation, ReconcilePlan};
use crate::reconcile::{self, Found, Place, Row};
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
        let mut manifest_stager = stager(plan, FormatChoice::Detect);
        // What was produced may look like anything.
        manifest_stager.knows_errors = false;
        for manifest in manifests {
            self.read_manifest(&manifest_stager, manifest, &mut truth).await?;
        }
        let catalog = self.catalog().await?;
        self.admit(&catalog)?;
        let mut seen = self.read_objects(plan, &catalog).await?;
        self.observer.on(Event::Comparing);
        let found = std::mem::take(&mut seen.found);
        let compared = compare(plan, std::mem::take(&mut truth.side), found).await?;
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
        outcome.notes.extend(seen.columns.notes(plan));
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

    /// The samples of each class, with the records themselves where they can be had, and the reason
    /// where they failed.
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
        let all = [
            &classes.failed,
            &classes.missing,
            &classes.duplicates,
            &classes.unexpected,
            &classes.identical,
        ];
        let places = |produced| all.iter().flat_map(move |class| shown(class, produced));
        let (format, bytes) = (&self.plan.format, self.plan.limits.object_bytes);
        let keep = |record: &[u8]| Some(excerpt(record));
        let detect = FormatChoice::Detect;
        let failed = classes.failed.groups.iter().filter_map(|group| group.failed_at.first());
        let looks = Looks {
            produced: excerpts::read(truth, places(true), &detect, bytes, keep).await,
            found: excerpts::read(stored, places(false), format, bytes, keep).await,
            failed: excerpts::read(stored, failed.copied(), format, bytes, Failed::read).await,
        };
        let class = |tally| class(tally, truth, &stored.catalog, &looks);
        Differences {
            failed: class(classes.failed),
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
        knows_errors: true,
        spans: plan.samples.max(1),
    }
}

/// What a second look at the samples showed.
struct Looks {
    produced: Kept<Vec<u8>>,
    found: Kept<Vec<u8>>,
    failed: Kept<Failed>,
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
    columns: Columns,
    samples: usize,
}

impl Seen {
    fn new(catalog: &Catalog, samples: usize) -> Self {
        let mut outcome = Outcome::default();
        outcome.books.objects = catalog.book();
        let (found, recovered_lens, columns) = Default::default();
        Self { outcome, found, recovered_lens, incomplete: 0, misdeclared: 0, columns, samples }
    }

    fn commit(&mut self, number: u64, key: &str, staged: Staged) {
        let outcome = &mut self.outcome;
        outcome.books.objects.read += 1;
        outcome.books.bytes.add(&staged.tally.bytes);
        outcome.malformed_spans += staged.tally.malformed_spans;
        outcome.malformed.extend(malformed(key, &staged));
        outcome.undecodable.extend(undecodable(key, &staged));
        match &staged.errors {
            Some(errors) => self.errors(number, errors),
            None => outcome.formats.add(&staged.format, 1),
        }
        let outcome = &mut self.outcome;
        self.incomplete += staged.incomplete;
        self.misdeclared += u64::from(staged.misdeclared.is_some());
        self.columns.add(staged.encoding, &staged.columns);
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

    fn errors(&mut self, number: u64, errors: &ErrorOutput) {
        errors.add_to(&mut self.outcome.error_output);
        let row = |&(identity, offset)| Row::new(identity, Place::new(number, offset));
        self.found.failed.commit(errors.rows.iter().map(row));
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

fn class(tally: reconcile::Tally, truth: &Truth, catalog: &Catalog, looks: &Looks) -> Class {
    let in_truth = |place: &Place| {
        let index = usize::try_from(place.object()).expect("numbers are indices");
        outcome::Place { key: truth.objects[index].2.clone(), offset: place.offset() }
    };
    let in_store =
        |place: &Place| outcome::Place { key: catalog.key(place.object()), offset: place.offset() };
    let sample = |group: reconcile::Group| {
        let failed = group.failed_at.first().and_then(|place| looks.failed.get(place));
        let bytes = match group.produced_at.first() {
            Some(place) => looks.produced.get(place),
            None => group.found_at.first().and_then(|place| looks.found.get(place)),
        };
        let bytes = bytes.or(failed.map(|failed| &failed.excerpt));
        Sample {
            produced: group.produced,
            found: group.found,
            failed: group.failed,
            excerpt: bytes.cloned().unwrap_or_default(),
            produced_at: group.produced_at.iter().map(in_truth).collect(),
            found_at: group.found_at.iter().map(in_store).collect(),
            failed_at: group.failed_at.iter().map(in_store).collect(),
            failure: failed.map(|failed| failed.failure.clone()),
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
    let surplus = outcome.error_output.records - books.produced.failed;
    if surplus > 0 {
        note(
            "failed-without-loss",
            format!(
                "{surplus} records in error output are no loss: they were delivered as well, or \
                 never produced"
            ),
        );
    }
    if incomplete > 0 && !matches!(plan.expectation, Expectation::Count(_)) {
        note(
            "incomplete-identities",
            format!(
                "{incomplete} records are not JSON or lack a key; they were matched as a whole"
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
