//! A large body, got in pieces side by side: a connection to S3 gives less than most networks take.
//!
//! A body in pieces is as sure as one that comes at once: each piece is of the version that was listed,
//! says which bytes it is and of how many, and has that length; together they have the checksum that S3
//! keeps. Where that cannot be had, or ranges are not what they should be, the body is asked for at once,
//! as if nothing had been.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use aws_sdk_s3::config::ResponseChecksumValidation;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::ChecksumMode;
use bytes::Bytes;
use crc_fast::Digest;
use futures::stream::{FuturesUnordered, TryStreamExt};
use tokio::sync::Semaphore;

use super::S3;
use super::crc::{Crc, Kept};
use super::fetch::{Miss, confirm_version, full, next, once};
use crate::aws::{Failure, Status};
use crate::limits::{RANGE_BYTES, RANGED_ABOVE_BYTES, RANGES_AT_ONCE, SPOOL_BYTES};
use crate::outcome::GapReason;
use crate::source::{Body, ObjectRef, closed, is_strong};

/// What is got in pieces, and in which.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ranges {
    /// Objects of more bytes.
    pub(super) above: u64,
    /// Bytes of a piece; the last one has what is left.
    pub(super) piece: u64,
}

impl Default for Ranges {
    fn default() -> Self {
        Self { above: RANGED_ABOVE_BYTES, piece: RANGE_BYTES }
    }
}

impl Ranges {
    /// Whether an object is got in pieces. Only a strong ETag says that they are of one body.
    fn apply_to(self, object: &ObjectRef) -> bool {
        object.size > self.above && object.etag.as_deref().is_some_and(is_strong)
    }

    /// The requests that a body takes, if each succeeds.
    pub(super) fn requests_of(self, object: &ObjectRef) -> u64 {
        let pieces = object.size.div_ceil(self.piece);
        if self.apply_to(object) { 1 + pieces } else { 1 }
    }

    fn cut(self, size: u64) -> impl Iterator<Item = Range<u64>> + Send {
        let starts = (0..size.div_ceil(self.piece)).map(move |number| number * self.piece);
        starts.map(move |start| start..size.min(start + self.piece))
    }
}

/// What the pieces of a body have in common.
struct Whole<'a> {
    object: &'a ObjectRef,
    permits: &'a Semaphore,
    crc: Option<Crc>,
    /// Their `Content-Encoding`, once the first of them has come.
    encoding: OnceLock<Option<String>>,
}

/// Where a piece goes.
enum Room<'a> {
    Memory(&'a mut [u8]),
    File { file: Arc<Mutex<File>>, start: u64 },
}

/// Why a piece was not got.
enum Trouble {
    /// What would also have happened to a body that comes at once.
    Miss(Miss),
    /// Ranges are not what they should be.
    Unranged(String),
}

impl From<Miss> for Trouble {
    fn from(miss: Miss) -> Self {
        Self::Miss(miss)
    }
}

impl S3 {
    /// The body of an object, in pieces. `None` where it is to be got at once.
    pub(super) async fn in_pieces(
        &self,
        object: &ObjectRef,
        permits: &Semaphore,
    ) -> Result<Option<Body>, GapReason> {
        if !self.ranges.apply_to(object) {
            return Ok(None);
        }
        let crc = match self.kept(object, permits).await? {
            Some(Kept::Crc(crc)) => Some(crc),
            Some(Kept::Nothing) => None,
            Some(Kept::Another) | None => return Ok(None),
        };
        let whole = Whole { object, permits, crc, encoding: OnceLock::new() };
        let body = if object.size > SPOOL_BYTES {
            self.pieces_in_file(&whole).await
        } else {
            self.pieces_in_memory(&whole).await
        };
        match body {
            Ok(body) => Ok(Some(body.with_content_encoding(whole.encoding.into_inner().flatten()))),
            Err(Trouble::Miss(miss)) => Err(miss.reason),
            Err(Trouble::Unranged(why)) => {
                tracing::debug!(key = object.key, why, "got at once instead of in pieces");
                Ok(None)
            }
        }
    }

    /// What S3 keeps of an object to check it by. `None` where it does not say, or not of this version:
    /// asking for the body finds out what is wrong, and says it better than an answer without a body.
    async fn kept(
        &self,
        object: &ObjectRef,
        permits: &Semaphore,
    ) -> Result<Option<Kept>, GapReason> {
        let _permit = permits.acquire().await.map_err(closed)?;
        self.gets.fetch_add(1, Ordering::Relaxed);
        let request = self.client.head_object().bucket(&self.bucket).key(&object.key);
        let asked = request.checksum_mode(ChecksumMode::Enabled).customize();
        Ok(match asked.config_override(once()).send().await.map_err(Failure::of) {
            Ok(head) => is_of(&head, object).then(|| Kept::by(&head)),
            Err(failure) => {
                tracing::debug!(key = object.key, detail = failure.detail(), "HeadObject");
                None
            }
        })
    }

    async fn pieces_in_memory(&self, whole: &Whole<'_>) -> Result<Body, Trouble> {
        let piece = usize::try_from(self.ranges.piece).unwrap_or(usize::MAX);
        let size = usize::try_from(whole.object.size).unwrap_or(usize::MAX);
        let mut buffer = self.buffers.take(size);
        let rooms = buffer.room(size).chunks_mut(piece).map(Room::Memory);
        self.pieces(whole, Box::new(rooms)).await?;
        Ok(Body::from_bytes(buffer.freeze()))
    }

    /// In a temporary file that has no name and vanishes with the body.
    async fn pieces_in_file(&self, whole: &Whole<'_>) -> Result<Body, Trouble> {
        let size = whole.object.size;
        let file = Arc::new(Mutex::new(tempfile::tempfile().map_err(full)?));
        let starts = self.ranges.cut(size).map(|range| range.start);
        let rooms = starts.map(|start| Room::File { file: Arc::clone(&file), start });
        self.pieces(whole, Box::new(rooms)).await?;
        let left = || io::Error::other("it is still written to");
        let file = Arc::into_inner(file).ok_or_else(left).map_err(full)?;
        let mut file = file.into_inner().unwrap_or_else(PoisonError::into_inner);
        file.rewind().map_err(full)?;
        Ok(Body::from_file(file, size))
    }

    /// Fills rooms with the pieces of a body, several at once, and checks what they are together.
    async fn pieces<'a>(
        &self,
        whole: &Whole<'_>,
        rooms: Box<dyn Iterator<Item = Room<'a>> + Send + 'a>,
    ) -> Result<(), Trouble> {
        let mut pieces = self.ranges.cut(whole.object.size).zip(rooms);
        let mut under_way = FuturesUnordered::new();
        let mut digests = Vec::new();
        loop {
            let room = RANGES_AT_ONCE - under_way.len();
            let next = pieces.by_ref().take(room);
            under_way.extend(next.map(|(range, room)| self.piece(whole, range, room)));
            match under_way.try_next().await? {
                Some(digest) => digests.push(digest),
                None => break,
            }
        }
        digests.sort_unstable_by_key(|(start, _)| *start);
        let digests = digests.iter().filter_map(|(_, digest)| digest.as_ref());
        match &whole.crc {
            Some(crc) if !crc.is_of(digests) => {
                Err(Trouble::Unranged("the pieces have another checksum".to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// A piece, with as many attempts as are allowed: where it starts, and its checksum.
    async fn piece(
        &self,
        whole: &Whole<'_>,
        range: Range<u64>,
        mut room: Room<'_>,
    ) -> Result<(u64, Option<Digest>), Trouble> {
        let permit = whole.permits.acquire().await;
        let _permit = permit.map_err(|error| Miss::last(closed(error)))?;
        let mut attempt = 1;
        loop {
            match self.attempt_at(whole, &range, &mut room).await {
                Ok(digest) => return Ok((range.start, digest)),
                Err(Trouble::Miss(miss)) => self.again(whole.object, miss, attempt).await?,
                Err(unranged) => return Err(unranged),
            }
            attempt += 1;
        }
    }

    /// One attempt at a piece.
    async fn attempt_at(
        &self,
        whole: &Whole<'_>,
        range: &Range<u64>,
        room: &mut Room<'_>,
    ) -> Result<Option<Digest>, Trouble> {
        let status = Status::default();
        let asked =
            self.get(whole.object).range(format!("bytes={}-{}", range.start, range.end - 1));
        // What a server names besides would be the checksum of the whole.
        let config = once().response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        let asked = asked.customize().config_override(config).interceptor(status.clone());
        let answer = asked.send().await.map_err(|error| self.refused(whole, Failure::of(error)))?;
        whole.confirm(&answer, status.get(), range)?;
        let (size, len) = (whole.object.size, range.end - range.start);
        let mut body = answer.body;
        let mut digest = whole.crc.as_ref().map(Crc::digest);
        let mut got = 0;
        while let Some(chunk) = next(&mut body, got, len).await.map_err(|miss| miss.of(size))? {
            if let Some(digest) = &mut digest {
                digest.update(&chunk);
            }
            let at = got;
            got += chunk.len() as u64;
            room.put(at, chunk).await.map_err(full)?;
        }
        Ok(digest)
    }

    fn refused(&self, whole: &Whole<'_>, failure: Failure) -> Trouble {
        match failure.status() {
            // No such method, no such range, not implemented.
            Some(405 | 416 | 501) => Trouble::Unranged(failure.detail().to_owned()),
            _ => Trouble::Miss(self.miss(whole.object, failure)),
        }
    }
}

/// Whether an answer is about the version that was listed, and offers ranges of it.
fn is_of(head: &HeadObjectOutput, object: &ObjectRef) -> bool {
    let size = head.content_length().and_then(|size| u64::try_from(size).ok());
    head.e_tag().is_some_and(is_strong)
        && confirm_version(head.e_tag(), object.etag.as_deref()).is_ok()
        && size == Some(object.size)
        && head.accept_ranges() == Some("bytes")
}

impl Whole<'_> {
    /// Whether an answer has the piece that it was asked for.
    fn confirm(
        &self,
        answer: &GetObjectOutput,
        status: u16,
        range: &Range<u64>,
    ) -> Result<(), Trouble> {
        if answer.e_tag().is_none() {
            return Err(Trouble::Unranged("a piece without an ETag".to_owned()));
        }
        confirm_version(answer.e_tag(), self.object.etag.as_deref())?;
        let size = self.object.size;
        let asked = format!("bytes {}-{}/{size}", range.start, range.end - 1);
        let said = answer.content_range();
        if status != 206 || said != Some(&asked) || !answer.e_tag().is_some_and(is_strong) {
            let said = said.unwrap_or("no range");
            return Err(Trouble::Unranged(format!("HTTP {status}, {said} instead of {asked}")));
        }
        let len = range.end - range.start;
        match answer.content_length().map(u64::try_from) {
            Some(Ok(got)) if got != len => {
                let short = GapReason::Length { expected: len, got };
                return Err(Miss::transient(short).of(size).into());
            }
            _ => {}
        }
        let encoding = answer.content_encoding().map(str::to_owned);
        if *self.encoding.get_or_init(|| encoding.clone()) != encoding {
            // An object that is copied onto itself with another encoding keeps its ETag.
            return Err(Trouble::Unranged("another Content-Encoding".to_owned()));
        }
        Ok(())
    }
}

impl Miss {
    /// Of a piece's length, told as that of the whole object.
    fn of(mut self, size: u64) -> Self {
        if let GapReason::Length { expected, got } = &mut self.reason {
            *got += size - *expected;
            *expected = size;
        }
        self
    }
}

impl Room<'_> {
    /// Puts a part of the piece to its place.
    async fn put(&mut self, at: u64, chunk: Bytes) -> io::Result<()> {
        match self {
            Self::Memory(room) => {
                let at = usize::try_from(at).map_err(io::Error::other)?;
                room[at..at + chunk.len()].copy_from_slice(&chunk);
                Ok(())
            }
            Self::File { file, start } => {
                let (file, at) = (Arc::clone(file), *start + at);
                let write = move || {
                    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                    file.seek(SeekFrom::Start(at))?;
                    file.write_all(&chunk)
                };
                tokio::task::spawn_blocking(write).await.map_err(io::Error::other)?
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn object(size: u64, etag: Option<&str>) -> ObjectRef {
        let etag = etag.map(str::to_owned);
        ObjectRef { key: "x".into(), size, modified: None, etag, storage_class: None }
    }

    proptest! {
        #[test]
        fn pieces_are_the_whole_each_byte_once(size in 1..10_000_u64, piece in 1..3_000_u64) {
            let ranges = Ranges { above: 0, piece };
            let cut: Vec<_> = ranges.cut(size).collect();
            let ends = cut.iter().map(|range| range.end);
            let starts: Vec<_> = std::iter::once(0).chain(ends).collect();
            prop_assert!(cut.iter().map(|range| range.start).eq(starts[..cut.len()].iter().copied()));
            prop_assert_eq!(starts.last(), Some(&size));
            let (last, full) = cut.split_last().unwrap();
            prop_assert!(full.iter().all(|range| range.end - range.start == piece));
            prop_assert!(!last.is_empty() && last.end - last.start <= piece);
            prop_assert_eq!(ranges.requests_of(&object(size, Some("\"e\""))), 1 + cut.len() as u64);
        }
    }

    #[test]
    fn only_large_objects_that_say_which_version_they_are_take_more_than_a_request() {
        let of = |size, etag| Ranges::default().requests_of(&object(size, etag));
        let large = RANGED_ABOVE_BYTES + 1;
        assert_eq!(of(large, Some("\"e\"")), 4);
        assert_eq!(of(large - 1, Some("\"e\"")), 1);
        for etag in [None, Some("W/\"e\""), Some("\"\""), Some("")] {
            assert_eq!(of(large, etag), 1, "{etag:?}");
        }
    }
}
