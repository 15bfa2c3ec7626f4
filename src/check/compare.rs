//! The comparison of one run: what its two sides come to in books and classes.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::joined;
use crate::error::Result;
use crate::outcome::{FoundBook, ProducedBook};
use crate::plan::{Expectation, ReconcilePlan};
use crate::reconcile::{self, Differences, Found, Kept, Place, Produced, Suspects, Tally, Uneven};

/// Findings by their class.
#[derive(Default)]
pub(super) struct Classes {
    pub(super) failed: Tally,
    pub(super) pending: Tally,
    pub(super) missing: Tally,
    pub(super) duplicates: Tally,
    pub(super) unexpected: Tally,
    pub(super) repeated: Tally,
    pub(super) identical: Tally,
}

/// What comparing came to.
pub(super) struct Compared {
    pub(super) produced: ProducedBook,
    pub(super) found: FoundBook,
    pub(super) classes: Classes,
    /// Recovered records that are none.
    pub(super) unproven: Vec<Place>,
    /// The numbers of objects with records that were never produced, where that is wanted.
    pub(super) strangers: BTreeSet<u64>,
    /// Buckets that differ, and whose rows are needed before anything can be said.
    pub(super) lacking: Vec<Uneven>,
    /// Records to look at then, which may be enough.
    pub(super) suspects: Option<Suspects>,
}

/// Compares the two sides, on a worker thread: sorting takes its time.
pub(super) async fn compare(
    plan: &ReconcilePlan,
    produced: &Arc<Produced>,
    found: &Arc<Found>,
    kept: Kept,
) -> Result<Compared> {
    let workers = plan.read.limits.workers;
    let (expectation, young) = (plan.expectation.clone(), plan.young);
    let (produced, found) = (Arc::clone(produced), Arc::clone(found));
    let work = move || match expectation {
        Expectation::Count(expected) => {
            let pending = young.is_some_and(|young| young.untimed);
            by_count(expected, &found, pending, kept.samples)
        }
        Expectation::Manifest(_) | Expectation::Stream(_) => {
            reconcile::compare(&produced, &found, kept, workers).map(by_identity)
        }
    };
    joined(tokio::task::spawn_blocking(work).await)?
}

fn by_count(expected: u64, found: &Found, may_come: bool, samples: usize) -> Result<Compared> {
    let Found { clean, recovered, failed } = found;
    let records = clean.records() + recovered.records();
    let delivered = expected.min(records);
    let short = expected - delivered;
    let failures = failed.records().min(short);
    let (gone, unexpected) = (short - failures, records - delivered);
    let (pending, missing) = if may_come { (gone, 0) } else { (0, gone) };
    let failed = if failures > 0 { reconcile::all(failed, samples)? } else { Tally::default() };
    let identical = reconcile::repeats(&[clean, recovered], samples)?;
    let count = |records| Tally { records, ..Tally::default() };
    Ok(Compared {
        produced: ProducedBook {
            produced: expected,
            delivered,
            failed: failures,
            pending,
            missing,
            uncertain: 0,
        },
        found: FoundBook { found: records, delivered, unexpected, duplicates: 0 },
        classes: Classes {
            failed: Tally { records: failures, ..failed },
            pending: count(pending),
            missing: count(missing),
            unexpected: count(unexpected),
            identical,
            ..Classes::default()
        },
        unproven: Vec::new(),
        strangers: BTreeSet::new(),
        lacking: Vec::new(),
        suspects: None,
    })
}

fn by_identity(result: Differences) -> Compared {
    let delivered = result.delivered;
    Compared {
        produced: ProducedBook {
            produced: result.produced,
            delivered,
            failed: result.failed.records,
            pending: result.pending.records,
            missing: result.missing.records,
            uncertain: result.uncertain,
        },
        found: FoundBook {
            found: result.found,
            delivered,
            duplicates: result.duplicates.records,
            unexpected: result.unexpected.records,
        },
        classes: Classes {
            failed: result.failed,
            pending: result.pending,
            missing: result.missing,
            duplicates: result.duplicates,
            unexpected: result.unexpected,
            repeated: result.repeated,
            identical: Tally::default(),
        },
        unproven: result.unproven,
        strangers: result.strangers,
        lacking: result.lacking,
        suspects: result.suspects,
    }
}
