//! Where objects are: a two-method trait, and what implements it.
//!
//! A source lists objects and fetches whole bodies. It knows nothing of what is inside them.

pub mod admit;
pub mod local;
mod pieces;
#[cfg(feature = "aws")]
pub mod s3;
#[cfg(feature = "aws")]
pub mod store;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use jiff::Timestamp;
pub use pieces::Pieces;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use crate::error::Result;
use crate::outcome::GapReason;

/// One object as the listing told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRef {
    /// The whole key; for a local directory the path below it, with `/` between the parts.
    pub key: String,
    /// Stored bytes.
    pub size: u64,
    /// When the object was last written (`LastModified` of `ListObjectsV2`).
    pub modified: Option<Timestamp>,
    /// What identifies this very version of the object: the S3 ETag as given (quotes included), or
    /// a local file's size and time of modification.
    pub etag: Option<String>,
    /// `StorageClass` of `ListObjectsV2`, where the listing gave one.
    pub storage_class: Option<String>,
}

/// The part of the key space to list: keys that start with `prefix`, sort after `start_after` and
/// before `stop_before`, compared as bytes, as S3 does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyRange {
    /// What every key starts with. It always starts with the prefix of the source's location.
    pub prefix: String,
    /// Keys up to and including this one are left out.
    pub start_after: Option<String>,
    /// This key and all after it are left out.
    pub stop_before: Option<String>,
}

impl KeyRange {
    /// All keys that start with `prefix`.
    pub fn all(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..Self::default() }
    }

    /// Whether the range holds a key.
    pub fn contains(&self, key: &str) -> bool {
        key.starts_with(&self.prefix)
            && self.start_after.as_deref().is_none_or(|start| key > start)
            && self.stop_before.as_deref().is_none_or(|stop| key < stop)
    }

    /// Whether the range can hold a longer key that starts with `start`.
    pub fn may_hold_under(&self, start: &str) -> bool {
        (start.starts_with(&self.prefix) || self.prefix.starts_with(start))
            && self.start_after.as_deref().is_none_or(|s| start > s || s.starts_with(start))
            && self.stop_before.as_deref().is_none_or(|stop| start < stop)
    }
}

/// Requests that a source has made so far. A local directory makes none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requests {
    /// Pages of listings (`ListObjectsV2`).
    pub list: u64,
    /// Attempts at bodies and pieces of them (`GetObject`), and questions about them (`HeadObject`),
    /// which cost the same.
    pub get: u64,
}

/// Where objects are.
pub trait Source: Send + Sync {
    /// The objects of a range, in the order of their keys' bytes, lazily: nothing is asked for
    /// before the stream is polled, and no page after the one that satisfied the reader.
    ///
    /// # Errors
    /// The stream ends with its first error: no such bucket, no right to list, nobody there. What
    /// was listed before it does not make a listing.
    fn list<'a>(&'a self, range: &'a KeyRange) -> BoxStream<'a, Result<ObjectRef>>;

    /// The whole body of an object as it was when it was listed: its length confirmed, its checksum
    /// too where the source has one.
    ///
    /// # Errors
    /// [`GapReason`]: why this one body could not be had. The run goes on.
    fn fetch<'a>(&'a self, object: &'a ObjectRef) -> BoxFuture<'a, Result<Body, GapReason>>;

    /// [`Source::fetch`], by requests of which each takes a permit when it begins, and gives it back
    /// when it is over. Nobody who has one waits for another.
    ///
    /// # Errors
    /// As [`Source::fetch`].
    fn fetch_within<'a>(
        &'a self,
        object: &'a ObjectRef,
        permits: &'a Semaphore,
    ) -> BoxFuture<'a, Result<Body, GapReason>> {
        Box::pin(async move {
            let _permit = permits.acquire().await.map_err(closed)?;
            self.fetch(object).await
        })
    }

    /// The requests that a body takes, if each succeeds.
    fn requests_of(&self, _object: &ObjectRef) -> u64 {
        1
    }

    /// The requests made so far, which somebody may have to pay for.
    fn requests(&self) -> Requests {
        Requests::default()
    }

    /// What tells this bucket or directory from all others, today and tomorrow. `None` where nothing
    /// does: then its objects cannot be recognised in another run.
    fn place(&self) -> Option<String> {
        None
    }
}

impl<S: Source + ?Sized> Source for Box<S> {
    fn list<'a>(&'a self, range: &'a KeyRange) -> BoxStream<'a, Result<ObjectRef>> {
        (**self).list(range)
    }

    fn fetch<'a>(&'a self, object: &'a ObjectRef) -> BoxFuture<'a, Result<Body, GapReason>> {
        (**self).fetch(object)
    }

    fn fetch_within<'a>(
        &'a self,
        object: &'a ObjectRef,
        permits: &'a Semaphore,
    ) -> BoxFuture<'a, Result<Body, GapReason>> {
        (**self).fetch_within(object, permits)
    }

    fn requests_of(&self, object: &ObjectRef) -> u64 {
        (**self).requests_of(object)
    }

    fn requests(&self) -> Requests {
        (**self).requests()
    }

    fn place(&self) -> Option<String> {
        (**self).place()
    }
}

/// Whether a body can be told from all others by this ETag: a weak one (RFC 9110, section 8.8.1) may stay
/// where bytes change.
pub(crate) fn is_strong(etag: &str) -> bool {
    !etag.trim_matches('"').is_empty() && !etag.starts_with("W/")
}

/// The semaphores are never closed, so this is never seen.
fn closed(_: AcquireError) -> GapReason {
    GapReason::Failed("no more bodies are admitted".into())
}

/// A complete body.
#[derive(Debug)]
pub struct Body {
    /// The `Content-Encoding` that came with it, where one did.
    pub content_encoding: Option<String>,
    data: Data,
    permit: Option<OwnedSemaphorePermit>,
}

#[derive(Debug)]
enum Data {
    Memory(Bytes),
    File { file: File, len: u64 },
}

impl Body {
    /// A body in memory.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        Self { content_encoding: None, data: Data::Memory(bytes.into()), permit: None }
    }

    /// A body in a file that is positioned at its start and holds `len` bytes from there.
    pub fn from_file(file: File, len: u64) -> Self {
        Self { content_encoding: None, data: Data::File { file, len }, permit: None }
    }

    /// Adds the `Content-Encoding` that came with the body.
    #[must_use]
    pub fn with_content_encoding(mut self, encoding: Option<String>) -> Self {
        self.content_encoding = encoding;
        self
    }

    /// Keeps a permit until the body, or the reader made of it, is dropped.
    #[must_use]
    fn holding(mut self, permit: OwnedSemaphorePermit) -> Self {
        self.permit = Some(permit);
        self
    }

    /// Stored bytes.
    pub fn len(&self) -> u64 {
        match &self.data {
            Data::Memory(bytes) => bytes.len() as u64,
            Data::File { len, .. } => *len,
        }
    }

    /// All its bytes, where they lie in memory.
    pub(crate) fn bytes(&self) -> Option<Bytes> {
        match &self.data {
            Data::Memory(bytes) => Some(bytes.clone()),
            Data::File { .. } => None,
        }
    }

    /// Whether it lies in memory, and not in a file.
    pub fn is_in_memory(&self) -> bool {
        matches!(self.data, Data::Memory(_))
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first bytes, at most `count`, which stay in the body.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn head(&mut self, count: usize) -> io::Result<Vec<u8>> {
        match &mut self.data {
            Data::Memory(bytes) => Ok(bytes[..count.min(bytes.len())].to_vec()),
            Data::File { file, len } => {
                let start = file.stream_position()?;
                let mut head = Vec::new();
                let count = (count as u64).min(*len);
                Read::by_ref(file).take(count).read_to_end(&mut head)?;
                file.seek(SeekFrom::Start(start))?;
                Ok(head)
            }
        }
    }

    /// The bytes in any order.
    ///
    /// # Errors
    /// When the file cannot tell where it stands.
    pub fn into_pieces(self) -> io::Result<Pieces> {
        Pieces::new(self)
    }

    /// The bytes from the start. A file that has become shorter or longer than it was when the body
    /// was made is an error: what was read of it is not the object.
    pub fn into_reader(self) -> BodyReader {
        BodyReader { data: self.data, read: 0, _permit: self.permit }
    }
}

/// Reads a [`Body`] from its start to its end.
#[derive(Debug)]
pub struct BodyReader {
    data: Data,
    read: u64,
    _permit: Option<OwnedSemaphorePermit>,
}

impl BodyReader {
    /// The body again, whole, whatever was read of it.
    ///
    /// # Errors
    /// When its file cannot go back.
    pub(crate) fn into_body(self) -> io::Result<Body> {
        let Self { mut data, read, _permit: permit } = self;
        if let Data::File { file, .. } = &mut data {
            file.seek_relative(-i64::try_from(read).map_err(io::Error::other)?)?;
        }
        Ok(Body { content_encoding: None, data, permit })
    }
}

impl Read for BodyReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.data {
            Data::Memory(bytes) => {
                let read = usize::try_from(self.read).map_err(io::Error::other)?;
                let rest = &bytes[read..];
                let count = out.len().min(rest.len());
                out[..count].copy_from_slice(&rest[..count]);
                count
            }
            Data::File { file, len } => {
                let count = file.read(out)?;
                let total = self.read + count as u64;
                let short = count == 0 && !out.is_empty() && total < *len;
                if short || total > *len {
                    return Err(changed(total, *len));
                }
                count
            }
        };
        self.read += count as u64;
        Ok(count)
    }
}

/// What is read is not what was listed.
fn changed(there: u64, len: u64) -> io::Error {
    io::Error::other(format!("changed while it was read: {there} bytes instead of {len}"))
}

#[cfg(test)]
mod tests {
    use super::KeyRange;

    #[test]
    fn a_range_rules_out_only_directories_that_hold_none_of_its_keys() {
        let range = KeyRange {
            prefix: "2026/".into(),
            start_after: Some("2026/02/x".into()),
            stop_before: Some("2026/04/".into()),
        };
        for (directory, may) in [
            ("2026/", true),
            ("2025/", false),
            ("20/", false),
            ("2026/01/", false),
            ("2026/02/", true),
            ("2026/02/a/", false),
            ("2026/02/x/", true),
            ("2026/03/", true),
            ("2026/04/", false),
        ] {
            assert_eq!(range.may_hold_under(directory), may, "{directory}");
        }
    }
}
