//! Walks along a pipeline, as people and machines read them.

use fhcheck::report::trace::Report;
use fhcheck::report::{self, Form};
use fhcheck::trace::hops::{Counted, Produced, Walk, metric};
use fhcheck::trace::{Grid, Measured, Period, Series, Signal};

use super::listings;

const PERIODS: usize = 12;

fn series(points: &[(usize, u64)]) -> Series {
    let mut series = Series::empty(PERIODS);
    points.iter().for_each(|(period, records)| series.add(*period, *records));
    series
}

/// All agrees; a stream that refused some, and a delivery that says nothing; Direct PUT with error
/// output.
fn walks() -> [(Walk, Option<&'static str>); 3] {
    let at = |text: &str| text.parse().unwrap();
    let (since, until) = (at("2023-05-04T08:00:00Z"), at("2023-05-04T09:00:00Z"));
    let grid = |now| Grid::new(since, until, Period::FiveMinutes, at(now));
    let signal = |metric, statistic, value| Signal {
        namespace: "AWS/Firehose",
        metric,
        statistic,
        value: Some(value),
    };
    let whole = Measured {
        incoming: series(&[(6, 10), (7, 0)]),
        read: Some(series(&[(6, 10)])),
        delivered: series(&[(7, 10)]),
        signals: vec![signal(metric::FRESHNESS, "Maximum", 42)],
    };
    let refused = Measured {
        incoming: series(&[(5, 1_200), (6, 1_300)]),
        read: Some(series(&[(5, 1_200), (6, 1_304)])),
        delivered: Series::empty(PERIODS),
        signals: vec![
            signal(metric::THROTTLED_PUTS, "Sum", 500),
            Signal { value: None, ..signal(metric::BEHIND, "Maximum", 0) },
        ],
    };
    let direct = Measured { read: None, ..whole.clone() };
    let put = |records| Some(Produced { records, uncertain: 0 });
    let objects = |data, errors| Counted {
        data: series(data),
        errors: series(errors),
        ..Counted::new(PERIODS)
    };
    let later = "2023-05-04T12:00:00Z";
    [
        (Walk::new(grid(later), put(10), whole, objects(&[(6, 10)], &[])), Some("orders-source")),
        (
            Walk::new(grid(later), put(3_000), refused, objects(&[(5, 2_500)], &[])),
            Some("orders-source"),
        ),
        (
            Walk::new(grid("2023-05-04T09:05:00Z"), None, direct, objects(&[(6, 8)], &[(6, 1)])),
            None,
        ),
    ]
}

pub(super) fn traced(form: Form) -> Vec<String> {
    let [(_, whole), (_, damaged), _] = listings();
    let listings = [&whole, &damaged, &whole];
    let walks = walks();
    let texts = walks.iter().enumerate().map(|(index, (walk, stream))| {
        let report = Report {
            delivery_stream: "orders",
            stream: *stream,
            chosen_period: index == 0,
            walk,
            listing: listings[index],
        };
        let mut out = Vec::new();
        report::trace(&report, form, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    });
    texts.collect()
}
