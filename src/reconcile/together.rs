//! One identity on all sides, and what it comes to.

use std::collections::BTreeSet;

use super::diff::{Group, GroupClass};
use super::rows::{Place, Row};
use super::walk::Heavy;
use crate::error::Result;
use crate::fingerprint::Identity;
use crate::limits::PLACES_SHOWN;

/// Sides of a comparison, in their order: sure, recent, uncertain, outside; clean, recovered, failed.
pub(super) const SIDES: usize = 7;
pub(super) const SURE: usize = 0;
pub(super) const RECENT: usize = 1;
pub(super) const UNCERTAIN: usize = 2;
pub(super) const CLEAN: usize = 4;
pub(super) const RECOVERED: usize = 5;
/// What was produced.
const PRODUCED: std::ops::Range<usize> = 0..4;
/// What was found in data objects.
const FOUND: [usize; 2] = [CLEAN, RECOVERED];
const FAILED: usize = 6;

/// The copies of a record on one side.
#[derive(Clone)]
pub(super) enum Copies<'a> {
    /// All of them, in the order of their places.
    Rows(&'a [Row]),
    /// So many, and where the first are.
    Counted(u64, Vec<Place>),
}

impl Copies<'_> {
    const NONE: Self = Self::Rows(&[]);

    fn count(&self) -> u64 {
        match self {
            Self::Rows(rows) => rows.len() as u64,
            Self::Counted(count, _) => *count,
        }
    }

    /// The numbers of the objects with copies.
    fn objects(
        &self,
        side: usize,
        heavy: Option<&Heavy<'_>>,
        all: &mut BTreeSet<u64>,
    ) -> Result<()> {
        match (self, heavy) {
            (Self::Rows(rows), _) => {
                all.extend(rows.iter().map(|row| row.place().object()));
                Ok(())
            }
            (Self::Counted(..), Some(heavy)) => heavy.places(side, |place| {
                all.insert(place.object());
            }),
            (Self::Counted(..), None) => Ok(()),
        }
    }

    /// The first places, at most [`PLACES_SHOWN`].
    fn first(&self) -> Vec<Place> {
        match self {
            Self::Rows(rows) => rows.iter().map(Row::place).take(PLACES_SHOWN).collect(),
            Self::Counted(_, first) => first.clone(),
        }
    }
}

/// The copies of one identity, side by side.
pub(super) struct Together<'a> {
    identity: Identity,
    sides: [Copies<'a>; SIDES],
    heavy: Option<&'a Heavy<'a>>,
    /// Recovered, and never produced: no records.
    pub(super) unproven: Copies<'a>,
}

/// What one identity comes to, in records.
pub(super) struct Balance {
    pub(super) produced: u64,
    pub(super) delivered: u64,
    pub(super) uncertain: u64,
    pub(super) classes: [(GroupClass, u64); 5],
}

impl<'a> Together<'a> {
    pub(super) fn of(
        identity: Identity,
        mut sides: [Copies<'a>; SIDES],
        heavy: Option<&'a Heavy<'a>>,
    ) -> Self {
        let mut unproven = Copies::NONE;
        if sides[PRODUCED].iter().all(|copies| copies.count() == 0) {
            std::mem::swap(&mut unproven, &mut sides[RECOVERED]);
        }
        Self { identity, sides, heavy, unproven }
    }

    fn counts(&self) -> [u64; SIDES] {
        self.sides.each_ref().map(Copies::count)
    }

    pub(super) fn found(&self) -> u64 {
        FOUND.iter().map(|&side| self.sides[side].count()).sum()
    }

    /// Adds the numbers of all data objects with copies beyond doubt.
    pub(super) fn objects(&self, all: &mut BTreeSet<u64>) -> Result<()> {
        self.sides[CLEAN].objects(CLEAN, self.heavy, all)
    }

    pub(super) fn recovered(&self) -> u64 {
        self.sides[RECOVERED].count()
    }

    pub(super) fn balance(&self) -> Balance {
        let [sure, recent, uncertain, outside, clean, recovered, failed] = self.counts();
        let found = clean + recovered;
        let known = sure + recent;
        let put = known + uncertain;
        let outside = found.saturating_sub(put).min(outside);
        let produced = put + outside;
        let delivered = produced.min(found);
        let short = known.saturating_sub(found);
        let unanswered = put.saturating_sub(found) - short;
        let failed = failed.min(short + unanswered);
        let gone = short - failed.min(short);
        let pending = gone.min(recent);
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
    pub(super) fn shown(&self, class: GroupClass) -> Result<Group> {
        let produced_at = first_of(&self.sides[PRODUCED]);
        let found_at = first_of(&self.sides[FOUND[0]..=FOUND[1]]);
        let failed_at = self.sides[FAILED].first();
        let counts = self.counts();
        let produced = counts[PRODUCED].iter().sum();
        let shown_at = match class {
            GroupClass::Duplicate | GroupClass::Unexpected => self.surplus_at(produced)?,
            GroupClass::Repeated => produced_at[1],
            GroupClass::Failed | GroupClass::Pending | GroupClass::Missing => produced_at[0],
        };
        Ok(Group {
            identity: self.identity,
            shown_at,
            produced,
            found: self.found(),
            failed: counts[FAILED],
            produced_at,
            found_at,
            failed_at,
        })
    }

    /// Where the first copy is that nothing was produced for.
    fn surplus_at(&self, produced: u64) -> Result<Place> {
        if let Some(heavy) = self.heavy {
            return heavy.nth(&FOUND, produced);
        }
        let rows = FOUND.iter().flat_map(|&side| match self.sides[side] {
            Copies::Rows(rows) => rows,
            Copies::Counted(..) => unreachable!("only what is heavy is counted"),
        });
        let mut places: Vec<_> = rows.map(Row::place).collect();
        let at = usize::try_from(produced).expect("it is in memory");
        Ok(*places.select_nth_unstable(at).1)
    }
}

/// The first places of several sides together.
fn first_of(sides: &[Copies<'_>]) -> Vec<Place> {
    let mut places: Vec<_> = sides.iter().flat_map(Copies::first).collect();
    places.sort_unstable();
    places.truncate(PLACES_SHOWN);
    places
}
