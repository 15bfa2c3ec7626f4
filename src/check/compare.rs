//! The comparison of one run: what its two sides come to in books and classes.

use crate::error::Result;
use crate::outcome::{FoundBook, ProducedBook};
use crate::plan::{Expectation, ReconcilePlan};
use crate::reconcile::{self, Found, Place, Side, Tally};

use super::joined;

/// Findings by their class.
#[derive(Default)]
pub(super) struct Classes {
    pub(super) failed: Tally,
    pub(super) missing: Tally,
    pub(super) duplicates: Tally,
    pub(super) unexpected: Tally,
    pub(super) identical: Tally,
}

/// What comparing came to.
pub(super) struct Compared {
    pub(super) produced: ProducedBook,
    pub(super) found: FoundBook,
    pub(super) classes: Classes,
    /// Recovered records that are none.
    pub(super) unproven: Vec<Place>,
}

/// Compares the two sides, on a worker thread: sorting takes its time.
pub(super) async fn compare(
    plan: &ReconcilePlan,
    truth: Side,
    mut found: Found,
) -> Result<Compared> {
    let (samples, workers) = (plan.samples, plan.read.limits.workers);
    let expectation = plan.expectation.clone();
    let work = move || match expectation {
        Expectation::Count(expected) => {
            found.clean.merge(found.recovered);
            by_count(expected, found.clean, found.failed, samples)
        }
        Expectation::Manifest(_) => {
            let produced = truth.records();
            by_identity(produced, reconcile::compare(truth, found, samples, workers))
        }
    };
    joined(tokio::task::spawn_blocking(work).await)
}

fn by_count(expected: u64, found: Side, failed: Side, samples: usize) -> Compared {
    let records = found.records();
    let delivered = expected.min(records);
    let short = expected - delivered;
    let failures = failed.records().min(short);
    let (missing, unexpected) = (short - failures, records - delivered);
    let failed = if failures > 0 { reconcile::all(failed, samples) } else { Tally::default() };
    let identical = reconcile::repeats(found, samples);
    let count = |records| Tally { records, ..Tally::default() };
    Compared {
        produced: ProducedBook {
            produced: expected,
            delivered,
            failed: failures,
            missing,
            ..Default::default()
        },
        found: FoundBook { found: records, delivered, unexpected, duplicates: 0 },
        classes: Classes {
            failed: Tally { records: failures, ..failed },
            missing: count(missing),
            unexpected: count(unexpected),
            identical,
            ..Classes::default()
        },
        unproven: Vec::new(),
    }
}

fn by_identity(produced: u64, result: reconcile::Result) -> Compared {
    let delivered = result.delivered;
    Compared {
        produced: ProducedBook {
            produced,
            delivered,
            failed: result.failed.records,
            missing: result.missing.records,
            ..Default::default()
        },
        found: FoundBook {
            found: result.found,
            delivered,
            duplicates: result.duplicates.records,
            unexpected: result.unexpected.records,
        },
        classes: Classes {
            failed: result.failed,
            missing: result.missing,
            duplicates: result.duplicates,
            unexpected: result.unexpected,
            ..Classes::default()
        },
        unproven: result.unproven,
    }
}
