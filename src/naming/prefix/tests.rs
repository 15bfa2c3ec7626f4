//! Prefixes as delivery streams have them, and what they come to.

use super::*;

fn evaluated_with(prefix: &str, at: &str, zone: &str) -> Result<String> {
    let zone = TimeZone::get(zone).unwrap();
    let mut count = 0;
    let mut random = || {
        count += 1;
        format!("random{count:05}")
    };
    let mut partition_key = |id: &str| format!("value-of-{id}");
    let mut values = Values {
        random: &mut random,
        partition_key: &mut partition_key,
        error_type: "processing-failed",
    };
    Prefix::parse(prefix).unwrap().evaluate(at.parse().unwrap(), &zone, &mut values)
}

fn evaluated(prefix: &str, at: &str, zone: &str) -> String {
    evaluated_with(prefix, at, zone).unwrap()
}

#[test]
fn a_prefix_without_expressions_gets_the_default_date_glued_on() {
    let at = "2026-07-13T14:05:09Z";
    assert_eq!(evaluated("", at, "UTC"), "2026/07/13/14/");
    assert_eq!(evaluated("legacy", at, "UTC"), "legacy2026/07/13/14/");
    assert_eq!(evaluated("firehose/", at, "UTC"), "firehose/2026/07/13/14/");
}

#[test]
fn expressions_are_evaluated_and_nothing_is_appended() {
    let at = "2026-07-03T04:05:09Z";
    for (prefix, expected) in [
        ("a/!{timestamp:yyyy/MM/dd}/b/", "a/2026/07/03/b/"),
        ("!{timestamp:'year='yyyy'/month='MM}/", "year=2026/month=07/"),
        ("y=!{timestamp:yy}/d=!{timestamp:DDD}/", "y=26/d=184/"),
        ("!{timestamp:y-M-d-H-m-s}", "2026-7-3-4-5-9"),
        ("!{timestamp:uuuuMMdd'T'HHmmss}", "20260703T040509"),
        ("!{timestamp:'it''s' ''yyyy}", "it's '2026"),
        ("!{timestamp:yyyy[/MM]}", "2026/07"),
        ("r/!{firehose:random-string}/!{timestamp:HH}/", "r/random00001/04/"),
        ("!{firehose:random-string}!{firehose:random-string}", "random00001random00002"),
        ("c=!{partitionKeyFromQuery:customer_id}/", "c=value-of-customer_id/"),
        ("!{partitionKeyFromLambda:shop}/!{timestamp:HH}/", "value-of-shop/04/"),
        (
            "errors/!{firehose:error-output-type}/!{timestamp:yyyy}/",
            "errors/processing-failed/2026/",
        ),
    ] {
        assert_eq!(evaluated(prefix, at, "UTC"), expected, "{prefix}");
    }
}

#[test]
fn letters_of_a_locale_are_written_as_in_us_english() {
    for (at, zone, letters, expected) in [
        ("2026-07-03T00:05:09Z", "UTC", "hh:mm a K k", "12:05 AM 0 24"),
        ("2026-07-03T12:05:09.7Z", "UTC", "h a KK kk SSS", "12 PM 00 12 000"),
        ("2026-07-03T12:05:09Z", "UTC", "EEE EEEE e MMM MMMM", "Fri Friday 6 Jul July"),
        ("2026-07-03T12:05:09Z", "UTC", "Q QQ W VV", "3 03 1 UTC"),
        ("2026-07-03T12:05:09Z", "Asia/Kolkata", "xx xxx XXX Z", "+0530 +05:30 +05:30 +0530"),
        ("2026-07-03T12:05:09Z", "UTC", "xx XX XXX", "+0000 Z Z"),
        ("2026-01-03T12:05:09Z", "UTC", "YYYY-'W'ww yyyy", "2026-W01 2026"),
        ("2026-01-04T12:05:09Z", "UTC", "YYYY-'W'ww", "2026-W02"),
        ("2026-12-26T12:05:09Z", "UTC", "YYYY-'W'ww", "2026-W52"),
        ("2026-12-27T12:05:09Z", "UTC", "YY-'W'w yyyy", "27-W1 2026"),
    ] {
        assert_eq!(
            evaluated(&format!("!{{timestamp:{letters}}}"), at, zone),
            expected,
            "{letters}"
        );
    }
}

#[test]
fn a_zone_shifts_the_date() {
    let at = "2026-01-01T23:30:00Z";
    assert_eq!(evaluated("", at, "Europe/Madrid"), "2026/01/02/00/");
    assert_eq!(evaluated("", at, "Asia/Kolkata"), "2026/01/02/05/");
}

#[test]
fn what_is_no_prefix_is_named_with_its_position() {
    for (prefix, expected) in [
        ("a!{timestamp:yyyy", "byte 1: this expression has no closing }"),
        ("!{timestamp:'year}", "byte 12: this quote has no end"),
        ("!{nothing}", "byte 0: this expression is not known"),
        ("!{firehose:nothing}", "byte 0: this expression is not known"),
        ("ab!{partitionKeyFromQuery:}", "byte 2: this expression is not known"),
    ] {
        let error = Prefix::parse(prefix).unwrap_err();
        assert!(error.to_string().ends_with(expected), "{prefix}: {error}");
        assert_eq!(error.kind(), ErrorKind::Usage);
    }
}

#[test]
fn what_cannot_be_evaluated_is_named_with_its_position() {
    use Role::{Data, ErrorOutput};
    for (prefix, role, expected) in [
        ("a/!{timestamp:yyyy/GG}", Data, "byte 19: pattern letters GG are not evaluated"),
        ("!{timestamp:zzz}", Data, "byte 12: pattern letters zzz are not evaluated"),
        ("!{timestamp:yyyy#}", Data, "byte 16: pattern letters # are not evaluated"),
        (
            "x!{firehose:error-output-type}/",
            Data,
            "byte 1: this expression belongs in an error output prefix only",
        ),
        (
            "x!{partitionKeyFromQuery:id}/!{firehose:error-output-type}",
            ErrorOutput,
            "byte 1: partition keys belong in a prefix of data only",
        ),
        (
            "x/!{timestamp:yyyy}/",
            ErrorOutput,
            "with expressions needs !{firehose:error-output-type}",
        ),
    ] {
        let error = Prefix::for_evaluation(prefix, role).unwrap_err();
        assert!(error.to_string().ends_with(expected), "{prefix}: {error}");
    }
    assert!(Prefix::for_evaluation("errors/", ErrorOutput).is_ok());
    let error = evaluated_with("!{timestamp:yyyy GG}", "2026-01-01T00:00:00Z", "UTC").unwrap_err();
    assert!(error.to_string().contains("byte 17"), "{error}");
    let long = format!("{}!{{firehose:random-string}}", "a".repeat(502));
    assert!(evaluated_with(&long, "2026-01-01T00:00:00Z", "UTC").is_err());
    assert!(evaluated_with(&long[1..], "2026-01-01T00:00:00Z", "UTC").is_ok());
}
