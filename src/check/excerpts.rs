//! A second look: the bytes of the few records that a report shows.
//!
//! Identities and places are all that a run keeps of a record. The objects that hold a sample are
//! read once more, at most as many as there are samples.

use std::collections::{BTreeMap, BTreeSet};

use super::{Job, joined};
use crate::decode;
use crate::naming;
use crate::plan::ReadPlan;
use crate::reconcile::Place;
use crate::source::Body;
use crate::split::{self, Record, Sink, Span};

/// What was looked for, by the places of records.
pub(super) type Kept<T> = BTreeMap<Place, T>;

/// What `keep` makes of the records at these places. What cannot be read a second time is left out.
pub(super) async fn read<T: Send + 'static>(
    job: &impl Fn(u64) -> Option<Job>,
    places: impl IntoIterator<Item = Place>,
    plan: &ReadPlan,
    keep: fn(&[u8]) -> Option<T>,
) -> Kept<T> {
    let mut by_object: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    for place in places {
        by_object.entry(place.object()).or_default().insert(place.offset());
    }
    let mut kept = Kept::new();
    for (number, offsets) in by_object {
        let Some(job) = job(number) else { continue };
        let Ok(body) = job.site.source.fetch(&job.object).await else { continue };
        let plan = plan.clone();
        let look = move || look(&job, body, &plan, offsets, keep);
        kept.extend(joined(tokio::task::spawn_blocking(look).await).unwrap_or_default());
    }
    kept
}

/// What `keep` makes of the records of one object at these offsets.
pub(super) fn look<T>(
    job: &Job,
    body: Body,
    plan: &ReadPlan,
    offsets: BTreeSet<u64>,
    keep: impl FnMut(&[u8]) -> Option<T>,
) -> Kept<T> {
    let mut look = Look { number: job.number, wanted: offsets, keep, found: Kept::new() };
    let (suggested, limit) =
        (naming::suggested_encoding(&job.object.key), plan.limits.object_bytes);
    if let Ok(mut content) = decode::open_as(body, suggested, limit, plan.base64) {
        let offsets = look.wanted.clone();
        // Its verdict was given when it was read the first time.
        let _ = match content.take_pieces() {
            Ok(Some(pieces)) => split::split_again(&pieces, &plan.format, &offsets, &mut look),
            Ok(None) => split::split(&mut content, &plan.format, &mut look).2,
            Err(_) => Ok(()),
        };
    }
    look.found
}

struct Look<T, F> {
    number: u64,
    wanted: BTreeSet<u64>,
    keep: F,
    found: Kept<T>,
}

impl<T, F: FnMut(&[u8]) -> Option<T>> Sink for Look<T, F> {
    fn record(&mut self, record: Record<'_>) {
        if self.wanted.remove(&record.offset) {
            let kept = (self.keep)(record.bytes);
            self.found.extend(kept.map(|kept| (Place::new(self.number, record.offset), kept)));
        }
    }

    fn malformed(&mut self, _: Span) {}

    fn is_done(&self) -> bool {
        self.wanted.is_empty()
    }
}
