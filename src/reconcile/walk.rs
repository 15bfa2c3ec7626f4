//! The rows of a partition, as many at a time as the budget allows, whole identities at a time.
//!
//! What is too much at once is taken in parts, by the next byte of identities, and read once for each.
//! An identity that is too much by itself is never loaded: its copies are counted where they are.

use super::rows::{Place, Row};
use super::side::{PARTITIONS, Side};
use super::storage::Packed;
use crate::error::Result;
use crate::fingerprint::Identity;
use crate::limits::PLACES_SHOWN;

/// Takes what is walked over.
pub(super) trait Visit {
    /// Some identities, with all their rows: side by side, in the order of identity and place.
    fn rows(&mut self, sides: &[Vec<Row>]) -> Result<()>;

    /// One identity with more copies than can be loaded.
    fn heavy(&mut self, heavy: &Heavy<'_>) -> Result<()>;
}

/// Records of each part of a scope, by the next byte of their identities; none where a part is passed
/// over.
pub(super) type Counts = [u64; PARTITIONS];

/// One partition of some sides, and the bytes of rows that may be loaded at once.
pub(super) struct Walk<'a> {
    pub(super) sides: &'a [&'a Side],
    pub(super) number: usize,
    pub(super) budget: u64,
}

/// Identities that begin alike: with so many bytes of this one.
#[derive(Clone, Copy)]
struct Scope {
    depth: u32,
    begins: Identity,
}

impl Scope {
    fn part(self, number: usize) -> Self {
        let shift = Identity::BITS - 8 * (self.depth + 1);
        Self { depth: self.depth + 1, begins: self.begins | (number as Identity) << shift }
    }

    fn holds(self, row: &Row) -> bool {
        (row.identity() ^ self.begins).checked_shr(Identity::BITS - 8 * self.depth) == Some(0)
    }
}

impl Walk<'_> {
    /// Visits the parts of the partition that hold records by these counts.
    pub(super) fn visit(&self, counts: &Counts, visitor: &mut impl Visit) -> Result<()> {
        let whole = Scope { depth: 0, begins: 0 };
        self.scope(whole.part(self.number), counts, visitor)
    }

    fn scope(&self, scope: Scope, counts: &Counts, visitor: &mut impl Visit) -> Result<()> {
        let (mut first, mut gathered) = (0, 0);
        for (number, &count) in counts.iter().enumerate() {
            let bytes = count * Row::BYTES as u64;
            if gathered + bytes > self.budget {
                self.load(scope, counts, first..number, visitor)?;
                (first, gathered) = (number, 0);
            }
            if bytes > self.budget {
                self.part(scope.part(number), visitor)?;
                first = number + 1;
            } else {
                gathered += bytes;
            }
        }
        self.load(scope, counts, first..counts.len(), visitor)
    }

    /// What is too much at once.
    fn part(&self, scope: Scope, visitor: &mut impl Visit) -> Result<()> {
        let mut counts = [0; PARTITIONS];
        let (mut first, mut alike) = (None, true);
        for side in self.sides {
            side.each_in(self.number, |row| {
                if scope.holds(row) {
                    alike &= *first.get_or_insert(row.identity()) == row.identity();
                    if scope.depth * 8 < Identity::BITS {
                        counts[row.digit(scope.depth)] += 1;
                    }
                }
            })?;
        }
        match first.filter(|_| alike) {
            Some(identity) => visitor.heavy(&Heavy { walk: self, identity }),
            None => self.scope(scope, &counts, visitor),
        }
    }

    fn load(
        &self,
        scope: Scope,
        counts: &Counts,
        parts: std::ops::Range<usize>,
        visitor: &mut impl Visit,
    ) -> Result<()> {
        if counts[parts.clone()].iter().all(|&count| count == 0) {
            return Ok(());
        }
        let wanted = |row: &Row| {
            let part = row.digit(scope.depth);
            scope.holds(row) && parts.contains(&part) && counts[part] > 0
        };
        let mut sides = Vec::with_capacity(self.sides.len());
        for side in self.sides {
            let mut rows = Vec::new();
            side.each_in(self.number, |row| {
                if wanted(row) {
                    rows.push(*row);
                }
            })?;
            rows.sort_unstable();
            sides.push(rows);
        }
        visitor.rows(&sides)
    }
}

/// One identity with more copies than can be loaded.
pub(super) struct Heavy<'a> {
    walk: &'a Walk<'a>,
    pub(super) identity: Identity,
}

/// How many copies there are on a side, and where the first are.
pub(super) type Counted = (u64, Vec<Place>);

impl Heavy<'_> {
    /// How many sides there are.
    pub(super) fn sides(&self) -> usize {
        self.walk.sides.len()
    }

    /// Hands out the places of all copies on a side, in no order.
    pub(super) fn places(&self, side: usize, mut take: impl FnMut(Place)) -> Result<()> {
        self.walk.sides[side].each_in(self.walk.number, |row| {
            if row.identity() == self.identity {
                take(row.place());
            }
        })
    }

    /// Counts the copies on a side.
    pub(super) fn count(&self, side: usize) -> Result<Counted> {
        let (mut count, mut first) = (0, Vec::with_capacity(PLACES_SHOWN + 1));
        self.places(side, |place| {
            count += 1;
            let at = first.partition_point(|known| *known < place);
            if at < PLACES_SHOWN {
                first.insert(at, place);
                first.truncate(PLACES_SHOWN);
            }
        })?;
        Ok((count, first))
    }

    /// The place of the copy with so many before it, over some sides together: bits by bits, from the
    /// highest on.
    pub(super) fn nth(&self, sides: &[usize], mut before: u64) -> Result<Place> {
        const BITS: u32 = 16;
        let mut found = 0_u64;
        for step in 1..=u64::BITS / BITS {
            let shift = u64::BITS - step * BITS;
            let mut counts = vec![0_u64; 1 << BITS];
            for &side in sides {
                self.places(side, |place| {
                    let bits = (place.number() ^ found) >> shift;
                    if let Some(count) =
                        usize::try_from(bits).ok().and_then(|at| counts.get_mut(at))
                    {
                        *count += 1;
                    }
                })?;
            }
            let mut bits = 0;
            while let Some(count) = counts.get(bits).filter(|count| **count <= before) {
                before -= count;
                bits += 1;
            }
            let bits = bits as u64;
            found |= bits << shift;
        }
        Ok(Place::of_number(found))
    }
}
