//! When the next request may be made: the rate that was asked for, and the pauses that a service
//! which rejects records needs.

use std::time::Duration;

use tokio::time::Instant;

use crate::limits::{PUT_BACKOFF, PUT_BACKOFF_MAX};

/// Requests a second that a low rate is spread over.
const REQUESTS_A_SECOND: u64 = 10;

/// So often the longest wait doubles.
const PRESSURE_MAX: u32 = 10;

/// Paces requests.
#[derive(Debug)]
pub(super) struct Pace {
    rate: Option<u64>,
    next: Instant,
    /// Counts the pauses: requests that were made before the last one tell nothing new.
    round: u64,
    /// How often less than half was taken, less how often more was.
    pressure: u32,
    /// Requests in a row of which nothing was taken.
    failures: u32,
}

/// How much of a request was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    All,
    /// Half of it at least.
    Most,
    Some,
    Nothing,
}

impl Pace {
    /// At most so many records a second, where a rate is given.
    pub(super) fn new(rate: Option<u64>) -> Self {
        Self { rate, next: Instant::now(), round: 0, pressure: 0, failures: 0 }
    }

    /// When the next request may be made.
    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// The round that a request which is made now belongs to.
    pub(super) fn round(&self) -> u64 {
        self.round
    }

    /// Records that one request may have.
    pub(super) fn most(&self) -> usize {
        let most = self.rate.map(|rate| rate.div_ceil(REQUESTS_A_SECOND));
        most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX)
    }

    /// A request of so many records is made.
    pub(super) fn made(&mut self, records: usize, now: Instant) {
        if let Some(rate) = self.rate {
            let nanos = records as u64 * 1_000_000_000 / rate.max(1);
            self.next = self.next.max(now) + Duration::from_nanos(nanos);
        }
    }

    /// A request of a round was answered.
    pub(super) fn answered(&mut self, round: u64, taken: Taken, now: Instant) {
        match taken {
            Taken::Nothing if round == self.round => self.failures += 1,
            Taken::Nothing => {}
            _ => self.failures = 0,
        }
        // A few records that are rejected now and then are no reason to hold all others back.
        if matches!(taken, Taken::All | Taken::Most) {
            self.pressure = self.pressure.saturating_sub(1);
        }
        if taken != Taken::All && round == self.round {
            self.round += 1;
            // Full jitter: producers that were rejected together do not come back together.
            let longest = PUT_BACKOFF.saturating_mul(1 << self.pressure);
            let wait = longest.min(PUT_BACKOFF_MAX).mul_f64(fastrand::f64());
            self.next = self.next.max(now + wait);
            if taken != Taken::Most {
                self.pressure = (self.pressure + 1).min(PRESSURE_MAX);
            }
        }
    }

    /// Requests in a row of which nothing was taken.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_kept_and_not_made_up_for() {
        let mut pace = Pace::new(Some(100));
        let start = pace.next();
        assert_eq!(pace.most(), 10);
        for _ in 0..5 {
            pace.made(10, start);
        }
        assert_eq!(pace.next() - start, Duration::from_millis(500));
        let later = start + Duration::from_secs(60);
        pace.made(10, later);
        assert_eq!(pace.next() - later, Duration::from_millis(100));
        assert_eq!(Pace::new(None).most(), usize::MAX);
        assert_eq!(Pace::new(Some(1)).most(), 1);
    }

    #[test]
    fn requests_that_fail_together_are_one_failure() {
        let mut pace = Pace::new(None);
        let now = pace.next();
        let round = pace.round();
        for _ in 0..4 {
            pace.answered(round, Taken::Nothing, now);
        }
        assert_eq!(pace.failures(), 1);
        pace.answered(pace.round(), Taken::Nothing, now);
        assert_eq!(pace.failures(), 2);
        pace.answered(pace.round(), Taken::Some, now);
        assert_eq!(pace.failures(), 0);
        for _ in 0..50 {
            pace.answered(pace.round(), Taken::Nothing, now);
            assert!(pace.next() <= now + PUT_BACKOFF_MAX);
        }
    }
}
