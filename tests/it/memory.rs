//! Bounded memory, and runs that are interrupted: through the binary, with what does not fit on disk.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::reply;

/// A delivery with known truth, a folder for temporary files, and one for results.
struct Place {
    delivery: TempDir,
    temp: TempDir,
    out: TempDir,
}

/// Enough records that they do not fit into the least memory.
const RECORDS: u64 = 120_000;

impl Place {
    fn new(faults: &str) -> Self {
        let [delivery, temp, out] = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let place = Self { delivery, temp, out };
        let count = RECORDS.to_string();
        let words = ["--count", &count, "--rate", "1000", "--buffer-size", "1MiB"];
        let mut simulate = place.fhcheck(&["simulate"]);
        simulate.arg(place.delivery.path().join("sim")).args(words).args(["--fault", faults]);
        assert!(simulate.stdout(Stdio::null()).status().unwrap().success());
        place
    }

    fn fhcheck(&self, words: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("fhcheck"));
        command.args(words).env_clear().env("TMPDIR", self.temp.path());
        command
    }

    fn data(&self) -> String {
        self.delivery.path().join("sim/data").display().to_string()
    }

    fn manifest(&self) -> String {
        self.delivery.path().join("sim/truth/produced.ndjson").display().to_string()
    }

    fn report(&self) -> String {
        self.out.path().join("report.json").display().to_string()
    }

    /// `reconcile` in the least memory, with its report as JSON in a file.
    fn reconcile(&self, location: &str, words: &[&str]) -> Command {
        self.reconcile_in("1MiB", location, words)
    }

    fn reconcile_in(&self, memory: &str, location: &str, words: &[&str]) -> Command {
        let (manifest, report) = (self.manifest(), self.report());
        let mut command = self.fhcheck(&["reconcile", location, "--manifest", &manifest]);
        command.args(["--format", "json", "-o", &report, "--memory", memory]).args(words);
        command
    }

    /// The report, and nothing beside it: no temporary file either.
    fn result(&self) -> Value {
        self.assert_nothing_left(&["report.json"]);
        serde_json::from_slice(&fs::read(self.report()).unwrap()).unwrap()
    }

    fn assert_nothing_left(&self, results: &[&str]) {
        assert_eq!(names(self.temp.path()), [""; 0]);
        assert_eq!(names(self.out.path()), results);
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn interrupt(id: u32) {
    assert!(Command::new("kill").args(["-INT", &id.to_string()]).status().unwrap().success());
}

#[test]
fn with_little_memory_the_answer_is_the_same() {
    let place = Place::new("lose=40,duplicate=30,garble=5,fail=20,cut=2");
    for words in [&["--samples", "all"][..], &["--match", "json", "--samples", "7"]] {
        let mut reports = Vec::new();
        for memory in ["1MiB", "1GiB"] {
            let mut run = place.reconcile_in(memory, &place.data(), words);
            assert_eq!(run.status().unwrap().code(), Some(1));
            reports.push(place.result());
        }
        assert_eq!(reports[0], reports[1]);
        assert_eq!(reports[0]["books"]["found"]["duplicates"], 30);
    }
}

/// A run with little memory on a disk with room for little.
fn on_a_full_disk(place: &Place, words: &[&str]) -> Output {
    // What a file may hold is limited in blocks; passing it is an error instead of a signal.
    let limited = "trap '' XFSZ; ulimit -f 1000; exec \"$@\"";
    let run = place.reconcile(&place.data(), words);
    let mut shell = Command::new("sh");
    shell.args(["-c", limited, "sh"]).arg(run.get_program()).args(run.get_args());
    shell.env_clear().env("TMPDIR", place.temp.path()).output().unwrap()
}

#[test]
fn a_disk_that_is_full_is_an_error_that_says_what_helps() {
    let place = Place::new("lose=1");
    let done = on_a_full_disk(&place, &["--match", "json"]);
    assert_eq!(done.status.code(), Some(2));
    let said = String::from_utf8(done.stderr).unwrap();
    let folder = place.temp.path().display().to_string();
    assert!(said.contains(&format!("goes to a temporary file in {folder}: ")), "{said}");
    assert!(said.contains("--temp-dir") && said.contains("--memory"), "{said}");
    place.assert_nothing_left(&[]);

    let nowhere = ["--match", "json", "--temp-dir", "/nowhere"];
    let mut elsewhere = place.reconcile(&place.data(), &nowhere);
    let said = String::from_utf8(elsewhere.output().unwrap().stderr).unwrap();
    assert!(said.contains("a temporary file in /nowhere"), "{said}");
    place.assert_nothing_left(&[]);
}

#[test]
fn files_of_which_little_differs_need_no_disk() {
    let place = Place::new("lose=3,duplicate=2");
    assert_eq!(on_a_full_disk(&place, &["--samples", "all"]).status.code(), Some(1));
    let report = place.result();
    assert_eq!(report["books"]["produced"]["missing"], 3);
    assert_eq!(report["books"]["found"]["duplicates"], 2);
}

/// A bucket of two objects, of which the second never comes: then it says so.
fn half_a_bucket(content: &'static str, asked: Sender<()>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let asked = asked.clone();
            thread::spawn(move || answer(stream.unwrap(), content, &asked));
        }
    });
    format!("http://{address}")
}

fn answer(mut stream: TcpStream, content: &str, asked: &Sender<()>) {
    let mut request = BufReader::new(stream.try_clone().unwrap());
    let mut first = String::new();
    request.read_line(&mut first).unwrap();
    let mut line = String::new();
    while request.read_line(&mut line).is_ok_and(|read| read > 2) {
        line.clear();
    }
    let object = |key: &str| {
        let size = content.len();
        let key = format!("<Key>firehose/{key}</Key><ETag>\"e-1\"</ETag><Size>{size}</Size>");
        format!("<Contents>{key}</Contents>")
    };
    if first.contains("list-type=2") {
        let objects = object("a") + &object("b");
        let page = format!(
            "<ListBucketResult><IsTruncated>false</IsTruncated>{objects}</ListBucketResult>"
        );
        let page = reply("200 OK", "content-type: application/xml\r\n", &page);
        stream.write_all(page.as_bytes()).unwrap();
    } else if first.contains("/firehose/a") {
        let body = reply("200 OK", "etag: \"e-1\"\r\n", content);
        stream.write_all(body.as_bytes()).unwrap();
    } else {
        asked.send(()).unwrap();
        // Until whoever waits for it goes away.
        let _ = request.read_to_end(&mut Vec::new());
    }
}

#[test]
fn interrupted_while_it_reads_it_says_what_it_has() {
    let place = Place::new("lose=1");
    let (asked, asks): (_, Receiver<()>) = channel();
    let content = r#"{"no":"such record"}{"a":1}"#;
    let url = half_a_bucket(content, asked);
    let mut run = place.reconcile("s3://bucket", &["--endpoint-url", &url, "--path-style", "-v"]);
    run.env("AWS_ACCESS_KEY_ID", "key").env("AWS_SECRET_ACCESS_KEY", "secret");
    let mut run = run.env("AWS_REGION", "us-east-1").stderr(Stdio::piped()).spawn().unwrap();
    asks.recv().unwrap();
    let mut lines = BufReader::new(run.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("key=\"firehose/a\"") || line.contains("firehose/a")));
    thread::spawn(move || lines.for_each(drop));
    interrupt(run.id());
    assert_eq!(run.wait().unwrap().code(), Some(2));
    let report = place.result();
    assert_eq!(report["verdict"], "inconclusive");
    assert_eq!(report["books"]["objects"]["gaps"], 1);
    assert_eq!(report["gaps"][0]["key"], "firehose/b");
    assert_eq!(report["gaps"][0]["code"], "interrupted");
    assert_eq!(report["books"]["produced"]["produced"], RECORDS);
}

#[test]
fn interrupted_while_it_waits_it_says_what_it_has() {
    let place = Place::new("lose=3,duplicate=2");
    let mut run = place.reconcile(&place.data(), &["--wait", "10m", "--samples", "all"]);
    let mut run = run.stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(run.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("looking again")));
    thread::spawn(move || lines.for_each(drop));
    // What was said at first holds.
    fs::remove_file(place.manifest()).unwrap();
    interrupt(run.id());
    assert_eq!(run.wait().unwrap().code(), Some(2));
    let report = place.result();
    assert_eq!(report["verdict"], "inconclusive");
    assert_eq!(report["gaps"][0]["code"], "interrupted");
    assert_eq!(report["books"]["produced"]["pending"], 3);
    assert_eq!(report["books"]["found"]["duplicates"], 2);
}

#[test]
fn an_interrupted_dump_leaves_no_file() {
    let place = Place::new("lose=1");
    let (asked, asks): (_, Receiver<()>) = channel();
    let url = half_a_bucket("{\"a\":1}", asked);
    let out = place.out.path().join("records.ndjson").display().to_string();
    let mut run = place.fhcheck(&["dump", "s3://bucket", "--endpoint-url", &url, "--path-style"]);
    run.env("AWS_ACCESS_KEY_ID", "key").env("AWS_SECRET_ACCESS_KEY", "secret");
    let run = run.env("AWS_REGION", "us-east-1").args(["-o", &out, "--rejects"]);
    let mut run = run.arg(place.out.path().join("rejects")).spawn().unwrap();
    asks.recv().unwrap();
    assert_eq!(names(place.out.path()).len(), 2, "what is written has no name yet");
    interrupt(run.id());
    assert_eq!(run.wait().unwrap().code(), Some(2));
    place.assert_nothing_left(&[]);
}
