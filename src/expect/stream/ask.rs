//! The calls that reading a data stream takes, counted, and asked again where that may help.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::operation::get_records::GetRecordsOutput;
use aws_sdk_kinesis::primitives::DateTime;
use aws_sdk_kinesis::types::{EncryptionType, ShardFilter, ShardFilterType, ShardIteratorType};
use jiff::{SignedDuration, Timestamp, Unit};

use super::pace::pause;
use crate::aws::{Aws, Call, Failure, Pages};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{KIB, STREAM_ATTEMPTS, STREAM_FIRST_ATTEMPTS};

/// The code of an iterator that was not used for five minutes.
const EXPIRED_ITERATOR: &str = "ExpiredIteratorException";
/// The code of a page that was not asked for within five minutes.
const EXPIRED_PAGE: &str = "ExpiredNextTokenException";
/// The code of a stream or shard that is not there.
const NOT_FOUND: &str = "ResourceNotFoundException";

/// A data stream, as it says itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// `StreamName`.
    pub name: String,
    /// `StreamCreationTimestamp`.
    pub created: Timestamp,
    /// `RetentionPeriodHours`.
    pub retention: SignedDuration,
    /// `OpenShardCount`.
    pub open_shards: u64,
    /// Whether a key of KMS is needed to read it (`EncryptionType`).
    pub encrypted: bool,
    /// `MaxRecordSizeInKiB`, in bytes, where it is said.
    pub record_bytes_max: Option<u64>,
}

/// A shard of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) id: String,
    pub(super) closed: bool,
}

/// Where reading a shard begins.
#[derive(Debug, Clone)]
pub(super) enum Start {
    /// With the oldest record.
    Oldest,
    /// With the first record that arrived then or later.
    Arrival(Timestamp),
    /// Behind the record with this sequence number.
    Behind(String),
}

/// Asks about one data stream.
#[derive(Debug)]
pub(super) struct Asker<'a> {
    client: Client,
    aws: &'a Aws,
    /// Its name or ARN, as it was given.
    stream: &'a str,
    calls: AtomicU64,
    throttled: AtomicU64,
}

impl<'a> Asker<'a> {
    pub(super) fn new(aws: &'a Aws, stream: &'a str) -> Self {
        let (calls, throttled) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { client: aws.kinesis(), aws, stream, calls, throttled }
    }

    /// Calls that were made.
    pub(super) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Those of them that were refused for asking too much.
    pub(super) fn throttled(&self) -> u64 {
        self.throttled.load(Ordering::Relaxed)
    }

    fn name(&self) -> Option<String> {
        self.arn().is_none().then(|| self.stream.to_owned())
    }

    fn arn(&self) -> Option<String> {
        self.stream.starts_with("arn:").then(|| self.stream.to_owned())
    }

    /// What the stream says of itself.
    pub(super) async fn describe(&self) -> Result<Described> {
        let ask = || async {
            let call = self.client.describe_stream_summary();
            let call = call.set_stream_name(self.name()).set_stream_arn(self.arn());
            call.send().await.map_err(Failure::of)
        };
        let answer = self.again(STREAM_FIRST_ATTEMPTS, ask).await;
        let answer = answer.map_err(|failure| self.error("DescribeStreamSummary", failure))?;
        let summary = answer.stream_description_summary().ok_or_else(|| self.nonsense())?;
        Ok(Described {
            name: summary.stream_name().to_owned(),
            created: instant(summary.stream_creation_timestamp()).ok_or_else(|| self.nonsense())?,
            retention: SignedDuration::from_hours(summary.retention_period_hours().into()),
            open_shards: u64::try_from(summary.open_shard_count()).unwrap_or(0),
            encrypted: summary.encryption_type() == Some(&EncryptionType::Kms),
            record_bytes_max: summary
                .max_record_size_in_kib()
                .and_then(|kib| u64::try_from(kib).ok())
                .map(|kib| kib * KIB),
        })
    }

    /// The shards that are not expired: all, or those that took records at or after an instant. A
    /// stand-in for the service that knows no filter gives all of them.
    pub(super) async fn shards(&self, from: Option<Timestamp>) -> Result<Vec<Listed>> {
        for _ in 1..STREAM_ATTEMPTS {
            match self.pages(from).await {
                Err(failure) if failure.code() == Some(EXPIRED_PAGE) => {}
                Err(failure) => return Err(self.error("ListShards", failure)),
                Ok(shards) => return Ok(shards),
            }
        }
        self.pages(from).await.map_err(|failure| self.error("ListShards", failure))
    }

    async fn pages(&self, from: Option<Timestamp>) -> Result<Vec<Listed>, Failure> {
        let filter = from.map(|from| {
            let filter = ShardFilter::builder().r#type(ShardFilterType::FromTimestamp);
            filter.timestamp(date_time(from)).build().expect("it has a type")
        });
        let (mut shards, mut token) = (Vec::new(), None::<String>);
        let mut pages = Pages::default();
        loop {
            // A token stands for all that was asked for with the first page.
            let first = token.is_none();
            let ask = || async {
                let call = self.client.list_shards();
                let call = match first {
                    true => call.set_stream_name(self.name()).set_shard_filter(filter.clone()),
                    false => call.set_next_token(token.clone()),
                };
                call.set_stream_arn(self.arn()).send().await.map_err(Failure::of)
            };
            let page = self.again(STREAM_ATTEMPTS, ask).await?;
            shards.extend(page.shards().iter().map(|shard| {
                Listed {
                    id: shard.shard_id().to_owned(),
                    closed: shard
                        .sequence_number_range()
                        .is_some_and(|range| range.ending_sequence_number().is_some()),
                }
            }));
            let next = pages.next(page.shards().len(), page.next_token());
            token = next.map_err(Failure::nonsense)?;
            if token.is_none() {
                return Ok(shards);
            }
        }
    }

    /// An iterator over a shard.
    pub(super) async fn iterator(&self, shard: &str, start: &Start) -> Result<String, Refusal> {
        let ask = || async {
            let call = self.client.get_shard_iterator().shard_id(shard);
            let call = call.set_stream_name(self.name()).set_stream_arn(self.arn());
            let call = match start {
                Start::Oldest => call.shard_iterator_type(ShardIteratorType::TrimHorizon),
                Start::Arrival(at) => {
                    let call = call.shard_iterator_type(ShardIteratorType::AtTimestamp);
                    call.timestamp(date_time(*at))
                }
                Start::Behind(number) => {
                    let call = call.shard_iterator_type(ShardIteratorType::AfterSequenceNumber);
                    call.starting_sequence_number(number)
                }
            };
            call.send().await.map_err(Failure::of)
        };
        let answer = self.again(STREAM_ATTEMPTS, ask).await;
        let answer = answer.map_err(|failure| self.refusal("GetShardIterator", shard, failure))?;
        let iterator = answer.shard_iterator().map(str::to_owned);
        iterator.ok_or_else(|| Refusal::Error(self.nonsense()))
    }

    /// The next records of a shard. Asked once: how often is a matter of pace.
    pub(super) async fn records(
        &self,
        shard: &str,
        iterator: &str,
        limit: u64,
    ) -> Result<GetRecordsOutput, Refusal> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let call = self.client.get_records().shard_iterator(iterator).set_stream_arn(self.arn());
        let call = call.limit(i32::try_from(limit).unwrap_or(i32::MAX));
        call.send().await.map_err(|error| {
            let failure = Failure::of(error);
            self.note(&failure);
            self.refusal("GetRecords", shard, failure)
        })
    }

    /// Asks until there is an answer, or it is no use.
    async fn again<T, F>(&self, attempts: u32, ask: impl Fn() -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut attempt = 1;
        loop {
            self.calls.fetch_add(1, Ordering::Relaxed);
            match ask().await {
                Err(failure) if failure.is_transient() && attempt < attempts => {
                    self.note(&failure);
                    tokio::time::sleep(pause(attempt)).await;
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    fn note(&self, failure: &Failure) {
        tracing::debug!(stream = self.stream, detail = failure.detail(), "a call failed");
        if failure.is_throttling() {
            self.throttled.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn refusal(&self, action: &str, shard: &str, failure: Failure) -> Refusal {
        let action = format!("kinesis:{action}");
        let code = failure.code().map(str::to_owned);
        let (transient, throttled) = (failure.is_transient(), failure.is_throttling());
        let name = match code.as_deref() {
            Some(NOT_FOUND) => format!("{shard} of data stream {}", self.short_name()),
            _ => format!("{} ({shard})", self.short_name()),
        };
        let call = self.call(&action, &name);
        match code.as_deref() {
            Some(NOT_FOUND) => Refusal::NotFound(Call { kind: "shard", ..call }.failed(failure)),
            Some(EXPIRED_ITERATOR) => Refusal::Expired(call.failed(failure)),
            _ if transient => Refusal::Transient { error: call.failed(failure), throttled },
            _ => Refusal::Error(call.failed(failure)),
        }
    }

    fn error(&self, action: &str, failure: Failure) -> Error {
        self.call(&format!("kinesis:{action}"), self.short_name()).failed(failure)
    }

    fn call<'c>(&'c self, action: &'c str, name: &'c str) -> Call<'c> {
        let (endpoint, region) = (self.aws.endpoint_url(), self.aws.region());
        Call { action, kind: "data stream", name, endpoint, region }
    }

    /// The name, where an ARN was given.
    fn short_name(&self) -> &str {
        self.stream.rsplit('/').next().unwrap_or(self.stream)
    }

    fn nonsense(&self) -> Error {
        let message = format!("what answers for data stream {} is not Kinesis", self.short_name());
        Error::new(ErrorKind::Unreachable, message).hint("check --endpoint-url")
    }
}

/// Why a shard gave no records.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The iterator is too old; another one begins where it stood.
    Expired(Error),
    /// The same call may succeed later.
    Transient {
        /// What it comes to, if it never does.
        error: Error,
        /// Whether too much was asked for.
        throttled: bool,
    },
    /// The shard is not there, or the stream.
    NotFound(Error),
    /// Asking again is no use.
    Error(Error),
}

/// An instant of an answer, to the millisecond, which is what Kinesis counts in.
pub(super) fn instant(time: &DateTime) -> Option<Timestamp> {
    let nanos = i32::try_from(time.subsec_nanos()).ok()?;
    Timestamp::new(time.secs(), nanos).ok()?.round(Unit::Millisecond).ok()
}

fn date_time(at: Timestamp) -> DateTime {
    DateTime::from_millis(at.as_millisecond())
}
