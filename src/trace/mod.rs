//! The walk along the pipeline by numbers alone: what CloudWatch counted at each hop, and what was
//! counted in objects.
//!
//! Numbers can agree where records do not: one that was lost and one that was doubled cancel. What a
//! walk is good for is to say where to look, and whether it is too early to judge.

mod grid;
pub mod hops;
#[cfg(feature = "aws")]
mod metrics;
mod reason;

pub use grid::{Grid, Period};
#[cfg(feature = "aws")]
pub use metrics::{freshness, measure};

/// A number for each period of a grid. A period without a data point has none, which is not zero.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Series(pub Vec<Option<u64>>);

impl Series {
    /// A series of a length without any number.
    pub fn empty(periods: usize) -> Self {
        Self(vec![None; periods])
    }

    /// The sum; none where no period has a number.
    pub fn total(&self) -> Option<u64> {
        self.0.iter().flatten().copied().reduce(u64::saturating_add)
    }

    /// Adds to the number of a period.
    pub fn add(&mut self, period: usize, records: u64) {
        let number = &mut self.0[period];
        *number = Some(number.unwrap_or(0).saturating_add(records));
    }

    /// Periods that have no number.
    pub fn silent(&self) -> u64 {
        self.0.iter().filter(|number| number.is_none()).count() as u64
    }
}

/// A metric that says how the pipeline is, and not how many records passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    /// Its namespace: `AWS/Kinesis`, `AWS/Firehose`.
    pub namespace: &'static str,
    /// Its name.
    pub metric: &'static str,
    /// How it is summed up.
    pub statistic: &'static str,
    /// Over the whole window, in the metric's own unit; an average of successes is in percent. None
    /// where there is no data point.
    pub value: Option<u64>,
}

/// What CloudWatch says of a window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Measured {
    /// `IncomingRecords`: of the data stream, or of the delivery stream where it has none.
    pub incoming: Series,
    /// `DataReadFromKinesisStream.Records`; none where records are put to the delivery stream.
    pub read: Option<Series>,
    /// `DeliveryToS3.Records`, error output included.
    pub delivered: Series,
    /// Everything else.
    pub signals: Vec<Signal>,
}

impl Measured {
    /// The value of a signal, where it has a data point.
    pub fn signal(&self, metric: &str) -> Option<u64> {
        self.signals.iter().find(|signal| signal.metric == metric)?.value
    }
}
