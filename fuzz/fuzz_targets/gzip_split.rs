//! Decoding and splitting whatever is stored: never a panic, and whole gzip gives its content back.
#![no_main]

use std::io::{Read, Write};

use fhcheck::decode::{self, Encoding};
use fhcheck::source::Body;
use fhcheck::split::{FormatChoice, Record, Sink, Span, split};
use flate2::Compression;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;

/// Largest content, in bytes.
const LIMIT: u64 = 1 << 20;

struct Nothing;

impl Sink for Nothing {
    fn record(&mut self, _: Record<'_>) {}
    fn malformed(&mut self, _: Span) {}
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

fn read(stored: Vec<u8>) {
    let Ok(mut content) = decode::open(Body::from_bytes(stored), None, LIMIT) else { return };
    let (_, tally, ended) = split(&mut content, &FormatChoice::Detect, &mut Nothing);
    let finished = content.finish();
    assert_eq!(ended.is_err(), finished.is_err(), "who reads is told of every failure");
    assert!(finished.is_err() || tally.bytes.decoded <= LIMIT);
}

fn is_plain(content: &[u8]) -> bool {
    let opened = decode::open(Body::from_bytes(content.to_vec()), None, LIMIT);
    opened.is_ok_and(|content| content.encoding() == Encoding::Plain)
}

fn come_back(stored: Vec<u8>, expected: &[u8]) {
    let mut content = decode::open(Body::from_bytes(stored), None, LIMIT).expect("gzip is known");
    assert_eq!(content.encoding(), Encoding::Gzip);
    let mut bytes = Vec::new();
    content.read_to_end(&mut bytes).expect("a whole member can be read");
    assert_eq!(bytes, expected);
    assert_eq!(content.finish(), Ok(Vec::new()));
}

fuzz_target!(|input: (u16, u8, &[u8])| {
    let (at, flip, content) = input;
    read(content.to_vec());
    let mut stored = gzip(content);
    // What is encoded once more is undone once more, or refused.
    if is_plain(content) {
        come_back(stored.clone(), content);
    }
    let at = usize::from(at) % stored.len();
    stored[at] ^= flip;
    read(stored);
});
