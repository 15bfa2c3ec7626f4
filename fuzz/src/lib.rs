//! What several targets need.

use std::io::{Read, Write};

use fhcheck::decode::{self, Encoding};
use fhcheck::source::Body;
use fhcheck::split::{Record, Sink, Span};
use flate2::Compression;
use flate2::write::GzEncoder;

/// Largest content of an object, in bytes.
pub const LIMIT: u64 = 1 << 20;

/// One gzip member.
pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

/// Base64 (RFC 4648, section 4), bit by bit.
pub fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| usize::from(byte >> (7 - at % 8) & 1));
    let letters = (0..bytes.len() * 8).step_by(6).map(|start| {
        let sextet = (start..start + 6).fold(0, |sextet, at| sextet << 1 | bit(at));
        char::from(LETTERS[sextet])
    });
    let mut text: String = letters.collect();
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

/// Whether content that is stored so is nothing but itself.
pub fn is_plain(content: &[u8]) -> bool {
    let opened = decode::open(Body::from_bytes(content.to_vec()), None, LIMIT);
    opened.is_ok_and(|content| content.encoding() == Encoding::Plain)
}

/// What is stored is whole, and holds this.
pub fn come_back(stored: Vec<u8>, encoding: Encoding, expected: &[u8]) {
    let body = Body::from_bytes(stored);
    let is_text = encoding == Encoding::Base64;
    let mut content = decode::open_as(body, None, LIMIT, is_text).expect("the encoding is known");
    assert_eq!(content.encoding(), encoding);
    let mut bytes = Vec::new();
    content.read_to_end(&mut bytes).expect("what is whole can be read");
    assert_eq!(bytes, expected);
    assert_eq!(content.finish(), Ok(Vec::new()));
}

/// What a splitter finds, piece by piece. That the numbers of bytes balance, it asserts itself.
#[derive(Debug, Default, PartialEq)]
pub struct Found {
    /// Each record with its offset.
    pub records: Vec<(u64, Vec<u8>)>,
    /// Spans that are no record.
    pub spans: Vec<Span>,
}

impl Sink for Found {
    fn record(&mut self, record: Record<'_>) {
        self.records.push((record.offset, record.bytes.to_vec()));
    }

    fn malformed(&mut self, span: Span) {
        self.spans.push(span);
    }
}

impl Found {
    /// The same, of content that begins so many bytes earlier.
    #[must_use]
    pub fn moved_back(mut self, by: u64) -> Self {
        self.records.iter_mut().for_each(|(offset, _)| *offset -= by);
        for span in &mut self.spans {
            span.offset -= by;
            span.error_offset -= by;
        }
        self
    }
}

/// Blanks, then content, a few bytes at a time.
pub struct Trickle<'a> {
    /// So many of them.
    pub blanks: usize,
    /// What follows.
    pub content: &'a [u8],
}

impl Read for Trickle<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.blanks > 0 {
            let count = self.blanks.min(out.len());
            out[..count].fill(b' ');
            self.blanks -= count;
            return Ok(count);
        }
        let few = out.len().min(3);
        self.content.read(&mut out[..few])
    }
}
