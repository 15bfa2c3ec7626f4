//! The records in the data of one put: a producer may put several values as one record.

use std::ops::Range;

use super::grammar::{Scan, Scanner};
use super::{Format, FormatChoice, Record, Sink, Span, split};

/// Hands out the records in the data of one put, and says how many they are: several where several
/// values were put as one, none where there is nothing but blanks.
///
/// Data that does not split whole is one record as it is: the producer meant it so.
pub fn each_record(data: &[u8], choice: &FormatChoice, mut take: impl FnMut(&[u8])) -> u64 {
    let trimmed = data.trim_ascii();
    if trimmed.is_empty() {
        return 0;
    }
    let json = matches!(choice, FormatChoice::Detect | FormatChoice::Fixed(Format::Json));
    if json && is_one_value(trimmed) {
        take(trimmed);
        return 1;
    }
    if let FormatChoice::Fixed(Format::LogEvents(_)) = choice {
        return each_message(data, choice, take);
    }
    let mut ranges = Ranges::default();
    let (_, _, ended) = split(&mut &data[..], choice, &mut ranges);
    if ranges.broken || ended.is_err() {
        take(trimmed);
        return 1;
    }
    ranges.found.iter().for_each(|range| take(&data[range.clone()]));
    ranges.found.len() as u64
}

/// The same for log events, whose messages do not stand in the data as they are.
fn each_message(data: &[u8], choice: &FormatChoice, mut take: impl FnMut(&[u8])) -> u64 {
    let mut messages = Messages::default();
    let (_, _, ended) = split(&mut &data[..], choice, &mut messages);
    if messages.broken || ended.is_err() {
        take(data.trim_ascii());
        return 1;
    }
    let mut start = 0;
    for &end in &messages.ends {
        take(&messages.bytes[start..end]);
        start = end;
    }
    messages.ends.len() as u64
}

fn is_one_value(data: &[u8]) -> bool {
    data[0] == b'{' && Scanner::default().value(data, 0, true) == Scan::Complete(data.len())
}

/// Where records stand in data, as long as nothing of it is damaged.
#[derive(Default)]
struct Ranges {
    found: Vec<Range<usize>>,
    broken: bool,
}

impl Sink for Ranges {
    fn record(&mut self, record: Record<'_>) {
        let start = usize::try_from(record.offset).expect("the data is in memory");
        self.found.push(start..start + record.bytes.len());
    }

    fn malformed(&mut self, _: Span) {
        self.broken = true;
    }
}

/// Records one behind the other, as long as nothing is damaged.
#[derive(Default)]
struct Messages {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    broken: bool,
}

impl Sink for Messages {
    fn record(&mut self, record: Record<'_>) {
        self.bytes.extend_from_slice(record.bytes);
        self.ends.push(self.bytes.len());
    }

    fn malformed(&mut self, _: Span) {
        self.broken = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(data: &str) -> Vec<String> {
        let mut records = Vec::new();
        let take = |record: &[u8]| records.push(String::from_utf8(record.to_vec()).unwrap());
        let count = each_record(data.as_bytes(), &FormatChoice::Detect, take);
        assert_eq!(count, records.len() as u64);
        records
    }

    #[test]
    fn one_put_holds_what_it_holds() {
        assert_eq!(records("{\"a\":1}\n"), ["{\"a\":1}"]);
        assert_eq!(records("{\"a\":1}{\"a\":2} "), ["{\"a\":1}", "{\"a\":2}"]);
        assert_eq!(records("one\ntwo\n"), ["one", "two"]);
        assert_eq!(records(" \n"), Vec::<String>::new());
        assert_eq!(records("{\"a\":1}{\"a\":"), ["{\"a\":1}{\"a\":"], "damaged: one as it is");
    }
}
