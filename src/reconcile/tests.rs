//! The comparison against its dull twin: two maps, one identity at a time.

mod suspects;
mod wanted;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;

use super::GroupClass::{Duplicate, Failed, Missing, Pending, Repeated, Unexpected};
use super::*;
use crate::fingerprint::Identity;
use crate::limits::PLACES_SHOWN;
use crate::tests::cases;

/// What [`compare`] does, without partitions, threads or sums: records take each other's places one
/// by one.
fn naive(all: [&[Row]; 7], repeated: bool) -> Differences {
    let mut sides: BTreeMap<Identity, [Vec<Place>; 7]> = BTreeMap::new();
    for (side, rows) in all.into_iter().enumerate() {
        for row in rows {
            sides.entry(row.identity()).or_default()[side].push(row.place());
        }
    }
    let mut result = Differences::default();
    for (identity, sides) in sides {
        let [sure, recent, uncertain, outside, clean, recovered, mut failed_at] = sides;
        let kinds = [(&sure, 's'), (&recent, 'r'), (&uncertain, 'u'), (&outside, 'o')];
        let mut waiting: VecDeque<char> =
            kinds.iter().flat_map(|(places, kind)| places.iter().map(|_| *kind)).collect();
        let mut produced_at: Vec<Place> = kinds.into_iter().flat_map(|(p, _)| p.clone()).collect();
        let mut found_at = clean;
        if produced_at.is_empty() {
            result.unproven.extend(recovered);
        } else {
            result.recovered += recovered.len() as u64;
            found_at.extend(recovered);
        }
        for places in [&mut produced_at, &mut found_at, &mut failed_at] {
            places.sort();
        }
        let surplus = if produced_at.is_empty() { Unexpected } else { Duplicate };
        let mut counts = [(Failed, 0), (Pending, 0), (Missing, 0), (surplus, 0), (Repeated, 0)];
        for _ in &found_at {
            result.found += 1;
            match waiting.pop_front() {
                Some(_) => {
                    (result.produced, result.delivered) =
                        (result.produced + 1, result.delivered + 1)
                }
                None => counts[3].1 += 1,
            }
        }
        let mut documents = failed_at.len();
        while let Some(kind @ ('s' | 'r' | 'u')) = waiting.pop_front() {
            result.produced += 1;
            match kind {
                _ if documents > 0 => (documents, counts[0].1) = (documents - 1, counts[0].1 + 1),
                's' => counts[2].1 += 1,
                'r' => counts[1].1 += 1,
                _ => result.uncertain += 1,
            }
        }
        counts[4].1 = (sure.len() + recent.len()).saturating_sub(1) as u64 * u64::from(repeated);
        for (class, records) in counts.into_iter().filter(|(_, records)| *records > 0) {
            let shown_at = match class {
                Failed | Pending | Missing => produced_at[0],
                Repeated => produced_at[1],
                Duplicate | Unexpected => found_at[produced_at.len()],
            };
            if class == Unexpected {
                result.strangers.extend(found_at.iter().map(|place| place.object()));
            }
            let first = |places: &[Place]| places.iter().take(PLACES_SHOWN).copied().collect();
            let group = Group {
                identity,
                shown_at,
                produced: produced_at.len() as u64,
                found: found_at.len() as u64,
                failed: failed_at.len() as u64,
                produced_at: first(&produced_at),
                found_at: first(&found_at),
                failed_at: first(&failed_at),
            };
            let tally = tally(&mut result, class);
            tally.records += records;
            tally.identities += 1;
            tally.groups.push(group);
        }
    }
    for class in CLASSES {
        tally(&mut result, class).groups.sort_by_key(|group| group.shown_at);
    }
    result.unproven.sort();
    result
}

const CLASSES: [GroupClass; 6] = [Failed, Pending, Missing, Duplicate, Unexpected, Repeated];

fn tally(result: &mut Differences, class: GroupClass) -> &mut Tally {
    match class {
        Failed => &mut result.failed,
        Pending => &mut result.pending,
        Missing => &mut result.missing,
        Duplicate => &mut result.duplicates,
        Unexpected => &mut result.unexpected,
        Repeated => &mut result.repeated,
    }
}

/// Rows of few identities, in few and in many partitions; every row has a place of its own.
fn rows(object: u64) -> impl Strategy<Value = Vec<Row>> {
    let identity = prop_oneof![0..6_u128, (0..40_u128).prop_map(|id| id << 120)];
    prop::collection::vec(identity, 0..60).prop_map(move |identities| {
        let places = (0..).map(|offset| Place::new(object, offset * 7));
        identities
            .into_iter()
            .zip(places)
            .map(|(identity, place)| Row::new(identity, place))
            .collect()
    })
}

/// From a few rows, all of them on disk, to everything in memory.
fn memory() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0_u64), 1..200_u64, 200..20_000_u64, Just(u64::MAX)]
}

fn storage(memory: u64) -> Arc<Storage> {
    Storage::new(memory, 2, &std::env::temp_dir(), 7)
}

fn side(rows: &[Row], storage: &Arc<Storage>) -> Side {
    let mut side = Side::new(storage);
    side.extend(rows).unwrap();
    side
}

/// Both sides of a comparison.
fn both(put: &[Vec<Row>; 4], stored: &[Vec<Row>; 3], storage: &Arc<Storage>) -> (Produced, Found) {
    let [sure, recent, uncertain, outside] = put.each_ref().map(|rows| side(rows, storage));
    let [clean, recovered, failed] = stored.each_ref().map(|rows| side(rows, storage));
    (Produced { sure, recent, uncertain, outside }, Found { clean, recovered, failed })
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn comparing_agrees_with_its_dull_twin(
        put in [rows(0), rows(1), rows(2), rows(3)],
        stored in [rows(4), rows(5), rows(6)],
        workers in 1..4_usize,
        samples in 0..8_usize,
        memory in memory(),
        repeated: bool,
        // What was put is what is stored, but for what is generated besides.
        even: bool,
    ) {
        let (mut put, mut stored) = (put, stored);
        if even {
            stored[0] = put[0].iter().chain(&put[1]).enumerate().map(|(n, row)| {
                Row::new(row.identity(), Place::new(4, n as u64))
            }).collect();
            put[2].truncate(samples / 4);
            stored[1].truncate(samples / 6);
        }
        let (produced, found) = both(&put, &stored, &storage(memory));
        let kept = Kept { samples, repeated, strangers: true, suspects: false };
        let result = compare(&produced, &found, kept, workers).unwrap();
        let all = [&put[0], &put[1], &put[2], &put[3], &stored[0], &stored[1], &stored[2]];
        let mut expected = naive(all.map(Vec::as_slice), repeated);
        for class in CLASSES {
            tally(&mut expected, class).groups.truncate(samples);
        }
        let short = result.failed.records + result.pending.records + result.missing.records;
        prop_assert_eq!(result.delivered + short + result.uncertain, result.produced);
        let demanded = put[..3].iter().map(|rows| rows.len() as u64).sum::<u64>();
        prop_assert!(result.produced >= demanded);
        prop_assert_eq!(result, expected);
    }

    #[test]
    fn counting_does_not_depend_on_memory(
        one in rows(0),
        other in rows(1),
        samples in 0..8_usize,
        memory in memory(),
    ) {
        let (little, much) = (storage(memory), storage(u64::MAX));
        let [few, all] = [&little, &much].map(|storage| [side(&one, storage), side(&other, storage)]);
        let repeated = |[one, other]: &[Side; 2]| repeats(&[one, other], samples).unwrap();
        prop_assert_eq!(repeated(&few), repeated(&all));
        let mut counts = BTreeMap::<_, u64>::new();
        one.iter().chain(&other).for_each(|row| *counts.entry(row.identity()).or_default() += 1);
        prop_assert_eq!(repeated(&few).records, (one.len() + other.len() - counts.len()) as u64);
        prop_assert_eq!(super::all(&few[0], samples).unwrap(), super::all(&all[0], samples).unwrap());
        prop_assert_eq!(super::all(&few[0], samples).unwrap().records, one.len() as u64);
    }

    #[test]
    fn sides_merge(one in rows(0), other in rows(1), memory in memory(), shared: bool) {
        let storage = storage(memory);
        let mut merged = side(&one, &storage);
        if shared {
            // What is copied is not taken away.
            let twice = side(&other, &storage);
            merged.copy(&twice).unwrap();
            prop_assert_eq!(twice.records(), other.len() as u64);
        } else {
            merged.merge(side(&other, &storage)).unwrap();
        }
        prop_assert_eq!(merged.records(), (one.len() + other.len()) as u64);
        let found = Found { clean: merged, ..Found::new(&storage) };
        let both = [one, other].concat();
        let kept = Kept { samples: 9, repeated: false, strangers: true, suspects: false };
        let produced = must(&both, &storage);
        prop_assert_eq!(compare(&produced, &found, kept, 2).unwrap().delivered, both.len() as u64);
    }

    #[test]
    fn a_pile_gives_a_side_what_it_was_given(
        one in rows(0),
        other in rows(1),
        times in 0_u64..3,
        memory in memory(),
    ) {
        // Some of them are many: more than a pile keeps as they come. Where each is written to disk at
        // once, that would take long.
        let many = || many(times * if memory < 20_000 { 9 } else { 3_000 });
        let mut all = one.clone();
        all.extend(many());
        let storage = storage(memory);
        let mut pile = Pile::new(&storage, &Wanted::all());
        pile.extend(&one);
        many().into_iter().for_each(|row| pile.push(row));
        prop_assert_eq!((pile.len(), pile.is_empty()), (all.len() as u64, all.is_empty()));
        let mut seen = Vec::new();
        pile.visit(|&row| { seen.push(row); Ok(()) }).unwrap();
        seen.sort_unstable();
        all.sort_unstable();
        prop_assert_eq!(&seen, &all);
        let mut found = side(&other, &storage);
        pile.give(&mut found).unwrap();
        all.extend(other);
        let produced = must(&all, &storage);
        let found = Found { clean: found, ..Found::new(&storage) };
        let kept = Kept { samples: 9, repeated: true, strangers: true, suspects: false };
        let result = compare(&produced, &found, kept, 2).unwrap();
        let even = (result.delivered, result.missing.records, result.duplicates.records);
        prop_assert_eq!(even, (all.len() as u64, 0, 0));
    }

    #[test]
    fn a_spool_gives_back_what_it_was_given(rows in rows(0), memory in memory()) {
        let mut spool = Spool::new(&storage(memory));
        rows.iter().for_each(|&row| spool.push(row));
        prop_assert_eq!(spool.len(), rows.len() as u64);
        let mut back = Vec::new();
        spool.each(|row| { back.push(row); Ok(()) }).unwrap();
        prop_assert_eq!(back, rows);
    }
}

fn must(rows: &[Row], storage: &Arc<Storage>) -> Produced {
    Produced { sure: side(rows, storage), ..Produced::new(storage) }
}

fn many(count: u64) -> Vec<Row> {
    let identity = |n: u64| u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    (0..count).map(|n| Row::new(identity(n), Place::new(1, n))).collect()
}

#[test]
fn chunks_hold_what_is_put_into_them() {
    let rows: Vec<_> =
        (0..5000).map(|n: u64| Row::new(u128::from(n % 3), Place::new(1, n))).collect();
    for memory in [0, 100_000, u64::MAX] {
        let storage = storage(memory);
        let found = Found { clean: side(&rows, &storage), ..Found::new(&storage) };
        let kept = Kept { samples: 1, repeated: true, strangers: true, suspects: false };
        let result = compare(&must(&rows, &storage), &found, kept, 2).unwrap();
        assert_eq!((result.delivered, result.found, result.repeated.records), (5000, 5000, 4997));
        assert_eq!(storage.spilled() == 0, memory == u64::MAX);
    }
}

#[test]
fn what_is_held_stays_within_the_budget() {
    let memory = 400_000;
    let storage = storage(memory);
    let rows = many(200_000);
    let mut sides = [Side::new(&storage), Side::new(&storage)];
    for side in &mut sides {
        for rows in rows.chunks(100) {
            side.extend(rows).unwrap();
            assert!(storage.held() <= memory, "{} bytes are held", storage.held());
        }
    }
    assert!(storage.spilled() > 2 * 200_000 * 24 - memory);
    drop(sides);
    assert_eq!(storage.held(), 0);
    let mut all = Side::new(&storage);
    for rows in rows.chunks(5_000) {
        let mut pile = Pile::new(&storage, &Wanted::all());
        pile.extend(rows);
        pile.give(&mut all).unwrap();
        assert!(storage.held() <= memory, "{} bytes are held of what was given", storage.held());
    }
}

#[test]
fn equal_sides_are_not_read_back() {
    let reads = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&reads);
    let storage = Storage::on(60_000, 2, Path::new("."), 7, move |_| {
        Ok(Box::new(Faulty { reads: Arc::clone(&counted), ..Faulty::new()? }))
    });
    let rows = many(10_000);
    let kept = |repeated| Kept { samples: 1, repeated, strangers: true, suspects: false };
    let mut found = Found { clean: side(&rows, &storage), ..Found::new(&storage) };
    let even = compare(&must(&rows, &storage), &found, kept(false), 2).unwrap();
    assert_eq!((even.delivered, reads.load(Ordering::Relaxed)), (10_000, 0));
    compare(&must(&rows, &storage), &found, kept(true), 2).unwrap();
    assert!(reads.swap(0, Ordering::Relaxed) > 0, "to name what is repeated, it is looked at");
    found.clean.push(rows[0]).unwrap();
    let odd = compare(&must(&rows, &storage), &found, kept(false), 2).unwrap();
    assert_eq!((odd.delivered, odd.duplicates.records), (10_000, 1));
    assert!(reads.load(Ordering::Relaxed) < 60, "one partition is read");
}

#[test]
fn however_many_objects_are_staged_few_files_are_open() {
    let opened = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&opened);
    let storage = Storage::on(60_000, 2, Path::new("."), 7, move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(tempfile::tempfile()?))
    });
    let (rows, mut all) = (many(9_000), Side::new(&storage));
    for _ in 0..20 {
        let mut pile = Pile::new(&storage, &Wanted::all());
        pile.extend(&rows);
        pile.give(&mut all).unwrap();
    }
    assert_eq!(all.records(), 20 * 9_000);
    assert!(storage.spilled() > 0);
    assert!(opened.load(Ordering::Relaxed) <= 3, "one for each worker, and one for the side");
}

/// A temporary file on a disk that is full after so many bytes, or that changes what it holds.
struct Faulty {
    file: std::fs::File,
    room: usize,
    flip: bool,
    reads: Arc<AtomicU64>,
}

impl Faulty {
    fn new() -> io::Result<Self> {
        let reads = Arc::default();
        Ok(Self { file: tempfile::tempfile()?, room: usize::MAX, flip: false, reads })
    }
}

impl io::Write for Faulty {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let some = bytes.len().min(self.room);
        if some == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.room -= some;
        self.file.write(&bytes[..some])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl io::Read for Faulty {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let read = self.file.read(bytes)?;
        if self.flip && read > 0 {
            bytes[read / 2] ^= 1;
        }
        Ok(read)
    }
}

impl io::Seek for Faulty {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[test]
fn a_full_disk_is_an_error_that_says_what_helps() {
    let storage = Storage::on(0, 2, Path::new("/full"), 7, |_| {
        Ok(Box::new(Faulty { room: 1000, ..Faulty::new()? }))
    });
    let error = Side::new(&storage).extend(&many(1000)).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("a temporary file in /full") && text.contains("no storage"), "{text}");
    assert!(error.advice().unwrap().contains("--temp-dir"));
    let mut spool = Spool::new(&storage);
    many(1000).into_iter().for_each(|row| spool.push(row));
    assert_eq!(spool.each(|_| Ok(())).unwrap_err().to_string(), text);
    let mut pile = Pile::new(&storage, &Wanted::all());
    pile.extend(&many(5000));
    assert_eq!(pile.visit(|_| Ok(())).unwrap_err().to_string(), text);
    let given = pile.give(&mut Side::new(&storage)).unwrap_err();
    assert!(given.advice().unwrap().contains("--temp-dir"));
}

#[test]
fn what_was_changed_on_disk_is_never_compared() {
    let storage = Storage::on(0, 2, Path::new("/bad"), 7, |_| {
        Ok(Box::new(Faulty { flip: true, ..Faulty::new()? }))
    });
    let mut rows = many(1000);
    let produced = must(&rows, &storage);
    rows.pop();
    let found = Found { clean: side(&rows, &storage), ..Found::new(&storage) };
    let kept = Kept { samples: 1, repeated: false, strangers: true, suspects: false };
    let error = compare(&produced, &found, kept, 1).unwrap_err();
    assert!(error.to_string().contains("other bytes"), "{error}");
    assert!(error.advice().unwrap().contains("there is no verdict"));
    let mut spool = Spool::new(&storage);
    rows.into_iter().for_each(|row| spool.push(row));
    assert!(spool.each(|_| Ok(())).is_err());
}
