//! The walk along the pipeline: numbers that were put into an emulated CloudWatch, objects in its S3.

mod seeds;

use std::sync::LazyLock;

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::cbor;
use crate::emulator::{Emulator, fhcheck};
use crate::support::{Script, reply};

const STREAM: &str = "orders-source";

/// An hour ago, at the beginning of a minute: everything about it is settled.
fn then() -> Timestamp {
    static THEN: LazyLock<Timestamp> = LazyLock::new(|| {
        let minute = (now().as_second() - 3600).div_euclid(60);
        Timestamp::new(minute * 60, 0).unwrap()
    });
    *THEN
}

#[expect(clippy::disallowed_methods, reason = "the binary has the clock of this machine")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// A pipeline of its own in an emulator that all cases of a test share.
struct Pipeline<'a> {
    emulator: &'a Emulator,
    /// The name of its delivery stream and of its bucket.
    name: &'a str,
}

/// What CloudWatch says at each hop; none says nothing.
#[derive(Default, Clone, Copy)]
struct Said {
    incoming: Option<u32>,
    read: Option<u32>,
    delivered: Option<u32>,
    throttled: Option<u32>,
}

impl Pipeline<'_> {
    async fn metric(&self, namespace: &str, name: &str, value: Option<u32>) {
        let Some(value) = value else { return };
        let (dimension, stream) = match namespace {
            "AWS/Kinesis" => ("StreamName", self.stream()),
            _ => ("DeliveryStreamName", self.name.to_owned()),
        };
        let datum = MetricDatum::builder()
            .metric_name(name)
            .dimensions(Dimension::builder().name(dimension).value(stream).build())
            .timestamp(DateTime::from_secs(then().as_second()))
            .value(value.into())
            .build();
        let client = self.emulator.aws().cloudwatch();
        client.put_metric_data().namespace(namespace).metric_data(datum).send().await.unwrap();
    }

    fn stream(&self) -> String {
        format!("{}-{STREAM}", self.name)
    }

    async fn says(&self, said: Said) {
        self.metric("AWS/Kinesis", "IncomingRecords", said.incoming).await;
        self.metric("AWS/Kinesis", "PutRecords.ThrottledRecords", said.throttled).await;
        let read = "DataReadFromKinesisStream.Records";
        self.metric("AWS/Firehose", read, said.read).await;
        self.metric("AWS/Firehose", "DeliveryToS3.Records", said.delivered).await;
    }

    /// One object with so many records, begun when the metrics were taken.
    async fn stores(&self, records: usize) {
        let key = then().strftime("firehose/%Y/%m/%d/%H/");
        let time = then().strftime("%Y-%m-%d-%H-%M-%S");
        let key = format!("{key}{}-1-{time}-00000000-0000-0000-0000-000000000000", self.name);
        let s3 = self.emulator.aws().s3();
        s3.create_bucket().bucket(self.name).send().await.unwrap();
        let body = r#"{"id":1}"#.repeat(records).into_bytes();
        s3.put_object().bucket(self.name).key(key).body(body.into()).send().await.unwrap();
    }

    /// Exit code and report of a walk.
    fn walk(&self, more: &[&str]) -> (i32, Value) {
        let (location, stream) = (format!("s3://{}", self.name), self.stream());
        let since = (then() - SignedDuration::from_mins(50)).to_string();
        let until = (then() + SignedDuration::from_mins(40)).to_string();
        let words = ["trace", &location, "--delivery-stream", self.name, "--stream", &stream];
        let window = ["--since", &since, "--until", &until, "--format", "json"];
        let words = [&words[..], &window, more].concat();
        let output = self.emulator.fhcheck(&words).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.stderr.is_empty(), "{errors}");
        (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).unwrap())
    }
}

fn standings(report: &Value) -> Vec<&str> {
    let hops = report["hops"].as_array().unwrap();
    hops.iter().map(|hop| hop["standing"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hop_where_the_number_drops_is_named() {
    let emulator = Emulator::start();
    let all = Said { incoming: Some(10), read: Some(10), delivered: Some(10), throttled: None };
    let (agrees, drops) = ("agrees", "drops");
    let cases = [
        ("whole", all, 10, 0, [agrees, agrees, agrees, agrees]),
        (
            "refused",
            Said { incoming: Some(7), read: Some(7), delivered: Some(7), throttled: Some(3) },
            7,
            1,
            [drops, agrees, agrees, agrees],
        ),
        (
            "unread",
            Said { read: Some(6), delivered: Some(6), ..all },
            6,
            1,
            [agrees, drops, agrees, agrees],
        ),
        ("undelivered", Said { delivered: Some(5), ..all }, 5, 1, [agrees, agrees, drops, agrees]),
        ("unstored", all, 9, 1, [agrees, agrees, agrees, drops]),
        ("silent", Said { read: None, ..all }, 10, 2, [agrees, "unknown", "unknown", agrees]),
    ];
    for (name, said, stored, code, expected) in cases {
        let pipeline = Pipeline { emulator: &emulator, name };
        pipeline.says(said).await;
        pipeline.stores(stored).await;
        let (exit, report) = pipeline.walk(&["--produced", "10"]);
        assert_eq!(standings(&report), expected, "{name}: {report:#}");
        assert_eq!(exit, code, "{name}");
        assert_eq!(report["identity_checked"], false);
        let totals = &report["totals"];
        assert_eq!(totals["incoming"], json!(said.incoming), "{name}");
        assert_eq!(totals["read"], json!(said.read), "a missing data point is not zero");
        assert_eq!(totals["objects"], json!(stored), "{name}");
        if name == "refused" {
            assert_eq!(report["hops"][0]["reasons"][0]["code"], "throttled");
        }
        if name == "silent" {
            assert_eq!(report["hops"][1]["reasons"][0]["code"], "no-data-point");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manifest_says_what_was_produced_and_freshness_what_was_delivered() {
    let emulator = Emulator::start();
    let pipeline = Pipeline { emulator: &emulator, name: "manifest" };
    let said = Said { incoming: Some(4), read: Some(4), delivered: Some(4), throttled: None };
    pipeline.says(said).await;
    pipeline.stores(4).await;
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("sent.ndjson");
    std::fs::write(&manifest, "{\"id\":1}\n".repeat(5)).unwrap();
    let (exit, report) = pipeline.walk(&["--manifest", manifest.to_str().unwrap()]);
    assert_eq!(report["totals"]["produced"], 5);
    assert_eq!((exit, standings(&report)[0]), (1, "drops"));

    let (aws, now) = (emulator.aws(), then() + SignedDuration::from_secs(90));
    let none = fhcheck::trace::freshness(&aws, "manifest", now).await.unwrap();
    assert_eq!(none, None, "no data point is not fresh");
    pipeline.metric("AWS/Firehose", "DeliveryToS3.DataFreshness", Some(61)).await;
    let fresh = fhcheck::trace::freshness(&aws, "manifest", now).await.unwrap();
    assert_eq!(fresh, Some(then() - SignedDuration::from_secs(61)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cloudwatch_refuses_is_said_with_action_and_permission() {
    let denied = "User: arn:aws:iam::1:user/me is not authorized to perform: \
                  cloudwatch:GetMetricData";
    for (name, error) in [
        ("denied", cbor::refused("400 Bad Request", "AccessDenied", denied)),
        ("throttled", cbor::refused("400 Bad Request", "Throttling", "Rate exceeded")),
    ] {
        let describe = reply("200 OK", "content-type: application/x-amz-json-1.1\r\n", DESCRIBED);
        let script = Script::start(vec![describe.into_bytes(), error]).await;
        let words = ["trace", "--delivery-stream", "orders", "--endpoint-url", &script.url()];
        let mut command = fhcheck(&words);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stderr).unwrap();
        insta::assert_snapshot!(format!("trace_{name}"), said);
    }
}

/// An answer of CloudWatch that has one result.
fn one_result(status: &str) -> Vec<u8> {
    let result = json!({"Id": "q0", "Label": "IncomingRecords", "StatusCode": status});
    cbor::reply("200 OK", &json!({"MetricDataResults": [result]}))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_metric_that_could_not_be_read_is_none_without_data_points() {
    for (status, hint) in [
        ("InternalError", "run again"),
        ("PartialData", "run again"),
        ("Forbidden", "the credentials need"),
    ] {
        let describe = reply("200 OK", "content-type: application/x-amz-json-1.1\r\n", DESCRIBED);
        let script = Script::start(vec![describe.into_bytes(), one_result(status)]).await;
        let words = ["trace", "--delivery-stream", "orders", "--endpoint-url", &script.url()];
        let mut command = fhcheck(&words);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stderr).unwrap();
        let what = format!("CloudWatch could not read IncomingRecords of orders: {status}");
        assert!(said.contains(&what) && said.contains(hint), "{said}");
    }
}

const DESCRIBED: &str = r#"{"DeliveryStreamDescription": {
    "DeliveryStreamName": "orders", "DeliveryStreamARN": "arn:aws:firehose:us-east-1:1:deliverystream/orders",
    "DeliveryStreamStatus": "ACTIVE", "DeliveryStreamType": "DirectPut", "VersionId": "1",
    "HasMoreDestinations": false,
    "Destinations": [{"DestinationId": "destinationId-000000000001",
        "ExtendedS3DestinationDescription": {
            "RoleARN": "arn:aws:iam::1:role/orders", "BucketARN": "arn:aws:s3:::bucket",
            "Prefix": "firehose/", "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 300},
            "CompressionFormat": "UNCOMPRESSED",
            "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"}}}]}}"#;

#[test]
fn a_window_that_cloudwatch_forgot_is_refused() {
    let said = |words: &[&str]| {
        let words = [&["trace", "--delivery-stream", "orders"], words].concat();
        let output = fhcheck(&words).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    let month = said(&["--since", "30d", "--until", "29d", "--period", "1m"]);
    assert!(month.contains("15 days") && month.contains("--period 5m"), "{month}");
    let years = said(&["--since", "2020-01-01", "--until", "2020-01-02"]);
    assert!(years.contains("455 days"), "{years}");
}
