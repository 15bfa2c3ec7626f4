//! The control flow of a run: list, admit, fetch, decode, split, fingerprint, commit, finish.
//!
//! ```text
//! Source::list ─► catalog ─► Source::fetch ─► Body │ decode ─► split ─► fingerprint ─► Staged ─► commit
//!                    │             │               │               │                               │
//!                 skipped         gap              │          malformed spans                   compare
//!                                       async ◄────┴────► worker threads
//! ```
//!
//! An object is atomic: everything it holds is staged, and committed once, when its body has been
//! read to its end. Which object finishes first changes no answer: objects are numbered in the order
//! of their keys, and everything is reported in that order.

mod catalog;
mod columns;
mod compare;
mod dump;
mod excerpts;
mod failed;
mod list;
mod reconcile;
mod stage;
mod truth;

use std::future::Future;
use std::sync::Arc;

use futures::StreamExt;

pub use catalog::Listed;
pub use dump::{DumpOutcome, DumpSink, Dumped, LEFT_OUT, Wanted};
pub use list::{Contents, Estimate, Listing};
pub use truth::Manifest;

use crate::error::{Error, ErrorKind, Result};
use crate::observe::{Event, Observer};
use crate::outcome::{Gap, GapReason, Verdict};
use crate::plan::ReadPlan;
use crate::source::{Body, ObjectRef, Source};

/// A run over one location.
#[derive(Clone)]
pub struct Run {
    source: Arc<dyn Source>,
    plan: ReadPlan,
    observer: Arc<dyn Observer>,
}

impl Run {
    /// A run of a plan over the source that the plan's location names.
    pub fn new(source: Arc<dyn Source>, plan: ReadPlan, observer: Arc<dyn Observer>) -> Self {
        Self { source, plan, observer }
    }

    /// Fetches every object and hands its body to `work` on a worker thread, several at once.
    /// `commit` takes what came of each, as each is done, on one thread.
    async fn each<T: Send + 'static>(
        &self,
        objects: &[(u64, ObjectRef)],
        work: impl Fn(u64, &ObjectRef, Body) -> Result<T, GapReason> + Send + Sync + 'static,
        mut commit: impl FnMut(u64, &ObjectRef, Result<T, GapReason>) -> Result<()>,
    ) -> Result<()> {
        let work = Arc::new(work);
        let workers = Arc::new(tokio::sync::Semaphore::new(self.plan.limits.workers));
        let jobs = objects.iter().map(|(number, object)| {
            let (work, workers) = (Arc::clone(&work), Arc::clone(&workers));
            async move {
                let staged = match self.fetch(object).await {
                    Ok(body) => on_worker(workers, *number, object.clone(), body, work).await?,
                    Err(reason) => Err(reason),
                };
                Ok((*number, object, staged))
            }
        });
        let width = self.plan.limits.requests + self.plan.limits.workers;
        let mut done = futures::stream::iter(jobs).buffer_unordered(width);
        while let Some(job) = done.next().await {
            let (number, object, staged): (_, _, Result<T, GapReason>) = job?;
            if let Err(reason) = &staged {
                tracing::debug!(object.key, %reason, "not read");
                self.observer.on(Event::Gap { key: &object.key, bytes: object.size, reason });
            }
            commit(number, object, staged)?;
        }
        Ok(())
    }

    fn fetch<'a>(
        &'a self,
        object: &'a ObjectRef,
    ) -> impl Future<Output = Result<Body, GapReason>> + Send + 'a {
        let (key, bytes) = (object.key.as_str(), object.size);
        async move {
            let body = self.source.fetch(object).await?;
            self.observer.on(Event::Fetched { key, bytes });
            Ok(body)
        }
    }

    fn done(&self, object: &ObjectRef, records: u64) {
        tracing::debug!(object.key, object.size, records, "read");
        self.observer.on(Event::Done { key: &object.key, bytes: object.size, records });
    }
}

async fn on_worker<T: Send + 'static>(
    workers: Arc<tokio::sync::Semaphore>,
    number: u64,
    object: ObjectRef,
    body: Body,
    work: Arc<impl Fn(u64, &ObjectRef, Body) -> Result<T, GapReason> + Send + Sync + 'static>,
) -> Result<Result<T, GapReason>> {
    let permit = workers.acquire_owned().await;
    let task = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work(number, &object, body)
    });
    joined(task.await)
}

/// What a worker thread came to. A panic goes on: books that do not balance end the run, wherever
/// they are found out.
fn joined<T>(result: std::result::Result<T, tokio::task::JoinError>) -> Result<T> {
    result.map_err(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(error) => Error::new(ErrorKind::Io, "a worker thread was stopped").caused_by(error),
    })
}

fn gap(object: &ObjectRef, reason: GapReason) -> Gap {
    Gap { key: object.key.clone(), size: object.size, reason }
}

/// The verdict on stored data alone, with nothing to compare it with.
fn integrity(gaps: &[Gap], damaged: bool) -> Verdict {
    match (gaps.is_empty(), damaged) {
        (false, _) => Verdict::Inconclusive,
        (true, true) => Verdict::Discrepant,
        (true, false) => Verdict::Reconciled,
    }
}
