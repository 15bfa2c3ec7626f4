//! Layouts are read from one key, and no window loses an object to pruning.

use proptest::prelude::*;

use super::*;
use crate::naming::prefix::Prefix;
use crate::naming::tests::rendered;
use crate::naming::{in_window, object_name};
use crate::tests::cases;

const UUID: &str = "959487e4-754a-46e0-9b2d-f8cf1ce8a226";

fn template(location: &str, folders: &str) -> Option<String> {
    let key = format!("{folders}orders-1-2026-07-13-14-05-09-{UUID}.gz");
    Layout::infer(location, &key).map(|layout| layout.to_string())
}

#[test]
fn usual_layouts_are_seen_from_one_key() {
    for (location, folders, expected) in [
        ("", "2026/07/13/14/", "{yyyy}/{MM}/{dd}/{HH}/"),
        ("firehose/", "firehose/2026/07/13/14/", "firehose/{yyyy}/{MM}/{dd}/{HH}/"),
        ("legacy", "legacy2026/07/13/14/", "legacy{yyyy}/{MM}/{dd}/{HH}/"),
        ("v1", "v12026/07/13/14/", "v1{yyyy}/{MM}/{dd}/{HH}/"),
        ("a/", "a/data/2026/07/13/14/", "a/data/{yyyy}/{MM}/{dd}/{HH}/"),
        ("a/", "a/region=7/2026/07/13/14/05/", "a/region=7/{yyyy}/{MM}/{dd}/{HH}/"),
        ("", "dt=2026-07-13/", "dt={yyyy}-{MM}-{dd}/"),
        ("", "dt=20260713/x/", "dt={yyyy}{MM}{dd}/"),
        ("", "dt=20260713/14h/", "dt={yyyy}{MM}{dd}/{HH}h/"),
        ("", "2026/194/14/", "{yyyy}/{DDD}/{HH}/"),
        ("f/", "f/2026194/", "f/{yyyy}{DDD}/"),
        (
            "p/",
            "p/year=2026/month=07/day=13/hour=14/",
            "p/year={yyyy}/month={MM}/day={dd}/hour={HH}/",
        ),
    ] {
        assert_eq!(template(location, folders).as_deref(), Some(expected), "{folders}");
    }
}

#[test]
fn what_does_not_sort_by_time_or_is_doubtful_is_no_layout() {
    for (location, folders) in [
        ("", ""),
        ("", "data/"),
        ("", "2026/"),
        ("", "13/07/2026/14/"),
        ("", "2026/195/14/"),
        ("", "copied-2026-07-13/2026-07-13/"),
        ("other/", "firehose/2026/07/13/14/"),
        ("2026/", "2026/07/13/14/"),
    ] {
        assert_eq!(template(location, folders), None, "{folders}");
    }
}

#[test]
fn a_folder_of_another_hour_leaves_a_daily_layout() {
    assert_eq!(template("", "2026/07/13/15/").as_deref(), Some("{yyyy}/{MM}/{dd}/"));
}

#[test]
fn a_key_in_another_times_folder_does_not_fit() {
    let sample = format!("backup-2026-07-13/s-1-2026-07-13-14-05-09-{UUID}");
    let layout = Layout::infer("", &sample).unwrap();
    let fits = |key: String| layout.fits(&key, &parse(&key).unwrap());
    assert!(fits(sample));
    assert!(fits(format!("backup-2026-07-14/s-1-2026-07-14-00-00-00-{UUID}")));
    assert!(fits(format!("backup-2026-07-13/s-1-2026-07-14-00-10-00-{UUID}")));
    assert!(fits(format!("elsewhere/s-1-2026-07-14-00-30-00-{UUID}")));
    assert!(!fits(format!("backup-2026-07-13/s-1-2026-07-14-00-30-00-{UUID}")));
    assert!(!fits(format!("backup-2026-07-13/s-1-2027-01-01-00-00-00-{UUID}")));
}

fn window(since: Option<&str>, until: Option<&str>) -> Window {
    let instant = |text: &str| text.parse().unwrap();
    Window { since: since.map(instant), until: until.map(instant) }
}

fn hourly() -> Layout {
    Layout::infer("f/", &format!("f/2026/07/13/14/s-1-2026-07-13-14-05-09-{UUID}")).unwrap()
}

#[test]
fn a_window_lists_its_hours_and_what_cannot_be_one() {
    let window = window(Some("2026-07-13T14:50:00Z"), Some("2026-07-13T16:00:00Z"));
    let ranges = ranges("f/", Some(&hourly()), &window, &TimeZone::UTC);
    let listed = |key: &str| ranges.iter().filter(|range| range.contains(key)).count();
    for key in [
        "f/2026/07/13/14/x",
        "f/2026/07/13/16/x",
        "f/+",
        "f/.hidden",
        "f/data/2020/01/01/00/x",
        "f/processing-failed/2020/01/01/00/x",
        "f/é",
    ] {
        assert_eq!(listed(key), 1, "{key}");
    }
    for key in ["f/2026/07/13/12/x", "f/2026/07/13/17/x", "f/2025/07/13/14/x", "g/"] {
        assert_eq!(listed(key), 0, "{key}");
    }
    assert_eq!(ranges[1].prefix, "f/2026/07/13/1");
}

#[test]
fn open_ends_join_the_outer_ranges() {
    let zone = TimeZone::UTC;
    let layout = hourly();
    let all = vec![KeyRange::all("f/")];
    assert_eq!(ranges("f/", Some(&layout), &Window::default(), &zone), all);
    let since = window(Some("2026-07-13T14:50:00Z"), None);
    assert_eq!(ranges("f/", None, &since, &zone), all);
    let found = ranges("f/", Some(&layout), &since, &zone);
    assert_eq!(found.len(), 2);
    assert!(found[1].contains("f/2030/01/01/00/x") && found[1].contains("f/x"));
    let until = window(None, Some("2026-07-13T14:50:00Z"));
    let found = ranges("f/", Some(&layout), &until, &zone);
    assert_eq!(found.len(), 2);
    assert!(found[0].contains("f/2020/01/01/00/x") && found[0].contains("f/+"));
}

/// Around the changes of clocks in Madrid and New York, in spring and autumn.
const CHANGES: [&str; 6] = [
    "2026-03-29T01:00:00Z",
    "2026-10-25T01:00:00Z",
    "2026-03-08T07:00:00Z",
    "2026-11-01T06:00:00Z",
    "2026-12-31T23:30:00Z",
    "2024-02-29T12:00:00Z",
];
/// In Troll clocks go back by two hours, so that a later hour sorts before an earlier one.
const ZONES: [&str; 5] =
    ["UTC", "Europe/Madrid", "America/New_York", "Asia/Kolkata", "Antarctica/Troll"];
const PREFIXES: [&str; 7] = [
    "f/",
    "f/legacy",
    "f/data/!{timestamp:yyyy/MM/dd/HH}/",
    "f/!{timestamp:'year='yyyy'/month='MM'/day='dd'/hour='HH}/",
    "f/dt=!{timestamp:yyyy-MM-dd}/",
    "f/!{timestamp:yyyyMMddHH}/",
    "f/!{timestamp:yyyy/MM}/",
];

/// Minutes from a change of clocks, most of them near it.
fn minutes() -> impl Strategy<Value = i64> {
    prop_oneof![4 => -200_i64..200, 1 => -3000_i64..3000]
}

/// Prefixes that tell time in order, down to any part of it, and any others.
fn any_prefix() -> impl Strategy<Value = String> {
    const ORDERED: [&[&str]; 3] = [
        &["yyyy", "MM", "dd", "HH", "mm", "ss"],
        &["yy", "MM", "dd", "HH"],
        &["u", "DDD", "HH", "mm"],
    ];
    const PIECES: [&str; 24] = [
        "yyyy", "yy", "MM", "M", "MMM", "dd", "d", "DDD", "D", "HH", "H", "hh", "a", "mm", "ss",
        "SSS", "EEE", "e", "ww", "YYYY", "XXX", "'y='", "/", "''",
    ];
    const OTHERS: [&str; 7] = [
        "!{firehose:random-string}",
        "!{partitionKeyFromQuery:shop}",
        "!{partitionKeyFromLambda:7}",
        "!{firehose:error-output-type}",
        "f/",
        "2026",
        "/",
    ];
    let gap = || prop::sample::select(vec!["", "/", "-", "'/m='", "'2'"]);
    let ordered = (0..ORDERED.len(), 1_usize..7, prop::collection::vec(gap(), 6)).prop_map(
        |(order, len, gaps)| {
            let fields = ORDERED[order].iter().take(len).zip(gaps);
            let pattern: String = fields.flat_map(|(field, gap)| [*field, gap]).collect();
            format!("!{{timestamp:{pattern}}}")
        },
    );
    let pieces = prop::collection::vec(prop::sample::select(PIECES.to_vec()), 1..6)
        .prop_map(|pieces| format!("!{{timestamp:{}}}", pieces.join("-")));
    let other = || prop::sample::select(OTHERS.to_vec()).prop_map(str::to_owned);
    let head = prop::sample::select(vec!["", "f/", "dt=", "v2-"]);
    let tail = prop::collection::vec(prop_oneof![pieces.clone(), other()], 0..3);
    let time = prop_oneof![4 => ordered, 1 => pieces, 1 => other(), 1 => Just(String::new())];
    (head, time, tail).prop_map(|(head, time, tail)| format!("{head}{time}{}", tail.concat()))
}

#[test]
fn a_prefix_tells_time_as_far_as_it_sorts() {
    for (prefix, expected) in [
        ("firehose/", "firehose/{yyyy}/{MM}/{dd}/{HH}/"),
        ("legacy", "legacy{yyyy}/{MM}/{dd}/{HH}/"),
        ("f/!{timestamp:'year='yyyy'/month='MM}/d/", "f/year={yyyy}/month={MM}/"),
        ("f/!{timestamp:yyyy}/!{timestamp:MM}-!{timestamp:dd}", "f/{yyyy}/{MM}-{dd}"),
        ("f/!{timestamp:yy/DDD/HH/mm/ss}/", "f/{yy}/{DDD}/{HH}/{mm}/{ss}/"),
        ("f/!{timestamp:yyyy/M/d}/", "f/{yyyy}/"),
        ("f/!{timestamp:yyyy/dd/MM}/", "f/{yyyy}/"),
        ("f/!{timestamp:yyyy/MM}/!{partitionKeyFromQuery:shop}/!{timestamp:dd}/", "f/{yyyy}/{MM}/"),
        ("f/!{timestamp:yyyy}/!{firehose:random-string}/", "f/{yyyy}/"),
    ] {
        let layout = Layout::of(&Prefix::parse(prefix).unwrap()).unwrap();
        assert_eq!(layout.to_string(), expected, "{prefix}");
    }
}

#[test]
fn a_prefix_that_tells_no_time_says_why() {
    for (prefix, expected) in [
        ("f/!{firehose:random-string}/", "tells no time"),
        ("f/!{partitionKeyFromQuery:shop}/", "tells no time"),
        ("!{partitionKeyFromQuery:shop}/!{timestamp:yyyy}/", "partition key shop stands before"),
        ("!{firehose:random-string}/!{timestamp:yyyy}/", "a random string stands before"),
        ("!{firehose:error-output-type}/!{timestamp:yyyy}/", "the kind of error stands before"),
        ("!{timestamp:dd/MM/yyyy}/", "begins with no year"),
        ("!{timestamp:YYYY/MM/dd}/", "depend on a locale"),
        ("!{timestamp:GG yyyy}/", "depend on a locale"),
    ] {
        let why = Layout::of(&Prefix::parse(prefix).unwrap()).unwrap_err().to_string();
        assert!(why.contains(expected), "{prefix}: {why}");
    }
}

proptest! {
    #![proptest_config(cases(4000))]

    #[test]
    fn every_object_of_the_window_is_in_just_one_range(
        change in 0..CHANGES.len(),
        zone in 0..ZONES.len(),
        prefix in 0..PREFIXES.len(),
        key_minutes in minutes(),
        since in proptest::option::of(minutes()),
        length in proptest::option::of(-10_i64..400),
    ) {
        let zone = TimeZone::get(ZONES[zone]).unwrap();
        let change: Timestamp = CHANGES[change].parse().unwrap();
        let after = |minutes: i64| change + SignedDuration::from_mins(minutes);
        let prefix = Prefix::parse(PREFIXES[prefix]).unwrap();
        let key_at = |instant: Timestamp| {
            rendered(&prefix, instant, &zone) + &object_name("orders-2026", 3, instant, &zone, UUID, "")
        };
        // A sample whose fields all differ, so that the layout is beyond doubt.
        let layout = Layout::infer("f/", &key_at("2021-03-14T07:05:09Z".parse().unwrap()));
        prop_assert!(layout.is_some());
        let window = Window {
            since: since.map(after),
            until: length.map(|length| after(since.unwrap_or_default() + length)),
        };
        let key = key_at(after(key_minutes));
        let name = parse(&key).unwrap();
        prop_assert!(layout.as_ref().is_some_and(|layout| layout.fits(&key, &name)));
        let ranges = ranges("f/", layout.as_ref(), &window, &zone);
        let listed = ranges.iter().filter(|range| range.contains(&key)).count();
        prop_assert!(listed <= 1, "{ranges:?}");
        prop_assert!(listed == 1 || !in_window(&name, &window, &zone), "{key} {ranges:?}");
        for pair in ranges.windows(2) {
            prop_assert!(pair[0].stop_before <= pair[1].start_after, "{ranges:?}");
        }
    }

    /// The dull twin lists everything and asks each key.
    #[test]
    fn no_prefix_loses_an_object_of_the_window(
        change in 0..CHANGES.len(),
        zone in 0..ZONES.len(),
        prefix in any_prefix(),
        key_minutes in minutes(),
        since in proptest::option::of(minutes()),
        length in proptest::option::of(-10_i64..400),
    ) {
        let zone = TimeZone::get(ZONES[zone]).unwrap();
        let change: Timestamp = CHANGES[change].parse().unwrap();
        let after = |minutes: i64| change + SignedDuration::from_mins(minutes);
        let prefix = Prefix::parse(&prefix).unwrap();
        let instant = after(key_minutes);
        let key = rendered(&prefix, instant, &zone)
            + &object_name("orders-2026", 3, instant, &zone, UUID, "");
        let layout = Layout::of(&prefix).ok();
        if let Some(layout) = &layout {
            let (first, last) = layout.span(&key).unwrap();
            let local = zone.to_datetime(instant);
            prop_assert!(first <= local && local <= last, "{key}: {first} {last}");
            prop_assert!(layout.fits(&key, &parse(&key).unwrap()));
        }
        let window = Window {
            since: since.map(after),
            until: length.map(|length| after(since.unwrap_or_default() + length)),
        };
        let ranges = ranges("", layout.as_ref(), &window, &zone);
        let listed = ranges.iter().filter(|range| range.contains(&key)).count();
        prop_assert!(listed <= 1, "{ranges:?}");
        let name = parse(&key).unwrap();
        prop_assert!(listed == 1 || !in_window(&name, &window, &zone), "{key} {ranges:?}");
    }

    #[test]
    fn pruning_leaves_out_what_is_far_away(days in 2_i64..2000, later in any::<bool>()) {
        let window = window(Some("2026-07-13T14:00:00Z"), Some("2026-07-13T16:00:00Z"));
        let ranges = ranges("f/", Some(&hourly()), &window, &TimeZone::UTC);
        let shift = SignedDuration::from_hours(24 * if later { days } else { -days });
        let instant = "2026-07-13T15:00:00Z".parse::<Timestamp>().unwrap() + shift;
        let key = hourly().at(TimeZone::UTC.to_datetime(instant)) + "/x";
        prop_assert!(!ranges.iter().any(|range| range.contains(&key)), "{key} {ranges:?}");
    }
}
