//! What earlier runs found out about objects: taken from the cache before anything is fetched, and put
//! into it as objects are read.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use futures::StreamExt;
use jiff::SignedDuration;
use tokio::sync::Semaphore;

use super::peculiar::Peculiar;
use super::reconcile::Comparison;
use super::stage::{Rows, Staged};
use super::{Job, Run, joined};
use crate::cache::{Cache, Facts, Key, Row, Terms, Version};
use crate::error::{Error, Result};
use crate::fingerprint::Policy;
use crate::observe::Event;
use crate::outcome::Note;
use crate::plan::{Location, ReadPlan};
use crate::reconcile::{Storage, Wanted};
use crate::source;

/// A file that was written so shortly before the run may be written again without a sign of it: file
/// systems tell the time in steps of up to two seconds.
const FILES_SETTLE: SignedDuration = SignedDuration::from_secs(2);

/// A cache, as one comparison uses it.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    cache: Arc<Cache>,
    terms: Terms,
}

impl Run {
    /// The cache, for objects that are read by a plan and compared by a policy.
    pub(super) fn kept(&self, plan: &ReadPlan, policy: &Policy) -> Option<Kept> {
        let cache = Arc::clone(self.cache.as_ref()?.as_ref().ok()?);
        let terms = Terms::new(policy, &plan.format, plan.base64, plan.limits.object_bytes);
        Some(Kept { cache, terms })
    }

    /// What to know of the cache, or of why there is none.
    pub(super) fn cache_notes(&self) -> Vec<Note> {
        match &self.cache {
            None => Vec::new(),
            Some(Ok(cache)) => super::notes::of_cache(cache),
            Some(Err(note)) => vec![note.clone()],
        }
    }
}

impl Kept {
    pub(super) fn seed(&self) -> u64 {
        self.cache.seed()
    }

    /// Whether an object need not be read.
    pub(super) fn knows(&self, job: &Job) -> bool {
        self.key(job).is_some_and(|key| self.cache.holds(&key))
    }

    /// What an entry about an object's version is about. `None` where another version could not be told
    /// from it, and where nothing but error output counts, which is not kept.
    fn key(&self, job: &Job) -> Option<Key> {
        let object = &job.object;
        let settled = match &job.site.location {
            Location::S3 { .. } => true,
            Location::Local(_) => {
                let age = |modified| self.cache.opened().duration_since(modified);
                object.modified.is_some_and(|modified| age(modified) >= FILES_SETTLE)
            }
        };
        if job.site.errors_only || !settled {
            return None;
        }
        let version = Version {
            place: &job.site.source.place()?,
            key: &object.key,
            size: object.size,
            etag: object.etag.as_deref().filter(|etag| source::is_strong(etag))?,
            modified: object.modified,
        };
        Some(Key::new(&self.terms, &version))
    }

    /// What an earlier run made of an object.
    fn load(&self, job: &Job, storage: &Arc<Storage>) -> Option<Staged> {
        let mut records = Rows::beyond_doubt(storage, job.number, &Wanted::all());
        let take = |row: Row| records.push_clean(row.identity, row.offset);
        let facts = self.cache.load(&self.key(job)?, take)?;
        Staged::kept(facts, records)
    }

    /// Keeps what an object holds, if there is nothing about it that a report would have to say.
    pub(super) fn store(&self, job: &Job, staged: &Staged) {
        let (Some(records), Some(facts)) = (&staged.records, staged.facts()) else { return };
        let Some(key) = self.key(job) else { return };
        self.cache.store(&key, &facts, |entry| {
            records.visit_clean(|identity, offset| {
                let pushed = entry.push(Row { identity, offset });
                pushed.map_err(|error| Error::io("cannot write", error))
            })
        });
    }
}

impl Staged {
    /// What there is to keep besides the records: `None` where anything is damaged, doubtful or error
    /// output.
    fn facts(&self) -> Option<Facts> {
        let records = self.records.as_ref()?.len();
        let clean = self.is_undamaged() && !self.by_bounds && records == self.tally.records;
        clean.then(|| Facts {
            encoding: self.encoding,
            layered: self.layered.clone(),
            misdeclared: self.misdeclared,
            columns: self.columns.clone(),
            format: self.format.clone(),
            tally: self.tally.clone(),
            incomplete: self.incomplete,
            peculiar: self.peculiar.map(Peculiar::code),
            decoded: self.decoded,
        })
    }

    fn kept(facts: Facts, records: Rows) -> Option<Self> {
        let Facts { encoding, layered, misdeclared, columns, format, .. } = facts;
        let peculiar = match facts.peculiar {
            None => None,
            Some(code) => Some(Peculiar::of_code(code)?),
        };
        Some(Self {
            encoding,
            layered,
            misdeclared,
            columns,
            format,
            tally: facts.tally,
            records: Some(records),
            spans: Vec::new(),
            damage: Vec::new(),
            errors: None,
            incomplete: facts.incomplete,
            peculiar,
            decoded: facts.decoded,
            by_bounds: false,
            awaits_proof: false,
        })
    }
}

impl Comparison {
    /// Takes what is kept of objects, and says which are still to be read.
    pub(super) async fn take_kept(&mut self, jobs: Vec<Job>) -> Result<Vec<Job>> {
        let (run, seen, storage) = (&self.run, &mut self.seen, &self.storage);
        let Some(kept) = &self.kept else { return Ok(jobs) };
        let workers = run.plan.limits.workers;
        // What is loaded waits for its commit, and takes memory while it does.
        let room = Arc::new(Semaphore::new(2 * workers));
        let loads = jobs.into_iter().map(|job| {
            let (kept, storage) = (kept.clone(), Arc::clone(storage));
            let room = Arc::clone(&room);
            async move {
                let room = room.acquire_owned().await;
                if run.stop.is_asked() {
                    return Ok((job, None, room));
                }
                let permit = run.crew.worker().await;
                let load = move || {
                    let _permit = permit;
                    let staged = kept.load(&job, &storage);
                    (job, staged)
                };
                let (job, staged) = joined(tokio::task::spawn_blocking(load).await)?;
                Ok::<_, Error>((job, staged, room))
            }
        });
        let mut loaded = futures::stream::iter(loads).buffer_unordered(2 * workers);
        let mut unknown = Vec::new();
        while let Some(next) = loaded.next().await {
            let (job, staged, _room) = next?;
            let Some(staged) = staged else {
                unknown.push(job);
                continue;
            };
            let (object, records) = (&job.object, staged.tally.records);
            tracing::debug!(object.key, object.size, records, "known from the cache");
            run.observer.on(Event::Done { key: &object.key, bytes: object.size, records });
            seen.cached.add(object.size);
            seen.commit(&job, staged)?;
        }
        unknown.sort_unstable_by_key(|job| job.number);
        Ok(unknown)
    }
}
