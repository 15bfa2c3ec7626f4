//! `simulate` in the place of Firehose: out of a data stream, into a bucket, and every checker agrees
//! with the truth that it wrote beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{SystemTime, UNIX_EPOCH};

use fhcheck::simulate::Truth;
use serde_json::Value;
use tempfile::TempDir;

use crate::emulator::{Emulator, fhcheck};
use crate::stream::fake::{Fake, Held, Shard};

const STREAM: &str = "orders";
const BUCKET: &str = "orders-bucket";

/// An AWS with a data stream of two shards, a bucket, and a folder for what is written here.
struct World {
    aws: Emulator,
    folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let aws = Emulator::start();
        let make = aws.aws().kinesis().create_stream().stream_name(STREAM).shard_count(2);
        make.send().await.unwrap();
        aws.aws().s3().create_bucket().bucket(BUCKET).send().await.unwrap();
        Self { aws, folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, words: &[&str]) -> Output {
        self.aws.fhcheck(words).current_dir(self.folder.path()).output().unwrap()
    }

    /// Runs what must succeed.
    fn done(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert_eq!(output.status.code(), Some(0), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Exit code and report of a comparison.
    fn reconcile(&self, location: &str, expected: &[&str]) -> (i32, Value) {
        let words = [&["reconcile", location, "--format", "json"], expected].concat();
        let output = self.run(&words);
        let report = serde_json::from_slice(&output.stdout);
        (output.status.code().unwrap(), report.unwrap_or_else(|_| panic!("{output:?}")))
    }

    fn produce(&self, count: &str) {
        self.done(&[
            "produce",
            "--stream",
            STREAM,
            "--count",
            count,
            "--manifest",
            "ledger.ndjson",
        ]);
    }
}

/// `Content-Encoding` of an object.
async fn encoding(world: &World, key: &str) -> Option<String> {
    let head = world.aws.aws().s3().head_object().bucket(BUCKET).key(key);
    head.send().await.unwrap().content_encoding
}

fn truth(path: &Path) -> Truth {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_delivers_of_a_stream_is_what_the_checkers_find() {
    let world = World::new().await;
    world.produce("500");

    // Without faults all agree, by whatever they compare.
    let clean = format!("s3://{BUCKET}/clean/");
    let said = world.done(&["simulate", "--stream", STREAM, "--to", &clean]);
    assert!(said.starts_with("500 records produced, "), "{said}");
    assert!(said.contains(&format!("Next  fhcheck reconcile {clean} --stream {STREAM}")), "{said}");
    for expected in [["--stream", STREAM], ["--manifest", "ledger.ndjson"]] {
        let (code, report) = world.reconcile(&clean, &expected);
        assert_eq!(code, 0, "{report:#}");
    }

    // With faults they say just that.
    let faulty = format!("s3://{BUCKET}/faulty/");
    let options =
        ["--compression", "gzip", "--fault", "lose=1,duplicate=1", "--truth", "faulty.json"];
    let simulate = ["simulate", "--stream", STREAM, "--to", &faulty];
    world.done(&[&simulate[..], &options].concat());
    let told = truth(&world.path("faulty.json"));
    assert_eq!((told.lost.len(), told.duplicated.len()), (1, 1));
    let (code, report) = world.reconcile(&faulty, &["--stream", STREAM]);
    assert_eq!(code, 1, "{report:#}");
    let books = &report["books"];
    // It arrived a moment ago: Firehose might still have it.
    assert_eq!(books["produced"]["pending"], 1, "{report:#}");
    assert_eq!(books["produced"]["delivered"], 499, "{report:#}");
    assert_eq!(books["found"]["duplicates"], 1, "{report:#}");
    assert_eq!(books["found"]["unexpected"], 0, "{report:#}");
    let out = &report["pending"]["samples"][0];
    assert_eq!(out["excerpt"], told.lost[0].record);
    let doubled = &report["duplicates"]["samples"][0];
    assert_eq!(doubled["excerpt"], told.duplicated[0].record);
    let ledger = fs::read_to_string(world.path("ledger.ndjson")).unwrap();
    for sample in [out, doubled] {
        let number = sample["origin"]["sequence_number"].as_str().unwrap();
        assert!(ledger.contains(&format!(r#""sequenceNumber":"{number}""#)), "{number}");
    }
    let encoding = encoding(&world, &told.duplicated[0].copy.key).await;
    assert_eq!(encoding.as_deref(), Some("gzip"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_over() {
    let world = World::new().await;
    let to = format!("s3://{BUCKET}");
    let simulate = ["simulate", "--to", &to];
    world.done(&simulate);
    let said = world.done(&["reconcile", &to, "--manifest", "fhcheck-produced.ndjson"]);
    assert!(said.contains("RECONCILED"), "{said}");

    let files = ["fhcheck-truth.json", "fhcheck-produced.ndjson"].map(|name| world.path(name));
    let before = files.each_ref().map(|file| fs::read(file).unwrap());
    let output = world.run(&simulate);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(errors.contains("error: fhcheck-truth.json exists already"), "{errors}");
    assert_eq!(files.each_ref().map(|file| fs::read(file).unwrap()), before);

    let others = ["--truth", "other.json", "--manifest", "other.ndjson"];
    let output = world.run(&[&simulate[..], &others].concat());
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(errors.contains(&format!("error: s3://{BUCKET}/firehose/2023/05/04/08/")), "{errors}");
    assert!(errors.contains("exists already") && errors.contains("--seed"), "{errors}");
    assert!(!world.path("other.json").exists(), "there is no truth about what did not come to be");

    let output =
        world.run(&["simulate", "--to", "s3://nobodys-bucket", "--truth", "n", "--manifest", "m"]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("there is no bucket named nobodys-bucket"), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_can_be_delivered_into_a_directory() {
    let world = World::new().await;
    world.produce("30");
    world.done(&["simulate", "out", "--stream", STREAM, "--fault", "lose=2"]);
    assert_eq!(truth(&world.path("out/truth/truth.json")).expected.missing, 2);
    for expected in [["--manifest", "out/truth/produced.ndjson"], ["--stream", STREAM]] {
        let (_, report) = world.reconcile("out/data", &expected);
        let books = &report["books"]["produced"];
        let out = books["missing"].as_u64().unwrap() + books["pending"].as_u64().unwrap();
        assert_eq!((books["delivered"].as_u64(), out), (Some(28), 2), "{report:#}");
    }
}

#[test]
fn a_place_is_named_once() {
    for (words, said) in [
        (&["simulate"][..], "required"),
        (&["simulate", "out", "--to", "s3://bucket"], "cannot be used with"),
        (&["simulate", "out", "--truth", "t"], "cannot be used with"),
        (&["simulate", "--to", "bucket"], "--to \"bucket\" is no bucket"),
        (&["simulate", "--to", "s3://bucket/a/", "--prefix", "b/"], "both name a prefix"),
        (&["simulate", "out", "--stream", "orders", "--rate", "5"], "cannot be used with"),
        (&["simulate", "out", "--stream-share", "5"], "required"),
    ] {
        let output = fhcheck(words).output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(errors.contains(said), "{words:?}: {errors}");
    }
}

#[expect(clippy::disallowed_methods, reason = "the command that is tested has a clock")]
fn hours_ago(hours: f64) -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    (now - hours * 3600.0).floor()
}

/// Records of long ago are not pending any more: they are missing, and the stream says which.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_lost_is_missing_by_its_sequence_number() {
    let begun = hours_ago(4.0);
    let shard = |id: &str, after: f64| Shard {
        id: id.into(),
        listed: true,
        children: None,
        records: (0..60)
            .map(|n| (begun + f64::from(n) + after, format!(r#"{{"{id}":{n}}}"#).into_bytes()))
            .collect(),
    };
    let held = Held {
        created: begun - 1e6,
        retention_hours: 1_000_000,
        shards: vec![shard("a", 0.0), shard("b", 0.5)],
        page: 100,
        empties: false,
        loops: false,
    };
    let fake = Fake::start(held, Box::new(|_, _| None)).await;
    let folder = tempfile::tempdir().unwrap();
    let run = |words: &[&str]| {
        let mut command = fhcheck(words);
        command.env("AWS_ENDPOINT_URL", fake.url()).current_dir(folder.path()).output().unwrap()
    };
    let faults = ["--fault", "lose=1,duplicate=1", "--buffer-interval", "30s"];
    let output = run(&[&["simulate", "out", "--stream", STREAM][..], &faults].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told = truth(&folder.path().join("out/truth/truth.json"));
    assert!((told.produced, told.written, told.objects) == (120, 120, 2), "{told:?}");

    let output = run(&["reconcile", "out/data", "--stream", STREAM, "--format", "json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let books = &report["books"];
    assert_eq!(books["produced"]["missing"], 1, "{report:#}");
    assert_eq!(books["produced"]["delivered"], 119, "{report:#}");
    assert_eq!(books["found"]["duplicates"], 1, "{report:#}");
    let missing = &report["missing"]["samples"][0];
    assert_eq!(missing["excerpt"], told.lost[0].record);
    assert!(missing["origin"]["sequence_number"].is_string(), "{missing:#}");
}

/// What retention has taken is a gap where it was asked for, and not where it was not.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_stream_no_longer_holds_is_a_gap() {
    let begun = hours_ago(4.0);
    let records = (0..60_u32)
        .map(|n| (begun + f64::from(n), format!(r#"{{"n":{n}}}"#).into_bytes()))
        .collect();
    let shard = Shard { id: "a".into(), listed: true, children: None, records };
    let held = Held {
        created: begun - 1e6,
        retention_hours: 24,
        shards: vec![shard],
        page: 100,
        empties: false,
        loops: false,
    };
    let fake = Fake::start(held, Box::new(|_, _| None)).await;
    let folder = tempfile::tempdir().unwrap();
    let run = |words: &[&str]| {
        let mut command = fhcheck(words);
        command.env("AWS_ENDPOINT_URL", fake.url()).current_dir(folder.path()).output().unwrap()
    };
    assert_eq!(run(&["simulate", "out", "--stream", STREAM]).status.code(), Some(0));
    let reconcile = ["reconcile", "out/data", "--stream", STREAM, "--format", "json"];
    // Close to the edge, objects may hold what has expired.
    for (since, code) in [(None, 0), (Some("10h"), 0), (Some("23h50m"), 2), (Some("30h"), 2)] {
        let since: Vec<_> = since.into_iter().flat_map(|since| ["--since", since]).collect();
        let output = run(&[&reconcile[..], &since].concat());
        assert_eq!(output.status.code(), Some(code), "{since:?}: {output:?}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["books"]["produced"]["delivered"], 60, "{since:?}");
        let gaps = report["gaps"].as_array().unwrap();
        let expired = gaps.iter().filter(|gap| gap.to_string().contains("has expired")).count();
        assert_eq!((gaps.len(), expired), (expired, usize::from(code == 2)), "{report:#}");
    }
}
