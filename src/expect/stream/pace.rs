//! How fast one shard is read: within a share of what it gives out, and slower where it says so.

use std::time::Duration;

use tokio::time::Instant;

use crate::limits::{
    GET_RECORDS_MAX, SHARD_CALLS_PER_SECOND, SHARD_READ_BYTES_PER_SECOND, STREAM_ATTEMPTS,
    STREAM_BACKOFF, STREAM_BACKOFF_MAX, STREAM_SHARE_DEFAULT,
};

/// Records of the first call, before it is known how large they are.
const FIRST_LIMIT: u64 = 100;
/// The interval between calls is doubled at most so often.
const SLOWEST: u32 = 4;
/// Answers in a row after which the interval is halved again.
const CALM: u32 = 20;
/// Time between two looks at a shard that has nothing new.
const IDLE: Duration = Duration::from_secs(1);

/// A part of the calls and bytes that a shard gives out: all readers share 5 `GetRecords` and 2 MiB
/// a second, and Firehose is one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(u8);

impl Default for Share {
    fn default() -> Self {
        Self(STREAM_SHARE_DEFAULT)
    }
}

impl Share {
    /// So many percent, from 1 to 100.
    pub fn percent(percent: u8) -> Option<Self> {
        (1..=100).contains(&percent).then_some(Self(percent))
    }

    /// Percent.
    pub fn as_percent(self) -> u8 {
        self.0
    }

    /// Shortest time between two calls to one shard.
    pub(super) fn interval(self) -> Duration {
        Duration::from_secs(100) / (u32::from(self.0) * SHARD_CALLS_PER_SECOND)
    }

    /// Bytes of one shard a second.
    pub(super) fn bytes_per_second(self) -> u64 {
        SHARD_READ_BYTES_PER_SECOND * u64::from(self.0) / 100
    }

    /// How long so many bytes of one shard take.
    pub(super) fn time_of(self, bytes: u64) -> Duration {
        Duration::from_secs_f64(bytes as f64 / self.bytes_per_second() as f64)
    }
}

/// The calls to one shard.
#[derive(Debug)]
pub(super) struct Pace {
    share: Share,
    next: Instant,
    /// How often the interval is doubled.
    slow: u32,
    /// Answers since it was throttled.
    calm: u32,
    /// Attempts that failed in a row.
    failures: u32,
    /// Bytes of a record, of those that came last.
    average: Option<u64>,
}

impl Pace {
    pub(super) fn new(share: Share, now: Instant) -> Self {
        Self { share, next: now, slow: 0, calm: 0, failures: 0, average: None }
    }

    /// When the next call may be made.
    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// Records to ask for: about as many as the share pays for until the next call. An answer of
    /// 10 MiB would keep every other reader from the shard for five seconds.
    pub(super) fn limit(&self) -> u64 {
        let Some(average) = self.average else { return FIRST_LIMIT };
        let bytes = u128::from(self.share.bytes_per_second()) * self.interval().as_millis() / 1000;
        let records = bytes / u128::from(average.max(1));
        u64::try_from(records).unwrap_or(GET_RECORDS_MAX).clamp(1, GET_RECORDS_MAX)
    }

    /// A call that was made at `sent` was answered.
    pub(super) fn answered(&mut self, sent: Instant, records: u64, bytes: u64) {
        self.failures = 0;
        self.calm += 1;
        if self.calm >= CALM {
            self.calm = 0;
            self.slow = self.slow.saturating_sub(1);
        }
        self.average = bytes.checked_div(records).or(self.average);
        self.next = sent + self.interval().max(self.share.time_of(bytes));
    }

    /// There is nothing new yet.
    pub(super) fn idle(&mut self, sent: Instant) {
        self.next = self.next.max(sent + IDLE);
    }

    /// A call that was made at `sent` failed, and may succeed later. Gives whether to try again.
    pub(super) fn failed(&mut self, sent: Instant, throttled: bool) -> bool {
        self.failures += 1;
        if throttled {
            self.calm = 0;
            self.slow = (self.slow + 1).min(SLOWEST);
        }
        self.next = sent + self.interval().max(pause(self.failures));
        self.failures < STREAM_ATTEMPTS
    }

    fn interval(&self) -> Duration {
        self.share.interval() * (1 << self.slow)
    }
}

/// The wait after so many failed attempts, spread so that shards that are refused together do not
/// come back together.
pub(super) fn pause(failures: u32) -> Duration {
    let doubled = STREAM_BACKOFF.saturating_mul(1 << failures.saturating_sub(1).min(16));
    doubled.min(STREAM_BACKOFF_MAX).mul_f64(0.5 + fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::MIB;

    /// Reads a shard that holds much, for a while; gives the calls and bytes.
    fn read(percent: u8, record_bytes: u64, seconds: u64) -> (u64, u64) {
        let share = Share::percent(percent).unwrap();
        let start = Instant::now();
        let mut pace = Pace::new(share, start);
        let (mut calls, mut bytes) = (0, 0);
        while pace.next() < start + Duration::from_secs(seconds) {
            let records = pace.limit().min(10 * MIB / record_bytes);
            let sent = pace.next();
            pace.answered(sent, records, records * record_bytes);
            calls += 1;
            bytes += records * record_bytes;
        }
        (calls, bytes)
    }

    #[test]
    fn a_shard_is_read_within_the_share() {
        for percent in [1, 40, 100] {
            for record_bytes in [20, 1_000, 100_000, MIB, 10 * MIB] {
                let seconds = 600;
                let (calls, bytes) = read(percent, record_bytes, seconds);
                let share = u64::from(percent);
                let most_calls = u64::from(SHARD_CALLS_PER_SECOND) * seconds * share / 100 + 1;
                // The last answer is paid for after it came.
                let paid = SHARD_READ_BYTES_PER_SECOND * seconds * share / 100;
                let most_bytes = paid + record_bytes.max(10 * MIB);
                assert!(calls <= most_calls, "{percent} %, {record_bytes} bytes: {calls} calls");
                assert!(bytes <= most_bytes, "{percent} %, {record_bytes} bytes: {bytes} bytes");
                // Records so small that a full answer is less than the share are bound by calls.
                let full = GET_RECORDS_MAX * record_bytes * calls;
                assert!(bytes >= (paid * 9 / 10).min(full * 9 / 10), "{percent} %: {bytes} bytes");
            }
        }
    }

    #[test]
    fn one_who_is_throttled_slows_down_and_recovers() {
        let start = Instant::now();
        let mut pace = Pace::new(Share::default(), start);
        assert!(pace.failed(start, true) && pace.failed(start, true));
        assert!(pace.next() >= start + Duration::from_secs(1));
        assert_eq!(pace.interval(), Duration::from_secs(2));
        for _ in 0..2 * CALM {
            pace.answered(start, 0, 0);
        }
        assert_eq!(pace.interval(), Duration::from_millis(500));
    }

    #[test]
    fn it_gives_up_after_enough_attempts() {
        let start = Instant::now();
        let mut pace = Pace::new(Share::default(), start);
        let again = (0..STREAM_ATTEMPTS).filter(|_| pace.failed(start, false)).count();
        assert_eq!(again, STREAM_ATTEMPTS as usize - 1);
        assert!(pace.next() <= start + STREAM_BACKOFF_MAX);
    }
}
