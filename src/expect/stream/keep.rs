//! What is read, as lines of a snapshot: aggregates taken apart, everything counted.

use std::io::{self, Write};

use aws_sdk_kinesis::types::Record;
use jiff::Timestamp;

use super::ask::instant;
use super::{Counts, Span, earlier, later};
use crate::expect::kpl::{self, Opened};
use crate::expect::manifest::{self, Header, Kind, Line, Read};
use crate::limits::ARRIVAL_SLACK;

/// Writes a snapshot.
pub(super) struct Keeper<'w, W> {
    out: &'w mut W,
    /// Arrivals that are kept, the first and the last.
    kept: (Timestamp, Timestamp),
    pub(super) counts: Counts,
}

impl<'w, W: Write> Keeper<'w, W> {
    /// Writes the first line.
    pub(super) fn begin(
        out: &'w mut W,
        stream: &str,
        at: Timestamp,
        span: &Span,
    ) -> io::Result<Self> {
        let header = Header {
            kind: Kind::Snapshot,
            target: format!("data stream {stream}"),
            at,
            origin: None,
        };
        manifest::write(&Line::Header(header), out)?;
        let from = span.from.map_or(Timestamp::MIN, |from| earlier(from, ARRIVAL_SLACK));
        let kept = (from, later(span.to, ARRIVAL_SLACK));
        Ok(Self { out, kept, counts: Counts::default() })
    }

    /// Writes a record, or what it holds. One that is far outside of the window is left out; gives
    /// whether it was kept.
    pub(super) fn keep(&mut self, shard: &str, record: &Record) -> io::Result<bool> {
        let arrival = record.approximate_arrival_timestamp().and_then(instant);
        let arrival = arrival.ok_or_else(|| {
            let number = record.sequence_number();
            io::Error::other(format!("record {number} of {shard} has no arrival timestamp"))
        })?;
        if !(self.kept.0..self.kept.1).contains(&arrival) {
            self.counts.outside += 1;
            return Ok(false);
        }
        let data = record.data().as_ref();
        let counts = &mut self.counts;
        counts.records += 1;
        counts.bytes += data.len() as u64;
        counts.first_arrival = Some(counts.first_arrival.map_or(arrival, |at| at.min(arrival)));
        counts.last_arrival = counts.last_arrival.max(Some(arrival));
        let line = Read {
            sequence_number: record.sequence_number().into(),
            sub_sequence_number: None,
            shard_id: shard.into(),
            partition_key: record.partition_key().unwrap_or_default().into(),
            arrival,
            data: data.into(),
        };
        match kpl::open(data) {
            Opened::Plain => self.write(line)?,
            Opened::Damaged(damage) => {
                tracing::debug!(shard, number = record.sequence_number(), %damage, "no aggregate");
                self.counts.damaged_aggregates += 1;
                self.write(line)?;
            }
            Opened::Aggregate(aggregate) => {
                self.counts.aggregates += 1;
                for (place, inner) in (0..).zip(aggregate.records()) {
                    self.write(Read {
                        sub_sequence_number: Some(place),
                        partition_key: inner.partition_key.into(),
                        data: inner.data.into(),
                        ..line.clone()
                    })?;
                }
            }
        }
        Ok(true)
    }

    fn write(&mut self, read: Read<'_>) -> io::Result<()> {
        self.counts.user_records += 1;
        manifest::write(&Line::Read(read), self.out)
    }

    /// Writes the last line: the snapshot is whole.
    pub(super) fn end(self) -> io::Result<Counts> {
        let records = self.counts.user_records;
        manifest::write(&Line::End { records }, self.out)?;
        self.out.flush()?;
        Ok(self.counts)
    }
}
