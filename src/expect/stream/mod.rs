//! A data stream as the truth: every record that it holds of a window, written down as a snapshot.
//!
//! All shards are read, open and closed, and those that come into being meanwhile. Each is read
//! within a share of what it gives out, because Firehose reads it too. Which records are meant is
//! decided by whoever reads the snapshot, by their arrival; it holds a little more than the window.

mod ask;
mod keep;
mod pace;
mod shard;

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::aws::Aws;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{
    ANSWERS_AT_ONCE, ARRIVAL_SLACK, SETTLING, SHARD_WRITE_BYTES_PER_SECOND, SHARDS_AT_ONCE,
};
use crate::observe::{Event, Observer};

pub use ask::Described;
use ask::{Asker, Listed, Start};
use keep::Keeper;
pub use pace::Share;
use shard::{Reading, Shard, Then};

/// What to read.
#[derive(Debug, Clone)]
pub struct StreamRead {
    /// The stream's name, or its ARN.
    pub stream: String,
    /// The first arrival inside; none is the oldest record that is left.
    pub from: Option<Timestamp>,
    /// The first arrival after it. Where that is still to come, it is waited for.
    pub to: Timestamp,
    /// How much of each shard's budget to use.
    pub share: Share,
    /// The time at which reading begins.
    pub now: Timestamp,
}

/// What was read.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The stream.
    pub stream: Described,
    /// From this arrival on the snapshot is complete. Later than the `from` that was asked for means
    /// that retention has taken what was before. It believes the retention that the stream has now:
    /// where that was raised lately, what had expired does not come back.
    pub complete_from: Timestamp,
    /// The shards, in the order of their ids.
    pub shards: Vec<ShardSummary>,
    /// What is in the snapshot.
    pub counts: Counts,
    /// Calls that it took.
    pub calls: u64,
    /// Those of them that were refused because too much was asked for, by all readers together.
    pub throttled: u64,
}

/// One shard that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardSummary {
    /// `ShardId`.
    pub id: String,
    /// Whether it takes no more records.
    pub closed: bool,
    /// Records of it that are in the snapshot; aggregates count once.
    pub records: u64,
}

/// What is in a snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records of the stream.
    pub records: u64,
    /// Records that users put: aggregates count as what they hold.
    pub user_records: u64,
    /// Aggregates of the Kinesis Producer Library.
    pub aggregates: u64,
    /// Records that begin like an aggregate and are none; they are kept as they are.
    pub damaged_aggregates: u64,
    /// Data of the records, in bytes.
    pub bytes: u64,
    /// Records that were read and left out, because they arrived far outside of the window.
    pub outside: u64,
    /// Earliest arrival.
    pub first_arrival: Option<Timestamp>,
    /// Latest arrival.
    pub last_arrival: Option<Timestamp>,
}

/// What reading would take. How much a stream holds, nothing says before it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamEstimate {
    /// The stream.
    pub stream: Described,
    /// Shards to read that take records.
    pub open: u64,
    /// Shards to read that take none any more.
    pub closed: u64,
    /// From this arrival on there is something to read.
    pub complete_from: Timestamp,
    /// Calls that it takes even if there is no record.
    pub calls_at_least: u64,
    /// The time that those take.
    pub at_least: Duration,
    /// Bytes, if every shard was written to its limit all the time.
    pub bytes_at_most: u64,
    /// The time that those take.
    pub at_most: Duration,
}

/// What of the stream is read.
#[derive(Debug, Clone)]
struct Span {
    from: Option<Timestamp>,
    to: Timestamp,
    /// Where each shard begins.
    start: Start,
    /// Nothing that is read arrived before this.
    oldest: Timestamp,
    complete_from: Timestamp,
}

impl Span {
    fn of(request: &StreamRead, stream: &Described) -> Self {
        let StreamRead { from, to, now, .. } = *request;
        let horizon = stream.horizon(now);
        let oldest = horizon.max(stream.created);
        let begin = from.map(|from| earlier(from, ARRIVAL_SLACK)).filter(|from| *from > oldest);
        Self {
            from,
            to,
            start: begin.map_or(Start::Oldest, Start::Arrival),
            oldest: begin.unwrap_or(oldest),
            complete_from: match from {
                Some(from) if horizon > stream.created => from.max(horizon),
                Some(from) => from,
                None => oldest,
            },
        }
    }

    /// What shards have to hold to be read.
    fn begin(&self) -> Option<Timestamp> {
        match self.start {
            Start::Arrival(at) => Some(at),
            _ => None,
        }
    }
}

impl Described {
    /// What arrived before this has expired.
    fn horizon(&self, now: Timestamp) -> Timestamp {
        let horizon = now.checked_sub(self.retention).unwrap_or(Timestamp::MIN);
        let up = TimestampRound::new().smallest(Unit::Millisecond).mode(RoundMode::Ceil);
        horizon.round(up).unwrap_or(horizon)
    }
}

/// The time: the caller's, and what has passed since.
#[derive(Debug, Clone, Copy)]
struct Clock {
    now: Timestamp,
    started: Instant,
}

impl Clock {
    fn now(&self) -> Timestamp {
        later(self.now, self.started.elapsed())
    }
}

fn earlier(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// Says what reading would take, without reading a record.
///
/// # Errors
/// As [`read`] has them.
pub async fn estimate(aws: &Aws, request: &StreamRead) -> Result<StreamEstimate> {
    let (reading, shards) = open(aws, request).await?;
    let Span { complete_from, to, .. } = reading.span;
    let closed = shards.iter().filter(|shard| shard.closed).count() as u64;
    let open = shards.len() as u64 - closed;
    // An iterator and an answer; an open shard has another one behind its last record.
    let calls_at_least = 2 * closed + 3 * open;
    let rounds = shards.len().div_ceil(SHARDS_AT_ONCE);
    let rounds = u32::try_from(rounds).unwrap_or(u32::MAX);
    let seconds = to.duration_since(complete_from).as_secs().max(0).unsigned_abs();
    let of_shard = seconds.saturating_mul(SHARD_WRITE_BYTES_PER_SECOND);
    let wait = Duration::try_from(to.duration_since(request.now)).unwrap_or_default() + SETTLING;
    Ok(StreamEstimate {
        open,
        closed,
        complete_from,
        calls_at_least,
        at_least: wait.max(request.share.interval() * rounds),
        bytes_at_most: of_shard.saturating_mul(shards.len() as u64),
        at_most: wait.max(request.share.time_of(of_shard).saturating_mul(rounds)),
        stream: reading.stream,
    })
}

/// Reads a data stream and writes a snapshot of it, as `docs/manifest.md` describes it.
///
/// # Errors
/// [`ErrorKind::Usage`] for a window that is empty or has not begun; whatever AWS says that asking
/// again does not mend; and when the snapshot cannot be written. What was written is no snapshot then.
pub async fn read(
    aws: &Aws,
    request: &StreamRead,
    out: &mut impl Write,
    observer: &dyn Observer,
) -> Result<Summary> {
    let (reading, listed) = open(aws, request).await?;
    let name = reading.stream.name.clone();
    let keeper = Keeper::begin(out, &name, request.now, &reading.span).map_err(unwritten)?;
    let mut run = Run {
        known: HashSet::new(),
        waiting: VecDeque::new(),
        done: BTreeMap::new(),
        keeper,
        complete_from: reading.span.complete_from,
        observer,
    };
    run.add(listed, &reading);
    run.all(&reading).await?;
    let shards =
        run.done.into_iter().map(|(id, (closed, records))| ShardSummary { id, closed, records });
    Ok(Summary {
        complete_from: run.complete_from,
        shards: shards.collect(),
        counts: run.keeper.end().map_err(unwritten)?,
        calls: reading.asker.calls(),
        throttled: reading.asker.throttled(),
        stream: reading.stream,
    })
}

fn unwritten(error: io::Error) -> Error {
    Error::io("the snapshot cannot be written", error)
}

async fn open<'a>(aws: &'a Aws, request: &'a StreamRead) -> Result<(Reading<'a>, Vec<Listed>)> {
    let StreamRead { from, to, now, .. } = *request;
    if from.is_some_and(|from| from >= to || from > now) {
        let message = "the window is empty, or has not begun";
        return Err(Error::new(ErrorKind::Usage, message)
            .hint("it must begin before it ends, and not in the future"));
    }
    let clock = Clock { now, started: Instant::now() };
    let asker = Asker::new(aws, &request.stream);
    let stream = asker.describe().await?;
    let span = Span::of(request, &stream);
    let listed = asker.shards(span.begin()).await?;
    let answers = Semaphore::new(ANSWERS_AT_ONCE);
    let reshaped = AtomicBool::new(false);
    let reading = Reading { asker, stream, clock, span, share: request.share, answers, reshaped };
    Ok((reading, listed))
}

/// A stream that is being read.
struct Run<'w, W> {
    /// Shards that were ever seen.
    known: HashSet<String>,
    waiting: VecDeque<Shard>,
    /// Shards that are done: whether they are closed, and records of them.
    done: BTreeMap<String, (bool, u64)>,
    keeper: Keeper<'w, W>,
    complete_from: Timestamp,
    observer: &'w dyn Observer,
}

impl<W: Write> Run<'_, W> {
    fn add(&mut self, shards: impl IntoIterator<Item = Listed>, reading: &Reading<'_>) {
        for Listed { id, closed } in shards {
            if self.known.insert(id.clone()) {
                self.waiting.push_back(Shard::new(id, closed, reading));
            }
        }
    }

    async fn all(&mut self, reading: &Reading<'_>) -> Result<()> {
        let mut under_way = FuturesUnordered::new();
        let mut records = BTreeMap::<String, u64>::new();
        loop {
            while under_way.len() < SHARDS_AT_ONCE
                && let Some(shard) = self.waiting.pop_front()
            {
                under_way.push(shard.step(reading));
            }
            let Some(stepped) = under_way.next().await else {
                // Not every stand-in for the service names the children of a shard that is closed.
                if !reading.reshaped.swap(false, Ordering::Relaxed) {
                    return Ok(());
                }
                self.add(reading.asker.shards(reading.span.begin()).await?, reading);
                continue;
            };
            let (shard, answer) = stepped?;
            let of_shard = records.entry(shard.id.clone()).or_default();
            for record in &answer.records {
                let kept = self.keeper.keep(&shard.id, record).map_err(unwritten)?;
                *of_shard += u64::from(kept);
            }
            let of_shard = *of_shard;
            match answer.then {
                Then::More => under_way.push(shard.step(reading)),
                Then::Done => self.end(shard, of_shard),
                Then::Closed(children) => {
                    self.end(shard, of_shard);
                    let listed = |id| Listed { id, closed: false };
                    self.add(children.into_iter().map(listed), reading);
                }
            }
            self.observer.on(Event::Stream {
                records: self.keeper.counts.user_records,
                bytes: self.keeper.counts.bytes,
                done: self.done.len() as u64,
                shards: self.known.len() as u64,
            });
        }
    }

    fn end(&mut self, shard: Shard, records: u64) {
        self.complete_from = self.complete_from.max(shard.lost_before.unwrap_or(Timestamp::MIN));
        self.done.insert(shard.id, (shard.closed, records));
    }
}
