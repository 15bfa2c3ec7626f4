//! A data stream in this process that does what a test says: pages, faults, and a log of all calls.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use fhcheck::aws::Aws;
use serde_json::{Value, json};

use crate::served::Served;
use crate::support::reply;

/// What is held.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) created: f64,
    pub(crate) retention_hours: u32,
    pub(crate) shards: Vec<Shard>,
    /// Shards on a page.
    pub(crate) page: usize,
    /// Whether a shard also gives answers without records where there are some left.
    pub(crate) empties: bool,
    /// Whether the last page of shards names the second one.
    pub(crate) loops: bool,
}

/// A shard.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shard {
    pub(crate) id: String,
    /// Whether it is in a listing.
    pub(crate) listed: bool,
    /// Where it is closed, the shards that go on with it.
    pub(crate) children: Option<Vec<String>>,
    /// Each with its arrival, in seconds since 1970.
    pub(crate) records: Vec<(f64, Vec<u8>)>,
}

/// A call that came.
#[derive(Debug, Clone)]
pub(crate) struct Came {
    pub(crate) at: Instant,
    pub(crate) action: String,
    pub(crate) body: Value,
}

/// An answer in place of the one that the stream would give: status, code, message.
pub(crate) type Fault = (u16, &'static str, &'static str);

/// Looks at a call and how many of its action came before.
pub(crate) type Faults = dyn Fn(&Came, usize) -> Option<Fault> + Send + Sync;

/// The server.
pub(crate) struct Fake {
    served: Served,
    calls: Arc<Mutex<Vec<Came>>>,
}

impl Fake {
    pub(crate) async fn start(held: Held, faults: Box<Faults>) -> Self {
        let calls = Arc::<Mutex<Vec<Came>>>::default();
        let log = Arc::clone(&calls);
        let served = Served::start(Box::new(move |request| {
            // JSON 1.1 names its action in a header.
            let action = request.header("x-amz-target").rsplit('.').next().unwrap().to_owned();
            let body = serde_json::from_slice(&request.body).unwrap();
            let came = Came { at: Instant::now(), action, body };
            let mut log = log.lock().unwrap();
            let before = log.iter().filter(|call| call.action == came.action).count();
            log.push(came.clone());
            drop(log);
            let answer = match faults(&came, before) {
                Some(fault) => fault_reply(fault),
                None => held.answer(&came.action, &came.body),
            };
            Some(answer.into_bytes())
        }));
        Self { served: served.await, calls }
    }

    pub(crate) fn url(&self) -> String {
        self.served.url()
    }

    pub(crate) fn aws(&self) -> Aws {
        Aws::with_key(&self.url(), "key", "secret")
    }

    /// The calls of an action, in their order.
    pub(crate) fn calls(&self, action: &str) -> Vec<Came> {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|call| call.action == action).cloned().collect()
    }
}

const JSON: &str = "content-type: application/x-amz-json-1.1\r\nx-amzn-requestid: REQUEST1\r\n";

fn fault_reply((status, code, message): Fault) -> String {
    let body = json!({"__type": code, "message": message}).to_string();
    reply(&format!("{status} Fault"), JSON, &body)
}

impl Held {
    fn answer(&self, action: &str, body: &Value) -> String {
        let answer = match action {
            "DescribeStreamSummary" => json!({"StreamDescriptionSummary": {
                "StreamName": "orders",
                "StreamARN": "arn:aws:kinesis:us-east-1:123456789012:stream/orders",
                "StreamStatus": "ACTIVE",
                "RetentionPeriodHours": self.retention_hours,
                "StreamCreationTimestamp": self.created,
                "EnhancedMonitoring": [],
                "OpenShardCount": self.shards.len(),
                "EncryptionType": "KMS",
                "MaxRecordSizeInKiB": 1024,
            }}),
            "ListShards" => self.list(body),
            "GetShardIterator" => self.iterator(body),
            "GetRecords" => self.records(body),
            other => panic!("nobody should ask for {other}"),
        };
        reply("200 OK", JSON, &answer.to_string())
    }

    fn list(&self, body: &Value) -> Value {
        let token = body["NextToken"].as_str();
        assert!(token.is_none() || body.get("StreamName").is_none(), "a token stands for all");
        let from = token.map_or(0, |token| token.parse().unwrap());
        let listed: Vec<_> = self.shards.iter().filter(|shard| shard.listed).collect();
        let page = listed.iter().skip(from).take(self.page).map(|shard| {
            let mut range = json!({"StartingSequenceNumber": "1"});
            if shard.children.is_some() {
                range["EndingSequenceNumber"] = json!("999999");
            }
            json!({
                "ShardId": shard.id,
                "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": "1"},
                "SequenceNumberRange": range,
            })
        });
        let mut answer = json!({"Shards": page.collect::<Vec<_>>()});
        if from + self.page < listed.len() {
            answer["NextToken"] = json!((from + self.page).to_string());
        } else if self.loops {
            answer["NextToken"] = json!(self.page.to_string());
        }
        answer
    }

    /// An iterator names its shard and the index of the next record.
    fn iterator(&self, body: &Value) -> Value {
        let id = body["ShardId"].as_str().unwrap();
        let shard = self.shards.iter().find(|shard| shard.id == id).unwrap();
        let index = match body["ShardIteratorType"].as_str().unwrap() {
            "TRIM_HORIZON" => 0,
            "AT_TIMESTAMP" => {
                let from = body["Timestamp"].as_f64().unwrap();
                let later = |(arrival, _): &(f64, Vec<u8>)| *arrival >= from;
                shard.records.iter().position(later).unwrap_or(shard.records.len())
            }
            "AFTER_SEQUENCE_NUMBER" => {
                body["StartingSequenceNumber"].as_str().unwrap().parse().unwrap()
            }
            other => panic!("nobody should ask for {other}"),
        };
        json!({"ShardIterator": format!("{id}/{index}")})
    }

    fn records(&self, body: &Value) -> Value {
        let (id, index) = body["ShardIterator"].as_str().unwrap().split_once('/').unwrap();
        let shard = self.shards.iter().find(|shard| shard.id == id).unwrap();
        let (index, was_empty) = match index.strip_suffix("/again") {
            Some(index) => (index, true),
            None => (index, false),
        };
        let index: usize = index.parse().unwrap();
        if self.empties && !was_empty && index < shard.records.len() {
            return json!({
                "Records": [],
                "MillisBehindLatest": (shard.records.len() - index) * 1000,
                "NextShardIterator": format!("{id}/{index}/again"),
            });
        }
        let limit = usize::try_from(body["Limit"].as_u64().unwrap()).unwrap();
        let end = shard.records.len().min(index + limit);
        let records = (index..end).map(|at| {
            let (arrival, data) = &shard.records[at];
            json!({
                "SequenceNumber": (at + 1).to_string(),
                "ApproximateArrivalTimestamp": arrival,
                "Data": base64(data),
                "PartitionKey": "key",
            })
        });
        let mut answer = json!({"Records": records.collect::<Vec<_>>()});
        let left = shard.records.len() - end;
        answer["MillisBehindLatest"] = json!(left * 1000);
        match &shard.children {
            Some(children) if left == 0 => {
                let children = children.iter().map(|id| {
                    json!({
                        "ShardId": id,
                        "ParentShards": [shard.id],
                        "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": "1"},
                    })
                });
                answer["ChildShards"] = json!(children.collect::<Vec<_>>());
            }
            _ => answer["NextShardIterator"] = json!(format!("{id}/{end}")),
        }
        answer
    }
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let group = (0..3)
            .fold(0, |group, at| group << 8 | usize::from(three.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let letter = LETTERS[group >> (18 - 6 * at) & 0x3f];
            text.push(if at <= three.len() { letter.into() } else { '=' });
        }
    }
    text
}
