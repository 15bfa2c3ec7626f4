//! `reconcile --cache`: what is known is not fetched, what is not sure is not believed, and the report is
//! the same.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use fhcheck::endpoint::{Endpoint, Fault};
use serde_json::Value;
use tempfile::TempDir;

use crate::hostile::dice::Dice;
use crate::killed::kill;
use crate::support;

const BUCKET: &str = "bucket";
const OBJECTS: u64 = 12;

/// A bucket of objects, a manifest of their records, and a folder for all else.
struct Place {
    endpoint: Endpoint,
    folder: TempDir,
}

fn records(object: u64) -> String {
    (0..50).map(|record| format!("{{\"object\":{object},\"record\":{record}}}\n")).collect()
}

fn key(object: u64) -> String {
    format!(
        "firehose/2026/07/13/14/orders-1-2026-07-13-14-{object:02}-00-\
         00000000-0000-4000-8000-{object:012}"
    )
}

impl Place {
    async fn new() -> Self {
        let endpoint = Endpoint::start().await.unwrap();
        endpoint.create_bucket(BUCKET);
        let place = Self { endpoint, folder: tempfile::tempdir().unwrap() };
        (0..OBJECTS).for_each(|object| place.put(object, records(object)));
        place.expect((0..OBJECTS).map(records).collect());
        place
    }

    fn put(&self, object: u64, content: String) {
        self.endpoint.put(BUCKET, &key(object), content, None);
    }

    fn expect(&self, records: String) {
        fs::write(self.folder.path().join("manifest"), records).unwrap();
    }

    /// From now on nobody can fetch an object.
    fn deny(&self) {
        (0..OBJECTS).for_each(|object| self.endpoint.fault(BUCKET, &key(object), Fault::Deny, 99));
    }

    fn allow(&self) {
        (0..OBJECTS).for_each(|object| self.endpoint.fault(BUCKET, &key(object), Fault::Deny, 0));
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = support::asking(&self.endpoint.url(), self.folder.path());
        command.args(["reconcile", "s3://bucket"]).args(words);
        command
    }

    fn output(&self, words: &[&str]) -> Output {
        tokio::task::block_in_place(|| self.command(words).output().unwrap())
    }

    /// Reconciles with the manifest and the cache.
    fn run(&self, words: &[&str]) -> Report {
        let usual = ["--manifest", "manifest", "--cache", "cache", "--format", "json"];
        Report::of(self.output(&[&usual, words].concat()))
    }
}

/// What a run said.
struct Report {
    code: Option<i32>,
    json: Value,
}

impl Report {
    fn of(output: Output) -> Self {
        let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        Self { code: output.status.code(), json }
    }

    fn known(&self) -> u64 {
        self.json["cached"]["objects"].as_u64().unwrap()
    }

    /// The texts of the notes about the cache, by their codes.
    fn notes(&self) -> Vec<(&str, &str)> {
        let notes = self.json["notes"].as_array().unwrap().iter();
        let notes =
            notes.map(|note| (note["code"].as_str().unwrap(), note["text"].as_str().unwrap()));
        notes.filter(|(code, _)| code.starts_with("cache-")).collect()
    }

    /// All but what was in the cache.
    fn but_known(mut self) -> Value {
        self.json.as_object_mut().unwrap().remove("cached");
        self.json
    }

    #[track_caller]
    fn assert(&self, code: i32, known: u64) {
        assert_eq!((self.code, self.known()), (Some(code), known), "{:#}", self.json);
    }
}

fn entries(cache: &Path) -> Vec<PathBuf> {
    let walk = walkdir::WalkDir::new(cache).min_depth(2).into_iter().map(Result::unwrap);
    let files = walk.filter(|entry| entry.file_type().is_file());
    files.map(walkdir::DirEntry::into_path).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_known_is_not_fetched_and_the_report_is_the_same() {
    let place = Place::new().await;
    place.run(&[]).assert(0, 0);
    assert_eq!(entries(&place.cache()).len() as u64, OBJECTS);
    // Whoever fetched one would have a gap.
    place.deny();
    let known = place.run(&[]);
    known.assert(0, OBJECTS);
    assert_eq!(
        known.json["cached"]["bytes"],
        (0..OBJECTS).map(|o| records(o).len()).sum::<usize>()
    );
    place.allow();
    // One is lost and one was never produced; the latter is shown as it is stored.
    let all: String = (0..OBJECTS).map(records).collect();
    place.expect(all.replacen("record\":7}", "record\":\"seven\"}", 1));
    let words = ["--manifest", "manifest", "--format", "json"];
    let without = Report::of(place.output(&words));
    let first = Report::of(place.output(&[&words[..], &["--cache", "fresh"]].concat()));
    first.assert(1, 0);
    let second = place.run(&[]);
    second.assert(1, OBJECTS);
    assert_eq!(second.json["unexpected"]["samples"][0]["excerpt"], "{\"object\":0,\"record\":7}");
    let without = without.but_known();
    assert_eq!(first.but_known(), without);
    assert_eq!(second.but_known(), without);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_new_or_changed_is_read() {
    let place = Place::new().await;
    place.run(&[]).assert(0, 0);
    place.put(3, records(3).replace("\"record\":1}", "\"record\":2}"));
    let changed = place.run(&[]);
    changed.assert(1, OBJECTS - 1);
    assert_eq!(changed.json["missing"]["records"], 1);
    assert_eq!(changed.json["duplicates"]["records"], 1);
    place.put(3, records(3));
    place.endpoint.delete(BUCKET, &key(4));
    let gone = place.run(&[]);
    assert_eq!((gone.code, gone.json["missing"]["records"].as_u64()), (Some(1), Some(50)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_otherwise_is_read_again() {
    let place = Place::new().await;
    place.run(&[]).assert(0, 0);
    for words in [
        &["--match", "json"][..],
        &["--match", "key=/object,/record"],
        &["--split", "lines"],
        &["--base64"],
        &["--max-object-size", "1GiB"],
    ] {
        place.run(words).assert(0, 0);
        place.deny();
        place.run(words).assert(0, OBJECTS);
        place.run(&[]).assert(0, OBJECTS);
        place.allow();
    }
    // Raw bytes are what a count looks at.
    let count = ["--expected", "600", "--cache", "cache", "--format", "json"];
    place.deny();
    Report::of(place.output(&count)).assert(0, OBJECTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_entry_is_read_again_noted_and_healed() {
    let place = Place::new().await;
    place.run(&[]).assert(0, 0);
    let damaged = entries(&place.cache());
    for (number, path) in damaged.iter().enumerate().skip(1) {
        let mut bytes = fs::read(path).unwrap();
        let at = bytes.len() * number / damaged.len();
        match number % 3 {
            0 => bytes.truncate(at),
            1 => bytes[at] ^= 1,
            _ => bytes.insert(at, 0),
        }
        fs::write(path, bytes).unwrap();
    }
    let healing = place.run(&[]);
    healing.assert(0, 1);
    let notes = healing.notes();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_eq!(notes[0].0, "cache-damaged");
    assert!(notes[0].1.starts_with("in the cache cache 11 entries are damaged"), "{notes:?}");
    place.deny();
    let healed = place.run(&[]);
    healed.assert(0, OBJECTS);
    assert_eq!(healed.notes(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changes_places_is_not_believed() {
    let place = Place::new().await;
    place.run(&[]).assert(0, 0);
    // Whole entries, each under the name of another.
    let paths = entries(&place.cache());
    let mut whole: Vec<_> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    whole.rotate_left(1);
    paths.iter().zip(whole).for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
    let run = place.run(&[]);
    run.assert(0, 0);
    assert_eq!(run.notes()[0].0, "cache-damaged");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_directory_is_left_alone() {
    let place = Place::new().await;
    fs::create_dir(place.cache()).unwrap();
    let theirs = place.cache().join("theirs");
    fs::write(&theirs, "precious").unwrap();
    let run = place.run(&[]);
    assert_eq!((run.code, run.json["cached"].clone()), (Some(0), Value::Null));
    assert_eq!(run.notes()[0].0, "cache-foreign");
    assert_eq!(fs::read_dir(place.cache()).unwrap().count(), 1);
    assert_eq!(fs::read(&theirs).unwrap(), b"precious");
    let dry = place.output(&["--expected", "1", "--cache", "cache", "--dry-run"]);
    let said = String::from_utf8(dry.stderr).unwrap();
    assert!(said.contains("The cache cache would not be used: it is not empty"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_that_cannot_be_written_is_no_failure() {
    let place = Place::new().await;
    let run = place.run(&[]);
    run.assert(0, 0);
    // Below a file nothing can be made.
    fs::write(place.folder.path().join("file"), "").unwrap();
    let run = Report::of(place.output(&[
        "--manifest",
        "manifest",
        "--cache",
        "file/x",
        "--format",
        "json",
    ]));
    assert_eq!((run.code, run.notes()[0].0), (Some(0), "cache-unusable"));
    // Entries can be read, and none can be written.
    let new = place.cache().join("new");
    fs::remove_dir(&new).unwrap();
    fs::write(&new, "no directory").unwrap();
    place.put(0, records(0) + "\n");
    let run = place.run(&[]);
    run.assert(0, OBJECTS - 1);
    let (code, text) = run.notes()[0];
    assert_eq!(code, "cache-unwritten");
    assert!(text.starts_with("1 object could not be kept in the cache cache"), "{text}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_is_named_is_followed_and_none_inside() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let place = Place::new().await;
    let real = place.folder.path().join("real");
    fs::create_dir(&real).unwrap();
    symlink(&real, place.cache()).unwrap();
    place.run(&[]).assert(0, 0);
    assert_eq!(entries(&real).len() as u64, OBJECTS);
    let path = entries(&real).remove(0);
    let elsewhere = place.folder.path().join("elsewhere");
    fs::rename(&path, &elsewhere).unwrap();
    symlink(&elsewhere, &path).unwrap();
    let run = place.run(&[]);
    run.assert(0, OBJECTS - 1);
    assert_eq!(run.notes()[0].0, "cache-damaged");
    assert!(fs::symlink_metadata(&path).unwrap().is_file());

    fs::set_permissions(&real, fs::Permissions::from_mode(0o777)).unwrap();
    let run = place.run(&[]);
    assert_eq!((run.code, run.notes()[0].0), (Some(0), "cache-exposed"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_at_once_share_a_cache() {
    let place = Place::new().await;
    let words = ["--manifest", "manifest", "--cache", "cache", "--format", "json"];
    let runs: Vec<_> = (0..4)
        .map(|_| {
            let mut command = place.command(&words);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for run in runs {
        let run = Report::of(tokio::task::block_in_place(|| run.wait_with_output().unwrap()));
        assert_eq!(run.code, Some(0));
        assert_eq!(run.notes(), []);
    }
    place.deny();
    place.run(&[]).assert(0, OBJECTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_right_after_one_that_was_killed() {
    let place = Place::new().await;
    let words = ["--manifest", "manifest", "--cache", "cache"];
    let mut dice = Dice::new(1, "killed cache");
    for _ in 0..12 {
        tokio::task::block_in_place(|| kill(place.command(&words), dice.between(1, 80)));
    }
    let run = place.run(&[]);
    assert_eq!((run.code, run.notes()), (Some(0), vec![]));
    place.deny();
    place.run(&[]).assert(0, OBJECTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_damaged_is_read_each_time() {
    let place = Place::new().await;
    place.put(5, records(5).replacen("}", "", 1));
    let failed = r#"{"rawData":"eyJhIjoxfQ==","errorCode":"E","attemptsMade":1}"#;
    place.endpoint.put(BUCKET, "firehose/failed/x", failed, None);
    let first = place.run(&[]);
    first.assert(1, 0);
    let second = place.run(&[]);
    second.assert(1, OBJECTS - 1);
    assert_eq!(second.but_known(), first.but_known());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_estimate_and_a_cap_count_what_is_to_be_fetched() {
    let place = Place::new().await;
    let estimate = || {
        let words = ["--manifest", "manifest", "--cache", "cache", "--dry-run", "--format", "json"];
        Report::of(place.output(&words)).json
    };
    let before = estimate();
    assert!(!place.cache().exists(), "an estimate makes nothing");
    assert_eq!((&before["objects"], &before["cached"]), (&OBJECTS.into(), &Value::Null));
    let refused =
        place.output(&["--manifest", "manifest", "--cache", "cache", "--max-bytes", "1k"]);
    assert_eq!(refused.status.code(), Some(2));
    place.run(&[]).assert(0, 0);
    place.put(0, records(0) + "\n");
    let after = estimate();
    assert_eq!((&after["objects"], &after["get_requests"]), (&1.into(), &1.into()));
    assert_eq!(after["bytes"], records(0).len() + 1);
    assert_eq!(after["cached"]["objects"], OBJECTS - 1);
    place.run(&["--max-bytes", "2k"]).assert(0, OBJECTS - 1);
    place.run(&["--max-bytes", "1"]).assert(0, OBJECTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_goes_on_from_what_is_known() {
    let place = Place::new().await;
    place.run(&[]).assert(0, 0);
    let all: String = (0..=OBJECTS).map(records).collect();
    place.expect(all);
    place.deny();
    let words = ["--manifest", "manifest", "--cache", "cache", "--format", "json", "--wait", "1m"];
    let mut run = place.command(&words);
    let run = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let late = thread::spawn(move || run.wait_with_output().unwrap());
    tokio::time::sleep(Duration::from_millis(1500)).await;
    place.put(OBJECTS, records(OBJECTS));
    let run = Report::of(tokio::task::block_in_place(|| late.join().unwrap()));
    run.assert(0, OBJECTS);
    assert_eq!(run.json["books"]["objects"]["read"], OBJECTS + 1);
}

/// A directory of files, written at some time before now.
fn files(folder: &Path, age: Duration) {
    for object in 0..OBJECTS {
        write(&folder.join(format!("{object}")), &records(object), age);
    }
}

fn write(path: &Path, content: &str, age: Duration) {
    fs::write(path, content).unwrap();
    let file = File::options().write(true).open(path).unwrap();
    let now = file.metadata().unwrap().modified().unwrap();
    file.set_modified(now - age).unwrap();
}

fn local(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(cargo_bin("fhcheck"));
    command.current_dir(folder).arg("reconcile").args(words).output().unwrap()
}

#[test]
fn a_directory_is_known_by_the_times_of_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    let run = || {
        let words = ["data", "--expected", "600", "--cache", "cache", "--format", "json"];
        Report::of(local(folder.path(), &words))
    };
    // What was just written may be written again without a sign of it.
    files(&data, Duration::ZERO);
    run().assert(0, 0);
    run().assert(0, 0);
    files(&data, Duration::from_secs(60));
    run().assert(0, 0);
    run().assert(0, OBJECTS);
    files(&data, Duration::from_secs(30));
    run().assert(0, 0);
}

#[test]
fn an_object_that_does_not_fit_into_memory_is_the_same_from_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    let all: String = (0..3000).map(records).collect();
    let data = folder.path().join("data");
    write(&data, &all, Duration::from_secs(60));
    fs::write(
        folder.path().join("manifest"),
        all.replacen("\"object\":9,", "\"object\":\"9\",", 5),
    )
    .unwrap();
    let run = || {
        let words = ["data", "--manifest", "manifest", "--cache", "cache", "--memory", "1MiB"];
        Report::of(local(folder.path(), &[&words[..], &["--format", "json"]].concat()))
    };
    let (first, second) = (run(), run());
    first.assert(1, 0);
    second.assert(1, 1);
    assert_eq!(first.json["missing"]["records"], 5);
    assert_eq!(first.but_known(), second.but_known());
}

#[test]
fn a_cache_is_not_among_what_is_read() {
    let folder = tempfile::tempdir().unwrap();
    files(folder.path(), Duration::from_secs(60));
    for cache in [".", "cache", "not/there/yet"] {
        let output = local(folder.path(), &[".", "--expected", "600", "--cache", cache]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("is, or lies in, what is read"), "{said}");
    }
}
