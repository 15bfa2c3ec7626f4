//! Seeded worlds with known truth: what a simulation did is what reconciling it finds.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fhcheck::check::{Manifest, Run};
use fhcheck::fingerprint::Policy;
use fhcheck::observe::Silent;
use fhcheck::outcome::{Outcome, Verdict};
use fhcheck::plan::{Expectation, Location, ReconcilePlan};
use fhcheck::simulate::{
    self, Compression, DATA, Faults, Generated, Kind, MANIFEST, Pace, Spec, Truth, Wrapping,
};
use fhcheck::source::KeyRange;
use fhcheck::source::local::Local;
use fhcheck::split::FormatChoice;

use crate::support;

fn spec(seed: u64) -> Spec {
    let pick = |from: u64, of: u64| (seed / from) % of;
    let index = |from, of| usize::try_from(pick(from, of)).unwrap();
    Spec {
        error_prefix: String::new(),
        delivery_stream: "trades-2-eu".into(),
        version: 1 + pick(7, 3),
        prefix: ["", "legacy", "year=!{timestamp:yyyy}/hour=!{timestamp:HH}/"][index(2, 3)].into(),
        zone: jiff::tz::TimeZone::UTC,
        compression: [Compression::Plain, Compression::Gzip][index(1, 2)],
        wrapping: Wrapping::None,
        gzip_records: false,
        extension: None,
        delimiter: [&b""[..], b"\n", b" "][index(3, 3)].to_vec(),
        buffer_bytes: [2_000, 20_000, 1 << 20][index(5, 3)],
        buffer_interval: Duration::from_secs(60 + 60 * pick(4, 5)),
        seed,
        faults: Faults {
            lose: pick(1, 4),
            duplicate: pick(3, 4),
            cut: pick(5, 2),
            garble: pick(2, 4),
            fail: pick(4, 3),
            late: pick(6, 2),
        },
    }
}

fn deliver(seed: u64, out: &Path) -> Truth {
    deliver_as(&spec(seed), out)
}

fn deliver_as(spec: &Spec, out: &Path) -> Truth {
    let seed = spec.seed;
    let kind = if seed.is_multiple_of(3) { Kind::Nested } else { Kind::Article };
    let pace = Pace {
        start: "2026-07-13T14:00:00Z".parse().unwrap(),
        interval: Duration::from_millis(500 + 100 * (seed % 20)),
    };
    let mut records = Generated::new(kind, 800, pace, seed);
    simulate::to_directory(spec, &mut records, out).unwrap()
}

pub(crate) async fn reconcile(out: &Path, workers: usize, format: FormatChoice) -> Outcome {
    reconcile_as(out, workers, format, false).await
}

/// The same, with base64 text decoded where that is asked for.
pub(crate) async fn reconcile_as(
    out: &Path,
    workers: usize,
    format: FormatChoice,
    base64: bool,
) -> Outcome {
    let location = Location::Local(out.join(DATA));
    let mut read = support::read_plan(location);
    read.limits.workers = workers;
    (read.format, read.base64) = (format, base64);
    let manifest = out.join(MANIFEST);
    let plan = ReconcilePlan {
        delivery_start: None,
        young: None,
        read: read.clone(),
        expectation: Expectation::Manifest(vec![Location::Local(manifest.clone())]),
        policy: Policy::Raw,
        allow: Default::default(),
        samples: usize::MAX,
        memory: support::memory(),
        seed: 1,
    };
    let named = Manifest {
        gaps: Vec::new(),
        arrived: Default::default(),
        name: MANIFEST.into(),
        source: Arc::new(Local::open(&manifest).unwrap()),
        range: KeyRange::all(""),
    };
    let source = Arc::new(Local::open(out.join(DATA)).unwrap());
    Run::new(source, read, Arc::new(Silent)).reconcile(&plan, vec![named]).await.unwrap()
}

/// The records of a class, in order.
fn named<'a>(records: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let cut = |record: &[u8]| {
        let len = record.len().min(fhcheck::limits::EXCERPT_BYTES);
        String::from_utf8_lossy(&record[..len]).into_owned()
    };
    let mut records: Vec<_> = records.map(cut).collect();
    records.sort();
    records
}

/// Fails unless a comparison finds what the truth says.
pub(crate) fn assert_agrees(outcome: &Outcome, truth: &Truth, what: &str) {
    let context = format!("{what}\n{:#?}\n{outcome:#?}", truth.expected);
    let expected = &truth.expected;
    assert_eq!(outcome.verdict(), expected.verdict, "{context}");
    assert_eq!(outcome.books.produced.produced, truth.produced, "{context}");
    assert_eq!(outcome.books.produced.delivered, expected.delivered, "{context}");
    assert_eq!(outcome.books.produced.failed, expected.failed, "{context}");
    assert_eq!(outcome.error_output.documents, truth.failed.len() as u64, "{context}");
    assert_eq!(outcome.books.produced.missing, expected.missing, "{context}");
    assert_eq!(outcome.books.found.duplicates, expected.duplicates, "{context}");
    assert_eq!(outcome.books.found.unexpected, 0, "{context}");
    assert_eq!(outcome.books.objects.listed, truth.objects, "{context}");
    let undecodable: BTreeSet<_> = outcome.undecodable.iter().map(|object| &object.key).collect();
    assert_eq!(undecodable.len() as u64, expected.undecodable_objects, "{context}");
    let missing = outcome.differences.missing.samples.iter();
    let gone = truth.lost.iter().map(|lost| lost.record.as_bytes());
    let damaged = truth.garbled.iter().chain(&truth.cut).map(|hit| hit.record.as_bytes());
    assert_eq!(
        named(missing.map(|sample| sample.excerpt.as_slice())),
        named(gone.chain(damaged)),
        "{context}"
    );
    let failed = outcome.differences.failed.samples.iter();
    assert_eq!(
        named(failed.map(|sample| sample.excerpt.as_slice())),
        named(truth.failed.iter().map(|failed| failed.record.as_bytes())),
        "{context}"
    );
    let doubled = outcome.differences.duplicates.samples.iter();
    assert_eq!(
        named(doubled.map(|sample| sample.excerpt.as_slice())),
        named(truth.duplicated.iter().map(|copy| copy.record.as_bytes())),
        "{context}"
    );
}

#[tokio::test]
async fn what_a_simulation_did_is_what_reconciling_finds() {
    for seed in 0..72 {
        let out = tempfile::tempdir().unwrap();
        let truth = deliver(seed, out.path());
        let outcome = reconcile(out.path(), 2, FormatChoice::Detect).await;
        assert_agrees(&outcome, &truth, &format!("seed {seed}: {:?}", spec(seed).faults));
    }
}

#[tokio::test]
async fn one_fault_alone_decides_the_verdict() {
    let none = Faults::default();
    for faults in [
        Faults { lose: 1, ..none },
        Faults { duplicate: 1, ..none },
        Faults { cut: 1, ..none },
        Faults { garble: 1, ..none },
        Faults { fail: 1, ..none },
        // They cancel in a count.
        Faults { lose: 1, duplicate: 1, ..none },
    ] {
        let out = tempfile::tempdir().unwrap();
        let truth = deliver_as(&Spec { faults, ..spec(16) }, out.path());
        let outcome = reconcile(out.path(), 2, FormatChoice::Detect).await;
        assert_agrees(&outcome, &truth, &format!("{faults:?}"));
        assert_eq!(outcome.verdict(), Verdict::Discrepant, "{faults:?}");
    }
}

#[tokio::test]
async fn an_outcome_is_the_same_for_one_worker_and_for_many() {
    let out = tempfile::tempdir().unwrap();
    deliver(16, out.path());
    let one = reconcile(out.path(), 1, FormatChoice::Detect).await;
    assert!(one.books.objects.read > 10, "there is something to get out of order");
    for workers in [2, 3, 8] {
        assert_eq!(reconcile(out.path(), workers, FormatChoice::Detect).await, one);
    }
}
