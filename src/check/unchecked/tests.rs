//! Where a match proves records, the outcome is the one of a run that checks everything.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use jiff::tz::TimeZone;
use proptest::prelude::*;

use crate::check::{Comparison, Manifest, Run};
use crate::error::Result;
use crate::expect::kpl;
use crate::fingerprint::Policy;
use crate::limits::{self, RECORD_BYTES_MAX};
use crate::observe::Silent;
use crate::outcome::Outcome;
use crate::plan::{
    Expectation, Foreign, Limits, Location, Memory, ReadPlan, ReconcilePlan, Window,
};
use crate::source::KeyRange;
use crate::source::local::Local;
use crate::split::FormatChoice;
use crate::stop::Stop;
use crate::tests::cases;

fn record(number: usize) -> String {
    match number % 3 {
        0 => format!(r#"{{"id": {number}, "text": "a \"b\" {{c}} [d", "n": [1, {{"x": null}}]}}"#),
        1 => format!(r#"{{"id": {number}, "at": "2023-05-04T08:30:21", "price": {number}.25}}"#),
        _ => format!(r#"{{"id": {number}, "ok": true, "n": []}}"#),
    }
}

fn plan(root: &Path, policy: &Policy) -> ReconcilePlan {
    let read = ReadPlan {
        prefix: None,
        location: Location::Local(root.join("data")),
        window: Window::default(),
        zone: TimeZone::UTC,
        foreign: Foreign::Read,
        format: FormatChoice::Detect,
        base64: false,
        limits: Limits {
            object_bytes: limits::OBJECT_BYTES_MAX_DEFAULT,
            total_bytes: None,
            in_flight_bytes: limits::IN_FLIGHT_BYTES_DEFAULT,
            requests: 8,
            workers: 2,
        },
    };
    ReconcilePlan {
        read,
        expectation: Expectation::Manifest(vec![Location::Local(root.join("truth"))]),
        policy: policy.clone(),
        allow: Default::default(),
        samples: usize::MAX,
        delivery_start: None,
        young: None,
        memory: Memory { bytes: limits::MEMORY_DEFAULT, overflow: std::env::temp_dir() },
        seed: 1,
    }
}

/// How both sides are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// By bounds, with rows of what differs: of suspects alone, where they are enough.
    Once,
    /// The same, after all was read a second time: there is no memory for traces.
    Twice,
    /// By bounds, with all rows.
    Again,
    /// With all rows, every byte of everything checked: the dull twin.
    Checked,
}

/// What a comparison comes to, and what it is afterwards.
fn outcome(root: &Path, policy: &Policy, how: How) -> (Outcome, Comparison) {
    block_on(async {
        let mut comparison = comparison(root, policy, how).await;
        comparison.look().await.unwrap();
        (comparison.outcome().await.unwrap(), comparison)
    })
}

async fn comparison(root: &Path, policy: &Policy, how: How) -> Comparison {
    let plan = plan(root, policy);
    let source = |name: &str| Arc::new(Local::open(root.join(name)).unwrap());
    let run = Run::new(source("data"), plan.read.clone(), Arc::new(Silent));
    let manifest = Manifest {
        name: "truth".to_owned(),
        source: source("truth"),
        range: KeyRange::all(""),
        gaps: Vec::new(),
        arrived: Window::default(),
    };
    let mut comparison = match how {
        How::Once | How::Twice => run.compare_once(&plan, vec![manifest]).await.unwrap(),
        How::Again | How::Checked => run.compare(&plan, vec![manifest]).await.unwrap(),
    };
    if how == How::Twice {
        comparison.storage.forget_traces();
    }
    comparison.checks_all = how == How::Checked;
    comparison
}

/// Writes objects and a manifest.
fn write(root: &Path, objects: &[Vec<u8>], truth: &str) {
    std::fs::create_dir_all(root.join("data")).unwrap();
    std::fs::create_dir_all(root.join("truth")).unwrap();
    for (number, content) in objects.iter().enumerate() {
        std::fs::write(root.join("data").join(format!("object-{number}")), content).unwrap();
    }
    std::fs::write(root.join("truth/produced.ndjson"), truth).unwrap();
}

/// Compares in all ways, and says how many objects were known by bounds in the end, and whether
/// everything had to be checked.
fn compare(objects: &[Vec<u8>], truth: &str) -> (usize, bool) {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), objects, truth);
    let (checked, twin) = outcome(root.path(), &Policy::Raw, How::Checked);
    assert!(twin.wanted.is_all());
    let [once, twice, again] = [How::Once, How::Twice, How::Again].map(|how| {
        let (by_bounds, comparison) = outcome(root.path(), &Policy::Raw, how);
        assert_eq!(format!("{by_bounds:#?}"), format!("{checked:#?}"), "{how:?}");
        let numbers = 0..objects.len() as u64;
        let known = numbers.filter(|&number| comparison.seen.is_by_bounds(number)).count();
        (known, comparison.checks_all)
    });
    assert_eq!((once, twice), (again, again));
    once
}

fn lines(numbers: impl Iterator<Item = usize>) -> String {
    numbers.fold(String::new(), |mut lines, number| {
        let _ = writeln!(lines, "{}", record(number));
        lines
    })
}

fn glued(numbers: std::ops::Range<usize>) -> Vec<u8> {
    numbers.map(record).collect::<String>().into_bytes()
}

#[test]
fn a_match_proves_records_and_nothing_else_does() {
    let objects = [glued(0..40), glued(40..80)];
    assert_eq!(compare(&objects, &lines(0..80)), (2, false), "all is well");
    assert_eq!(compare(&objects, &lines(0..90)), (2, false), "what is missing casts no doubt");
    let twice = [glued(0..40), [glued(40..80), glued(40..50)].concat()];
    assert_eq!(compare(&twice, &lines(0..80)), (2, false), "nor does what is there twice");
    assert_eq!(
        compare(&objects, &lines((0..30).chain(40..80))),
        (1, false),
        "what is unexpected is checked"
    );

    let text = String::from_utf8(glued(0..40)).unwrap();
    let balanced = text.replace(r#""id": 7, "#, r#""id": 07, "#).into_bytes();
    let objects = [balanced, glued(40..80)];
    assert_eq!(
        compare(&objects, &lines(0..80)),
        (0, true),
        "no record, and nothing but its bounds is right"
    );
    let open = text.replacen(r#""id": 7, "#, r#"{"id": 7, "#, 1).into_bytes();
    let objects = [open, glued(40..80)];
    assert_eq!(
        compare(&objects, &lines(0..80)),
        (1, false),
        "what shows in the bounds is checked at once"
    );
}

#[test]
fn error_output_and_damage_are_read_from_the_beginning() {
    let failed = r#"{"rawData":"eyJpZCI6IDF9","errorCode":"E","attemptsMade":1}"#.repeat(9);
    let damaged = [&glued(0..20), &b"junk"[..], &glued(20..40)].concat();
    let (objects, truth) = ([failed.into_bytes(), damaged, glued(40..80)], lines(0..85));
    assert_eq!(compare(&objects, &(truth + "{\"id\": 1}\n")), (1, false));
}

/// Enough for several windows.
fn many() -> Vec<u8> {
    (0..9_000).fold(Vec::new(), |mut content, number| {
        content.extend(record(number).into_bytes());
        content.push(b'\n');
        content
    })
}

#[test]
fn what_is_no_json_is_read_to_its_end() {
    let long = [b"hello\n", &vec![b'x'; RECORD_BYTES_MAX + 1][..], b"\n", &many()[..]].concat();
    assert_eq!(compare(&[long], &lines(0..9_000)), (0, false));
    let aggregated = |number| {
        let data = record(number);
        let record =
            kpl::Record { partition_key: "a", explicit_hash_key: None, data: data.as_bytes() };
        kpl::aggregate([record])
    };
    let aggregates: Vec<_> = (1..2_000).map(aggregated).collect();
    let damaged = [&aggregated(0)[..], b"junk", &aggregates.concat()].concat();
    assert_eq!(compare(&[damaged], &lines(0..2_000)), (0, false));
}

#[test]
fn damage_far_into_an_object_is_read_again_from_its_beginning() {
    let mut content = many();
    let at = content.len() / 2;
    content[at..at + 40].fill(b'"');
    assert_eq!(compare(&[content, many()], &lines((0..9_000).chain(0..9_000))), (1, false));
}

#[test]
fn what_is_a_line_in_one_object_may_be_damage_in_another() {
    let lines_of_text = |wrong: &str| format!("hello\n{wrong}\n").into_bytes();
    let wrong = r#"{"id": tru}"#;
    let json = [&glued(0..20), wrong.as_bytes(), &glued(20..40)].concat();
    let truth = lines(0..40);
    assert_eq!(compare(&[lines_of_text(wrong), json.clone()], &truth), (0, true));
    assert_eq!(compare(&[json, lines_of_text(wrong)], &truth), (0, true));
}

#[test]
fn whoever_asks_for_an_end_gets_what_was_read() {
    let root = tempfile::tempdir().unwrap();
    let wrong = [&glued(0..20), &br#"{"id": tru}"#[..], &glued(20..40)].concat();
    write(root.path(), &[wrong, glued(40..80)], &lines(0..90));
    let checked = stopped(root.path(), How::Checked);
    assert_eq!(checked.books.objects.read, 2);
    for how in [How::Once, How::Twice, How::Again] {
        let outcome = stopped(root.path(), how);
        assert_eq!(format!("{outcome:#?}"), format!("{checked:#?}"), "{how:?}");
    }
}

/// The outcome where somebody asks for an end once everything was read.
fn stopped(root: &Path, how: How) -> Outcome {
    block_on(async {
        let mut comparison = comparison(root, &Policy::Raw, how).await;
        comparison.look().await.unwrap();
        let (asks, asked) = tokio::sync::watch::channel(false);
        comparison.run.set_stop(Stop::new(asked));
        asks.send(true).unwrap();
        comparison.outcome().await.unwrap()
    })
}

#[test]
fn a_truth_that_is_no_checked_json_proves_nothing() {
    let objects = [glued(0..40)];
    let root = tempfile::tempdir().unwrap();
    write(root.path(), &objects, &lines(0..40));
    let (_, comparison) = outcome(root.path(), &Policy::Json, How::Once);
    assert!(
        !comparison.seen.is_by_bounds(0) && comparison.seen.has_read(0),
        "other bytes may match"
    );
    let ledger = "plain text\n".repeat(40);
    assert_eq!(compare(&[ledger.clone().into_bytes()], &ledger), (0, false));
    assert_eq!(compare(&objects, ""), (0, false), "nothing was produced");
}

/// Runs on a runtime of its own.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap().block_on(work)
}

#[test]
fn rows_are_read_for_where_something_differs_and_only_of_that() {
    let wanted = |truth: &str, how: How| {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), &[glued(0..40), glued(40..80)], truth);
        outcome(root.path(), &Policy::Raw, how).1.wanted
    };
    assert!(wanted(&lines(0..80), How::Twice).is_none(), "nothing is read twice");
    let of = |truth: String| format!("{:?}", wanted(&truth, How::Twice));
    assert_eq!(of(lines(1..80)), "0 buckets, and one identity of 1");
    assert_eq!(of(lines(1..81)), "0 buckets, and one identity of 2");
    let lost_and_doubled_and_never_produced = [lines(3..50), lines(48..100)].concat();
    let by_traces = wanted(&lost_and_doubled_and_never_produced, How::Once);
    assert!(by_traces.is_none(), "nor is anything where traces tell what to look at");
}

/// What each look comes to, where objects arrive one by one.
fn looks(how: How) -> Vec<String> {
    let root = tempfile::tempdir().unwrap();
    let arrivals = [glued(0..40), glued(40..80), glued(39..41), glued(85..90)];
    write(root.path(), &[], &lines(0..80));
    block_on(async {
        let mut comparison = comparison(root.path(), &Policy::Raw, how).await;
        let mut outcomes = Vec::new();
        for (number, content) in arrivals.iter().enumerate() {
            std::fs::write(root.path().join(format!("data/object-{number}")), content).unwrap();
            comparison.look().await.unwrap();
            let mut outcome = comparison.outcome().await.unwrap();
            outcome.location.clear();
            outcomes.push(format!("{outcome:#?}"));
        }
        outcomes
    })
}

#[test]
fn what_arrives_later_is_compared_as_if_it_had_been_there() {
    assert_eq!(looks(How::Again), looks(How::Checked));
    assert_eq!(looks(How::Once), looks(How::Checked));
    assert_eq!(looks(How::Twice), looks(How::Checked));
}

/// What a comparison comes to whose manifest says `now` for `before` when everything was read, though nothing but
/// its content tells.
fn with_another_manifest(how: How, before: &str, now: &str) -> Result<Outcome> {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), &[glued(0..40)], &lines(0..41));
    block_on(async {
        let mut comparison = comparison(root.path(), &Policy::Raw, how).await;
        comparison.look().await.unwrap();
        let path = root.path().join("truth/produced.ndjson");
        let written = std::fs::metadata(&path).unwrap().modified().unwrap();
        std::fs::write(&path, lines(0..41).replacen(before, now, 1)).unwrap();
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(written).unwrap();
        comparison.outcome().await
    })
}

#[test]
fn a_manifest_that_changes_between_two_readings_is_an_error() {
    // What is missing is another record.
    let elsewhere = |how| with_another_manifest(how, "23", "24");
    // The one that is missing.
    let there = |how| with_another_manifest(how, "\"id\": 40", "\"id\": 41");
    for error in [elsewhere(How::Twice), there(How::Twice), there(How::Once)] {
        let error = error.unwrap_err();
        assert_eq!(error.to_string(), "manifest truth changed while it was read");
    }
    for said_at_first in [elsewhere(How::Once), elsewhere(How::Again), there(How::Again)] {
        assert_eq!(said_at_first.unwrap().books.produced.missing, 1);
    }
}

/// One byte of an object, by how far it is in, as something else.
fn change() -> impl Strategy<Value = (usize, usize, u8)> {
    let byte = prop_oneof![
        4 => prop::sample::select(b"{}[]\",:0a \\\n".to_vec()),
        2 => prop::sample::select(b"0123456789.-eE".to_vec()),
        1 => any::<u8>(),
    ];
    (0..2_usize, any::<usize>(), byte)
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn whatever_is_damaged_the_outcome_is_that_of_a_full_check(
        changes in prop::collection::vec(change(), 0..4),
        cut in prop::option::of(any::<usize>()),
        from in 0..6_usize,
        upto in 54..66_usize,
        shared in prop::option::of(0..30_usize),
    ) {
        let mut objects = vec![glued(0..30), glued(30..60)];
        for (object, at, byte) in changes {
            let at = at % objects[object].len();
            objects[object][at] = byte;
        }
        if let Some(cut) = cut {
            let keep = cut % objects[1].len();
            objects[1].truncate(keep);
        }
        // A record of the first object, as it is now, is a line of another one.
        if let Some(shared) = shared {
            let (start, end) = (glued(0..shared).len(), glued(0..shared + 1).len());
            let line = &objects[0][start..end];
            objects.push([b"hello\n", line, b"\n"].concat());
        }
        compare(&objects, &lines(from..upto));
    }
}
