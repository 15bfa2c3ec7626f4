//! The comparison: both sides ordered, walked together, one identity at a time.
//!
//! ```text
//! produced   a a b   c      p = 2 1 0 1
//! found      a   b   d d    d = 1 1 2 0      delivered = min(p, d)
//!            │   │   │ └── unexpected, or a duplicate of a record that is itself unexpected
//!            └ 1 missing   (p − d missing; d − p duplicates, or unexpected where p is 0)
//! ```
//!
//! What was not delivered may have failed: of p − d records that are short, as many failed as stand
//! in error output, and the rest is missing. What else stands there is no loss.
//!
//! Recovered records stand apart: one counts only if its identity was produced.
//!
//! Not all that was produced must be there. What is found takes the place of records in this order:
//! those that were acknowledged, those of them that are still young, those whose put had no answer,
//! those from outside the window. So what is short is the youngest that can be.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::digest::{Digest, only_difference, total};
use super::rows::{Place, Row};
use super::side::{BUCKET_PARTS, Digests, PARTITIONS, Side, bucket};
use super::storage::Storage;
use super::suspects::{Suspects, suspects};
use super::together::{CLEAN, Copies, RECENT, RECOVERED, SIDES, SURE, Together, UNCERTAIN};
use super::walk::{Counts, Heavy, Visit, Walk};
use super::wanted::Uneven;
use crate::error::Result;
use crate::fingerprint::Identity;

/// What was produced.
#[derive(Debug)]
pub struct Produced {
    /// Records that must be there.
    pub sure: Side,
    /// Records that must be there, and may still be on their way.
    pub recent: Side,
    /// Records whose put had no answer: they may be there or not.
    pub uncertain: Side,
    /// Records from outside the window, which an object at its edge may hold or not.
    pub outside: Side,
}

impl Produced {
    /// Nothing yet, kept there.
    pub fn new(storage: &Arc<Storage>) -> Self {
        let side = || Side::new(storage);
        Self { sure: side(), recent: side(), uncertain: side(), outside: side() }
    }

    /// Whether the rows of all records are kept.
    pub fn keeps_all(&self) -> bool {
        self.each().into_iter().all(Side::keeps_all)
    }

    /// Whether these are the same records, by what they come to, however sure it is that they must be there.
    pub fn are_those_of(&self, other: &Self) -> bool {
        total(&self.each().map(Side::total)) == total(&other.each().map(Side::total))
    }

    fn each(&self) -> [&Side; 4] {
        let Self { sure, recent, uncertain, outside } = self;
        [sure, recent, uncertain, outside]
    }
}

/// What was found in the store.
#[derive(Debug)]
pub struct Found {
    /// Records in data objects beyond doubt.
    pub clean: Side,
    /// Records in data objects that touch damage or stand behind it.
    pub recovered: Side,
    /// Records in error output.
    pub failed: Side,
}

impl Found {
    /// Nothing yet, kept there.
    pub fn new(storage: &Arc<Storage>) -> Self {
        let side = || Side::new(storage);
        Self { clean: side(), recovered: side(), failed: side() }
    }
}

/// A class of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupClass {
    /// Produced more often than found, and found in error output.
    Failed,
    /// Produced more often than found, and perhaps still on its way.
    Pending,
    /// Produced more often than found anywhere.
    Missing,
    /// Found more often than produced.
    Duplicate,
    /// Found, never produced.
    Unexpected,
    /// Produced more than once.
    Repeated,
}

/// One identity that does not balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What it is.
    pub identity: Identity,
    /// The place that shows the trouble: where it was produced if it is short, else where the first
    /// surplus copy was found.
    pub shown_at: Place,
    /// How many times it was produced, beyond doubt or perhaps.
    pub produced: u64,
    /// How many times it was found in data objects.
    pub found: u64,
    /// How many times it was found in error output.
    pub failed: u64,
    /// Where it was produced: the first [`crate::limits::PLACES_SHOWN`].
    pub produced_at: Vec<Place>,
    /// Where it was found in data objects: the first [`crate::limits::PLACES_SHOWN`].
    pub found_at: Vec<Place>,
    /// Where it was found in error output: the first [`crate::limits::PLACES_SHOWN`].
    pub failed_at: Vec<Place>,
}

/// What a class came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records: those that are short or too many.
    pub records: u64,
    /// Identities.
    pub identities: u64,
    /// The first of them, in the order of the places that show the trouble.
    pub groups: Vec<Group>,
}

/// What a comparison came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// Records that were produced: those that must be there, those whose put had no answer, and
    /// those from outside the window that were found.
    pub produced: u64,
    /// Records that were produced and found.
    pub delivered: u64,
    /// Records whose put had no answer and that were found nowhere.
    pub uncertain: u64,
    /// Records that count as found.
    pub found: u64,
    /// Those of them that are recovered.
    pub recovered: u64,
    /// Produced, not delivered, found in error output.
    pub failed: Tally,
    /// Produced, found nowhere, and too young to be missing.
    pub pending: Tally,
    /// Produced, found nowhere.
    pub missing: Tally,
    /// Found more often than produced.
    pub duplicates: Tally,
    /// Found, never produced.
    pub unexpected: Tally,
    /// Produced more than once beyond doubt: the copies.
    pub repeated: Tally,
    /// Recovered records that were never produced, in the order of their places: they are no
    /// records.
    pub unproven: Vec<Place>,
    /// The numbers of objects with records beyond doubt that were never produced, where that is wanted.
    pub strangers: BTreeSet<u64>,
    /// Buckets that differ, and of which a side keeps no rows. As long as there are any, nothing else here
    /// means anything.
    pub lacking: Vec<Uneven>,
    /// Records of theirs to look at, which is enough if they turn out to be what the sides differ by.
    pub suspects: Option<Suspects>,
}

/// What is kept of a comparison.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    /// Groups of each class, at most.
    pub samples: usize,
    /// Whether records that were produced more than once are worth knowing. Where they are not, what is
    /// equal on both sides is not looked at.
    pub repeated: bool,
    /// Whether it is worth knowing which objects hold records that were never produced.
    pub strangers: bool,
    /// Whether rows of all suspects of a comparison just before are kept.
    pub suspects: bool,
}

/// Compares what was produced with what was found. `workers` threads share the work, and the result
/// does not depend on how many there are.
///
/// # Errors
/// When what was spilled cannot be read back as it was written.
pub fn compare(
    produced: &Produced,
    found: &Found,
    kept: Kept,
    workers: usize,
) -> Result<Differences> {
    let sides = sides(produced, found);
    let budget = sides[0].storage().for_comparing();
    let next = AtomicUsize::new(0);
    let total = Mutex::new(Ok(Differences::default()));
    std::thread::scope(|scope| {
        for _ in 0..workers.max(1) {
            scope.spawn(|| {
                let mut part = Part { differences: Differences::default(), kept };
                let done = loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= PARTITIONS {
                        break Ok(());
                    }
                    if let Err(error) = part.partition(&Walk { sides: &sides, number, budget }) {
                        break Err(error);
                    }
                };
                add(&total, done.map(|()| part.differences), kept.samples);
            });
        }
    });
    let mut total = total.into_inner().unwrap_or_else(PoisonError::into_inner)?;
    total.unproven.sort_unstable();
    if !total.lacking.is_empty() {
        total.suspects = suspects(produced, found, &total.lacking)?;
    }
    Ok(total)
}

/// Adds what one worker came to. A worker that panics takes the whole scope with it; there is no
/// half-done state to guard.
fn add(total: &Mutex<Result<Differences>>, part: Result<Differences>, samples: usize) {
    let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
    match (&mut *total, part) {
        (Ok(total), Ok(part)) => total.add(part, samples),
        (Ok(_), Err(error)) => *total = Err(error),
        (Err(_), _) => {}
    }
}

fn sides<'a>(produced: &'a Produced, found: &'a Found) -> [&'a Side; SIDES] {
    let Produced { sure, recent, uncertain, outside } = produced;
    let Found { clean, recovered, failed } = found;
    [sure, recent, uncertain, outside, clean, recovered, failed]
}

/// What one worker has compared.
struct Part {
    differences: Differences,
    kept: Kept,
}

impl Part {
    fn partition(&mut self, walk: &Walk<'_>) -> Result<()> {
        let mut counts: Counts = [0; PARTITIONS];
        let digests: Vec<_> = walk.sides.iter().map(|side| side.digests(walk.number)).collect();
        for (place, counts) in counts.chunks_mut(BUCKET_PARTS).enumerate() {
            let (bucket, first) = (bucket(walk.number, place), place * BUCKET_PARTS);
            let kept = |side: usize| &digests[side][first..][..BUCKET_PARTS];
            let sums = std::array::from_fn(|side| walk.sides[side].sums_in(bucket, kept(side)));
            if self.is_settled(&sums) {
                continue;
            }
            let evenly = is_left_out_evenly(&sums, self.kept.suspects);
            if evenly && !(self.kept.repeated && lacks(&sums)) {
                self.differences.even(sums[CLEAN].1.records);
                self.parts(&digests, first, counts);
            } else {
                let only = self.only_difference(walk, &sums);
                self.differences.lacking.push(Uneven { bucket, only });
            }
        }
        if self.differences.lacking.is_empty() { walk.visit(&counts, self) } else { Ok(()) }
    }

    /// Whether rows are left out of a bucket that nobody has to look at.
    fn is_settled(&mut self, sums: &Sums) -> bool {
        lacks(sums) && self.is_even(&sums.map(|(all, _)| all))
    }

    /// The identity that a bucket differs by, if it is by one record, and rows of it alone are enough.
    fn only_difference(&self, walk: &Walk<'_>, sums: &Sums) -> Option<Identity> {
        let [sure, recent, uncertain, _, clean, recovered, _] = sums.map(|(all, _)| all);
        let add_up = |side: usize| !walk.sides[side].keeps_all() || sums[side].0.records == 0;
        let are_alike = [SURE, RECENT, CLEAN].into_iter().all(add_up);
        let are_alone = uncertain.records == 0 && recovered.records == 0;
        let key = walk.sides[CLEAN].storage().key;
        let known = total(&[sure, recent]);
        let is_enough = are_alike && are_alone && !self.kept.repeated;
        is_enough.then(|| only_difference(known, clean, key)).flatten()
    }

    /// Counts the rows of parts that have to be looked at.
    fn parts(&mut self, digests: &[Box<Digests>], first: usize, counts: &mut [u64]) {
        for (part, count) in (first..).zip(counts) {
            let sides = std::array::from_fn(|side| digests[side][part]);
            if !self.is_even(&sides) {
                *count = sides.iter().map(|side| side.records).sum();
            }
        }
    }

    /// Whether there is nothing to look at among such records: they are counted then.
    fn is_even(&mut self, sides: &[Digest; SIDES]) -> bool {
        let is_even = !self.kept.repeated && is_even(sides);
        if is_even {
            self.differences.even(sides[CLEAN].records);
        }
        is_even
    }

    fn group(&mut self, rows: &Together<'_>) -> Result<()> {
        let (total, samples) = (&mut self.differences, self.kept.samples);
        let balance = rows.balance();
        total.produced += balance.produced;
        total.delivered += balance.delivered;
        total.found += rows.found();
        total.recovered += rows.recovered();
        total.uncertain += balance.uncertain;
        for (class, records) in balance.classes.into_iter().filter(|(_, records)| *records > 0) {
            if class == GroupClass::Repeated && !self.kept.repeated {
                continue;
            }
            if class == GroupClass::Unexpected && self.kept.strangers {
                rows.objects(&mut total.strangers)?;
            }
            total.class(class).take(records, rows.shown(class)?, samples);
        }
        Ok(())
    }
}

/// What the records of a bucket come to on each side, and those of them without rows.
type Sums = [(Digest, Digest); SIDES];

/// Whether rows are left out.
fn lacks(sums: &Sums) -> bool {
    sums.iter().any(|(_, left_out)| left_out.records > 0)
}

/// Whether what is left out is the same on both sides, so that it can be counted apart from the rows that
/// are kept. What is uncertain or recovered may be of any of it, unless all that begins alike was suspect.
fn is_left_out_evenly(sums: &Sums, keeps_suspects: bool) -> bool {
    let left_out = std::array::from_fn(|side| match side {
        UNCERTAIN | RECOVERED if lacks(sums) && !keeps_suspects => sums[side].0,
        _ => sums[side].1,
    });
    is_even(&left_out)
}

/// Whether every record of a bucket that must be there is there, and none besides: then neither error
/// output nor what is from outside the window matters.
fn is_even(sides: &[Digest; SIDES]) -> bool {
    let [sure, recent, uncertain, _, clean, recovered, _] = sides;
    let mut known = *sure;
    known += recent;
    known == *clean && uncertain.records == 0 && recovered.records == 0
}

impl Visit for Part {
    fn rows(&mut self, sides: &[Vec<Row>]) -> Result<()> {
        let mut sides: [&[Row]; SIDES] = std::array::from_fn(|side| sides[side].as_slice());
        loop {
            let first = sides.iter().filter_map(|rows| rows.first());
            let Some(identity) = first.map(Row::identity).min() else { return Ok(()) };
            let group = sides.each_mut().map(|rows| Copies::Rows(take_group(rows, identity)));
            let together = Together::of(identity, group, None);
            if let Copies::Rows(rows) = together.unproven {
                self.differences.unproven.extend(rows.iter().map(Row::place));
            }
            self.group(&together)?;
        }
    }

    fn heavy(&mut self, heavy: &Heavy<'_>) -> Result<()> {
        let mut copies = [const { Copies::Rows(&[]) }; SIDES];
        for (side, copies) in copies.iter_mut().enumerate() {
            let (count, first) = heavy.count(side)?;
            *copies = Copies::Counted(count, first);
        }
        let together = Together::of(heavy.identity, copies, Some(heavy));
        if let Copies::Counted(..) = together.unproven {
            heavy.places(RECOVERED, |place| self.differences.unproven.push(place))?;
        }
        self.group(&together)
    }
}

impl Differences {
    /// Records that were produced and found, and nothing besides.
    fn even(&mut self, records: u64) {
        self.produced += records;
        self.delivered += records;
        self.found += records;
    }

    fn class(&mut self, class: GroupClass) -> &mut Tally {
        match class {
            GroupClass::Failed => &mut self.failed,
            GroupClass::Pending => &mut self.pending,
            GroupClass::Missing => &mut self.missing,
            GroupClass::Duplicate => &mut self.duplicates,
            GroupClass::Unexpected => &mut self.unexpected,
            GroupClass::Repeated => &mut self.repeated,
        }
    }

    fn add(&mut self, other: Self, samples: usize) {
        self.produced += other.produced;
        self.delivered += other.delivered;
        self.uncertain += other.uncertain;
        self.found += other.found;
        self.recovered += other.recovered;
        self.unproven.extend(other.unproven);
        self.strangers.extend(other.strangers);
        self.lacking.extend(other.lacking);
        self.failed.add(other.failed, samples);
        self.pending.add(other.pending, samples);
        self.missing.add(other.missing, samples);
        self.duplicates.add(other.duplicates, samples);
        self.unexpected.add(other.unexpected, samples);
        self.repeated.add(other.repeated, samples);
    }
}

impl Tally {
    pub(super) fn take(&mut self, records: u64, group: Group, samples: usize) {
        self.records += records;
        self.identities += 1;
        self.groups.push(group);
        if self.groups.len() > samples.saturating_mul(2).max(64) {
            self.keep(samples);
        }
    }

    /// Keeps the first groups only.
    pub(super) fn keep(&mut self, samples: usize) {
        self.groups.sort_unstable_by_key(|group| group.shown_at);
        self.groups.truncate(samples);
    }

    fn add(&mut self, other: Self, samples: usize) {
        self.records += other.records;
        self.identities += other.identities;
        self.groups.extend(other.groups);
        self.keep(samples);
    }
}

/// Takes the rows of one identity off the front.
pub(super) fn take_group<'a>(rows: &mut &'a [Row], identity: u128) -> &'a [Row] {
    let len = rows.iter().take_while(|row| row.identity() == identity).count();
    let (group, rest) = rows.split_at(len);
    *rows = rest;
    group
}
