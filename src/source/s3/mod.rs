//! A bucket, read through the AWS SDK.

mod buffers;
mod crc;
mod divide;
mod fetch;
mod list;
mod ranged;

use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_s3::Client;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use tokio::sync::Semaphore;

use super::{Body, KeyRange, ObjectRef, Requests, Source};
use crate::aws::Aws;
use crate::error::Result;
use crate::limits::LISTINGS;
use crate::outcome::GapReason;
use buffers::Buffers;
use ranged::Ranges;

/// A bucket as a source.
#[derive(Debug)]
pub struct S3 {
    client: Client,
    bucket: String,
    endpoint: Option<String>,
    region: String,
    page_size: Option<i32>,
    listings: usize,
    lists: AtomicU64,
    gets: AtomicU64,
    ranges: Ranges,
    buffers: Buffers,
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
            listings: LISTINGS,
            lists: AtomicU64::new(0),
            gets: AtomicU64::new(0),
            ranges: Ranges::default(),
            buffers: Buffers::default(),
        }
    }

    /// Asks for so many keys a page instead of S3's 1000 (`MaxKeys` of `ListObjectsV2`).
    #[must_use]
    pub fn page_size(mut self, keys: i32) -> Self {
        self.page_size = Some(keys);
        self
    }

    /// Reads a long listing in at most so many pieces at a time, and never in more than
    /// [`LISTINGS`].
    #[must_use]
    pub fn listings(mut self, at_once: usize) -> Self {
        self.listings = at_once.clamp(1, LISTINGS);
        self
    }

    /// Gets objects of more than `above` bytes in pieces of `piece` bytes, instead of those that
    /// [`RANGED_ABOVE_BYTES`] and [`RANGE_BYTES`] say. A piece is at least one byte.
    ///
    /// [`RANGED_ABOVE_BYTES`]: crate::limits::RANGED_ABOVE_BYTES
    /// [`RANGE_BYTES`]: crate::limits::RANGE_BYTES
    #[must_use]
    pub fn ranges(mut self, above: u64, piece: u64) -> Self {
        self.ranges = Ranges { above, piece: piece.max(1) };
        self
    }
}

impl Source for S3 {
    fn list<'a>(&'a self, range: &'a KeyRange) -> BoxStream<'a, Result<ObjectRef>> {
        self.objects(range)
    }

    fn fetch<'a>(&'a self, object: &'a ObjectRef) -> BoxFuture<'a, Result<Body, GapReason>> {
        Box::pin(async move {
            let permits = Semaphore::new(Semaphore::MAX_PERMITS);
            self.body(object, &permits).await
        })
    }

    fn fetch_within<'a>(
        &'a self,
        object: &'a ObjectRef,
        permits: &'a Semaphore,
    ) -> BoxFuture<'a, Result<Body, GapReason>> {
        Box::pin(self.body(object, permits))
    }

    fn requests_of(&self, object: &ObjectRef) -> u64 {
        self.ranges.requests_of(object)
    }

    fn requests(&self) -> Requests {
        Requests {
            list: self.lists.load(Ordering::Relaxed),
            get: self.gets.load(Ordering::Relaxed),
        }
    }

    /// At AWS a bucket's name is its own in all regions.
    fn place(&self) -> Option<String> {
        let endpoint = self.endpoint.as_deref().unwrap_or("aws");
        Some(format!("{endpoint} s3://{}", self.bucket))
    }
}
