//! Where numbers drop, and what explains it.

use jiff::Timestamp;
use proptest::prelude::*;

use super::{Counted, Hop, Produced, Reason, Stage, Standing, Walk, metric};
use crate::outcome::Verdict;
use crate::tests::cases;
use crate::trace::{Grid, Measured, Period, Series, Signal};

/// Two hours of five minutes.
const PERIODS: usize = 24;
/// The period in which records come in, far from both edges.
const AT: usize = 10;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a timestamp")
}

fn grid(now: &str) -> Grid {
    let (since, until) = (at("2023-05-04T08:00:00Z"), at("2023-05-04T10:00:00Z"));
    Grid::new(since, until, Period::FiveMinutes, at(now))
}

fn settled() -> Grid {
    grid("2023-05-04T12:00:00Z")
}

fn series(points: &[(usize, u64)]) -> Series {
    let mut series = Series::empty(PERIODS);
    points.iter().for_each(|(period, records)| series.add(*period, *records));
    series
}

fn measured(incoming: u64, read: u64, delivered: u64) -> Measured {
    Measured {
        incoming: series(&[(AT, incoming)]),
        read: Some(series(&[(AT, read)])),
        delivered: series(&[(AT + 1, delivered)]),
        signals: Vec::new(),
    }
}

fn counted(records: u64) -> Counted {
    Counted { data: series(&[(AT, records)]), ..Counted::new(PERIODS) }
}

fn put(records: u64) -> Option<Produced> {
    Some(Produced { records, uncertain: 0 })
}

fn walk(numbers: [u64; 5]) -> Walk {
    let [produced, incoming, read, delivered, objects] = numbers;
    Walk::new(settled(), put(produced), measured(incoming, read, delivered), counted(objects))
}

fn drops_behind() -> Walk {
    walk([10, 10, 14, 9, 9])
}

fn standings(walk: &Walk) -> Vec<Standing> {
    walk.hops.iter().map(|hop| hop.standing).collect()
}

fn signal(metric: &'static str, value: u64) -> Signal {
    Signal { namespace: "AWS/Test", metric, statistic: "Sum", value: Some(value) }
}

fn hop(walk: &Walk, to: Stage) -> &Hop {
    walk.hops.iter().find(|hop| hop.to == to).expect("there is such a hop")
}

#[test]
fn numbers_that_agree_agree() {
    let walk = walk([10; 5]);
    assert_eq!(standings(&walk), [Standing::Agrees; 4]);
    assert_eq!(walk.verdict(), Verdict::Reconciled);
}

#[test]
fn a_drop_is_found_at_its_hop() {
    for place in 1..5 {
        let mut numbers = [10; 5];
        numbers[place..].fill(8);
        let walk = walk(numbers);
        let mut expected = [Standing::Agrees; 4];
        expected[place - 1] = Standing::Drops;
        assert_eq!(standings(&walk), expected, "{numbers:?}");
        assert_eq!(walk.hops[place - 1].difference, 2);
        assert_eq!(walk.verdict(), Verdict::Discrepant);
    }
}

#[test]
fn what_is_read_again_is_neither_a_rise_nor_a_drop() {
    let walk = walk([10, 10, 14, 10, 10]);
    assert_eq!(standings(&walk), [Standing::Agrees; 4]);
    assert_eq!(hop(&walk, Stage::Read).reasons, [Reason::ReadAgain(4)]);
    // What is lost behind it is lost all the same.
    assert_eq!(drops_behind().verdict(), Verdict::Discrepant);
}

#[test]
fn no_data_point_is_not_zero() {
    let mut measured = measured(10, 10, 10);
    measured.delivered = Series::empty(PERIODS);
    let walk = Walk::new(settled(), put(10), measured, counted(0));
    assert_eq!(walk.total(Stage::Delivered), None);
    assert_eq!(hop(&walk, Stage::Delivered).reasons, [Reason::NoDataPoint(Stage::Delivered)]);
    assert_eq!(walk.verdict(), Verdict::Inconclusive);
}

#[test]
fn records_that_came_in_where_the_next_metric_is_silent_prove_no_drop() {
    let mut measured = measured(10, 10, 10);
    measured.incoming = series(&[(2, 5), (AT, 5)]);
    measured.read = Some(series(&[(AT, 5)]));
    measured.delivered = series(&[(AT, 5)]);
    let walk = Walk::new(settled(), put(10), measured, counted(5));
    let hop = hop(&walk, Stage::Read);
    assert_eq!((hop.standing, hop.difference), (Standing::Unsettled, 5));
    assert_eq!(hop.reasons, [Reason::Unmeasured(5)]);
}

#[test]
fn what_came_late_may_still_be_on_its_way() {
    let mut measured = measured(10, 10, 10);
    let late = series(&[(AT, 10), (PERIODS - 1, 3)]);
    (measured.incoming, measured.read) = (late.clone(), Some(late));
    let walk = Walk::new(settled(), put(13), measured, counted(10));
    let hop = hop(&walk, Stage::Delivered);
    assert_eq!((hop.standing, hop.difference), (Standing::Unsettled, 3));
    assert_eq!(hop.reasons, [Reason::OnTheirWay(3)]);
    assert_eq!(walk.verdict(), Verdict::Inconclusive);
}

#[test]
fn the_last_minutes_are_provisional() {
    let young = grid("2023-05-04T10:05:00Z");
    let walk = Walk::new(young, put(12), measured(10, 10, 10), counted(10));
    assert_eq!(hop(&walk, Stage::Incoming).reasons, [Reason::Young]);
    assert_eq!(walk.verdict(), Verdict::Inconclusive);
}

#[test]
fn objects_begun_before_the_window_explain_no_more_than_they_hold() {
    let mut measured = measured(10, 10, 0);
    measured.delivered = series(&[(0, 4), (AT, 10)]);
    measured.read = Some(series(&[(0, 4), (AT, 10)]));
    measured.incoming = series(&[(0, 4), (AT, 10)]);
    for (before, expected) in [(4, Standing::Unsettled), (3, Standing::Drops)] {
        let counted = Counted { before, ..counted(10) };
        let walk = Walk::new(settled(), None, measured.clone(), counted);
        assert_eq!(hop(&walk, Stage::Objects).standing, expected, "{before}");
    }
}

#[test]
fn what_the_stream_refused_is_said() {
    let mut measured = measured(7, 7, 7);
    measured.signals = vec![signal(metric::THROTTLED_PUTS, 3), signal(metric::WRITE_EXCEEDED, 3)];
    let walk = Walk::new(settled(), put(10), measured, counted(7));
    assert_eq!(hop(&walk, Stage::Incoming).reasons, [Reason::Throttled(3)]);
    assert_eq!(hop(&walk, Stage::Incoming).standing, Standing::Drops);
}

#[test]
fn uncertain_puts_and_error_output_count_where_they_belong() {
    let produced = Some(Produced { records: 9, uncertain: 2 });
    let counted = Counted { errors: series(&[(AT, 1)]), ..counted(9) };
    let walk = Walk::new(settled(), produced, measured(10, 10, 10), counted);
    assert_eq!(walk.verdict(), Verdict::Reconciled, "{:?}", walk.hops);
}

#[test]
fn direct_put_has_no_data_stream() {
    let measured = Measured { read: None, ..measured(10, 0, 8) };
    let walk = Walk::new(settled(), put(10), measured, counted(8));
    let stages = [Stage::Produced, Stage::Incoming, Stage::Delivered, Stage::Objects];
    assert_eq!(walk.stages(), stages);
    assert_eq!(standings(&walk), [Standing::Agrees, Standing::Drops, Standing::Agrees]);
}

fn points() -> impl Strategy<Value = Series> {
    prop::collection::vec(prop::option::of(0_u64..50), PERIODS).prop_map(Series)
}

proptest! {
    #![proptest_config(cases(256))]

    /// The verdict is reconciled only where totals agree in the sense of each hop, and a drop is
    /// never larger than what went in.
    #[test]
    fn nothing_is_called_well_that_lost_records(
        incoming in points(), read in points(), delivered in points(), data in points(),
        before in 0_u64..50,
    ) {
        let measured =
            Measured { incoming, read: Some(read), delivered, signals: Vec::new() };
        let counted = Counted { data, before, ..Counted::new(PERIODS) };
        let walk = Walk::new(settled(), None, measured, counted);
        let total = |stage| walk.total(stage).unwrap_or(0);
        for hop in &walk.hops {
            if hop.standing == Standing::Drops {
                prop_assert!(hop.difference <= total(Stage::Incoming).max(total(hop.from)));
                prop_assert!(total(hop.to) < total(hop.from).max(total(Stage::Incoming)));
            }
        }
        if walk.verdict() == Verdict::Reconciled {
            prop_assert!(total(Stage::Read) >= total(Stage::Incoming));
            prop_assert!(total(Stage::Delivered) >= total(Stage::Incoming));
            prop_assert_eq!(total(Stage::Objects), total(Stage::Delivered));
        }
    }

    /// With one number moved down at one hop, far from the edges, that hop and no other drops.
    #[test]
    fn a_planted_drop_is_named(place in 1_usize..5, all in 1_u64..1000, lost in 1_u64..1000) {
        let lost = lost.min(all);
        let mut numbers = [all; 5];
        numbers[place..].fill(all - lost);
        let found: Vec<_> = standings(&walk(numbers))
            .iter()
            .map(|standing| *standing == Standing::Drops)
            .collect();
        let planted: Vec<_> = (1..5).map(|hop| hop == place).collect();
        prop_assert_eq!(found, planted);
    }
}
