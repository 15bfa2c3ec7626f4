//! What manifests say, and what is demanded because of it; error output that lies elsewhere; waiting.

mod large;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use assert_cmd::cargo::cargo_bin_cmd;
use fhcheck::check::{Manifest, Run};
use fhcheck::error::ErrorKind;
use fhcheck::expect::manifest::{self, Answer, Header, Kind, Line, Read};
use fhcheck::fingerprint::Policy;
use fhcheck::observe::Silent;
use fhcheck::outcome::{Outcome, ProducedBook, Verdict};
use fhcheck::plan::{Expectation, Location, ReconcilePlan, Window, Young};
use fhcheck::source::KeyRange;
use fhcheck::source::local::Local;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tempfile::TempDir;

use crate::support;

const KEY: &str = "2026/07/04/09/orders-1-2026-07-04-09-30-00-959487e4-754a-46e0-9b2d-f8cf1ce8a226";

fn at(seconds: i64) -> Timestamp {
    let begin: Timestamp = "2026-07-04T09:30:00Z".parse().unwrap();
    begin + SignedDuration::from_secs(seconds)
}

fn record(number: u64) -> String {
    format!("{{\"id\": {number}}}")
}

fn records(numbers: impl IntoIterator<Item = u64>) -> String {
    numbers.into_iter().map(record).collect()
}

/// A delivery and a manifest of it, in a folder.
struct Case {
    folder: TempDir,
    window: Window,
    young: Option<Young>,
    delivery_start: Option<Timestamp>,
}

impl Case {
    fn new(stored: &str, manifest: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        put(&folder.path().join("data").join(KEY), stored);
        fs::write(folder.path().join("manifest"), manifest).unwrap();
        Self { folder, window: Window::default(), young: None, delivery_start: None }
    }

    async fn reconcile(&self) -> Result<Outcome, fhcheck::error::Error> {
        let (run, plan, manifest) = self.open();
        run.reconcile(&plan, vec![manifest]).await
    }

    fn open(&self) -> (Run, ReconcilePlan, Manifest) {
        self.open_with(2)
    }

    fn open_with(&self, workers: usize) -> (Run, ReconcilePlan, Manifest) {
        let (data, manifest) =
            (self.folder.path().join("data"), self.folder.path().join("manifest"));
        let mut read = support::read_plan(Location::Local(data.clone()));
        read.window = self.window;
        read.limits.workers = workers;
        let plan = ReconcilePlan {
            read: read.clone(),
            expectation: Expectation::Manifest(vec![Location::Local(manifest.clone())]),
            policy: Policy::Raw,
            allow: Default::default(),
            samples: 10,
            delivery_start: self.delivery_start,
            young: self.young,
            memory: support::memory(),
            seed: 1,
        };
        let manifest = Manifest {
            name: "manifest".into(),
            source: Arc::new(Local::open(&manifest).unwrap()),
            range: KeyRange::all(""),
            gaps: Vec::new(),
            arrived: Default::default(),
        };
        let source = Arc::new(Local::open(&data).unwrap());
        (Run::new(source, read, Arc::new(Silent)), plan, manifest)
    }

    async fn outcome(&self) -> Outcome {
        self.reconcile().await.unwrap()
    }
}

fn put(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn lines(kind: Kind, lines: &[Line<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    let header = Header { kind, target: "data stream orders".into(), at: at(0), origin: None };
    manifest::write(&Line::Header(header), &mut out).unwrap();
    lines.iter().for_each(|line| manifest::write(line, &mut out).unwrap());
    out
}

fn planned(number: u64) -> Line<'static> {
    let data = record(number).into_bytes().into();
    Line::Record { number, partition_key: Some(format!("key-{number}").into()), data }
}

fn answer(record: u64, error: Option<&str>) -> Answer {
    Answer {
        record,
        sequence_number: error.is_none().then(|| format!("4951{record}")),
        shard_id: error.is_none().then(|| "shardId-000000000000".into()),
        record_id: None,
        error_code: error.map(str::to_owned),
    }
}

/// Records 0 and 1 are acknowledged, the second at the second try; 2 is rejected; 3 was put twice,
/// once without an answer; 4 was put without an answer; 5 was never put.
fn ledger() -> Vec<u8> {
    let mut all: Vec<_> = (0..6).map(planned).collect();
    let throttled = Some("ProvisionedThroughputExceededException");
    all.extend([
        Line::Put { numbers: vec![0, 1, 2, 3, 4], at: at(0) },
        Line::Answers(vec![answer(0, None), answer(1, throttled), answer(2, throttled)]),
        Line::Put { numbers: vec![1, 3], at: at(1) },
        Line::Answers(vec![answer(1, None), answer(3, None)]),
    ]);
    lines(Kind::Ledger, &all)
}

fn books(outcome: &Outcome) -> ProducedBook {
    outcome.books.produced
}

#[tokio::test]
async fn what_had_no_answer_may_be_there_or_not() {
    let none = Case::new(&records([0, 1, 3]), ledger()).outcome().await;
    let expected = ProducedBook { produced: 5, delivered: 3, uncertain: 2, ..Default::default() };
    assert_eq!(books(&none), expected);
    assert_eq!(none.verdict(), Verdict::Reconciled);
    let note = none.notes.iter().find(|note| note.code == "never-put").unwrap();
    assert!(note.text.starts_with("2 records"), "{}", note.text);

    let both = Case::new(&records([0, 1, 3, 3, 4]), ledger()).outcome().await;
    let expected = ProducedBook { produced: 5, delivered: 5, ..Default::default() };
    assert_eq!((books(&both), both.verdict()), (expected, Verdict::Reconciled));

    let lost = Case::new(&records([0, 3]), ledger()).outcome().await;
    assert_eq!((books(&lost).missing, lost.verdict()), (1, Verdict::Discrepant));
    let sample = &lost.differences.missing.samples[0];
    assert_eq!(sample.excerpt, record(1).as_bytes());
    let origin = sample.origin.as_ref().unwrap();
    assert_eq!(origin.sequence_number.as_deref(), Some("49511"));
    assert_eq!(origin.partition_key.as_deref(), Some("key-1"));

    let many = Case::new(&records([0, 0, 1, 2, 3, 3, 3, 4]), ledger()).outcome().await;
    let found = many.books.found;
    assert_eq!((found.duplicates, found.unexpected), (2, 1));
}

#[tokio::test]
async fn a_ledger_is_true_wherever_its_writer_was_killed() {
    let whole = ledger();
    let first = whole.iter().position(|&byte| byte == b'\n').unwrap();
    for cut in first + 1..=whole.len() {
        let case = Case::new(&records([0, 1, 3]), &whole[..cut]);
        let outcome = case.outcome().await;
        let ProducedBook { produced, delivered, uncertain, missing, .. } = books(&outcome);
        assert_eq!((produced, missing), (delivered + uncertain, 0), "cut at {cut}");
        let known = (delivered, outcome.books.found.unexpected);
        // Before the first put nothing was produced; before the second, not what was rejected.
        assert!([(0, 3), (2, 1), (3, 0)].contains(&known), "cut at {cut}: {known:?}");
    }
}

#[tokio::test]
async fn a_ledger_that_is_damaged_proves_nothing() {
    let whole = String::from_utf8(ledger()).unwrap();
    for (from, to) in [
        ("\"record\":3", "\"record\":4"),
        ("\"put\":[1,3]", "\"put\":[1,9]"),
        ("\"put\":[1,3]", "\"put\":[3]"),
        ("{\"put\"", "{\"putt\""),
        ("{\"record\":0", "{{\"record\":0"),
    ] {
        assert!(whole.contains(from));
        let case = Case::new("", whole.replacen(from, to, 1));
        let error = case.reconcile().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Manifest, "{from}: {error}");
        assert!(error.to_string().contains("at byte"), "{error}");
    }
}

#[tokio::test]
async fn what_may_still_be_on_its_way_is_pending() {
    let mut case = Case::new(&records([0, 3]), ledger());
    case.young = Some(Young { since: at(1), untimed: false });
    let outcome = case.outcome().await;
    assert_eq!((books(&outcome).pending, books(&outcome).missing), (1, 0));
    assert_eq!(outcome.verdict(), Verdict::Inconclusive);
    case.young = Some(Young { since: at(2), untimed: false });
    assert_eq!(case.outcome().await.verdict(), Verdict::Discrepant);

    let mut case = Case::new(&records([0]), records([0, 1]));
    for (untimed, verdict) in [(true, Verdict::Inconclusive), (false, Verdict::Discrepant)] {
        case.young = Some(Young { since: at(0), untimed });
        assert_eq!(case.outcome().await.verdict(), verdict);
    }
}

fn read(number: u64, seconds: i64) -> Line<'static> {
    Line::Read(Read {
        sequence_number: format!("4951{number}{seconds}").into(),
        sub_sequence_number: None,
        shard_id: "shardId-000000000000".into(),
        partition_key: "a".into(),
        arrival: at(seconds),
        data: record(number).into_bytes().into(),
    })
}

#[tokio::test]
async fn a_snapshot_demands_what_arrived_in_the_window() {
    let all = [read(0, -1), read(1, 0), read(2, 59), read(3, 60), Line::End { records: 4 }];
    let all = lines(Kind::Snapshot, &all);
    let mut case = Case::new(&records([1]), &all);
    case.window = Window { since: Some(at(0)), until: Some(at(60)) };
    let outcome = case.outcome().await;
    let expected = ProducedBook { produced: 2, delivered: 1, missing: 1, ..Default::default() };
    assert_eq!(books(&outcome), expected, "those at the edges need not be there");
    let sample = &outcome.differences.missing.samples[0];
    assert_eq!(sample.origin.as_ref().unwrap().arrival, Some(at(59)));

    let mut edges = Case::new(&records([0, 1, 2, 3]), &all);
    edges.window = case.window;
    assert_eq!(edges.outcome().await.verdict(), Verdict::Reconciled, "but may be");
    edges.window = Window::default();
    edges.delivery_start = Some(at(60));
    let expected = ProducedBook { produced: 4, delivered: 4, ..Default::default() };
    assert_eq!(books(&edges.outcome().await), expected);
    put(&edges.folder.path().join("data").join(KEY), records([3]));
    assert_eq!(edges.outcome().await.verdict(), Verdict::Reconciled, "delivery began later");
}

/// A stream that goes on is read again behind its first snapshot; both hold what arrived around the
/// instant between them.
#[tokio::test]
async fn what_two_snapshots_hold_is_said_once() {
    let first = lines(Kind::Snapshot, &[read(0, 0), read(1, 61), Line::End { records: 2 }]);
    let second = [read(0, 0), read(1, 61), read(2, 62), Line::End { records: 3 }];
    for (stored, duplicates) in [(records([0, 1, 2]), 0), (records([0, 1, 1, 2]), 1)] {
        let mut case = Case::new(&stored, &first);
        case.window = Window { since: None, until: Some(at(60)) };
        let (run, plan, mut one) = case.open();
        one.arrived = Window { since: None, until: Some(at(60)) };
        let mut comparison = run.compare(&plan, vec![one]).await.unwrap();
        comparison.look().await.unwrap();
        let early = comparison.outcome().await.unwrap();
        assert_eq!(early.books.found.unexpected, stored.matches("id").count() as u64 - 1);
        fs::write(case.folder.path().join("manifest"), lines(Kind::Snapshot, &second)).unwrap();
        let (_, _, mut tail) = case.open();
        tail.arrived = Window { since: Some(at(60)), until: Some(at(120)) };
        comparison.add(tail).await.unwrap();
        comparison.set_young(None).unwrap();
        let found = comparison.outcome().await.unwrap().books.found;
        assert_eq!((found.unexpected, found.duplicates), (0, duplicates));
    }
}

#[tokio::test]
async fn what_is_twice_in_the_stream_is_no_duplicate_of_delivery() {
    let all = [read(0, 0), read(1, 1), read(1, 2), Line::End { records: 3 }];
    let case = Case::new(&records([0, 1, 1, 1]), lines(Kind::Snapshot, &all));
    let outcome = case.outcome().await;
    let differences = &outcome.differences;
    assert_eq!((differences.repeated.records, differences.duplicates.records), (1, 1));
    assert!(outcome.notes.iter().any(|note| note.code == "repeated-in-stream"));
}

#[tokio::test]
async fn a_snapshot_that_does_not_end_is_refused() {
    let whole = lines(Kind::Snapshot, &[read(0, 0), Line::End { records: 1 }]);
    let two = lines(Kind::Snapshot, &[read(0, 0), Line::End { records: 2 }]);
    let cut = whole.len() - "{\"end\":1}\n".len();
    for broken in [&whole[..cut], &whole[..cut + 4], &two[..]] {
        let error = Case::new("", broken).reconcile().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Manifest, "{error}");
    }
    assert_eq!(Case::new(&record(0), &whole).outcome().await.verdict(), Verdict::Reconciled);
}

#[tokio::test]
async fn the_answer_of_the_function_is_a_manifest() {
    let entry = |number| {
        json!({
            "sequenceNumber": format!("4951{number}"),
            "shardId": "shardId-000000000000",
            "partitionKey": "a",
            "record": record(number),
        })
    };
    let answer = json!({
        "stream": "orders",
        "count": 3,
        "unanswered": 1,
        "records": [entry(0), entry(1), entry(2)],
    });
    // As it is, and as people store it.
    for text in [answer.to_string(), serde_json::to_string_pretty(&answer).unwrap()] {
        let outcome = Case::new(&records([0, 2]), text).outcome().await;
        assert_eq!((books(&outcome).produced, books(&outcome).missing), (3, 1));
        let sample = &outcome.differences.missing.samples[0];
        assert_eq!(sample.excerpt, record(1).as_bytes());
        let origin = sample.origin.as_ref().unwrap();
        assert_eq!(origin.sequence_number.as_deref(), Some("49511"));
        assert!(outcome.notes.iter().any(|note| note.code == "unanswered-puts"));
    }
    let log = format!(
        "{}\n{}\n",
        json!({"stream": "orders", "acknowledged": [entry(0)]}),
        json!({"stream": "orders", "rejected": [record(1), record(2)]}),
    );
    let outcome = Case::new(&records([0]), &log).outcome().await;
    assert_eq!(outcome.verdict(), Verdict::Reconciled);
    assert_eq!(books(&outcome).uncertain, 2, "what it gave up may have been put");
    let answers = format!(
        "{}\n{}\n",
        json!({"stream": "orders", "acknowledged": [entry(0)]}),
        json!({"stream": "orders", "acknowledged": [entry(1)]}),
    );
    let outcome = Case::new(&records([0]), &answers).outcome().await;
    let sample = &outcome.differences.missing.samples[0];
    assert_eq!(sample.excerpt, record(1).as_bytes(), "one of a later answer is shown, too");
    assert_eq!(sample.origin.as_ref().unwrap().sequence_number.as_deref(), Some("49511"));
    let put = Case::new(&records([0, 2]), &log).outcome().await;
    assert_eq!((put.verdict(), books(&put).uncertain), (Verdict::Reconciled, 1));
}

const FAILED: &str = r#"{"attemptsMade":4,"arrivalTimestamp":1783157400000,"errorCode":"Lambda.FunctionError","errorMessage":"no","rawData":"eyJpZCI6IDF9"}"#;

#[tokio::test]
async fn error_output_beside_the_data_counts() {
    let case = Case::new(&records([0]), records([0, 1, 2]));
    let errors = case.folder.path().join("errors");
    put(&errors.join("processing-failed").join(KEY), FAILED);
    put(&errors.join("data").join(KEY), records([2]));
    let data = case.folder.path().join("data");
    let mut command = cargo_bin_cmd!("fhcheck");
    command.arg("reconcile").arg(&data).arg("--manifest").arg(case.folder.path().join("manifest"));
    let text = |command: &mut assert_cmd::Command| {
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(text(&mut command).contains("2 missing"));
    let with = text(command.arg("--failed-location").arg(&errors));
    assert!(with.contains("1 record failed") && with.contains("1 record missing"), "{with}");
    assert!(with.contains("no error document"), "what is none there is no data: {with}");
    // Named twice, it counts once: a loss must not hide behind a document that is read again.
    let mut twice = cargo_bin_cmd!("fhcheck");
    twice.current_dir(case.folder.path()).args(["reconcile", "data", "--manifest", "manifest"]);
    fs::remove_file(errors.join("data").join(KEY)).unwrap();
    put(&case.folder.path().join("manifest"), records([0, 1, 1]));
    for name in ["errors", "./errors/", "errors/processing-failed"] {
        twice.args(["--failed-location", name]);
        let text = text(&mut twice);
        let expected = text.contains("1 record failed") && text.contains("1 record missing");
        assert!(expected, "{name}: {text}");
    }
    // Inside the location, too.
    let mut inside = cargo_bin_cmd!("fhcheck");
    inside.arg("reconcile").arg(case.folder.path()).args(["--expected", "9", "--failed-location"]);
    let inside = text(inside.arg(&errors));
    assert!(inside.contains("3 objects"), "{inside}");
}

/// What was read of an object that is another one now counts no more, nor does one that is gone.
#[tokio::test]
async fn what_is_replaced_while_it_waits_is_read_anew() {
    let case = Case::new(&records([0, 9]), records([0, 1]));
    let (run, plan, manifest) = case.open();
    let mut comparison = run.compare(&plan, vec![manifest]).await.unwrap();
    comparison.look().await.unwrap();
    let first = comparison.outcome().await.unwrap();
    assert_eq!((books(&first).missing, first.books.found.unexpected), (1, 1));
    put(&case.folder.path().join("data").join(KEY), records([0, 1, 1]));
    comparison.look().await.unwrap();
    let second = comparison.outcome().await.unwrap();
    assert_eq!((books(&second).missing, second.books.found.found), (0, 3));
    assert!(second.notes.iter().any(|note| note.code == "objects-changed"));
    fs::remove_file(case.folder.path().join("data").join(KEY)).unwrap();
    comparison.look().await.unwrap();
    assert_eq!(books(&comparison.outcome().await.unwrap()).missing, 2);
}

#[test]
fn waiting_ends_when_all_is_there() {
    let case = Case::new(&records([0]), records([0, 1]));
    let data = case.folder.path().join("data");
    let reconcile = |wait: &str| {
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("fhcheck"));
        command.arg("reconcile").arg(&data).arg("--manifest");
        command.arg(case.folder.path().join("manifest")).args(["--wait", wait]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let short = reconcile("1s").output().unwrap();
    let text = String::from_utf8_lossy(&short.stdout);
    assert_eq!(short.status.code(), Some(2), "{text}");
    assert!(text.contains("1 record may still be on their way"), "{text}");

    let child = reconcile("20s").spawn().unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    put(&data.join(KEY.replace("09-30-00", "09-31-00")), records([1]));
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("1 of 2 found"), "{said}");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("2 of 2 records delivered"), "{text}");
}

/// What other readers trip over is noted, and only where it is there.
#[test]
fn linting_says_what_other_readers_trip_over() {
    let folder = tempfile::tempdir().unwrap();
    let lint = |options: &[&str]| {
        let mut command = cargo_bin_cmd!("fhcheck");
        command.arg("list").arg(folder.path()).args(["--lint", "--format", "json"]).args(options);
        let listing: serde_json::Value =
            serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
        let notes = listing["notes"].as_array().unwrap().iter();
        let codes = notes.map(|note| note["code"].as_str().unwrap().to_owned());
        codes.filter(|code| code.starts_with("lint-")).collect::<Vec<_>>()
    };
    put(&folder.path().join(KEY), format!("{}\n{}", record(0), record(1)));
    assert_eq!(lint(&[]), ["lint-small-objects"]);
    assert_eq!(lint(&["--zone", "Europe/Madrid"]), ["lint-small-objects", "lint-zone"]);
    put(&folder.path().join(format!("{KEY}.gz")), records([2, 3]));
    put(&folder.path().join("processing-failed").join(KEY), FAILED);
    let twice = zstd::encode_all(&gzip(b"{}")[..], 1).unwrap();
    put(&folder.path().join(format!("{KEY}.zst")), twice);
    let expected = [
        "lint-no-separators",
        "lint-small-objects",
        "lint-layered",
        "lint-misdeclared",
        "lint-error-output",
        "lint-mixed-encodings",
    ];
    assert_eq!(lint(&[]), expected);
}

/// Records that are not what most pipelines deliver are named, and counted as they stand.
#[test]
fn peculiar_records_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let envelope = json!({"messageType": "DATA_MESSAGE", "logGroup": "g", "logEvents": [{}, {}]});
    put(&folder.path().join(KEY), format!("{envelope}{envelope}"));
    put(&folder.path().join(format!("{KEY}.txt")), "eyJhIjogMSwgImIiOiAyfQ==\n");
    for words in [&["list", "--records"][..], &["reconcile", "--expected", "3"]] {
        let mut command = cargo_bin_cmd!("fhcheck");
        let output = command.args(words).arg(folder.path()).args(["--format", "json"]).output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(0));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let notes = report["notes"].as_array().unwrap().iter();
        let codes: Vec<_> = notes.map(|note| note["code"].as_str().unwrap()).collect();
        assert!(codes.contains(&"cloudwatch-logs") && codes.contains(&"base64-text"), "{codes:?}");
    }
}

fn gzip(content: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}
