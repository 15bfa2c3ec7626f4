//! Every encoding that Firehose has, with every separator and every fault: what reconciling finds is
//! what the simulator did.

use std::time::Duration;

use fhcheck::decode::Encoding;
use fhcheck::simulate::{self, Compression, Generated, Kind, Pace, Spec, Truth, Wrapping};
use fhcheck::split::{Format, FormatChoice};

use crate::simulation::{assert_agrees, reconcile, reconcile_as};

/// Encodings, what they are taken for, and what keys end with.
const ENCODINGS: [(Compression, Encoding, &str); 6] = [
    (Compression::Plain, Encoding::Plain, ""),
    (Compression::Gzip, Encoding::Gzip, ".gz"),
    (Compression::Zip, Encoding::Zip, ".zip"),
    (Compression::Snappy, Encoding::SnappyJava, ".snappy"),
    (Compression::HadoopSnappy, Encoding::HadoopSnappy, ".snappy"),
    (Compression::Zstd, Encoding::Zstd, ".zst"),
];

const SEPARATORS: [&[u8]; 3] = [b"", b"\n", b"||"];

const FAULTS: [&str; 6] = ["", "cut=1", "garble=2", "duplicate=3", "lose=2", "fail=2"];

fn spec(compression: Compression, separator: &[u8], faults: &str) -> Spec {
    Spec {
        error_prefix: String::new(),
        delivery_stream: "orders".into(),
        version: 1,
        prefix: "firehose/".into(),
        zone: jiff::tz::TimeZone::UTC,
        compression,
        wrapping: Wrapping::None,
        gzip_records: false,
        extension: None,
        delimiter: separator.to_vec(),
        buffer_bytes: 3_000,
        buffer_interval: Duration::from_secs(300),
        seed: 11,
        faults: faults.parse().unwrap(),
    }
}

/// Delivers, compares, and gives the truth that both agree on.
async fn check(spec: &Spec) -> Truth {
    let out = tempfile::tempdir().unwrap();
    let start = "2026-07-13T14:00:00Z".parse().unwrap();
    let pace = Pace { start, interval: Duration::from_millis(100) };
    let mut records = Generated::new(Kind::Article, 120, pace, spec.seed);
    let truth = simulate::to_directory(spec, &mut records, out.path()).unwrap();
    assert!(truth.objects >= 4, "{truth:?}");
    let delimiter = Some(spec.delimiter.clone()).filter(|delimiter| delimiter == b"||");
    let format = match (spec.wrapping, delimiter) {
        (Wrapping::LogEvents, delimiter) => Format::LogEvents(delimiter.unwrap_or_default()).into(),
        (_, Some(delimiter)) => Format::Delimited(delimiter).into(),
        _ => FormatChoice::Detect,
    };
    let outcome = reconcile_as(out.path(), 2, format, spec.wrapping == Wrapping::Base64).await;
    assert_agrees(&outcome, &truth, &format!("{spec:?}"));
    truth
}

#[tokio::test]
async fn every_encoding_with_every_separator_and_fault_is_accounted_for() {
    for (compression, ..) in ENCODINGS {
        for separator in SEPARATORS {
            for faults in FAULTS {
                let truth = check(&spec(compression, separator, faults)).await;
                let cut = u64::from(faults.starts_with("cut") && compression != Compression::Plain);
                assert_eq!(truth.expected.undecodable_objects, cut);
            }
        }
    }
}

/// Records in something else, several together where it takes several.
#[tokio::test]
async fn wrapped_records_are_accounted_for_in_every_encoding() {
    for wrapping in [Wrapping::Base64, Wrapping::LogEvents, Wrapping::Kpl] {
        for (compression, ..) in ENCODINGS {
            for separator in SEPARATORS {
                for faults in FAULTS {
                    // Damage in texts that nothing separates costs what follows up to a padding.
                    let glued = wrapping == Wrapping::Base64 && separator.is_empty();
                    if !(glued && faults.starts_with("garble")) {
                        check(&Spec { wrapping, ..spec(compression, separator, faults) }).await;
                    }
                }
            }
        }
    }
}

/// As CloudWatch Logs puts them: batches of log events, each of them gzip.
#[tokio::test]
async fn batches_of_log_events_that_are_gzip_are_accounted_for() {
    for (compression, ..) in ENCODINGS {
        for faults in FAULTS {
            let plain = spec(compression, b"", faults);
            let wrapping = Wrapping::LogEvents;
            check(&Spec { wrapping, gzip_records: true, ..plain }).await;
        }
    }
}

#[tokio::test]
async fn records_that_are_gzip_before_they_are_encoded_are_accounted_for() {
    for (compression, ..) in ENCODINGS {
        for faults in FAULTS {
            check(&Spec { gzip_records: true, ..spec(compression, b"", faults) }).await;
        }
    }
}

/// Content of more than one block of each format comes out as it went in.
#[tokio::test]
async fn large_objects_are_read_as_what_they_are() {
    for (compression, encoding, extension) in ENCODINGS {
        for faults in ["", "cut=1"] {
            let large = Spec { buffer_bytes: 64 << 20, ..spec(compression, b"\n", faults) };
            let out = tempfile::tempdir().unwrap();
            let start = "2026-07-13T14:00:00Z".parse().unwrap();
            let pace = Pace { start, interval: Duration::from_millis(1) };
            let mut records = Generated::new(Kind::Nested, 2_500, pace, 5);
            let truth = simulate::to_directory(&large, &mut records, out.path()).unwrap();
            assert!(truth.content_bytes > 2 << 20 && truth.objects == 1, "{truth:?}");
            let outcome = reconcile(out.path(), 2, FormatChoice::Detect).await;
            assert_agrees(&outcome, &truth, &format!("{large:?}"));
            let [(key, body)] = &crate::support::files(&out.path().join(simulate::DATA))[..] else {
                panic!("one object")
            };
            assert!(key.ends_with(extension) && key.contains('.') != extension.is_empty(), "{key}");
            let body = fhcheck::source::Body::from_bytes(body.clone());
            let content = fhcheck::decode::open(body, None, u64::MAX).unwrap();
            assert_eq!(content.encoding(), encoding);
        }
    }
}
