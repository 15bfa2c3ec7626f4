//! A data stream and a delivery stream for tests: the JSON protocol of both over HTTP/1.1, with
//! seeded faults. What it took is known exactly, whatever it answered.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::hostile::dice::Dice;

/// How often what goes wrong, in a thousand requests or records.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    /// Decides which.
    pub(crate) seed: u64,
    /// Records that are rejected, one by one.
    pub(crate) rejected: u64,
    /// Requests that are throttled whole.
    pub(crate) throttled: u64,
    /// Requests that are taken, and answered with status 500.
    pub(crate) broken: u64,
    /// Requests that are taken, and not answered: the connection ends.
    pub(crate) dropped: u64,
    /// Requests that are taken, and answered for one record less.
    pub(crate) short: u64,
}

/// An error that every request gets: status, code, message.
pub(crate) type Refusal = (u16, &'static str, &'static str);

/// What a stream holds of one record.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Taken {
    pub(crate) data: String,
    pub(crate) key: Option<String>,
}

#[derive(Default)]
struct State {
    taken: HashMap<Taken, u64>,
    shards: HashMap<u64, u64>,
    requests: Vec<usize>,
    sequence: u64,
    refusal: Option<Refusal>,
}

/// A server of its own for one test.
#[derive(Clone)]
pub(crate) struct FakeStream {
    state: Arc<Mutex<State>>,
    url: String,
    faults: Faults,
}

impl FakeStream {
    pub(crate) fn start(faults: Faults, refusal: Option<Refusal>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = State { refusal, ..State::default() };
        let fake = Self { state: Arc::new(Mutex::new(state)), url, faults };
        let server = fake.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = server.clone();
                std::thread::spawn(move || server.serve(&stream));
            }
        });
        fake
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// From now on every request gets this error; or none any more.
    pub(crate) fn refuse(&self, refusal: Option<Refusal>) {
        self.state.lock().unwrap().refusal = refusal;
    }

    /// How often it holds each record.
    pub(crate) fn taken(&self) -> HashMap<Taken, u64> {
        self.state.lock().unwrap().taken.clone()
    }

    /// Records in each shard.
    pub(crate) fn shards(&self) -> Vec<u64> {
        self.state.lock().unwrap().shards.values().copied().collect()
    }

    /// Records in each request.
    pub(crate) fn requests(&self) -> Vec<usize> {
        self.state.lock().unwrap().requests.clone()
    }

    fn serve(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        while let Some((action, body)) = request(&mut reader) {
            let Some((status, answer)) = self.answer(&action, &body) else { return };
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/x-amz-json-1.1\r\n\
                 x-amzn-requestid: REQUEST1\r\ncontent-length: {}\r\n\r\n",
                answer.len()
            );
            let mut out = stream;
            if out.write_all(head.as_bytes()).and_then(|()| out.write_all(&answer)).is_err() {
                return;
            }
        }
    }

    /// Status and body of the answer; none where the connection ends.
    fn answer(&self, action: &str, body: &Value) -> Option<(u16, Vec<u8>)> {
        let error = |status, code: &str, message: &str| {
            Some((status, json!({"__type": code, "message": message}).to_string().into_bytes()))
        };
        let mut state = self.state.lock().unwrap();
        let records = body["Records"].as_array().unwrap();
        state.requests.push(records.len());
        if let Some((status, code, message)) = state.refusal {
            return error(status, code, message);
        }
        let mut dice = Dice::new(self.faults.seed, &format!("request {}", state.requests.len()));
        let mut hits = |in_a_thousand| dice.below(1000) < in_a_thousand;
        let keyed = action.starts_with("Kinesis_");
        if hits(self.faults.throttled) {
            let code = if keyed {
                "ProvisionedThroughputExceededException"
            } else {
                "ThrottlingException"
            };
            return error(400, code, "Rate exceeded");
        }
        let mut answers: Vec<_> = records
            .iter()
            .map(|record| match hits(self.faults.rejected) {
                true if keyed => json!({"ErrorCode": "ProvisionedThroughputExceededException",
                    "ErrorMessage": "Rate exceeded"}),
                true => json!({"ErrorCode": "ServiceUnavailableException"}),
                false => state.take(record),
            })
            .collect();
        let failed = answers.iter().filter(|answer| answer["ErrorCode"].is_string()).count();
        if hits(self.faults.dropped) {
            return None;
        }
        if hits(self.faults.broken) {
            return error(500, "InternalFailure", "broken after it was taken");
        }
        if hits(self.faults.short) {
            answers.pop();
        }
        let answer = if keyed {
            json!({"FailedRecordCount": failed, "Records": answers})
        } else {
            json!({"FailedPutCount": failed, "RequestResponses": answers})
        };
        Some((200, answer.to_string().into_bytes()))
    }
}

impl State {
    fn take(&mut self, record: &Value) -> Value {
        let data = record["Data"].as_str().unwrap().to_owned();
        let key = record["PartitionKey"].as_str().map(str::to_owned);
        self.sequence += 1;
        let answer = match &key {
            Some(key) => {
                let shard = u64::from_str_radix(&key[..1], 16).unwrap_or(0) / 4;
                *self.shards.entry(shard).or_default() += 1;
                json!({"SequenceNumber": format!("{:056}", self.sequence),
                    "ShardId": format!("shardId-{shard:012}")})
            }
            None => json!({"RecordId": self.sequence.to_string()}),
        };
        *self.taken.entry(Taken { data, key }).or_default() += 1;
        answer
    }
}

/// The action and the body of a request; none when the client goes away.
fn request(reader: &mut impl BufRead) -> Option<(String, Value)> {
    let (mut action, mut length, mut line) = (String::new(), 0, String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let Some((name, value)) = line.trim_end().split_once(':') else {
            if line.trim_end().is_empty() {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "x-amz-target" => value.trim().clone_into(&mut action),
            "content-length" => length = value.trim().parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((action, serde_json::from_slice(&body).ok()?))
}
