//! What is kept comes back, or nothing does.

use std::path::PathBuf;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::decode::Encoding;
use crate::fingerprint::{Pointer, Policy};
use crate::outcome::ByteBook;
use crate::split::{Format, FormatChoice, Tally};
use crate::tests::cases;

const SEED: u64 = 7;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn version(key: &str) -> Version<'_> {
    Version { place: "aws s3://b", key, size: 10, etag: "\"e\"", modified: Some(at(1)) }
}

fn terms() -> Terms {
    Terms::new(&Policy::Raw, &FormatChoice::Detect, false, 1 << 30)
}

fn key(key: &str) -> Key {
    Key::new(&terms(), &version(key))
}

fn rows(count: u64) -> Vec<Row> {
    let row = |number| Row { identity: u128::from(number) << 64 | 5, offset: number * 3 };
    (0..count).map(row).collect()
}

fn facts(records: u64) -> Facts {
    let bytes = ByteBook {
        decoded: records * 3,
        records: records * 2,
        separators: records,
        ..Default::default()
    };
    Facts {
        encoding: Encoding::Gzip,
        layered: Some("gzip inside zip".into()),
        misdeclared: Some(Encoding::Plain),
        columns: vec!["id".into(), String::new()],
        format: Format::Delimited(b"|".to_vec()),
        tally: Tally { records, control_messages: 1, bytes, ..Tally::default() },
        incomplete: records / 2,
        peculiar: Some(2),
        decoded: true,
    }
}

fn entry(about: &Key, facts: &Facts, rows: &[Row]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = Writer::begin(&mut bytes, about, SEED, facts).unwrap();
    rows.iter().for_each(|row| writer.push(*row).unwrap());
    writer.finish().unwrap();
    bytes
}

fn taken(bytes: &[u8], about: &Key) -> Option<(Facts, Vec<Row>)> {
    let mut rows = Vec::new();
    let facts = read(bytes, bytes.len() as u64, about, SEED, |row| rows.push(row))?;
    Some((facts, rows))
}

/// A cache in a directory of its own.
struct Place {
    folder: TempDir,
    cache: Cache,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path(), SEED, at(1_000_000)).unwrap();
        Self { folder, cache }
    }

    fn store(&self, about: &Key, records: u64) {
        self.cache.store(about, &facts(records), |writer| {
            rows(records).into_iter().for_each(|row| writer.push(row).unwrap());
            Ok(())
        });
    }

    fn load(&self, about: &Key) -> Option<(Facts, Vec<Row>)> {
        let mut rows = Vec::new();
        let facts = self.cache.load(about, |row| rows.push(row))?;
        Some((facts, rows))
    }

    fn entries(&self) -> Vec<PathBuf> {
        let walk = walkdir::WalkDir::new(self.folder.path()).into_iter().map(Result::unwrap);
        let files = walk.filter(|entry| entry.file_type().is_file() && entry.depth() > 1);
        files.map(walkdir::DirEntry::into_path).collect()
    }
}

#[test]
fn what_is_kept_comes_back() {
    let place = Place::new();
    // None, a few, and more than are read at a time.
    for records in [0, 3, 10_000] {
        let about = key(&records.to_string());
        assert!(!place.cache.holds(&about));
        assert_eq!(place.load(&about), None);
        place.store(&about, records);
        assert!(place.cache.holds(&about));
        assert_eq!(place.load(&about), Some((facts(records), rows(records))));
    }
    assert_eq!((place.cache.damaged(), place.cache.unwritten()), (0, None));
    assert_eq!(place.entries().len(), 3);
}

#[test]
fn another_run_finds_it_with_the_seed_of_the_first() {
    let place = Place::new();
    place.store(&key("a"), 3);
    let again = Cache::open(place.folder.path(), 99, at(2_000_000)).unwrap();
    assert_eq!(again.seed(), SEED);
    assert_eq!(again.load(&key("a"), |_| {}), Some(facts(3)));
}

#[test]
fn everything_that_an_answer_depends_on_makes_another_entry() {
    let base = version("k");
    let raw = Policy::Raw;
    let detect = FormatChoice::Detect;
    let fixed = |format| FormatChoice::Fixed(format);
    let pointers = |texts: &[&str]| {
        Policy::Key(texts.iter().map(|text| Pointer::parse(text).unwrap()).collect())
    };
    let mut keys: Vec<_> = [
        Version { place: "aws s3://c", ..base },
        Version { key: "l", ..base },
        Version { size: 11, ..base },
        Version { etag: "\"f\"", ..base },
        Version { modified: Some(at(2)), ..base },
        Version { modified: None, ..base },
        // The same letters, cut elsewhere.
        Version { key: "k\"e", etag: "\"", ..base },
        base,
    ]
    .map(|version| Key::new(&terms(), &version))
    .to_vec();
    let terms = [
        Terms::new(&Policy::Json, &detect, false, 1 << 30),
        Terms::new(&pointers(&["/a"]), &detect, false, 1 << 30),
        Terms::new(&pointers(&["/a", "/b"]), &detect, false, 1 << 30),
        Terms::new(&pointers(&["/a,/b"]), &detect, false, 1 << 30),
        Terms::new(&raw, &fixed(Format::Json), false, 1 << 30),
        Terms::new(&raw, &fixed(Format::Lines), false, 1 << 30),
        Terms::new(&raw, &fixed(Format::Kpl), false, 1 << 30),
        Terms::new(&raw, &fixed(Format::Delimited(b",".to_vec())), false, 1 << 30),
        Terms::new(&raw, &fixed(Format::LogEvents(b",".to_vec())), false, 1 << 30),
        Terms::new(&raw, &detect, true, 1 << 30),
        Terms::new(&raw, &detect, false, 1 << 20),
    ];
    keys.extend(terms.iter().map(|terms| Key::new(terms, &base)));
    let mut names: Vec<_> = keys.iter().map(|key| key.name(SEED)).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), keys.len());
}

/// Every bit of an entry, and every length of it.
#[test]
fn an_entry_that_is_changed_anywhere_is_none() {
    let about = key("a");
    let whole = entry(&about, &facts(3), &rows(3));
    assert_eq!(taken(&whole, &about), Some((facts(3), rows(3))));
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[at] ^= 1 << bit;
            assert_eq!(taken(&changed, &about), None, "byte {at}, bit {bit}");
        }
        assert_eq!(taken(&whole[..at], &about), None, "cut at {at}");
        let mut longer = whole.clone();
        longer.insert(at, whole[at]);
        assert_eq!(taken(&longer, &about), None, "a byte more at {at}");
    }
}

/// Somebody who changes an entry may know how checksums are made, or two entries change places.
#[test]
fn an_entry_about_something_else_is_none() {
    let about = key("a");
    for other in [
        key("b"),
        Key::new(&Terms::new(&Policy::Json, &FormatChoice::Detect, false, 1 << 30), &version("a")),
    ] {
        assert_eq!(taken(&entry(&other, &facts(3), &rows(3)), &about), None);
    }
    let whole = entry(&about, &facts(3), &rows(3));
    assert!(read(&whole[..], whole.len() as u64, &about, SEED + 1, |_| {}).is_none());
}

/// No number in an entry leads to a panic, or to room for what is not there.
#[test]
fn numbers_that_an_object_cannot_have_are_damage() {
    let (about, right) = (key("a"), facts(1));
    let huge = |change: fn(&mut Facts)| {
        let mut facts = right.clone();
        change(&mut facts);
        entry(&about, &facts, &rows(facts.tally.records.min(1)))
    };
    assert!(taken(&huge(|_| {}), &about).is_some());
    for wrong in [
        huge(|facts| facts.tally.bytes.records = u64::MAX),
        huge(|facts| facts.tally.bytes.separators = crate::limits::OBJECT_BYTES_CEILING - 2),
        huge(|facts| facts.tally.control_messages = u64::MAX),
        huge(|facts| facts.incomplete = 2),
        entry(&about, &right, &[Row { offset: u64::MAX, ..rows(1)[0] }]),
    ] {
        assert_eq!(taken(&wrong, &about), None);
    }
}

#[test]
fn a_damaged_entry_is_counted_and_replaced() {
    let place = Place::new();
    let about = key("a");
    place.store(&about, 3);
    let path = place.entries().remove(0);
    for wrong in [&b""[..], b"nonsense"] {
        fs::write(&path, wrong).unwrap();
        assert_eq!(place.load(&about), None);
        place.store(&about, 3);
        assert_eq!(place.load(&about), Some((facts(3), rows(3))));
    }
    assert_eq!(place.cache.damaged(), 2);
}

#[test]
fn too_many_columns_are_not_kept_and_what_follows_is() {
    let place = Place::new();
    let many = Facts { columns: vec!["column".repeat(100); 2_000], ..facts(0) };
    place.cache.store(&key("wide"), &many, |_| Ok(()));
    place.store(&key("a"), 3);
    assert_eq!(place.load(&key("wide")), None);
    assert_eq!(place.load(&key("a")), Some((facts(3), rows(3))));
    assert_eq!((place.cache.damaged(), place.cache.unwritten()), (0, None));
}

#[test]
fn what_was_abandoned_is_swept_away() {
    let place = Place::new();
    place.store(&key("a"), 3);
    let path = place.folder.path().join(NEW).join("half");
    fs::write(&path, "half").unwrap();
    let written = Timestamp::try_from(fs::metadata(&path).unwrap().modified().unwrap()).unwrap();
    for (later, stays) in [(1, true), (25, false)] {
        let now = written + SignedDuration::from_hours(later);
        Cache::open(place.folder.path(), SEED, now).unwrap();
        assert_eq!(path.exists(), stays, "{later} h later");
    }
    assert_eq!(place.load(&key("a")), Some((facts(3), rows(3))));
}

#[test]
fn a_directory_of_somebody_else_is_left_alone() {
    for name in ["x", "fhcheck-cache", "ab"] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), "somebody else's").unwrap();
        let opened = Cache::open(folder.path(), SEED, at(1));
        assert!(matches!(opened, Err(Unusable::Foreign)), "{name}: {opened:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

#[test]
fn a_header_that_is_changed_anywhere_is_none() {
    let place = Place::new();
    let path = place.folder.path().join("fhcheck-cache");
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(&path, changed).unwrap();
        let opened = Cache::open(place.folder.path(), 1, at_now());
        assert!(matches!(opened, Err(Unusable::Foreign)), "byte {at}: {opened:?}");
    }
    fs::write(&path, &whole[1..]).unwrap();
    assert!(matches!(Cache::look(place.folder.path(), at_now()), Err(Unusable::Foreign)));
}

fn at_now() -> Timestamp {
    at(1_000_000)
}

#[test]
fn a_look_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    assert!(matches!(Cache::look(&missing, at(1)), Ok(None)));
    assert!(matches!(Cache::look(folder.path(), at(1)), Ok(None)));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn runs_that_begin_together_have_one_seed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b");
    let seeds: Vec<_> = std::thread::scope(|scope| {
        let open = |seed| {
            let path = &path;
            scope.spawn(move || Cache::open(path, seed, at(1)).unwrap().seed())
        };
        let runs: Vec<_> = (0..8).map(open).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert!(seeds.iter().all(|seed| *seed == seeds[0]), "{seeds:?}");
}

#[test]
fn an_entry_that_cannot_be_written_is_no_failure() {
    let place = Place::new();
    fs::write(place.folder.path().join(NEW), "no directory").unwrap();
    place.store(&key("a"), 3);
    place.store(&key("b"), 3);
    let (count, error) = place.cache.unwritten().unwrap();
    assert_eq!(count, 2);
    assert!(error.ends_with("is no directory"), "{error}");
    assert_eq!(place.load(&key("a")), None);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn it_is_made_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache");
        let cache = Cache::open(&path, SEED, at(1)).unwrap();
        cache.store(&key("a"), &facts(0), |_| Ok(()));
        for entry in walkdir::WalkDir::new(&path) {
            let metadata = entry.unwrap().metadata().unwrap();
            assert_eq!(metadata.permissions().mode() & 0o077, 0, "{metadata:?}");
        }
    }

    #[test]
    fn what_everybody_may_write_to_is_not_used() {
        let place = Place::new();
        fs::set_permissions(place.folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let opened = Cache::open(place.folder.path(), SEED, at(1));
        assert!(matches!(opened, Err(Unusable::Exposed)), "{opened:?}");
    }

    #[test]
    fn links_inside_are_not_followed() {
        let place = Place::new();
        let about = key("a");
        place.store(&about, 3);
        let path = place.entries().remove(0);
        let elsewhere = tempfile::tempdir().unwrap();
        let copy = elsewhere.path().join("copy");
        fs::rename(&path, &copy).unwrap();
        symlink(&copy, &path).unwrap();
        assert_eq!((place.load(&about), place.cache.damaged()), (None, 1));
        // The link is replaced, and what it led to is not.
        let before = fs::read(&copy).unwrap();
        place.store(&about, 1);
        assert_eq!(place.load(&about), Some((facts(1), rows(1))));
        assert_eq!(fs::read(&copy).unwrap(), before);

        let shard = path.parent().unwrap();
        fs::remove_dir_all(shard).unwrap();
        symlink(elsewhere.path(), shard).unwrap();
        fs::rename(&copy, elsewhere.path().join(path.file_name().unwrap())).unwrap();
        assert_eq!((place.load(&about), place.cache.damaged()), (None, 2));
        place.store(&about, 3);
        assert!(place.cache.unwritten().is_some());
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_directory_or_a_pipe_is_no_entry() {
        let place = Place::new();
        let about = key("a");
        place.store(&about, 3);
        let path = place.entries().remove(0);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!((place.load(&about), place.cache.damaged()), (None, 1));
        fs::remove_dir(&path).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        assert_eq!((place.load(&about), place.cache.damaged()), (None, 2));
    }
}

proptest! {
    #![proptest_config(cases(2000))]

    /// What is taken from any bytes, with a checksum that fits, is what would be written for it.
    #[test]
    fn any_bytes_are_an_entry_or_none(rest in proptest::collection::vec(any::<u8>(), 0..200)) {
        let about = key("a");
        let mut bytes = about.opening().to_vec();
        bytes.extend(rest);
        prop_assert_eq!(taken(&bytes, &about), None);
    }

    #[test]
    fn changed_facts_with_a_right_checksum_are_taken_whole_or_not_at_all(
        at in 0_usize..200,
        byte in any::<u8>(),
    ) {
        let about = key("a");
        let mut bytes = entry(&about, &facts(3), &rows(3));
        let body = bytes.len() - 16;
        let from = about.opening().len();
        bytes[from + at % (body - from)] = byte;
        bytes.truncate(body);
        let checksum = xxhash_rust::xxh3::xxh3_128_with_seed(&bytes, SEED);
        bytes.extend(checksum.to_le_bytes());
        if let Some((facts, rows)) = taken(&bytes, &about) {
            prop_assert_eq!(entry(&about, &facts, &rows), bytes);
        }
    }
}
