//! Subscription records of CloudWatch Logs: never a panic, messages are what serde_json reads, and as records
//! of content they are the same wherever a window ends.
#![no_main]

use std::io::Read;

use fhcheck::expect::log_events::{self, Opened};
use fhcheck::limits::SNIFF_BYTES;
use fhcheck::split::{Format, FormatChoice, each_record, split};
use fhcheck_fuzz::{Found, Trickle};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The messages of a record by serde_json. None where it cannot say: it knows no half of a surrogate
/// pair, and no end of nesting.
fn messages(record: &[u8]) -> Option<Vec<String>> {
    let record: Value = serde_json::from_slice(record).ok()?;
    assert_eq!(record["messageType"], "DATA_MESSAGE");
    assert!(record.get("logGroup").is_some());
    let events = record["logEvents"].as_array()?.iter();
    Some(events.map(|event| event["message"].as_str().expect("a text").to_owned()).collect())
}

fn look(record: &[u8]) {
    let opened = log_events::open(record);
    assert!(log_events::is_named(record) || matches!(opened, Opened::Plain));
    let Opened::Data(found) = opened else { return };
    let mut text = Vec::new();
    let mut behind = 0;
    let found = found.into_iter().map(|message| {
        let offset = message.offset_in(record);
        assert!((behind..record.len()).contains(&offset), "messages stand one behind another");
        behind = offset;
        message.text(&mut text).to_vec()
    });
    let found: Vec<_> = found.collect();
    if let Some(messages) = messages(record) {
        assert_eq!(found, messages.into_iter().map(String::into_bytes).collect::<Vec<_>>());
    }
}

fuzz_target!(|input: (u8, &[u8])| {
    let (window, data) = input;
    let (delimiter, content) = match data.iter().position(|&byte| byte == b'\n') {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (&b""[..], data),
    };
    look(content);
    let choice = FormatChoice::Fixed(Format::LogEvents(delimiter.to_vec()));
    let by = |content: &mut dyn Read| {
        let mut found = Found::default();
        let (format, tally, ended) = split(content, &choice, &mut found);
        ended.expect("memory can be read");
        assert_eq!(tally.records, found.records.len() as u64);
        (format, found)
    };
    let (format, whole) = by(&mut &*content);
    let count = each_record(content, &choice, |record| assert!(!record.is_empty()));
    assert!(!whole.spans.is_empty() || count == whole.records.len() as u64);
    // A mark is one at the very beginning only, and blanks may be of a delimiter.
    if !content.starts_with(BYTE_ORDER_MARK) && !delimiter.contains(&b' ') {
        // The first window holds so many bytes of the content, the second one the rest.
        let blanks = SNIFF_BYTES - usize::from(window);
        let (same_format, windowed) = by(&mut Trickle { blanks, content });
        // The first window says whether it is JSON at all; what is none is lines.
        if format == same_format {
            assert_eq!(whole, windowed.moved_back(blanks as u64));
        }
    }
});
