//! Killed in the middle, with a signal that nobody can catch: the next run is right.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use fhcheck::endpoint::Endpoint;
use tempfile::TempDir;

use crate::fake_stream::{FakeStream, Faults};
use crate::hostile::dice::Dice;
use crate::produce;
use crate::support;

/// Producers that are killed, each more than once.
const PRODUCERS: u64 = 6;
const KILLS: u64 = 3;
/// Readers that are killed, of each kind.
const READERS: u64 = 8;

/// Ways to run a reconciliation that keep something on disk while it runs, and may find it there in the
/// next run.
const KEEPING: [&[&str]; 3] = [&[], &["--memory", "1MiB"], &["--cache", "cache"]];

/// Starts a command and kills it after so many milliseconds. Whether it was still running.
pub(crate) fn kill(mut command: Command, after: u64) -> bool {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(after));
    let running = child.try_wait().unwrap().is_none();
    // On Unix that is SIGKILL.
    child.kill().unwrap();
    child.wait().unwrap();
    running
}

fn producer(seed: u64) {
    let mut dice = Dice::new(seed, "killed producer");
    let folder = TempDir::new().unwrap();
    let mut rate = || dice.below(120);
    let faults = Faults {
        rejected: rate(),
        throttled: rate(),
        broken: rate(),
        dropped: rate(),
        ..Faults::default()
    };
    let stream = FakeStream::start(faults, None);
    let path = folder.path().join("ledger");
    let begin = ["--stream", "orders", "--count", "6000", "--manifest", "ledger"];
    let resume = ["--resume", "ledger"];
    let mut begun = false;
    for _ in 0..KILLS {
        let words: &[&str] = if begun { &resume } else { &begin };
        kill(produce::fhcheck(&stream, folder.path(), words), dice.between(1, 400));
        // What was sent before the kill may still arrive.
        std::thread::sleep(Duration::from_millis(200));
        begun = path.exists() && fs::metadata(&path).unwrap().len() > 0;
        if begun {
            produce::assert_true(&path, &stream);
        } else {
            assert!(stream.taken().is_empty(), "seed {seed}: nothing is put before it is written");
            let _ = fs::remove_file(&path);
        }
    }
    let words: &[&str] = if begun { &resume } else { &begin };
    let output = produce::fhcheck(&stream, folder.path(), words).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "seed {seed}: {}", produce::text(&output.stderr));
    produce::assert_true(&path, &stream);
    assert_eq!(stream.taken().len(), 6000, "seed {seed}");
    assert!(produce::ledger(&path).values().all(|(acknowledged, _)| *acknowledged == 1));
}

#[test]
fn a_producer_goes_on_where_it_was_killed() {
    std::thread::scope(|scope| {
        for seed in 0..PRODUCERS {
            scope.spawn(move || producer(seed));
        }
    });
}

/// Records of one object, and the whole of them.
fn deliver(endpoint: &Endpoint) -> String {
    let mut all = String::new();
    for object in 0..40 {
        let records: String = (0..500)
            .map(|record| format!("{{\"object\":{object},\"record\":{record}}}\n"))
            .collect();
        let key = format!(
            "firehose/2026/07/13/14/orders-1-2026-07-13-14-{object:02}-00-\
             00000000-0000-4000-8000-{object:012}"
        );
        endpoint.put("bucket", &key, records.clone(), None);
        all.push_str(&records);
    }
    all
}

fn reader(endpoint: &Endpoint, folder: &Path, words: &[&str]) -> Command {
    let mut command = support::asking(&endpoint.url(), folder);
    command.args(words);
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dump_that_was_killed_leaves_no_half_of_a_file() {
    let endpoint = Endpoint::start().await.unwrap();
    let all = deliver(&endpoint);
    tokio::task::block_in_place(|| {
        let folder = TempDir::new().unwrap();
        let out = folder.path().join("out");
        let words = ["dump", "s3://bucket", "-o", "out"];
        let mut dice = Dice::new(1, "killed dump");
        for _ in 0..READERS {
            kill(reader(&endpoint, folder.path(), &words), dice.between(1, 150));
            if out.exists() {
                assert_eq!(fs::read_to_string(&out).unwrap(), all, "whole, or not there");
            }
        }
        let output = reader(&endpoint, folder.path(), &words).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(fs::read_to_string(&out).unwrap(), all);
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reconciliation_is_right_after_one_that_was_killed() {
    let endpoint = Endpoint::start().await.unwrap();
    let all = deliver(&endpoint);
    tokio::task::block_in_place(|| {
        let folder = TempDir::new().unwrap();
        let lost = all.lines().skip(1).map(|line| format!("{line}\n")).collect::<String>();
        fs::write(folder.path().join("right"), &all).unwrap();
        fs::write(folder.path().join("wrong"), lost + "{\"object\":99}\n").unwrap();
        let mut dice = Dice::new(1, "killed reconciliation");
        for keeping in KEEPING {
            let words = |manifest| {
                let words = ["reconcile", "s3://bucket", "--manifest", manifest];
                words.iter().chain(keeping).copied().collect::<Vec<_>>()
            };
            for _ in 0..READERS {
                kill(reader(&endpoint, folder.path(), &words("right")), dice.between(1, 200));
            }
            for (manifest, code) in [("right", 0), ("wrong", 1)] {
                let output = reader(&endpoint, folder.path(), &words(manifest)).output().unwrap();
                assert_eq!(output.status.code(), Some(code), "{keeping:?} {output:?}");
            }
        }
    });
}

#[test]
fn a_demo_is_right_after_one_that_was_killed() {
    let folder = TempDir::new().unwrap();
    let demo = || {
        let mut command = Command::new(cargo_bin("fhcheck"));
        command.current_dir(folder.path()).arg("demo");
        command
    };
    let mut dice = Dice::new(1, "killed demo");
    for _ in 0..4 {
        kill(demo(), dice.between(1, 200));
    }
    assert_eq!(demo().output().unwrap().status.code(), Some(0));
}
