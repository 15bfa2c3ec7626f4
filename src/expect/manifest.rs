//! fhcheck's own manifest, both ways: what a producer put, written ahead, and what a data stream held.
//!
//! A manifest is lines of JSON; `docs/manifest.md` describes them. Two things are recorded so:
//!
//! - a **ledger** ([`Kind::Ledger`]): each record before it is put for the first time, each put before
//!   it is made, each answer after it came. Whenever the writer dies, what stands there is true.
//! - a **snapshot** ([`Kind::Snapshot`]): the records of a data stream, as they were read. It ends with
//!   a line that says so; one without it is incomplete.

use std::borrow::Cow;
use std::io::{self, Write};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::base64;

/// Version of the format.
pub const VERSION: u32 = 1;

/// What a manifest records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// What a producer put.
    Ledger,
    /// What a data stream held.
    Snapshot,
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// What it records.
    pub kind: Kind,
    /// Where records went or came from, in words: `data stream orders`.
    pub target: String,
    /// When it was begun.
    pub at: Timestamp,
    /// Where the records of a ledger come from, so that its writer can be taken up again.
    pub origin: Option<Origin>,
}

/// Where the records of a ledger come from. The same origin gives the same records and partition
/// keys again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Origin {
    /// They are made up.
    Seeded {
        /// Seeds the records and the partition keys.
        seed: u64,
        /// How many there are.
        count: u64,
        /// The time in the first one.
        start: Timestamp,
        /// Time from one to the next on average, in microseconds.
        interval_micros: u64,
    },
    /// They are those of a file.
    Input {
        /// Its path.
        path: String,
        /// How many there are.
        count: u64,
        /// Seeds the partition keys.
        seed: u64,
        /// What the file held. Ledgers of older versions do not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content: Option<Content>,
    },
}

/// The content of a file, as far as it takes to know it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// How many bytes they are.
    pub bytes: u64,
    /// Their XXH3, 128 bits in hexadecimal digits.
    pub xxh3: String,
}

impl Origin {
    /// How many records there are.
    pub fn count(&self) -> u64 {
        let (Self::Seeded { count, .. } | Self::Input { count, .. }) = self;
        *count
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line<'a> {
    /// The first one.
    Header(Header),
    /// A record that is going to be put.
    Record {
        /// Its number, from 0, in the order of lines.
        number: u64,
        /// `PartitionKey`; none where the target has no shards.
        partition_key: Option<Cow<'a, str>>,
        /// The record.
        data: Cow<'a, [u8]>,
    },
    /// These records are about to be put, in one request.
    Put {
        /// Their numbers.
        numbers: Vec<u64>,
        /// When.
        at: Timestamp,
    },
    /// What was answered.
    Answers(Vec<Answer>),
    /// A record as it was read from a data stream.
    Read(Read<'a>),
    /// The end of a snapshot.
    End {
        /// Records in it.
        records: u64,
    },
}

/// What became of one record in one put.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Answer {
    /// Its number.
    pub record: u64,
    /// `SequenceNumber`, where a data stream took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence_number: Option<String>,
    /// `ShardId`, where a data stream took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard_id: Option<String>,
    /// `RecordId`, where a delivery stream took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_id: Option<String>,
    /// `ErrorCode`, where it was rejected: it was not put, beyond doubt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
}

impl Answer {
    /// Whether it was put.
    pub fn is_acknowledged(&self) -> bool {
        self.error_code.is_none()
    }
}

/// A record as a data stream holds it (`Record` of the Kinesis API).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read<'a> {
    /// `SequenceNumber`.
    pub sequence_number: Cow<'a, str>,
    /// Its place in a KPL aggregate, from 0; none for a record that was put alone.
    pub sub_sequence_number: Option<u64>,
    /// The shard that it was read from.
    pub shard_id: Cow<'a, str>,
    /// `PartitionKey`; that of the inner record, where it was aggregated.
    pub partition_key: Cow<'a, str>,
    /// `ApproximateArrivalTimestamp`.
    pub arrival: Timestamp,
    /// The record.
    pub data: Cow<'a, [u8]>,
}

/// Text that is borrowed where it holds no escapes.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Every member that any line has.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Wire<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    fhcheck: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<Kind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    put: Option<Vec<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answers: Option<Vec<Answer>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence_number: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_sequence_number: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shard_id: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<Origin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partition_key: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<u64>,
}

/// What marks the first line.
const MARK: &str = "manifest";

/// How a manifest of fhcheck's own begins.
pub const BEGINS: &[u8] = br#"{"fhcheck":"manifest""#;

/// Reads a line.
///
/// # Errors
/// What is wrong with it, in words.
pub fn read(line: &[u8]) -> Result<Line<'_>, String> {
    let wire: Wire<'_> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    match wire {
        Wire { fhcheck: Some(mark), version, .. } if mark.0 != MARK || version != Some(VERSION) => {
            Err(format!("not a manifest of version {VERSION}"))
        }
        Wire {
            fhcheck: Some(_),
            kind: Some(kind),
            target: Some(target),
            at: Some(at),
            origin,
            ..
        } => Ok(Line::Header(Header { kind, target: target.0.into_owned(), at, origin })),
        Wire { record: Some(number), partition_key, data, base64, .. } => Ok(Line::Record {
            number,
            partition_key: partition_key.map(|key| key.0),
            data: bytes(data, base64)?,
        }),
        Wire { put: Some(numbers), at: Some(at), .. } => Ok(Line::Put { numbers, at }),
        Wire { answers: Some(answers), .. } => Ok(Line::Answers(answers)),
        Wire { end: Some(records), .. } => Ok(Line::End { records }),
        Wire {
            sequence_number: Some(sequence_number),
            sub_sequence_number,
            shard_id: Some(shard_id),
            partition_key: Some(partition_key),
            at: Some(arrival),
            data,
            base64,
            ..
        } => Ok(Line::Read(Read {
            sequence_number: sequence_number.0,
            sub_sequence_number,
            shard_id: shard_id.0,
            partition_key: partition_key.0,
            arrival,
            data: bytes(data, base64)?,
        })),
        _ => Err("a line that no manifest has".to_owned()),
    }
}

fn bytes<'a>(data: Option<Text<'a>>, coded: Option<Text<'a>>) -> Result<Cow<'a, [u8]>, String> {
    match (data, coded) {
        (Some(Text(Cow::Borrowed(text))), None) => Ok(Cow::Borrowed(text.as_bytes())),
        (Some(Text(Cow::Owned(text))), None) => Ok(Cow::Owned(text.into_bytes())),
        (None, Some(coded)) => base64::decode(&coded.0)
            .map(Cow::Owned)
            .ok_or_else(|| "a record that is no base64".to_owned()),
        _ => Err("a line with no record, or with two".to_owned()),
    }
}

/// Writes a line, with the line feed that ends it.
///
/// # Errors
/// When it cannot be written.
pub fn write(line: &Line<'_>, out: &mut impl Write) -> io::Result<()> {
    let mut wire = Wire::default();
    match line {
        Line::Header(Header { kind, target, at, origin }) => {
            wire.fhcheck = Some(Text(MARK.into()));
            wire.version = Some(VERSION);
            wire.kind = Some(*kind);
            wire.target = Some(Text(target.as_str().into()));
            wire.at = Some(*at);
            wire.origin = origin.clone();
        }
        Line::Record { number, partition_key, data } => {
            wire.record = Some(*number);
            wire.partition_key = partition_key.as_deref().map(|key| Text(key.into()));
            wire.set(data);
        }
        Line::Put { numbers, at } => {
            wire.put = Some(numbers.clone());
            wire.at = Some(*at);
        }
        Line::Answers(answers) => wire.answers = Some(answers.clone()),
        Line::End { records } => wire.end = Some(*records),
        Line::Read(read) => {
            wire.sequence_number = Some(Text(read.sequence_number.as_ref().into()));
            wire.sub_sequence_number = read.sub_sequence_number;
            wire.shard_id = Some(Text(read.shard_id.as_ref().into()));
            wire.at = Some(read.arrival);
            wire.partition_key = Some(Text(read.partition_key.as_ref().into()));
            wire.set(&read.data);
        }
    }
    serde_json::to_writer(&mut *out, &wire)?;
    out.write_all(b"\n")
}

impl<'a> Wire<'a> {
    fn set(&mut self, data: &'a [u8]) {
        match std::str::from_utf8(data) {
            Ok(text) => self.data = Some(Text(text.into())),
            Err(_) => self.base64 = Some(Text(base64::encode(data).into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Timestamp {
        "2026-07-04T09:30:00.123Z".parse().unwrap()
    }

    fn of_input(content: Option<Content>) -> Header {
        let origin = Some(Origin::Input { path: "own".into(), count: 2, seed: 1, content });
        Header { kind: Kind::Ledger, target: "data stream orders".into(), at: at(), origin }
    }

    fn lines() -> Vec<(Line<'static>, &'static str)> {
        let answer = |record| Answer {
            record,
            sequence_number: None,
            shard_id: None,
            record_id: None,
            error_code: None,
        };
        let taken = Answer {
            sequence_number: Some("4951".into()),
            shard_id: Some("shardId-000000000000".into()),
            ..answer(7)
        };
        let refused = Answer { error_code: Some("InternalFailure".into()), ..answer(8) };
        vec![
            (
                Line::Header(Header {
                    kind: Kind::Ledger,
                    target: "data stream orders".into(),
                    at: at(),
                    origin: None,
                }),
                r#"{"fhcheck":"manifest","version":1,"kind":"ledger","target":"data stream orders","at":"2026-07-04T09:30:00.123Z"}"#,
            ),
            (
                Line::Header(Header {
                    kind: Kind::Ledger,
                    target: "delivery stream orders".into(),
                    at: at(),
                    origin: Some(Origin::Seeded {
                        seed: 1,
                        count: 10,
                        start: at(),
                        interval_micros: 100,
                    }),
                }),
                r#"{"fhcheck":"manifest","version":1,"kind":"ledger","target":"delivery stream orders","at":"2026-07-04T09:30:00.123Z","origin":{"seeded":{"seed":1,"count":10,"start":"2026-07-04T09:30:00.123Z","intervalMicros":100}}}"#,
            ),
            (
                Line::Header(of_input(None)),
                r#"{"fhcheck":"manifest","version":1,"kind":"ledger","target":"data stream orders","at":"2026-07-04T09:30:00.123Z","origin":{"input":{"path":"own","count":2,"seed":1}}}"#,
            ),
            (
                Line::Header(of_input(Some(Content { bytes: 14, xxh3: "0f".into() }))),
                r#"{"fhcheck":"manifest","version":1,"kind":"ledger","target":"data stream orders","at":"2026-07-04T09:30:00.123Z","origin":{"input":{"path":"own","count":2,"seed":1,"content":{"bytes":14,"xxh3":"0f"}}}}"#,
            ),
            (
                Line::Record {
                    number: 7,
                    partition_key: Some("a".into()),
                    data: br#"{"a":1}"#.into(),
                },
                r#"{"record":7,"partitionKey":"a","data":"{\"a\":1}"}"#,
            ),
            (
                Line::Record { number: 8, partition_key: None, data: b"\xff".into() },
                r#"{"record":8,"base64":"/w=="}"#,
            ),
            (
                Line::Put { numbers: vec![7, 8], at: at() },
                r#"{"put":[7,8],"at":"2026-07-04T09:30:00.123Z"}"#,
            ),
            (
                Line::Answers(vec![taken, refused]),
                r#"{"answers":[{"record":7,"sequenceNumber":"4951","shardId":"shardId-000000000000"},{"record":8,"errorCode":"InternalFailure"}]}"#,
            ),
            (
                Line::Read(Read {
                    sequence_number: "4951".into(),
                    sub_sequence_number: Some(0),
                    shard_id: "shardId-000000000000".into(),
                    partition_key: "a".into(),
                    arrival: at(),
                    data: b"plain".into(),
                }),
                r#"{"sequenceNumber":"4951","subSequenceNumber":0,"shardId":"shardId-000000000000","at":"2026-07-04T09:30:00.123Z","partitionKey":"a","data":"plain"}"#,
            ),
            (Line::End { records: 1 }, r#"{"end":1}"#),
        ]
    }

    #[test]
    fn lines_are_written_and_read() {
        for (line, text) in lines() {
            let mut out = Vec::new();
            write(&line, &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), format!("{text}\n"));
            assert_eq!(read(text.as_bytes()).unwrap(), line);
            let begins = text.as_bytes().starts_with(BEGINS);
            assert_eq!(begins, matches!(line, Line::Header(_)));
        }
    }

    #[test]
    fn what_no_manifest_has_is_refused() {
        for line in [
            r#"{"fhcheck":"manifest","version":2,"kind":"ledger","target":"","at":"2026-07-04T09:30:00Z"}"#,
            r#"{"fhcheck":"report"}"#,
            r#"{"record":1}"#,
            r#"{"record":1,"data":"a","base64":"YQ=="}"#,
            r#"{"record":1,"base64":"YQ"}"#,
            r#"{"put":[1]}"#,
            r#"{"sequenceNumber":"1","data":"a"}"#,
            r#"{"other":1}"#,
            "{}",
            "[]",
            "",
        ] {
            assert!(read(line.as_bytes()).is_err(), "{line}");
        }
    }
}
