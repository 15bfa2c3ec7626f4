//! What docs/security.md promises: no secret in any output, no redirect followed, nothing read that is
//! no file, and no call that is not documented.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use assert_cmd::Command;
use fhcheck::endpoint::{ACCESS_KEY, Endpoint, SECRET_KEY};
use walkdir::WalkDir;

use crate::support::{Script, reply, s3_error};

const TOKEN: &str = "SESSION-TOKEN-THAT-NOBODY-MAY-SEE";
const BUCKET: &str = "bucket";

/// Runs the binary against an endpoint, with a key and a session token in the environment.
fn fhcheck(endpoint: &str, words: &[&str]) -> Output {
    let mut command = Command::cargo_bin("fhcheck").unwrap();
    command.env_remove("FHCHECK_LOCATION").env_remove("AWS_PROFILE");
    command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
    command.env("AWS_SESSION_TOKEN", TOKEN).env("AWS_EC2_METADATA_DISABLED", "true");
    command.args(["--endpoint-url", endpoint, "--region", "eu-west-1"]);
    command.args(words).timeout(Duration::from_secs(120)).output().unwrap()
}

/// Everything that a run wrote.
fn said(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    format!("{out}{err}")
}

/// A bucket with a delivery of two records.
async fn bucket() -> Endpoint {
    let endpoint = Endpoint::start().await.unwrap();
    endpoint.create_bucket(BUCKET);
    let key = "firehose/2026/07/13/14/s-1-2026-07-13-14-05-09-959487e4-754a-46e0-9b2d-f8cf1ce8a226";
    endpoint.put(BUCKET, key, r#"{"a":1}{"a":2}"#, None);
    endpoint
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_any_output() {
    let endpoint = bucket().await;
    let denied = s3_error("403 Forbidden", "", "SignatureDoesNotMatch", "no");
    let refusing = Script::start(vec![denied]).await;
    let (url, refusing_url) = (endpoint.url(), refusing.url());
    blocking(move || {
        let runs: [&[&str]; 12] = [
            &["list", "s3://bucket", "-vv"],
            &["list", "s3://bucket", "--records", "--format", "json", "-vv"],
            &["list", "s3://bucket", "--format", "csv"],
            &["dump", "s3://bucket", "-vv"],
            &["reconcile", "s3://bucket", "--expected", "2", "-vv"],
            &["reconcile", "s3://bucket", "--expected", "3", "--format", "json", "-v"],
            &["reconcile", "s3://bucket", "--manifest", "s3://bucket/none", "-vv"],
            &["list", "s3://no-such-bucket", "-vv"],
            &["snapshot", "--stream", "s", "-o", "/dev/null", "-vv"],
            &["trace", "--delivery-stream", "d", "-vv"],
            &["produce", "--delivery-stream", "d", "--manifest", "/dev/null/none", "-vv"],
            &["stack", "status", "s", "-vv"],
        ];
        for endpoint in [&url, &refusing_url] {
            for words in runs {
                let said = said(&fhcheck(endpoint, words));
                for secret in [SECRET_KEY, TOKEN, "Signature="] {
                    assert!(!said.contains(secret), "{words:?} tells {secret}:\n{said}");
                }
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let target = format!("http://{}/bucket", elsewhere.local_addr().unwrap());
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect"] {
        let moved = reply(status, &format!("location: {target}\r\n"), "");
        let server = Script::start(vec![moved]).await;
        let url = server.url();
        let output = blocking(move || fhcheck(&url, &["list", "s3://bucket", "--records"])).await;
        assert_eq!(output.status.code(), Some(2), "{status}: {}", said(&output));
        assert!(elsewhere.accept().is_err(), "{status} was followed");
    }
}

#[test]
fn plain_http_to_another_machine_is_warned_of() {
    // Nothing leaves this machine: the name is one that nobody has (RFC 6761).
    let exposed = said(&fhcheck("http://s3.invalid:9", &["list", "s3://bucket"]));
    assert_eq!(
        exposed.matches("warning: http://s3.invalid:9 is plain HTTP").count(),
        1,
        "{exposed}"
    );
    let loopback = said(&fhcheck("http://127.0.0.1:9", &["list", "s3://bucket"]));
    assert!(!loopback.contains("plain HTTP"), "{loopback}");
    let tls = said(&fhcheck("https://s3.invalid:9", &["list", "s3://bucket"]));
    assert!(!tls.contains("plain HTTP"), "{tls}");
}

#[cfg(unix)]
#[test]
fn links_pipes_and_devices_are_not_read() {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    let folder = tempfile::tempdir().unwrap();
    let (inside, outside) = (folder.path().join("in"), folder.path().join("outside"));
    fs::create_dir_all(&inside).unwrap();
    fs::write(&outside, r#"{"secret":1}"#).unwrap();
    fs::write(inside.join("a"), r#"{"a":1}"#).unwrap();
    symlink("../outside", inside.join("b")).unwrap();
    symlink("..", inside.join("c")).unwrap();
    symlink("/dev/zero", inside.join("d")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(inside.join("e")).status().unwrap();
    assert!(made.success());
    let _socket = UnixListener::bind(inside.join("f")).unwrap();
    let output = fhcheck("http://127.0.0.1:9", &["dump", inside.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "{\"a\":1}\n");
    let location = inside.join("..").join("in");
    let output = fhcheck("http://127.0.0.1:9", &["list", location.to_str().unwrap()]);
    let said = said(&output);
    for name in ["a", "b", "c", "d", "e", "f"] {
        assert!(
            said.lines().any(|line| line.split_whitespace().any(|word| word == name)),
            "{said}"
        );
    }
}

/// The table of docs/security.md: what stands in its first column, and the actions beside it.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/security.md"));
    let text = text.unwrap();
    let table = text.split_once("| command | actions |").unwrap().1;
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let mut cells = row.split(" | ");
        let command = cells.next().unwrap().trim_start_matches("| ").to_owned();
        let words = cells.next().unwrap().split('`').filter(|word| word.contains(':'));
        (command, words.map(str::to_owned).collect())
    })
    .collect()
}

/// The action that an operation takes, where it is not called the same.
fn action(service: &str, operation: &str) -> String {
    match (service, operation) {
        ("S3", "ListObjectsV2") => "s3:ListBucket".to_owned(),
        ("S3", "HeadObject") => "s3:GetObject".to_owned(),
        ("S3", "ListObjectVersions") => "s3:ListBucketVersions".to_owned(),
        ("S3", "DeleteObjects") => "s3:DeleteObject".to_owned(),
        ("S3", "ListMultipartUploads") => "s3:ListBucketMultipartUploads".to_owned(),
        ("Lambda", "Invoke") => "lambda:InvokeFunction".to_owned(),
        _ => format!("{}:{operation}", service.to_ascii_lowercase()),
    }
}

/// The service of an operation that the sources name.
fn service(operation: &str) -> &'static str {
    match operation {
        "DescribeDeliveryStream" | "PutRecordBatch" => "Firehose",
        "DescribeStreamSummary"
        | "ListShards"
        | "GetShardIterator"
        | "GetRecords"
        | "PutRecords" => "Kinesis",
        "GetMetricData" => "CloudWatch",
        "GetCallerIdentity" => "STS",
        "Invoke" => "Lambda",
        _ if operation.contains("Stack")
            || operation.contains("ChangeSet")
            || operation == "GetTemplate" =>
        {
            "CloudFormation"
        }
        _ => "S3",
    }
}

/// Methods that look like calls and are none.
const NO_CALLS: [&str; 4] = ["get_mut", "get_ref", "delete_markers", "set_permissions"];
const VERBS: [&str; 19] = [
    "abort", "cancel", "complete", "continue", "copy", "create", "delete", "describe", "execute",
    "get", "head", "invoke", "list", "put", "restore", "select", "tag", "update", "upload",
];

#[test]
fn every_call_is_documented() {
    let mut called = BTreeSet::new();
    for room in ["aws", "expect", "produce", "source", "stack", "trace"] {
        let files = WalkDir::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(room));
        for file in files.into_iter().map(Result::unwrap).filter(|file| file.path().is_file()) {
            let text = fs::read_to_string(file.path()).unwrap();
            for (at, _) in text.match_indices("()") {
                let before = &text[..at];
                let begin = before.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                let Some(begin) = begin.filter(|&dot| text[dot..].starts_with('.')) else {
                    continue;
                };
                let method = &before[begin + 1..];
                let (verb, more) = method.split_once('_').unwrap_or((method, ""));
                let is_call = VERBS.contains(&verb) && (!more.is_empty() || verb == "invoke");
                if is_call && !NO_CALLS.contains(&method) {
                    let words = method.split('_').map(|word| {
                        let (first, rest) = word.split_at(1);
                        first.to_ascii_uppercase() + rest
                    });
                    let operation: String = words.collect();
                    called.insert(action(service(&operation), &operation));
                }
            }
        }
    }
    let mut documented: BTreeSet<_> = documented().into_values().flatten().collect();
    // The same call, of objects with versions.
    assert!(documented.remove("s3:DeleteObjectVersion"));
    assert_eq!(called, documented);
}

/// The actions that a run took, as `-vv` tells its operations.
fn taken(output: &Output) -> BTreeSet<String> {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let spans = said.split("rpc.service=\"").skip(1);
    spans
        .filter_map(|span| {
            let (service, rest) = span.split_once('"')?;
            let operation = rest.split_once("rpc.method=\"")?.1.split('"').next()?;
            Some(action(service, operation))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_call_what_is_documented() {
    let endpoint = bucket().await;
    let url = endpoint.url();
    blocking(move || {
        let documented = documented();
        let reading = "`list --records`, `dump`, `reconcile`";
        let runs: [(&[&str], &str); 5] = [
            (&["list", "s3://bucket", "-vv"], "`list`"),
            (&["list", "s3://bucket", "-vv", "--since", "2026-07-13"], "`list`"),
            (&["list", "s3://bucket", "-vv", "--records"], reading),
            (&["dump", "s3://bucket", "-vv"], reading),
            (&["reconcile", "s3://bucket", "-vv", "--expected", "2"], reading),
        ];
        for (words, row) in runs {
            let output = fhcheck(&url, words);
            assert_eq!(output.status.code(), Some(0), "{words:?}: {}", said(&output));
            assert_eq!(taken(&output), documented[row], "{words:?}");
        }
    })
    .await;
}
