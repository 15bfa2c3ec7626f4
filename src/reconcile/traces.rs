//! Traces of records whose rows are not kept: of each the beginning of its identity, and where it is, in
//! eight bytes, a third of a row.
//!
//! They prove nothing. They say which few records to look at again where two sides differ, so that nobody
//! has to read all of them a second time; whether those are the right ones is for the sums to say.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use memmap2::MmapMut;

use super::rows::{Place, Row};
use super::storage::{Storage, bytes_at};
use super::wanted::BUCKET_BITS;
use crate::fingerprint::Identity;

/// A place's last bits, which a trace holds; the first ones are those of its page.
const PLACE_BITS: u32 = 24;
/// An identity's first bits. Among a hundred million records two that are not equal begin alike in one
/// case of ten thousand.
const MARK_BITS: u32 = u64::BITS - PLACE_BITS;
const LOW: u64 = (1 << PLACE_BITS) - 1;
/// Bytes of a trace.
const WORD: usize = size_of::<u64>();
/// Traces that are put away together, at most.
const STRETCH: usize = SLAB_MIN / WORD;
/// Bytes that are asked for at once.
const SLAB_MIN: usize = 64 << 10;
const SLAB_MAX: usize = 16 << 20;

/// How an identity begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark(u64);

impl Mark {
    /// The mark of an identity.
    pub fn of(identity: Identity) -> Self {
        Self(u64::try_from(identity >> (Identity::BITS - MARK_BITS)).unwrap_or_default())
    }

    /// The bucket that its identities are in.
    pub(super) fn bucket(self) -> u16 {
        u16::try_from(self.first(BUCKET_BITS)).unwrap_or_default()
    }

    /// So many of its first bits.
    pub(super) fn first(self, bits: u32) -> u64 {
        self.0 >> (MARK_BITS - bits)
    }
}

/// A record whose row is not kept, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trace {
    /// Where it is.
    pub place: Place,
    /// How its identity begins.
    pub mark: Mark,
}

/// Traces of all records of a side.
pub(super) struct Traces {
    storage: Arc<Storage>,
    kept: Vec<Stretch>,
    /// What came last, all from one page.
    open: Vec<u64>,
    page: u64,
}

/// Where traces from a page are kept: of places that begin alike.
#[derive(Clone, Copy)]
struct Stretch {
    page: u64,
    slab: usize,
    start: usize,
    len: usize,
}

impl Traces {
    pub(super) fn new(storage: &Arc<Storage>) -> Self {
        Self { storage: Arc::clone(storage), kept: Vec::new(), open: Vec::new(), page: 0 }
    }

    /// Adds a record.
    #[inline]
    pub(super) fn push(&mut self, row: &Row) {
        let place = row.place().number();
        let page = place >> PLACE_BITS;
        if page != self.page || self.open.len() == STRETCH {
            self.seal();
            self.page = page;
        }
        self.open.push(row.mark().0 << PLACE_BITS | place & LOW);
    }

    fn seal(&mut self) {
        self.kept.extend(self.storage.traces.keep(self.page, &self.open, &self.storage));
        self.open.clear();
    }

    /// Adds those of another side.
    pub(super) fn merge(&mut self, other: &Self) {
        self.kept.extend(&other.kept);
        self.kept.extend(self.storage.traces.keep(other.page, &other.open, &self.storage));
    }

    /// Shows all of them, in no order. None where they were given up.
    #[inline]
    pub(super) fn each(&self, slabs: &Slabs, mut take: impl FnMut(Trace)) {
        for stretch in &self.kept {
            for word in slabs.at(stretch).chunks_exact(WORD) {
                take(trace(stretch.page, u64::from_le_bytes(bytes_at(word, 0))));
            }
        }
        self.open.iter().for_each(|&packed| take(trace(self.page, packed)));
    }
}

#[inline]
fn trace(page: u64, packed: u64) -> Trace {
    let place = Place::of_number(page << PLACE_BITS | packed & LOW);
    Trace { place, mark: Mark(packed >> PLACE_BITS) }
}

/// All traces of a run, unless they were too many for the memory there is. They lie together, because memory
/// that is asked for at once costs a fraction of what as many small pieces do.
#[derive(Default)]
pub(super) struct Kept(Mutex<Slabs>);

/// Memory that is filled from its beginning.
#[derive(Default)]
pub(super) struct Slabs {
    slabs: Vec<MmapMut>,
    /// Bytes of the last one that are taken.
    taken: usize,
    are_given_up: bool,
}

impl Kept {
    pub(super) fn lock(&self) -> MutexGuard<'_, Slabs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, page: u64, traces: &[u64], storage: &Storage) -> Option<Stretch> {
        let (mut slabs, len) = (self.lock(), size_of_val(traces));
        if len == 0 || !slabs.has_room(len, storage) {
            return None;
        }
        let (slab, start) = (slabs.slabs.len() - 1, slabs.taken);
        slabs.taken += len;
        let room = slabs.slabs[slab][start..][..len].chunks_exact_mut(WORD);
        room.zip(traces).for_each(|(room, trace)| room.copy_from_slice(&trace.to_le_bytes()));
        Some(Stretch { page, slab, start, len })
    }
}

impl Slabs {
    /// Makes room, or gives up all there are.
    fn has_room(&mut self, len: usize, storage: &Storage) -> bool {
        if self.slabs.last().is_some_and(|slab| slab.len() - self.taken >= len) {
            return true;
        }
        // Twice as much each time: few records take little, and many little time.
        let next = self.slabs.last().map_or(SLAB_MIN, |slab| (slab.len() * 2).min(SLAB_MAX));
        let fits = !self.are_given_up && storage.has_room(next as u64);
        let Some(slab) = fits.then(|| MmapMut::map_anon(next).ok()).flatten() else {
            self.give_up(storage);
            return false;
        };
        // It is as good without.
        #[cfg(target_os = "linux")]
        let _ = slab.advise(memmap2::Advice::HugePage);
        storage.hold(next as u64);
        self.slabs.push(slab);
        self.taken = 0;
        true
    }

    /// Gives up all traces, and those to come.
    pub(super) fn give_up(&mut self, storage: &Storage) {
        self.slabs.drain(..).for_each(|slab| storage.release(slab.len() as u64));
        self.are_given_up = true;
    }

    /// Whether there is a trace of each record.
    pub(super) fn are_whole(&self) -> bool {
        !self.are_given_up
    }

    fn at(&self, stretch: &Stretch) -> &[u8] {
        let slab = self.slabs.get(stretch.slab);
        slab.map_or(&[], |slab| &slab[stretch.start..][..stretch.len])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn storage(memory: u64) -> Arc<Storage> {
        Storage::new(memory, 1, &std::env::temp_dir(), 7)
    }

    /// Records at the edges of pages and of objects, and more than a chunk of one page.
    fn rows() -> Vec<Row> {
        let places =
            [(0, 0), (0, 0xff_ffff), (0, 0x100_0000), (1, 0), (0, 0xff_fffe), (9, 1 << 32)];
        let few = places.map(|(object, offset)| Place::new(object, offset));
        let many = (0..9000).map(|number| Place::new(12, number * 100));
        let places = few.into_iter().chain(many).enumerate();
        let identity = |number: usize| (number as u128).wrapping_mul(0x9e37_79b9 << 96 | 0x79b9);
        places.map(|(number, place)| Row::new(identity(number), place)).collect()
    }

    fn sorted(traces: &Traces) -> Vec<Trace> {
        let mut all = Vec::new();
        traces.each(&traces.storage.traces.lock(), |trace| all.push(trace));
        all.sort_unstable();
        all
    }

    #[test]
    fn a_trace_tells_where_a_record_is_and_how_its_identity_begins() {
        let (storage, rows) = (storage(u64::MAX), rows());
        let mut expected: Vec<_> = rows
            .iter()
            .map(|row| Trace { place: row.place(), mark: Mark::of(row.identity()) })
            .collect();
        expected.sort_unstable();
        let mut all = Traces::new(&storage);
        rows[..5000].iter().for_each(|row| all.push(row));
        let mut rest = Traces::new(&storage);
        rows[5000..].iter().for_each(|row| rest.push(row));
        all.merge(&rest);
        assert_eq!(sorted(&all), expected);
        let row = &rows[7];
        assert_eq!((row.mark(), row.mark().bucket()), (Mark::of(row.identity()), row.bucket()));
        assert!(storage.traces.lock().are_whole() && storage.held() >= 8 * 8192);
        storage.traces.lock().give_up(&storage);
        assert_eq!(storage.held(), 0);
    }

    #[test]
    fn traces_that_are_too_many_are_given_up() {
        let (storage, rows) = (storage(1000), rows());
        let mut traces = Traces::new(&storage);
        rows.iter().for_each(|row| traces.push(row));
        assert!(!storage.traces.lock().are_whole() && storage.held() == 0);
        assert!(sorted(&traces).len() < rows.len());
    }
}
