//! What may be said of a world, and what may not.

use std::collections::{BTreeMap, BTreeSet};

use fhcheck::limits::FETCH_ATTEMPTS;
use fhcheck::outcome::{Outcome, Verdict};
use fhcheck::simulate::Truth;

use super::faults::Plan;
use crate::simulation;

/// Nothing that no fault hit is a gap.
pub(crate) fn assert_only_what_was_hit_is_unread(
    unread: &BTreeSet<String>,
    plan: &Plan,
    what: &str,
) {
    for key in unread {
        assert!(plan.gets.contains_key(key), "{key} could be read\n{what}");
    }
}

/// Nobody asks again and again: an object is fetched, and once more for the report.
pub(crate) fn assert_attempts(attempts: &BTreeMap<String, u64>, what: &str) {
    for (key, attempts) in attempts {
        assert!(*attempts <= 2 * u64::from(FETCH_ATTEMPTS), "{key}: {attempts} attempts\n{what}");
    }
}

/// What is said of the objects that were read is what is said where the others are not there at all, and
/// no fault is either; and where something was not read, that is the verdict.
pub(crate) fn assert_is_what_was_read(outcome: &Outcome, twin: &Outcome, what: &str) {
    assert!(twin.gaps.is_empty(), "{what}");
    let what = format!("{what}\n{}but without faults\n{}", brief(outcome), brief(twin));
    let unread = outcome.gaps.len() as u64;
    assert_eq!(outcome.books.objects.gaps, unread, "{what}");
    assert_eq!(outcome.books.objects.read, twin.books.objects.read, "{what}");
    assert_eq!(outcome.books.objects.listed, twin.books.objects.listed + unread, "{what}");
    assert_eq!(outcome.books.bytes, twin.books.bytes, "{what}");
    assert_eq!(outcome.books.produced, twin.books.produced, "{what}");
    assert_eq!(outcome.books.found, twin.books.found, "{what}");
    assert_eq!(outcome.differences, twin.differences, "{what}");
    assert_eq!(outcome.error_output, twin.error_output, "{what}");
    assert_eq!(outcome.malformed, twin.malformed, "{what}");
    assert_eq!(outcome.malformed_spans, twin.malformed_spans, "{what}");
    assert_eq!(outcome.recovered, twin.recovered, "{what}");
    assert_eq!(outcome.undecodable, twin.undecodable, "{what}");
    assert_eq!(outcome.formats, twin.formats, "{what}");
    match unread {
        0 => assert_eq!(outcome.verdict(), twin.verdict(), "{what}"),
        _ => assert_eq!(outcome.verdict(), Verdict::Inconclusive, "{what}"),
    }
}

/// Everything was read: what is said is the truth.
pub(crate) fn assert_is_the_truth(outcome: &Outcome, truth: &Truth, what: &str) {
    let what = &format!("{what}\n{:?}\n{}", truth.expected, brief(outcome));
    let (books, expected) = (&outcome.books, &truth.expected);
    if outcome.matching == "raw" && !begins_with_two_damaged(outcome, truth) {
        simulation::assert_agrees(outcome, truth, what);
        return;
    }
    assert_eq!(books.produced.produced, truth.produced, "{what}");
    assert_eq!(books.objects.listed, truth.objects, "{what}");
    if outcome.matching == "raw" {
        assert_eq!(outcome.verdict(), Verdict::Discrepant, "{what}");
        assert!(books.produced.delivered <= expected.delivered, "{what}");
        assert!(books.produced.missing >= expected.missing, "{what}");
        assert!(books.found.duplicates <= expected.duplicates, "{what}");
        assert_eq!(books.found.unexpected, 0, "{what}");
        return;
    }
    // A count takes what stands whole, and what error output holds for it.
    if truth.cut.is_empty() && truth.garbled.is_empty() {
        assert_eq!(books.found.found, truth.written, "{what}");
    } else {
        assert_eq!(outcome.verdict(), Verdict::Discrepant, "{what}");
    }
    if expected.verdict == Verdict::Reconciled {
        assert_eq!(outcome.verdict(), Verdict::Reconciled, "{what}");
    }
}

/// Whether an object's first span of malformed bytes begins it and holds two damaged records: whole ones
/// between them may stay in it, as nothing is known yet of how the object's records open.
fn begins_with_two_damaged(outcome: &Outcome, truth: &Truth) -> bool {
    outcome.malformed.iter().filter(|span| span.offset == 0).any(|span| {
        let damaged = truth.garbled.iter().chain(&truth.cut).map(|hit| &hit.at);
        let inside = damaged.filter(|at| at.key == span.key && at.offset < span.len);
        inside.count() > 1
    })
}

/// What matters of an outcome, without its samples.
pub(crate) fn brief(outcome: &Outcome) -> String {
    format!(
        "{:?} {:?}\n{:?}\n{:?}\n",
        outcome.verdict(),
        outcome.books,
        outcome.error_output,
        outcome.gaps
    )
}
