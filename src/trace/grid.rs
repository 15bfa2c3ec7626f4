//! A window in periods, as CloudWatch keeps data points.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::limits;

/// How long one data point spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// One minute.
    Minute,
    /// Five minutes.
    FiveMinutes,
    /// One hour.
    Hour,
}

impl Period {
    /// From the shortest to the longest.
    pub const ALL: [Self; 3] = [Self::Minute, Self::FiveMinutes, Self::Hour];

    /// In seconds.
    pub fn seconds(self) -> u32 {
        match self {
            Self::Minute => 60,
            Self::FiveMinutes => 300,
            Self::Hour => 3600,
        }
    }

    /// As it is typed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "1m",
            Self::FiveMinutes => "5m",
            Self::Hour => "1h",
        }
    }

    /// How long CloudWatch keeps data points of this period ("Metrics retention", Amazon CloudWatch
    /// user guide).
    pub fn retention(self) -> Duration {
        let days = match self {
            Self::Minute => 15,
            Self::FiveMinutes => 63,
            Self::Hour => 455,
        };
        Duration::from_secs(days * 24 * 3600)
    }

    /// The longest window that is worth that many rows.
    fn suits(self) -> Duration {
        match self {
            Self::Minute => Duration::from_secs(3 * 3600),
            Self::FiveMinutes => Duration::from_secs(48 * 3600),
            Self::Hour => Duration::MAX,
        }
    }

    /// Whether its data points are still there.
    pub fn is_kept(self, since: Timestamp, now: Timestamp) -> bool {
        length(since, now) <= self.retention()
    }

    /// The shortest that is still there and does not make too many rows of a window; none where
    /// nothing is kept any more.
    pub fn of(since: Timestamp, until: Timestamp, now: Timestamp) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|period| period.is_kept(since, now) && length(since, until) <= period.suits())
    }
}

fn length(since: Timestamp, until: Timestamp) -> Duration {
    until.duration_since(since).try_into().unwrap_or(Duration::ZERO)
}

/// A window in periods: `[since, until)`, widened to whole ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grid {
    since: Timestamp,
    period: Period,
    periods: usize,
    now: Timestamp,
}

impl Grid {
    /// The periods that a window touches.
    pub fn new(since: Timestamp, until: Timestamp, period: Period, now: Timestamp) -> Self {
        let seconds = i64::from(period.seconds());
        let first = since.as_second().div_euclid(seconds);
        let whole = until.subsec_nanosecond() == 0 && until.as_second().rem_euclid(seconds) == 0;
        let last = until.as_second().div_euclid(seconds) + i64::from(!whole);
        let since = Timestamp::new(first * seconds, 0).unwrap_or(since);
        let periods = usize::try_from((last - first).max(1)).unwrap_or(1);
        Self { since, period, periods, now }
    }

    /// When the first period begins.
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// When the last period ends.
    pub fn until(&self) -> Timestamp {
        self.start(self.periods)
    }

    /// How long a period is.
    pub fn period(&self) -> Period {
        self.period
    }

    /// How many there are.
    pub fn periods(&self) -> usize {
        self.periods
    }

    /// When a period begins.
    pub fn start(&self, period: usize) -> Timestamp {
        let seconds = i64::from(self.period.seconds());
        let after = i64::try_from(period).unwrap_or(i64::MAX).saturating_mul(seconds);
        self.since.saturating_add(SignedDuration::from_secs(after)).unwrap_or(Timestamp::MAX)
    }

    /// The period that an instant is in.
    pub fn index(&self, at: Timestamp) -> Option<usize> {
        let seconds = at.as_second().checked_sub(self.since.as_second())?;
        let index = usize::try_from(seconds.div_euclid(i64::from(self.period.seconds()))).ok()?;
        (index < self.periods).then_some(index)
    }

    /// From here on numbers may still change: CloudWatch publishes late.
    pub fn settled(&self) -> Timestamp {
        let settled = self.now.saturating_sub(limits::METRICS_SETTLE).unwrap_or(Timestamp::MIN);
        settled.min(self.until())
    }

    /// Whether its last numbers may still change.
    pub fn is_young(&self) -> bool {
        self.settled() < self.until()
    }
}

#[cfg(test)]
mod tests {
    use super::{Grid, Period};
    use jiff::Timestamp;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a timestamp")
    }

    #[test]
    fn a_window_is_widened_to_whole_periods() {
        let (since, until) = (at("2023-05-04T08:31:10Z"), at("2023-05-04T09:30:00.5Z"));
        let grid = Grid::new(since, until, Period::FiveMinutes, at("2023-05-05T00:00:00Z"));
        assert_eq!(grid.since(), at("2023-05-04T08:30:00Z"));
        assert_eq!(grid.until(), at("2023-05-04T09:35:00Z"));
        assert_eq!(grid.periods(), 13);
        assert_eq!(grid.index(at("2023-05-04T08:34:59.9Z")), Some(0));
        assert_eq!(grid.index(at("2023-05-04T08:35:00Z")), Some(1));
        assert_eq!(grid.index(at("2023-05-04T08:29:59Z")), None);
        assert_eq!(grid.index(at("2023-05-04T09:35:00Z")), None);
        assert!(!grid.is_young());
    }

    #[test]
    fn the_period_is_one_that_is_still_kept() {
        let now = at("2023-12-31T00:00:00Z");
        let of = |since, until| Period::of(at(since), at(until), now);
        assert_eq!(of("2023-12-30T23:00:00Z", "2023-12-31T00:00:00Z"), Some(Period::Minute));
        assert_eq!(of("2023-12-30T00:00:00Z", "2023-12-31T00:00:00Z"), Some(Period::FiveMinutes));
        assert_eq!(of("2023-12-01T23:00:00Z", "2023-12-02T00:00:00Z"), Some(Period::FiveMinutes));
        assert_eq!(of("2023-09-01T23:00:00Z", "2023-09-02T00:00:00Z"), Some(Period::Hour));
        assert_eq!(of("2022-09-01T23:00:00Z", "2022-09-02T00:00:00Z"), None);
    }
}
