//! What is kept of an object is what was staged; and what the fixtures come to has a version.

use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;
use walkdir::WalkDir;
use xxhash_rust::xxh3::xxh3_128;

use super::*;
use crate::cache::READER_VERSION;
use crate::check::crew::Crew;
use crate::check::site::Site;
use crate::check::stage::{Identities, Stager};
use crate::fingerprint::Pointer;
use crate::limits::GIB;
use crate::source::local::Local;
use crate::source::{Body, ObjectRef};
use crate::split::FormatChoice;

const SEED: u64 = 7;

fn storage() -> Arc<Storage> {
    Storage::new(u64::MAX, 1, Path::new("."), SEED)
}

fn stage(key: &str, stored: Vec<u8>, policy: &Policy) -> Option<Staged> {
    let stager = Stager {
        format: FormatChoice::Detect,
        object_bytes: GIB,
        base64: false,
        identities: Some(Identities { policy: policy.clone(), seed: SEED, storage: storage() }),
        proves: true,
        bounds_suffice: None,
        knows_errors: true,
        spans: 1,
        crew: Crew::new(1),
    };
    stager.stage(&job(key), Body::from_bytes(stored)).ok()
}

fn job(key: &str) -> Job {
    let source = Arc::new(Local::open(".").unwrap());
    let object = ObjectRef {
        key: key.to_owned(),
        size: 10,
        modified: Timestamp::from_second(1_000).ok(),
        etag: Some("e".into()),
        storage_class: None,
    };
    Job { number: 0, object, site: Arc::new(Site::manifest(source)) }
}

fn kept(folder: &Path, now: i64) -> Kept {
    let now = Timestamp::from_second(now).unwrap();
    let cache = Arc::new(Cache::open(folder, SEED, now).unwrap());
    Kept { cache, terms: Terms::new(&Policy::Raw, &FormatChoice::Detect, false, GIB) }
}

/// Every object of the fixtures, by its name.
/// Where the clean records are, in order, and what they are.
fn rows(staged: &Staged) -> Vec<(u64, u128)> {
    let mut rows = Vec::new();
    let take = |identity, offset| {
        rows.push((offset, identity));
        Ok(())
    };
    staged.records.as_ref().unwrap().visit_clean(take).unwrap();
    rows.sort_unstable();
    rows
}

fn fixtures() -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let walk = WalkDir::new(&root).sort_by_file_name().into_iter().map(Result::unwrap);
    let objects = walk.filter_map(|entry| {
        let name = entry.path().strip_prefix(&root).unwrap().to_str()?.replace('\\', "/");
        let delivered = entry.file_type().is_file() && name.contains("/delivered/");
        delivered.then(|| (name, std::fs::read(entry.path()).unwrap()))
    });
    objects.collect()
}

/// One whose line changes wants another [`READER_VERSION`], which names the snapshot. A new line, or one
/// that is gone, with its fixture, does not.
#[test]
fn what_undamaged_objects_come_to_has_a_version() {
    let key = Policy::Key(vec![Pointer::parse("/id").unwrap()]);
    let mut answers = String::new();
    for (name, stored) in fixtures() {
        let mut said = String::new();
        for policy in [Policy::Raw, Policy::Json, key.clone()] {
            let Some(staged) = stage(&name, stored.clone(), &policy) else { continue };
            let Some(facts) = staged.facts() else { continue };
            write!(said, "{facts:?}").unwrap();
            for (offset, identity) in rows(&staged) {
                write!(said, " {offset}:{identity:032x}").unwrap();
            }
        }
        if !said.is_empty() {
            writeln!(answers, "{:032x} {name}", xxh3_128(said.as_bytes())).unwrap();
        }
    }
    insta::assert_snapshot!(format!("reader_{READER_VERSION}"), answers);
}

#[test]
fn what_is_kept_is_what_was_staged() {
    let folder = tempfile::tempdir().unwrap();
    let kept = kept(folder.path(), 2_000);
    let mut whole = 0;
    for (name, stored) in fixtures() {
        let Some(staged) = stage(&name, stored, &Policy::Raw) else { continue };
        let job = job(&name);
        assert!(kept.load(&job, &storage()).is_none(), "{name}");
        kept.store(&job, &staged);
        let loaded = kept.load(&job, &storage());
        let clean = staged.damage.is_empty()
            && staged.spans.is_empty()
            && staged.errors.is_none()
            && staged.tally.recovered == 0;
        assert_eq!(loaded.is_some(), clean, "{name}");
        if let Some(loaded) = loaded {
            assert_eq!(loaded.facts(), staged.facts(), "{name}");
            assert_eq!(rows(&loaded), rows(&staged), "{name}");
            whole += 1;
        }
    }
    assert!(whole >= 30, "{whole}");
    assert_eq!((kept.cache.damaged(), kept.cache.unwritten()), (0, None));
}

#[test]
fn what_cannot_be_told_from_another_version_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    for (now, known) in [(999, false), (1_001, false), (1_002, true)] {
        assert_eq!(kept(folder.path(), now).key(&job("a")).is_some(), known, "{now}");
    }
    for etag in [None, Some(""), Some("\"\""), Some("W/\"e\"")] {
        let mut unknown = job("a");
        unknown.object.etag = etag.map(str::to_owned);
        assert!(kept(folder.path(), 2_000).key(&unknown).is_none(), "{etag:?}");
    }
}
