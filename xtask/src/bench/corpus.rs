//! What is measured with: records that a seed makes, as Firehose stores them and as a manifest
//! lists them.

use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use fhcheck::simulate::{Generated, Kind, Pace, Records};
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;

const SEED: u64 = 1;
/// Content of one delivered object, in bytes: `SizeInMBs` of `BufferingHints` is 5 unless set.
const OBJECT_BYTES: usize = 5 << 20;
/// A large record, in bytes.
const LARGE_BYTES: usize = 100 << 10;

/// What the records look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Flat objects of 78 bytes.
    Article,
    /// About 1 KiB of nested values, escapes and non-ASCII text.
    Nested,
    /// 100 KiB of the same.
    Large,
}

impl Shape {
    pub(crate) const ALL: [Self; 3] = [Self::Article, Self::Nested, Self::Large];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Article => "78 B flat",
            Self::Nested => "1 KiB nested",
            Self::Large => "100 KiB nested",
        }
    }
}

/// The same records in every form that some work needs.
#[derive(Debug)]
pub(crate) struct Corpus {
    pub(crate) shape: Shape,
    /// How many records there are.
    pub(crate) records: u64,
    /// Nothing between them, as Firehose concatenates them by default.
    pub(crate) content: Bytes,
    /// The same as one gzip member.
    pub(crate) gzip: Bytes,
    /// The same in pieces of an object's size, each of whole records; the last piece first, since
    /// objects do not come in the order of production.
    pub(crate) objects: Vec<Bytes>,
    /// The same, one a line.
    pub(crate) manifest: Bytes,
}

impl Corpus {
    /// At least so many bytes of content. Equal arguments give equal corpora.
    pub(crate) fn new(shape: Shape, bytes: usize) -> Self {
        let kind = if shape == Shape::Article { Kind::Article } else { Kind::Nested };
        let pace = Pace { start: Timestamp::UNIX_EPOCH, interval: Duration::from_millis(1) };
        let mut source = Generated::new(kind, u64::MAX, pace, SEED);
        let (mut content, mut manifest, mut objects) = (Vec::new(), Vec::new(), Vec::new());
        let (mut object_from, mut records) = (0, 0);
        while content.len() < bytes {
            let from = content.len();
            match shape {
                Shape::Large => large(&mut source, &mut content),
                _ => one(&mut source, &mut content),
            }
            records += 1;
            manifest.extend_from_slice(&content[from..]);
            manifest.push(b'\n');
            if content.len() - object_from >= OBJECT_BYTES {
                objects.push(object_from..content.len());
                object_from = content.len();
            }
        }
        objects.push(object_from..content.len());
        let content = Bytes::from(content);
        let objects = objects.into_iter().rev().map(|range| content.slice(range)).collect();
        let (gzip, manifest) = (gzip(&content), Bytes::from(manifest));
        Self { shape, records, content, gzip, objects, manifest }
    }
}

fn one(source: &mut Generated, out: &mut Vec<u8>) {
    source.write_next(out).expect("the calendar is long enough").expect("records do not run out");
}

fn large(source: &mut Generated, out: &mut Vec<u8>) {
    let from = out.len();
    out.extend_from_slice(b"{\"batch\":[");
    while out.len() - from < LARGE_BYTES {
        one(source, out);
        out.push(b',');
    }
    out.pop();
    out.extend_from_slice(b"]}");
}

fn gzip(content: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).expect("memory takes everything");
    encoder.finish().expect("memory takes everything").into()
}
