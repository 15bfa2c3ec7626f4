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
        let mut look = Look { number, wanted: offsets, keep, found: Kept::new() };
        let look = move || {
            look.at(&job.object.key, body, &plan);
            look.found
        };
        kept.extend(joined(tokio::task::spawn_blocking(look).await).unwrap_or_default());
    }
    kept
}

struct Look<T> {
    number: u64,
    wanted: BTreeSet<u64>,
    keep: fn(&[u8]) -> Option<T>,
    found: Kept<T>,
}

impl<T> Look<T> {
    fn at(&mut self, key: &str, body: Body, plan: &ReadPlan) {
        let (suggested, limit) = (naming::suggested_encoding(key), plan.limits.object_bytes);
        if let Ok(mut content) = decode::open_as(body, suggested, limit, plan.base64) {
            let offsets = self.wanted.clone();
            // Its verdict was given when it was read the first time.
            let _ = match content.take_pieces() {
                Ok(Some(pieces)) => split::split_again(&pieces, &plan.format, &offsets, self),
                Ok(None) => split::split(&mut content, &plan.format, self).2,
                Err(_) => Ok(()),
            };
        }
    }
}

impl<T> Sink for Look<T> {
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
