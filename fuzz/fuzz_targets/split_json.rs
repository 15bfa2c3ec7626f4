//! Splitting JSON: no byte is lost, a clean record is JSON, where a window ends changes nothing, and the
//! twin that looks at one byte after another says the same; so does who looks for bounds alone, of what is
//! undamaged.
#![no_main]

use std::io::{self, Read};

use fhcheck::limits::SNIFF_BYTES;
use fhcheck::split::{
    Format, FormatChoice, Record, Sink, Span, Standing, Tally, split, split_bytewise,
};
use fhcheck_fuzz::Trickle;
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

#[derive(Debug, Default, PartialEq)]
struct Seen {
    records: Vec<(u64, Vec<u8>, Standing)>,
    spans: Vec<Span>,
    /// Malformed bytes, each with its offset: pieces may be cut anywhere.
    rejected: Vec<(u64, u8)>,
}

type Splitter = fn(&mut dyn Read, &FormatChoice, &mut dyn Sink) -> (Format, Tally, io::Result<()>);

impl Sink for Seen {
    fn record(&mut self, record: Record<'_>) {
        self.records.push((record.offset, record.bytes.to_vec(), record.standing));
    }

    fn malformed(&mut self, span: Span) {
        self.spans.push(span);
    }

    fn rejected(&mut self, offset: u64, bytes: &[u8]) {
        self.rejected.extend((offset..).zip(bytes.iter().copied()));
    }
}

/// A sink for which bounds suffice.
#[derive(Default)]
struct ByBounds(Seen);

impl Sink for ByBounds {
    fn record(&mut self, record: Record<'_>) {
        self.0.record(record);
    }

    fn malformed(&mut self, span: Span) {
        self.0.malformed(span);
    }

    fn rejected(&mut self, offset: u64, bytes: &[u8]) {
        self.0.rejected(offset, bytes);
    }

    fn bounds_suffice(&self) -> bool {
        true
    }
}

impl Seen {
    /// What is seen in content. That the numbers of bytes balance, the splitter asserts itself.
    fn of(content: &mut dyn Read) -> Self {
        Self::by(split, content)
    }

    fn by(split: Splitter, content: &mut dyn Read) -> Self {
        let mut seen = Self::default();
        let choice = FormatChoice::Fixed(Format::Json);
        let (_, tally, ended) = split(content, &choice, &mut seen);
        ended.expect("memory can be read");
        assert_eq!(tally.records, seen.records.len() as u64);
        assert_eq!(tally.malformed_spans, seen.spans.len() as u64);
        seen
    }

    /// What is seen of bounds alone.
    fn by_bounds(content: &mut dyn Read) -> Self {
        let (choice, mut sink) = (FormatChoice::Fixed(Format::Json), ByBounds::default());
        split(content, &choice, &mut sink).2.expect("memory can be read");
        sink.0
    }

    fn is_undamaged(&self) -> bool {
        let is_clean = |(_, _, standing): &(u64, Vec<u8>, Standing)| *standing == Standing::Clean;
        self.spans.is_empty() && self.records.iter().all(is_clean)
    }

    fn moved_back(mut self, by: u64) -> Self {
        self.records.iter_mut().for_each(|(offset, ..)| *offset -= by);
        self.rejected.iter_mut().for_each(|(offset, _)| *offset -= by);
        for span in &mut self.spans {
            span.offset -= by;
            span.error_offset -= by;
        }
        self
    }

    /// Every byte is a record's, malformed, or one that separates; and stands where it is said to.
    fn check(&self, content: &[u8]) {
        let mut left: Vec<Option<u8>> = content.iter().copied().map(Some).collect();
        let mut take = |offset: u64, byte: u8| {
            let slot = left.get_mut(offset as usize).expect("an offset lies in the content");
            assert_eq!(slot.take(), Some(byte), "byte {offset} is taken once, as it is");
        };
        for (offset, bytes, standing) in &self.records {
            (*offset..).zip(bytes).for_each(|(offset, &byte)| take(offset, byte));
            if *standing == Standing::Clean {
                let json: Result<&RawValue, _> = serde_json::from_slice(bytes);
                assert_eq!(json.expect("a clean record is JSON").get().as_bytes(), bytes);
            }
        }
        self.rejected.iter().for_each(|&(offset, byte)| take(offset, byte));
        let mark = if content.starts_with(BYTE_ORDER_MARK) { 3 } else { 0 };
        for byte in left[mark..].iter().flatten() {
            assert!(b" \t\r\n\x1e".contains(byte), "byte {byte:#04x} separates nothing");
        }
    }
}

fuzz_target!(|input: (u8, &[u8])| {
    let (window, content) = input;
    let whole = Seen::of(&mut &*content);
    whole.check(content);
    assert_eq!(whole, Seen::by(split_bytewise, &mut &*content));
    let by_bounds = Seen::by_bounds(&mut &*content);
    if whole.is_undamaged() {
        assert_eq!(whole, by_bounds);
    }
    // A mark is one at the very beginning only.
    if !content.starts_with(BYTE_ORDER_MARK) {
        // The first window holds so many bytes of the content, the second one the rest.
        let blanks = SNIFF_BYTES - usize::from(window);
        let windowed = Seen::of(&mut Trickle { blanks, content }).moved_back(blanks as u64);
        assert_eq!(whole, windowed);
        let trickle = || Trickle { blanks, content };
        assert_eq!(whole, Seen::by(split_bytewise, &mut trickle()).moved_back(blanks as u64));
        let windowed = Seen::by_bounds(&mut trickle()).moved_back(blanks as u64);
        assert_eq!(by_bounds, windowed);
    }
});
