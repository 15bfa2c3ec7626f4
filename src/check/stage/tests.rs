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

/// Whether one and four threads come to the same, and what that is.
fn same(stored: &[u8], policy: &Policy) -> Staged {
    let body = || Body::from_bytes(stored.to_vec());
    let (one, several) = (stage(body(), policy, 0).unwrap(), stage(body(), policy, 3).unwrap());
    assert_eq!(format!("{:?}", one.tally), format!("{:?}", several.tally));
    assert!(format!("{one:?}") == format!("{several:?}"));
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(stored).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    let body = Body::from_file(file, stored.len() as u64);
    assert!(format!("{one:?}") == format!("{:?}", stage(body, policy, 1).unwrap()));
    one
}

#[test]
fn an_object_is_staged_alike_by_one_thread_and_by_several() {
    let whole = content();
    let staged = same(&whole, &Policy::Raw);
    assert_eq!((staged.tally.recovered, staged.records.unwrap().len()), (0, staged.tally.records));
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
