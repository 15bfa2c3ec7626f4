//! Streams by seed that take records and do not say so, and say that they do not and mean it: whatever
//! they do, the ledger is true, and who goes on with it comes to an end.

use std::path::Path;
use std::time::Duration;

use fhcheck::aws::Aws;
use fhcheck::error::ErrorKind;
use fhcheck::observe::{Event, Observer, Silent};
use fhcheck::produce::{self, Again, Plan, Produced, Records, Target};
use fhcheck::stop::Stop;
use futures::future::join_all;
use jiff::Timestamp;
use tempfile::TempDir;

use super::{assert_true, ledger};
use crate::fake_stream::{FakeStream, Faults, Refusal};
use crate::hostile::dice::Dice;

/// Streams that are put to at once: waiting is most of what they do.
const STREAMS: u64 = 48;
const ATTEMPTS: u32 = 6;
/// Longer than any of it takes, and far shorter than for ever.
const PATIENCE: Duration = Duration::from_secs(180);

/// What keeps on, from some request on.
const LASTING: [Refusal; 4] = [
    (400, "AccessDeniedException", "No."),
    (400, "ResourceNotFoundException", "No such stream."),
    (400, "ThrottlingException", "Rate exceeded"),
    (500, "ServiceUnavailableException", "Slow down."),
];

fn at() -> Timestamp {
    "2026-07-04T09:30:00Z".parse().unwrap()
}

/// Refuses everything once so many records were acknowledged.
struct Turns<'a> {
    stream: &'a FakeStream,
    when: u64,
    refusal: Refusal,
    acknowledged: std::sync::atomic::AtomicU64,
}

impl Observer for Turns<'_> {
    fn on(&self, event: Event<'_>) {
        let Event::Put { acknowledged, .. } = event else { return };
        let before =
            self.acknowledged.fetch_add(acknowledged, std::sync::atomic::Ordering::Relaxed);
        if before + acknowledged >= self.when {
            self.stream.refuse(Some(self.refusal));
        }
    }
}

/// The tally is what the ledger says of each record, and what the stream holds is within it.
fn assert_kept(produced: &Produced, path: &Path, stream: &FakeStream, context: &str) {
    assert_true(path, stream);
    let (tally, ledger) = (produced.tally, ledger(path));
    let acknowledged = ledger.values().filter(|(acknowledged, _)| *acknowledged > 0).count();
    assert_eq!(tally.acknowledged, acknowledged as u64, "{context}");
    let uncertain: u64 = ledger.values().map(|(_, uncertain)| *uncertain).sum();
    assert_eq!(tally.uncertain, uncertain, "{context}");
    assert!(ledger.values().all(|(acknowledged, _)| *acknowledged <= 1), "{context}");
}

/// Puts to the stream of a seed; whether it came to its end at the first go.
async fn run(seed: u64) -> bool {
    let mut dice = Dice::new(seed, "put");
    let mut often = |most| if dice.one_in(3) { 0 } else { dice.below(most) };
    let faults = Faults {
        seed,
        rejected: often(400),
        throttled: often(300),
        broken: often(200),
        dropped: often(200),
        short: often(100),
    };
    let stream = FakeStream::start(faults, None);
    let target = match dice.one_in(4) {
        true => Target::Stream("orders".to_owned()),
        false => Target::Delivery("orders".to_owned()),
    };
    let count = dice.between(1, 3000);
    let lasting = dice.one_in(3).then(|| (dice.below(count), dice.pick(&LASTING)));
    let context = format!("seed {seed}: {count} records to {target:?}, {faults:?}, {lasting:?}");
    let folder = TempDir::new().unwrap();
    let manifest = folder.path().join("ledger");
    let interval = Duration::from_millis(1);
    let records = Records::Seeded { seed, count, start: at(), interval };
    let (rate, attempts) = (None, ATTEMPTS);
    let plan = Plan { target, records, manifest: manifest.clone(), rate, attempts, now: at };
    let aws = Aws::with_key(stream.url(), "key", "secret");
    let turns = lasting.map(|(when, refusal)| {
        let acknowledged = Default::default();
        Turns { stream: &stream, when, refusal, acknowledged }
    });
    let observer: &dyn Observer = turns.as_ref().map_or(&Silent, |turns| turns);
    let mut produced =
        produce::run(&aws, &plan, &Stop::never(), observer).await.expect("it can begin");
    assert_kept(&produced, &manifest, &stream, &context);
    let at_once = produced.failure.is_none();
    stream.refuse(None);
    // Who is unlucky many times in a row gives up, and can go on.
    while let Some(failure) = produced.failure {
        let known = [ErrorKind::Service, ErrorKind::AccessDenied, ErrorKind::NotFound];
        assert!(known.contains(&failure.kind()) || faults.dropped > 0, "{context}: {failure}");
        assert!(failure.advice().unwrap().contains("--resume"), "{context}: {failure}");
        let plan = Again { manifest: manifest.clone(), input: None, rate, attempts, now: at };
        produced =
            produce::again(&aws, &plan, &Stop::never(), &Silent).await.expect("it can go on");
        assert_kept(&produced, &manifest, &stream, &context);
    }
    assert_eq!(produced.tally.acknowledged, count, "{context}");
    assert_eq!(stream.taken().len() as u64, count, "{context}");
    at_once
}

#[tokio::test]
async fn what_a_ledger_says_is_true_whatever_a_stream_does() {
    let runs = (0..STREAMS).map(|seed| async move {
        let run = tokio::time::timeout(PATIENCE, run(seed)).await;
        run.unwrap_or_else(|_| panic!("seed {seed} does not come to an end"))
    });
    let at_once = join_all(runs).await.into_iter().filter(|at_once| *at_once).count() as u64;
    println!("{STREAMS} streams, {at_once} of them took all at the first go");
    assert!(at_once > STREAMS / 3 && at_once < STREAMS, "{at_once} of {STREAMS}");
}
