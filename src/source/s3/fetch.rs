//! One body: asked for, confirmed, and asked for again where that makes sense.

use std::io::{self, Seek};
use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{self, AsyncSleep};
use aws_sdk_s3::operation::get_object::builders::GetObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumMode;
use aws_smithy_checksums::body::validate::Error as ChecksumError;
use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;

use super::S3;
use super::buffers::Buffers;
use crate::aws::{Failure, causes};
use crate::limits::{FETCH_ATTEMPTS, FETCH_BACKOFF, FETCH_BACKOFF_MAX, SPOOL_BYTES};
use crate::outcome::GapReason;
use crate::source::{Body, ObjectRef, closed};

impl S3 {
    /// The body of an object, each of its requests with a permit: in pieces where that is worth it, and
    /// else with as many attempts as are allowed.
    pub(super) async fn body(
        &self,
        object: &ObjectRef,
        permits: &Semaphore,
    ) -> Result<Body, GapReason> {
        if let Some(body) = self.in_pieces(object, permits).await? {
            return Ok(body);
        }
        let _permit = permits.acquire().await.map_err(closed)?;
        let mut attempt = 1;
        loop {
            match self.attempt(object).await {
                Ok(body) => return Ok(body),
                Err(miss) => self.again(object, miss, attempt).await.map_err(|miss| miss.reason)?,
            }
            attempt += 1;
        }
    }

    /// Waits for the next attempt, if there is to be one.
    pub(super) async fn again(
        &self,
        object: &ObjectRef,
        miss: Miss,
        attempt: u32,
    ) -> Result<(), Miss> {
        if !miss.transient || attempt >= FETCH_ATTEMPTS {
            return Err(miss.after(attempt));
        }
        tracing::debug!(key = object.key, attempt, reason = %miss.reason, "again");
        self.sleep(pause(attempt)).await;
        Ok(())
    }

    /// Waits as the connection waits between its own attempts.
    async fn sleep(&self, wait: Duration) {
        match self.client.config().sleep_impl() {
            Some(sleep) => sleep.sleep(wait).await,
            None => tokio::time::sleep(wait).await,
        }
    }

    /// One attempt at a body.
    async fn attempt(&self, object: &ObjectRef) -> Result<Body, Miss> {
        let asked = self.get(object).checksum_mode(ChecksumMode::Enabled).customize();
        let answer = asked.config_override(once()).send().await;
        let answer = answer.map_err(|error| self.miss(object, Failure::of(error)))?;
        confirm_version(answer.e_tag(), object.etag.as_deref())?;
        confirm_length(answer.content_length(), object.size)?;
        let encoding = answer.content_encoding().map(str::to_owned);
        let body = if object.size > SPOOL_BYTES {
            spool(answer.body, object.size).await?
        } else {
            collect(answer.body, object.size, &self.buffers).await?
        };
        Ok(body.with_content_encoding(encoding))
    }

    /// A request for an object as it was listed, counted as made.
    pub(super) fn get(&self, object: &ObjectRef) -> GetObjectFluentBuilder {
        self.gets.fetch_add(1, Ordering::Relaxed);
        let request = self.client.get_object().bucket(&self.bucket).key(&object.key);
        request.set_if_match(object.etag.clone())
    }

    /// What a failed request for an object comes to.
    pub(super) fn miss(&self, object: &ObjectRef, failure: Failure) -> Miss {
        let transient = failure.is_transient();
        let class = object.storage_class.as_deref();
        Miss { transient, reason: failure.into_gap(class, &self.bucket) }
    }
}

/// Requests are retried here, where bodies are retried too.
pub(super) fn once() -> config::Builder {
    config::Builder::new().retry_config(RetryConfig::disabled())
}

/// Why an attempt at a body failed, and whether another one makes sense.
#[derive(Debug)]
pub(super) struct Miss {
    pub(super) reason: GapReason,
    transient: bool,
}

impl Miss {
    pub(super) fn transient(reason: GapReason) -> Self {
        Self { reason, transient: true }
    }

    pub(super) fn last(reason: GapReason) -> Self {
        Self { reason, transient: false }
    }

    /// The reason, with the number of attempts where there was more than one.
    fn after(self, attempts: u32) -> Self {
        let said = |text| format!("{text}, after {attempts} attempts");
        Self::last(match self.reason {
            reason if attempts == 1 => reason,
            GapReason::Failed(text) => GapReason::Failed(said(text)),
            GapReason::Checksum(text) => GapReason::Checksum(said(text)),
            reason => reason,
        })
    }
}

/// The wait after an attempt: doubled each time, capped, and between half and all of that, so that
/// many who fail at once do not return at once.
fn pause(attempt: u32) -> Duration {
    let doubled = FETCH_BACKOFF.saturating_mul(1 << (attempt - 1).min(16));
    doubled.min(FETCH_BACKOFF_MAX).mul_f64(0.5 + fastrand::f64() / 2.0)
}

/// A server that knows no `If-Match` answers all the same, and so does what is no S3 at all.
pub(super) fn confirm_version(got: Option<&str>, expected: Option<&str>) -> Result<(), Miss> {
    let bare = |etag: &str| etag.trim_start_matches("W/").trim_matches('"').to_owned();
    match (got.map(bare), expected.map(bare)) {
        (Some(got), Some(expected)) if got != expected => Err(Miss::last(GapReason::Replaced)),
        (None, Some(_)) => {
            let what = "the answer does not say of which version it is (no ETag)";
            Err(Miss::transient(GapReason::Failed(what.to_owned())))
        }
        _ => Ok(()),
    }
}

fn confirm_length(got: Option<i64>, expected: u64) -> Result<(), Miss> {
    match got.map(u64::try_from) {
        Some(Ok(got)) if got != expected => Err(Miss::last(GapReason::Length { expected, got })),
        _ => Ok(()),
    }
}

/// The next piece of a body of which `got` bytes have arrived.
pub(super) async fn next(
    body: &mut ByteStream,
    got: u64,
    expected: u64,
) -> Result<Option<Bytes>, Miss> {
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

async fn collect(mut body: ByteStream, expected: u64, buffers: &Buffers) -> Result<Body, Miss> {
    let mut all = buffers.take(usize::try_from(expected).unwrap_or(0));
    while let Some(piece) = next(&mut body, all.len() as u64, expected).await? {
        all.extend(&piece);
    }
    Ok(Body::from_bytes(all.freeze()))
}

/// What comes of a temporary file that cannot be written.
pub(super) fn full(error: io::Error) -> Miss {
    Miss::last(GapReason::Failed(format!("cannot be kept in a temporary file: {error}")))
}

/// Collects a body in a temporary file that has no name and vanishes with it.
async fn spool(mut body: ByteStream, expected: u64) -> Result<Body, Miss> {
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
    fn waits_grow_and_stay_below_the_cap() {
        assert!(pause(1) <= FETCH_BACKOFF && pause(1) >= FETCH_BACKOFF / 2);
        assert!(pause(2) >= FETCH_BACKOFF);
        assert!(pause(60) <= FETCH_BACKOFF_MAX);
    }
}
