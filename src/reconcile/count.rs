//! What sides say by themselves, where only a number is expected.

use super::diff::{Group, Tally, take_group};
use super::rows::{Place, Row};
use super::side::{PARTITIONS, Side};
use super::walk::{Counts, Heavy, Visit, Walk};
use crate::error::Result;
use crate::fingerprint::Identity;
use crate::limits::PLACES_SHOWN;

/// All records of a side, the first identities by name: with a count only, nothing tells which of
/// them it is about.
///
/// # Errors
/// When what was spilled cannot be read back as it was written.
pub fn all(side: &Side, samples: usize) -> Result<Tally> {
    Naming { what: What::All, samples, tally: Tally::default() }.walk(&[side])
}

/// The records of these sides that are identical to an earlier one: with a count only, a loss and a
/// duplicate may cancel behind them.
///
/// # Errors
/// When what was spilled cannot be read back as it was written.
pub fn repeats(sides: &[&Side], samples: usize) -> Result<Tally> {
    Naming { what: What::Repeats, samples, tally: Tally::default() }.walk(sides)
}

/// What is named.
#[derive(Debug, Clone, Copy)]
enum What {
    All,
    Repeats,
}

struct Naming {
    what: What,
    samples: usize,
    tally: Tally,
}

impl Naming {
    fn walk(mut self, sides: &[&Side]) -> Result<Tally> {
        for number in 0..PARTITIONS {
            let mut counts: Counts = [0; PARTITIONS];
            for side in sides.iter().filter(|side| side.rows_in(number) > 0) {
                let digests = side.digests(number);
                counts.iter_mut().zip(digests.iter()).for_each(|(sum, one)| *sum += one.records);
            }
            let budget = sides[0].storage().for_comparing();
            Walk { sides, number, budget }.visit(&counts, &mut self)?;
        }
        self.tally.keep(self.samples);
        Ok(self.tally)
    }

    fn is_named(&self, count: u64) -> bool {
        match self.what {
            What::All => true,
            What::Repeats => count > 1,
        }
    }

    /// The copies of a record that is named: how many, and the first places on each side.
    fn take(&mut self, identity: Identity, count: u64, mut places: Vec<Place>) {
        places.sort_unstable();
        places.truncate(PLACES_SHOWN);
        let (records, first, failed) = match self.what {
            What::All => (count, places[0], true),
            What::Repeats => (count - 1, places[1], false),
        };
        let none = (0, Vec::new());
        let ((failed, failed_at), (found, found_at)) =
            if failed { ((count, places), none) } else { (none, (count, places)) };
        let group = Group {
            identity,
            shown_at: first,
            produced: 0,
            found,
            failed,
            produced_at: Vec::new(),
            found_at,
            failed_at,
        };
        self.tally.take(records, group, self.samples);
    }
}

impl Visit for Naming {
    fn rows(&mut self, sides: &[Vec<Row>]) -> Result<()> {
        let mut sides: Vec<&[Row]> = sides.iter().map(Vec::as_slice).collect();
        let mut groups = Vec::with_capacity(sides.len());
        loop {
            let first = sides.iter().filter_map(|rows| rows.first());
            let Some(identity) = first.map(Row::identity).min() else { return Ok(()) };
            groups.clear();
            groups.extend(sides.iter_mut().map(|rows| take_group(rows, identity)));
            let count = groups.iter().map(|group| group.len() as u64).sum();
            if self.is_named(count) {
                let first = groups.iter().flat_map(|group| group.iter().take(PLACES_SHOWN));
                self.take(identity, count, first.map(Row::place).collect());
            }
        }
    }

    fn heavy(&mut self, heavy: &Heavy<'_>) -> Result<()> {
        let (mut count, mut places) = (0, Vec::new());
        for side in 0..heavy.sides() {
            let (copies, first) = heavy.count(side)?;
            count += copies;
            places.extend(first);
        }
        if self.is_named(count) {
            self.take(heavy.identity, count, places);
        }
        Ok(())
    }
}
