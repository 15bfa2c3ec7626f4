//! A world by its seed: what a simulated pipeline produced and delivered, with its faults and the
//! truth about them; and a source without any fault over some of its objects.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use fhcheck::error::Result;
use fhcheck::outcome::GapReason;
use fhcheck::simulate::{
    self, Compression, Destination, Faults, Generated, Kind, Pace, Spec, Truth,
};
use fhcheck::source::{Body, KeyRange, ObjectRef, Source};
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt};
use jiff::Timestamp;

use super::dice::Dice;

/// What every key of data begins with.
const PREFIX: &str = "firehose/";

/// A stored object.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) bytes: Bytes,
    pub(crate) encoding: Option<String>,
    pub(crate) modified: Timestamp,
}

/// What was delivered, and the truth about it.
pub(crate) struct World {
    pub(crate) objects: BTreeMap<String, Stored>,
    /// The records that were produced, one a line.
    pub(crate) manifest: Vec<u8>,
    pub(crate) truth: Truth,
    /// The request behind it, for messages.
    pub(crate) what: String,
}

#[derive(Default)]
struct Memory(BTreeMap<String, Stored>);

impl Destination for Memory {
    fn put(
        &mut self,
        key: &str,
        body: &[u8],
        content_encoding: Option<&str>,
        modified: Timestamp,
    ) -> Result<()> {
        let bytes = Bytes::copy_from_slice(body);
        let encoding = content_encoding.map(str::to_owned);
        self.0.insert(key.to_owned(), Stored { bytes, encoding, modified });
        Ok(())
    }
}

impl World {
    pub(crate) fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed, "world");
        let records = dice.between(1, 160);
        let kind = if dice.one_in(6) { Kind::Nested } else { Kind::Article };
        let start = "2026-07-13T14:00:00Z".parse().unwrap();
        let pace = Pace { start, interval: Duration::from_millis(dice.between(100, 3_000)) };
        let mut spec = spec(seed, &mut dice);
        spec.faults = faults(records, &mut dice);
        Self::deliver(&spec, kind, records, pace).unwrap_or_else(|_| {
            // Too few objects for the faults that hit whole ones.
            let faults = Faults { cut: 0, late: 0, ..spec.faults };
            Self::deliver(&Spec { faults, ..spec }, kind, records, pace).unwrap()
        })
    }

    fn deliver(spec: &Spec, kind: Kind, records: u64, pace: Pace) -> Result<Self> {
        let (mut memory, mut manifest) = (Memory::default(), Vec::new());
        let mut generated = Generated::new(kind, records, pace, spec.seed);
        let truth = simulate::run(spec, &mut generated, &mut memory, &mut manifest)?;
        Ok(Self { objects: memory.0, manifest, truth, what: format!("{spec:?}") })
    }

    /// Its objects but these.
    pub(crate) fn without(&self, left_out: &BTreeSet<String>) -> Flawless {
        let kept = self.objects.iter().filter(|(key, _)| !left_out.contains(*key));
        Flawless(kept.map(|(key, stored)| (key.clone(), stored.clone())).collect())
    }
}

fn spec(seed: u64, dice: &mut Dice) -> Spec {
    use Compression::{Gzip, HadoopSnappy, Plain, Snappy, Zip, Zstd};
    let below = ["", "legacy/", "year=!{timestamp:yyyy}/hour=!{timestamp:HH}/"];
    Spec {
        delivery_stream: "trades-2-eu".into(),
        version: dice.between(1, 3),
        prefix: format!("{PREFIX}{}", dice.pick(&below)),
        error_prefix: String::new(),
        zone: jiff::tz::TimeZone::UTC,
        compression: dice.pick(&[Plain, Plain, Gzip, Gzip, Zip, Snappy, HadoopSnappy, Zstd]),
        wrapping: Default::default(),
        gzip_records: false,
        extension: None,
        delimiter: dice.pick(&[&b""[..], b"\n", b" "]).to_vec(),
        buffer_bytes: dice.pick(&[600, 2_000, 20_000]),
        buffer_interval: Duration::from_secs(dice.between(60, 300)),
        seed,
        faults: Faults::default(),
    }
}

/// A third of all pipelines work.
fn faults(records: u64, dice: &mut Dice) -> Faults {
    if dice.one_in(3) {
        return Faults::default();
    }
    let mut up_to = |most: u64| dice.below(most.min(records / 8) + 1);
    Faults {
        lose: up_to(4),
        duplicate: up_to(4),
        garble: up_to(3),
        fail: up_to(3),
        cut: up_to(1),
        late: up_to(1),
    }
}

/// Objects in memory, of which every one can be had.
pub(crate) struct Flawless(BTreeMap<String, Stored>);

impl Flawless {
    pub(crate) fn new(objects: BTreeMap<String, Stored>) -> Self {
        Self(objects)
    }
}

impl Source for Flawless {
    fn list<'a>(&'a self, range: &'a KeyRange) -> BoxStream<'a, Result<ObjectRef>> {
        let inside = self.0.iter().filter(|(key, _)| range.contains(key));
        let refs = inside.map(|(key, stored)| ObjectRef {
            key: key.clone(),
            size: stored.bytes.len() as u64,
            modified: Some(stored.modified),
            etag: None,
            storage_class: None,
        });
        stream::iter(refs.map(Ok)).boxed()
    }

    fn fetch<'a>(&'a self, object: &'a ObjectRef) -> BoxFuture<'a, Result<Body, GapReason>> {
        let stored = &self.0[&object.key];
        let body = Body::from_bytes(stored.bytes.clone());
        Box::pin(async move { Ok(body.with_content_encoding(stored.encoding.clone())) })
    }
}
