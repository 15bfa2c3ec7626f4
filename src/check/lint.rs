//! What other readers of a location will trip over, though every record may be there.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::list::{Contents, Listing};
use crate::decode::Encoding;
use crate::limits::{MIB, SMALL_OBJECT_BYTES};
use crate::outcome::Note;

/// What to know before something else reads these objects.
pub(super) fn notes(listing: &Listing, zone: &TimeZone) -> Vec<Note> {
    let read: Vec<_> = listing
        .objects
        .iter()
        .filter_map(|listed| Some((listed.object.size, listed.contents.as_ref()?)))
        .collect();
    let data = || read.iter().filter(|(_, contents)| contents.error_documents.is_none());
    let count = |wrong: &dyn Fn(u64, &Contents) -> bool| {
        data().filter(|(size, contents)| wrong(*size, contents)).count()
    };
    let mut notes = Vec::new();
    let mut note = |code, objects: usize, text: String| {
        if objects > 0 {
            let of = super::notes::objects(read.len() as u64);
            notes.push(Note { code, text: format!("{objects} of {of} {text}") });
        }
    };
    note(
        "lint-no-separators",
        count(&|_, contents| contents.records > 1 && contents.bytes.separators == 0),
        "hold several records with nothing between them: Athena, Spark and others read such an \
         object as one record, or as a broken one (let Firehose append a delimiter)"
            .into(),
    );
    note(
        "lint-small-objects",
        count(&|size, _| size < SMALL_OBJECT_BYTES),
        format!(
            "are smaller than {} MiB: reading many small objects costs more in requests than in \
             bytes (raise the buffering hints, or compact)",
            SMALL_OBJECT_BYTES / MIB
        ),
    );
    note(
        "lint-layered",
        count(&|_, contents| contents.layered.is_some()),
        "are compressed more than once: a reader that undoes one encoding finds the next \
         (CloudWatch Logs records are gzip before Firehose compresses them)"
            .into(),
    );
    note(
        "lint-misdeclared",
        count(&|_, contents| contents.misdeclared.is_some()),
        "are not encoded as their key or Content-Encoding says: a client that believes it fails"
            .into(),
    );
    note(
        "lint-error-output",
        read.len() - data().count(),
        "are error output under the prefix of the data: other readers take their documents for \
         records (give error output a prefix of its own)"
            .into(),
    );
    notes.extend(mixed(data().map(|(_, contents)| contents.encoding)));
    if *zone != TimeZone::UTC {
        let text = format!(
            "folders are named after local time in {}: a query for an hour of UTC looks in others",
            zone.iana_name().unwrap_or("another zone than UTC")
        );
        notes.push(Note { code: "lint-zone", text });
    }
    notes
}

fn mixed(encodings: impl Iterator<Item = Encoding>) -> Option<Note> {
    let mut objects = BTreeMap::<&str, u64>::new();
    for encoding in encodings {
        *objects.entry(encoding.as_str()).or_default() += 1;
    }
    let list: Vec<_> = objects.iter().map(|(name, count)| format!("{name} ({count})")).collect();
    (objects.len() > 1).then(|| Note {
        code: "lint-mixed-encodings",
        text: format!(
            "objects are encoded differently, {}: a table has one encoding",
            list.join(", ")
        ),
    })
}
