//! A bucket, read through the AWS SDK.

use std::io::Seek;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::AsyncSleep;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{ChecksumMode, EncodingType, Object};
use aws_smithy_checksums::body::validate::Error as ChecksumError;
use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use jiff::Timestamp;
use tokio::io::AsyncWriteExt;

use super::{Body, KeyRange, ObjectRef, Requests, Source};
use crate::aws::{Asked, Aws, Failure, WholePage, causes};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{
    FETCH_ATTEMPTS, FETCH_BACKOFF, FETCH_BACKOFF_MAX, LIST_EMPTY_PAGES_MAX, SPOOL_BYTES,
};
use crate::outcome::GapReason;

/// A bucket as a source.
#[derive(Debug)]
pub struct S3 {
    client: Client,
    bucket: String,
    endpoint: Option<String>,
    region: String,
    page_size: Option<i32>,
    lists: AtomicU64,
    gets: AtomicU64,
}

impl S3 {
    /// The bucket of this name, over a connection.
    pub fn new(aws: &Aws, bucket: impl Into<String>) -> Self {
        Self {
            client: aws.s3(),
            bucket: bucket.into(),
            endpoint: aws.endpoint_url().map(str::to_owned),
            region: aws.region().to_owned(),
            page_size: None,
            lists: AtomicU64::new(0),
            gets: AtomicU64::new(0),
        }
    }

    /// Asks for so many keys a page instead of S3's 1000 (`MaxKeys` of `ListObjectsV2`).
    #[must_use]
    pub fn page_size(mut self, keys: i32) -> Self {
        self.page_size = Some(keys);
        self
    }
}

impl Source for S3 {
    fn list<'a>(&'a self, range: &'a KeyRange) -> BoxStream<'a, Result<ObjectRef>> {
        stream::try_unfold(Cursor::default(), move |cursor| self.page(range, cursor))
            .map_ok(|objects| stream::iter(objects.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    fn fetch<'a>(&'a self, object: &'a ObjectRef) -> BoxFuture<'a, Result<Body, GapReason>> {
        Box::pin(async move {
            let mut attempt = 1;
            loop {
                match self.attempt(object).await {
                    Ok(body) => return Ok(body),
                    Err(miss) if miss.transient && attempt < FETCH_ATTEMPTS => {
                        tracing::debug!(key = object.key, attempt, reason = %miss.reason, "again");
                        self.sleep(pause(attempt)).await;
                        attempt += 1;
                    }
                    Err(miss) => return Err(miss.after(attempt)),
                }
            }
        })
    }

    fn requests(&self) -> Requests {
        Requests {
            list: self.lists.load(Ordering::Relaxed),
            get: self.gets.load(Ordering::Relaxed),
        }
    }
}

/// How far a listing has come.
#[derive(Debug, Default)]
struct Cursor {
    /// Names the next page; none before the first.
    token: Option<String>,
    last_key: Option<String>,
    /// Pages since the last one that held a key.
    empty_pages: u32,
    done: bool,
}

impl S3 {
    /// Waits as the connection waits between its own attempts.
    async fn sleep(&self, wait: Duration) {
        match self.client.config().sleep_impl() {
            Some(sleep) => sleep.sleep(wait).await,
            None => tokio::time::sleep(wait).await,
        }
    }

    async fn page(
        &self,
        range: &KeyRange,
        mut cursor: Cursor,
    ) -> Result<Option<(Vec<ObjectRef>, Cursor)>> {
        if cursor.done {
            return Ok(None);
        }
        let location = format!("s3://{}/{}", self.bucket, range.prefix);
        let page = self.ask_for_page(range, &cursor).await.map_err(|failure| {
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
            if range.stop_before.as_ref().is_some_and(|stop| object.key >= *stop) {
                cursor.done = true;
                break;
            }
            if range.contains(&object.key) {
                objects.push(object);
            }
        }
        cursor.advance(&page).map_err(|what| nonsense(&location, what))?;
        Ok(Some((objects, cursor)))
    }

    async fn ask_for_page(
        &self,
        range: &KeyRange,
        cursor: &Cursor,
    ) -> Result<ListObjectsV2Output, Failure> {
        self.lists.fetch_add(1, Ordering::Relaxed);
        let first = cursor.token.is_none();
        let page = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .set_prefix((!range.prefix.is_empty()).then(|| range.prefix.clone()))
            .set_start_after(range.start_after.clone().filter(|_| first))
            .set_continuation_token(cursor.token.clone())
            .set_max_keys(self.page_size)
            // XML cannot hold every character that a key can.
            .encoding_type(EncodingType::Url)
            .customize()
            .interceptor(WholePage)
            .send()
            .await
            .map_err(Failure::of)?;
        let count = page.contents().len() + page.common_prefixes().len();
        match page.key_count().map(usize::try_from) {
            Some(claimed) if claimed != Ok(count) => {
                Err(Failure::not_s3(&format!("a page of {count} keys claims another number")))
            }
            _ => Ok(page),
        }
    }

    /// One attempt at a body.
    async fn attempt(&self, object: &ObjectRef) -> Result<Body, Miss> {
        self.gets.fetch_add(1, Ordering::Relaxed);
        let answer = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(&object.key)
            .set_if_match(object.etag.clone())
            .checksum_mode(ChecksumMode::Enabled)
            .customize()
            // Retried here, where the body is retried too.
            .config_override(
                aws_sdk_s3::config::Builder::new().retry_config(RetryConfig::disabled()),
            )
            .send()
            .await
            .map_err(|error| {
                let failure = Failure::of(error);
                let transient = failure.is_transient();
                let class = object.storage_class.as_deref();
                Miss { transient, reason: failure.into_gap(class, &self.bucket) }
            })?;
        confirm_version(&answer, object.etag.as_deref())?;
        confirm_length(&answer, object.size)?;
        let encoding = answer.content_encoding().map(str::to_owned);
        let body = if object.size > SPOOL_BYTES {
            spool(answer.body, object.size).await?
        } else {
            collect(answer.body, object.size).await?
        };
        Ok(body.with_content_encoding(encoding))
    }
}

impl Cursor {
    /// Moves to the next page, if there is one and it is another one.
    fn advance(&mut self, page: &ListObjectsV2Output) -> Result<(), &'static str> {
        // A page that names another one is not the last, whatever else it says.
        let more = page.is_truncated() == Some(true) || page.next_continuation_token().is_some();
        if self.done || !more {
            self.done = true;
            return Ok(());
        }
        self.empty_pages = if page.contents().is_empty() { self.empty_pages + 1 } else { 0 };
        if self.empty_pages >= LIST_EMPTY_PAGES_MAX {
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
    let key = listed.key()?;
    let key = match encoding {
        Some(EncodingType::Url) => url_decoded(key)?,
        _ => key.to_owned(),
    };
    Some(ObjectRef {
        key,
        size: u64::try_from(listed.size()?).ok()?,
        modified: listed.last_modified().and_then(timestamp),
        etag: listed.e_tag().map(str::to_owned),
        storage_class: listed.storage_class().map(|class| class.as_str().to_owned()),
    })
}

fn timestamp(time: &DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
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

/// Why an attempt at a body failed, and whether another one makes sense.
#[derive(Debug)]
struct Miss {
    reason: GapReason,
    transient: bool,
}

impl Miss {
    fn transient(reason: GapReason) -> Self {
        Self { reason, transient: true }
    }

    fn last(reason: GapReason) -> Self {
        Self { reason, transient: false }
    }

    /// The reason, with the number of attempts where there was more than one.
    fn after(self, attempts: u32) -> GapReason {
        let said = |text| format!("{text}, after {attempts} attempts");
        match self.reason {
            reason if attempts == 1 => reason,
            GapReason::Failed(text) => GapReason::Failed(said(text)),
            GapReason::Checksum(text) => GapReason::Checksum(said(text)),
            reason => reason,
        }
    }
}

/// The wait after an attempt: doubled each time, capped, and between half and all of that, so that
/// many who fail at once do not return at once.
fn pause(attempt: u32) -> Duration {
    let doubled = FETCH_BACKOFF.saturating_mul(1 << (attempt - 1).min(16));
    doubled.min(FETCH_BACKOFF_MAX).mul_f64(0.5 + fastrand::f64() / 2.0)
}

/// A server that knows no `If-Match` answers all the same, and so does what is no S3 at all.
fn confirm_version(answer: &GetObjectOutput, expected: Option<&str>) -> Result<(), Miss> {
    let bare = |etag: &str| etag.trim_start_matches("W/").trim_matches('"').to_owned();
    match (answer.e_tag().map(bare), expected.map(bare)) {
        (Some(got), Some(expected)) if got != expected => Err(Miss::last(GapReason::Replaced)),
        (None, Some(_)) => {
            let what = "the answer does not say of which version it is (no ETag)";
            Err(Miss::transient(GapReason::Failed(what.to_owned())))
        }
        _ => Ok(()),
    }
}

fn confirm_length(answer: &GetObjectOutput, expected: u64) -> Result<(), Miss> {
    match answer.content_length().map(u64::try_from) {
        Some(Ok(got)) if got != expected => Err(Miss::last(GapReason::Length { expected, got })),
        _ => Ok(()),
    }
}

/// The next piece of a body of which `got` bytes have arrived.
async fn next(body: &mut ByteStream, got: u64, expected: u64) -> Result<Option<Bytes>, Miss> {
    let piece = match body.try_next().await {
        Ok(piece) => piece,
        Err(error) => {
            let mismatch = causes(&error).find_map(|cause| cause.downcast_ref::<ChecksumError>());
            return Err(Miss::transient(match mismatch {
                Some(mismatch) => GapReason::Checksum(mismatch.to_string()),
                None => GapReason::Length { expected, got },
            }));
        }
    };
    let total = got + piece.as_ref().map_or(0, |piece| piece.len() as u64);
    let ended = piece.is_none() && total < expected;
    if ended || total > expected {
        return Err(Miss::transient(GapReason::Length { expected, got: total }));
    }
    Ok(piece)
}

async fn collect(mut body: ByteStream, expected: u64) -> Result<Body, Miss> {
    let mut all = BytesMut::with_capacity(usize::try_from(expected).unwrap_or(0));
    while let Some(piece) = next(&mut body, all.len() as u64, expected).await? {
        all.extend_from_slice(&piece);
    }
    Ok(Body::from_bytes(all.freeze()))
}

/// Collects a body in a temporary file that has no name and vanishes with it.
async fn spool(mut body: ByteStream, expected: u64) -> Result<Body, Miss> {
    let full = |error: std::io::Error| {
        Miss::last(GapReason::Failed(format!("cannot be kept in a temporary file: {error}")))
    };
    let mut file = tokio::fs::File::from_std(tempfile::tempfile().map_err(full)?);
    let mut got = 0;
    while let Some(piece) = next(&mut body, got, expected).await? {
        file.write_all(&piece).await.map_err(full)?;
        got += piece.len() as u64;
    }
    file.flush().await.map_err(full)?;
    let mut file = file.into_std().await;
    file.rewind().map_err(full)?;
    Ok(Body::from_file(file, expected))
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

    #[test]
    fn waits_grow_and_stay_below_the_cap() {
        assert!(pause(1) <= FETCH_BACKOFF && pause(1) >= FETCH_BACKOFF / 2);
        assert!(pause(2) >= FETCH_BACKOFF);
        assert!(pause(60) <= FETCH_BACKOFF_MAX);
    }
}
