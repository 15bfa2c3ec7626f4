//! What reports look like, and that machines can rely on them.

mod hostile;
mod samples;
mod schema;
mod stack;
mod trace;

use fhcheck::check::{DumpSink, Dumped, Estimate, Listing};
use fhcheck::error::{Error, ErrorKind};
use fhcheck::outcome::{Cached, Outcome};
use fhcheck::produce::{Produced, Tally};
use fhcheck::report::dump::{Records, Writer};
use fhcheck::report::table::{self, Layout};
use fhcheck::report::{self, Form};

fn table(width: usize, color: bool) -> Form {
    Form::Table(Layout { width, color, samples: 10 })
}

fn reconciled(outcome: &Outcome, form: Form) -> String {
    let mut out = Vec::new();
    report::reconcile(outcome, form, &mut out).expect("a vector takes it");
    String::from_utf8(out).expect("reports are text")
}

fn listed(listing: &Listing, form: Form) -> String {
    let mut out = Vec::new();
    report::list(listing, form, &mut out).expect("a vector takes it");
    String::from_utf8(out).expect("reports are text")
}

fn estimated(charged: bool, form: Form) -> String {
    let estimate = Estimate {
        list_requests: if charged { 3 } else { 0 },
        get_requests: if charged { 2_500 } else { 0 },
        objects: 2_500,
        bytes: 5_368_709_120,
        fetched_bytes: if charged { 5_368_709_120 } else { 0 },
        cached: charged.then_some(Cached { objects: 97_500, bytes: 214_748_364_800 }),
    };
    let mut out = Vec::new();
    let location = if charged { "s3://demo/firehose/" } else { "downloaded" };
    report::estimate(location, &estimate, form, &mut out).expect("a vector takes it");
    String::from_utf8(out).expect("reports are text")
}

/// What a producer came to that a stream rejected now and then; one that was not whole gave up.
fn produced(whole: bool, form: Form) -> String {
    let tally = Tally {
        records: 1200,
        put: 1200,
        acknowledged: if whole { 1200 } else { 1100 },
        puts: 1450,
        rejected: if whole { 150 } else { 250 },
        uncertain: 100,
    };
    let failure = Error::new(ErrorKind::Service, "kinesis:PutRecords on orders is throttled");
    let produced = Produced {
        target: "data stream orders".to_owned(),
        manifests: vec!["fhcheck-orders-20260704T093000Z.ndjson".into()],
        tally,
        failure: (!whole).then_some(failure),
    };
    let mut out = Vec::new();
    report::produce(&produced, form, &mut out).expect("a vector takes it");
    String::from_utf8(out).expect("reports are text")
}

/// Records of every kind: JSON, JSON over two lines, text, text that would be a formula, no text.
const RECORDS: [&[u8]; 5] =
    [br#"{"a":  1.0e2}"#, b"{\"b\":\n\"\\u00e9\"}", b"plain, \"text\"", b"=1+1", b"\xff\x00"];

fn dumped(form: Records) -> (Vec<u8>, Vec<u8>) {
    let (mut out, mut rejects) = (Vec::new(), Vec::new());
    let mut writer = Writer::new(form, &mut out, Some(&mut rejects));
    for (index, bytes) in (0..).zip(RECORDS) {
        let record = Dumped { bytes, key: "k/1", offset: index * 20, index, recovered: index > 2 };
        writer.record(record).expect("a vector takes it");
    }
    writer.rejected("k/1", 100, b"\x00bad").expect("a vector takes it");
    writer.rejected("k/1", 104, b" bytes").expect("a vector takes it");
    writer.finish(&samples::dump()).expect("a vector takes it");
    (out, rejects)
}

fn dumped_text(form: Records) -> String {
    String::from_utf8(dumped(form).0).expect("this form is text")
}

/// Every reconciliation that the snapshots show.
fn outcomes() -> [(&'static str, Outcome); 6] {
    [
        ("by_manifest", samples::by_manifest()),
        ("by_count", samples::by_count()),
        ("lost_and_doubled", samples::lost_and_doubled()),
        ("damaged_with_gap", samples::damaged_with_gap()),
        ("empty_prefix", samples::empty_prefix()),
        ("everything", samples::everything()),
    ]
}

fn listings() -> [(&'static str, Listing); 3] {
    [
        ("plain", samples::listing()),
        ("with_records", samples::listing_with_records()),
        ("small_objects", samples::long_listing(100)),
    ]
}

#[test]
fn reconciliations_read_well_at_both_widths() {
    for (name, outcome) in outcomes() {
        for width in [80, 200] {
            let text = reconciled(&outcome, table(width, false));
            insta::assert_snapshot!(format!("reconcile_{name}_{width}"), text);
        }
    }
}

#[test]
fn what_was_produced_reads_well() {
    insta::assert_snapshot!("produce_whole", produced(true, table(80, false)));
    insta::assert_snapshot!("produce_not_whole", produced(false, table(80, false)));
    insta::assert_snapshot!("produce_csv", produced(true, Form::Csv));
}

#[test]
fn walks_read_well() {
    let texts = trace::traced(table(80, false));
    insta::assert_snapshot!("trace_agrees", texts[0]);
    insta::assert_snapshot!("trace_refused", texts[1]);
    insta::assert_snapshot!("trace_direct_put", texts[2]);
    insta::assert_snapshot!("trace_csv", trace::traced(Form::Csv)[0]);
}

#[test]
fn listings_read_well_at_both_widths() {
    for (name, listing) in listings() {
        for width in [80, 200] {
            let text = listed(&listing, table(width, false));
            insta::assert_snapshot!(format!("list_{name}_{width}"), text);
        }
    }
    let mut empty = samples::listing();
    empty.objects.clear();
    empty.silent_hours.clear();
    empty.book = fhcheck::outcome::ObjectBook::default();
    insta::assert_snapshot!(listed(&empty, table(80, false)), @"No objects  under s3://demo/firehose/");
}

#[test]
fn colour_says_nothing_that_the_words_do_not() {
    let strip = |text: &str| {
        let mut plain = String::new();
        for (index, part) in text.split("\x1b[").enumerate() {
            let part = if index == 0 { part } else { part.split_once('m').expect("a style").1 };
            plain.push_str(part);
        }
        let lines = plain.lines().map(|line| format!("{}\n", line.trim_end()));
        lines.collect::<String>()
    };
    for (_, outcome) in outcomes() {
        let colored = reconciled(&outcome, table(80, true));
        assert!(colored.contains('\x1b'));
        assert_eq!(strip(&colored), reconciled(&outcome, table(80, false)));
    }
    let colored = reconciled(&samples::lost_and_doubled(), table(80, true));
    insta::assert_snapshot!(
        "reconcile_lost_and_doubled_80_color",
        colored.escape_debug().to_string().replace("\\n", "\n")
    );
}

/// A table for a screen is never wider than the screen, and never has anything that steers it.
#[test]
fn nothing_breaks_out_of_the_screen() {
    for width in [80, 120, 200] {
        let mut pages: Vec<_> = outcomes()
            .iter()
            .map(|(_, outcome)| reconciled(outcome, table(width, false)))
            .collect();
        pages.extend(listings().iter().map(|(_, listing)| listed(listing, table(width, false))));
        for line in pages.iter().flat_map(|page| page.lines()) {
            assert!(line.chars().count() <= width, "{width} columns: {line}");
            assert!(!line.chars().any(char::is_control), "{line:?}");
            assert!(!line.contains('\u{202e}'), "{line:?}");
        }
    }
}

#[test]
fn the_same_outcome_gives_the_same_bytes() {
    for (_, outcome) in outcomes() {
        for form in [table(80, true), Form::Json, Form::Ndjson, Form::Csv] {
            assert_eq!(reconciled(&outcome, form), reconciled(&outcome.clone(), form));
        }
    }
}

#[test]
fn without_a_screen_keys_stay_whole() {
    let page = listed(&samples::listing(), table(Layout::UNBOUNDED, false));
    assert!(page.contains(&samples::key(12)), "{page}");
    assert!(!page.contains('…'), "{page}");
}

/// A listing is laid out in one pass and written in another: it grows with its objects, no faster.
#[test]
fn a_long_listing_has_a_row_for_each_object() {
    let page = listed(&samples::long_listing(100_000), table(80, false));
    assert_eq!(page.lines().filter(|line| line.contains(" KiB  2023-")).count(), 100_000 - 24);
    assert!(page.contains("100,000 of 100,000 objects are smaller than 1.0 MiB"), "no hint");
}

#[test]
fn csv_has_a_row_for_each_finding_and_object() {
    insta::assert_snapshot!(
        "reconcile_everything_csv",
        reconciled(&samples::everything(), Form::Csv)
    );
    insta::assert_snapshot!(
        "list_with_records_csv",
        listed(&samples::listing_with_records(), Form::Csv)
    );
    let csv = reconciled(&samples::everything(), Form::Csv);
    assert!(csv.contains(r#""'=1+1,\xff\xfe""#), "a formula came through: {csv}");
    assert!(csv.lines().all(|line| line.split(',').count() >= 10), "{csv}");
}

#[test]
fn json_is_exact() {
    insta::assert_snapshot!(
        "reconcile_lost_and_doubled_json",
        reconciled(&samples::lost_and_doubled(), Form::Json)
    );
    insta::assert_snapshot!(
        "reconcile_damaged_with_gap_ndjson",
        reconciled(&samples::damaged_with_gap(), Form::Ndjson)
    );
    let document = reconciled(&samples::everything(), Form::Json);
    assert!(document.contains("1099511627776"), "numbers are whole");
    assert!(document.contains(r#""excerpt_base64": "PTErMSz//g==""#), "bytes are kept");
}

#[test]
fn a_dump_gives_the_bytes_as_they_are() {
    let (lines, rejects) = dumped(Records::Lines);
    let expected: Vec<u8> = RECORDS.iter().flat_map(|r| [r, &b"\n"[..]].concat()).collect();
    assert_eq!(lines, expected);
    assert_eq!(rejects, b"\x00bad bytes");
    assert_eq!(dumped(Records::Raw).0, RECORDS.concat());
}

#[test]
fn a_dump_says_where_records_come_from() {
    insta::assert_snapshot!("dump_origin", dumped_text(Records::Origin));
    insta::assert_snapshot!("dump_ndjson", dumped_text(Records::Ndjson));
    insta::assert_snapshot!("dump_json", dumped_text(Records::Json));
    insta::assert_snapshot!("dump_csv", dumped_text(Records::Csv));
}

#[test]
fn a_dump_that_met_trouble_says_so() {
    let mut out = Vec::new();
    let layout = Layout { width: 80, color: false, samples: 10 };
    table::dump(&samples::dump(), layout, &mut out).expect("a vector takes it");
    insta::assert_snapshot!("dump_trouble_80", String::from_utf8(out).expect("text"));
}

#[test]
fn an_estimate_says_what_it_assumes() {
    insta::assert_snapshot!("estimate_s3", estimated(true, table(80, false)));
    insta::assert_snapshot!("estimate_local", estimated(false, table(80, false)));
}

#[test]
fn a_stack_says_what_it_is_like_and_what_comes_next() {
    let [made, broken] = stack::stacks(table(80, false));
    insta::assert_snapshot!("stack_made_80", made);
    insta::assert_snapshot!("stack_broken_80", broken);
}
