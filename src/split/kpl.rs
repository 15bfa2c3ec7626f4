//! Aggregates of the Kinesis Producer Library that were stored as they were put.
//!
//! Firehose takes them apart when it reads a data stream; what is put to it directly it leaves as it
//! is. An aggregate does not say how long it is: it ends where its checksum fits.

use memchr::memmem;

use super::{Damage, Format, FormatChoice, Out, Record, Sink, Span, Split, Standing};
use crate::expect::kpl::{self, MAGIC, Opened};
use crate::limits::RECORD_BYTES_MAX;

/// Splits aggregates into the records that they hold; what stands between them is read as JSON.
#[derive(Debug)]
pub(super) struct KplSplitter {
    between: FormatChoice,
}

impl KplSplitter {
    /// With nothing between aggregates that is no record.
    pub(super) fn new() -> Self {
        Self { between: FormatChoice::Fixed(Format::Json) }
    }

    /// With a byte string between them.
    pub(super) fn delimited(delimiter: Vec<u8>) -> Self {
        Self { between: FormatChoice::Fixed(Format::Delimited(delimiter)) }
    }
}

/// Whether content begins with an aggregate.
pub(super) fn begins(head: &[u8]) -> bool {
    head.starts_with(&MAGIC)
}

impl Split for KplSplitter {
    fn feed(&mut self, window: &[u8], base: u64, eof: bool, out: &mut Out<'_>) -> usize {
        let mut at = 0;
        while at < window.len() {
            let (rest, offset) = (&window[at..], base + at as u64);
            let taken = match rest.starts_with(&MAGIC) {
                true => aggregate(rest, offset, eof, out),
                false => between(rest, offset, eof, &self.between, out),
            };
            match taken {
                Some(taken) => at += taken,
                None => break,
            }
        }
        at
    }
}

/// Takes the aggregate at the front. `None`: there is more of it to come.
fn aggregate(window: &[u8], offset: u64, eof: bool, out: &mut Out<'_>) -> Option<usize> {
    let whole = kpl::length(window).filter(|&len| len <= ENVELOPE_BYTES_MAX);
    if let Some(len) = whole
        && let Opened::Aggregate(found) = kpl::open(&window[..len])
    {
        let mut held = 0;
        for record in found.records() {
            let start = record.data.as_ptr().addr() - window.as_ptr().addr();
            held += data(record.data, offset + start as u64, out);
        }
        out.separators(len - held);
        return Some(len);
    }
    let ends = whole.is_some() || eof || window.len() > ENVELOPE_BYTES_MAX;
    ends.then(|| {
        let next = memmem::find(&window[1..], &MAGIC).map_or(window.len(), |at| at + 1);
        damaged(&window[..next], offset, out)
    })
}

/// The largest record, with room for what is around it.
const ENVELOPE_BYTES_MAX: usize = RECORD_BYTES_MAX + (64 << 10);

/// Takes the data of one record, which may hold several. Says how many bytes are records.
fn data(data: &[u8], offset: u64, out: &mut Out<'_>) -> usize {
    // An aggregate in an aggregate is nobody's: it is one record.
    if data.starts_with(&MAGIC) {
        out.record(data, offset, Standing::Clean);
        return data.len();
    }
    let mut held = 0;
    super::each_record(data, &FormatChoice::Detect, |record| {
        let start = record.as_ptr().addr() - data.as_ptr().addr();
        out.record(record, offset + start as u64, Standing::Clean);
        held += record.len();
    });
    held
}

fn damaged(bytes: &[u8], offset: u64, out: &mut Out<'_>) -> usize {
    out.rejected(offset, bytes);
    let len = bytes.len() as u64;
    out.malformed(Span { offset, len, error_offset: offset, damage: Damage::Aggregate });
    bytes.len()
}

/// Takes what stands before the next aggregate.
fn between(
    window: &[u8],
    offset: u64,
    eof: bool,
    choice: &FormatChoice,
    out: &mut Out<'_>,
) -> Option<usize> {
    let end = match memmem::find(window, &MAGIC) {
        Some(end) => end,
        None if eof || window.len() > ENVELOPE_BYTES_MAX => window.len(),
        None => return None,
    };
    let mut shifted = Shifted { out, offset };
    let (_, tally, _) = super::split(&mut &window[..end], choice, &mut shifted);
    out.separators(usize::try_from(tally.bytes.separators).unwrap_or_default());
    Some(end)
}

/// Hands on what is found in a part of the content.
struct Shifted<'o, 'a> {
    out: &'o mut Out<'a>,
    offset: u64,
}

impl Sink for Shifted<'_, '_> {
    fn record(&mut self, record: Record<'_>) {
        self.out.record(record.bytes, self.offset + record.offset, record.standing);
    }

    fn malformed(&mut self, span: Span) {
        let (offset, error_offset) = (self.offset + span.offset, self.offset + span.error_offset);
        self.out.malformed(Span { offset, error_offset, ..span });
    }

    fn rejected(&mut self, offset: u64, bytes: &[u8]) {
        self.out.rejected(self.offset + offset, bytes);
    }

    fn proves(&self) -> bool {
        self.out.sink.proves()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Seen;
    use super::*;

    fn put(records: &[&str]) -> Vec<u8> {
        let record = |data: &'static [u8]| kpl::Record {
            partition_key: "key",
            explicit_hash_key: None,
            data,
        };
        let data = records.iter().map(|text| &*text.to_string().into_bytes().leak());
        kpl::aggregate(data.map(record))
    }

    fn split(content: &[u8]) -> Seen {
        let mut seen = Seen::default();
        let (format, _, _) =
            super::super::split(&mut &content[..], &FormatChoice::Detect, &mut seen);
        assert_eq!(format, Format::Kpl);
        for (offset, text) in &seen.records {
            let at = usize::try_from(*offset).unwrap();
            assert_eq!(&content[at..at + text.len()], text.as_bytes(), "where it stands");
        }
        seen
    }

    fn texts(seen: &Seen) -> Vec<&str> {
        seen.records.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn aggregates_are_taken_apart_wherever_they_end() {
        let one = put(&["{\"a\":1}", "{\"a\":2}{\"a\":3}"]);
        let magic = "\u{0}in the data: ";
        let two = put(&[magic, "{\"a\":4}"]);
        for between in ["", "\n", "{\"a\":0}", "\n{\"a\":0}\n"] {
            let content = [&one[..], between.as_bytes(), &two].concat();
            let seen = split(&content);
            let plain = between.trim();
            let expected =
                ["{\"a\":1}", "{\"a\":2}", "{\"a\":3}", plain, magic.trim(), "{\"a\":4}"];
            let expected: Vec<_> = expected.into_iter().filter(|text| !text.is_empty()).collect();
            assert_eq!(texts(&seen), expected, "{between:?}");
            assert!(seen.spans.is_empty());
        }
    }

    #[test]
    fn a_damaged_aggregate_costs_no_other() {
        let all = [put(&["{\"a\":1}"]), put(&["{\"a\":2}"]), put(&["{\"a\":3}"])];
        let whole = all.concat();
        let second = all[0].len()..all[0].len() + all[1].len();
        for at in second.start + 4..second.end {
            let mut content = whole.clone();
            content[at] ^= 0x10;
            let seen = split(&content);
            assert_eq!(texts(&seen), ["{\"a\":1}", "{\"a\":3}"], "byte {at}");
            let spans: u64 = seen.spans.iter().map(|span| span.len).sum();
            assert_eq!(spans, all[1].len() as u64);
        }
        for cut in all[0].len() + 5..second.end {
            assert_eq!(texts(&split(&whole[..cut])), ["{\"a\":1}"], "cut at {cut}");
        }
    }
}
