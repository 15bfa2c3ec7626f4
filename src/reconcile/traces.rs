//! Traces of records whose rows are not kept: of each the beginning of its identity, and how far it is from the
//! one before, in five to eight bytes. A row takes 24.
//!
//! They prove nothing. They say which few records to look at again where two sides differ, so that nobody
//! has to read all of them a second time; whether those are the right ones is for the sums to say.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use memmap2::MmapMut;

use super::rows::{Place, Row};
use super::storage::Storage;
use super::wanted::BUCKET_BITS;
use crate::fingerprint::Identity;

/// An identity's first bits. Among ten million records one that is lost begins like another one in two cases of a
/// thousand: that is looked at too.
const MARK_BITS: u32 = u32::BITS;
/// Bytes of the longest trace.
const TRACE_MAX: usize = 8;
/// How far a record can be from the one before, in four bytes of seven bits each.
const AHEAD_MAX: u64 = (1 << 28) - 1;
/// Bytes of traces that are put away together, at most.
const STRETCH: usize = SLAB_MIN;
/// Bytes that are asked for at once.
const SLAB_MIN: usize = 64 << 10;
const SLAB_MAX: usize = 16 << 20;

/// How an identity begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark(u32);

impl Mark {
    /// The mark of an identity.
    pub fn of(identity: Identity) -> Self {
        Self(u32::try_from(identity >> (Identity::BITS - MARK_BITS)).unwrap_or_default())
    }

    /// The bucket that its identities are in.
    pub(super) fn bucket(self) -> u16 {
        u16::try_from(self.first(BUCKET_BITS)).unwrap_or_default()
    }

    /// So many of its first bits.
    pub(super) fn first(self, bits: u32) -> u32 {
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
    /// What came last: of each record its mark, then how far it is from the one before, in groups of seven bits.
    open: Vec<u8>,
    /// Where the first one of these is, and the last one.
    first: u64,
    last: u64,
}

/// Where traces are kept, and where the first of those records is.
#[derive(Clone, Copy)]
struct Stretch {
    first: u64,
    slab: usize,
    start: usize,
    len: usize,
}

impl Traces {
    pub(super) fn new(storage: &Arc<Storage>) -> Self {
        let (storage, kept, open) = (Arc::clone(storage), Vec::new(), Vec::new());
        Self { storage, kept, open, first: 0, last: 0 }
    }

    /// Adds a record.
    #[inline]
    pub(super) fn push(&mut self, row: &Row) {
        let place = row.place().number();
        let mut ahead = place.wrapping_sub(self.last);
        let is_full = self.open.len() > STRETCH - TRACE_MAX;
        if is_full || ahead > AHEAD_MAX || self.open.is_empty() {
            self.seal();
            (self.first, ahead) = (place, 0);
        }
        self.last = place;
        let (mut trace, mut len) = (u64::from(row.mark().0), size_of::<Mark>());
        while ahead > 0x7f {
            trace |= (ahead & 0x7f | 0x80) << (8 * len);
            (ahead, len) = (ahead >> 7, len + 1);
        }
        trace |= ahead << (8 * len);
        let end = self.open.len() + len + 1;
        self.open.extend_from_slice(&trace.to_le_bytes());
        self.open.truncate(end);
    }

    fn seal(&mut self) {
        self.kept.extend(self.storage.traces.keep(self.first, &self.open, &self.storage));
        self.open.clear();
    }

    /// Adds those of another side.
    pub(super) fn merge(&mut self, other: &Self) {
        self.kept.extend(&other.kept);
        self.kept.extend(self.storage.traces.keep(other.first, &other.open, &self.storage));
    }

    /// Shows all of them, in no order. None where they were given up.
    #[inline]
    pub(super) fn each(&self, slabs: &Slabs, mut take: impl FnMut(Trace)) {
        let kept = self.kept.iter().map(|stretch| (stretch.first, slabs.at(stretch)));
        for (mut place, mut traces) in kept.chain([(self.first, &self.open[..])]) {
            while let Some((mark, rest)) = traces.split_first_chunk() {
                let (ahead, rest) = ahead(rest);
                place += ahead;
                let mark = Mark(u32::from_le_bytes(*mark));
                take(Trace { place: Place::of_number(place), mark });
                traces = rest;
            }
        }
    }
}

/// How far a record is from the one before, and what follows.
#[inline]
fn ahead(bytes: &[u8]) -> (u64, &[u8]) {
    let (mut ahead, mut shift) = (0, 0);
    for (at, &byte) in bytes.iter().enumerate() {
        ahead |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return (ahead, &bytes[at + 1..]);
        }
        shift += 7;
    }
    (ahead, &[])
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

    fn keep(&self, first: u64, traces: &[u8], storage: &Storage) -> Option<Stretch> {
        let (mut slabs, len) = (self.lock(), traces.len());
        if len == 0 || !slabs.has_room(len, storage) {
            return None;
        }
        let (slab, start) = (slabs.slabs.len() - 1, slabs.taken);
        slabs.taken += len;
        slabs.slabs[slab][start..][..len].copy_from_slice(traces);
        Some(Stretch { first, slab, start, len })
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

    /// Records near to each other and far away, ahead and behind, and more than a stretch of them.
    fn rows() -> Vec<Row> {
        let places = [0, 0x7f, 0xff, 0x3fff, 0x7ffe, 1 << 22, AHEAD_MAX + (1 << 22), 1 << 32, 5, 5];
        let few = places.map(|offset| Place::new(0, offset));
        let many = (0..20_000).map(|number| Place::new(12, number * 100));
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
        assert!(storage.traces.lock().are_whole() && storage.held() > 2 * SLAB_MIN as u64);
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
