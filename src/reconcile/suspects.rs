//! The few records that two sides may differ by, as far as the traces of all tell.

use super::diff::{Found, Produced};
use super::side::Side;
use super::traces::{Mark, Slabs, Trace, Traces};
use super::wanted::{BUCKETS, Uneven};
use crate::error::Result;
use crate::limits::SUSPECTS_MAX;

/// Records that must be looked at: all that begin like one that the sides differ by, or like one that may take
/// the place of any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Suspects {
    /// Those that must be there.
    pub produced: Vec<Trace>,
    /// Those that are there beyond doubt.
    pub found: Vec<Trace>,
}

/// The suspects, where buckets differ, both sides have traces, and the suspects are few enough that looking at
/// each costs less than reading everything.
///
/// # Errors
/// When what was spilled cannot be read back.
pub(super) fn suspects(
    produced: &Produced,
    found: &Found,
    lacking: &[Uneven],
) -> Result<Option<Suspects>> {
    let (sides, storage) = ([&produced.sure, &found.clean], produced.sure.storage());
    let slabs = storage.traces.lock();
    let [Some(sure), Some(clean)] = sides.map(Side::traces) else { return Ok(None) };
    if !slabs.are_whole() || produced.recent.traces().is_some() {
        return Ok(None);
    }
    let others = [&produced.recent, &produced.uncertain, &found.recovered];
    let anywhere: u64 = others.iter().map(|side| side.records()).sum();
    let records_in = |uneven: &Uneven| sides.map(|side| side.records_in(uneven.bucket));
    let unknown = lacking.iter().filter(|uneven| uneven.only.is_none());
    let to_sort: u64 = unknown.flat_map(records_in).sum();
    if anywhere > SUSPECTS_MAX as u64
        || to_sort * size_of::<Mark>() as u64 > storage.for_comparing()
    {
        return Ok(None);
    }
    let mut wanted: Vec<_> =
        lacking.iter().filter_map(|uneven| uneven.only).map(Mark::of).collect();
    for side in others {
        side.visit(|row| {
            wanted.push(row.mark());
            Ok(())
        })?;
    }
    let traced = Traced { sides: [sure, clean], slabs: &slabs };
    traced.differences(lacking, &mut wanted);
    Ok(Marks::of(wanted).and_then(|wanted| traced.suspects(&wanted)))
}

/// Both sides, as far as their traces tell.
struct Traced<'a> {
    sides: [&'a Traces; 2],
    slabs: &'a Slabs,
}

impl Traced<'_> {
    /// Adds the marks that are not as often on one side as on the other, in buckets of which nothing is known but
    /// that they differ.
    fn differences(&self, lacking: &[Uneven], differences: &mut Vec<Mark>) {
        let mut buckets = [false; BUCKETS];
        for uneven in lacking.iter().filter(|uneven| uneven.only.is_none()) {
            buckets[usize::from(uneven.bucket)] = true;
        }
        let [ours, theirs] = self.both(|traces| {
            let mut marks = Vec::new();
            traces.each(self.slabs, |trace| {
                if buckets[usize::from(trace.mark.bucket())] {
                    marks.push(trace.mark);
                }
            });
            marks.sort_unstable();
            marks
        });
        let (mut ours, mut theirs) = (&ours[..], &theirs[..]);
        while let Some(&mark) = ours.first().into_iter().chain(theirs.first()).min() {
            if take(&mut ours, mark) != take(&mut theirs, mark) {
                differences.push(mark);
            }
        }
    }

    /// All that begin so, unless they are too many.
    fn suspects(&self, wanted: &Marks) -> Option<Suspects> {
        let [produced, found] = self.both(|traces| {
            let mut suspects = Vec::new();
            traces.each(self.slabs, |trace| {
                if wanted.has(trace.mark) && suspects.len() <= SUSPECTS_MAX {
                    suspects.push(trace);
                }
            });
            suspects
        });
        let are_few = produced.len().max(found.len()) <= SUSPECTS_MAX;
        are_few.then_some(Suspects { produced, found })
    }

    /// What comes of both sides, on a thread each.
    fn both<T: Send>(&self, of: impl Fn(&Traces) -> T + Sync) -> [T; 2] {
        let [one, other] = self.sides;
        std::thread::scope(|scope| {
            let other = scope.spawn(|| of(other));
            let one = of(one);
            let other = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            [one, other]
        })
    }
}

/// Takes a mark off the front, and says how many times it was there.
fn take(marks: &mut &[Mark], mark: Mark) -> usize {
    let count = marks.iter().take_while(|&&other| other == mark).count();
    *marks = &marks[count..];
    count
}

/// So many bits of a mark say whether a look at the list is worth while: they fit into a core's first cache.
const FILTER_BITS: u32 = 18;

/// A set of marks.
struct Marks {
    filter: Vec<u64>,
    sorted: Vec<Mark>,
}

impl Marks {
    /// These, unless they are too many.
    fn of(mut marks: Vec<Mark>) -> Option<Self> {
        marks.sort_unstable();
        marks.dedup();
        let mut filter = vec![0; 1 << (FILTER_BITS - u64::BITS.trailing_zeros())];
        for mark in &marks {
            let (word, bit) = Self::bit(*mark);
            filter[word] |= bit;
        }
        (marks.len() <= SUSPECTS_MAX).then_some(Self { filter, sorted: marks })
    }

    #[inline]
    fn bit(mark: Mark) -> (usize, u64) {
        let bits = mark.first(FILTER_BITS);
        (usize::try_from(bits / 64).unwrap_or_default(), 1 << (bits % 64))
    }

    #[inline]
    fn has(&self, mark: Mark) -> bool {
        let (word, bit) = Self::bit(mark);
        self.filter[word] & bit != 0 && self.sorted.binary_search(&mark).is_ok()
    }
}
