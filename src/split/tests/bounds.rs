//! Where only bounds are asked for, undamaged content comes out the same; and what damage shows in them is
//! found.

use super::super::json::JsonSplitter;
use super::*;

fn by_bounds(content: &[u8], choice: &FormatChoice) -> (Format, Tally, Collected) {
    let mut sink = Matching { bounds_suffice: true, ..Matching::default() };
    let (format, tally, ended) = split(&mut &*content, choice, &mut sink);
    ended.unwrap();
    (format, tally, sink.collected)
}

/// Splits in windows that grow by `step`.
fn in_windows(mut splitter: JsonSplitter, content: &[u8], step: usize) -> (Tally, Collected) {
    let mut sink = Collected::default();
    let mut out = Out { sink: &mut sink, tally: Tally::default() };
    let (mut from, mut end) = (0, 0);
    while end < content.len() {
        end = content.len().min(end + step);
        let (window, eof) = (&content[from..end], end == content.len());
        from += splitter.feed(window, from as u64, eof, &mut out);
    }
    (out.tally, sink)
}

/// Values as a producer writes them: most alike, some not.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => (0..1_000usize).prop_map(good),
        2 => (0..9usize).prop_map(|n| format!(r#"{{"id": {n}}}"#)),
        1 => "\\{\"id\": \"([a-z{}\\[\\] ]|\\\\[\\\\\"]){0,90}\"\\}",
        1 => (1..90usize).prop_map(|depth| "[".repeat(depth) + &"]".repeat(depth)),
        1 => Just(r#"{"other": [{}, "é😀", -1.5e9]}"#.to_owned()),
        1 => Just("{}".to_owned()),
        1 => Just("\"}{\"".to_owned()),
        1 => Just("17".to_owned()),
    ]
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn nothing_changes_where_nothing_is_damaged(
        values in prop::collection::vec(value(), 1..60),
        between in prop::sample::select(&["", "\n", " \r\n\t", "\x1e", ","][..]),
        step in 1..300usize,
    ) {
        // Words and numbers need something between them.
        let glued = between.is_empty() && values.iter().any(|value| value == "17");
        let content = values.join(if glued { " " } else { between }).into_bytes();
        let (choice, delimiter) = match between {
            "," => (Format::Delimited(b",".to_vec()), b",".to_vec()),
            _ => (Format::Json, Vec::new()),
        };
        let choice = FormatChoice::Fixed(choice);
        let whole = run(&content, &choice);
        prop_assert_eq!(whole.2.malformed.len(), 0);
        prop_assert_eq!(&by_bounds(&content, &choice), &whole);
        let splitter = || JsonSplitter::delimited(delimiter.clone());
        for splitter in [splitter(), splitter().by_bounds()] {
            let (mut tally, sink) = in_windows(splitter, &content, step);
            tally.bytes.decoded = content.len() as u64;
            prop_assert_eq!((&tally, &sink), (&whole.1, &whole.2));
        }
    }

    #[test]
    fn whatever_is_damaged_every_byte_is_counted(
        pieces in prop::collection::vec(
            prop_oneof![
                6 => (0..100usize).prop_map(|id| good(id).into_bytes()),
                1 => prop::collection::vec(any::<u8>(), 1..6),
                1 => (1..50usize).prop_map(|cut| good(1).into_bytes()[..cut.min(40)].to_vec()),
                1 => "[\\{\\}\\[\\]\",:a1 \\\\\n]{0,9}".prop_map(String::into_bytes),
            ],
            0..60,
        ),
        step in 1..300usize,
    ) {
        let content = pieces.concat();
        let (_, tally, sink) = by_bounds(&content, &FormatChoice::Fixed(Format::Json));
        prop_assert_eq!(tally.bytes.malformed, sink.rejected.len() as u64);
        // Where windows end does not show.
        let (_, windowed) = in_windows(JsonSplitter::default().by_bounds(), &content, step);
        prop_assert_eq!(windowed, sink);
    }
}

#[test]
fn what_is_in_a_record_is_not_looked_at() {
    let values = [good(1), r#"{"id": tru]"#.to_owned(), good(2)];
    let (_, tally, sink) = by_bounds(values.concat().as_bytes(), &FormatChoice::Detect);
    let records: Vec<_> = sink.records.iter().map(|(record, ..)| record.as_str()).collect();
    assert_eq!(records, values);
    assert_eq!((tally.recovered, tally.malformed_spans), (0, 0));
}

#[test]
fn damage_that_shows_in_the_bounds_is_found_and_from_there_on_all_of_it() {
    let lost = good(3).replacen("}}", "}", 1);
    for fault in [lost.as_str(), "junk", "}", "{\"id\": \"", "\u{0}\u{0}"] {
        let content = [&good(1), &good(2), fault, &good(4), &good(5), r#"{"id": tru}"#, &good(6)];
        let content = content.concat().into_bytes();
        let checked = run(&content, &FormatChoice::Detect);
        assert_eq!(by_bounds(&content, &FormatChoice::Detect), checked, "{fault}");
        assert_eq!(checked.2.malformed.len(), 2, "{fault}");
    }
}

/// A record that is closed wherever the longest could end costs a look at that much, and must not for each
/// that is lost.
#[test]
fn many_lost_brackets_are_found_soon() {
    let lost = good(3).replacen("}}", "}", 1);
    let content = [good(1), lost].concat().repeat(20_000).into_bytes();
    let checked = run(&content, &FormatChoice::Detect);
    assert_eq!(by_bounds(&content, &FormatChoice::Detect), checked);
    assert!(checked.2.malformed.len() > 10_000);
}

#[test]
fn what_no_record_can_be_as_long_as_is_looked_at() {
    let lost = good(3).replacen("}}", "}", 1);
    let many = good(4).repeat(crate::limits::RECORD_BYTES_MAX / good(4).len() + 1);
    let content = [&good(1), &lost, &many, "}", &good(5)].concat().into_bytes();
    let (_, _, checked) = run(&content, &FormatChoice::Detect);
    let (_, matched) = in_windows(JsonSplitter::default().by_bounds(), &content, content.len());
    assert!(matched == checked && checked.malformed.len() == 2);
}
