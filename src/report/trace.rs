//! A walk along the pipeline, for people and for machines.

use std::io::{self, Write};

use serde::Serialize;

use super::json::typed;
use super::model::{Header, Trouble};
use crate::check::Listing;
use crate::outcome::Verdict;
use crate::trace::hops::{Hop, Reason, Stage, Walk};
use crate::trace::{Series, Signal};

/// A walk, and the listing that its last hop was counted in.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// The name of the delivery stream.
    pub delivery_stream: &'a str,
    /// The name of the data stream; none where records are put to the delivery stream.
    pub stream: Option<&'a str>,
    /// Whether the length of a period was chosen, and not given.
    pub chosen_period: bool,
    /// The numbers.
    pub walk: &'a Walk,
    /// The objects.
    pub listing: &'a Listing,
}

impl Report<'_> {
    /// That of the walk, and of the objects: what could not be read was not counted.
    pub fn verdict(&self) -> Verdict {
        let (walk, listing) = (self.walk.verdict(), self.listing.verdict());
        let either = |verdict| walk == verdict || listing == verdict;
        if listing == Verdict::Inconclusive {
            Verdict::Inconclusive
        } else if either(Verdict::Discrepant) {
            Verdict::Discrepant
        } else {
            walk
        }
    }
}

#[derive(Serialize)]
struct Window {
    since: String,
    until: String,
    period_seconds: u32,
    /// Until here, numbers do not change any more.
    settled_until: String,
}

/// Records at each place; null where there is no data point, or the place is none of this walk's.
#[derive(Serialize)]
struct Totals {
    produced: Option<u64>,
    produced_uncertain: Option<u64>,
    incoming: Option<u64>,
    read: Option<u64>,
    delivered: Option<u64>,
    objects: u64,
    error_output: u64,
    before_window: u64,
}

#[derive(Serialize)]
struct HopModel {
    from: &'static str,
    to: &'static str,
    standing: &'static str,
    difference: u64,
    reasons: Vec<ReasonModel>,
}

#[derive(Serialize)]
struct ReasonModel {
    code: &'static str,
    text: String,
}

impl From<&Hop> for HopModel {
    fn from(hop: &Hop) -> Self {
        let reason =
            |reason: &Reason| ReasonModel { code: reason.code(), text: reason.to_string() };
        Self {
            from: hop.from.code(),
            to: hop.to.code(),
            standing: hop.standing.code(),
            difference: hop.difference,
            reasons: hop.reasons.iter().map(reason).collect(),
        }
    }
}

#[derive(Serialize)]
struct SignalModel {
    namespace: &'static str,
    metric: &'static str,
    statistic: &'static str,
    value: Option<u64>,
}

impl From<&Signal> for SignalModel {
    fn from(signal: &Signal) -> Self {
        let &Signal { namespace, metric, statistic, value } = signal;
        Self { namespace, metric, statistic, value }
    }
}

/// A period; null where there is no data point.
#[derive(Serialize)]
pub(super) struct Row {
    pub(super) start: String,
    pub(super) incoming: Option<u64>,
    pub(super) read: Option<u64>,
    pub(super) delivered: Option<u64>,
    pub(super) objects: Option<u64>,
    pub(super) error_output: Option<u64>,
}

/// The periods of a walk.
pub(super) fn rows(walk: &Walk) -> impl Iterator<Item = Row> + '_ {
    let at = |series: &Series, index: usize| series.0[index];
    (0..walk.grid.periods()).map(move |index| Row {
        start: walk.grid.start(index).to_string(),
        incoming: at(&walk.measured.incoming, index),
        read: walk.measured.read.as_ref().and_then(|read| at(read, index)),
        delivered: at(&walk.measured.delivered, index),
        objects: at(&walk.counted.data, index),
        error_output: at(&walk.counted.errors, index),
    })
}

/// What a walk says without its periods.
#[derive(Serialize)]
struct Summary<'a> {
    #[serde(flatten)]
    header: Header<'a>,
    delivery_stream: &'a str,
    stream: Option<&'a str>,
    window: Window,
    totals: Totals,
    hops: Vec<HopModel>,
    signals: Vec<SignalModel>,
    /// Always false: identities are not compared.
    identity_checked: bool,
}

impl<'a> Summary<'a> {
    fn new(report: &Report<'a>) -> Self {
        let Report { delivery_stream, stream, walk, listing, .. } = *report;
        let grid = &walk.grid;
        Self {
            header: Header::new("fhcheck.trace", report.verdict(), &listing.location),
            delivery_stream,
            stream,
            window: Window {
                since: grid.since().to_string(),
                until: grid.until().to_string(),
                period_seconds: grid.period().seconds(),
                settled_until: grid.settled().to_string(),
            },
            totals: Totals {
                produced: walk.total(Stage::Produced),
                produced_uncertain: walk.produced.map(|produced| produced.uncertain),
                incoming: walk.total(Stage::Incoming),
                read: walk.total(Stage::Read),
                delivered: walk.total(Stage::Delivered),
                objects: walk.counted.data.total().unwrap_or(0),
                error_output: walk.counted.errors.total().unwrap_or(0),
                before_window: walk.counted.before,
            },
            hops: walk.hops.iter().map(HopModel::from).collect(),
            signals: walk.measured.signals.iter().map(SignalModel::from).collect(),
            identity_checked: false,
        }
    }
}

/// A walk as one document.
#[derive(Serialize)]
pub(super) struct Document<'a> {
    #[serde(flatten)]
    summary: Summary<'a>,
    periods: Vec<Row>,
    #[serde(flatten)]
    trouble: Trouble<'a>,
}

impl<'a> Document<'a> {
    pub(super) fn new(report: &Report<'a>) -> Self {
        Self {
            summary: Summary::new(report),
            periods: rows(report.walk).collect(),
            trouble: Trouble::of_listing(report.listing),
        }
    }
}

/// A line for each period and for what is wrong with objects, the summary last.
pub(super) fn lines(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for row in rows(report.walk) {
        typed("period", row, out)?;
    }
    super::json::listing_trouble(report.listing, out)?;
    typed("summary", Summary::new(report), out)
}
