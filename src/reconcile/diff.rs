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

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::rows::{PARTITIONS, Place, Row, Side};
use crate::fingerprint::Identity;
use crate::limits::PLACES_SHOWN;

/// What was produced.
#[derive(Debug, Default)]
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

/// What was found in the store.
#[derive(Debug, Default)]
pub struct Found {
    /// Records in data objects beyond doubt.
    pub clean: Side,
    /// Records in data objects that touch damage or stand behind it.
    pub recovered: Side,
    /// Records in error output.
    pub failed: Side,
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
    /// Where it was produced: the first [`PLACES_SHOWN`].
    pub produced_at: Vec<Place>,
    /// Where it was found in data objects: the first [`PLACES_SHOWN`].
    pub found_at: Vec<Place>,
    /// Where it was found in error output: the first [`PLACES_SHOWN`].
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
pub struct Result {
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
}

/// Compares what was produced with what was found. Keeps at most `samples` groups of each class;
/// `workers` threads share the work, and the result does not depend on how many there are.
pub fn compare(produced: &Produced, found: &Found, samples: usize, workers: usize) -> Result {
    let next = AtomicUsize::new(0);
    let total = Mutex::new(Result::default());
    std::thread::scope(|scope| {
        for _ in 0..workers.max(1) {
            scope.spawn(|| {
                let mut part = Result::default();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= PARTITIONS {
                        break;
                    }
                    let rows = sides(produced, found).map(|side| side.partition(number));
                    part.partition(&rows, samples);
                }
                lock(&total).add(part, samples);
            });
        }
    });
    let mut total = total.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    total.unproven.sort_unstable();
    total
}

const SIDES: usize = 7;

fn sides<'a>(produced: &'a Produced, found: &'a Found) -> [&'a Side; SIDES] {
    let Produced { sure, recent, uncertain, outside } = produced;
    let Found { clean, recovered, failed } = found;
    [sure, recent, uncertain, outside, clean, recovered, failed]
}

/// All records of a side, the first identities by name: with a count only, nothing tells which of
/// them it is about.
pub fn all(side: &Side, samples: usize) -> Tally {
    let mut all = Tally { records: side.records(), ..Tally::default() };
    for number in 0..PARTITIONS {
        let rows = side.partition(number);
        for group in rows.chunk_by(|one, other| one.identity() == other.identity()) {
            all.identities += 1;
            all.groups.push(Group {
                identity: group[0].identity(),
                shown_at: group[0].place(),
                produced: 0,
                found: 0,
                failed: group.len() as u64,
                produced_at: Vec::new(),
                found_at: Vec::new(),
                failed_at: first_places(group),
            });
        }
        all.keep(samples);
    }
    all
}

/// The records of these sides that are identical to an earlier one: with a count only, a loss and a
/// duplicate may cancel behind them.
pub fn repeats(sides: &[&Side], samples: usize) -> Tally {
    let mut repeats = Tally::default();
    for number in 0..PARTITIONS {
        let mut rows = sides.iter().flat_map(|side| side.partition(number)).collect::<Vec<_>>();
        rows.sort_unstable();
        for group in rows.chunk_by(|one, other| one.identity() == other.identity()) {
            if let [_, second, ..] = group {
                let found = group.len() as u64;
                repeats.records += found - 1;
                repeats.identities += 1;
                repeats.groups.push(Group {
                    identity: second.identity(),
                    shown_at: second.place(),
                    produced: 0,
                    found,
                    failed: 0,
                    produced_at: Vec::new(),
                    found_at: first_places(group),
                    failed_at: Vec::new(),
                });
            }
        }
        repeats.keep(samples);
    }
    repeats
}

/// A worker that panics takes the whole scope with it; there is no half-done state to guard.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Result {
    fn partition(&mut self, sides: &[Vec<Row>; SIDES], samples: usize) {
        let mut sides = sides.each_ref().map(Vec::as_slice);
        loop {
            let first = sides.iter().filter_map(|rows| rows.first());
            let Some(identity) = first.map(Row::identity).min() else { return };
            let group = sides.each_mut().map(|rows| take_group(rows, identity));
            self.group(&Together::of(identity, group), samples);
        }
    }

    fn group(&mut self, rows: &Together<'_>, samples: usize) {
        self.unproven.extend(rows.unproven.iter().map(Row::place));
        let balance = rows.balance();
        self.produced += balance.produced;
        self.delivered += balance.delivered;
        self.found += rows.found();
        self.recovered += rows.recovered.len() as u64;
        self.uncertain += balance.uncertain;
        for (class, records) in balance.classes.into_iter().filter(|(_, records)| *records > 0) {
            self.class(class).take(records, rows.shown(class), samples);
        }
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
        self.failed.add(other.failed, samples);
        self.pending.add(other.pending, samples);
        self.missing.add(other.missing, samples);
        self.duplicates.add(other.duplicates, samples);
        self.unexpected.add(other.unexpected, samples);
        self.repeated.add(other.repeated, samples);
    }
}

/// The rows of one identity, side by side.
struct Together<'a> {
    identity: Identity,
    sure: &'a [Row],
    recent: &'a [Row],
    uncertain: &'a [Row],
    outside: &'a [Row],
    clean: &'a [Row],
    recovered: &'a [Row],
    failed: &'a [Row],
    /// Recovered, and never produced: no records.
    unproven: &'a [Row],
}

/// What one identity comes to, in records.
struct Balance {
    produced: u64,
    delivered: u64,
    uncertain: u64,
    classes: [(GroupClass, u64); 5],
}

impl<'a> Together<'a> {
    fn of(identity: Identity, sides: [&'a [Row]; SIDES]) -> Self {
        let [sure, recent, uncertain, outside, clean, recovered, failed] = sides;
        let produced = [sure, recent, uncertain, outside].iter().any(|rows| !rows.is_empty());
        let none: &[Row] = &[];
        let (recovered, unproven) = if produced { (recovered, none) } else { (none, recovered) };
        Self { identity, sure, recent, uncertain, outside, clean, recovered, failed, unproven }
    }

    fn found(&self) -> u64 {
        (self.clean.len() + self.recovered.len()) as u64
    }

    fn balance(&self) -> Balance {
        let found = self.found();
        let known = (self.sure.len() + self.recent.len()) as u64;
        let put = known + self.uncertain.len() as u64;
        let outside = found.saturating_sub(put).min(self.outside.len() as u64);
        let produced = put + outside;
        let delivered = produced.min(found);
        let short = known.saturating_sub(found);
        let unanswered = put.saturating_sub(found) - short;
        let failed = (self.failed.len() as u64).min(short + unanswered);
        let gone = short - failed.min(short);
        let pending = gone.min(self.recent.len() as u64);
        let surplus = if produced == 0 { GroupClass::Unexpected } else { GroupClass::Duplicate };
        Balance {
            produced,
            delivered,
            uncertain: unanswered - failed.saturating_sub(short),
            classes: [
                (GroupClass::Failed, failed),
                (GroupClass::Pending, pending),
                (GroupClass::Missing, gone - pending),
                (surplus, found - delivered),
                (GroupClass::Repeated, known.saturating_sub(1)),
            ],
        }
    }

    /// The group as a sample of a class.
    fn shown(&self, class: GroupClass) -> Group {
        let produced = [self.sure, self.recent, self.uncertain, self.outside];
        let mut produced_at: Vec<_> = produced.into_iter().flatten().map(Row::place).collect();
        produced_at.sort_unstable();
        let mut found_at: Vec<_> =
            self.clean.iter().chain(self.recovered).map(Row::place).collect();
        found_at.sort_unstable();
        let surplus = || found_at.get(produced_at.len());
        let shown_at = match class {
            GroupClass::Duplicate | GroupClass::Unexpected => surplus(),
            GroupClass::Repeated => produced_at.get(1),
            GroupClass::Failed | GroupClass::Pending | GroupClass::Missing => produced_at.first(),
        };
        let shown_at = *shown_at.expect("a class has a record to show");
        let (produced, found) = (produced_at.len() as u64, found_at.len() as u64);
        produced_at.truncate(PLACES_SHOWN);
        found_at.truncate(PLACES_SHOWN);
        Group {
            identity: self.identity,
            shown_at,
            produced,
            found,
            failed: self.failed.len() as u64,
            produced_at,
            found_at,
            failed_at: first_places(self.failed),
        }
    }
}

impl Tally {
    fn take(&mut self, records: u64, group: Group, samples: usize) {
        self.records += records;
        self.identities += 1;
        self.groups.push(group);
        if self.groups.len() > samples.saturating_mul(2).max(64) {
            self.keep(samples);
        }
    }

    /// Keeps the first groups only.
    fn keep(&mut self, samples: usize) {
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

/// The first places of rows that are in order.
fn first_places(rows: &[Row]) -> Vec<Place> {
    rows.iter().map(Row::place).take(PLACES_SHOWN).collect()
}

/// Takes the rows of one identity off the front.
fn take_group<'a>(rows: &mut &'a [Row], identity: u128) -> &'a [Row] {
    let len = rows.iter().take_while(|row| row.identity() == identity).count();
    let (group, rest) = rows.split_at(len);
    *rows = rest;
    group
}
