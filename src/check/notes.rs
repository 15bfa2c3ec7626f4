//! What is worth knowing besides: how far a verdict carries, and what stands behind it.

use std::path::Path;

use super::truth::Remarks;
use crate::cache::{Cache, Unusable};
use crate::outcome::{Note, Outcome};
use crate::plan::{Expectation, ReconcilePlan};

/// What a reconciliation has noticed.
pub(super) struct Noticed {
    /// Records that lack what the policy compares.
    pub(super) incomplete: u64,
    /// Objects that are not what they are declared to be.
    pub(super) misdeclared: u64,
    /// What the manifests say besides records.
    pub(super) remarks: Remarks,
    /// How often objects were gone or changed between two looks, and all were read anew.
    pub(super) restarts: u64,
}

/// So many objects, in words.
pub(super) fn objects(count: u64) -> String {
    if count == 1 { "1 object".to_owned() } else { format!("{count} objects") }
}

/// Why there is no cache.
pub(super) fn no_cache(folder: &Path, error: &Unusable) -> Note {
    let folder = folder.display();
    let (code, text) = match error {
        Unusable::Foreign => (
            "cache-foreign",
            format!(
                "{folder} was left alone: {error}; everything was read (name another directory as \
                 the cache, or remove this one)"
            ),
        ),
        Unusable::Exposed => (
            "cache-exposed",
            format!(
                "{folder} was left alone: {error}, and so choose what a report says; everything \
                 was read (chmod 700)"
            ),
        ),
        Unusable::Failed(_) => (
            "cache-unusable",
            format!("{folder} cannot be used as the cache, so everything was read: {error}"),
        ),
    };
    Note { code, text }
}

/// What became of a cache.
pub(super) fn of_cache(cache: &Cache) -> Vec<Note> {
    let folder = cache.folder().display();
    let damaged = match cache.damaged() {
        0 => None,
        1 => Some("1 entry is damaged: it was not used, and its object was read".to_owned()),
        more => Some(format!(
            "{more} entries are damaged: they were not used, and their objects were read"
        )),
    };
    let damaged = damaged.map(|text| Note {
        code: "cache-damaged",
        text: format!(
            "in the cache {folder} {text} (if that comes again, see to the disk, and to who writes \
             there)"
        ),
    });
    let unwritten = cache.unwritten().map(|(count, error)| Note {
        code: "cache-unwritten",
        text: format!(
            "{} could not be kept in the cache {folder}, and will be read again: {error}",
            objects(count)
        ),
    });
    damaged.into_iter().chain(unwritten).collect()
}

pub(super) fn add(outcome: &mut Outcome, plan: &ReconcilePlan, noticed: &Noticed) {
    let Noticed { incomplete, misdeclared, remarks, restarts } = *noticed;
    let counted = matches!(plan.expectation, Expectation::Count(_));
    let mut note = |code, text: String| outcome.notes.push(Note { code, text });
    let books = &outcome.books;
    if books.objects.listed == 0 {
        note("empty", format!("there is no object under {}", outcome.location));
    }
    if counted {
        note(
            "identity-not-checked",
            "only the number was checked, not which records they are: a loss and a duplicate \
             cancel (--manifest checks each one)"
                .into(),
        );
    }
    if books.produced.missing > 0 && books.bytes.malformed > 0 {
        note(
            "missing-may-be-malformed",
            format!(
                "{} bytes are malformed: missing records may be among them",
                books.bytes.malformed
            ),
        );
    }
    let surplus = outcome.error_output.records - books.produced.failed;
    if surplus > 0 {
        note(
            "failed-without-loss",
            format!(
                "{surplus} records in error output are no loss: they were delivered as well, or \
                 never produced"
            ),
        );
    }
    if incomplete > 0 && !counted {
        note(
            "incomplete-identities",
            format!(
                "{incomplete} records are not JSON or lack a key; they were matched as a whole"
            ),
        );
    }
    if misdeclared > 0 {
        note(
            "misdeclared-encoding",
            format!(
                "the key or Content-Encoding of {} says another encoding than it has",
                objects(misdeclared)
            ),
        );
    }
    if remarks.never_put > 0 {
        note(
            "never-put",
            format!(
                "{} records of the manifest were never put: the producer was rejected, or ended \
                 before them (fhcheck produce --resume puts them)",
                remarks.never_put
            ),
        );
    }
    if remarks.unanswered > 0 {
        note(
            "unanswered-puts",
            format!(
                "{} records were put without an answer, then put again: as many duplicates may be \
                 the producer's",
                remarks.unanswered
            ),
        );
    }
    if remarks.empty > 0 {
        note(
            "empty-records",
            format!("{} records that were produced are empty: they leave no trace", remarks.empty),
        );
    }
    if outcome.differences.repeated.records > 0 {
        note(
            "repeated-in-stream",
            format!(
                "{} records are in the data stream more than once, under different sequence \
                 numbers: a producer put them again, or meant them so",
                outcome.differences.repeated.records
            ),
        );
    }
    if restarts > 0 {
        note(
            "objects-changed",
            format!(
                "objects were replaced or removed while waiting; all were read anew, {restarts} times"
            ),
        );
    }
    let timed = remarks.sequenced || matches!(plan.expectation, Expectation::Stream(_));
    if !plan.read.window.is_open() && !timed {
        note(
            "window-edges",
            "objects at the edges of the window may hold records from outside it".into(),
        );
    }
    if outcome.formats.0.len() > 1 {
        note(
            "mixed-formats",
            "objects differ in how their records are told apart; --split says one way for all"
                .into(),
        );
    }
}
