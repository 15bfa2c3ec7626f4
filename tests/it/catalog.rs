//! What is listed, what of it is read, and how many requests that takes.

use std::sync::Arc;
use std::time::Duration;

use fhcheck::check::Run;
use fhcheck::endpoint::Endpoint;
use fhcheck::error::ErrorKind;
use fhcheck::naming::{in_window, object_name};
use fhcheck::observe::Silent;
use fhcheck::outcome::SkipReason;
use fhcheck::plan::{Foreign, Location, ReadPlan, Window};
use fhcheck::simulate::{self, Compression, Destination, Faults, Generated, Kind, Pace, Spec};
use fhcheck::source::admit::Admit;
use fhcheck::source::local::Local;
use fhcheck::source::s3::S3;
use fhcheck::source::{KeyRange, Source};
use futures::{StreamExt, TryStreamExt};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::support;

const BUCKET: &str = "bucket";
const HOURS: i64 = 72;
const A_PAGE: i32 = 20;
/// Objects an hour, a page of them.
const AN_HOUR: i64 = A_PAGE as i64;

fn start() -> Timestamp {
    "2026-07-13T00:00:00Z".parse().unwrap()
}

/// Three days of objects, in folders that `folder` makes of their hour.
async fn bucket(folder: impl Fn(Timestamp) -> String) -> Endpoint {
    let endpoint = Endpoint::start().await.unwrap();
    endpoint.create_bucket(BUCKET);
    for number in 0..HOURS * AN_HOUR {
        let arrival = start() + (number * 60 / AN_HOUR).minutes();
        let uuid = format!("00000000-0000-4000-8000-{number:012}");
        let name = object_name("trades", 1, arrival, &TimeZone::UTC, &uuid, "");
        endpoint.put(BUCKET, &format!("firehose/{}{name}", folder(arrival)), "{}", None);
    }
    endpoint
}

fn by_hour(arrival: Timestamp) -> String {
    arrival.strftime("%Y/%m/%d/%H/").to_string()
}

fn run(endpoint: &Endpoint, change: impl FnOnce(&mut ReadPlan)) -> Run {
    let location = Location::S3 { bucket: BUCKET.into(), prefix: "firehose/".into() };
    let mut plan = support::read_plan(location);
    change(&mut plan);
    let source = S3::new(&support::connect(endpoint), BUCKET).page_size(A_PAGE);
    Run::new(Arc::new(source), plan, Arc::new(Silent))
}

fn hour_50(plan: &mut ReadPlan) {
    let since = start() + 50.hours();
    plan.window = Window { since: Some(since), until: Some(since + 1.hour()) };
}

#[tokio::test]
async fn a_window_lists_its_hours_and_not_the_rest() {
    let endpoint = bucket(by_hour).await;
    let everything = run(&endpoint, |_| {}).list(false, 0).await.unwrap();
    assert_eq!(everything.book.listed, (HOURS * AN_HOUR) as u64);
    assert!(everything.list_requests >= HOURS as u64);
    let window = run(&endpoint, hour_50).list(false, 0).await.unwrap();
    // The hour itself, and half an hour of buffering and slack before it.
    assert_eq!(window.book.read, (AN_HOUR + AN_HOUR / 2) as u64);
    assert!(window.list_requests < 10, "{} requests", window.list_requests);
    assert_eq!(window.notes, []);
}

#[tokio::test]
async fn folders_of_other_kinds_are_pruned_too() {
    for format in ["year=%Y/month=%m/day=%d/hour=%H/", "dt=%Y-%m-%d/", "v2/%Y/%m/%d/%H/"] {
        let endpoint = bucket(|arrival| arrival.strftime(format).to_string()).await;
        let window = run(&endpoint, hour_50).list(false, 0).await.unwrap();
        assert_eq!(window.book.read, (AN_HOUR + AN_HOUR / 2) as u64, "{format}");
        assert!(window.list_requests < 35, "{format}: {} requests", window.list_requests);
    }
}

#[tokio::test]
async fn folders_that_tell_no_time_are_listed_whole_and_a_note_says_so() {
    let endpoint = bucket(|arrival| format!("{}/", arrival.as_second() % 7)).await;
    let window = run(&endpoint, hour_50).list(false, 0).await.unwrap();
    assert_eq!(window.book.read, (AN_HOUR + AN_HOUR / 2) as u64);
    assert_eq!(window.book.listed, (HOURS * AN_HOUR) as u64);
    assert_eq!(window.notes[0].code, "not-pruned");
}

#[tokio::test]
async fn a_long_listing_is_the_same_in_pieces_and_in_one() {
    type Folder = fn(Timestamp) -> String;
    let folders: [(&str, Folder); 4] = [
        ("by hour", by_hour),
        ("by day, glued to a word", |arrival| arrival.strftime("day-%Y-%m-%d/").to_string()),
        // All but a few pages lie in one of the folders.
        ("uneven", |arrival| if arrival < start() + 65.hours() { "a/" } else { "b/" }.into()),
        ("none", |_| String::new()),
    ];
    for (name, folder) in folders {
        let endpoint = bucket(folder).await;
        let source = |listings| {
            S3::new(&support::connect(&endpoint), BUCKET).page_size(A_PAGE).listings(listings)
        };
        let all = KeyRange::all("firehose/");
        let part = KeyRange {
            start_after: Some("firehose/2026/07/13/05/".into()),
            stop_before: Some("firehose/2026/07/15/07/trades".into()),
            ..all.clone()
        };
        for range in [all, part] {
            let (alone, together) = (source(1), source(8));
            let expected: Vec<_> = alone.list(&range).try_collect().await.unwrap();
            let listed: Vec<_> = together.list(&range).try_collect().await.unwrap();
            assert_eq!(listed, expected, "{name}");
            // A page that is not full for each piece, and what it takes to find the folders.
            let more = together.requests().list - alone.requests().list;
            assert!(more <= 64 + 8, "{name}: {more} more requests");
        }
    }
}

#[tokio::test]
async fn a_reader_of_few_keys_asks_for_few_pages() {
    let endpoint = bucket(by_hour).await;
    let source = S3::new(&support::connect(&endpoint), BUCKET).page_size(A_PAGE);
    let all = KeyRange::all("firehose/");
    let first: Vec<_> = source.list(&all).take(A_PAGE as usize).try_collect().await.unwrap();
    assert_eq!((first.len(), source.requests().list), (A_PAGE as usize, 1));
}

#[tokio::test]
async fn an_object_in_the_wrong_folder_is_not_lost() {
    let endpoint = bucket(by_hour).await;
    // It arrived in the window's hour, and lies in a folder of that hour that is not its own.
    let arrival = start() + 3.hours();
    let uuid = "00000000-0000-4000-8000-ffffffffffff";
    let name = object_name("trades", 1, arrival, &TimeZone::UTC, uuid, "");
    endpoint.put(BUCKET, &format!("firehose/2026/07/15/02/{name}"), "{}", None);
    let window = run(&endpoint, hour_50).list(false, 0).await.unwrap();
    assert_eq!(window.book.listed, (HOURS * AN_HOUR) as u64 + 1);
    assert_eq!(window.notes[0].code, "not-pruned");
}

#[tokio::test]
async fn what_is_not_read_has_a_reason() {
    let endpoint = bucket(by_hour).await;
    endpoint.put(BUCKET, "firehose/", "", None);
    endpoint.put(BUCKET, "firehose/notes.txt", "x", None);
    let listing = run(&endpoint, |plan| plan.foreign = Foreign::Skip).list(false, 0).await.unwrap();
    let reasons: Vec<_> = listing.objects.iter().filter_map(|listed| listed.skip).collect();
    assert_eq!(reasons, [SkipReason::FolderMarker, SkipReason::Foreign]);
    let listing = run(&endpoint, |_| {}).list(true, 0).await.unwrap();
    assert_eq!(listing.book.read, (HOURS * AN_HOUR) as u64 + 1);
    assert_eq!(listing.notes[0].code, "foreign-objects");
}

#[tokio::test]
async fn hours_without_objects_are_named() {
    let endpoint = bucket(by_hour).await;
    for number in 30 * AN_HOUR..33 * AN_HOUR {
        let arrival = start() + (number * 60 / AN_HOUR).minutes();
        let uuid = format!("00000000-0000-4000-8000-{number:012}");
        let name = object_name("trades", 1, arrival, &TimeZone::UTC, &uuid, "");
        endpoint.delete(BUCKET, &format!("firehose/{}{name}", by_hour(arrival)));
    }
    let listing = run(&endpoint, |_| {}).list(false, 0).await.unwrap();
    let [(from, to)] = listing.silent_hours[..] else { panic!("{:?}", listing.silent_hours) };
    assert_eq!(from.to_string(), "2026-07-14T06:00:00");
    assert_eq!(to.to_string(), "2026-07-14T09:00:00");
}

#[tokio::test]
async fn more_than_max_bytes_is_refused_before_anything_is_read() {
    let endpoint = bucket(by_hour).await;
    let run = run(&endpoint, |plan| plan.limits.total_bytes = Some(100));
    let error = run.list(true, 0).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
    assert!(error.to_string().contains("holds 2880 bytes"), "{error}");
    let estimate = run.estimate(None).await.unwrap();
    assert_eq!((estimate.get_requests, estimate.bytes), (1440, 2880));
}

#[tokio::test]
async fn an_estimate_counts_the_requests_of_objects_in_pieces() {
    let endpoint = Endpoint::start().await.unwrap();
    for (key, size) in [("a", 10), ("b", 11), ("c", 25)] {
        endpoint.put(BUCKET, key, vec![b' '; size], None);
    }
    let location = Location::S3 { bucket: BUCKET.into(), prefix: String::new() };
    let source = S3::new(&support::connect(&endpoint), BUCKET).ranges(10, 5);
    let source = Arc::new(Admit::new(source, 4, 1 << 20));
    let run = Run::new(source.clone(), support::read_plan(location), Arc::new(Silent));
    let estimate = run.estimate(None).await.unwrap();
    assert_eq!((estimate.objects, estimate.get_requests), (3, 1 + (1 + 3) + (1 + 5)));
    assert!(run.list(true, 0).await.unwrap().gaps.is_empty());
    assert_eq!(source.requests().get, estimate.get_requests);
}

#[tokio::test]
async fn an_estimate_counts_what_somebody_has_to_pay_for() {
    let endpoint = Endpoint::start().await.unwrap();
    endpoint.put(BUCKET, "a", vec![b' '; 10], None);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("b"), [b' '; 100]).unwrap();
    let local = || Arc::new(Local::open(folder.path()).unwrap());
    let files = Location::Local(folder.path().into());
    let bucket = Location::S3 { bucket: BUCKET.into(), prefix: String::new() };
    let stored = Arc::new(S3::new(&support::connect(&endpoint), BUCKET));
    let run = Run::new(stored, support::read_plan(bucket), Arc::new(Silent));
    let run = run.with_error_output(local(), files.clone());
    let estimate = run.estimate(None).await.unwrap();
    assert_eq!((estimate.objects, estimate.bytes), (2, 110));
    assert_eq!((estimate.get_requests, estimate.fetched_bytes), (1, 10));
    let run = Run::new(local(), support::read_plan(files), Arc::new(Silent));
    let estimate = run.estimate(None).await.unwrap();
    assert_eq!((estimate.list_requests, estimate.get_requests, estimate.fetched_bytes), (0, 0, 0));
}

/// Prefixes of every kind; half of them tell time in order.
const PREFIXES: [&str; 12] = [
    "firehose/",
    "firehose/legacy",
    "firehose/!{timestamp:yyyy/MM/dd}/!{partitionKeyFromQuery:shop}/",
    "firehose/!{timestamp:'dt='yyyyMMdd'/h='HH'/m='mm}/!{firehose:random-string}/",
    "firehose/!{timestamp:yy/DDD/HH}/",
    "firehose/!{timestamp:yyyy}/!{timestamp:M}/!{timestamp:d}/",
    "firehose/!{partitionKeyFromLambda:shop}/!{timestamp:yyyy/MM/dd/HH}/",
    "firehose/!{firehose:random-string}/!{timestamp:yyyy/MM/dd/HH}/",
    "firehose/!{firehose:random-string}/",
    "firehose/!{timestamp:dd-MM-yyyy-HH}/",
    "firehose/!{timestamp:YYYY/'W'ww/EEE}/",
    "firehose/!{timestamp:hh a/MMM yyyy}/",
];

/// What `simulate` writes with a prefix, in a bucket: an object a minute for five hours around the
/// end of summer time in Madrid.
async fn simulated(prefix: &str) -> Endpoint {
    struct Bucket<'a>(&'a Endpoint);
    impl Destination for Bucket<'_> {
        fn put(
            &mut self,
            key: &str,
            body: &[u8],
            encoding: Option<&str>,
            _: Timestamp,
        ) -> fhcheck::error::Result<()> {
            self.0.put(BUCKET, key, body.to_vec(), encoding);
            Ok(())
        }
    }
    let endpoint = Endpoint::start().await.unwrap();
    endpoint.create_bucket(BUCKET);
    let spec = Spec {
        delivery_stream: "trades".into(),
        version: 1,
        prefix: prefix.into(),
        error_prefix: String::new(),
        zone: TimeZone::get("Europe/Madrid").unwrap(),
        compression: Compression::Plain,
        wrapping: Default::default(),
        gzip_records: false,
        extension: None,
        delimiter: Vec::new(),
        buffer_bytes: 1,
        buffer_interval: Duration::from_secs(60),
        seed: 1,
        faults: Faults::default(),
    };
    let pace =
        Pace { start: "2026-10-24T22:30:00Z".parse().unwrap(), interval: Duration::from_secs(60) };
    let mut records = Generated::new(Kind::Article, 300, pace, 1);
    simulate::run(&spec, &mut records, &mut Bucket(&endpoint), &mut Vec::new()).unwrap();
    endpoint
}

#[tokio::test]
async fn whatever_the_prefix_a_window_reads_what_listing_everything_would() {
    for prefix in PREFIXES {
        let endpoint = simulated(prefix).await;
        let madrid = |plan: &mut ReadPlan| plan.zone = TimeZone::get("Europe/Madrid").unwrap();
        let everything = run(&endpoint, madrid).list(false, 0).await.unwrap();
        assert_eq!(everything.book.listed, 300, "{prefix}");
        for minutes in [40, 100, 150, 215] {
            let since = "2026-10-24T22:30:00Z".parse::<Timestamp>().unwrap() + minutes.minutes();
            let window = Window { since: Some(since), until: Some(since + 20.minutes()) };
            let zone = TimeZone::get("Europe/Madrid").unwrap();
            let names = everything.objects.iter().filter_map(|listed| listed.name.as_ref());
            let inside = names.filter(|name| in_window(name, &window, &zone)).count();
            for known in [None, Some(prefix.to_owned())] {
                let listing = run(&endpoint, |plan| {
                    madrid(plan);
                    plan.window = window;
                    plan.prefix = known.clone();
                });
                let listing = listing.list(false, 0).await.unwrap();
                assert_eq!(listing.book.read, inside as u64, "{prefix} {minutes} {known:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_prefix_is_explained_and_what_cannot_be_pruned_is_said() {
    for (prefix, certain, keys, note) in [
        (PREFIXES[0], true, "`firehose/` + Europe/Madrid hour folders + file names", None),
        (PREFIXES[0], false, "prunes by hour (recognised in the keys, not certain)", None),
        (PREFIXES[6], true, "cannot prune: partition key shop stands", Some("partition key shop")),
        (PREFIXES[8], true, "the prefix tells no time", Some("no key tells its time")),
        (PREFIXES[10], true, "depend on a locale", Some("depend on a locale")),
    ] {
        let endpoint = simulated(prefix).await;
        let run = run(&endpoint, |plan| {
            plan.zone = TimeZone::get("Europe/Madrid").unwrap();
            plan.prefix = certain.then(|| prefix.to_owned());
            plan.window.since = Some("2026-10-25T01:00:00Z".parse().unwrap());
        });
        let listing = run.list(false, 0).await.unwrap();
        let text = listing.keys.unwrap().to_string();
        assert!(text.contains(keys), "{prefix}: {text}");
        match note {
            Some(note) => assert!(listing.notes[0].text.contains(note), "{:?}", listing.notes),
            None => assert_eq!(listing.notes, []),
        }
    }
}

#[tokio::test]
async fn a_prefix_that_was_another_before_loses_nothing() {
    let endpoint = bucket(by_hour).await;
    let listed = |prefix: &str| {
        let prefix = prefix.to_owned();
        let run = run(&endpoint, |plan| {
            hour_50(plan);
            plan.prefix = Some(prefix);
        });
        async move { run.list(false, 0).await.unwrap() }
    };
    for prefix in
        ["firehose/!{timestamp:yyyyMMdd}/", "elsewhere/", "firehose/!{timestamp:yyyy/DDD}/"]
    {
        let listing = listed(prefix).await;
        assert_eq!(listing.book.read, (AN_HOUR + AN_HOUR / 2) as u64, "{prefix}");
    }
    let listing = listed("!{unheard-of:x}/").await;
    assert_eq!(listing.book.read, (AN_HOUR + AN_HOUR / 2) as u64);
    assert_eq!(listing.notes[0].code, "prefix-not-known");
}
