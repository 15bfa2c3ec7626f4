//! The command line as people and scripts meet it.

use std::process::Output;

use assert_cmd::Command;
use clap::CommandFactory;
use fhcheck::cli::args::Args;

fn fhcheck(words: &[&str]) -> Output {
    let mut command = Command::cargo_bin("fhcheck").expect("the binary is built");
    command.env_remove("FHCHECK_LOCATION").args(words).output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is text")
}

/// Runs a command that cannot go on, and gives what it says.
fn refused(words: &[&str]) -> String {
    let output = fhcheck(words);
    assert_eq!(output.status.code(), Some(2), "{words:?}: {output:?}");
    assert!(output.stdout.is_empty(), "{words:?} writes to stdout");
    text(&output.stderr)
}

#[test]
fn every_help_text_reads_well() {
    let command = Args::command().term_width(80);
    insta::assert_snapshot!("help", command.clone().render_long_help());
    for subcommand in command.get_subcommands() {
        let name = subcommand.get_name();
        for inner in subcommand.get_subcommands() {
            let full = format!("fhcheck {name} {}", inner.get_name());
            let help = inner.clone().term_width(80).bin_name(full).render_long_help();
            insta::assert_snapshot!(format!("help_{name}_{}", inner.get_name()), help);
        }
        // Options that hold for every command are in the help of the command itself.
        let mut subcommand = subcommand.clone().term_width(80).bin_name(format!("fhcheck {name}"));
        let help = subcommand.render_long_help().to_string();
        assert!(help.contains("Example"), "the help of {name} has no example");
        insta::assert_snapshot!(format!("help_{name}"), help);
    }
}

#[test]
fn help_is_for_stdout_and_usage_errors_are_for_stderr() {
    for words in [&["--help"][..], &["list", "-h"], &["--version"]] {
        let output = fhcheck(words);
        assert_eq!(output.status.code(), Some(0), "{words:?}");
        assert!(output.stderr.is_empty() && !output.stdout.is_empty(), "{words:?}");
    }
    assert!(refused(&["list", ".", "--no-such-option"]).contains("--no-such-option"));
    assert!(
        refused(&["reconcile", ".", "--expected", "1", "--manifest", "x"]).contains("--manifest")
    );
}

#[test]
fn an_error_says_what_is_wrong_and_what_to_do() {
    insta::assert_snapshot!(refused(&["list"]), @r"
    error: nowhere to look
    hint: name a location, as s3://BUCKET/PREFIX or a directory, a delivery stream with --delivery-stream, or a stack with --stack; or set FHCHECK_LOCATION
    ");
    insta::assert_snapshot!(refused(&["list", "my-bucket"]), @r#"
    error: there is no "my-bucket" here
    hint: if that is a bucket, write s3://my-bucket
    "#);
    insta::assert_snapshot!(refused(&["reconcile", "."]), @r"
    error: nothing to compare with
    hint: say how many records there should be with --expected N, or which ones with --manifest FILE or --stream NAME
    ");
    insta::assert_snapshot!(refused(&["dump", ".", "--since", "noon"]), @r#"
    error: --since "noon" is no time
    hint: write 2023-05-04T08:30:00Z, 2023-05-04, or how long ago: 30m, 2h, 1d
    "#);
}

/// What somebody typed, or a key, must not steer the terminal it is shown on.
#[test]
fn an_error_shows_foreign_text_escaped() {
    let said = refused(&["list", "\x1b[31mred"]);
    assert!(!said.contains('\x1b'), "{said:?}");
    let colored = refused(&["list", "nowhere", "--color", "always"]);
    assert!(colored.starts_with("\x1b[1m\x1b[31merror"), "{colored:?}");
}

#[test]
fn an_output_file_that_cannot_be_written_fails_before_the_run() {
    let said = refused(&["list", ".", "-o", "no/such/folder/list.json"]);
    assert!(said.contains("no/such/folder/list.json"), "{said}");
    let said = refused(&["dump", ".", "-o", "/dev/null", "--rejects", "no/such/folder/rejects"]);
    assert!(said.contains("no/such/folder/rejects"), "{said}");
}

#[test]
fn nothing_that_is_read_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
    std::fs::create_dir(path("in")).expect("a folder");
    for name in ["in/object", "manifest"] {
        std::fs::write(path(name), "{}").expect("a file");
    }
    let (object, manifest, beside) = (path("in/object"), path("manifest"), path("out"));
    let (location, inside) = (path("in"), path("in/new"));
    for words in [
        vec!["dump", &location, "-o", &object],
        vec!["dump", &location, "-o", &inside],
        vec!["dump", &location, "--rejects", &object],
        vec!["dump", &location, "-o", &beside, "--rejects", &beside],
        vec!["list", &object, "-o", &object],
        vec!["reconcile", &location, "--manifest", &manifest, "-o", &manifest],
    ] {
        assert!(refused(&words).contains("hint: "), "{words:?}");
    }
    assert_eq!(std::fs::read(&object).expect("it is there"), b"{}");
    assert_eq!(std::fs::read(&manifest).expect("it is there"), b"{}");
    let code = fhcheck(&["dump", &location, "-o", &beside]).status.code();
    assert_eq!(code, Some(0));
}

#[test]
fn completions_and_manual_come_from_the_same_definition() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = fhcheck(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        assert!(text(&output.stdout).contains("delimiter"), "{shell} does not know --delimiter");
    }
    let page = text(&fhcheck(&["man"]).stdout);
    assert!(page.contains(".TH fhcheck 1") && page.contains("discrepant"), "{page}");

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("man1");
    let output = fhcheck(&["man", "--out", path.to_str().expect("a path in UTF-8")]);
    assert_eq!(output.status.code(), Some(0));
    let mut pages: Vec<_> = std::fs::read_dir(&path)
        .expect("the folder was made")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    pages.sort();
    let names = [
        "-completions",
        "-demo",
        "-dump",
        "-list",
        "-man",
        "-produce",
        "-reconcile",
        "-simulate",
        "-snapshot",
    ];
    let of_stack = ["-stack-down", "-stack-print", "-stack-status", "-stack-up", "-stack"];
    let names = names.iter().chain(&of_stack).chain(&["-trace", ""]);
    assert_eq!(pages, names.map(|name| format!("fhcheck{name}.1")).collect::<Vec<_>>());
}

/// A reader that goes away has seen what it wanted.
#[cfg(unix)]
#[test]
fn a_closed_pipe_is_no_error() {
    use std::process::{Command, Stdio};
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("fhcheck"))
        .args(["completions", "zsh"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn the_demo_tells_its_story_and_its_verdict() {
    let output = fhcheck(&["demo"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told = text(&output.stdout);
    assert!(told.contains("RECONCILED  10 of 10 records delivered"), "{told}");
    assert!(output.stderr.is_empty(), "{output:?}");

    let output = fhcheck(&["demo", "--fault", "lose=1,duplicate=1"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = text(&output.stdout);
    assert!(told.contains("DISCREPANT  1 record missing, 1 duplicate"), "{told}");
}

/// A delivery made by `simulate`, and what every other command says of it.
struct Delivery {
    folder: tempfile::TempDir,
}

impl Delivery {
    fn new(options: &[&str]) -> Self {
        let delivery = Self { folder: tempfile::tempdir().expect("a folder") };
        let out = delivery.path("sim");
        let output = fhcheck(&[&["simulate", &out, "--count", "100"], options].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        delivery
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("a path in UTF-8").to_owned()
    }

    fn data(&self) -> String {
        self.path("sim/data")
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("the file is there")
    }
}

#[test]
fn a_clean_delivery_comes_out_clean() {
    let delivery = Delivery::new(&["--compression", "gzip", "--buffer-size", "2k"]);
    let (data, manifest) = (delivery.data(), delivery.path("sim/truth/produced.ndjson"));

    let output = fhcheck(&["dump", &data]);
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "nothing to say: {output:?}");
    assert_eq!(output.stdout, delivery.read("sim/truth/produced.ndjson"), "bytes are unchanged");

    assert_eq!(fhcheck(&["list", &data, "--records"]).status.code(), Some(0));
    assert_eq!(fhcheck(&["reconcile", &data, "--manifest", &manifest]).status.code(), Some(0));
    assert_eq!(fhcheck(&["reconcile", &data, "--expected", "100"]).status.code(), Some(0));
    assert_eq!(fhcheck(&["reconcile", &data, "--expected", "101"]).status.code(), Some(1));
    let said = text(&fhcheck(&["reconcile", &data, "--expected", "100", "--dry-run"]).stdout);
    assert!(said.contains("nothing was read") && said.contains("free"), "{said}");
}

#[test]
fn a_damaged_delivery_says_where() {
    let delivery = Delivery::new(&["--fault", "garble=1,lose=1"]);
    let (data, manifest) = (delivery.data(), delivery.path("sim/truth/produced.ndjson"));
    let (records, rejects) = (delivery.path("records"), delivery.path("rejects"));

    let output = fhcheck(&["dump", &data, "-o", &records, "--rejects", &rejects]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output.stderr).starts_with("DISCREPANT  1 malformed span"), "{output:?}");
    assert!(output.stdout.is_empty());
    assert!(!delivery.read("rejects").is_empty());
    let quiet = fhcheck(&["dump", &data, "-o", &records, "--quiet"]);
    assert_eq!((quiet.status.code(), quiet.stderr.len()), (Some(1), 0));

    let report = delivery.path("report.json");
    let words = ["reconcile", &data, "--manifest", &manifest, "--format", "json", "-o", &report];
    assert_eq!(fhcheck(&words).status.code(), Some(1));
    let report: serde_json::Value =
        serde_json::from_slice(&delivery.read("report.json")).expect("the report is JSON");
    assert_eq!(report["verdict"], "discrepant");
    assert_eq!(report["books"]["produced"]["missing"], 2);
    assert_eq!(report["malformed"][0]["length"], delivery.read("rejects").len());
}

#[test]
fn failed_records_are_told_from_data_and_given_out_on_request() {
    let delivery = Delivery::new(&["--fault", "fail=3"]);
    let (data, manifest) = (delivery.data(), delivery.path("sim/truth/produced.ndjson"));

    let output = fhcheck(&["dump", &data]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(text(&output.stdout).lines().count(), 97);
    let said = text(&output.stderr);
    assert!(said.starts_with("3 failed records in 1 object of error output"), "{said}");
    let output = fhcheck(&["dump", &data, "--failed"]);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let (failed, produced) =
        (text(&output.stdout), text(&delivery.read("sim/truth/produced.ndjson")));
    assert_eq!(failed.lines().count(), 3);
    assert!(failed.lines().all(|line| produced.contains(line)), "{failed}");

    let listed = text(&fhcheck(&["list", &data]).stdout);
    assert_eq!(listed.matches("(error output?)").count(), 1, "{listed}");
    let listed = text(&fhcheck(&["list", &data, "--records"]).stdout);
    assert_eq!(listed.matches("(error output)").count(), 1, "{listed}");
    assert!(listed.contains("97 records"), "{listed}");

    let output = fhcheck(&["reconcile", &data, "--manifest", &manifest]);
    assert_eq!(output.status.code(), Some(1));
    let report = text(&output.stdout);
    assert!(report.starts_with("DISCREPANT  3 records failed"), "{report}");
    assert!(report.contains("Lambda.ProcessingFailedStatus"), "{report}");
    for expectation in [["--manifest", &manifest], ["--expected", "100"]] {
        let words = [&["reconcile", &data, "--allow", "failed"], &expectation[..]].concat();
        assert_eq!(fhcheck(&words).status.code(), Some(0), "{words:?}");
    }
}
