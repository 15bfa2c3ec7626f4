//! What was seen of the stored objects, object by object.

use std::sync::Arc;

use super::catalog::Catalog;
use super::columns::Columns;
use super::failed::ErrorOutput;
use super::list::{malformed, undecodable};
use super::peculiar::Peculiarities;
use super::stage::{Recovered, Staged};
use super::{Job, Run, gap};
use crate::error::Result;
use crate::outcome::{Cached, Gap, GapReason, Malformed, Outcome};
use crate::reconcile::{Found, Place, Row, Side, Storage, Wanted};
use crate::split::Damage;

/// How an object was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Read {
    NotYet,
    /// Only the bounds of its records were looked at.
    ByBounds,
    Checked,
}

/// What was seen of the stored objects.
pub(super) struct Seen {
    /// What it comes to without a comparison.
    pub(super) outcome: Outcome,
    pub(super) found: Found,
    pub(super) gaps: Vec<Gap>,
    /// Objects by their numbers.
    read: Vec<Read>,
    /// The lengths of recovered records: they may turn out to be none.
    recovered_lens: Vec<(Place, u32)>,
    pub(super) incomplete: u64,
    pub(super) misdeclared: u64,
    /// Objects with peculiar records.
    pub(super) peculiar: Peculiarities,
    pub(super) columns: Columns,
    /// What of it came from the cache.
    pub(super) cached: Cached,
    samples: usize,
}

impl Seen {
    /// Nothing yet. Rows of records beyond doubt are kept of these.
    pub(super) fn new(samples: usize, storage: &Arc<Storage>, wanted: &Wanted) -> Self {
        let clean = Side::new(storage).keeping(wanted);
        Self {
            outcome: Outcome::default(),
            found: Found { clean, ..Found::new(storage) },
            gaps: Vec::new(),
            read: Vec::new(),
            recovered_lens: Vec::new(),
            incomplete: 0,
            misdeclared: 0,
            peculiar: Peculiarities::default(),
            columns: Columns::default(),
            cached: Cached::default(),
            samples,
        }
    }

    fn how(&self, number: u64) -> Read {
        let index = usize::try_from(number).expect("numbers are indices");
        self.read.get(index).copied().unwrap_or(Read::NotYet)
    }

    pub(super) fn has_read(&self, number: u64) -> bool {
        self.how(number) != Read::NotYet
    }

    /// Whether only the bounds of an object's records were looked at.
    pub(super) fn is_by_bounds(&self, number: u64) -> bool {
        self.how(number) == Read::ByBounds
    }

    /// Whether there is such an object.
    pub(super) fn has_any_by_bounds(&self) -> bool {
        self.read.contains(&Read::ByBounds)
    }

    /// All of an object was looked at.
    pub(super) fn mark_checked(&mut self, number: u64) {
        self.note(number, Read::Checked);
    }

    fn note(&mut self, number: u64, read: Read) {
        let index = usize::try_from(number).expect("numbers are indices");
        if self.read.len() <= index {
            self.read.resize(index + 1, Read::NotYet);
        }
        self.read[index] = read;
    }

    pub(super) fn commit(&mut self, job: &Job, staged: Staged) -> Result<()> {
        let number = job.number;
        self.note(number, if staged.by_bounds { Read::ByBounds } else { Read::Checked });
        let (outcome, name) = (&mut self.outcome, job.name());
        outcome.books.objects.read += 1;
        outcome.books.bytes.add(&staged.tally.bytes);
        outcome.malformed_spans += staged.tally.malformed_spans;
        outcome.malformed.extend(malformed(&name, &staged));
        outcome.undecodable.extend(undecodable(&name, &staged));
        match &staged.errors {
            Some(errors) => self.errors(number, errors)?,
            None => outcome.formats.add(&staged.format, 1),
        }
        let outcome = &mut self.outcome;
        self.incomplete += staged.incomplete;
        self.columns.add(staged.encoding, &staged.columns);
        self.peculiar.add(staged.peculiar, staged.decoded, &staged.tally);
        self.misdeclared += u64::from(staged.misdeclared.is_some());
        let lens = &mut self.recovered_lens;
        let recovered = |&Recovered { row, len }: &Recovered| lens.push((row.place(), len));
        let found = &mut self.found;
        staged.records.map_or(Ok(()), |records| records.commit(found, recovered))?;
        if outcome.malformed.len() > self.samples.saturating_mul(2).max(64) {
            outcome.order(self.samples);
        }
        Ok(())
    }

    fn errors(&mut self, number: u64, errors: &ErrorOutput) -> Result<()> {
        errors.add_to(&mut self.outcome.error_output);
        let row = |&(identity, offset)| Row::new(identity, Place::new(number, offset));
        errors.rows.iter().map(row).try_for_each(|row| self.found.failed.push(row))
    }

    pub(super) fn gap(&mut self, job: &Job, reason: GapReason) {
        self.gaps.push(gap(job, reason));
    }

    /// Records that were found, recovered ones among them.
    pub(super) fn records(&self) -> u64 {
        self.found.clean.records() + self.found.recovered.records()
    }

    pub(super) fn order(&mut self) {
        self.recovered_lens.sort_unstable();
        self.outcome.order(self.samples);
    }

    /// Recovered records that were never produced are malformed bytes after all.
    pub(super) fn demote(
        &self,
        outcome: &mut Outcome,
        unproven: &[Place],
        name: impl Fn(Place) -> String,
    ) {
        outcome.recovered = (self.recovered_lens.len() - unproven.len()) as u64;
        for (count, &place) in unproven.iter().enumerate() {
            let at = self.recovered_lens.binary_search_by_key(&place, |(place, _)| *place);
            let len = self.recovered_lens[at.expect("every recovered record has its length")].1;
            let len = u64::from(len);
            outcome.books.bytes.records -= len;
            outcome.books.bytes.malformed += len;
            outcome.malformed_spans += 1;
            if count < self.samples {
                outcome.malformed.push(Malformed {
                    key: name(place),
                    offset: place.offset(),
                    len,
                    error_offset: place.offset(),
                    damage: Damage::Unproven,
                });
            }
        }
        outcome.order(self.samples);
    }
}

impl Run {
    /// How reports name the object at a place.
    pub(super) fn name(&self, catalog: &Catalog, place: Place) -> String {
        let index = usize::try_from(place.object()).expect("numbers are indices");
        let listed = &catalog.objects[index];
        self.sites[listed.site].name(&listed.object.key)
    }
}
