//! However content is cut and however many threads there are, the answers are those of one thread.

use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;

use super::*;
use crate::limits::DECODE_CHUNK_BYTES;
use crate::split::{Damage, Span};
use crate::tests::cases;

/// Everything that a sink is told.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    records: Vec<(u64, Vec<u8>, Standing)>,
    spans: Vec<Span>,
    rejected: Vec<(u64, u8)>,
    /// Records that came from runs.
    joined: usize,
    /// One malformed span is enough.
    strict: bool,
    by_bounds: bool,
}

struct Records(Vec<(u64, Vec<u8>)>);

impl Sink for Told {
    fn record(&mut self, record: Record<'_>) {
        self.records.push((record.offset, record.bytes.to_vec(), record.standing));
    }

    fn malformed(&mut self, span: Span) {
        self.spans.push(span);
    }

    fn rejected(&mut self, offset: u64, bytes: &[u8]) {
        self.rejected.extend((offset..).zip(bytes.iter().copied()));
    }

    fn bounds_suffice(&self) -> bool {
        self.by_bounds
    }

    fn is_done(&self) -> bool {
        self.strict && !self.spans.is_empty()
    }
}

impl Shared for Told {
    type Part = Records;

    fn part(&self) -> Option<Records> {
        (self.records.len() > 2).then(|| Records(Vec::new()))
    }

    fn join(&mut self, part: &mut Records, standing: Standing) {
        self.joined += part.0.len();
        self.records.extend(part.0.drain(..).map(|(offset, bytes)| (offset, bytes, standing)));
    }
}

impl Part for Records {
    fn another(&self) -> Self {
        Self(Vec::new())
    }

    fn record(&mut self, record: Record<'_>) {
        self.0.push((record.offset, record.bytes.to_vec()));
    }
}

impl RandomAccess for Vec<u8> {
    fn len(&self) -> u64 {
        self.as_slice().len() as u64
    }

    fn at<'a>(&'a self, offset: u64, count: u64, buffer: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
        let index = |at: u64| usize::try_from(at).unwrap().min(self.as_slice().len());
        let bytes = &self[index(offset)..index(offset + count)];
        // What was there before stays behind it.
        buffer.resize(buffer.len().max(bytes.len()), b'?');
        buffer[..bytes.len()].copy_from_slice(bytes);
        Ok(&buffer[..bytes.len()])
    }
}

/// Splits by one thread and by several, and says how many records came from runs.
fn compare(content: &Vec<u8>, choice: &FormatChoice, helpers: usize, segment: u64) -> usize {
    compare_as(Told::default, content, choice, helpers, segment)
}

fn by_bounds() -> Told {
    Told { by_bounds: true, ..Told::default() }
}

fn compare_as(
    sink: fn() -> Told,
    content: &Vec<u8>,
    choice: &FormatChoice,
    helpers: usize,
    segment: u64,
) -> usize {
    let (mut one, mut several) = (sink(), sink());
    let (format, tally, ended) = split(&mut content.as_slice(), choice, &mut one);
    ended.unwrap();
    let (format_too, tally_too, ended) = split_in(content, choice, &mut several, helpers, segment);
    ended.unwrap();
    let joined = std::mem::take(&mut several.joined);
    assert_eq!((format, tally), (format_too, tally_too));
    assert_eq!(one, several);
    joined
}

fn record(number: usize) -> String {
    let n = number % 7;
    format!(r#"{{"id": {number}, "s": "x}}{{\"id\": {n}", "n": [{{"id": {n}}}, {{"id": [1]}}]}}"#)
}

/// Records with something between them now and then.
fn contents() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        60 => (0..1_000usize).prop_map(|number| record(number).into_bytes()),
        3 => Just(b"\n".to_vec()),
        1 => Just(b" \x1e\t".to_vec()),
        1 => (1..40usize).prop_map(|cut| record(1).into_bytes()[..cut].to_vec()),
        1 => Just(b"{\"other\": 1}".to_vec()),
        1 => Just(b"[1]".to_vec()),
        1 => prop::collection::vec(any::<u8>(), 1..6),
        1 => Just(format!("{{\"id\": \"{}\"}}", "long ".repeat(60)).into_bytes()),
    ];
    prop::collection::vec(piece, 1..300).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(cases(192))]

    #[test]
    fn threads_do_not_show(content in contents(), helpers in 1..4usize, segment in 1..3_000u64) {
        for choice in [FormatChoice::Detect, FormatChoice::Fixed(Format::Json)] {
            compare(&content, &choice, helpers, segment);
            compare_as(by_bounds, &content, &choice, helpers, segment);
        }
    }
}

#[test]
fn undamaged_content_comes_from_runs() {
    for between in ["", "\n", " \r\n"] {
        let records: Vec<_> = (0..3_000).map(record).collect();
        let content = records.join(between).into_bytes();
        for (helpers, segment) in [(1, 10_000), (3, 1_000), (2, 77)] {
            let joined = compare(&content, &FormatChoice::Detect, helpers, segment);
            assert!(joined > 2_800, "{joined} with {helpers} helpers and {segment} bytes");
            let choice = FormatChoice::Detect;
            let by_bounds = compare_as(by_bounds, &content, &choice, helpers, segment);
            assert_eq!(by_bounds, joined);
            let (mut checked, mut matched) = (Told::default(), self::by_bounds());
            let whole = split(&mut content.as_slice(), &choice, &mut checked);
            let in_runs = split_in(&content, &choice, &mut matched, helpers, segment);
            assert_eq!((whole.0, whole.1), (in_runs.0, in_runs.1));
            assert_eq!(checked.records, matched.records);
        }
    }
}

/// Records up to one that opens otherwise and one that makes the window grow; then, where a segment begins,
/// some that a thread takes, before one that goes on beyond the window.
#[test]
fn a_window_that_was_long_and_is_short_again_holds_what_it_holds() {
    const SEGMENT: usize = 1 << 20;
    let small = |number: usize, len: usize| {
        let text = format!(r#"{{"id": {number}, "text": ""#);
        format!(r#"{text}{}"}}"#, "x".repeat(len - text.len() - 2))
    };
    let mut content = small(0, 100);
    let (seam, long) = (content.len() + 2 * SEGMENT, DECODE_CHUNK_BYTES * 11 / 5);
    while content.len() < seam - long - 5_300 {
        content += &small(1, 100);
    }
    content += r#"{"other": 1, "id": 0}"#;
    content += &small(2, long);
    while content.len() < seam + 3_000 {
        content += &small(3, 97);
    }
    content += &small(4, 3 * SEGMENT);
    for _ in 0..SEGMENT / 50 {
        content += &small(5, 100);
    }
    for helpers in [0, 1] {
        let (content, segment) = (&content.clone().into_bytes(), SEGMENT as u64);
        let joined = compare(content, &FormatChoice::Detect, helpers, segment);
        assert!(joined > 10_000, "{joined}");
        compare_as(by_bounds, content, &FormatChoice::Detect, helpers, segment);
    }
}

#[test]
fn by_bounds_runs_are_believed_as_long_as_nothing_is_damaged() {
    let records: Vec<_> = (0..3_000).map(record).collect();
    let wrong = r#"{"id": tru}"#;
    let content = |middle: &str| {
        let halves = records.split_at(1_500);
        [&halves.0.concat(), middle, &halves.1.concat(), wrong, &record(1)].concat().into_bytes()
    };
    let split_by_bounds = |content: &Vec<u8>| {
        let mut told = by_bounds();
        split_in(content, &FormatChoice::Detect, &mut told, 2, 5_000).2.unwrap();
        (told.spans.len(), told.joined)
    };
    let (spans, joined) = split_by_bounds(&content(wrong));
    assert!(spans == 0 && joined > 2_500, "{joined}");
    let (spans, joined) = split_by_bounds(&content("junk"));
    assert!(spans == 2 && joined < 1_600, "{joined}");
}

#[test]
fn damage_costs_the_runs_around_it_only() {
    let mut content: Vec<_> = (0..3_000).map(record).collect::<String>().into_bytes();
    let middle = content.as_slice().len() / 2;
    content[middle..middle + 40].fill(b'"');
    let joined = compare(&content, &FormatChoice::Detect, 1, 5_000);
    assert!(joined > 2_800, "{joined}");
}

#[test]
fn what_looks_like_records_inside_a_string_is_none() {
    let inside = r#"{\"id\": 1}{\"id\": 2}"#.repeat(2_000);
    let glued = r#"{"id": 1}{"id": 2}"#.repeat(300).replace('"', "'");
    let content = [record(1), record(2), record(3)].concat().repeat(100)
        + &format!(r#"{{"id": "{inside}", "s": "{glued}"}}"#)
        + &record(4).repeat(300);
    compare(&content.into_bytes(), &FormatChoice::Detect, 2, 1_000);
}

#[test]
fn other_formats_are_left_to_one_thread() {
    for (content, format) in
        [("a,b\n".repeat(999), Format::Lines), ("[1]\n".repeat(999), Format::Json)]
    {
        let choice = FormatChoice::Fixed(format);
        assert_eq!(compare(&content.into_bytes(), &choice, 2, 100), 0);
    }
}

/// Content whose second half cannot be read.
struct Half(Vec<u8>);

impl RandomAccess for Half {
    fn len(&self) -> u64 {
        RandomAccess::len(&self.0)
    }

    fn at<'a>(&'a self, offset: u64, count: u64, buffer: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
        if offset + count > self.len() / 2 {
            return Err(io::Error::other("half of it is gone"));
        }
        self.0.at(offset, count, buffer)
    }
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let content = Half((0..9_000).map(record).collect::<String>().into_bytes());
    let mut told = Told::default();
    let (_, tally, ended) = split_in(&content, &FormatChoice::Detect, &mut told, 2, 1_000);
    assert_eq!(ended.unwrap_err().to_string(), "half of it is gone");
    assert!(tally.records > 100 && told.spans.iter().all(|span| span.damage == Damage::CutAtEnd));
}

/// Content that counts what is read of it, in bytes.
struct Counted(Vec<u8>, AtomicU64);

impl RandomAccess for Counted {
    fn len(&self) -> u64 {
        RandomAccess::len(&self.0)
    }

    fn at<'a>(&'a self, offset: u64, count: u64, buffer: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
        self.1.fetch_add(count, Ordering::Relaxed);
        self.0.at(offset, count, buffer)
    }
}

#[test]
fn nobody_reads_on_when_it_is_enough() {
    let mut content: Vec<_> = (0..300_000).map(record).collect::<String>().into_bytes();
    let len = RandomAccess::len(&content);
    content[5_000..5_040].fill(b'"');
    let content = Counted(content, AtomicU64::new(0));
    let mut strict = Told { strict: true, ..Told::default() };
    split_in(&content, &FormatChoice::Detect, &mut strict, 2, 1_000).2.unwrap();
    assert_eq!(strict.spans.len(), 1);
    // Each segment is read with what may go on behind it.
    let read = content.1.into_inner();
    assert!(read < len, "{read} of {len}");
}

/// A sink whose parts fail.
struct Failing(Told);

struct Fails;

impl Sink for Failing {
    fn record(&mut self, record: Record<'_>) {
        self.0.record(record);
    }

    fn malformed(&mut self, span: Span) {
        self.0.malformed(span);
    }
}

impl Shared for Failing {
    type Part = Fails;

    fn part(&self) -> Option<Fails> {
        Some(Fails)
    }

    fn join(&mut self, _: &mut Fails, _: Standing) {}
}

impl Part for Fails {
    fn another(&self) -> Self {
        Self
    }

    fn record(&mut self, _: Record<'_>) {
        panic!("a part panicked");
    }
}

#[test]
#[should_panic(expected = "panicked")]
fn a_thread_that_fails_ends_it_for_all() {
    let content: Vec<u8> = (0..9_000).map(record).collect::<String>().into_bytes();
    let _ = split_in(&content, &FormatChoice::Detect, &mut Failing(Told::default()), 2, 1_000);
}
