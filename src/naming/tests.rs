//! Keys as they are found in buckets, and what they say.

use crate::tests::cases;
use proptest::prelude::*;

use super::prefix::{Prefix, Values};
use super::*;

const UUID: &str = "959487e4-754a-46e0-9b2d-f8cf1ce8a226";

/// What a prefix comes to, with values that are always the same.
pub(super) fn rendered(prefix: &Prefix, instant: Timestamp, zone: &TimeZone) -> String {
    let mut values = Values {
        random: &mut || "aB3456789-z".to_owned(),
        partition_key: &mut |id| format!("value of {id}"),
        error_type: "processing-failed",
    };
    prefix.evaluate(instant, zone, &mut values).unwrap()
}

fn parts(key: &str) -> Option<(String, String, u64, String, String, String)> {
    let name = parse(key)?;
    let arrival = name.arrival.to_string();
    Some((name.prefix, name.delivery_stream, name.version, arrival, name.tail, name.extension))
}

#[test]
fn a_key_with_a_uuid_gives_its_parts() {
    for extension in [
        "",
        ".gz",
        ".zip",
        ".snappy",
        ".hsnappy",
        ".parquet",
        ".orc",
        ".json",
        ".json.gz",
        ".a-1_b.(c)!'*",
    ] {
        let key = format!("firehose/2021/11/16/00/object-2-2021-11-16-00-00-08-{UUID}{extension}");
        let name = parse(&key).expect("a key of Firehose's");
        assert_eq!(name.prefix, "firehose/2021/11/16/00/");
        assert_eq!(name.delivery_stream, "object");
        assert_eq!(name.version, 2);
        assert_eq!(name.arrival.to_string(), "2021-11-16T00:00:08");
        assert_eq!(name.tail, UUID);
        assert_eq!(name.extension, extension);
    }
}

#[test]
fn the_name_may_hold_hyphens_dots_digits_and_even_a_time() {
    for stream in [
        "a",
        "saa-04-003-FirehoseDeliveryStream",
        "v1.2-x_y",
        "s-1-2023-05-04-08-30-21-x",
        "s-1-2023-05-04-08-30-21-959487e4-754a-46e0-9b2d-f8cf1ce8a226",
        "-",
        "9",
    ] {
        let name = parse(&format!("p/{stream}-12-2026-02-28-23-59-59-{UUID}.gz")).unwrap();
        assert_eq!((name.delivery_stream.as_str(), name.version), (stream, 12));
    }
}

#[test]
fn a_tail_without_a_uuid_is_taken_as_it_is() {
    let article = "saa-04-003-FirehoseDeliveryStream-1-2023-05-04-08-30-21-object";
    let expected = ["", "saa-04-003-FirehoseDeliveryStream", "2023-05-04T08:30:21", "object", ""];
    let (prefix, stream, version, arrival, tail, extension) = parts(article).unwrap();
    assert_eq!([&prefix, &stream, &arrival, &tail, &extension], expected);
    assert_eq!(version, 1);
    let name = parse("p/s-1-2023-05-04-08-30-21-Rnd-2-x.json.gz").unwrap();
    assert_eq!((name.tail.as_str(), name.extension.as_str()), ("Rnd-2-x", ".json.gz"));
}

#[test]
fn a_uuid_wins_over_what_stands_further_right() {
    let key = format!("s-1-2023-05-04-08-30-21-{UUID}.b-2-2024-01-01-00-00-00-x");
    let name = parse(&key).unwrap();
    assert_eq!((name.delivery_stream.as_str(), name.tail.as_str()), ("s", UUID));
}

#[test]
fn other_keys_are_foreign() {
    for key in [
        "",
        "firehose/",
        "firehose/2026/07/13/14/",
        "notes.txt",
        "produced.ndjson",
        "s-1-2023-05-04-08-30-21",
        "s-1-2023-05-04-08-30-21-",
        "s-1-2023-02-29-08-30-21-object",
        "s-1-2023-05-04-24-30-21-object",
        "s-1-2023-05-04-08-60-21-object",
        "s-x-2023-05-04-08-30-21-object",
        "s--2023-05-04-08-30-21-object",
        "-1-2023-05-04-08-30-21-object",
        "1-2023-05-04-08-30-21-object",
        "s-1-2023-05-04-08-30-21-object.",
        "s-1-2023-05-04-08-30-21-object.GZ",
        "s-1-2023-05-04-08-30-21-object+1",
        "s-1-2023/05-04-08-30-21-object",
        "s-99999999999999999999-2023-05-04-08-30-21-object",
        "s-1-2023-05-04-08-30-21-obj/ect",
        "é-é-2023-05-04-08-30-21-é",
    ] {
        assert_eq!(parse(key), None, "{key}");
    }
}

#[test]
fn local_times_follow_the_rules_for_changes_of_clocks() {
    let zone = TimeZone::get("America/New_York").unwrap();
    let arrived = |time: &str| {
        let name = parse(&format!("s-1-{time}-object")).unwrap();
        name.arrived(&zone).unwrap().to_string()
    };
    assert_eq!(arrived("2026-07-13-14-00-00"), "2026-07-13T18:00:00Z");
    assert_eq!(arrived("2026-11-01-01-30-00"), "2026-11-01T05:30:00Z", "shown twice: the earlier");
    assert_eq!(arrived("2026-03-08-02-30-00"), "2026-03-08T07:30:00Z", "never shown: after");
}

#[test]
fn a_window_takes_what_buffering_may_hold_back() {
    let zone = TimeZone::UTC;
    let window = Window {
        since: Some("2026-07-13T14:00:00Z".parse().unwrap()),
        until: Some("2026-07-13T15:00:00Z".parse().unwrap()),
    };
    let inside =
        |time: &str| in_window(&parse(&format!("s-1-{time}-object")).unwrap(), &window, &zone);
    assert!(inside("2026-07-13-13-30-00"));
    assert!(!inside("2026-07-13-13-29-59"));
    assert!(inside("2026-07-13-14-59-59"));
    assert!(!inside("2026-07-13-15-00-00"));
}

#[test]
fn a_local_time_shown_twice_counts_for_both_instants() {
    let zone = TimeZone::get("Europe/Madrid").unwrap();
    let name = parse("s-1-2026-10-25-02-30-00-object").unwrap();
    for hour in ["2026-10-25T00", "2026-10-25T01"] {
        let since = format!("{hour}:30:00Z").parse().unwrap();
        let window = Window { since: Some(since), until: None };
        assert!(in_window(&name, &window, &zone), "{hour}");
    }
}

#[test]
fn extensions_hint_at_encodings() {
    let hint = |extension: &str| {
        let name = parse(&format!("s-1-2026-10-25-02-30-00-{UUID}{extension}")).unwrap();
        suggested_encoding(&name.extension)
    };
    assert_eq!(hint(""), None);
    assert_eq!(hint(".json"), None);
    assert_eq!(hint(".json.gz"), Some(Encoding::Gzip));
    assert_eq!(hint(".zip"), Some(Encoding::Zip));
    assert_eq!(hint(".snappy"), Some(Encoding::SnappyJava));
    assert_eq!(hint(".hsnappy"), Some(Encoding::HadoopSnappy));
    assert_eq!(hint(".parquet"), Some(Encoding::Parquet));
    assert_eq!(hint(".orc"), Some(Encoding::Orc));
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn what_is_written_is_read_back(
        prefix in "([a-z=]{0,6}/){0,3}",
        stream in "[a-zA-Z0-9_.-]{1,64}",
        version in 1_u64..1_000_000,
        second in 1_400_000_000_i64..4_000_000_000,
        zone in prop::sample::select(vec!["UTC", "Europe/Madrid", "Asia/Kolkata"]),
        tail in "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        extension in "|\\.gz|\\.json\\.gz|\\.[0-9a-z!_.*'()-]{1,20}",
    ) {
        let zone = TimeZone::get(zone).unwrap();
        let instant = Timestamp::from_second(second).unwrap();
        let folders = rendered(&Prefix::parse(&prefix).unwrap(), instant, &zone);
        let name = object_name(&stream, version, instant, &zone, &tail, &extension);
        let expected = KeyName {
            prefix: folders.clone(),
            delivery_stream: stream,
            version,
            arrival: zone.to_datetime(instant),
            tail,
            extension,
        };
        prop_assert_eq!(parse(&(folders + &name)), Some(expected));
    }

    #[test]
    fn no_key_is_too_odd_to_be_looked_at(key in ".{0,80}", time in ".?[0-9-]{0,40}.{0,9}") {
        let _ = parse(&key);
        if let Some(name) = parse(&format!("s-1-{time}")) {
            prop_assert!(!name.tail.is_empty());
        }
    }
}
