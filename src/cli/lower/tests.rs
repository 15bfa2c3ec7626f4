//! What is typed means what the help says.

use clap::Parser;
use jiff::Timestamp;

use super::{request, session};
use crate::cli::args::Args;
use crate::cli::env::Env;
use crate::cli::request::{Expected, Read, Reconcile, Request, Whence};
use crate::error::{Error, ErrorKind};
use crate::expect::stream::Share;
use crate::fingerprint::Policy;
use crate::limits::{KIB, MIB};
use crate::plan::Location;
use crate::report::Form;
use crate::report::dump::Records;
use crate::report::table::Layout;
use crate::split::{Format, FormatChoice};

fn env() -> Env {
    Env {
        now: time("2026-03-29T12:00:00Z"),
        location: None,
        no_color: false,
        stdin_terminal: false,
        stdout_terminal: false,
        stderr_terminal: false,
        width: Some(80),
        temp_dir: "/tmp".into(),
        cores: 4,
        random: 7,
    }
}

fn time(text: &str) -> Timestamp {
    text.parse().expect("a timestamp")
}

fn lowered(env: &Env, words: &[&str]) -> Result<Request, Error> {
    let words = std::iter::once(&"fhcheck").chain(words);
    let args = Args::try_parse_from(words).expect("clap takes it");
    let session = session(&args.global, env);
    request(args, &session, env)
}

fn list(words: &[&str]) -> Result<Read, Error> {
    let words: Vec<_> = std::iter::once("list").chain(words.iter().copied()).collect();
    match lowered(&env(), &words)? {
        Request::List(list) => Ok(list.read),
        other => panic!("list became {other:?}"),
    }
}

fn reconcile(words: &[&str]) -> Result<Reconcile, Error> {
    let words: Vec<_> = ["reconcile", "s3://b"].iter().chain(words).copied().collect();
    match lowered(&env(), &words)? {
        Request::Reconcile(reconcile) => Ok(*reconcile),
        other => panic!("reconcile became {other:?}"),
    }
}

fn s3(bucket: &str, prefix: &str) -> Location {
    Location::S3 { bucket: bucket.to_owned(), prefix: prefix.to_owned() }
}

#[test]
fn a_bucket_alone_means_the_prefix_of_firehose() {
    let whence = |text| list(&[text]).expect("a location").whence;
    let at = Whence::Location;
    assert_eq!(whence("s3://b"), at(s3("b", "firehose/")));
    assert_eq!(whence("s3://b/"), at(s3("b", "")));
    assert_eq!(whence("s3://b/logs/2023"), at(s3("b", "logs/2023")));
    assert_eq!(whence("s3://b//odd/"), at(s3("b", "/odd/")));
    assert_eq!(whence("."), at(Location::Local(".".into())));
    assert_eq!(whence("Cargo.toml"), at(Location::Local("Cargo.toml".into())));
}

#[test]
fn what_is_no_location_says_what_would_be_one() {
    let hint = |text| {
        let error = list(&[text]).expect_err("no location");
        error.advice().expect("a hint").to_owned()
    };
    assert_eq!(hint("my-bucket"), "if that is a bucket, write s3://my-bucket");
    for text in ["./no/such/dir", "https://b.s3.amazonaws.com/x", "arn:aws:s3:::b", "s3://"] {
        assert!(hint(text).contains("s3://BUCKET/PREFIX"), "{text}");
    }
    assert!(hint("s3://a b/").contains("s3://BUCKET/PREFIX"));
    assert_eq!(list(&["my-bucket"]).expect_err("no location").kind(), ErrorKind::NotFound);
}

#[test]
fn the_environment_names_a_location_only_where_none_was_typed() {
    let named = Env { location: Some("s3://from-env".to_owned()), ..env() };
    let read = |words: &[&str]| match lowered(&named, words) {
        Ok(Request::List(list)) => list.read.whence,
        other => panic!("{other:?}"),
    };
    let at = |bucket| Whence::Location(s3(bucket, "firehose/"));
    assert_eq!(read(&["list"]), at("from-env"));
    assert_eq!(read(&["list", "s3://typed"]), at("typed"));
    let stream = Whence::DeliveryStream("orders".to_owned());
    assert_eq!(read(&["list", "--delivery-stream", "orders"]), stream);
    let error = lowered(&env(), &["list"]).expect_err("nowhere to look");
    assert!(error.advice().expect("a hint").contains("FHCHECK_LOCATION"));
}

#[test]
fn a_window_takes_timestamps_dates_and_ages() {
    let since = |zone: &str, text: &str| {
        list(&["s3://b", "--zone", zone, "--since", text]).expect("a time").window.since
    };
    let cases = [
        ("UTC", "2023-05-04T08:30:00Z", "2023-05-04T08:30:00Z"),
        ("UTC", "2023-05-04T08:30:00+02:00", "2023-05-04T06:30:00Z"),
        ("UTC", "2023-05-04", "2023-05-04T00:00:00Z"),
        ("Europe/Madrid", "2023-05-04", "2023-05-03T22:00:00Z"),
        ("Europe/Madrid", "2023-05-04T08:30", "2023-05-04T06:30:00Z"),
        ("UTC", "2h", "2026-03-29T10:00:00Z"),
        ("UTC", "30m", "2026-03-29T11:30:00Z"),
        ("UTC", "1d", "2026-03-28T12:00:00Z"),
        // Clocks went forward in the night before: the same time of day is 23 hours ago.
        ("Europe/Madrid", "1d", "2026-03-28T13:00:00Z"),
        ("UTC", "now", "2026-03-29T12:00:00Z"),
    ];
    for (zone, text, instant) in cases {
        assert_eq!(since(zone, text), Some(time(instant)), "{text} in {zone}");
    }
    for text in ["yesterday", "-2h", "0h", "2", "2023-13-01", "", "2h ago later"] {
        let option = format!("--since={text}");
        assert!(list(&["s3://b", &option]).is_err(), "{text:?} is no time");
    }
}

#[test]
fn a_window_that_holds_nothing_is_an_error() {
    let error = list(&["s3://b", "--since", "1h", "--until", "2h"]).expect_err("an empty window");
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(list(&["s3://b", "--since", "2h", "--until", "1h"]).is_ok());
    assert!(list(&["s3://b", "--zone", "Mars/Base"]).is_err());
}

#[test]
fn a_buffer_without_a_unit_is_no_object_for_each_record() {
    let error = lowered(&env(), &["simulate", "out", "--buffer-size", "5"]).expect_err("5 bytes");
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.to_string().contains("--buffer-size 5 is 5 bytes"), "{error}");
    assert!(lowered(&env(), &["simulate", "out", "--buffer-size", "1k"]).is_ok());
}

#[test]
fn sizes_have_both_kinds_of_units() {
    let size = |text: &str| {
        list(&["s3://b", "--max-bytes", text]).map(|plan| plan.limits.total_bytes.expect("a size"))
    };
    let cases = [
        ("123", 123),
        ("500k", 500_000),
        ("10MiB", 10 * MIB),
        ("10Mi", 10 * MIB),
        ("1GB", 1_000_000_000),
        ("2 KiB", 2 * KIB),
        ("7b", 7),
    ];
    for (text, bytes) in cases {
        assert_eq!(size(text).expect("a size"), bytes, "{text}");
    }
    for text in ["", "MiB", "1.5GB", "-1", "10 parsecs", "1ib", "99999999TiB"] {
        let option = format!("--max-bytes={text}");
        assert!(list(&["s3://b", &option]).is_err(), "{text:?} is no size");
    }
}

#[test]
fn limits_that_nothing_could_run_under_are_refused() {
    assert!(list(&["s3://b", "--max-object-size", "1TiB"]).is_err());
    assert!(list(&["s3://b", "--concurrency", "0"]).is_err());
    assert!(list(&["s3://b", "--jobs", "0"]).is_err());
    assert!(list(&["s3://b", "--max-in-flight", "0"]).is_err());
    assert!(list(&["s3://b", "--prefix-format", "x/!{timestamp:yyyy"]).is_err());
    let plan = list(&["s3://b"]).expect("defaults are fine");
    assert_eq!(plan.limits.workers, 4);
    assert_eq!(plan.limits.object_bytes, crate::limits::OBJECT_BYTES_MAX_DEFAULT);
    assert_eq!(plan.limits.in_flight_bytes, crate::limits::IN_FLIGHT_BYTES_DEFAULT);
    assert_eq!(plan.limits.requests, crate::limits::REQUESTS_DEFAULT);
}

#[test]
fn a_delimiter_may_be_any_bytes() {
    let format = |text: &str| {
        let option = format!("--delimiter={text}");
        list(&["s3://b", &option]).map(|plan| plan.format)
    };
    let fixed = |bytes: &[u8]| FormatChoice::Fixed(Format::Delimited(bytes.to_vec()));
    assert_eq!(format(r"\n").expect("bytes"), fixed(b"\n"));
    assert_eq!(format(r"|\x00\xfF\\\t\0").expect("bytes"), fixed(b"|\0\xff\\\t\0"));
    for text in ["", r"\q", r"\", r"\x1", r"\xgg"] {
        assert!(format(text).is_err(), "{text:?} is no delimiter");
    }
    let log_events = |words: &[&str]| {
        let words = [&["s3://b", "--split", "log-events"], words].concat();
        list(&words).map(|plan| plan.format).expect("log events")
    };
    let fixed = |bytes: &[u8]| FormatChoice::Fixed(Format::LogEvents(bytes.to_vec()));
    assert_eq!(log_events(&[]), fixed(b""));
    assert_eq!(log_events(&["--delimiter", "||"]), fixed(b"||"));
    assert!(list(&["s3://b", "--split", "lines", "--delimiter", "|"]).is_err());
}

#[test]
fn a_reconciliation_needs_exactly_one_expectation() {
    let hint = reconcile(&[]).expect_err("nothing to compare with");
    let hint = hint.advice().expect("a hint");
    assert!(hint.contains("--expected") && hint.contains("--manifest"), "{hint}");
    let count = reconcile(&["--expected", "10"]).expect("a count").expected;
    assert_eq!(count, Expected::Count(10));
    let manifests = ["--manifest", "Cargo.toml", "--manifest", "s3://m/sent.ndjson"];
    let manifests = reconcile(&manifests).expect("two manifests").expected;
    let locations = vec![Location::Local("Cargo.toml".into()), s3("m", "sent.ndjson")];
    assert_eq!(manifests, Expected::Manifest(locations));
    assert!(reconcile(&["--manifest", "s3://m"]).is_err());
    let stream = |name: Option<&str>, share| Expected::Stream {
        name: name.map(str::to_owned),
        share: Share::percent(share).expect("a share"),
    };
    let orders = reconcile(&["--stream", "orders"]).expect("a stream").expected;
    assert_eq!(orders, stream(Some("orders"), 40));
    assert!(reconcile(&["--stream"]).is_err(), "nothing says which");
    let source = ["reconcile", "--delivery-stream", "d", "--stream-share", "5", "--stream"];
    match lowered(&env(), &source).expect("the source of a delivery stream") {
        Request::Reconcile(source) => assert_eq!(source.expected, stream(None, 5)),
        other => panic!("{other:?}"),
    }
    for share in ["0", "101"] {
        assert!(reconcile(&["--stream", "s", "--stream-share", share]).is_err(), "{share}");
    }
}

#[test]
fn records_are_matched_as_asked() {
    let policy = |text| reconcile(&["--expected", "1", "--match", text]).map(|r| r.policy);
    assert_eq!(policy("raw").expect("a policy"), Policy::Raw);
    assert_eq!(policy("json").expect("a policy"), Policy::Json);
    let pointers = ["/a/b", "/c~1d"].map(|text| text.parse().expect("a pointer")).to_vec();
    assert_eq!(policy("key=/a/b,/c~1d").expect("a policy"), Policy::Key(pointers));
    for text in ["", "exact", "key=", "key=id", "key=/a,", "key=/a~2"] {
        assert!(policy(text).is_err(), "{text:?} is no policy");
    }
}

#[test]
fn samples_are_a_number_or_all() {
    let samples = |text| reconcile(&["--expected", "1", "--samples", text]).map(|r| r.samples);
    assert_eq!(samples("0").expect("a number"), 0);
    assert_eq!(samples("all").expect("all"), usize::MAX);
    assert!(samples("many").is_err());
}

#[test]
fn a_table_is_shortened_for_a_screen_only() {
    let layout = |env: &Env, words: &[&str]| match lowered(env, words) {
        Ok(Request::List(list)) => match list.output.form {
            Form::Table(layout) => (layout.width, layout.color),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let screen = Env { stdout_terminal: true, ..env() };
    let plain = Env { no_color: true, ..screen.clone() };
    assert_eq!(layout(&screen, &["list", "."]), (80, true));
    assert_eq!(layout(&plain, &["list", "."]), (80, false));
    assert_eq!(layout(&plain, &["list", ".", "--color", "always"]), (80, true));
    assert_eq!(layout(&screen, &["list", "src", "-o", "x"]), (Layout::UNBOUNDED, false));
    let file = ["list", "src", "-o", "x", "--color", "always"];
    assert_eq!(layout(&screen, &file), (Layout::UNBOUNDED, true));
    assert_eq!(layout(&env(), &["list", "."]), (Layout::UNBOUNDED, false));
}

#[test]
fn a_dump_gives_records_in_the_form_that_was_asked_for() {
    let records = |words: &[&str]| {
        let words: Vec<_> = ["dump", "."].iter().chain(words).copied().collect();
        match lowered(&env(), &words) {
            Ok(Request::Dump(dump)) => dump.records,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(records(&[]), Records::Lines);
    assert_eq!(records(&["--raw"]), Records::Raw);
    assert_eq!(records(&["--with-origin"]), Records::Origin);
    assert_eq!(records(&["--format", "ndjson"]), Records::Ndjson);
    assert_eq!(records(&["--format", "csv"]), Records::Csv);
    assert_eq!(records(&["--format", "json"]), Records::Json);
}

#[test]
fn a_snapshot_has_a_window_that_has_begun_and_a_share() {
    let snapshot = |words: &[&str]| {
        let command = ["snapshot", "--stream", "orders", "-o", "file"];
        match lowered(&env(), &[&command[..], words].concat())? {
            Request::Snapshot(snapshot) => Ok(snapshot.read),
            other => panic!("snapshot became {other:?}"),
        }
    };
    let read = snapshot(&["--since", "1h", "--stream-share", "5"]).expect("it makes sense");
    assert_eq!(read.from, Some(time("2026-03-29T11:00:00Z")));
    assert_eq!((read.to, read.now), (env().now, env().now));
    assert_eq!(read.share.as_percent(), 5);
    let read = snapshot(&["--until", "2026-03-29T13:00:00Z"]).expect("it will be over one day");
    assert_eq!((read.from, read.to), (None, time("2026-03-29T13:00:00Z")));
    for words in [
        &["--since", "2026-03-29T12:30:00Z", "--until", "2026-03-29T13:00:00Z"][..],
        &["--since", "1h", "--until", "2h"],
        &["--stream-share", "0"],
        &["--stream-share", "101"],
    ] {
        let error: Error = snapshot(words).expect_err("it makes no sense");
        assert_eq!(error.kind(), ErrorKind::Usage, "{words:?}");
    }
}
