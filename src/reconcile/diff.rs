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

use std::sync::Mutex;

use super::rows::{Place, Row, Side};
use crate::limits::PLACES_SHOWN;

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
    /// Produced more often than found anywhere.
    Missing,
    /// Found more often than produced.
    Duplicate,
    /// Found, never produced.
    Unexpected,
}

/// One identity that does not balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The place that shows the trouble: where it was produced if it is missing or failed, else
    /// where the first surplus copy was found.
    pub shown_at: Place,
    /// How many times it was produced.
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
    /// Records that were produced and found.
    pub delivered: u64,
    /// Records that count as found.
    pub found: u64,
    /// Those of them that are recovered.
    pub recovered: u64,
    /// Produced, not delivered, found in error output.
    pub failed: Tally,
    /// Produced, found nowhere.
    pub missing: Tally,
    /// Found more often than produced.
    pub duplicates: Tally,
    /// Found, never produced.
    pub unexpected: Tally,
    /// Recovered records that were never produced, in the order of their places: they are no
    /// records.
    pub unproven: Vec<Place>,
}

/// Compares what was produced with what was found. Keeps at most `samples` groups of each class;
/// `workers` threads share the work, and the result does not depend on how many there are.
pub fn compare(produced: Side, found: Found, samples: usize, workers: usize) -> Result {
    let produced = produced.into_partitions();
    let clean = found.clean.into_partitions();
    let recovered = found.recovered.into_partitions();
    let failed = found.failed.into_partitions();
    let work = Mutex::new(produced.zip(clean).zip(recovered.zip(failed)));
    let total = Mutex::new(Result::default());
    std::thread::scope(|scope| {
        for _ in 0..workers.max(1) {
            scope.spawn(|| {
                let mut part = Result::default();
                while let Some(((produced, clean), (recovered, failed))) = lock(&work).next() {
                    let sides = [produced(), clean(), recovered(), failed()];
                    part.partition(&sides, samples);
                }
                lock(&total).add(part, samples);
            });
        }
    });
    let mut total = total.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    total.unproven.sort_unstable();
    total
}

/// All records of a side, the first identities by name: with a count only, nothing tells which of
/// them it is about.
pub fn all(side: Side, samples: usize) -> Tally {
    let mut all = Tally { records: side.records(), ..Tally::default() };
    for rows in side.into_partitions() {
        let rows = rows();
        for group in rows.chunk_by(|one, other| one.identity() == other.identity()) {
            all.identities += 1;
            all.groups.push(Group {
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

/// The records of a side that are identical to an earlier one: with a count only, a loss and a
/// duplicate may cancel behind them.
pub fn repeats(side: Side, samples: usize) -> Tally {
    let mut repeats = Tally::default();
    for rows in side.into_partitions() {
        let rows = rows();
        for group in rows.chunk_by(|one, other| one.identity() == other.identity()) {
            if let [_, second, ..] = group {
                let found = group.len() as u64;
                repeats.records += found - 1;
                repeats.identities += 1;
                repeats.groups.push(Group {
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
    fn partition(&mut self, sides: &[Vec<Row>; 4], samples: usize) {
        let mut sides = sides.each_ref().map(Vec::as_slice);
        loop {
            let first = sides.iter().filter_map(|rows| rows.first());
            let Some(identity) = first.map(Row::identity).min() else { return };
            self.group(sides.each_mut().map(|rows| take_group(rows, identity)), samples);
        }
    }

    fn group(&mut self, [produced, clean, recovered, failed]: [&[Row]; 4], samples: usize) {
        let recovered = if produced.is_empty() {
            self.unproven.extend(recovered.iter().map(Row::place));
            &[]
        } else {
            recovered
        };
        let (p, d) = (produced.len(), clean.len() + recovered.len());
        self.delivered += p.min(d) as u64;
        self.found += d as u64;
        self.recovered += recovered.len() as u64;
        if p == d {
            return;
        }
        let short = p.saturating_sub(d);
        let x = failed.len().min(short);
        let surplus = if p == 0 { GroupClass::Unexpected } else { GroupClass::Duplicate };
        let classes = [
            (GroupClass::Failed, x),
            (GroupClass::Missing, short - x),
            (surplus, d.saturating_sub(p)),
        ];
        let mut found_at: Vec<_> = clean.iter().chain(recovered).map(Row::place).collect();
        found_at.sort_unstable();
        let shown_at = if p > d { produced[0].place() } else { found_at[p] };
        found_at.truncate(PLACES_SHOWN);
        let group = Group {
            shown_at,
            produced: p as u64,
            found: d as u64,
            failed: failed.len() as u64,
            produced_at: first_places(produced),
            found_at,
            failed_at: first_places(failed),
        };
        for (class, records) in classes.into_iter().filter(|(_, records)| *records > 0) {
            self.class(class).take(records, group.clone(), samples);
        }
    }

    fn class(&mut self, class: GroupClass) -> &mut Tally {
        match class {
            GroupClass::Failed => &mut self.failed,
            GroupClass::Missing => &mut self.missing,
            GroupClass::Duplicate => &mut self.duplicates,
            GroupClass::Unexpected => &mut self.unexpected,
        }
    }

    fn add(&mut self, other: Self, samples: usize) {
        self.delivered += other.delivered;
        self.found += other.found;
        self.recovered += other.recovered;
        self.unproven.extend(other.unproven);
        self.failed.add(other.failed, samples);
        self.missing.add(other.missing, samples);
        self.duplicates.add(other.duplicates, samples);
        self.unexpected.add(other.unexpected, samples);
    }
}

impl Tally {
    fn take(&mut self, records: usize, group: Group, samples: usize) {
        self.records += records as u64;
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
