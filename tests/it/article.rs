//! The object that the original pipeline wrote, through the command line: from a directory, and from
//! a bucket over HTTP. Then what a user meets who has no bucket, no rights, or no credentials.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use fhcheck::endpoint::{ACCESS_KEY, Endpoint, SECRET_KEY};

use crate::support;

const KEY: &str = "2023/05/04/08/saa-04-003-FirehoseDeliveryStream-1-2023-05-04-08-30-21-object";

fn article() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/article")
}

/// Runs fhcheck with nothing around it but what the test says.
async fn fhcheck(env: Vec<(&'static str, String)>, words: &[&str]) -> Output {
    let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
    // The endpoint runs on this runtime: the command must not block it.
    let run = move || {
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::cargo_bin("fhcheck").unwrap();
        command.env_clear().env("HOME", home.path()).env("AWS_EC2_METADATA_DISABLED", "true");
        command.envs(env).args(words).output().unwrap()
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

fn keys(endpoint: &Endpoint) -> Vec<(&'static str, String)> {
    vec![
        ("AWS_ENDPOINT_URL", endpoint.url()),
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned()),
    ]
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// What must come out, wherever the object lies.
async fn tells_the_truth(env: Vec<(&'static str, String)>, location: &str, manifest: &str) {
    let object = fs::read(article().join("delivered").join(KEY)).unwrap();
    let list = fhcheck(env.clone(), &["list", location, "--records"]).await;
    let text = String::from_utf8(list.stdout).unwrap();
    assert_eq!(list.status.code(), Some(0));
    assert!(text.contains("saa-04-003-FirehoseDeliveryStream v1"), "{text}");
    assert!(text.contains("1 object, 777 bytes, 10 records"), "{text}");
    let dump = fhcheck(env.clone(), &["dump", location]).await;
    assert_eq!(dump.status.code(), Some(0));
    let lines: Vec<_> = dump.stdout.split_inclusive(|&byte| byte == b'\n').collect();
    assert_eq!(lines.len(), 10);
    let glued: Vec<u8> = dump.stdout.iter().copied().filter(|&byte| byte != b'\n').collect();
    assert_eq!(glued, object, "bytes unchanged");
    for (expectation, code) in
        [(["--expected", "10"], 0), (["--expected", "11"], 1), (["--manifest", manifest], 0)]
    {
        let words = [&["reconcile", location][..], &expectation].concat();
        let output = fhcheck(env.clone(), &words).await;
        assert_eq!(output.status.code(), Some(code), "{words:?}: {}", stderr(&output));
    }
}

#[tokio::test]
async fn the_article_is_accounted_for_as_a_directory() {
    let path = |name: &str| article().join(name).to_str().unwrap().to_owned();
    tells_the_truth(vec![], &path("delivered"), &path("produced.ndjson")).await;
    let object = path("delivered") + "/" + KEY;
    tells_the_truth(vec![], &object, &path("produced.ndjson")).await;
}

#[tokio::test]
async fn the_article_is_accounted_for_as_a_bucket() {
    let endpoint = Endpoint::start().await.unwrap();
    endpoint.create_bucket("article");
    for (key, bytes) in support::files(&article().join("delivered")) {
        endpoint.put("article", &format!("firehose/{key}"), bytes, None);
    }
    endpoint.put(
        "article",
        "produced.ndjson",
        fs::read(article().join("produced.ndjson")).unwrap(),
        None,
    );
    let manifest = "s3://article/produced.ndjson";
    tells_the_truth(keys(&endpoint), "s3://article/firehose/", manifest).await;
    // A bucket alone means the prefix firehose/.
    tells_the_truth(keys(&endpoint), "s3://article", manifest).await;
}

#[tokio::test]
async fn what_cannot_be_reached_exits_2_and_says_what_to_do() {
    let endpoint = Endpoint::start().await.unwrap();
    endpoint.create_bucket("closed");
    endpoint.deny_list("closed");
    let without = |name: &str| {
        let env = keys(&endpoint).into_iter().filter(|(key, _)| !key.contains(name));
        env.chain([("AWS_REGION", "eu-west-1".to_owned())]).collect::<Vec<_>>()
    };
    let dead = vec![
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9".to_owned()),
        ("AWS_ACCESS_KEY_ID", "key".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
    ];
    for (env, location, says) in [
        (keys(&endpoint), "s3://nowhere", "nowhere"),
        (keys(&endpoint), "s3://closed", "s3:ListBucket"),
        (without("KEY"), "s3://closed", "no AWS credentials found"),
        (vec![], "s3://closed", "no AWS region is configured"),
        (dead, "s3://closed", "cannot reach http://127.0.0.1:9"),
        (vec![], "no/such/directory", "no/such/directory"),
    ] {
        let output = fhcheck(env, &["reconcile", location, "--expected", "10"]).await;
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{location}: {text}");
        assert!(text.contains(says) && text.contains("hint: "), "{location}: {text}");
        assert!(output.stdout.is_empty(), "{location}");
    }
}

#[tokio::test]
async fn an_empty_prefix_with_records_expected_is_discrepant() {
    let endpoint = Endpoint::start().await.unwrap();
    endpoint.create_bucket("empty");
    let output = fhcheck(keys(&endpoint), &["reconcile", "s3://empty", "--expected", "10"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
}
