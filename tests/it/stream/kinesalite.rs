//! An emulator by other people that closes shards as the service does: resharding, before and while
//! a stream is read.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, StreamStatus};
use fhcheck::aws::Aws;
use fhcheck::expect::kpl;
use fhcheck::expect::stream::{Share, StreamRead};
use jiff::Timestamp;

use super::read;
use crate::support::{GUARDIAN, free_ports, npm_install, wait_for};

const STREAM: &str = "orders";

/// The server; it ends with the process of the tests, however that ends.
struct Kinesalite {
    aws: Aws,
    _guardian: Child,
}

impl Kinesalite {
    fn start() -> Self {
        let home = npm_install("kinesalite-3.3.3", Path::new("tests/it/kinesalite"));
        let data = tempfile::Builder::new().prefix("fhcheck-kinesalite-").tempdir().unwrap().keep();
        let [port] = free_ports();
        let guardian = Command::new("sh")
            .args(["-c", GUARDIAN, "guardian", "node"])
            .arg(home.join("node_modules/kinesalite/cli.js"))
            .args(["--port", &port.to_string(), "--shardLimit", "100"])
            .args(["--createStreamMs", "10", "--updateStreamMs", "10"])
            .env("DATA", &data)
            .env("PORTS", "")
            .stdin(Stdio::piped())
            .spawn()
            .expect("a shell is needed to guard the server");
        wait_for("kinesalite", port, &data.join("log"));
        let aws = Aws::with_key(&format!("http://127.0.0.1:{port}"), "key", "secret");
        Self { aws, _guardian: guardian }
    }
}

/// Puts records and remembers where they went.
struct Producer {
    client: Client,
    put: BTreeSet<(String, String)>,
    next: usize,
}

impl Producer {
    async fn put(&mut self, count: usize) {
        for _ in 0..count.div_ceil(100) {
            let entries = (0..100).map(|_| {
                self.next += 1;
                PutRecordsRequestEntry::builder()
                    .data(Blob::new(format!(r#"{{"n":{}}}"#, self.next)))
                    .partition_key(format!("key {}", self.next))
                    .build()
                    .unwrap()
            });
            let call = self.client.put_records().stream_name(STREAM);
            let answer = call.set_records(Some(entries.collect())).send().await.unwrap();
            for entry in answer.records() {
                assert_eq!(entry.error_code(), None);
                let place = (entry.shard_id(), entry.sequence_number());
                self.put.insert((place.0.unwrap().into(), place.1.unwrap().into()));
            }
        }
    }

    async fn split(&self, shard: &str) {
        let shards = self.client.list_shards().stream_name(STREAM).send().await.unwrap();
        let shard = shards.shards().iter().find(|listed| listed.shard_id() == shard).unwrap();
        let range = shard.hash_key_range().unwrap();
        let key = |text: &str| text.parse::<u128>().unwrap();
        let (low, high) = (key(range.starting_hash_key()), key(range.ending_hash_key()));
        let middle = (low + (high - low) / 2).to_string();
        let call = self.client.split_shard().stream_name(STREAM).shard_to_split(shard.shard_id());
        call.new_starting_hash_key(middle).send().await.unwrap();
        self.active().await;
    }

    async fn merge(&self, one: &str, other: &str) {
        let call = self.client.merge_shards().stream_name(STREAM).shard_to_merge(one);
        call.adjacent_shard_to_merge(other).send().await.unwrap();
        self.active().await;
    }

    async fn active(&self) {
        loop {
            let call = self.client.describe_stream_summary().stream_name(STREAM);
            let answer = call.send().await.unwrap();
            let summary = answer.stream_description_summary().unwrap();
            if *summary.stream_status() == StreamStatus::Active {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn id(number: usize) -> String {
    format!("shardId-{number:012}")
}

#[expect(clippy::disallowed_methods, reason = "the emulator has the clock of this machine")]
fn now() -> Timestamp {
    Timestamp::now()
}

fn up_to(to: Timestamp) -> StreamRead {
    let share = Share::percent(100).unwrap();
    StreamRead { stream: STREAM.into(), from: None, to, share, now: now() }
}

/// A stream of four shards that is split and merged between puts, and again while it is read.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_resharded_is_read_whole_and_once() {
    let kinesalite = Kinesalite::start();
    let client = kinesalite.aws.kinesis();
    client.create_stream().stream_name(STREAM).shard_count(4).send().await.unwrap();
    let mut producer = Producer { client: client.clone(), put: BTreeSet::new(), next: 0 };
    producer.active().await;
    producer.put(500).await;
    producer.split(&id(0)).await;
    producer.put(500).await;
    producer.merge(&id(1), &id(2)).await;
    producer.put(500).await;

    let inner = |data| kpl::Record { partition_key: "k", explicit_hash_key: None, data };
    let call = client.put_record().stream_name(STREAM).partition_key("aggregate");
    let aggregate = kpl::aggregate([inner(&b"one"[..]), inner(b"two")]);
    let answer = call.data(Blob::new(aggregate)).send().await.unwrap();
    producer.put.insert((answer.shard_id().into(), answer.sequence_number().into()));

    // Three shards are closed, and all of them hold records.
    let (summary, records) = read(&kinesalite.aws, &up_to(now())).await.unwrap();
    let places = |records: &super::BTreeMap<super::Place, Vec<u8>>| -> BTreeSet<_> {
        records.keys().map(|(shard, number, _)| (shard.clone(), number.clone())).collect()
    };
    assert_eq!(places(&records), producer.put);
    assert_eq!((summary.counts.records, summary.counts.user_records), (1501, 1502));
    assert_eq!(summary.shards.len(), 7);
    let closed = summary.shards.iter().filter(|shard| shard.closed);
    assert!(closed.clone().all(|shard| shard.records > 0));
    assert_eq!(closed.count(), 3);

    // While it is read once more, from the beginning, shards are split and merged.
    let soon = now().checked_add(Duration::from_secs(3)).unwrap();
    let request = up_to(soon);
    let reading = read(&kinesalite.aws, &request);
    let producing = async {
        producer.put(200).await;
        producer.split(&id(3)).await;
        producer.put(200).await;
        producer.merge(&id(4), &id(5)).await;
        producer.put(200).await;
        producer.split(&id(6)).await;
        producer.put(200).await;
        assert!(now() < soon, "all of it is put before the window ends");
    };
    let (read, ()) = tokio::join!(reading, producing);
    let (summary, records) = read.unwrap();
    assert_eq!(places(&records), producer.put);
    assert_eq!(summary.shards.len(), 12);
    assert_eq!(summary.counts.records, 2301);

    // A window from the middle: only what arrived in it, give or take the slack.
    let request = StreamRead { from: Some(soon), ..up_to(soon) };
    assert!(super::read(&kinesalite.aws, &request).await.is_err(), "it is empty");
}
