//! Parquet and ORC: what Arrow's writers write is read, value by value, and what a comparison says of
//! it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use fhcheck::check::{Manifest, Run};
use fhcheck::endpoint::Endpoint;
use fhcheck::fingerprint::{Fingerprinter, Pointer, Policy};
use fhcheck::observe::Silent;
use fhcheck::outcome::{Outcome, Verdict};
use fhcheck::plan::{Expectation, Location, ReconcilePlan};
use fhcheck::simulate::{self, Compression, Generated, Kind, Pace, Spec, Truth, Wrapping};
use fhcheck::source::local::Local;
use fhcheck::source::s3::S3;
use fhcheck::source::{Body, KeyRange, Source};
use fhcheck::split::{FormatChoice, Record, Sink, Span};
use fhcheck::{decode, split};

use crate::support;

/// Apache Arrow, with its Parquet and ORC writers.
pub(crate) static PYARROW: LazyLock<PathBuf> =
    LazyLock::new(|| support::pip_install("pyarrow-26.0.1", &["pyarrow==26.0.1"]));

pub(crate) fn manifest_dir(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Tables by a seed: files in every codec, and beside each the rows that Arrow was given.
fn tables(folder: &Path, seed: u32) {
    let run = Command::new("python3")
        .arg(manifest_dir("tests/it/columnar/tables.py"))
        .arg(folder)
        .arg(seed.to_string())
        .env("PYTHONPATH", &*PYARROW)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{errors}");
}

/// The identities of records, in order.
#[derive(Default)]
struct Identities(Vec<(u128, Vec<u8>)>);

impl Sink for Identities {
    fn record(&mut self, record: Record<'_>) {
        let identity = Fingerprinter::new(&Policy::Json, 7).identity(record.bytes);
        self.0.push((identity, record.bytes.to_vec()));
    }

    fn malformed(&mut self, span: Span) {
        panic!("rows are whole: {span:?}");
    }
}

fn records(path: &Path) -> Vec<(u128, Vec<u8>)> {
    let body = Body::from_bytes(fs::read(path).unwrap());
    let mut content = decode::open(body, None, 1 << 30).unwrap();
    let mut sink = Identities::default();
    let (_, _, ended) = split::split(&mut content, &FormatChoice::Detect, &mut sink);
    ended.unwrap();
    assert_eq!(content.finish(), Ok(vec![]), "{}", path.display());
    sink.0
}

#[test]
fn rows_are_what_arrow_was_given() {
    for seed in 1..=4 {
        let folder = tempfile::tempdir().unwrap();
        tables(folder.path(), seed);
        let mut compared = 0;
        for (name, _) in support::files(folder.path()) {
            let path = folder.path().join(&name);
            if !name.ends_with(".ndjson") {
                let expected = records(&folder.path().join(format!("{name}.ndjson")));
                let read = records(&path);
                assert_eq!(read.len(), expected.len(), "{name} of seed {seed}");
                for (row, (read, expected)) in read.iter().zip(&expected).enumerate() {
                    let [read_text, expected_text] =
                        [read, expected].map(|(_, text)| String::from_utf8_lossy(text));
                    let what = format!("{name} of seed {seed}, row {row}");
                    assert!(read.0 == expected.0, "{what}:\n{read_text}\n{expected_text}");
                }
                compared += 1;
            }
        }
        assert!(compared >= 8, "{compared} files");
    }
}

async fn reconcile(source: Arc<dyn Source>, location: Location, policy: Policy) -> Outcome {
    let path = manifest_dir("fixtures/article/produced.ndjson");
    reconcile_with(path, source, location, policy).await
}

async fn reconcile_with(
    path: PathBuf,
    source: Arc<dyn Source>,
    location: Location,
    policy: Policy,
) -> Outcome {
    let produced: Arc<dyn Source> = Arc::new(Local::open(&path).unwrap());
    let range = KeyRange::all("");
    let manifest = Manifest {
        name: "produced.ndjson".into(),
        source: produced,
        range,
        gaps: Vec::new(),
        arrived: Default::default(),
    };
    let read = support::read_plan(location);
    let plan = ReconcilePlan {
        delivery_start: None,
        young: None,
        read: read.clone(),
        expectation: Expectation::Manifest(vec![Location::Local(path)]),
        policy,
        allow: Default::default(),
        samples: 100,
        memory: support::memory(),
        seed: 42,
    };
    Run::new(source, read, Arc::new(Silent)).reconcile(&plan, vec![manifest]).await.unwrap()
}

async fn reconcile_fixture(folder: &str, policy: Policy) -> Outcome {
    let path = manifest_dir("fixtures").join(folder).join("delivered");
    let source = Arc::new(Local::open(&path).unwrap());
    reconcile(source, Location::Local(path), policy).await
}

fn keys(pointers: &[&str]) -> Policy {
    Policy::Key(pointers.iter().map(|pointer| Pointer::parse(pointer).unwrap()).collect())
}

fn note<'a>(outcome: &'a Outcome, code: &str) -> Option<&'a str> {
    outcome.notes.iter().find(|note| note.code == code).map(|note| note.text.as_str())
}

#[tokio::test]
async fn what_is_matched_by_bytes_is_told_that_none_can_match() {
    for folder in ["parquet", "orc"] {
        let outcome = reconcile_fixture(folder, Policy::Raw).await;
        assert_eq!(outcome.verdict(), Verdict::Discrepant);
        assert_eq!((outcome.books.produced.missing, outcome.books.found.unexpected), (10, 10));
        let note = note(&outcome, "columnar-raw").unwrap();
        assert!(note.contains("5 objects") && note.contains("--match key=/id"), "{note}");
    }
}

#[tokio::test]
async fn what_is_matched_as_json_is_told_which_columns_there_are() {
    let outcome = reconcile_fixture("parquet", Policy::Json).await;
    let note = note(&outcome, "columns").unwrap();
    assert!(note.contains("event_time, price, ticker"), "{note}");
    assert_eq!(outcome.verdict(), Verdict::Discrepant, "their names are in lower case");
}

#[tokio::test]
async fn a_key_without_a_column_is_named() {
    let outcome = reconcile_fixture("orc", keys(&["/TICKER", "/id"])).await;
    let text = note(&outcome, "key-without-column").unwrap();
    assert!(text.contains("/id") && text.contains("ticker"), "{text}");
    let outcome = reconcile_fixture("orc", keys(&["/TICKER", "/EVENT_TIME"])).await;
    assert_eq!(outcome.verdict(), Verdict::Reconciled, "{:?}", outcome.notes);
    assert_eq!(note(&outcome, "key-without-column"), None);
}

/// Firehose stores Parquet with the Content-Encoding of the codec inside it.
#[tokio::test]
async fn the_content_encoding_of_the_codec_inside_is_right() {
    let endpoint = Endpoint::start().await.unwrap();
    endpoint.create_bucket("columnar");
    for (key, bytes) in support::files(&manifest_dir("fixtures/parquet/delivered")) {
        endpoint.put("columnar", &format!("firehose/{key}"), bytes, Some("hadoop-snappy"));
    }
    let source = Arc::new(S3::new(&support::connect(&endpoint), "columnar"));
    let location = Location::S3 { bucket: "columnar".into(), prefix: "firehose/".into() };
    let outcome = reconcile(source, location, keys(&["/EVENT_TIME"])).await;
    assert_eq!(outcome.verdict(), Verdict::Reconciled);
    assert_eq!(note(&outcome, "misdeclared-encoding"), None);
}

/// A manifest against Parquet, on the command line: one record is missing and one is there twice.
#[test]
fn a_loss_and_a_copy_are_found_by_key_and_rows_are_dumped() {
    let fhcheck = || {
        let mut command = assert_cmd::Command::cargo_bin("fhcheck").unwrap();
        command.current_dir(manifest_dir("fixtures/parquet-lost-and-doubled"));
        command
    };
    let manifest = ["--manifest", "produced.ndjson", "--match", "key=/EVENT_TIME,/TICKER"];
    let run = fhcheck().args(["reconcile", "delivered"]).args(manifest).assert().code(1);
    let screen = String::from_utf8_lossy(&run.get_output().stdout).into_owned();
    assert!(screen.contains("2023-05-04T08:30:21.690740"), "the missing one: {screen}");
    assert!(screen.contains("2023-05-04T08:30:21.790719"), "the one that is there twice: {screen}");
    let dump = fhcheck().args(["dump", "delivered"]).assert().code(0);
    let lines = String::from_utf8_lossy(&dump.get_output().stdout).into_owned();
    assert_eq!(lines.lines().count(), 10);
    let first = r#"{"event_time":"2023-05-04T08:30:21.351077","ticker":"AMZN","price":73.84}"#;
    assert_eq!(lines.lines().next(), Some(first));
    let list = fhcheck().args(["list", "delivered", "--records"]).assert().code(0);
    let screen = String::from_utf8_lossy(&list.get_output().stdout).into_owned();
    assert!(screen.contains("parquet") && screen.contains("10"), "{screen}");
    // Rows are lines, however records are told apart.
    for split in [["--split", "lines"], ["--split", "json"], ["--delimiter", "|"]] {
        let dump = fhcheck().args(["dump", "delivered"]).args(split).assert().code(0);
        let same = String::from_utf8_lossy(&dump.get_output().stdout) == lines;
        assert!(same, "{split:?}");
    }
}

/// A delivery with seeded faults, converted; what its objects are called, and how many rows each has.
fn deliver(out: &Path, faults: &str, kind: &str, codec: &str) -> (Truth, Vec<(String, u64)>) {
    let spec = Spec {
        delivery_stream: "orders".into(),
        version: 1,
        prefix: "firehose/".into(),
        error_prefix: String::new(),
        zone: jiff::tz::TimeZone::UTC,
        compression: Compression::Plain,
        wrapping: Wrapping::None,
        gzip_records: false,
        extension: None,
        delimiter: b"\n".to_vec(),
        buffer_bytes: 3_000,
        buffer_interval: Duration::from_secs(300),
        seed: 11,
        faults: faults.parse().unwrap(),
    };
    let start = "2026-07-13T14:00:00Z".parse().unwrap();
    let pace = Pace { start, interval: Duration::from_millis(100) };
    let mut records = Generated::new(Kind::Article, 120, pace, spec.seed);
    let truth = simulate::to_directory(&spec, &mut records, out).unwrap();
    let convert = Command::new("python3")
        .arg(manifest_dir("tests/it/columnar/convert.py"))
        .arg(out.join(simulate::DATA))
        .args([kind, codec])
        .env("PYTHONPATH", &*PYARROW)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&convert.stderr);
    assert!(convert.status.success(), "{errors}");
    let objects = String::from_utf8(convert.stdout).unwrap();
    let object = |line: &str| {
        let (name, rows) = line.split_once(' ').unwrap();
        (name.to_owned(), rows.parse().unwrap())
    };
    (truth, objects.lines().map(object).collect())
}

/// The matrix for conversion: what is compared by key is what the simulation did, and an object that is
/// cut takes its rows with it.
#[tokio::test]
async fn converted_deliveries_are_accounted_for() {
    for (kind, codec) in [
        ("parquet", "snappy"),
        ("parquet", "gzip"),
        ("parquet", "zstd"),
        ("orc", "snappy"),
        ("orc", "zlib"),
    ] {
        for faults in ["", "lose=2,fail=2", "duplicate=3"] {
            for cut in [false, true] {
                let out = tempfile::tempdir().unwrap();
                let (truth, objects) = deliver(out.path(), faults, kind, codec);
                let data = out.path().join(simulate::DATA);
                let mut gone = 0;
                if cut {
                    let (name, rows) = &objects[1];
                    let all = support::files(&data);
                    let (key, bytes) = all.iter().find(|(key, _)| key.ends_with(name)).unwrap();
                    fs::write(data.join(key), &bytes[..bytes.len() - 20]).unwrap();
                    gone = *rows;
                }
                let source = Arc::new(Local::open(&data).unwrap());
                let manifest = out.path().join(simulate::MANIFEST);
                let policy = keys(&["/EVENT_TIME"]);
                let outcome = reconcile_with(manifest, source, Location::Local(data), policy).await;
                let (books, expected) = (&outcome.books, &truth.expected);
                let what = format!("{kind} {codec} {faults:?} cut: {cut}\n{outcome:#?}");
                assert_eq!(outcome.undecodable.len(), usize::from(cut), "{what}");
                assert_eq!(books.produced.produced, 120, "{what}");
                assert_eq!(books.produced.failed, expected.failed, "{what}");
                assert_eq!(books.found.found, truth.written - gone, "{what}");
                assert_eq!(books.found.unexpected, 0, "{what}");
                let missing = books.produced.missing - expected.missing;
                let fewer = expected.duplicates - books.found.duplicates;
                assert_eq!(missing + fewer, gone, "{what}");
                if !cut {
                    assert_eq!(outcome.verdict(), expected.verdict, "{what}");
                }
            }
        }
    }
}
