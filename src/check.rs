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
mod crew;
mod dump;
mod excerpts;
mod failed;
mod kept;
mod lint;
mod list;
mod notes;
mod peculiar;
mod reconcile;
mod samples;
mod seen;
mod site;
mod stage;
mod suspects;
mod truth;
mod unchecked;

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use futures::StreamExt;
use tokio::sync::Semaphore;

pub use catalog::Listed;
pub use dump::{DumpOutcome, DumpSink, Dumped, SAID_OF_RECORDS, Wanted};
pub use list::{Contents, Estimate, Listing};
pub use reconcile::Comparison;
pub use truth::Manifest;

use crate::cache::{Cache, Unusable};
use crate::error::{Error, ErrorKind, Result};
use crate::observe::{Event, Observer};
use crate::outcome::{Gap, GapReason, Note, Verdict};
use crate::plan::{Location, ReadPlan, Window};
use crate::source::{Body, ObjectRef, Source};
use crate::stop::Stop;
use crew::Crew;
use site::Site;

/// A run over a location, and over those where its error output is.
#[derive(Clone)]
pub struct Run {
    /// The location of the plan first.
    sites: Vec<Arc<Site>>,
    plan: ReadPlan,
    observer: Arc<dyn Observer>,
    crew: Crew,
    stop: Stop,
    cache: Option<std::result::Result<Arc<Cache>, Note>>,
}

/// One object to read.
#[derive(Clone)]
struct Job {
    number: u64,
    object: ObjectRef,
    site: Arc<Site>,
}

impl Job {
    /// How reports name the object.
    fn name(&self) -> String {
        self.site.name(&self.object.key)
    }
}

impl Run {
    /// A run of a plan over the source that the plan's location names.
    pub fn new(source: Arc<dyn Source>, plan: ReadPlan, observer: Arc<dyn Observer>) -> Self {
        let sites = vec![Arc::new(Site::data(source, plan.location.clone()))];
        let crew = Crew::new(plan.limits.workers);
        Self { sites, plan, observer, crew, stop: Stop::never(), cache: None }
    }

    /// Reads error output of another location too. What lies in one that is read already is read once.
    #[must_use]
    pub fn with_error_output(mut self, source: Arc<dyn Source>, location: Location) -> Self {
        let site = Site::beside(&self.sites, source, location);
        self.sites.extend(site.map(Arc::new));
        self
    }

    /// Changes the window of the plan.
    pub fn set_window(&mut self, window: Window) {
        self.plan.window = window;
    }

    /// Lets somebody ask for an end: objects that are not read by then become gaps.
    pub fn set_stop(&mut self, stop: Stop) {
        self.stop = stop;
    }

    /// Keeps what objects hold for a later run, and takes from it what an earlier one has kept. A
    /// directory that is no cache is as if it had not been named, and a note says so.
    pub fn set_cache(&mut self, folder: &Path, cache: std::result::Result<Cache, Unusable>) {
        self.cache = Some(cache.map(Arc::new).map_err(|error| notes::no_cache(folder, &error)));
    }

    /// Fetches every object and hands its body to `work` on a worker thread, several at once.
    /// `commit` takes what came of each, as each is done, on one thread.
    async fn each<T: Send + 'static>(
        &self,
        jobs: &[Job],
        work: impl Fn(&Job, Body) -> Result<T, GapReason> + Send + Sync + 'static,
        mut commit: impl FnMut(&Job, Result<T, GapReason>) -> Result<()>,
    ) -> Result<()> {
        let work = Arc::new(work);
        // What is staged waits for its commit, and takes memory while it does.
        let room = Arc::new(Semaphore::new(2 * self.plan.limits.workers));
        let staged = jobs.iter().map(|job| {
            let (work, room) = (Arc::clone(&work), Arc::clone(&room));
            async move {
                let fetched = tokio::select! {
                    biased;
                    () = self.stop.asked() => Err(GapReason::Interrupted),
                    fetched = self.fetch(job) => fetched,
                };
                let room = room.acquire_owned().await;
                let staged = match fetched {
                    Ok(body) => on_worker(&self.crew, job.clone(), body, work).await?,
                    Err(reason) => Err(reason),
                };
                Ok((job, staged, room))
            }
        });
        let width = self.plan.limits.requests + self.plan.limits.workers;
        let mut done = futures::stream::iter(staged).buffer_unordered(width);
        while let Some(done) = done.next().await {
            let (job, staged, _room): (_, Result<T, GapReason>, _) = done?;
            if let Err(reason) = &staged {
                let key = &job.object.key;
                tracing::debug!(key, %reason, "not read");
                self.observer.on(Event::Gap { key, bytes: job.object.size, reason });
            }
            commit(job, staged)?;
        }
        Ok(())
    }

    fn fetch<'a>(
        &'a self,
        job: &'a Job,
    ) -> impl Future<Output = Result<Body, GapReason>> + Send + 'a {
        let (key, bytes) = (job.object.key.as_str(), job.object.size);
        async move {
            let body = job.site.source.fetch(&job.object).await?;
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
    crew: &Crew,
    job: Job,
    body: Body,
    work: Arc<impl Fn(&Job, Body) -> Result<T, GapReason> + Send + Sync + 'static>,
) -> Result<Result<T, GapReason>> {
    let permit = crew.worker().await;
    let task = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work(&job, body)
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

fn gap(job: &Job, reason: GapReason) -> Gap {
    Gap { key: job.name(), size: job.object.size, reason }
}

/// The verdict on stored data alone, with nothing to compare it with.
fn integrity(gaps: &[Gap], damaged: bool) -> Verdict {
    match (gaps.is_empty(), damaged) {
        (false, _) => Verdict::Inconclusive,
        (true, true) => Verdict::Discrepant,
        (true, false) => Verdict::Reconciled,
    }
}
