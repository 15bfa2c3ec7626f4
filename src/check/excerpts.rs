//! A second look: the bytes of the few records that a report shows.
//!
//! Identities and places are all that a run keeps of a record. The objects that hold a sample are
//! read once more, at most as many as there are samples.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::decode;
use crate::naming;
use crate::outcome::excerpt;
use crate::reconcile::Place;
use crate::source::{Body, ObjectRef, Source};
use crate::split::{self, FormatChoice, Record, Sink, Span};

/// Records by their places.
pub(super) type Excerpts = BTreeMap<Place, Vec<u8>>;

/// One side's objects, by number.
pub(super) trait Objects {
    fn object(&self, number: u64) -> Option<(Arc<dyn Source>, ObjectRef)>;
}

/// The beginnings of the records at these places. What cannot be read a second time is left out.
pub(super) async fn read(
    objects: &impl Objects,
    places: impl IntoIterator<Item = Place>,
    format: &FormatChoice,
    object_bytes: u64,
) -> Excerpts {
    let mut by_object: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    for place in places {
        by_object.entry(place.object()).or_default().insert(place.offset());
    }
    let mut excerpts = Excerpts::new();
    for (number, offsets) in by_object {
        let Some((source, object)) = objects.object(number) else { continue };
        let Ok(body) = source.fetch(&object).await else { continue };
        let format = format.clone();
        let look = move || look(number, &object.key, body, offsets, &format, object_bytes);
        if let Ok(found) = tokio::task::spawn_blocking(look).await {
            excerpts.extend(found);
        }
    }
    excerpts
}

fn look(
    number: u64,
    key: &str,
    body: Body,
    wanted: BTreeSet<u64>,
    format: &FormatChoice,
    object_bytes: u64,
) -> Excerpts {
    let mut look = Look { number, wanted, found: Excerpts::new() };
    if let Ok(mut content) = decode::open(body, naming::suggested_encoding(key), object_bytes) {
        // Its verdict was given when it was read the first time.
        let _ = split::split(&mut content, format, &mut look);
    }
    look.found
}

struct Look {
    number: u64,
    wanted: BTreeSet<u64>,
    found: Excerpts,
}

impl Sink for Look {
    fn record(&mut self, record: Record<'_>) {
        if self.wanted.remove(&record.offset) {
            self.found.insert(Place::new(self.number, record.offset), excerpt(record.bytes));
        }
    }

    fn malformed(&mut self, _: Span) {}

    fn is_done(&self) -> bool {
        self.wanted.is_empty()
    }
}
