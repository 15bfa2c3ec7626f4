//! What explains a difference between two hops, in words and for machines.

use std::fmt;

use super::hops::Stage;

/// What explains a difference, or is to be known of it. Numbers are records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The first of the two, or the second, has no data point in the window.
    NoDataPoint(Stage),
    /// So many passed the first so late that the second may not have counted them yet.
    OnTheirWay(u64),
    /// So many were counted by the second so early that they may have passed the first before.
    FromBefore(u64),
    /// So many passed the first where the second has no data point.
    Unmeasured(u64),
    /// The numbers of the last minutes may still change.
    Young,
    /// So many puts were refused because there were too many.
    Throttled(u64),
    /// So many puts failed in the stream.
    FailedPuts(u64),
    /// So many more were taken than were put.
    OtherProducers(u64),
    /// So many were read again.
    ReadAgain(u64),
    /// Firehose was so many milliseconds behind the data stream.
    Behind(u64),
    /// The oldest record that was not delivered was so many seconds old.
    Undelivered(u64),
    /// So many were backed up, more than were delivered.
    BackedUp(u64),
    /// So many percent of the attempts to write an object succeeded.
    Attempts(u64),
    /// So many more were found in objects: copies, or several values in one record.
    SeveralValues(u64),
}

impl Reason {
    /// A short name, for machines.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoDataPoint(_) => "no-data-point",
            Self::OnTheirWay(_) => "on-their-way",
            Self::FromBefore(_) => "from-before",
            Self::Unmeasured(_) => "unmeasured",
            Self::Young => "young",
            Self::Throttled(_) => "throttled",
            Self::FailedPuts(_) => "failed-puts",
            Self::OtherProducers(_) => "other-producers",
            Self::ReadAgain(_) => "read-again",
            Self::Behind(_) => "behind",
            Self::Undelivered(_) => "undelivered",
            Self::BackedUp(_) => "backed-up",
            Self::Attempts(_) => "attempts",
            Self::SeveralValues(_) => "several-values",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDataPoint(stage) => {
                write!(f, "no data point for {} in the window, which is not zero", stage.code())
            }
            Self::OnTheirWay(n) => write!(
                f,
                "{n} passed so late in the window that they may be counted further on only later"
            ),
            Self::FromBefore(n) => {
                write!(f, "{n} were counted so early that they may be from before the window")
            }
            Self::Unmeasured(n) => {
                write!(f, "{n} passed where the next metric has no data point, which is not zero")
            }
            Self::Young => {
                write!(f, "the last 15 minutes are provisional: CloudWatch publishes late")
            }
            Self::Throttled(n) => {
                write!(f, "{n} puts were refused because there were too many (throttled)")
            }
            Self::FailedPuts(n) => write!(f, "{n} puts failed in the stream"),
            Self::OtherProducers(n) => write!(
                f,
                "{n} more were taken than this producer says: another producer, or puts that were \
                 taken twice"
            ),
            Self::ReadAgain(n) => {
                write!(f, "{n} more were read than came in: the metric counts what is read again")
            }
            Self::Behind(ms) => write!(f, "Firehose reads {ms} ms behind the data stream"),
            Self::Undelivered(s) => {
                write!(f, "the oldest record that is not delivered is {s} s old")
            }
            Self::BackedUp(n) => write!(
                f,
                "{n} more were backed up than delivered: the transforming function may drop them"
            ),
            Self::Attempts(percent) => {
                write!(f, "{percent} % of the attempts to write an object succeeded")
            }
            Self::SeveralValues(n) => write!(
                f,
                "{n} more than the hop before: copies, or records that hold several values"
            ),
        }
    }
}
