//! What README.md and docs/semantics.md say and no other test holds: the table in docs/testing.md names
//! the test of each claim.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::emulator::fhcheck;

const NAME: &str = "orders-1-2026-07-04-09-30-00-959487e4-754a-46e0-9b2d-f8cf1ce8a226";

/// A delivery and its manifest, in a folder.
struct Delivery(TempDir);

impl Delivery {
    fn new(manifest: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        fs::write(folder.path().join("manifest"), manifest).unwrap();
        Self(folder)
    }

    fn put(&self, path: &str, content: &str) {
        let path = self.0.path().join("data").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Exit code and report of a command.
    fn run(&self, words: &[&str]) -> (i32, Value) {
        let mut command = fhcheck(words);
        let output =
            command.current_dir(self.0.path()).args(["--format", "json"]).output().unwrap();
        let report = serde_json::from_slice(&output.stdout);
        (output.status.code().unwrap(), report.unwrap_or_else(|_| panic!("{output:?}")))
    }

    fn reconcile(&self, words: &[&str]) -> (i32, Value) {
        self.run(&[&["reconcile", "data", "--manifest", "manifest"], words].concat())
    }
}

fn has_note(report: &Value, code: &str) -> bool {
    report["notes"].as_array().unwrap().iter().any(|note| note["code"] == code)
}

#[test]
fn nothing_against_nothing_is_fine_and_a_note_says_so() {
    let (code, report) = Delivery::new("").reconcile(&[]);
    assert_eq!((code, &report["verdict"]), (0, &json!("reconciled")));
    assert!(has_note(&report, "empty"), "{report:#}");
}

#[test]
fn what_is_allowed_is_found_and_no_finding() {
    let delivery = Delivery::new("{\"a\":1}{\"a\":2}");
    delivery.put(NAME, "{\"a\":1}{\"a\":1}{\"a\":2}{\"a\":3}");
    for (allow, code) in [("duplicates", 1), ("unexpected", 1), ("duplicates,unexpected", 0)] {
        let (exit, report) = delivery.reconcile(&["--allow", allow]);
        let found = &report["books"]["found"];
        assert_eq!([&found["duplicates"], &found["unexpected"]], [1, 1], "{allow}");
        assert_eq!(exit, code, "{allow}");
    }
    assert_eq!(delivery.reconcile(&[]).0, 1);
}

/// A document about the record `{"a":1}`.
const FAILED: &str = r#"{"attemptsMade":4,"arrivalTimestamp":1783157400000,"errorCode":"Lambda.FunctionError","errorMessage":"no","rawData":"eyJhIjoxfQ=="}"#;

#[test]
fn what_failed_and_was_delivered_all_the_same_is_no_loss() {
    let delivery = Delivery::new("{\"a\":1}{\"a\":2}");
    delivery.put(NAME, "{\"a\":1}{\"a\":2}");
    delivery.put(&format!("processing-failed/{NAME}"), FAILED);
    let (code, report) = delivery.reconcile(&[]);
    assert_eq!((code, &report["books"]["produced"]["failed"]), (0, &json!(0)), "{report:#}");
    assert!(has_note(&report, "failed-without-loss"), "{report:#}");
}

#[test]
fn split_by_lines_documents_are_seen_on_lines_of_their_own_only() {
    let delivery = Delivery::new("{\"a\":1}\n{\"a\":1}\n");
    for (between, failed) in [("\n", 2), ("", 0)] {
        delivery.put(&format!("processing-failed/{NAME}"), &format!("{FAILED}{between}{FAILED}"));
        let (code, report) = delivery.reconcile(&["--split", "lines"]);
        assert_eq!((code, &report["books"]["produced"]["failed"]), (1, &json!(failed)));
    }
}

/// An object whose key tells no time is judged by when it was last written.
#[test]
fn a_key_without_a_time_is_left_out_where_it_was_written_before_the_window() {
    let delivery = Delivery::new("");
    for (name, age) in [("new", 0), ("old", 86_400)] {
        delivery.put(name, "{}");
        let file = File::options().append(true).open(delivery.0.path().join("data").join(name));
        #[expect(
            clippy::disallowed_methods,
            reason = "the file system has the clock of this machine"
        )]
        let written = SystemTime::now() - Duration::from_secs(age);
        file.unwrap().set_modified(written).unwrap();
    }
    let (_, listing) = delivery.run(&["list", "data", "--since", "3h"]);
    let objects = listing["objects"].as_array().unwrap();
    let skipped = |key: &str| {
        let object = objects.iter().find(|object| object["key"].as_str().unwrap().ends_with(key));
        object.unwrap()["skip"].clone()
    };
    assert_eq!(skipped("old"), "outside-window", "{listing:#}");
    assert_eq!(skipped("new"), Value::Null, "{listing:#}");
}

/// Records at the edges may be from outside; a ledger says which.
#[test]
fn a_window_has_edges_and_a_note_says_so_where_nobody_knows() {
    let window = ["--since", "2026-07-04T09:00:00Z", "--until", "2026-07-04T10:00:00Z"];
    let delivery = Delivery::new("{\"a\":1}");
    delivery.put(&format!("2026/07/04/09/{NAME}"), "{\"a\":1}");
    let (code, report) = delivery.reconcile(&window);
    assert!(code == 0 && has_note(&report, "window-edges"), "{report:#}");
    let ledger = r#"{"fhcheck":"manifest","version":1,"kind":"ledger","target":"data stream orders","at":"2026-07-04T09:30:00Z"}
{"record":0,"data":"{\"a\":1}"}
{"put":[0],"at":"2026-07-04T09:30:00Z"}
{"answers":[{"record":0,"sequenceNumber":"1","shardId":"s"}]}
"#;
    fs::write(delivery.0.path().join("manifest"), ledger).unwrap();
    let (code, report) = delivery.reconcile(&window);
    assert!(code == 0 && !has_note(&report, "window-edges"), "{report:#}");
}
