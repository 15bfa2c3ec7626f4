//! The whole story against an AWS on this machine, through the binary: the stack comes up, records are
//! put, delivered, listed, dumped and accounted for, and the stack goes down.
//!
//! The emulator writes an object a record and knows neither buffering nor compression: this proves the
//! calls, from one end to the other.

use std::fs;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::emulator::Emulator;

const STACK: &str = "story";
const PATIENCE: Duration = Duration::from_secs(60);

/// A stack that is up, and a folder for what the commands write.
struct Story {
    emulator: Emulator,
    folder: tempfile::TempDir,
}

impl Story {
    fn begin() -> Self {
        let emulator = Emulator::start();
        let folder = tempfile::tempdir().unwrap();
        let story = Self { emulator, folder };
        story.says(0, &["stack", "up", STACK]);
        story
    }

    fn run(&self, words: &[&str]) -> Output {
        self.emulator.fhcheck(words).current_dir(self.folder.path()).output().unwrap()
    }

    /// Runs a command to this exit code, and returns what it says.
    fn says(&self, code: i32, words: &[&str]) -> String {
        let output = self.run(words);
        let text = String::from_utf8(output.stdout).unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{words:?}\n{text}\n{said}");
        text
    }

    /// Waits until this many records are in the bucket.
    fn delivered(&self, records: u64) {
        let count = records.to_string();
        let started = Instant::now();
        let words = ["reconcile", "--stack", STACK, "--expected", &count];
        loop {
            let output = self.run(&words);
            if output.status.code() == Some(0) {
                return;
            }
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(started.elapsed() < PATIENCE, "not delivered:\n{text}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn json(&self, code: i32, words: &[&str]) -> Value {
        let words = [words, &["--format", "json"]].concat();
        serde_json::from_str(&self.says(code, &words)).unwrap()
    }

    fn bucket(&self) -> String {
        let status = self.json(0, &["stack", "status", STACK]);
        status["outputs"]["BucketName"].as_str().unwrap().to_owned()
    }

    fn objects(&self) -> Vec<String> {
        let listing = self.json(0, &["list", "--stack", STACK]);
        let objects = listing["objects"].as_array().unwrap();
        objects.iter().map(|object| object["key"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_records_travel_and_are_accounted_for() {
    let story = Story::begin();
    let manifest = ["--manifest", "ledger.ndjson"];
    story.says(0, &["produce", "--stream", STACK, "--count", "10", manifest[0], manifest[1]]);
    story.delivered(10);

    assert!(story.objects().iter().all(|key| key.starts_with("firehose/")));
    let dumped = story.says(0, &["dump", "--stack", STACK]);
    assert_eq!(dumped.lines().count(), 10);
    assert!(dumped.lines().all(|line| line.starts_with("{\"EVENT_TIME\":")));

    let ledger = story.json(0, &["reconcile", "--stack", STACK, manifest[0], manifest[1]]);
    assert_eq!(ledger["books"]["produced"]["delivered"], 10);
    let stream = story.json(0, &["reconcile", "--delivery-stream", STACK, "--stream"]);
    assert_eq!(stream["books"]["produced"]["delivered"], 10);
    assert_eq!(stream["expectation"], format!("data stream {STACK}"));

    let cost = story.run(&["reconcile", "--stack", STACK, "--stream", "--dry-run"]);
    let said = String::from_utf8_lossy(&cost.stderr);
    assert!(said.contains(&format!("Reading data stream {STACK} takes at least")), "{said}");

    // The function puts ten more, and its answer is a manifest of them.
    story.says(0, &["produce", "--lambda", STACK, "--manifest", "answer.ndjson"]);
    story.delivered(20);
    let both = [
        "reconcile",
        "--stack",
        STACK,
        "--manifest",
        "ledger.ndjson",
        "--manifest",
        "answer.ndjson",
    ];
    assert_eq!(story.json(0, &both)["books"]["produced"]["delivered"], 20);
    let stream = ["reconcile", "--stack", STACK, "--stream", STACK];
    assert_eq!(story.json(0, &stream)["books"]["produced"]["delivered"], 20);

    // The emulator keeps no metrics of streams: what has no data point is not called zero.
    let walk = story.json(2, &["trace", "--stack", STACK, "--produced", "20"]);
    let hops = walk["hops"].as_array().unwrap();
    assert_eq!(hops.len(), 4);
    assert!(hops.iter().all(|hop| hop["standing"] == "unknown"), "{walk}");
    let counted = walk["periods"].as_array().unwrap().iter();
    let counted = counted.filter_map(|period| period["objects"].as_u64()).sum::<u64>();
    assert_eq!(counted, 20);

    break_each_hop(&story, &both, &stream).await;
    story.says(0, &["stack", "down", STACK, "--yes"]);
    story.says(2, &["list", "--stack", STACK]);
}

/// Whatever goes wrong on the way, the story must not end well.
async fn break_each_hop(story: &Story, both: &[&str], stream: &[&str]) {
    let s3 = story.emulator.aws().s3();
    let (bucket, key) = (story.bucket(), story.objects()[0].clone());
    let object = s3.get_object().bucket(&bucket).key(&key).send().await.unwrap();
    let body = object.body.collect().await.unwrap().into_bytes();

    // The bucket loses an object.
    s3.delete_object().bucket(&bucket).key(&key).send().await.unwrap();
    let lost = story.json(2, stream);
    assert_eq!(lost["books"]["produced"]["pending"], 1, "it is young: {lost}");
    let origin = &lost["pending"]["samples"][0]["origin"];
    assert!(origin["shard_id"].as_str().unwrap().starts_with("shardId-"), "{origin}");
    assert!(origin["arrival"].is_string());
    let count = ["reconcile", "--stack", STACK, "--expected", "20"];
    assert_eq!(story.json(1, &count)["books"]["produced"]["missing"], 1);

    // Delivery writes it twice.
    for name in [key.clone(), key.replacen("firehose/", "firehose/again/", 1)] {
        let put = s3.put_object().bucket(&bucket).key(name).body(body.clone().into());
        put.send().await.unwrap();
    }
    for words in [both, stream] {
        assert_eq!(story.json(1, words)["books"]["found"]["duplicates"], 1);
    }

    // The producer puts more than its manifest says.
    let again = key.replacen("firehose/", "firehose/again/", 1);
    s3.delete_object().bucket(&bucket).key(again).send().await.unwrap();
    story
        .says(0, &["produce", "--stream", STACK, "--count", "1", "--seed", "7", "--manifest", "x"]);
    story.delivered(21);
    assert_eq!(story.json(1, both)["books"]["found"]["unexpected"], 1);
    assert_eq!(story.json(0, stream)["books"]["produced"]["delivered"], 21);

    // The manifest loses a line.
    let path = story.folder.path().join("ledger.ndjson");
    drop_record(&path);
    story.says(2, both);
}

/// Takes the first record out of a ledger.
fn drop_record(path: &Path) {
    let text = fs::read_to_string(path).unwrap();
    let kept: Vec<_> = text.lines().filter(|line| !line.starts_with("{\"record\":0,")).collect();
    fs::write(path, kept.join("\n")).unwrap();
}
