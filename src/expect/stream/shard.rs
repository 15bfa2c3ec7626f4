//! One shard, read answer by answer: where it stands, and when it is done.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_sdk_kinesis::operation::get_records::GetRecordsOutput;
use aws_sdk_kinesis::types::Record;
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::ask::{Asker, Described, Refusal, Start, instant};
use super::pace::{Pace, Share};
use super::{Clock, Span};
use crate::error::{Error, Result};
use crate::limits::{ARRIVAL_SLACK, SETTLING, STREAM_ATTEMPTS};

/// What all shards have in common.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    pub(super) asker: Asker<'a>,
    pub(super) stream: Described,
    pub(super) clock: Clock,
    pub(super) span: Span,
    pub(super) share: Share,
    /// Answers that may be under way at once.
    pub(super) answers: Semaphore,
    /// Whether a shard was found closed since the shards were listed.
    pub(super) reshaped: AtomicBool,
}

/// A shard, between two answers.
#[derive(Debug)]
pub(super) struct Shard {
    pub(super) id: String,
    pub(super) closed: bool,
    start: Start,
    iterator: Option<String>,
    /// Nothing that arrived before this is still to be read.
    position: Timestamp,
    /// Records that arrived before this may have expired before they were read.
    pub(super) lost_before: Option<Timestamp>,
    pace: Pace,
    /// Iterators in a row that had expired.
    renewed: u32,
}

/// What came of asking a shard.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) records: Vec<Record>,
    pub(super) then: Then,
}

/// How it goes on with a shard.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// There is more to read, or there will be.
    More,
    /// All that is wanted of it is read.
    Done,
    /// It is closed and read to its end; these shards go on with it, if it says so.
    Closed(Vec<String>),
}

impl Shard {
    pub(super) fn new(id: String, closed: bool, reading: &Reading<'_>) -> Self {
        Self {
            id,
            closed,
            start: reading.span.start.clone(),
            iterator: None,
            position: reading.span.oldest,
            lost_before: None,
            pace: Pace::new(reading.share, Instant::now()),
            renewed: 0,
        }
    }

    /// Asks for the next records, as soon as the pace allows it and until there is an answer.
    pub(super) async fn step(mut self, reading: &Reading<'_>) -> Result<(Self, Answer)> {
        loop {
            let iterator = match self.iterator.take() {
                Some(iterator) => iterator,
                None => match reading.asker.iterator(&self.id, &self.start).await {
                    Ok(iterator) => iterator,
                    Err(Refusal::NotFound(error)) => return self.expired(error, reading).await,
                    Err(refusal) => return Err(refusal.into_error()),
                },
            };
            tokio::time::sleep_until(self.pace.next()).await;
            let permit = reading.answers.acquire().await.expect("nobody closes it");
            let (sent, asked) = (Instant::now(), reading.clock.now());
            self.note_expired(asked, reading);
            let limit = self.pace.limit();
            match reading.asker.records(&self.id, &iterator, limit).await {
                Ok(answer) => {
                    drop(permit);
                    let answer = self.answered(answer, limit, sent, asked, reading);
                    return Ok((self, answer));
                }
                Err(Refusal::Expired(error)) => {
                    self.renewed += 1;
                    if self.renewed >= STREAM_ATTEMPTS {
                        return Err(error);
                    }
                    self.pace.answered(sent, 0, 0);
                }
                Err(Refusal::Transient { error, throttled }) => {
                    if !self.pace.failed(sent, throttled) {
                        return Err(error);
                    }
                    self.iterator = Some(iterator);
                }
                Err(Refusal::NotFound(error)) => return self.expired(error, reading).await,
                Err(Refusal::Error(error)) => return Err(error),
            }
        }
    }

    fn answered(
        &mut self,
        answer: GetRecordsOutput,
        limit: u64,
        sent: Instant,
        asked: Timestamp,
        reading: &Reading<'_>,
    ) -> Answer {
        self.renewed = 0;
        let count = answer.records.len() as u64;
        self.pace.answered(sent, count, answer.records.iter().map(weight).sum());
        if let Some(last) = answer.records.last() {
            self.start = Start::Behind(last.sequence_number().to_owned());
        }
        let arrivals = answer
            .records
            .iter()
            .filter_map(|record| record.approximate_arrival_timestamp().and_then(instant));
        let latest = arrivals.max();
        let behind = answer.millis_behind_latest.map(|millis| u64::try_from(millis).unwrap_or(0));
        // Some stand-ins for the service say 0 whatever is left: a full answer is not the last one.
        let caught_up = count < limit && behind.unwrap_or(count) == 0;
        let position = match behind {
            Some(behind) if caught_up || count == 0 => {
                super::earlier(asked, Duration::from_millis(behind))
            }
            _ => latest.unwrap_or(self.position),
        };
        self.position = self.position.max(position);

        let until = reading.span.to;
        let past = |latest: Timestamp| latest >= super::later(until, ARRIVAL_SLACK);
        self.iterator = answer.next_shard_iterator;
        let then = if self.iterator.is_none() {
            self.closed = true;
            reading.reshaped.store(true, Ordering::Relaxed);
            let children = answer.child_shards.unwrap_or_default();
            Then::Closed(children.into_iter().map(|child| child.shard_id).collect())
        } else if latest.is_some_and(past) || caught_up && asked >= super::later(until, SETTLING) {
            Then::Done
        } else {
            if caught_up {
                self.pace.idle(sent);
            }
            Then::More
        };
        Answer { records: answer.records, then }
    }

    /// Before a call: what is older than the retention by now, and was not read, may be gone. The
    /// service does not say so; it goes on with the oldest record that is left.
    fn note_expired(&mut self, now: Timestamp, reading: &Reading<'_>) {
        let horizon = reading.stream.horizon(now);
        if horizon > self.position {
            self.lost_before = self.lost_before.max(Some(horizon));
            self.position = horizon;
        }
    }

    /// The shard is gone, with what was in it: its last record was older than the retention. Where
    /// that cannot be why, or the stream itself is gone, the run cannot go on.
    async fn expired(mut self, error: Error, reading: &Reading<'_>) -> Result<(Self, Answer)> {
        reading.asker.describe().await?;
        let position = self.position;
        self.note_expired(reading.clock.now(), reading);
        if self.position == position && self.lost_before.is_none() {
            return Err(error);
        }
        self.closed = true;
        reading.reshaped.store(true, Ordering::Relaxed);
        Ok((self, Answer { records: Vec::new(), then: Then::Closed(Vec::new()) }))
    }
}

/// What a record takes of the budget of its shard, in bytes.
fn weight(record: &Record) -> u64 {
    (record.data().as_ref().len() + record.partition_key().map_or(0, str::len)) as u64
}

impl Refusal {
    fn into_error(self) -> Error {
        match self {
            Self::Expired(error) | Self::NotFound(error) | Self::Error(error) => error,
            Self::Transient { error, .. } => error,
        }
    }
}
