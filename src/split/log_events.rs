//! Subscription records of CloudWatch Logs taken apart: a record is the message of a log event.

use super::json::JsonSplitter;
use super::{Damage, Out, Record, Sink, Span, Split, Tally};
use crate::expect::log_events::{self, Opened};

/// Splits JSON, and takes subscription records apart. Other records stand as they are: error documents,
/// say, or messages that were taken out already.
#[derive(Debug)]
pub(super) struct LogEventsSplitter {
    json: JsonSplitter,
    text: Vec<u8>,
}

impl LogEventsSplitter {
    /// With a byte string between subscription records, besides any whitespace.
    pub(super) fn new(delimiter: Vec<u8>) -> Self {
        Self { json: JsonSplitter::delimited(delimiter), text: Vec::new() }
    }
}

impl Split for LogEventsSplitter {
    fn feed(&mut self, window: &[u8], base: u64, eof: bool, out: &mut Out<'_>) -> usize {
        let mut apart = Apart { out, text: &mut self.text };
        let mut around = Out { sink: &mut apart, tally: Tally::default() };
        let used = self.json.feed(window, base, eof, &mut around);
        // Records and damage were counted as they were handed on.
        let separators = around.tally.bytes.separators;
        out.tally.bytes.separators += separators;
        used
    }
}

/// Hands on what is in subscription records.
struct Apart<'o, 'a> {
    out: &'o mut Out<'a>,
    text: &'o mut Vec<u8>,
}

impl Sink for Apart<'_, '_> {
    fn record(&mut self, record: Record<'_>) {
        let Record { bytes, offset, standing } = record;
        match log_events::open(bytes) {
            Opened::Plain => self.out.record(bytes, offset, standing),
            Opened::Control => {
                self.out.tally.control_messages += 1;
                self.out.separators(bytes.len());
            }
            Opened::Data(messages) => {
                let mut held = 0;
                for message in messages {
                    let offset = offset + message.offset_in(bytes) as u64;
                    let text = message.text(self.text).trim_ascii();
                    if !text.is_empty() {
                        held += text.len();
                        self.out.record(text, offset, standing);
                    }
                }
                self.out.separators(bytes.len() - held);
            }
            Opened::Damaged => {
                self.out.rejected(offset, bytes);
                let (len, damage) = (bytes.len() as u64, Damage::LogEvents);
                self.out.malformed(Span { offset, len, error_offset: offset, damage });
            }
        }
    }

    fn malformed(&mut self, span: Span) {
        self.out.malformed(span);
    }

    fn rejected(&mut self, offset: u64, bytes: &[u8]) {
        self.out.rejected(offset, bytes);
    }

    fn proves(&self) -> bool {
        self.out.sink.proves()
    }

    fn is_done(&self) -> bool {
        self.out.sink.is_done()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Seen;
    use super::super::{Format, FormatChoice, each_record, split};
    use super::*;

    fn batch(messages: &[&str]) -> String {
        let events: Vec<_> = messages
            .iter()
            .map(|text| format!(r#"{{"id":"1","timestamp":1,"message":{text}}}"#))
            .collect();
        format!(
            r#"{{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logEvents":[{}]}}"#,
            events.join(",")
        )
    }

    fn told(delimiter: &str) -> FormatChoice {
        FormatChoice::Fixed(Format::LogEvents(delimiter.as_bytes().to_vec()))
    }

    fn apart(content: &str, delimiter: &str) -> (Format, Tally, Seen) {
        let mut seen = Seen::default();
        let (format, tally, _) = split(&mut content.as_bytes(), &told(delimiter), &mut seen);
        (format, tally, seen)
    }

    fn texts(seen: &Seen) -> Vec<&str> {
        seen.records.iter().map(|(_, text)| text.as_str()).collect()
    }

    const CONTROL: &str = r#"{"messageType":"CONTROL_MESSAGE","logGroup":"","logEvents":[{"id":"","message":"CWL CONTROL MESSAGE: Checking health of destination Firehose."}]}"#;

    #[test]
    fn messages_are_records_and_control_messages_hold_none() {
        let batches = [
            batch(&[r#""{\"a\":1}\n""#, r#""two \"quoted\"""#]),
            CONTROL.to_owned(),
            batch(&[r#""  ""#, r#""three""#]),
            "{\"plain\":true}".to_owned(),
        ];
        for delimiter in ["", "\n", "||"] {
            let content = batches.join(delimiter);
            let (format, tally, seen) = apart(&content, delimiter);
            assert_eq!(format, Format::LogEvents(delimiter.into()));
            assert_eq!(
                texts(&seen),
                ["{\"a\":1}", "two \"quoted\"", "three", "{\"plain\":true}"],
                "{delimiter:?}"
            );
            assert_eq!((tally.records, tally.control_messages, seen.spans.len()), (4, 1, 0));
            let (offset, _) = seen.records[2];
            let at = usize::try_from(offset).unwrap();
            assert!(content[at..].starts_with("three"), "where the message stands");
        }
    }

    #[test]
    fn a_batch_whose_log_events_cannot_be_read_is_malformed_and_costs_no_other() {
        let whole = batch(&["\"one\""]);
        let wrong = batch(&["17"]);
        let content = [whole.as_str(), &wrong, &whole].concat();
        let (_, tally, seen) = apart(&content, "");
        assert_eq!(texts(&seen), ["one", "one"]);
        let [span] = seen.spans[..] else { panic!("{:?}", seen.spans) };
        assert_eq!((span.offset, span.len), (whole.len() as u64, wrong.len() as u64));
        assert_eq!((span.damage, tally.malformed_spans), (Damage::LogEvents, 1));
        // One that is cut is damaged JSON.
        let content = format!("{whole}{}", &whole[..whole.len() - 9]);
        let (_, _, seen) = apart(&content, "");
        assert_eq!((texts(&seen), seen.spans[0].damage), (vec!["one"], Damage::CutAtEnd));
    }

    #[test]
    fn messages_that_were_taken_out_already_are_lines() {
        let (format, _, seen) = apart("one\nSTART RequestId: 1\n", "");
        assert_eq!((format, texts(&seen)), (Format::Lines, vec!["one", "START RequestId: 1"]));
    }

    #[test]
    fn one_put_of_them_is_taken_apart_as_well() {
        let mut seen = Vec::new();
        let put = batch(&[r#""a\tb""#, "\"c\""]);
        let count = each_record(put.as_bytes(), &told(""), |record| seen.push(record.to_vec()));
        assert_eq!((count, seen), (2, vec![b"a\tb".to_vec(), b"c".to_vec()]));
        assert_eq!(each_record(CONTROL.as_bytes(), &told(""), |_| panic!("no record")), 0);
    }
}
