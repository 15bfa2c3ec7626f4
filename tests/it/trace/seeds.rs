//! What CloudWatch counted, by seed, with trouble by the same seed: what is read is all that it counted, or
//! it is said that it is not known.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use fhcheck::error::ErrorKind;
use fhcheck::trace::{Grid, Measured, Period, measure};
use futures::future::join_all;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cbor;
use crate::hostile::dice::Dice;
use crate::hostile::run::Connection;
use crate::served::{Request, Served};

/// Accounts that are asked at once: waiting is all that they do.
const ACCOUNTS: u64 = 64;
/// Metrics that are asked for of a pipeline with a data stream.
const QUERIES: usize = 15;
const PERIODS: u64 = 90;
/// Attempts in a row at one page that fail: the SDK makes one more.
const IN_A_ROW: u64 = 3;
/// Longer than any answer takes, and far shorter than for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// What stays as it is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Lasting {
    Denied,
    Throttled,
    /// Some page names one that came before.
    Repeats,
    /// Page after page with nothing on it, each named otherwise.
    Endless,
    /// A metric that never comes to its end, or cannot be read.
    Status(&'static str),
    /// Values without their times.
    Untimed,
    /// A metric that nobody asked for.
    Stranger,
}

const LASTING: [Lasting; 9] = [
    Lasting::Denied,
    Lasting::Throttled,
    Lasting::Repeats,
    Lasting::Endless,
    Lasting::Status("PartialData"),
    Lasting::Status("InternalError"),
    Lasting::Status("Forbidden"),
    Lasting::Untimed,
    Lasting::Stranger,
];

/// Data points of one metric: minutes since the beginning, and values.
type Points = BTreeMap<u64, u64>;

/// An account: its data points, the pages that hold them, and what goes wrong.
struct Account {
    seed: u64,
    since: i64,
    points: Vec<Points>,
    /// Of each page its results: a metric, its data points there, and what is said of it.
    pages: Vec<Vec<(usize, Points, &'static str)>>,
    /// What goes wrong for good, and the page from which on it does.
    lasting: Option<(Lasting, usize)>,
    attempts: Mutex<BTreeMap<String, u64>>,
}

impl Account {
    fn new(seed: u64, since: i64) -> Self {
        let mut dice = Dice::new(seed, "account");
        let points: Vec<Points> = (0..QUERIES)
            .map(|_| {
                let share = dice.between(0, 4);
                let periods = (0..PERIODS).filter(|_| dice.below(4) < share);
                let periods: Vec<_> = periods.collect();
                periods.into_iter().map(|period| (period, dice.below(1000))).collect()
            })
            .collect();
        let pages = paged(&points, &mut dice);
        let lasting = dice.one_in(3).then(|| (dice.pick(&LASTING), dice.index(pages.len())));
        Self { seed, since, points, pages, lasting, attempts: Mutex::default() }
    }

    fn answer(&self, request: &Request) -> Option<Vec<u8>> {
        let token = cbor::text_of(&request.body, "NextToken").unwrap_or_default().to_owned();
        let mut attempts = self.attempts.lock().unwrap();
        let attempt = attempts.entry(token.clone()).or_default();
        *attempt += 1;
        let mut dice = Dice::new(self.seed, &format!("page {token}, attempt {attempt}"));
        if !attempt.is_multiple_of(IN_A_ROW + 1) && dice.one_in(3) {
            return match dice.below(4) {
                0 => Some(cbor::refused("400 Bad Request", "Throttling", "Rate exceeded")),
                1 => Some(cbor::refused("500 Broken", "InternalServiceFault", "Try again.")),
                2 => Some(cbor::refused("503 Busy", "ServiceUnavailable", "Try again.")),
                _ => None,
            };
        }
        drop(attempts);
        let page = token.rsplit('-').next().unwrap().parse().unwrap_or(0);
        match self.lasting {
            Some((lasting, from)) if page >= from => Some(self.spoilt(lasting, page)),
            _ => Some(cbor::reply("200 OK", &self.page(page))),
        }
    }

    fn page(&self, page: usize) -> Value {
        let results = self.pages[page].iter().map(|(metric, points, status)| {
            let time = |period: &u64| {
                json!({cbor::TIME: self.since + i64::try_from(period * 60).unwrap()})
            };
            json!({
                "Id": format!("q{metric}"),
                "Label": "a metric",
                "StatusCode": status,
                "Timestamps": points.keys().map(time).collect::<Vec<_>>(),
                "Values": points.values().map(|value| *value as f64).collect::<Vec<_>>(),
            })
        });
        let mut answer = json!({"MetricDataResults": results.collect::<Vec<_>>()});
        if page + 1 < self.pages.len() {
            answer["NextToken"] = json!(format!("page-{}", page + 1));
        }
        answer
    }

    fn spoilt(&self, lasting: Lasting, page: usize) -> Vec<u8> {
        let mut answer = self.page(page.min(self.pages.len() - 1));
        let result = |id: &str, status: &str| json!({"Id": id, "StatusCode": status});
        let results = answer["MetricDataResults"].as_array_mut().unwrap();
        match lasting {
            Lasting::Denied => return cbor::refused("400 Bad Request", "AccessDenied", "No."),
            Lasting::Throttled => return cbor::refused("400 Bad Request", "Throttling", "Slower."),
            // From the second page on, so that the first one is named after all others.
            Lasting::Repeats => answer["NextToken"] = json!(format!("page-{}", page / 2)),
            Lasting::Endless => {
                results.clear();
                answer["NextToken"] = json!(format!("page-{}", page + 1));
            }
            Lasting::Status(status) => {
                results.retain(|result| result["Id"] != "q1");
                results.push(result("q1", status));
            }
            Lasting::Untimed => {
                let mut untimed = result("q1", "Complete");
                untimed["Values"] = json!([1.5]);
                results.push(untimed);
            }
            Lasting::Stranger => results.push(result("q99", "Complete")),
        }
        cbor::reply("200 OK", &answer)
    }

    /// What is right: the values of the first three metrics, period by period, and the sums of those that
    /// are summed up.
    fn check(&self, measured: &Measured, context: &str) {
        let series = [&measured.incoming, measured.read.as_ref().unwrap(), &measured.delivered];
        for (metric, series) in series.into_iter().enumerate() {
            let wanted: Vec<_> =
                (0..PERIODS).map(|period| self.points[metric].get(&period).copied()).collect();
            assert_eq!(series.0, wanted, "{context}: metric {metric}");
        }
        for (signal, points) in measured.signals.iter().zip(&self.points[3..]) {
            let sum = points.values().copied().reduce(|sum, value| sum + value);
            assert_eq!(signal.value.is_some(), sum.is_some(), "{context}: {signal:?}");
            if signal.statistic == "Sum" {
                assert_eq!(signal.value, sum, "{context}: {signal:?}");
            }
        }
    }
}

/// Deals data points out to pages, some of them twice. A metric whose data points follow on a later page is
/// not complete before.
fn paged(points: &[Points], dice: &mut Dice) -> Vec<Vec<(usize, Points, &'static str)>> {
    let pages = usize::try_from(dice.between(1, 6)).unwrap();
    let mut dealt = vec![Vec::new(); pages];
    for (metric, points) in points.iter().enumerate() {
        let last = dice.index(pages);
        let first = dice.index(last + 1);
        let mut parts = vec![Points::new(); last + 1 - first];
        for (period, value) in points {
            let part = dice.index(parts.len());
            parts[part].insert(*period, *value);
            if dice.one_in(10) {
                parts.last_mut().unwrap().insert(*period, *value);
            }
        }
        for (page, part) in (first..).zip(parts) {
            let status = if page == last { "Complete" } else { "PartialData" };
            dealt[page].push((metric, part, status));
        }
    }
    dealt
}

/// Asks the account of a seed; whether all was told.
async fn run(seed: u64) -> bool {
    let since: Timestamp = "2026-07-04T09:30:00Z".parse().unwrap();
    let until: Timestamp = "2026-07-04T11:00:00Z".parse().unwrap();
    let grid = Grid::new(since, until, Period::Minute, "2026-07-05T00:00:00Z".parse().unwrap());
    let account = Account::new(seed, since.as_second());
    let lasting = account.lasting;
    let context = format!("seed {seed}: {} pages, {lasting:?}", account.pages.len());
    let account = std::sync::Arc::new(account);
    let served = std::sync::Arc::clone(&account);
    let server = Served::start(Box::new(move |request| served.answer(request))).await;
    let Connection(aws) = Connection::to(&server.url()).await;
    let asked = measure(&aws, "orders", Some("orders-source"), &grid);
    let asked = tokio::time::timeout(PATIENCE, asked).await;
    match (asked.unwrap_or_else(|_| panic!("{context}: it does not end")), lasting) {
        (Ok(measured), None) => account.check(&measured, &context),
        (Err(error), Some(_)) => {
            let kinds = [ErrorKind::Service, ErrorKind::AccessDenied];
            assert!(kinds.contains(&error.kind()), "{context}: {error:?}");
            let said = error.to_string();
            assert!(said.contains("orders"), "{context}: {said}");
            return false;
        }
        (answer, _) => panic!("{context}: {answer:?}"),
    }
    true
}

#[tokio::test]
async fn what_is_read_is_all_that_was_counted_or_it_is_not_known() {
    let told = join_all((0..ACCOUNTS).map(run)).await;
    let told = told.into_iter().filter(|told| *told).count() as u64;
    println!("{ACCOUNTS} accounts, {told} of them told all");
    assert!(told > ACCOUNTS / 2 && told < ACCOUNTS, "{told} of {ACCOUNTS}");
}
