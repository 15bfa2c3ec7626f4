//! The pairs: a work of fhcheck, and the peer that comes to the same answer.

use std::collections::HashMap;
use std::hint::black_box;
use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use fhcheck::check::{Manifest, Run};
use fhcheck::fingerprint::Policy;
use fhcheck::limits;
use fhcheck::observe::Silent;
use fhcheck::outcome::Allow;
use fhcheck::plan::{
    self, Expectation, Foreign, Limits, Location, ReadPlan, ReconcilePlan, Window,
};
use fhcheck::reconcile::{Found, Kept, Pile, Place, Produced, Row, Side, Storage, Wanted, compare};
use fhcheck::source::{Body, KeyRange};
use fhcheck::split::{
    Format, FormatChoice, Part, RandomAccess, Record, Shared, Sink, Span, Standing,
};
use fhcheck::{decode, split};
use flate2::read::MultiGzDecoder;
use jiff::tz::TimeZone;
use libdeflater::Decompressor;
use serde::de::{Deserialize, IgnoredAny};
use serde_json::value::RawValue;
use simd_json::{Buffers, INPUT_PADDING, Tape};

use super::corpus::Corpus;
use super::memory::Memory;

/// Works a corpus through and says what it came to: records, or bytes where none are told apart.
pub(crate) type Program = fn(&Corpus) -> u64;

/// Two programs for one work.
pub(crate) struct Pair {
    pub(crate) work: &'static str,
    pub(crate) peer: &'static str,
    pub(crate) input: Input,
    pub(crate) ours: Program,
    pub(crate) theirs: Program,
}

/// What a work goes through.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Input {
    /// The content, as it is or inflated.
    Content,
    /// The content, and its records again in the manifest.
    BothSides,
}

impl Input {
    /// How much that is, in bytes.
    pub(crate) fn bytes(self, corpus: &Corpus) -> usize {
        match self {
            Self::Content => corpus.content.len(),
            Self::BothSides => corpus.content.len() + corpus.manifest.len(),
        }
    }
}

/// Every pair that is measured.
pub(crate) const PAIRS: [Pair; 15] = [
    Pair {
        work: "split",
        peer: "serde_json stream of `&RawValue`",
        input: Input::Content,
        ours: |corpus| split_shared(corpus, 0),
        theirs: |corpus| stream::<&RawValue>(&corpus.content),
    },
    Pair {
        work: "split",
        peer: "serde_json stream of `IgnoredAny`",
        input: Input::Content,
        ours: |corpus| split_shared(corpus, 0),
        theirs: |corpus| stream::<IgnoredAny>(&corpus.content),
    },
    Pair {
        work: "split",
        peer: "sonic-rs stream of `LazyValue`",
        input: Input::Content,
        ours: |corpus| split_shared(corpus, 0),
        theirs: lazy_values,
    },
    Pair {
        work: "split",
        peer: "simd-json (simdjson in Rust), line by line",
        input: Input::Content,
        ours: |corpus| split_shared(corpus, 0),
        theirs: tapes,
    },
    Pair {
        work: "split, bounds",
        peer: "serde_json stream of `&RawValue`",
        input: Input::Content,
        ours: |corpus| split_into(by_bounds(), corpus, 0),
        theirs: |corpus| stream::<&RawValue>(&corpus.content),
    },
    Pair {
        work: "split, 2 threads",
        peer: "split, 1 thread",
        input: Input::Content,
        ours: |corpus| split_shared(corpus, 1),
        theirs: |corpus| split_shared(corpus, 0),
    },
    Pair {
        work: "gzip",
        peer: "flate2 inflating",
        input: Input::Content,
        ours: |corpus| drain(&mut open(&corpus.gzip)),
        theirs: inflate,
    },
    Pair {
        work: "gzip, split",
        peer: "flate2 inflating, nothing split",
        input: Input::Content,
        ours: |corpus| split_content(Count::default(), &mut open(&corpus.gzip)).1,
        theirs: inflate,
    },
    Pair {
        work: "gzip, split",
        peer: "libdeflate inflating, nothing split",
        input: Input::Content,
        ours: |corpus| split_content(Count::default(), &mut open(&corpus.gzip)).1,
        theirs: inflate_at_once,
    },
    Pair {
        work: "gzip, split, bounds",
        peer: "flate2 inflating, nothing split",
        input: Input::Content,
        ours: |corpus| split_content(by_bounds(), &mut open(&corpus.gzip)).1,
        theirs: inflate,
    },
    Pair {
        work: "gzip, split, bounds",
        peer: "libdeflate inflating, nothing split",
        input: Input::Content,
        ours: |corpus| split_content(by_bounds(), &mut open(&corpus.gzip)).1,
        theirs: inflate_at_once,
    },
    Pair {
        work: "compare rows",
        peer: "`HashMap` of identities",
        input: Input::Content,
        ours: |corpus| compare_rows(corpus, Wanted::all()),
        theirs: count_rows,
    },
    Pair {
        work: "compare rows, sums first",
        peer: "`HashMap` of identities",
        input: Input::Content,
        ours: |corpus| compare_rows(corpus, Wanted::none()),
        theirs: count_rows,
    },
    Pair {
        work: "reconcile, 1 worker",
        peer: "serde_json `&RawValue`, `HashMap`",
        input: Input::BothSides,
        ours: |corpus| reconcile(corpus, 1),
        theirs: count_up_and_down,
    },
    Pair {
        work: "reconcile, 2 workers",
        peer: "serde_json `&RawValue`, `HashMap`",
        input: Input::BothSides,
        ours: |corpus| reconcile(corpus, 2),
        theirs: count_up_and_down,
    },
];

#[derive(Default)]
struct Count {
    records: u64,
    bounds_suffice: bool,
}

/// One that looks at bounds alone.
fn by_bounds() -> Count {
    Count { bounds_suffice: true, ..Count::default() }
}

impl Sink for Count {
    fn record(&mut self, _: Record<'_>) {
        self.records += 1;
    }

    fn malformed(&mut self, span: Span) {
        panic!("a corpus has no damage: {span:?}");
    }

    fn bounds_suffice(&self) -> bool {
        self.bounds_suffice
    }
}

/// The content as one object, with the help of so many more threads.
fn split_shared(corpus: &Corpus, helpers: usize) -> u64 {
    split_into(Count::default(), corpus, helpers)
}

fn split_into(mut count: Count, corpus: &Corpus, helpers: usize) -> u64 {
    let choice = FormatChoice::Fixed(Format::Json);
    let content = Whole(corpus.content.clone());
    let (_, _, ended) = split::split_segments(&content, &choice, &mut count, helpers);
    ended.expect("memory can be read");
    count.records
}

/// Content in memory.
struct Whole(Bytes);

impl RandomAccess for Whole {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn at<'a>(&'a self, offset: u64, count: u64, _: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
        let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(self.0.len());
        Ok(&self.0[index(offset)..index(offset + count)])
    }
}

impl Shared for Count {
    type Part = Self;

    fn part(&self) -> Option<Self> {
        Some(Self::default())
    }

    fn join(&mut self, part: &mut Self, _: Standing) {
        self.records += std::mem::take(&mut part.records);
    }
}

impl Part for Count {
    fn another(&self) -> Self {
        Self::default()
    }

    fn record(&mut self, _: Record<'_>) {
        self.records += 1;
    }
}

/// Records and bytes of content.
fn split_content(mut count: Count, content: &mut dyn Read) -> (u64, u64) {
    let choice = FormatChoice::Fixed(Format::Json);
    let (_, tally, ended) = split::split(content, &choice, &mut count);
    ended.expect("memory can be read");
    (count.records, tally.bytes.decoded)
}

fn stream<'a, T: Deserialize<'a>>(content: &'a [u8]) -> u64 {
    let values = serde_json::Deserializer::from_slice(content).into_iter::<T>();
    values.fold(0, |count, value| {
        black_box(value.expect("a corpus is JSON"));
        count + 1
    })
}

/// The end of the content is an error to this stream.
fn lazy_values(corpus: &Corpus) -> u64 {
    let values = sonic_rs::Deserializer::from_slice(&corpus.content);
    let values = values.into_stream::<sonic_rs::LazyValue<'_>>().map_while(Result::ok);
    values.fold(0, |count, value| {
        black_box(value);
        count + 1
    })
}

/// One document is parsed at a time, and rewritten in place: so line feeds say where each ends, and each
/// is copied first. All memory is used again for the next.
fn tapes(corpus: &Corpus) -> u64 {
    let (mut line, mut buffers, mut tape) = (Vec::new(), Buffers::default(), Tape::null());
    let mut count = 0;
    let mut rest = corpus.manifest.as_ref();
    while let Some(length) = memchr::memchr(b'\n', rest) {
        line.clear();
        line.extend_from_slice(&rest[..length]);
        line.extend_from_slice(&[0; INPUT_PADDING]);
        let parsed = simd_json::fill_tape_padded(&mut line, length, &mut buffers, &mut tape);
        parsed.expect("a corpus is JSON");
        tape = black_box(tape).reset();
        rest = &rest[length + 1..];
        count += 1;
    }
    count
}

fn open(gzip: &Bytes) -> decode::Content {
    let body = Body::from_bytes(gzip.clone());
    decode::open(body, None, limits::OBJECT_BYTES_MAX_DEFAULT).expect("gzip is known")
}

fn inflate(corpus: &Corpus) -> u64 {
    drain(&mut MultiGzDecoder::new(corpus.gzip.as_ref()))
}

/// All of it into memory at once.
fn inflate_at_once(corpus: &Corpus) -> u64 {
    let mut content = vec![0; corpus.content.len()];
    let inflated = Decompressor::new().gzip_decompress(&corpus.gzip, &mut content);
    inflated.expect("a corpus inflates") as u64
}

/// Reads to the end in the steps that fhcheck takes.
fn drain(content: &mut dyn Read) -> u64 {
    let mut buffer = vec![0; limits::DECODE_CHUNK_BYTES];
    let mut total = 0;
    loop {
        match content.read(&mut buffer).expect("a corpus decodes") {
            0 => return total,
            count => total += count as u64,
        }
    }
}

/// The whole reconciliation, from stored bytes to a verdict.
fn reconcile(corpus: &Corpus, workers: usize) -> u64 {
    let name = "produced.ndjson".to_owned();
    let manifest = Arc::new(Memory(vec![corpus.manifest.clone()]));
    let manifest = Manifest {
        name,
        source: manifest,
        range: KeyRange::all(""),
        gaps: Vec::new(),
        arrived: Default::default(),
    };
    let plan = plan(workers);
    let source = Arc::new(Memory(corpus.objects.clone()));
    let run = Run::new(source, plan.read.clone(), Arc::new(Silent));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("threads start");
    let outcome = runtime.block_on(run.reconcile(&plan, vec![manifest])).expect("memory is read");
    outcome.books.produced.delivered
}

fn plan(workers: usize) -> ReconcilePlan {
    let limits = Limits {
        object_bytes: limits::OBJECT_BYTES_MAX_DEFAULT,
        total_bytes: None,
        in_flight_bytes: limits::IN_FLIGHT_BYTES_DEFAULT,
        requests: limits::REQUESTS_DEFAULT,
        workers,
    };
    ReconcilePlan {
        delivery_start: None,
        young: None,
        read: ReadPlan {
            prefix: None,
            location: Location::Local("memory".into()),
            window: Window::default(),
            zone: TimeZone::UTC,
            foreign: Foreign::Read,
            format: FormatChoice::Detect,
            base64: false,
            limits,
        },
        expectation: Expectation::Manifest(Vec::new()),
        policy: Policy::Raw,
        allow: Allow::default(),
        samples: limits::SAMPLES_DEFAULT,
        memory: plan::Memory { bytes: limits::MEMORY_DEFAULT, overflow: std::env::temp_dir() },
        seed: 1,
    }
}

/// One of so many rows is on one side only.
const LOST: u64 = 1000;

/// Rows in no order of their identities: both sides together are as many bytes as the content.
fn rows(corpus: &Corpus, object: u64) -> impl Iterator<Item = Row> {
    let count = (corpus.content.len() / 2 / size_of::<Row>()) as u64;
    let identity =
        |n: u64| u128::from(n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    (0..count).map(move |n| Row::new(identity(n), Place::new(object, n)))
}

fn found(corpus: &Corpus) -> impl Iterator<Item = Row> {
    rows(corpus, 1).filter(|row| row.place().offset() % LOST != 0)
}

/// From rows to their differences, on one thread. Of what differs and has no rows yet, all rows are read again.
fn compare_rows(corpus: &Corpus, mut wanted: Wanted) -> u64 {
    let storage = Storage::new(limits::MEMORY_DEFAULT, 1, &std::env::temp_dir(), 1);
    loop {
        let side = |rows: &mut dyn Iterator<Item = Row>| {
            let mut pile = Pile::new(&storage, &wanted);
            rows.for_each(|row| pile.push(row));
            let mut side = Side::new(&storage).keeping(&wanted);
            pile.give(&mut side).expect("they fit");
            side
        };
        let sure = side(&mut rows(corpus, 0));
        let clean = side(&mut found(corpus));
        let produced = Produced { sure, ..Produced::new(&storage) };
        let found = Found { clean, ..Found::new(&storage) };
        let kept = Kept { samples: 10, repeated: false, strangers: false, suspects: false };
        let differences = compare(&produced, &found, kept, 1).expect("nothing is on disk");
        if differences.lacking.is_empty() {
            return differences.missing.records;
        }
        wanted = Wanted::these(&differences.lacking);
    }
}

/// The same, by a map that counts up and down.
fn count_rows(corpus: &Corpus) -> u64 {
    let mut balance: HashMap<u128, i64> = HashMap::new();
    rows(corpus, 0).for_each(|row| *balance.entry(row.identity()).or_default() += 1);
    found(corpus).for_each(|row| *balance.entry(row.identity()).or_default() -= 1);
    balance.values().map(|&count| count.max(0).unsigned_abs()).sum()
}

/// What one would write in an afternoon: every record's bytes in a map, counted up where it was
/// produced and down where it was found.
fn count_up_and_down(corpus: &Corpus) -> u64 {
    let mut balance: HashMap<Vec<u8>, i64> = HashMap::new();
    for record in records(&corpus.manifest) {
        *balance.entry(record.to_vec()).or_default() += 1;
    }
    for record in corpus.objects.iter().flat_map(|object| records(object)) {
        match balance.get_mut(record) {
            Some(count) => *count -= 1,
            None => drop(balance.insert(record.to_vec(), -1)),
        }
    }
    let missing: u64 = balance.values().map(|&count| count.max(0).unsigned_abs()).sum();
    corpus.records - missing
}

fn records(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    let values = serde_json::Deserializer::from_slice(content).into_iter::<&RawValue>();
    values.map(|value| value.expect("a corpus is JSON").get().as_bytes())
}
