//! What the endpoint keeps: buckets of objects, ordered as S3 orders them.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::SystemTime;

use bytes::Bytes;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum, Crc32};
use xxhash_rust::xxh3::xxh3_128;

/// A stored object.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) bytes: Bytes,
    pub(super) etag: String,
    /// CRC-32 as S3 writes it: big-endian, in base64.
    pub(super) crc32: Option<String>,
    pub(super) modified: SystemTime,
    pub(super) content_encoding: Option<String>,
    pub(super) storage_class: Option<String>,
}

impl Object {
    pub(super) fn new(bytes: Bytes, content_encoding: Option<String>) -> Self {
        let mut hasher = ChecksumHasher { crc32: Some(Crc32::new()), ..Default::default() };
        hasher.update(&bytes);
        let crc32 = hasher.finalize().checksum_crc32;
        let etag = format!("{:032x}", xxh3_128(&bytes));
        Self { bytes, etag, crc32, modified: now(), content_encoding, storage_class: None }
    }

    /// Whether its storage class keeps it from being read before it is restored.
    pub(super) fn is_archived(&self) -> bool {
        matches!(self.storage_class.as_deref(), Some("GLACIER" | "DEEP_ARCHIVE"))
    }
}

#[expect(clippy::disallowed_methods, reason = "a server stamps what it stores")]
fn now() -> SystemTime {
    SystemTime::now()
}

/// A bucket.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    pub(super) objects: BTreeMap<String, Object>,
    /// Whether nobody may list it.
    pub(super) deny_list: bool,
}

/// What a page of a listing is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Query<'a> {
    pub(super) prefix: &'a str,
    pub(super) delimiter: Option<&'a str>,
    /// Nothing up to and including this is wanted.
    pub(super) after: Option<&'a str>,
    pub(super) max: usize,
}

/// A page of a listing.
#[derive(Debug, Default)]
pub(super) struct Page<'a> {
    pub(super) objects: Vec<(&'a str, &'a Object)>,
    pub(super) groups: Vec<&'a str>,
    /// What the next page begins after, where there is one.
    pub(super) next: Option<String>,
}

impl Page<'_> {
    pub(super) fn len(&self) -> usize {
        self.objects.len() + self.groups.len()
    }
}

impl Bucket {
    /// One page. Its cost is that of what it returns: groups are jumped over, not walked.
    pub(super) fn list(&self, query: &Query<'_>) -> Page<'_> {
        let mut page = Page::default();
        let mut last = query.after.filter(|after| *after >= query.prefix).map(str::to_owned);
        if query.max == 0 {
            return page;
        }
        loop {
            let from = last.as_deref().map_or(Bound::Included(query.prefix), Bound::Excluded);
            let mut keys = self.objects.range::<str, _>((from, Bound::Unbounded));
            let Some((key, object)) = keys.next().filter(|(key, _)| key.starts_with(query.prefix))
            else {
                return page;
            };
            if page.len() == query.max {
                page.next = last;
                return page;
            }
            match query.group_of(key) {
                Some(group) => {
                    page.groups.push(group);
                    last = Some(format!("{group}{}", char::MAX));
                }
                None => {
                    page.objects.push((key, object));
                    last = Some(key.clone());
                }
            }
        }
    }
}

impl Query<'_> {
    /// The part of a key up to the first delimiter behind the prefix.
    fn group_of<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter.filter(|delimiter| !delimiter.is_empty())?;
        let at = key[self.prefix.len()..].find(delimiter)?;
        Some(&key[..self.prefix.len() + at + delimiter.len()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(keys: &[&str]) -> Bucket {
        let object = Object::new(Bytes::new(), None);
        let objects = keys.iter().map(|key| ((*key).to_owned(), object.clone())).collect();
        Bucket { objects, deny_list: false }
    }

    /// All pages, one after another: keys, and groups in brackets.
    fn pages(bucket: &Bucket, query: Query<'_>) -> Vec<String> {
        let mut pages = Vec::new();
        let mut after = query.after.map(str::to_owned);
        loop {
            let page = bucket.list(&Query { after: after.as_deref(), ..query });
            let keys = page.objects.iter().map(|(key, _)| (*key).to_owned());
            let groups = page.groups.iter().map(|group| format!("[{group}]"));
            pages.push(keys.chain(groups).collect::<Vec<_>>().join(" "));
            match page.next {
                Some(next) => after = Some(next),
                None => return pages,
            }
        }
    }

    #[test]
    fn pages_hold_what_the_prefix_and_the_start_select() {
        let bucket = bucket(&["a", "p/1", "p/2", "p/3", "p0"]);
        let query = Query { prefix: "p/", max: 2, ..Query::default() };
        assert_eq!(pages(&bucket, query), ["p/1 p/2", "p/3"]);
        let query = Query { prefix: "p/", after: Some("p/1"), max: 1, ..Query::default() };
        assert_eq!(pages(&bucket, query), ["p/2", "p/3"]);
        let query = Query { prefix: "p/", after: Some("q"), max: 9, ..Query::default() };
        assert_eq!(pages(&bucket, query), [""]);
        assert_eq!(pages(&bucket, Query { max: 0, ..Query::default() }), [""]);
    }

    #[test]
    fn a_delimiter_groups_keys_across_pages() {
        let bucket = bucket(&["a", "d/1", "d/2", "d/e/3", "f/", "g"]);
        let query = Query { delimiter: Some("/"), max: 1, ..Query::default() };
        assert_eq!(pages(&bucket, query), ["a", "[d/]", "[f/]", "g"]);
        let query = Query { prefix: "d/", delimiter: Some("/"), max: 9, ..Query::default() };
        assert_eq!(pages(&bucket, query), ["d/1 d/2 [d/e/]"]);
    }
}
