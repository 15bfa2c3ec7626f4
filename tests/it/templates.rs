//! The stack's templates: linted, deployed into an emulator, and their function run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::emulator::{Emulator, ministack, python};
use crate::support::pip_install;

/// The linter, and all it needs.
const CFN_LINT: [&str; 9] = [
    "cfn-lint==1.58.0",
    "jsonpatch==1.48",
    "jsonpointer==3.12",
    "mpmath==1.3.0",
    "networkx==3.6.1",
    "pyyaml==6.0.4",
    "regex==2026.11.19",
    "sympy==1.14.0",
    "typing_extensions==4.16.0",
];

/// What CloudFormation takes as inline code.
const INLINE_CODE_MAX: usize = 4096;
/// What Lambda returns of a call at most.
const ANSWER_BYTES_MAX: u64 = 6_000_000;
/// What one event of a log holds.
const LOG_LINE_BYTES_MAX: u64 = 256 * 1024;
/// Records that `PutRecords` takes.
const PUT_RECORDS_MAX: u64 = 500;

#[test]
fn cfn_lint_finds_nothing() {
    let home = pip_install("cfn-lint-1.58.0", &CFN_LINT);
    let lint = python(&home).arg(home.join("bin/cfn-lint")).args(templates()).output().unwrap();
    let said = String::from_utf8_lossy(&lint.stdout) + String::from_utf8_lossy(&lint.stderr);
    assert!(lint.status.success() && said.is_empty(), "{said}");
}

#[test]
fn no_template_has_what_cloudformation_cannot_read() {
    for template in templates() {
        let text = fs::read_to_string(&template).unwrap();
        let alias = text.lines().find(|line| line.contains(": &") || line.contains(": *"));
        assert_eq!(alias, None, "{} has a YAML alias", template.display());
    }
}

#[test]
fn the_manifest_is_what_the_stream_holds() {
    let emulator = Emulator::start();
    let (_file, function) = function();
    let runs = run_script(&mut emulator.python(), "emulated.py", &function);
    let counts = [10, 10, 1, 1200];
    assert_eq!(runs.as_array().unwrap().len(), counts.len());
    for (run, count) in runs.as_array().unwrap().iter().zip(counts) {
        assert_eq!(run["error"], Value::Null);
        assert_eq!(run["answer"]["count"], json!(count));
        assert_eq!(run["answer"]["unanswered"], json!(0));
        let records = entries(&run["answer"]["records"]);
        assert_eq!(records.len(), count);
        assert_eq!(records, entries(&run["stream"]));
        assert_eq!(records, logged(run));
        records.iter().for_each(|record| assert_is_like_the_article(&record["record"]));
    }
    let shards = |run: &Value| {
        let mut shards: Vec<_> =
            entries(&run["stream"]).iter().map(|record| record["shardId"].to_string()).collect();
        shards.sort();
        shards.dedup();
        shards.len()
    };
    assert_eq!(shards(&runs[3]), 4, "partition keys spread over the shards");
}

#[test]
fn what_is_rejected_is_put_again_or_named() {
    let home = ministack();
    let (_file, function) = function();
    let runs = run_script(&mut python(&home), "rejected.py", &function);

    let run = &runs["all taken"];
    assert_acknowledged(run, 15_000);
    assert_eq!(run["requests"], json!(vec![PUT_RECORDS_MAX; 30]));
    assert!(run["answerBytes"].as_u64().unwrap() <= ANSWER_BYTES_MAX, "{}", run["answerBytes"]);

    // Of every three records one is taken at once, one the second time, one the third.
    let run = &runs["refused twice at most"];
    assert_acknowledged(run, 1200);
    assert_eq!(run["requests"], json!([500, 333, 166, 500, 333, 167, 200, 134, 67]));

    // Every seventh is refused for ever: 72 of the first request; the second is never made.
    let run = &runs["refused for ever"];
    assert_gave_up(
        run,
        "428 of 700 records acknowledged; 72 given up after 8 attempts \
         (ProvisionedThroughputExceededException), 200 never sent, 0 puts without an answer",
    );
    assert_eq!(run["requests"], json!([500, 72, 72, 72, 72, 72, 72, 72]));
    assert_eq!(texts(&logged(run), "record"), sorted(&run["stored"]));
    assert_eq!(
        run["log"].as_array().unwrap().last().unwrap()["rejected"].as_array().unwrap().len(),
        72
    );

    // The answer was lost, not the records: they are there twice, and the manifest says so.
    let run = &runs["no answer"];
    assert_eq!(run["error"], Value::Null);
    assert_eq!(run["answer"]["unanswered"], json!(10));
    assert_eq!(run["answer"]["records"].as_array().unwrap().len(), 10);
    assert_eq!(run["stored"].as_array().unwrap().len(), 20);

    assert_gave_up(&runs["no right"], "10 given up after 8 attempts (AccessDeniedException)");
    assert_gave_up(&runs["broken"], "(InternalFailure), 0 never sent, 80 puts without an answer");
    assert_gave_up(&runs["no time"], "0 of 10 records acknowledged; 10 given up after 0 attempts");
    for run in runs["bad counts"].as_array().unwrap() {
        assert!(run["error"].as_str().unwrap().ends_with("must be 1 to 15000"), "{run}");
        assert_eq!(run["requests"], json!([]));
    }

    for run in runs.as_object().unwrap().values().filter(|run| run.is_object()) {
        assert!(
            run["longestLine"].as_u64().unwrap() <= LOG_LINE_BYTES_MAX,
            "{}",
            run["longestLine"]
        );
        let pauses: Vec<_> = run["pauses"].as_array().unwrap().iter().map(Value::as_f64).collect();
        assert!(pauses.iter().all(|pause| pause.unwrap() <= 2.0), "{pauses:?}");
    }
}

#[test]
fn the_stack_comes_up_works_and_goes_away() {
    let emulator = Emulator::start();
    let templates = root().join("templates");
    let report = run_script(&mut emulator.python(), "deploy.py", &templates);
    assert_eq!(report["created"], "CREATE_COMPLETE", "{}", report["failures"]);
    let outputs = &report["outputs"];

    // What was produced arrived.
    assert_eq!(report["functionError"], Value::Null);
    let manifest = entries(&report["manifest"]["records"]);
    let delivered = report["delivered"].as_object().unwrap();
    assert_eq!(manifest.len(), 10);
    assert_eq!(texts(&manifest, "record"), sorted(&delivered.values().cloned().collect::<Value>()));
    let bucket = outputs["BucketName"].as_str().unwrap();
    assert_eq!(outputs["Location"], format!("s3://{bucket}/firehose/"));
    assert!(delivered.keys().all(|key| key.starts_with("firehose/")), "{delivered:?}");

    let destination = &report["delivery"]["Destinations"][0]["ExtendedS3DestinationDescription"];
    assert_eq!(destination["Prefix"], "firehose/");
    assert_eq!(destination["ErrorOutputPrefix"], "errors/!{firehose:error-output-type}/");
    assert_eq!(destination["CompressionFormat"], "UNCOMPRESSED");
    assert_eq!(destination["CloudWatchLoggingOptions"]["Enabled"], true);
    let delimited = json!({"Enabled": true, "Processors": [{"Type": "AppendDelimiterToRecord"}]});
    assert_eq!(destination["ProcessingConfiguration"], delimited);

    let groups = json!({"/aws/kinesisfirehose/orders": 14, "/aws/lambda/orders": 14});
    assert_eq!(report["logGroups"], groups);
    assert!(report["publicAccess"].as_object().unwrap().values().all(|blocked| blocked == true));
    let encryption = &report["encryption"]["Rules"][0]["ApplyServerSideEncryptionByDefault"];
    assert_eq!(encryption["SSEAlgorithm"], "AES256");
    let tls = &report["bucketPolicy"]["Statement"][0];
    assert_eq!(tls["Effect"], "Deny");
    assert_eq!(tls["Condition"], json!({"Bool": {"aws:SecureTransport": "false"}}));
    // The emulator does not hand tags down to resources, as CloudFormation does.
    let tag = json!([{"Key": "fhcheck:stack", "Value": "orders"}]);
    assert_eq!(report["tags"], json!({"Bucket": tag, "Delivery": tag, "Producer": tag}));

    // The policy in the docs is the policy in the stack.
    let policy = block_of_docs("json")
        .replace("BUCKET", bucket)
        .replace("STREAM_ARN", outputs["StreamArn"].as_str().unwrap())
        .replace("DELIVERY_ARN", outputs["DeliveryStreamArn"].as_str().unwrap())
        .replace("STACK_ID", report["stackId"].as_str().unwrap());
    assert_eq!(serde_json::from_str::<Value>(&policy).unwrap(), report["reader"]);
    for output in outputs.as_object().unwrap().keys() {
        assert!(docs().contains(&format!("| `{output}` |")), "docs/stack.md lacks {output}");
    }

    assert_eq!(report["deleted"], json!(["GONE", []]));
    let left = report["left"].as_object().unwrap();
    let left: Vec<_> = left.iter().filter(|(_, all)| **all != json!([])).collect();
    assert_eq!(left, [(&"buckets".to_owned(), &json!(["uploads"]))]);
}

#[test]
fn every_parameter_is_in_the_docs_with_its_default() {
    let text = fs::read_to_string(root().join("templates/root.yaml")).unwrap();
    let (_, parameters) = text.split_once("\nParameters:\n").unwrap();
    let (parameters, _) = parameters.split_once("\nResources:\n").unwrap();
    let mut name = "";
    let mut defaults = 0;
    for line in parameters.lines() {
        if let Some(found) = line.strip_prefix("  ").and_then(|line| line.strip_suffix(':')) {
            name = found;
        }
        if let Some(default) = line.strip_prefix("    Default: ") {
            let row = format!("| `{name}` | `{}` |", default.trim_matches('"'));
            assert!(docs().contains(&row), "docs/stack.md lacks {row}");
            defaults += 1;
        }
    }
    assert_eq!(defaults, 9);
}

/// Runs one of the scripts beside this file, and reads what it prints.
fn run_script(python: &mut Command, script: &str, argument: &Path) -> Value {
    let script = root().join("tests/it/templates").join(script);
    let run = python.arg(&script).arg(argument).output().unwrap();
    let errors = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{} failed:\n{errors}", script.display());
    serde_json::from_slice(&run.stdout).unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn templates() -> Vec<PathBuf> {
    ["root", "bucket", "delivery", "producer"]
        .map(|name| root().join(format!("templates/{name}.yaml")))
        .to_vec()
}

/// The inline code of the function, in a file.
fn function() -> (TempDir, PathBuf) {
    let template = fs::read_to_string(root().join("templates/producer.yaml")).unwrap();
    let (_, rest) = template.split_once("        ZipFile: |\n").unwrap();
    let indented = |line: &&str| line.is_empty() || line.starts_with("          ");
    let lines = rest.lines().take_while(indented).map(|line| line.get(10..).unwrap_or_default());
    let code = lines.collect::<Vec<_>>().join("\n");
    assert!(code.len() <= INLINE_CODE_MAX, "{} bytes of inline code", code.len());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("index.py");
    fs::write(&path, code).unwrap();
    (directory, path)
}

fn docs() -> String {
    fs::read_to_string(root().join("docs/stack.md")).unwrap()
}

/// The first block of the docs in that language.
fn block_of_docs(language: &str) -> String {
    let docs = docs();
    let (_, rest) = docs.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

/// Entries of a manifest, in the order of their sequence numbers.
fn entries(records: &Value) -> Vec<Value> {
    let mut records = records.as_array().unwrap().clone();
    records.sort_by_key(|record| record["sequenceNumber"].as_str().unwrap().to_owned());
    records
}

/// Entries that the log acknowledges.
fn logged(run: &Value) -> Vec<Value> {
    let lines = run["log"].as_array().unwrap().iter();
    let all = lines.filter_map(|line| line["acknowledged"].as_array()).flatten().cloned();
    entries(&all.collect())
}

/// One member of all entries, sorted.
fn texts(entries: &[Value], member: &str) -> Vec<String> {
    sorted(&entries.iter().map(|entry| entry[member].clone()).collect())
}

fn sorted(texts: &Value) -> Vec<String> {
    let texts = texts.as_array().unwrap().iter();
    let mut texts: Vec<_> = texts.map(|text| text.as_str().unwrap().to_owned()).collect();
    texts.sort();
    texts
}

/// All went well: what was stored is what is acknowledged, in the answer and in the log.
fn assert_acknowledged(run: &Value, count: usize) {
    assert_eq!(run["error"], Value::Null);
    assert_eq!(run["answer"]["unanswered"], json!(0));
    let records = entries(&run["answer"]["records"]);
    assert_eq!(records.len(), count);
    assert_eq!(texts(&records, "record"), sorted(&run["stored"]));
    assert_eq!(records, logged(run));
}

/// It failed, and the numbers are in what it said.
fn assert_gave_up(run: &Value, said: &str) {
    assert_eq!(run["answer"], Value::Null);
    let error = run["error"].as_str().unwrap();
    assert!(error.starts_with("RuntimeError: ") && error.contains(said), "{error}");
}

/// Members in the order and the spelling of the records that everything here is about.
fn assert_is_like_the_article(record: &Value) {
    let text = record.as_str().unwrap();
    let value: Value = serde_json::from_str(text).unwrap();
    let time = value["EVENT_TIME"].as_str().unwrap();
    assert_eq!(time.len(), "2023-05-04T08:30:21.351077".len());
    time.parse::<jiff::civil::DateTime>().unwrap();
    let ticker = value["TICKER"].as_str().unwrap();
    assert!(["AAPL", "AMZN", "MSFT", "INTC", "TBV"].contains(&ticker), "{text}");
    let price = value["PRICE"].as_f64().unwrap();
    assert!((price * 100.0 - (price * 100.0).round()).abs() < 1e-6, "{text}");
    let spelled =
        format!(r#"{{"EVENT_TIME": "{time}", "TICKER": "{ticker}", "PRICE": {price:?}}}"#);
    assert_eq!(text, spelled);
}
