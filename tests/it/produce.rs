//! The producer: what it says of each record is true, whatever the stream and the machine do.

mod seeds;

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use fhcheck::expect::manifest::{self, Header, Kind, Line};
use serde_json::Value;
use tempfile::TempDir;

use crate::fake_stream::{FakeStream, Faults, Refusal, Taken};

pub(crate) fn fhcheck(stream: &FakeStream, folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(cargo_bin("fhcheck"));
    command
        .current_dir(folder)
        .args(["--endpoint-url", stream.url(), "produce"])
        .args(words)
        .envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")])
        .envs([("AWS_CONFIG_FILE", "/dev/null"), ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")])
        .env("AWS_REGION", "us-east-1")
        .env_remove("AWS_PROFILE")
        .env_remove("AWS_SESSION_TOKEN");
    command
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

/// What a ledger says of each record: acknowledgements, and puts without an answer.
pub(crate) fn ledger(path: &Path) -> HashMap<Taken, (u64, u64)> {
    let text = fs::read(path).unwrap();
    let (mut records, mut fates) = (Vec::new(), Vec::new());
    for line in text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
        match manifest::read(line).unwrap() {
            Line::Record { data, partition_key, .. } => {
                let data = base64(&data);
                records.push(Taken { data, key: partition_key.map(|key| key.into_owned()) });
                fates.push((0, 0));
            }
            Line::Put { numbers, .. } => {
                numbers.iter().for_each(|number| fates[usize::try_from(*number).unwrap()].1 += 1);
            }
            Line::Answers(answers) => answers.iter().for_each(|answer| {
                let fate = &mut fates[usize::try_from(answer.record).unwrap()];
                fate.1 -= 1;
                fate.0 += u64::from(answer.is_acknowledged());
            }),
            _ => {}
        }
    }
    records.into_iter().zip(fates).collect()
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let at = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let group = at(0) << 16 | at(1) << 8 | at(2);
        for position in 0..4 {
            let sextet = usize::try_from(group >> (18 - 6 * position) & 63).unwrap();
            let letter = if position <= chunk.len() { LETTERS[sextet] } else { b'=' };
            text.push(char::from(letter));
        }
    }
    text
}

/// For each record: acknowledgements ≤ copies in the stream ≤ acknowledgements + uncertain puts.
pub(crate) fn assert_true(path: &Path, stream: &FakeStream) {
    let (ledger, mut taken) = (ledger(path), stream.taken());
    for (record, (acknowledged, uncertain)) in &ledger {
        let copies = taken.remove(record).unwrap_or(0);
        let most = acknowledged + uncertain;
        assert!((*acknowledged..=most).contains(&copies), "{record:?}: {copies} of {most}");
    }
    assert!(taken.is_empty(), "{} records are in the stream and in no ledger", taken.len());
}

/// Delivers what is in the stream, and compares with the ledger and with a snapshot of the stream:
/// nothing is lost, and what is there twice was put twice.
fn assert_delivery_balances(path: &Path, stream: &FakeStream, folder: &Path) {
    const KEY: &str = "delivered/orders-1-2026-07-04-09-30-00-959487e4-754a-46e0-9b2d-f8cf1ce8a226";
    let taken = stream.taken();
    let (mut object, mut snapshot, mut copies) = (Vec::new(), Vec::new(), 0);
    let at = "2026-07-04T09:30:00Z".parse().unwrap();
    let kind = Kind::Snapshot;
    let header = Header { kind, target: "data stream orders".into(), at, origin: None };
    manifest::write(&Line::Header(header), &mut snapshot).unwrap();
    for line in fs::read(path).unwrap().split(|byte| *byte == b'\n') {
        let Ok(Line::Record { partition_key, data, .. }) = manifest::read(line) else { continue };
        let key = partition_key.map(|key| key.into_owned());
        let record = Taken { data: base64(&data), key: key.clone() };
        for _ in 0..taken.get(&record).copied().unwrap_or_default() {
            object.extend_from_slice(&data);
            let read = Line::Read(manifest::Read {
                sequence_number: format!("4951{copies}").into(),
                sub_sequence_number: None,
                shard_id: "shardId-000000000000".into(),
                partition_key: key.clone().unwrap().into(),
                arrival: at,
                data: data.clone(),
            });
            manifest::write(&read, &mut snapshot).unwrap();
            copies += 1;
        }
    }
    manifest::write(&Line::End { records: copies }, &mut snapshot).unwrap();
    fs::create_dir(folder.join("delivered")).unwrap();
    fs::write(folder.join(KEY), object).unwrap();
    fs::write(folder.join("snapshot"), snapshot).unwrap();
    let reconcile = |manifest: &str| {
        let words = ["reconcile", "delivered", "--manifest", manifest, "--format", "json"];
        let mut command = Command::new(cargo_bin("fhcheck"));
        let output = command.current_dir(folder).args(words).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{manifest}: {}", text(&output.stderr));
        report(&output)
    };
    let by_ledger = reconcile("ledger");
    assert_eq!(by_ledger["books"]["produced"]["delivered"], copies);
    let by_stream = reconcile("snapshot");
    assert_eq!(by_stream["books"]["produced"]["delivered"], copies);
    assert!(copies > 100_000, "some were put twice");
    assert_eq!(by_stream["repeated"]["records"], copies - 100_000);
}

#[test]
fn a_hundred_thousand_records_survive_a_kill() {
    let folder = TempDir::new().unwrap();
    let faults =
        Faults { rejected: 30, throttled: 60, broken: 30, dropped: 30, ..Faults::default() };
    let stream = FakeStream::start(faults, None);
    let path = folder.path().join("ledger");
    let words = ["--stream", "orders", "--count", "100000", "--manifest", "ledger"];
    let mut child = fhcheck(&stream, folder.path(), &words)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while stream.requests().iter().sum::<usize>() < 40_000 {
        assert!(started.elapsed() < Duration::from_secs(120), "it does not get on");
        assert_eq!(child.try_wait().unwrap(), None, "it ended by itself");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    std::thread::sleep(Duration::from_millis(200));
    assert_true(&path, &stream);
    let known = ledger(&path).len();
    assert!((30_000..100_000).contains(&known), "{known} records are known");

    let words = ["--resume", "ledger", "--format", "json"];
    let output = fhcheck(&stream, folder.path(), &words).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let said = report(&output);
    assert_eq!(said["acknowledged"], 100_000);
    assert!(said["uncertain"].as_u64() > Some(0) && said["rejected"].as_u64() > Some(0), "{said}");
    assert_true(&path, &stream);
    assert_delivery_balances(&path, &stream, folder.path());
    assert_eq!(stream.taken().len(), 100_000);
    assert!(ledger(&path).values().all(|(acknowledged, _)| *acknowledged == 1));
    let shards = stream.shards();
    assert!(shards.len() == 4 && shards.iter().all(|records| *records > 24_000), "{shards:?}");
    assert!(stream.requests().iter().all(|records| *records <= 500));
}

#[test]
fn a_delivery_stream_takes_records_without_partition_keys() {
    let folder = TempDir::new().unwrap();
    let faults = Faults { rejected: 200, dropped: 100, ..Faults::default() };
    let stream = FakeStream::start(faults, None);
    let words = ["--delivery-stream", "orders", "--count", "3000", "--manifest", "ledger"];
    let output = fhcheck(&stream, folder.path(), &words).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(stream.taken().keys().all(|taken| taken.key.is_none()));
    assert_eq!(stream.taken().len(), 3000);
    assert_true(&folder.path().join("ledger"), &stream);
}

#[test]
fn the_same_seed_puts_the_same_records_under_the_same_keys() {
    let folder = TempDir::new().unwrap();
    let put = |manifest: &str, seed: &str| {
        let stream = FakeStream::start(Faults::default(), None);
        let start = ["--start", "2026-07-04T09:30:00Z", "--seed", seed, "--manifest", manifest];
        let words = [&["--stream", "orders", "--count", "1200"], &start[..]].concat();
        let output = fhcheck(&stream, folder.path(), &words).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        stream.taken()
    };
    let one = put("one", "7");
    assert_eq!(one, put("two", "7"));
    assert_ne!(one, put("three", "8"));
}

#[test]
fn ones_own_records_are_put_as_they_are() {
    let folder = TempDir::new().unwrap();
    let stream = FakeStream::start(Faults::default(), None);
    let own = ["{\"a\": 1}", "{ \"b\":\n [2] }", "{\"c\":\"caf\u{e9}\"}"];
    fs::write(folder.path().join("own"), own.concat()).unwrap();
    let words = ["--stream", "orders", "--input", "own", "--manifest", "ledger"];
    let output = fhcheck(&stream, folder.path(), &words).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let mut taken: Vec<_> = stream.taken().into_keys().map(|taken| taken.data).collect();
    let mut expected = own.map(|record| base64(record.as_bytes())).to_vec();
    taken.sort();
    expected.sort();
    assert_eq!(taken, expected);

    fs::write(folder.path().join("own"), "{\"a\": 1}{\"b\": ").unwrap();
    let words = ["--stream", "orders", "--input", "own", "--manifest", "other"];
    let output = fhcheck(&stream, folder.path(), &words).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("own is no record at byte"), "{output:?}");
    assert!(!folder.path().join("other").exists(), "nothing is begun");
}

/// Records that the ledger does not have yet are taken from the file as it is now: it must be the same.
#[test]
fn an_input_that_is_another_one_now_is_not_gone_on_with() {
    let folder = TempDir::new().unwrap();
    let stream = FakeStream::start(Faults::default(), Some(DENIED));
    let own: String = (0..1500).map(|n| format!("{{\"n\": {n}}}\n")).collect();
    let write = |path: &str, text: &str| fs::write(folder.path().join(path), text).unwrap();
    write("own", &own);
    let run = |words: &[&str]| {
        let output = fhcheck(&stream, folder.path(), words).output().unwrap();
        (output.status.code(), text(&output.stderr))
    };
    let begin = ["--delivery-stream", "orders", "--input", "own", "--manifest", "ledger"];
    assert_eq!(run(&begin).0, Some(2));
    let resume = ["--resume", "ledger"];
    // What the ledger has is unchanged in each of them.
    let last = own.replace("1499", "1498");
    let more = format!("{own}{{}}\n");
    for (changed, said) in [(&last, "not the same ones"), (&more, "has 16893 bytes, and had 16890")]
    {
        write("own", changed);
        let (code, complaint) = run(&resume);
        assert_eq!(code, Some(2), "{complaint}");
        let complains = complaint.contains("is not what it was when ledger was begun: it ");
        assert!(complains && complaint.contains(said), "{complaint}");
        assert!(complaint.contains("hint: give --input the file as it was"), "{complaint}");
        assert!(stream.taken().is_empty(), "nothing was put");
    }
    // The same content in another place is the same; what an older version wrote does not say.
    write("moved", &own);
    stream.refuse(None);
    let ledger = fs::read_to_string(folder.path().join("ledger")).unwrap();
    let (before, rest) = ledger.split_once(",\"content\":{").unwrap();
    write("older", &format!("{before}{}", rest.split_once('}').unwrap().1));
    assert_eq!(run(&["--resume", "ledger", "--input", "moved"]), (Some(0), String::new()));
    assert_eq!(stream.taken().len(), 1500);
    assert_eq!(run(&["--resume", "older"]), (Some(0), String::new()));
}

#[test]
fn a_record_that_is_too_large_is_named_before_anything_is_put() {
    let folder = TempDir::new().unwrap();
    let stream = FakeStream::start(Faults::default(), None);
    let large = format!("{{\"a\":1}}\n{{\"b\":\"{}\"}}\n", "x".repeat(1_024_000));
    fs::write(folder.path().join("own"), large).unwrap();
    let words = ["--delivery-stream", "orders", "--input", "own"];
    let output = fhcheck(&stream, folder.path(), &words).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains("record 1 of own") && said.contains("at most 1024000"), "{said}");
    assert!(stream.requests().is_empty());
}

#[test]
fn records_can_go_to_a_file() {
    let folder = TempDir::new().unwrap();
    let stream = FakeStream::start(Faults::default(), None);
    let words = ["--out", "-", "--count", "3"];
    let output = fhcheck(&stream, folder.path(), &words).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let lines = text(&output.stdout);
    assert_eq!(lines.lines().count(), 3);
    assert!(lines.lines().all(|line| line.starts_with("{\"EVENT_TIME\": \"")), "{lines}");
}

const DENIED: Refusal = (
    400,
    "AccessDeniedException",
    "User: arn:aws:iam::123456789012:user/me is not authorized to perform: kinesis:PutRecords",
);

fn refused(refusal: Refusal) -> String {
    let folder = TempDir::new().unwrap();
    let stream = FakeStream::start(Faults::default(), Some(refusal));
    let words = ["--stream", "orders", "--attempts", "2", "--manifest", "ledger"];
    let output = fhcheck(&stream, folder.path(), &words).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_true(&folder.path().join("ledger"), &stream);
    assert!(text(&output.stdout).starts_with("NOT ALL PRODUCED  0 of 10 records"), "{output:?}");
    text(&output.stderr)
}

#[test]
fn an_error_names_action_resource_and_permission() {
    insta::assert_snapshot!(
        "no_such_stream",
        refused((
            400,
            "ResourceNotFoundException",
            "Stream orders under account 123456789012 not found."
        ))
    );
    insta::assert_snapshot!("denied", refused(DENIED));
    insta::assert_snapshot!(
        "expired",
        refused((
            400,
            "ExpiredTokenException",
            "The security token included in the request is expired"
        ))
    );
    insta::assert_snapshot!(
        "throttled",
        refused((
            400,
            "ProvisionedThroughputExceededException",
            "Rate exceeded for shard shardId-000000000000 in stream orders"
        ))
    );
}
