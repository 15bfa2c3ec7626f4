//! Pages of `ListObjectsV2`, one after another, and whether they can be believed.

use std::sync::atomic::Ordering;

use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::operation::list_objects_v2::builders::ListObjectsV2FluentBuilder;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{EncodingType, Object};
use jiff::Timestamp;

use super::S3;
use crate::aws::{Asked, Failure, WholePage};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::EMPTY_PAGES_MAX;
use crate::source::{KeyRange, ObjectRef};

/// How far the listing of a range has come.
#[derive(Debug)]
pub(super) struct Cursor {
    range: KeyRange,
    /// Names the next page; none before the first.
    token: Option<String>,
    last_key: Option<String>,
    pages: usize,
    /// Pages since the last one that held a key.
    empty_pages: u32,
    done: bool,
}

impl S3 {
    /// The objects of the next page, which may be none although more pages follow.
    pub(super) async fn page(&self, cursor: &mut Cursor) -> Result<Vec<ObjectRef>> {
        let location = format!("s3://{}/{}", self.bucket, cursor.range.prefix);
        let page = self.ask_for_page(cursor).await.map_err(|failure| {
            failure.into_error(Asked {
                bucket: &self.bucket,
                location: &location,
                endpoint: self.endpoint.as_deref(),
                region: &self.region,
            })
        })?;
        let mut objects = Vec::with_capacity(page.contents().len());
        for listed in page.contents() {
            let object = object_ref(listed, page.encoding_type())
                .ok_or_else(|| nonsense(&location, "an object without a key, a size or UTF-8"))?;
            if cursor.last_key.as_ref().is_some_and(|last| *last >= object.key) {
                return Err(nonsense(&location, "keys that are not in the order of their bytes")
                    .hint("some stores sort otherwise, S3 Express among them: narrow the prefix"));
            }
            cursor.last_key = Some(object.key.clone());
            // The rest of the page is looked at all the same: out of order, it may hold more.
            cursor.done |=
                cursor.range.stop_before.as_ref().is_some_and(|stop| object.key >= *stop);
            if cursor.range.contains(&object.key) {
                objects.push(object);
            }
        }
        cursor.advance(&page).map_err(|what| nonsense(&location, what))?;
        Ok(objects)
    }

    async fn ask_for_page(&self, cursor: &Cursor) -> Result<ListObjectsV2Output, Failure> {
        let range = &cursor.range;
        let first = cursor.token.is_none();
        self.ask(|request| {
            request
                .set_prefix((!range.prefix.is_empty()).then(|| range.prefix.clone()))
                .set_start_after(range.start_after.clone().filter(|_| first))
                .set_continuation_token(cursor.token.clone())
                .set_max_keys(self.page_size)
        })
        .await
    }

    /// One request to list, of which `what` says what it lists.
    pub(super) async fn ask(
        &self,
        what: impl FnOnce(ListObjectsV2FluentBuilder) -> ListObjectsV2FluentBuilder,
    ) -> Result<ListObjectsV2Output, Failure> {
        self.lists.fetch_add(1, Ordering::Relaxed);
        let request = self.client.list_objects_v2().bucket(&self.bucket);
        // XML cannot hold every character that a key can.
        let request = what(request).encoding_type(EncodingType::Url);
        let page = request.customize().interceptor(WholePage).send().await.map_err(Failure::of)?;
        let count = page.contents().len() + page.common_prefixes().len();
        match page.key_count().map(usize::try_from) {
            Some(claimed) if claimed != Ok(count) => {
                Err(Failure::nonsense(&format!("a page of {count} keys claims another number")))
            }
            _ => Ok(page),
        }
    }
}

impl Cursor {
    /// Before the first page of a range.
    pub(super) fn new(range: KeyRange) -> Self {
        Self { range, token: None, last_key: None, pages: 0, empty_pages: 0, done: false }
    }

    /// Whether there is no further page.
    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    /// Pages so far.
    pub(super) fn pages(&self) -> usize {
        self.pages
    }

    /// What is left of the range.
    pub(super) fn rest(&self) -> KeyRange {
        let seen = self
            .last_key
            .clone()
            .filter(|last| self.range.start_after.as_ref().is_none_or(|start| last > start));
        let range = self.range.clone();
        KeyRange { start_after: seen.or_else(|| range.start_after.clone()), ..range }
    }

    /// Moves to the next page, if there is one and it is another one.
    fn advance(&mut self, page: &ListObjectsV2Output) -> Result<(), &'static str> {
        self.pages += 1;
        // A page that names another one is not the last, whatever else it says.
        let more = page.is_truncated() == Some(true) || page.next_continuation_token().is_some();
        if self.done || !more {
            self.done = true;
            return Ok(());
        }
        self.empty_pages = if page.contents().is_empty() { self.empty_pages + 1 } else { 0 };
        if self.empty_pages >= EMPTY_PAGES_MAX {
            return Err("one page after the other without a key");
        }
        let next = page.next_continuation_token().map(str::to_owned);
        if next.is_none() {
            return Err("a page that has a successor and does not say which");
        }
        if next == self.token {
            return Err("the same continuation token twice");
        }
        self.token = next;
        Ok(())
    }
}

fn nonsense(location: &str, what: &str) -> Error {
    Error::new(ErrorKind::Service, format!("the listing of {location} cannot be trusted: {what}"))
}

fn object_ref(listed: &Object, encoding: Option<&EncodingType>) -> Option<ObjectRef> {
    Some(ObjectRef {
        key: decoded(listed.key()?, encoding)?,
        size: u64::try_from(listed.size()?).ok()?,
        modified: listed.last_modified().and_then(timestamp),
        etag: listed.e_tag().map(str::to_owned),
        storage_class: listed.storage_class().map(|class| class.as_str().to_owned()),
    })
}

fn timestamp(time: &DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}

/// A key as it is, of a page that has it in an encoding.
pub(super) fn decoded(key: &str, encoding: Option<&EncodingType>) -> Option<String> {
    match encoding {
        Some(EncodingType::Url) => url_decoded(key),
        _ => Some(key.to_owned()),
    }
}

/// Undoes `EncodingType=url`: `%41` for a byte, `+` for a space.
fn url_decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_url_encoding_are_decoded() {
        assert_eq!(url_decoded("a+b%2Bc%25/%C3%A9").as_deref(), Some("a b+c%/é"));
        assert_eq!(url_decoded("cut%2"), None);
        assert_eq!(url_decoded("%ff"), None, "not UTF-8");
    }
}
