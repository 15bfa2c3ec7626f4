//! What CloudWatch counted, by `GetMetricData`.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_cloudwatch::operation::get_metric_data::builders::GetMetricDataFluentBuilder;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, ScanBy, StatusCode,
};
use jiff::{SignedDuration, Timestamp};

use super::hops::metric;
use super::{Grid, Measured, Period, Series, Signal};
use crate::aws::{Aws, Call, Failure, Pages};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;

const KINESIS: &str = "AWS/Kinesis";
const FIREHOSE: &str = "AWS/Firehose";

const SUM: &str = "Sum";
const MAXIMUM: &str = "Maximum";
const AVERAGE: &str = "Average";

/// Signals of a data stream ("Monitoring Amazon Kinesis Data Streams with CloudWatch").
const OF_STREAM: [(&str, &str); 3] =
    [(metric::FAILED_PUTS, SUM), (metric::THROTTLED_PUTS, SUM), (metric::WRITE_EXCEEDED, SUM)];

/// Signals of a delivery stream ("Monitor Amazon Data Firehose with CloudWatch metrics").
const OF_DELIVERY: [(&str, &str); 9] = [
    (metric::BEHIND, MAXIMUM),
    (metric::FRESHNESS, MAXIMUM),
    (metric::THROTTLED_GETS, SUM),
    (metric::THROTTLED_RECORDS, SUM),
    (metric::BACKUP, SUM),
    (metric::EXECUTE_SUCCESS, AVERAGE),
    (metric::SUCCEED_PROCESSING, SUM),
    (metric::DELIVERY_SUCCESS, AVERAGE),
    (metric::DELIVERY_SUCCESS, SUM),
];

/// A metric, and how its data points are summed up.
#[derive(Debug, Clone, Copy)]
struct Query<'a> {
    namespace: &'static str,
    metric: &'static str,
    /// The name of the stream that it is about.
    name: &'a str,
    statistic: &'static str,
}

/// Data points: when each begins, in seconds since 1970, and its value.
type Points = BTreeMap<i64, f64>;

/// Asks CloudWatch what it counted. Without a data stream, records are put to the delivery stream.
///
/// # Errors
/// When CloudWatch does not answer, or may not be asked.
pub async fn measure(
    aws: &Aws,
    delivery_stream: &str,
    stream: Option<&str>,
    grid: &Grid,
) -> Result<Measured> {
    let of = |namespace, name, (metric, statistic)| Query { namespace, metric, name, statistic };
    let delivery = |metric| of(FIREHOSE, delivery_stream, metric);
    let incoming = match stream {
        Some(stream) => of(KINESIS, stream, (metric::INCOMING, SUM)),
        None => delivery((metric::INCOMING, SUM)),
    };
    let mut queries =
        vec![incoming, delivery((metric::READ, SUM)), delivery((metric::DELIVERED, SUM))];
    let counts = queries.len();
    queries.extend(stream.iter().flat_map(|stream| OF_STREAM.map(|it| of(KINESIS, stream, it))));
    queries.extend(OF_DELIVERY.map(delivery));
    let points = ask(aws, delivery_stream, &queries, grid).await?;
    let series = |index: usize| series(&points[index], grid);
    Ok(Measured {
        incoming: series(0),
        read: stream.map(|_| series(1)),
        delivered: series(2),
        signals: queries.iter().zip(&points).skip(counts).map(signal).collect(),
    })
}

/// The instant before which everything has been delivered: when the youngest data point of
/// `DeliveryToS3.DataFreshness` was taken, less what it says. None where there is no data point,
/// because nothing flows or nothing gets through.
///
/// # Errors
/// When CloudWatch does not answer, or may not be asked.
pub async fn freshness(aws: &Aws, name: &str, now: Timestamp) -> Result<Option<Timestamp>> {
    let look_back = limits::METRICS_SETTLE.saturating_mul(2);
    let since = now.saturating_sub(look_back).unwrap_or(now);
    let grid = Grid::new(since, now, Period::Minute, now);
    let query = Query { namespace: FIREHOSE, metric: metric::FRESHNESS, name, statistic: MAXIMUM };
    let points = ask(aws, name, &[query], &grid).await?;
    Ok(points[0].last_key_value().and_then(|(at, age)| {
        let age = SignedDuration::try_from(Duration::from_secs(whole(age.ceil()))).ok()?;
        Timestamp::new(*at, 0).ok()?.checked_sub(age).ok()
    }))
}

/// The data points of each query, all pages of them.
async fn ask(aws: &Aws, name: &str, asked: &[Query<'_>], grid: &Grid) -> Result<Vec<Points>> {
    assert!(asked.len() <= limits::METRIC_QUERIES_MAX, "one request takes no more queries");
    let call = Call {
        action: "cloudwatch:GetMetricData",
        kind: "metrics of delivery stream",
        name,
        endpoint: aws.endpoint_url(),
        region: aws.region(),
    };
    let queries: Vec<_> =
        asked.iter().enumerate().map(|(index, query)| query.build(index, grid)).collect();
    let request = aws
        .cloudwatch()
        .get_metric_data()
        .set_metric_data_queries(Some(queries))
        .start_time(DateTime::from_secs(grid.since().as_second()))
        .end_time(DateTime::from_secs(grid.until().as_second()))
        .scan_by(ScanBy::TimestampAscending);
    let answered = answers(&request, asked.len(), &call).await?;
    asked
        .iter()
        .zip(answered)
        .map(|(query, answered)| match answered.status {
            None | Some(StatusCode::Complete) => Ok(answered.points),
            Some(status) => Err(unread(&status, query.metric, name)),
        })
        .collect()
}

/// What all pages say of each of so many queries.
async fn answers(
    request: &GetMetricDataFluentBuilder,
    queries: usize,
    call: &Call<'_>,
) -> Result<Vec<Answered>> {
    let nonsense = |what| call.failed(Failure::nonsense(what));
    let mut answered = vec![Answered::default(); queries];
    let (mut pages, mut token) = (Pages::default(), None);
    loop {
        let page = request.clone().set_next_token(token).send().await;
        let page = page.map_err(|error| call.failed(Failure::of(error)))?;
        let mut items = 0;
        for result in page.metric_data_results() {
            let index = result.id().and_then(|id| id.strip_prefix('q')?.parse::<usize>().ok());
            let answered = index.and_then(|index| answered.get_mut(index));
            let answered = answered.ok_or_else(|| nonsense("a query that was not asked"))?;
            answered.add(result).map_err(nonsense)?;
            items += result.values().len();
        }
        token = pages.next(items, page.next_token()).map_err(nonsense)?;
        if token.is_none() {
            return Ok(answered);
        }
    }
}

/// What came of one query.
#[derive(Debug, Clone, Default)]
struct Answered {
    points: Points,
    /// What the last page said of it that says anything.
    status: Option<StatusCode>,
}

impl Answered {
    fn add(&mut self, result: &MetricDataResult) -> Result<(), &'static str> {
        let (at, values) = (result.timestamps(), result.values());
        if at.len() != values.len() {
            return Err("values that do not say when");
        }
        self.points.extend(at.iter().map(DateTime::secs).zip(values.iter().copied()));
        // What could not be read on one page is not made good by another.
        let failed = matches!(self.status, Some(StatusCode::InternalError | StatusCode::Forbidden));
        if !failed && let Some(status) = result.status_code() {
            self.status = Some(status.clone());
        }
        Ok(())
    }
}

/// A request that succeeds may still say of a metric that it could not be read, or not to its
/// end (`StatusCode` of `MetricDataResult`): that is not a metric without data points.
fn unread(status: &StatusCode, metric: &str, name: &str) -> Error {
    let what = format!("CloudWatch could not read {metric} of {name}: {}", status.as_str());
    match status {
        StatusCode::Forbidden => Error::new(ErrorKind::AccessDenied, what)
            .hint("the credentials need cloudwatch:GetMetricData for its account"),
        _ => Error::new(ErrorKind::Service, what).hint("run again"),
    }
}

impl Query<'_> {
    fn build(&self, index: usize, grid: &Grid) -> MetricDataQuery {
        let dimension = match self.namespace {
            KINESIS => "StreamName",
            _ => "DeliveryStreamName",
        };
        let metric = Metric::builder()
            .namespace(self.namespace)
            .metric_name(self.metric)
            .dimensions(Dimension::builder().name(dimension).value(self.name).build())
            .build();
        let statistic = MetricStat::builder()
            .metric(metric)
            .period(i32::try_from(grid.period().seconds()).expect("an hour at most"))
            .stat(self.statistic)
            .build();
        MetricDataQuery::builder().id(format!("q{index}")).metric_stat(statistic).build()
    }
}

fn series(points: &Points, grid: &Grid) -> Series {
    let mut series = Series::empty(grid.periods());
    for (at, value) in points {
        if let Some(period) = Timestamp::new(*at, 0).ok().and_then(|at| grid.index(at)) {
            series.add(period, whole(*value));
        }
    }
    series
}

/// A metric over the whole window. What says how it is now, a lag, is that of its last data point.
fn signal((query, points): (&Query<'_>, &Points)) -> Signal {
    let Query { namespace, metric, statistic, .. } = *query;
    let count = points.len() as f64;
    let value = match statistic {
        _ if points.is_empty() => None,
        SUM => Some(points.values().sum::<f64>()),
        MAXIMUM => points.values().next_back().map(|last| last.ceil()),
        _ => Some(points.values().sum::<f64>() / count * 100.0),
    };
    Signal { namespace, metric, statistic, value: value.map(whole) }
}

/// A count as CloudWatch has it, in a floating-point number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is rounded, and a cast of what does not fit gives the nearest that does"
)]
fn whole(value: f64) -> u64 {
    value.round() as u64
}
