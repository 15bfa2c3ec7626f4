//! Decoding and splitting whatever is stored: never a panic, and whole gzip gives its content back.
#![no_main]

use fhcheck::decode::{self, Encoding};
use fhcheck::source::Body;
use fhcheck::split::{FormatChoice, Record, Sink, Span, split};
use fhcheck_fuzz::{LIMIT, come_back, gzip, is_plain};
use libfuzzer_sys::fuzz_target;

struct Nothing;

impl Sink for Nothing {
    fn record(&mut self, _: Record<'_>) {}
    fn malformed(&mut self, _: Span) {}
}

fn read(stored: Vec<u8>) {
    let Ok(mut content) = decode::open(Body::from_bytes(stored), None, LIMIT) else { return };
    let (_, tally, ended) = split(&mut content, &FormatChoice::Detect, &mut Nothing);
    let finished = content.finish();
    assert_eq!(ended.is_err(), finished.is_err(), "who reads is told of every failure");
    assert!(finished.is_err() || tally.bytes.decoded <= LIMIT);
}

fuzz_target!(|input: (u16, u8, &[u8])| {
    let (at, flip, content) = input;
    read(content.to_vec());
    let mut stored = gzip(content);
    // What is encoded once more is undone once more, or refused.
    if is_plain(content) {
        come_back(stored.clone(), Encoding::Gzip, content);
    }
    let at = usize::from(at) % stored.len();
    stored[at] ^= flip;
    read(stored);
});
