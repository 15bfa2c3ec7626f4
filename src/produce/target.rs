//! Where records are put: one request, and what it answers for each record.

use aws_sdk_firehose::primitives::Blob as FirehoseBlob;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;

use super::batch::Limits;
use super::records::Record;
use crate::aws::{Aws, Call, Failure};
use crate::expect::manifest::Answer;
use crate::limits;

/// Where records are put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A data stream of this name (`PutRecords`).
    Stream(String),
    /// A delivery stream of this name (Direct PUT, `PutRecordBatch`).
    Delivery(String),
}

/// Words for a data stream and a delivery stream, before their names.
const STREAM: &str = "data stream";
const DELIVERY: &str = "delivery stream";

impl Target {
    /// In words: `data stream orders`.
    pub fn words(&self) -> String {
        format!("{} {}", self.kind(), self.name())
    }

    /// What those words mean.
    pub(super) fn of_words(words: &str) -> Option<Self> {
        let name = |kind: &str| words.strip_prefix(kind)?.strip_prefix(' ').map(str::to_owned);
        name(STREAM).map(Self::Stream).or_else(|| name(DELIVERY).map(Self::Delivery))
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Stream(_) => STREAM,
            Self::Delivery(_) => DELIVERY,
        }
    }

    fn name(&self) -> &str {
        let (Self::Stream(name) | Self::Delivery(name)) = self;
        name
    }

    /// Whether records have partition keys.
    pub(super) fn is_keyed(&self) -> bool {
        matches!(self, Self::Stream(_))
    }

    pub(super) fn limits(&self) -> Limits {
        match self {
            Self::Stream(_) => Limits {
                records: limits::PUT_RECORDS_MAX,
                bytes: limits::PUT_STREAM_BYTES_MAX,
                record_bytes: limits::PUT_STREAM_RECORD_BYTES_MAX,
            },
            Self::Delivery(_) => Limits {
                records: limits::PUT_RECORDS_MAX,
                bytes: limits::PUT_DELIVERY_BYTES_MAX,
                record_bytes: limits::PUT_DELIVERY_RECORD_BYTES_MAX,
            },
        }
    }
}

/// A target that can be reached.
#[derive(Clone)]
pub(super) struct Putter<'a> {
    target: &'a Target,
    client: Client,
    aws: &'a Aws,
}

#[derive(Clone)]
enum Client {
    Kinesis(aws_sdk_kinesis::Client),
    Firehose(aws_sdk_firehose::Client),
}

impl<'a> Putter<'a> {
    pub(super) fn new(target: &'a Target, aws: &'a Aws) -> Self {
        let client = match target {
            Target::Stream(_) => Client::Kinesis(aws.kinesis()),
            Target::Delivery(_) => Client::Firehose(aws.firehose()),
        };
        Self { target, client, aws }
    }

    /// What is asked, for messages.
    pub(super) fn call(&self) -> Call<'_> {
        Call {
            action: match self.target {
                Target::Stream(_) => "kinesis:PutRecords",
                Target::Delivery(_) => "firehose:PutRecordBatch",
            },
            kind: self.target.kind(),
            name: self.target.name(),
            endpoint: self.aws.endpoint_url(),
            region: self.aws.region(),
        }
    }

    /// One request. For each record an answer; `None` where it says neither that the record was
    /// taken nor why not.
    pub(super) async fn put(&self, records: &[Record]) -> Result<Vec<Option<Answer>>, Failure> {
        let answers = match &self.client {
            Client::Kinesis(client) => self.put_records(client, records).await?,
            Client::Firehose(client) => self.put_record_batch(client, records).await?,
        };
        if answers.len() != records.len() {
            let (sent, got) = (records.len(), answers.len());
            return Err(Failure::nonsense(&format!("{got} answers for {sent} records")));
        }
        let numbered = records.iter().zip(answers);
        Ok(numbered
            .map(|(record, answer)| Answer { record: record.number, ..answer })
            .map(|answer| says_something(&answer).then_some(answer))
            .collect())
    }

    async fn put_records(
        &self,
        client: &aws_sdk_kinesis::Client,
        records: &[Record],
    ) -> Result<Vec<Answer>, Failure> {
        let entries = records.iter().map(|record| {
            PutRecordsRequestEntry::builder()
                .data(Blob::new(record.data.to_vec()))
                .partition_key(record.key.as_deref().unwrap_or_default())
                .build()
                .expect("data and partition key are set")
        });
        let request = client.put_records().stream_name(self.target.name());
        let output = request.set_records(Some(entries.collect())).send().await;
        let output = output.map_err(Failure::of)?;
        let answers = output.records().iter().map(|entry| Answer {
            record: 0,
            sequence_number: entry.sequence_number().map(str::to_owned),
            shard_id: entry.shard_id().map(str::to_owned),
            record_id: None,
            error_code: entry.error_code().map(str::to_owned),
        });
        Ok(answers.collect())
    }

    async fn put_record_batch(
        &self,
        client: &aws_sdk_firehose::Client,
        records: &[Record],
    ) -> Result<Vec<Answer>, Failure> {
        let entries = records.iter().map(|record| {
            aws_sdk_firehose::types::Record::builder()
                .data(FirehoseBlob::new(record.data.to_vec()))
                .build()
                .expect("data is set")
        });
        let request = client.put_record_batch().delivery_stream_name(self.target.name());
        let output = request.set_records(Some(entries.collect())).send().await;
        let output = output.map_err(Failure::of)?;
        let answers = output.request_responses().iter().map(|entry| Answer {
            record: 0,
            sequence_number: None,
            shard_id: None,
            record_id: entry.record_id().map(str::to_owned),
            error_code: entry.error_code().map(str::to_owned),
        });
        Ok(answers.collect())
    }
}

fn says_something(answer: &Answer) -> bool {
    answer.error_code.is_some() || answer.sequence_number.is_some() || answer.record_id.is_some()
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn a_target_is_known_by_its_words() {
        for target in [Target::Stream("orders".into()), Target::Delivery("data stream".into())] {
            assert_eq!(Target::of_words(&target.words()), Some(target));
        }
        assert_eq!(Target::of_words("function orders"), None);
    }
}
