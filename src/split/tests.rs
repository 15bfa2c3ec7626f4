//! What the splitter promises, case by case. Damage by the thousand is in `tests/it/damage.rs`.

mod bounds;

use proptest::prelude::*;

use super::*;
use crate::tests::cases;

#[derive(Default, Debug, PartialEq, Eq)]
struct Collected {
    records: Vec<(String, u64, Standing)>,
    malformed: Vec<(u64, u64, Damage)>,
    rejected: Vec<u8>,
}

impl Sink for Collected {
    fn record(&mut self, record: Record<'_>) {
        let bytes = String::from_utf8_lossy(record.bytes).into_owned();
        self.records.push((bytes, record.offset, record.standing));
    }
    fn malformed(&mut self, span: Span) {
        assert!(span.offset <= span.error_offset && span.error_offset <= span.offset + span.len);
        self.malformed.push((span.offset, span.len, span.damage));
    }
    fn rejected(&mut self, _: u64, bytes: &[u8]) {
        self.rejected.extend_from_slice(bytes);
    }
}

/// Records that are text, and where they stand.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) records: Vec<(u64, String)>,
    pub(super) spans: Vec<Span>,
}

impl Sink for Seen {
    fn record(&mut self, record: Record<'_>) {
        let text = String::from_utf8(record.bytes.to_vec()).unwrap();
        self.records.push((record.offset, text));
    }

    fn malformed(&mut self, span: Span) {
        self.spans.push(span);
    }
}

/// Gives at most `step` bytes at a time.
struct Trickle<'a>(&'a [u8], usize);

impl std::io::Read for Trickle<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = self.1.min(out.len()).min(self.0.len());
        out[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

fn run(content: &[u8], choice: &FormatChoice) -> (Format, Tally, Collected) {
    let mut sink = Collected::default();
    let (format, tally, result) = split(&mut Trickle(content, usize::MAX), choice, &mut sink);
    result.unwrap();
    assert_eq!(tally.bytes.decoded, content.len() as u64);
    assert_eq!(tally.records, sink.records.len() as u64);
    assert_eq!(tally.bytes.malformed, sink.rejected.len() as u64);
    (format, tally, sink)
}

/// The records and malformed spans of content whose format is detected.
fn json(content: &[u8]) -> (Vec<String>, Vec<(u64, u64, Damage)>) {
    let (format, _, sink) = run(content, &FormatChoice::Detect);
    assert_eq!(format, Format::Json);
    (sink.records.into_iter().map(|(record, ..)| record).collect(), sink.malformed)
}

fn good(number: usize) -> String {
    format!(r#"{{"id": {number}, "s": "x}}{{y", "n": {{"a": [1, {{"b": null}}]}}}}"#)
}

/// Ten good records with `fault` after the fifth; all ten must come out, and nothing else.
fn ten_around(fault: &[u8]) -> Vec<(u64, u64, Damage)> {
    let goods: Vec<_> = (0..10).map(good).collect();
    let mut content = goods[..5].concat().into_bytes();
    let at = content.len() as u64;
    content.extend_from_slice(fault);
    content.extend_from_slice(goods[5..].concat().as_bytes());
    let (records, malformed) = json(&content);
    assert_eq!(records, goods);
    for (offset, len, _) in &malformed {
        assert!(*offset >= at && offset + len <= at + fault.len() as u64);
    }
    malformed
}

#[test]
fn glued_spaced_and_mixed_records_come_out_alike() {
    let goods: Vec<_> = (0..4).map(good).collect();
    for between in ["", "\n", "\r\n", " ", "\t \n\n", "\u{1e}"] {
        assert_eq!(json(goods.join(between).as_bytes()), (goods.clone(), vec![]), "{between:?}");
    }
    let mixed = format!("\u{feff}{}{}\n{}\r\n\r\n{}\n", goods[0], goods[1], goods[2], goods[3]);
    assert_eq!(json(mixed.as_bytes()), (goods, vec![]));
}

#[test]
fn any_json_value_is_a_record() {
    let (_, _, sink) = run(br#"{}[]"a""b"1 -2.5e+3 true null[{"a":1}]"#, &FormatChoice::Detect);
    let records: Vec<_> = sink.records.iter().map(|(record, ..)| record.as_str()).collect();
    assert_eq!(
        records,
        ["{}", "[]", "\"a\"", "\"b\"", "1", "-2.5e+3", "true", "null", "[{\"a\":1}]"]
    );
    assert_eq!(sink.malformed, []);
    assert_eq!(sink.records[8].1, 29);
}

#[test]
fn a_garbage_token_costs_no_neighbour() {
    let malformed = ten_around(b"garbage");
    assert_eq!(malformed.len(), 1);
    assert_eq!(malformed[0].1, 7);
}

#[test]
fn nul_bytes_cost_no_neighbour() {
    assert_eq!(ten_around(b"\0\0\0").len(), 1);
}

#[test]
fn a_cut_record_costs_no_neighbour_and_bears_no_children() {
    let whole = good(99);
    for cut in 1..whole.len() {
        let fault = &whole.as_bytes()[..cut];
        if matches!(fault.last(), Some(b' ' | b':' | b'[' | b',')) {
            continue; // the neighbour then stands where a nested value could
        }
        let malformed = ten_around(fault);
        assert_eq!(malformed.len(), 1, "cut at {cut}");
    }
}

#[test]
fn where_a_nested_value_could_stand_nothing_is_invented() {
    let goods: Vec<_> = (0..4).map(good).collect();
    let content = format!("{}{{\"id\": {}{}{}", goods[0], goods[1], goods[2], goods[3]);
    let (records, malformed) = json(content.as_bytes());
    assert_eq!(records, [goods[0].clone(), goods[2].clone(), goods[3].clone()]);
    assert_eq!(malformed.len(), 1);
}

#[test]
fn bad_utf8_spoils_one_record() {
    let malformed = ten_around(b"{\"id\": 5, \"s\": \"\xff\xfe\"}");
    assert_eq!(malformed, [(260, 20, Damage::InvalidUtf8)]);
}

#[test]
fn a_cut_tail_is_named() {
    let goods: Vec<_> = (0..3).map(good).collect();
    let content = format!("{}{{\"id\": 3, \"s\": \"x", goods.concat());
    let (records, malformed) = json(content.as_bytes());
    assert_eq!(records, goods);
    assert_eq!(malformed, [(goods.concat().len() as u64, 17, Damage::CutAtEnd)]);
}

#[test]
fn damage_in_the_first_record_leaves_the_others() {
    let goods: Vec<_> = (0..5).map(good).collect();
    for head in 1..goods[0].len() {
        let content = format!("{}{}", &goods[0][head..], goods[1..].concat());
        let (records, malformed) = json(content.as_bytes());
        assert_eq!(records, goods[1..], "head cut at {head}");
        assert_eq!(malformed.len(), 1);
    }
}

#[test]
fn records_behind_damage_are_marked() {
    let (_, tally, sink) = run(br#"{"a":1}{"a":2}x{"a":3}{"a":4}"#, &FormatChoice::Detect);
    let standings: Vec<_> = sink.records.iter().map(|(_, _, standing)| *standing).collect();
    use Standing::{Clean, Recovered};
    assert_eq!(standings, [Clean, Recovered, Recovered, Recovered]);
    assert_eq!(tally.recovered, 3);
    assert_eq!(sink.rejected, b"x");
}

#[test]
fn a_value_closed_too_early_is_no_record() {
    let (records, malformed) = json(br#"{"a":1,"b":2}{"a":3}, "b":4}{"a":5,"b":6}"#);
    assert_eq!(records, [r#"{"a":1,"b":2}"#, r#"{"a":5,"b":6}"#]);
    assert_eq!(malformed, [(13, 15, Damage::NoBoundary(b','))]);
}

#[test]
fn a_million_open_brackets_do_not_hurt() {
    let deep = [b"[".repeat(1_000_000), b"]".repeat(1_000_000)].concat();
    let (records, malformed) = json(&deep);
    assert_eq!((records.len(), malformed), (1, vec![]));
    let unclosed = [br#"{"a":1}"#.as_slice(), &b"{\"a\":".repeat(200_000)].concat();
    let (records, malformed) = json(&unclosed);
    assert_eq!((records.len(), malformed.len()), (1, 1));
}

#[test]
fn a_record_may_be_ten_mebibytes_and_not_one_byte_more() {
    let record = |len: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(len - 8));
    let max = crate::limits::RECORD_BYTES_MAX;
    let (records, malformed) = json(record(max).as_bytes());
    assert_eq!((records.len(), malformed), (1, vec![]));
    let content = [record(20), record(max + 1), record(20)].concat();
    let (records, malformed) = json(content.as_bytes());
    assert_eq!(records.len(), 2);
    assert_eq!(malformed, [(20, max as u64 + 1, Damage::TooLong)]);
}

#[test]
fn lines_and_delimiters() {
    let (format, tally, sink) = run(b"a,b\r\n\n c \nd", &FormatChoice::Detect);
    assert_eq!((format, tally.records), (Format::Lines, 3));
    assert_eq!(sink.records[1], ("c".into(), 7, Standing::Clean));
    let choice = FormatChoice::Fixed(Format::Delimited(b"|#|".to_vec()));
    let (_, tally, sink) = run(b"a|#|b c|#|", &choice);
    assert_eq!((tally.records, sink.records[1].0.as_str()), (2, "b c"));
    let (_, tally, _) = run(br##"{"a":"|#|"}|#|{"a":|#|{"a":3}"##, &choice);
    assert_eq!((tally.records, tally.malformed_spans), (2, 1));
}

#[test]
fn what_a_thread_split_before_changes_nothing() {
    let lines = b"hello\n".repeat(14_000);
    let fenced = [b"{\"a\":\"".as_slice(), &b"x".repeat(30_000), b"\"}#"].concat().repeat(9);
    let contents = [
        [&lines[..], b"{\"a\":1}\n", &lines[..60]].concat(),
        [&lines[..], b"\x01\n"].concat(),
        [&b"x".repeat(100_000)[..], b"\":}"].concat(),
        [b"[\"", &b"x".repeat(100_000)[..], b"\" x\n"].concat(),
        fenced,
    ];
    for content in contents {
        let split = || run(&content, &FormatChoice::Detect);
        let first = std::thread::scope(|scope| scope.spawn(split).join().unwrap());
        for before in [0, 1, 100_000, 1 << 20] {
            run(&b"[0]".repeat(before), &FormatChoice::Detect);
            assert_eq!(split(), first);
        }
    }
}

#[test]
fn formats_are_detected() {
    let detect = |content: &[u8]| run(content, &FormatChoice::Detect).0;
    assert_eq!(detect(b""), Format::Json);
    assert_eq!(detect(b"2026-01-01,AMZN,1\n2026-01-02,AMZN,2\n"), Format::Lines);
    assert_eq!(detect(b"[2026-01-01 10:00] started\n[2026-01-01 10:01] done\n"), Format::Lines);
    assert_eq!(detect(b"INFO {\"a\":1}\nINFO {\"a\":2}\n"), Format::Lines);
    assert_eq!(detect(b"X\"a\": 1}{\"a\": 2}"), Format::Json);
    assert_eq!(detect(b"X\"a\": 1}\n{\"a\": 2}\n"), Format::Json);
    assert_eq!(detect(b"X\"a\": 1}"), Format::Json);
    assert_eq!(detect(b"\xef\xbb\xbf  [1]"), Format::Json);
    for piece in ["}", "9}", "\"abc", ",1", "x\"}]"] {
        assert_eq!(detect(piece.as_bytes()), Format::Json, "{piece}");
    }
    assert_eq!(detect(b"\"a\",\"b\"\n"), Format::Lines);
    assert_eq!(detect(b"caf\xe9,1\nth\xe9,2\n"), Format::Lines);
    assert_eq!(detect(b"\xff\xfe{\0\"\0a\0\"\0:\x001\0}\0"), Format::Json);
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn windows_do_not_show(
        pieces in prop::collection::vec(
            prop_oneof![
                4 => (0..100usize).prop_map(|id| good(id).into_bytes()),
                1 => prop::collection::vec(any::<u8>(), 1..6),
                1 => (1..50usize).prop_map(|cut| good(1).into_bytes()[..cut.min(40)].to_vec()),
                1 => Just(vec![b'{'; 70_000]),
                1 => Just(vec![b' '; 70_000]),
                1 => Just(format!("{{\"id\": \"{}\"}}", "long ".repeat(70_000)).into_bytes()),
            ],
            0..12,
        ),
        step in 1..100_000usize,
    ) {
        let content = pieces.concat();
        let choice = FormatChoice::Fixed(Format::Json);
        let (mut whole, mut trickled) = (Collected::default(), Collected::default());
        // One window that holds everything, against windows that hold little.
        let mut out = Out { sink: &mut whole, tally: Tally::default() };
        let used = json::JsonSplitter::default().feed(&content, 0, true, &mut out);
        prop_assert_eq!(used, content.len());
        let _ = split(&mut Trickle(&content, step), &choice, &mut trickled);
        prop_assert_eq!(whole, trickled);
    }

    #[test]
    fn twins_agree(
        pieces in prop::collection::vec(
            prop_oneof![
                6 => (0..100usize).prop_map(|id| good(id).into_bytes()),
                1 => prop::collection::vec(any::<u8>(), 1..6),
                1 => (1..50usize).prop_map(|cut| good(1).into_bytes()[..cut.min(40)].to_vec()),
                1 => "[\\{\\}\\[\\]\",:a1 \\\\\n]{0,9}".prop_map(String::into_bytes),
                1 => Just("{\"id\": \"\u{e9}\"}\n".as_bytes().to_vec()),
            ],
            0..60,
        ),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        step in 1..5_000usize,
    ) {
        let mut content = pieces.concat();
        for (at, byte) in changes {
            if !content.is_empty() {
                let at = at.index(content.len());
                content[at] = byte;
            }
        }
        for choice in [Format::Json, Format::Delimited(b",".to_vec())].map(FormatChoice::Fixed) {
            let (mut fast, mut dull) = (Collected::default(), Collected::default());
            let fast_says = split(&mut Trickle(&content, step), &choice, &mut fast);
            let dull_says = split_bytewise(&mut Trickle(&content, step), &choice, &mut dull);
            prop_assert_eq!((fast_says.0, fast_says.1), (dull_says.0, dull_says.1));
            prop_assert_eq!(fast, dull);
        }
    }

    #[test]
    fn any_bytes_balance(content in prop::collection::vec(any::<u8>(), 0..400)) {
        let choice = FormatChoice::Fixed(Format::Json);
        run(&content, &choice);
        run(&content, &FormatChoice::Detect);
    }

    #[test]
    fn bytes_that_look_like_json_balance(
        content in "[\\{\\}\\[\\]\",:a1 \\\\\n]{0,60}"
    ) {
        run(content.as_bytes(), &FormatChoice::Fixed(Format::Json));
    }
}

#[test]
fn blanks_behind_damage_are_counted_alike_in_any_window() {
    for blanks in [0, 1, 65_536, 65_537, 200_000] {
        let content = format!("{{\"a\":1}}#{}{{\"a\":2}}", " ".repeat(blanks));
        let (_, tally, whole) = run(content.as_bytes(), &FormatChoice::Detect);
        let mut trickled = Collected::default();
        let mut trickle = Trickle(content.as_bytes(), 1);
        let (_, other, _) = split(&mut trickle, &FormatChoice::Detect, &mut trickled);
        assert_eq!((whole, tally.bytes), (trickled, other.bytes), "{blanks}");
    }
}

fn told(delimiter: &[u8]) -> FormatChoice {
    FormatChoice::Fixed(Format::Delimited(delimiter.to_vec()))
}

/// A record may end exactly where the content does, two delimiters may have nothing between them, a
/// string may hold one, and a window may end anywhere in one.
#[test]
fn a_delimiter_separates_wherever_windows_end() {
    let records = [r#"{"a":"||"}"#, r#"{"a":2}"#, r#"{"b":[{"c":"|"}]}"#];
    for delimiter in [&b"||"[..], b"|", b"|\n", b"\0", b"-=-"] {
        let text = std::str::from_utf8(delimiter).unwrap();
        for content in [
            records.join(text),
            records.join(text) + text,
            records.join(&text.repeat(3)),
            format!("{text}{text}{}\n", records.join(&format!("{text}\n"))),
        ] {
            let (_, whole, sink) = run(content.as_bytes(), &told(delimiter));
            let found: Vec<_> = sink.records.iter().map(|(record, ..)| record.as_str()).collect();
            assert_eq!(found, records, "{content:?}");
            assert_eq!(whole.bytes.malformed, 0, "{content:?}");
            for end in 0..content.len() {
                let mut sink = Collected::default();
                let mut out = Out { sink: &mut sink, tally: Tally::default() };
                let mut splitter = json::JsonSplitter::delimited(delimiter.to_vec());
                let used = splitter.feed(&content.as_bytes()[..end], 0, false, &mut out);
                splitter.feed(&content.as_bytes()[used..], used as u64, true, &mut out);
                assert_eq!(out.tally.bytes.separators, whole.bytes.separators, "{content:?} {end}");
                let found: Vec<_> = sink.records.iter().map(|(record, ..)| record).collect();
                assert_eq!(found, records, "{content:?} in windows that end at {end}");
                assert!(sink.malformed.is_empty());
            }
        }
    }
}

#[test]
fn text_between_delimiters_is_a_record_wherever_windows_end() {
    for end in 0..12 {
        let content = b"a||b c||||d|";
        let mut sink = Collected::default();
        let mut out = Out { sink: &mut sink, tally: Tally::default() };
        let mut splitter = lines::LineSplitter::new(b"||");
        let used = splitter.feed(&content[..end], 0, false, &mut out);
        splitter.feed(&content[used..], used as u64, true, &mut out);
        assert_eq!((out.tally.bytes.records, out.tally.bytes.separators), (6, 6));
        let found: Vec<_> = sink.records.iter().map(|(record, ..)| record.as_str()).collect();
        assert_eq!(found, ["a", "b c", "d|"], "{end}");
    }
}

#[test]
fn a_delimiter_is_detected_where_it_is_sure_to_be_one() {
    let joined = |between: &str| (0..4).map(good).collect::<Vec<_>>().join(between);
    for delimiter in ["||", ",", "####", "\0", "-", "END"] {
        for around in [String::new(), "\n".into()] {
            let between = format!("{around}{delimiter}{around}");
            let (format, tally, sink) = run(joined(&between).as_bytes(), &FormatChoice::Detect);
            assert_eq!(format, Format::Delimited(delimiter.into()), "{between:?}");
            assert_eq!((tally.records, sink.malformed.len()), (4, 0), "{between:?}");
        }
    }
    // Other values, what differs, and what is too seldom are none.
    let seldom = [good(0), good(1), good(2)].join("||");
    let differing = format!("{}|{}|{}||{}|{}", good(0), good(1), good(2), good(3), good(4));
    for content in [joined("7"), joined("true"), joined("\"a\""), joined("[]"), seldom, differing] {
        assert_eq!(run(content.as_bytes(), &FormatChoice::Detect).0, Format::Json, "{content}");
    }
    // Damage further on does not hide it.
    let content = format!("{}||{{\"id\": ||{}", joined("||"), good(9));
    let (format, tally, sink) = run(content.as_bytes(), &FormatChoice::Detect);
    assert_eq!(format, Format::Delimited(b"||".to_vec()));
    assert_eq!((tally.records, sink.malformed.len()), (5, 1));
}

/// A sink that matches what it gets with what was produced, or, byte for byte, with what was checked.
#[derive(Default)]
struct Matching {
    collected: Collected,
    bounds_suffice: bool,
}

impl Sink for Matching {
    fn record(&mut self, record: Record<'_>) {
        self.collected.record(record);
    }
    fn malformed(&mut self, span: Span) {
        self.collected.malformed(span);
    }
    fn rejected(&mut self, offset: u64, bytes: &[u8]) {
        self.collected.rejected(offset, bytes);
    }
    fn proves(&self) -> bool {
        !self.bounds_suffice
    }
    fn bounds_suffice(&self) -> bool {
        self.bounds_suffice
    }
}

#[test]
fn a_record_between_two_damaged_ones_is_given_out_where_a_match_proves_it() {
    let cut = &good(2)[..good(2).len() - 4];
    let garbled = good(4).replacen('{', "\u{1}", 1);
    let content = [&good(0), &good(1), cut, &good(3), &garbled, &good(5)].concat();
    let standing = |records: &[(String, u64, Standing)]| {
        records.iter().map(|(record, _, standing)| (record.clone(), *standing)).collect::<Vec<_>>()
    };
    let [clean, behind] = [Standing::Clean, Standing::Recovered];
    let before = [(good(0), clean), (good(1), clean)];
    let mut sink = Matching::default();
    split(&mut content.as_bytes(), &FormatChoice::Detect, &mut sink).2.unwrap();
    let between = [&before[..], &[(good(3), behind), (good(5), behind)]].concat();
    assert_eq!(standing(&sink.collected.records), between);
    // In a count it might be the beginning of something larger.
    let (_, _, counted) = run(content.as_bytes(), &FormatChoice::Detect);
    assert_eq!(standing(&counted.records), [&before[..], &[(good(5), behind)]].concat());
}
