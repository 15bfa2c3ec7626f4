//! An object that several threads work at is staged as by one.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::check::site::Site;
use crate::fingerprint::Pointer;
use crate::limits::{GIB, SEGMENT_BYTES, SHARED_BYTES_MIN};
use crate::reconcile::Found;
use crate::source::ObjectRef;
use crate::source::local::Local;

fn record(number: usize) -> String {
    let text = "text \\\"and\\\" {more} ".repeat(number % 97);
    format!(r#"{{"id": {number}, "text": "{text}", "n": [{number}, {{"id": null}}]}}"#)
}

/// Enough to be shared.
fn content() -> Vec<u8> {
    let wanted = usize::try_from(SHARED_BYTES_MIN + 3 * SEGMENT_BYTES).unwrap();
    let mut content = Vec::new();
    for number in 0.. {
        if content.len() >= wanted {
            break;
        }
        content.extend_from_slice(record(number).as_bytes());
    }
    content
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn stage(body: Body, policy: &Policy, workers: usize) -> Result<Staged, GapReason> {
    let stager = Stager {
        format: FormatChoice::Detect,
        object_bytes: GIB,
        base64: false,
        identities: Some(Identities {
            policy: policy.clone(),
            seed: 7,
            storage: Storage::new(u64::MAX, 1, Path::new("."), 7),
        }),
        proves: true,
        bounds_suffice: None,
        knows_errors: true,
        spans: 100,
        crew: Crew::new(workers),
    };
    let source = Arc::new(Local::open(".").unwrap());
    let (key, size) = ("key".to_owned(), body.len());
    let object = ObjectRef { key, size, modified: None, etag: None, storage_class: None };
    let site = Arc::new(Site::manifest(source));
    stager.stage(&Job { number: 0, object, site }, body)
}

/// All that an object holds, and its records in order: where they are, what they are, and the lengths of
/// recovered ones.
fn told(mut staged: Staged) -> (Staged, Vec<(u64, u128, Option<u32>)>) {
    let mut rows = Vec::new();
    let records = staged.records.take().unwrap();
    let take = |identity, offset| {
        rows.push((offset, identity, None));
        Ok(())
    };
    records.visit_clean(take).unwrap();
    let mut found = Found::new(&Storage::new(u64::MAX, 1, Path::new("."), 7));
    let take = |record: &Recovered| {
        let Recovered { row, len } = record;
        rows.push((row.place().offset(), row.identity(), Some(*len)));
    };
    records.commit(&mut found, take).unwrap();
    rows.sort_unstable();
    let recovered = rows.iter().filter(|(_, _, len)| len.is_some()).count() as u64;
    assert_eq!((found.recovered.records(), staged.tally.recovered), (recovered, recovered));
    assert_eq!(found.clean.records(), staged.tally.records - recovered);
    (staged, rows)
}

/// Whether one and four threads come to the same, and what that is.
fn same(stored: &[u8], policy: &Policy) -> Staged {
    let body = || Body::from_bytes(stored.to_vec());
    let (one, rows) = told(stage(body(), policy, 0).unwrap());
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(stored).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    let file = Body::from_file(file, stored.len() as u64);
    for (body, workers) in [(body(), 3), (file, 1)] {
        let (several, theirs) = told(stage(body, policy, workers).unwrap());
        assert_eq!(format!("{one:?}"), format!("{several:?}"));
        assert!(rows == theirs);
    }
    one
}

#[test]
fn an_object_is_staged_alike_by_one_thread_and_by_several() {
    let whole = content();
    let staged = same(&whole, &Policy::Raw);
    assert_eq!(staged.tally.recovered, 0);
    let mut damaged = whole.clone();
    for at in [2_000_000, 2_000_100, 5_000_000] {
        damaged[at..at + 60].fill(b'"');
    }
    damaged.truncate(damaged.len() - 30);
    let staged = same(&damaged, &Policy::Key(vec![Pointer::parse("/n/1/none").unwrap()]));
    assert!(staged.tally.malformed_spans > 1 && staged.tally.recovered > 0);
    assert!(staged.incomplete > 1_000);
    let staged = same(&gzip(&whole), &Policy::Raw);
    assert_eq!((staged.encoding, staged.damage.len()), (Encoding::Gzip, 0));
    let lines = whole.iter().map(|byte| if *byte == b'{' { b'\n' } else { *byte });
    assert_eq!(same(&lines.collect::<Vec<_>>(), &Policy::Raw).format, Format::Lines);
}

#[test]
fn what_no_checksum_vouches_for_is_recovered() {
    let (first, second) = ((0..5_000).map(record), (5_000..7_000).map(record));
    let [first, second] = [first.collect::<String>(), second.collect::<String>()];
    let mut stored = gzip(first.as_bytes());
    stored.extend(gzip(second.as_bytes()));
    let (whole, rows) = told(stage(Body::from_bytes(stored.clone()), &Policy::Raw, 0).unwrap());
    assert_eq!((whole.tally.records, whole.tally.recovered), (7_000, 0));
    let trailer = stored.len() - 8;
    stored[trailer] ^= 1;
    let staged = stage(Body::from_bytes(stored), &Policy::Raw, 0).unwrap();
    assert_eq!(staged.damage.len(), 1);
    let (doubtful, theirs) = told(staged);
    assert_eq!((doubtful.tally.records, doubtful.tally.recovered), (7_000, 2_000));
    for (count, ((offset, identity, len), mine)) in (0..).zip(theirs.into_iter().zip(rows)) {
        assert_eq!((offset, identity), (mine.0, mine.1));
        let long = u32::try_from(record(count).len()).unwrap();
        assert_eq!(len, (count >= 5_000).then_some(long), "record {count}");
    }
}

#[test]
fn a_file_that_has_changed_is_a_gap_for_several_threads_too() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&content()).unwrap();
    for more in [1, -1] {
        std::io::Seek::rewind(&mut file).unwrap();
        let len = file.metadata().unwrap().len().checked_add_signed(more).unwrap();
        let body = |file: &std::fs::File| Body::from_file(file.try_clone().unwrap(), len);
        let several = stage(body(&file), &Policy::Raw, 2).unwrap_err();
        assert!(several.to_string().contains("changed while it was read"), "{several}");
    }
}
