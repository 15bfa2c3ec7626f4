//! Records that are in something else, on the command line: named where nobody asks, taken out where
//! somebody does.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Ten records in something, and where they are.
fn simulate(wrapping: &str) -> (TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let options = ["--wrap", wrapping, "--compression", "gzip"];
    fhcheck().args(["simulate", out]).args(options).assert().code(0);
    let (data, manifest) =
        (folder.path().join("data"), folder.path().join("truth/produced.ndjson"));
    (folder, data, manifest)
}

fn fhcheck() -> assert_cmd::Command {
    assert_cmd::Command::cargo_bin("fhcheck").unwrap()
}

/// What a command says on stdout and on stderr, and its exit code.
fn run(command: &str, data: &Path, words: &[&str]) -> (String, String, Option<i32>) {
    let output = fhcheck().arg(command).arg(data).args(words).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr), output.status.code())
}

#[test]
fn batches_of_log_events_are_named_and_taken_apart() {
    let (_folder, data, manifest) = simulate("log-events");
    let (listed, _, code) = run("list", &data, &["--records"]);
    assert_eq!(code, Some(0));
    assert!(listed.contains("1 object") && listed.contains("--split log-events"), "{listed}");
    let (dumped, said, _) = run("dump", &data, &[]);
    assert_eq!(dumped.lines().count(), 5, "four batches and a control message: {dumped}");
    assert!(said.contains("--split log-events"), "{said}");

    let apart = ["--split", "log-events"];
    let (listed, _, _) = run("list", &data, &["--records", "--split", "log-events"]);
    assert!(listed.contains("10 records") && listed.contains("1 control message"), "{listed}");
    let (dumped, said, code) = run("dump", &data, &apart);
    assert_eq!((dumped, code), (fs::read_to_string(&manifest).unwrap(), Some(0)));
    assert!(said.contains("1 control message"), "{said}");
    let manifest = ["--manifest", manifest.to_str().unwrap()];
    let (report, _, code) = run("reconcile", &data, &[&manifest[..], &apart].concat());
    assert_eq!(code, Some(0), "{report}");
    assert!(report.contains("log-events (1 object)"), "{report}");
    assert!(report.contains("1 control message"), "{report}");
    let (report, _, code) = run("reconcile", &data, &manifest);
    assert_eq!(code, Some(1), "{report}");
    assert!(report.contains("--split log-events"), "{report}");
}

#[test]
fn base64_text_is_named_and_decoded() {
    let (_folder, data, manifest) = simulate("base64");
    let (listed, _, code) = run("list", &data, &["--records"]);
    assert_eq!(code, Some(0));
    assert!(listed.contains("1 object") && listed.contains("--base64"), "{listed}");
    let (listed, _, _) = run("list", &data, &["--records", "--base64"]);
    assert!(listed.contains("10 records") && listed.contains("was decoded"), "{listed}");
    let (dumped, said, code) = run("dump", &data, &["--base64"]);
    assert_eq!((dumped, code), (fs::read_to_string(&manifest).unwrap(), Some(0)));
    assert!(said.contains("decoded"), "{said}");
    let words = ["--base64", "--manifest", manifest.to_str().unwrap()];
    let (report, _, code) = run("reconcile", &data, &words);
    assert_eq!(code, Some(0), "{report}");
    assert!(report.contains("decoded"), "{report}");
}

#[test]
fn text_that_is_no_base64_is_a_finding_where_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("object"), "eyJhIjoxfQ==\neyJhI\neyJhIjozfQ==\n").unwrap();
    let (dumped, said, code) = run("dump", folder.path(), &["--base64"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(dumped.contains("{\"a\":1}") && dumped.contains("{\"a\":3}"), "{dumped}");
    assert!(said.contains("18") && said.contains("group of four"), "{said}");
}

/// What another encoder, or nobody, put between records is found by looking.
#[test]
fn a_delimiter_is_found_and_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("object"), [r#"{"a":"||"}"#; 5].join("||")).unwrap();
    let (report, _, code) = run("reconcile", folder.path(), &["--expected", "5"]);
    assert_eq!(code, Some(0), "{report}");
    assert!(report.contains("delimiter ||"), "{report}");
}

/// CloudWatch Logs puts gzip onto a stream; where it is stored, it is inflated.
#[test]
fn what_was_put_compressed_is_found_inflated() {
    let folder = tempfile::tempdir().unwrap();
    let (data, ledger) = (folder.path().join("data"), folder.path().join("ledger"));
    fs::create_dir(&data).unwrap();
    fs::write(data.join("object"), "{\"a\":1}\n{\"a\":2}").unwrap();
    let gzip = "H4sIAAAAAAACA6tWSlSyMqytBlFGtQCTe11bDgAAAA==";
    let lines = [
        r#"{"fhcheck":"manifest","version":1,"kind":"ledger","target":"data stream s","at":"2026-07-04T09:30:00Z"}"#.to_owned(),
        format!(r#"{{"record":0,"partitionKey":"a","base64":"{gzip}"}}"#),
        r#"{"put":[0],"at":"2026-07-04T09:30:01Z"}"#.to_owned(),
        r#"{"answers":[{"record":0,"sequenceNumber":"1","shardId":"s"}]}"#.to_owned(),
    ];
    fs::write(&ledger, lines.join("\n") + "\n").unwrap();
    let (report, said, code) = run("reconcile", &data, &["--manifest", ledger.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{report}{said}");
}
