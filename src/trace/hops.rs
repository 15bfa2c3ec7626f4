//! Numbers at each hop to where they drop, and what may explain it.
//!
//! Two neighbours are compared by their totals. The periods say how much of a difference can be
//! explained by time: what passed the first of the two so late that the second had not counted it
//! yet, what the second counted that passed the first before the window, and where the second has no
//! data point at all. What is left of a drop is a drop.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

pub use super::reason::Reason;
use super::{Grid, Measured, Series};
use crate::limits::{BUFFERING_MAX, DELIVERY_SLACK};
use crate::outcome::Verdict;

/// Names of metrics.
pub mod metric {
    /// Records taken by a stream, or by a delivery stream.
    pub const INCOMING: &str = "IncomingRecords";
    /// Records that Firehose read from a data stream, those it read again included.
    pub const READ: &str = "DataReadFromKinesisStream.Records";
    /// Records that Firehose wrote to S3, error output included.
    pub const DELIVERED: &str = "DeliveryToS3.Records";
    /// Attempts to write an object that succeeded.
    pub const DELIVERY_SUCCESS: &str = "DeliveryToS3.Success";
    /// Age of the oldest record that is not delivered yet, in seconds.
    pub const FRESHNESS: &str = "DeliveryToS3.DataFreshness";
    /// How far behind the end of the data stream Firehose reads, in milliseconds.
    pub const BEHIND: &str = "KinesisMillisBehindLatest";
    /// Records that a data stream failed to take, by itself.
    pub const FAILED_PUTS: &str = "PutRecords.FailedRecords";
    /// Records that a data stream refused, because there were too many.
    pub const THROTTLED_PUTS: &str = "PutRecords.ThrottledRecords";
    /// The same, over `PutRecord` and `PutRecords`.
    pub const WRITE_EXCEEDED: &str = "WriteProvisionedThroughputExceeded";
    /// Reads of Firehose that a data stream refused.
    pub const THROTTLED_GETS: &str = "ThrottledGetRecords";
    /// Records that a delivery stream refused, because there were too many.
    pub const THROTTLED_RECORDS: &str = "ThrottledRecords";
    /// Source records that were written to the backup.
    pub const BACKUP: &str = "BackupToS3.Records";
    /// Calls of the transforming function that succeeded.
    pub const EXECUTE_SUCCESS: &str = "ExecuteProcessing.Success";
    /// Records that the transforming function gave back as `Ok`.
    pub const SUCCEED_PROCESSING: &str = "SucceedProcessing.Records";
}

/// A place where records are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// By the producer.
    Produced,
    /// By the stream that took them.
    Incoming,
    /// By Firehose, reading the data stream.
    Read,
    /// By Firehose, writing to S3.
    Delivered,
    /// In the objects.
    Objects,
}

impl Stage {
    /// A short name, for machines.
    pub fn code(self) -> &'static str {
        match self {
            Self::Produced => "produced",
            Self::Incoming => "incoming",
            Self::Read => "read",
            Self::Delivered => "delivered",
            Self::Objects => "objects",
        }
    }
}

/// What the producer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Produced {
    /// Records that were put, for sure.
    pub records: u64,
    /// Records that may have been put besides: their puts had no answer.
    pub uncertain: u64,
}

/// What was counted in objects, by the time in their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Records of data objects.
    pub data: Series,
    /// Documents of error output.
    pub errors: Series,
    /// Records and error documents of objects that were begun before the window, and may have been
    /// delivered in it.
    pub before: u64,
}

impl Counted {
    /// Nothing yet.
    pub fn new(periods: usize) -> Self {
        Self { data: Series::empty(periods), errors: Series::empty(periods), before: 0 }
    }

    /// Records and error documents. What was listed and is not there is zero, not unknown.
    fn all(&self) -> Series {
        let pairs = self.data.0.iter().zip(&self.errors.0);
        Series(pairs.map(|(data, errors)| Some(data.unwrap_or(0) + errors.unwrap_or(0))).collect())
    }
}

/// How two neighbours compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The same number, or a difference that is none.
    Agrees,
    /// Fewer, and nothing explains so many.
    Drops,
    /// More, and nothing explains so many.
    Rises,
    /// A difference that time may explain.
    Unsettled,
    /// One of them is not known.
    Unknown,
}

impl Standing {
    /// A short name, for machines.
    pub fn code(self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::Drops => "drops",
            Self::Rises => "rises",
            Self::Unsettled => "unsettled",
            Self::Unknown => "unknown",
        }
    }
}

/// From one place to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// Where records come from.
    pub from: Stage,
    /// Where they go.
    pub to: Stage,
    /// How the two compare.
    pub standing: Standing,
    /// Records by which they differ.
    pub difference: u64,
    /// What explains that, or is to be known of it.
    pub reasons: Vec<Reason>,
}

/// The whole walk.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Walk {
    /// The window.
    pub grid: Grid,
    /// What the producer says, where it was asked.
    pub produced: Option<Produced>,
    /// What CloudWatch says.
    pub measured: Measured,
    /// What was counted in objects.
    pub counted: Counted,
    /// From the producer to the objects.
    pub hops: Vec<Hop>,
}

impl Walk {
    /// Compares each place with the next.
    pub fn new(
        grid: Grid,
        produced: Option<Produced>,
        measured: Measured,
        counted: Counted,
    ) -> Self {
        let mut walk = Self { grid, produced, measured, counted, hops: Vec::new() };
        let first = walk.produced.map(|produced| walk.taken(produced));
        let read = walk.measured.read.as_ref().map(|read| walk.read(read));
        walk.hops = first.into_iter().chain(read).collect();
        walk.hops.push(walk.delivered());
        walk.hops.push(walk.stored());
        walk
    }

    /// The records that were counted at a place in the whole window; none where nothing is known.
    pub fn total(&self, stage: Stage) -> Option<u64> {
        match stage {
            Stage::Produced => self.produced.map(|produced| produced.records),
            Stage::Incoming => self.measured.incoming.total(),
            Stage::Read => self.measured.read.as_ref().and_then(Series::total),
            Stage::Delivered => self.measured.delivered.total(),
            Stage::Objects => self.counted.all().total(),
        }
    }

    /// The places of this walk, in the order in which records pass them.
    pub fn stages(&self) -> Vec<Stage> {
        let all = [Stage::Produced, Stage::Incoming, Stage::Read, Stage::Delivered, Stage::Objects];
        let there = |stage: &Stage| match stage {
            Stage::Produced => self.produced.is_some(),
            Stage::Read => self.measured.read.is_some(),
            _ => true,
        };
        all.into_iter().filter(there).collect()
    }

    /// Discrepant where the number drops, inconclusive where something is unknown or may change.
    pub fn verdict(&self) -> Verdict {
        let any = |standing| self.hops.iter().any(|hop| hop.standing == standing);
        if any(Standing::Drops) {
            Verdict::Discrepant
        } else if self.hops.iter().all(|hop| hop.standing == Standing::Agrees) {
            Verdict::Reconciled
        } else {
            Verdict::Inconclusive
        }
    }

    fn taken(&self, produced: Produced) -> Hop {
        let (from, to) = (Stage::Produced, Stage::Incoming);
        let Some(incoming) = self.total(to) else { return unknown(from, to, to) };
        let most = produced.records.saturating_add(produced.uncertain);
        let mut reasons = Vec::new();
        let lost = produced.records.saturating_sub(incoming);
        if lost > 0 {
            let refused =
                [metric::THROTTLED_PUTS, metric::WRITE_EXCEEDED, metric::THROTTLED_RECORDS];
            let refused = refused.iter().filter_map(|name| self.measured.signal(name)).max();
            reasons.extend(some(refused).map(Reason::Throttled));
            reasons.extend(self.told(metric::FAILED_PUTS).map(Reason::FailedPuts));
            // Nobody knows when they were put: all of them may have been put just now.
            let young = self.grid.is_young();
            reasons.extend(young.then_some(Reason::Young));
            let explained = if young { lost } else { 0 };
            return drop(from, to, lost, explained, reasons);
        }
        match incoming.saturating_sub(most) {
            0 => agrees(from, to, incoming.abs_diff(produced.records), reasons),
            more => {
                reasons.push(Reason::OtherProducers(more));
                Hop { from, to, standing: Standing::Rises, difference: more, reasons }
            }
        }
    }

    fn read(&self, read: &Series) -> Hop {
        let (from, to) = (Stage::Incoming, Stage::Read);
        let incoming = &self.measured.incoming;
        let Some(before) = incoming.total() else { return unknown(from, to, from) };
        let Some(after) = read.total() else { return unknown(from, to, to) };
        let behind = self.told(metric::BEHIND);
        let delay = Duration::from_millis(behind.unwrap_or(0)) + self.period();
        let mut reasons = Vec::new();
        let lost = before.saturating_sub(after);
        if lost == 0 {
            let again = some(Some(after - before)).map(Reason::ReadAgain);
            return agrees(from, to, after - before, again.into_iter().collect());
        }
        reasons.extend(behind.map(Reason::Behind));
        let explained = self.explained(incoming, read, delay, &mut reasons);
        drop(from, to, lost, explained, reasons)
    }

    fn delivered(&self) -> Hop {
        let (read, incoming) = (self.measured.read.as_ref(), &self.measured.incoming);
        let (from, source) = match read {
            Some(read) => (Stage::Read, read),
            None => (Stage::Incoming, incoming),
        };
        let (to, delivered) = (Stage::Delivered, &self.measured.delivered);
        let Some(most) = source.total() else { return unknown(from, to, from) };
        let Some(after) = delivered.total() else { return unknown(from, to, to) };
        // What was read again needs not be delivered again.
        let least = incoming.total().map_or(most, |incoming| incoming.min(most));
        let mut reasons = Vec::new();
        let lost = least.saturating_sub(after);
        if lost > 0 {
            let age = self.told(metric::FRESHNESS);
            reasons.extend(age.map(Reason::Undelivered));
            let attempts = self.measured.signal(metric::DELIVERY_SUCCESS);
            reasons.extend(attempts.filter(|percent| *percent < 100).map(Reason::Attempts));
            let backup = self.told(metric::BACKUP).map(|backup| backup.saturating_sub(after));
            reasons.extend(some(backup).map(Reason::BackedUp));
            let delay = buffered().max(Duration::from_secs(age.unwrap_or(0)));
            let explained = self.explained(source, delivered, delay, &mut reasons);
            return drop(from, to, lost, explained, reasons);
        }
        let more = after.saturating_sub(most);
        let early = self.early(delivered);
        rise(from, to, more, early, Reason::FromBefore(early))
    }

    fn stored(&self) -> Hop {
        let (from, to) = (Stage::Delivered, Stage::Objects);
        let delivered = &self.measured.delivered;
        let objects = self.counted.all();
        let Some(before) = delivered.total() else { return unknown(from, to, from) };
        let after = objects.total().unwrap_or(0);
        let lost = before.saturating_sub(after);
        if lost > 0 {
            // A metric has the time of delivery, a key that of the oldest record in its object.
            let begun_before = self.early(delivered).min(self.counted.before);
            let reasons = some(Some(begun_before)).map(Reason::FromBefore).into_iter().collect();
            return drop(from, to, lost, begun_before, reasons);
        }
        let late = self.late(&objects, buffered());
        rise(from, to, after - before, late, Reason::OnTheirWay(late))
    }

    /// The value of a signal that says something.
    fn told(&self, metric: &str) -> Option<u64> {
        some(self.measured.signal(metric))
    }

    fn period(&self) -> Duration {
        Duration::from_secs(self.grid.period().seconds().into())
    }

    /// How many of the records that passed `from` may be counted by `to` later, or nowhere because
    /// it has no data point; a record is counted so much later at most.
    fn explained(
        &self,
        from: &Series,
        to: &Series,
        delay: Duration,
        reasons: &mut Vec<Reason>,
    ) -> u64 {
        let late = self.late(from, delay);
        reasons.extend(some(Some(late)).map(Reason::OnTheirWay));
        let horizon = self.horizon(delay);
        let reach = delay.as_secs().div_ceil(self.period().as_secs());
        let reach = usize::try_from(reach).unwrap_or(usize::MAX);
        let unmeasured = self.sum(from, |index, end| {
            let last = index.saturating_add(reach).min(to.0.len() - 1);
            end <= horizon && to.0[index..=last].iter().all(Option::is_none)
        });
        reasons.extend(some(Some(unmeasured)).map(Reason::Unmeasured));
        late.saturating_add(unmeasured)
    }

    /// Records of a series that are so late that the next place may not have counted them yet.
    fn late(&self, series: &Series, delay: Duration) -> u64 {
        let horizon = self.horizon(delay);
        self.sum(series, |_, end| end > horizon)
    }

    /// Records of a series that are so early that they may have passed the place before it earlier
    /// than the window.
    fn early(&self, series: &Series) -> u64 {
        let first = self.grid.since().saturating_add(signed(buffered()));
        let first = first.unwrap_or(Timestamp::MAX);
        let mut index = 0..;
        let early = series.0.iter().zip(&mut index).filter(|(_, i)| self.grid.start(*i) < first);
        early.filter_map(|(records, _)| *records).sum()
    }

    /// What passed in a period that ends by then has been counted further on.
    fn horizon(&self, delay: Duration) -> Timestamp {
        self.grid.settled().saturating_sub(signed(delay)).unwrap_or(Timestamp::MIN)
    }

    fn sum(&self, series: &Series, wanted: impl Fn(usize, Timestamp) -> bool) -> u64 {
        let each = series.0.iter().enumerate();
        each.filter(|(index, _)| wanted(*index, self.grid.start(index + 1)))
            .filter_map(|(_, records)| *records)
            .sum()
    }
}

/// Longest time from the arrival of a record to the object that holds it.
fn buffered() -> Duration {
    BUFFERING_MAX + DELIVERY_SLACK
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

/// A number that is not zero.
fn some(number: Option<u64>) -> Option<u64> {
    number.filter(|number| *number > 0)
}

fn unknown(from: Stage, to: Stage, silent: Stage) -> Hop {
    let reasons = vec![Reason::NoDataPoint(silent)];
    Hop { from, to, standing: Standing::Unknown, difference: 0, reasons }
}

fn agrees(from: Stage, to: Stage, difference: u64, reasons: Vec<Reason>) -> Hop {
    Hop { from, to, standing: Standing::Agrees, difference, reasons }
}

/// A difference downwards, of which so many records are explained.
fn drop(from: Stage, to: Stage, lost: u64, explained: u64, reasons: Vec<Reason>) -> Hop {
    let standing = if lost > explained { Standing::Drops } else { Standing::Unsettled };
    Hop { from, to, standing, difference: lost, reasons }
}

/// A difference upwards, or none.
fn rise(from: Stage, to: Stage, more: u64, explained: u64, why: Reason) -> Hop {
    let (standing, reason) = match more {
        0 => return agrees(from, to, 0, Vec::new()),
        more if more <= explained => (Standing::Unsettled, why),
        more => (Standing::Rises, Reason::SeveralValues(more)),
    };
    Hop { from, to, standing, difference: more, reasons: vec![reason] }
}

#[cfg(test)]
mod tests;
