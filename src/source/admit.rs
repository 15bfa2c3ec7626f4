//! Bounds what is under way: requests, and the stored bytes that fetched bodies hold.

use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use tokio::sync::Semaphore;

use super::{Body, KeyRange, ObjectRef, Requests, Source, closed};
use crate::error::Result;
use crate::limits::KIB;
use crate::outcome::GapReason;

/// A source that fetches no more at once than it may.
///
/// Bytes are admitted by the size that the listing told, in the order in which fetches are first
/// polled, and belong to the body until it or its reader is dropped. An object larger than the
/// whole budget is admitted alone. A request is over when its body is complete, or the piece of a body
/// that it was made for.
///
/// Whoever needs bodies in order must also ask for them in that order: a later body may otherwise
/// hold the bytes that an earlier one waits for. `StreamExt::buffered` does ask in order.
#[derive(Debug)]
pub struct Admit<S> {
    inner: S,
    requests: Semaphore,
    bytes: Arc<Semaphore>,
    budget: u32,
}

impl<S: Source> Admit<S> {
    /// Bounds `inner` to so many requests and so many stored bytes at once. At least one request
    /// is allowed, whatever is asked for.
    pub fn new(inner: S, requests: usize, in_flight_bytes: u64) -> Self {
        let budget = units(in_flight_bytes);
        Self {
            inner,
            requests: Semaphore::new(requests.clamp(1, Semaphore::MAX_PERMITS)),
            bytes: Arc::new(Semaphore::new(budget as usize)),
            budget,
        }
    }

    /// What is bounded.
    pub fn inner(&self) -> &S {
        &self.inner
    }
}

/// Bytes in units of a semaphore, which counts in 32 bits: every object costs at least one KiB.
fn units(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(KIB).max(1)).unwrap_or(u32::MAX)
}

impl<S: Source> Source for Admit<S> {
    fn list<'a>(&'a self, range: &'a KeyRange) -> BoxStream<'a, Result<ObjectRef>> {
        self.inner.list(range)
    }

    fn fetch<'a>(&'a self, object: &'a ObjectRef) -> BoxFuture<'a, Result<Body, GapReason>> {
        Box::pin(async move {
            // Bytes first: whoever has a request is then never waiting for anything but its body.
            let share = units(object.size).min(self.budget);
            let bytes = self.bytes.clone().acquire_many_owned(share).await.map_err(closed)?;
            let body = self.inner.fetch_within(object, &self.requests).await?;
            Ok(body.holding(bytes))
        })
    }

    fn requests_of(&self, object: &ObjectRef) -> u64 {
        self.inner.requests_of(object)
    }

    fn requests(&self) -> Requests {
        self.inner.requests()
    }

    fn place(&self) -> Option<String> {
        self.inner.place()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::{FutureExt, StreamExt, stream};

    use super::*;

    /// Bodies of any size, each of which takes a moment; remembers how many it made at once.
    #[derive(Default)]
    struct Slow {
        now: AtomicUsize,
        most: AtomicUsize,
    }

    impl Source for Slow {
        fn list<'a>(&'a self, _: &'a KeyRange) -> BoxStream<'a, Result<ObjectRef>> {
            stream::empty().boxed()
        }

        fn fetch<'a>(&'a self, object: &'a ObjectRef) -> BoxFuture<'a, Result<Body, GapReason>> {
            Box::pin(async move {
                let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
                self.most.fetch_max(now, Ordering::SeqCst);
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                }
                self.now.fetch_sub(1, Ordering::SeqCst);
                Ok(Body::from_bytes(object.key.clone().into_bytes()))
            })
        }
    }

    fn object(key: &str, size: u64) -> ObjectRef {
        let key = key.into();
        ObjectRef { key, size, modified: None, etag: None, storage_class: None }
    }

    #[tokio::test]
    async fn no_more_requests_run_at_once_than_allowed() {
        let admit = Admit::new(Slow::default(), 3, 1 << 30);
        let objects: Vec<_> = (0..20).map(|i| object(&i.to_string(), 1)).collect();
        futures::future::join_all(objects.iter().map(|object| admit.fetch(object))).await;
        assert_eq!(admit.inner().most.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn a_body_keeps_its_bytes_until_its_reader_is_dropped() {
        let admit = Admit::new(Slow::default(), 8, 100 * KIB);
        let (first, second) = (object("first", 60 * KIB), object("second", 60 * KIB));
        let mut reader = admit.fetch(&first).await.unwrap().into_reader();
        let mut waiting = admit.fetch(&second);
        assert!((&mut waiting).now_or_never().is_none());
        let mut content = String::new();
        reader.read_to_string(&mut content).unwrap();
        assert_eq!(content, "first");
        for _ in 0..10 {
            assert!((&mut waiting).now_or_never().is_none(), "the reader still lives");
        }
        drop(reader);
        assert_eq!(waiting.await.unwrap().len(), 6);
    }

    #[tokio::test]
    async fn an_object_larger_than_the_budget_is_admitted_alone() {
        let admit = Admit::new(Slow::default(), 8, 10 * KIB);
        let (huge, small) = (object("huge", 1 << 50), object("small", 0));
        let body = admit.fetch(&huge).await.unwrap();
        let mut waiting = admit.fetch(&small);
        for _ in 0..10 {
            assert!((&mut waiting).now_or_never().is_none(), "it is not alone");
        }
        drop(body);
        waiting.await.unwrap();
    }
}
