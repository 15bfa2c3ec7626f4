//! A listing's shapes.

use serde::Serialize;

use super::{ByteBook, Header, ObjectBook, Trouble, skip_name};
use crate::check::{self, Listed, Listing};
use crate::limits;
use crate::naming::KeyName;
use crate::naming::scheme::Scheme;
use crate::report::Totals;

/// What a key of Firehose's says. The arrival is a local time in the delivery stream's zone.
#[derive(Serialize)]
struct Name<'a> {
    prefix: &'a str,
    delivery_stream: &'a str,
    version: u64,
    arrival: String,
    tail: &'a str,
    extension: &'a str,
}

impl<'a> From<&'a KeyName> for Name<'a> {
    fn from(name: &'a KeyName) -> Self {
        Self {
            prefix: &name.prefix,
            delivery_stream: &name.delivery_stream,
            version: name.version,
            arrival: name.arrival.to_string(),
            tail: &name.tail,
            extension: &name.extension,
        }
    }
}

/// What an object holds.
#[derive(Serialize)]
struct Contents {
    encoding: &'static str,
    format: String,
    records: u64,
    recovered: u64,
    bytes: ByteBook,
    malformed_spans: u64,
    /// Only of error output.
    error_documents: Option<u64>,
}

impl From<&check::Contents> for Contents {
    fn from(contents: &check::Contents) -> Self {
        Self {
            encoding: contents.encoding.as_str(),
            format: contents.format.to_string(),
            records: contents.records,
            recovered: contents.recovered,
            bytes: (&contents.bytes).into(),
            malformed_spans: contents.malformed_spans,
            error_documents: contents.error_documents,
        }
    }
}

/// One object of a listing.
#[derive(Serialize)]
pub(crate) struct Object<'a> {
    key: &'a str,
    size: u64,
    modified: Option<String>,
    etag: Option<&'a str>,
    storage_class: Option<&'a str>,
    name: Option<Name<'a>>,
    skip: Option<&'static str>,
    contents: Option<Contents>,
}

impl<'a> From<&'a Listed> for Object<'a> {
    fn from(listed: &'a Listed) -> Self {
        let object = &listed.object;
        Self {
            key: &object.key,
            size: object.size,
            modified: object.modified.map(|modified| modified.to_string()),
            etag: object.etag.as_deref(),
            storage_class: object.storage_class.as_deref(),
            name: listed.name.as_ref().map(Name::from),
            skip: listed.skip.map(skip_name),
            contents: listed.contents.as_ref().map(Contents::from),
        }
    }
}

#[derive(Serialize)]
struct TotalsModel {
    objects: u64,
    bytes: u64,
    /// Only where objects were read.
    records: Option<u64>,
    small_objects: u64,
    small_object_bytes: u64,
}

#[derive(Serialize)]
struct Hours {
    from: String,
    to: String,
}

/// How keys are made.
#[derive(Serialize)]
struct Keys {
    /// The prefix as it was configured, or a template as it was seen.
    prefix: String,
    certain: bool,
    prunes_by: Option<&'static str>,
    seen: u64,
    elsewhere: u64,
    text: String,
}

impl From<&Scheme> for Keys {
    fn from(scheme: &Scheme) -> Self {
        let (seen, elsewhere) = scheme.strangers();
        Self {
            prefix: scheme.template(),
            certain: scheme.is_certain(),
            prunes_by: scheme.prunes_by(),
            seen,
            elsewhere,
            text: scheme.to_string(),
        }
    }
}

/// What a listing says without naming its objects; as NDJSON, its last line.
#[derive(Serialize)]
pub(crate) struct ListSummary<'a> {
    #[serde(flatten)]
    header: Header<'a>,
    book: ObjectBook,
    totals: TotalsModel,
    list_requests: u64,
    silent_hours: Vec<Hours>,
    keys: Option<Keys>,
}

impl<'a> ListSummary<'a> {
    pub(crate) fn new(listing: &'a Listing) -> Self {
        let totals = Totals::of(listing);
        let hours = listing.silent_hours.iter();
        Self {
            header: Header::new("fhcheck.list", listing.verdict(), &listing.location),
            book: ObjectBook::from(&listing.book),
            totals: TotalsModel {
                objects: totals.objects,
                bytes: totals.bytes,
                records: totals.records,
                small_objects: totals.small,
                small_object_bytes: limits::SMALL_OBJECT_BYTES,
            },
            list_requests: listing.list_requests,
            silent_hours: hours
                .map(|(from, to)| Hours { from: from.to_string(), to: to.to_string() })
                .collect(),
            keys: listing.keys.as_ref().map(Keys::from),
        }
    }
}

/// A listing as one document.
#[derive(Serialize)]
pub(crate) struct List<'a> {
    #[serde(flatten)]
    summary: ListSummary<'a>,
    objects: Vec<Object<'a>>,
    #[serde(flatten)]
    trouble: Trouble<'a>,
}

impl<'a> List<'a> {
    pub(crate) fn new(listing: &'a Listing) -> Self {
        Self {
            summary: ListSummary::new(listing),
            objects: super::all(&listing.objects),
            trouble: Trouble::of_listing(listing),
        }
    }
}
