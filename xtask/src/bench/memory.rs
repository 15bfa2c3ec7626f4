//! A source in memory, so that a reconciliation is measured without disk or network.

use bytes::Bytes;
use fhcheck::error::Result;
use fhcheck::outcome::GapReason;
use fhcheck::source::{Body, KeyRange, ObjectRef, Source};
use futures::future::{self, BoxFuture};
use futures::stream::{self, BoxStream, StreamExt};

/// Objects with numbers for keys.
pub(crate) struct Memory(pub(crate) Vec<Bytes>);

/// The key of an object; keys sort as their numbers do.
fn key(number: usize) -> String {
    format!("{number:08}")
}

impl Source for Memory {
    fn list<'a>(&'a self, range: &'a KeyRange) -> BoxStream<'a, Result<ObjectRef>> {
        let objects = self.0.iter().enumerate().map(|(number, bytes)| ObjectRef {
            key: key(number),
            size: bytes.len() as u64,
            modified: None,
            etag: None,
            storage_class: None,
        });
        stream::iter(objects.filter(|object| range.contains(&object.key)).map(Ok)).boxed()
    }

    fn fetch<'a>(&'a self, object: &'a ObjectRef) -> BoxFuture<'a, Result<Body, GapReason>> {
        let number: Option<usize> = object.key.parse().ok();
        let bytes = number.and_then(|number| self.0.get(number)).cloned();
        let body = bytes.map(Body::from_bytes);
        let body = body.ok_or_else(|| GapReason::Failed("no such object".to_owned()));
        Box::pin(future::ready(body))
    }
}
