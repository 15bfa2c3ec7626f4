//! `list`: the objects, and on request what is in them; and what reading them would take.

use jiff::civil::DateTime;
use jiff::{RoundMode, Unit};

use super::catalog::{Catalog, Listed};
use super::peculiar::Peculiarities;
use super::stage::{Staged, Stager};
use super::{Job, Run, gap, integrity, lint};
use crate::decode::Encoding;
use crate::error::Result;
use crate::fingerprint::Policy;
use crate::naming::scheme::Scheme;
use crate::observe::Event;
use crate::outcome::{
    ByteBook, Cached, Gap, Malformed, Note, ObjectBook, SkipReason, Undecodable, Verdict,
};
use crate::split::Format;

/// What one object holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// How its bytes are encoded.
    pub encoding: Encoding,
    /// One encoding inside another, in words: "gzip inside zip".
    pub layered: Option<String>,
    /// What it was declared to be, where that is something else.
    pub misdeclared: Option<Encoding>,
    /// How its records are told apart.
    pub format: Format,
    /// Records in it.
    pub records: u64,
    /// Those of them that touch damage or stand behind it.
    pub recovered: u64,
    /// Its content, in bytes.
    pub bytes: ByteBook,
    /// Spans that are no record.
    pub malformed_spans: u64,
    /// Error documents in it, if it is error output; then it has no records.
    pub error_documents: Option<u64>,
}

/// What a listing found, objects in the order of their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Listing {
    /// What was listed: `s3://bucket/prefix`, or a path.
    pub location: String,
    /// Its objects.
    pub objects: Vec<Listed>,
    /// Objects by what became of them. Without `--records` none is read: then `read` counts those
    /// that a reconciliation would read.
    pub book: ObjectBook,
    /// Requests that the listing took.
    pub list_requests: u64,
    /// Hours between the first and the last key time in which no object begins, as `[from, to)`
    /// in the zone of the keys.
    pub silent_hours: Vec<(DateTime, DateTime)>,
    /// How keys are made, where that is known.
    pub keys: Option<Scheme>,
    /// Spans that are no record, where objects were read: the first by key and offset.
    pub malformed: Vec<Malformed>,
    /// Objects that do not decode whole.
    pub undecodable: Vec<Undecodable>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
    /// What is worth knowing besides.
    pub notes: Vec<Note>,
}

impl Listing {
    /// Discrepant when stored data is damaged, inconclusive when some could not be read.
    pub fn verdict(&self) -> Verdict {
        let mut contents = self.objects.iter().filter_map(|listed| listed.contents.as_ref());
        let damaged = contents.any(|contents| contents.malformed_spans > 0);
        integrity(&self.gaps, damaged || !self.undecodable.is_empty())
    }
}

/// What a run would cost, before anything is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Estimate {
    /// LIST requests made.
    pub list_requests: u64,
    /// GET requests that reading takes, and HEAD requests, which cost the same.
    pub get_requests: u64,
    /// Objects to read.
    pub objects: u64,
    /// Stored bytes to read.
    pub bytes: u64,
    /// Those of them that requests fetch; the others are in files.
    pub fetched_bytes: u64,
    /// What is in the cache, and is not to be read, where there is a cache.
    pub cached: Option<Cached>,
}

impl Run {
    /// Lists the objects, counts what is in each, and notes what other readers will trip over.
    ///
    /// # Errors
    /// As [`Run::list`].
    pub async fn lint(&self, samples: usize) -> Result<Listing> {
        let mut listing = self.list(true, samples).await?;
        let notes = lint::notes(&listing, &self.plan.zone);
        listing.notes.extend(notes);
        Ok(listing)
    }

    /// Lists the objects; with `records`, reads each and counts what is in it. Of malformed spans
    /// the first `samples` of each object are kept.
    ///
    /// # Errors
    /// When the listing fails, or reading would pass a cap.
    pub async fn list(&self, records: bool, samples: usize) -> Result<Listing> {
        let catalog = self.catalog().await?;
        let mut listing = Listing::new(self.plan.location.to_string(), catalog);
        if records {
            self.read_into(&mut listing, samples).await?;
        } else {
            listing.book.read = listing.book.listed - listing.book.skipped_total();
        }
        listing.book.assert_balanced();
        Ok(listing)
    }

    /// Lists, and says what reading would take, for a comparison by a policy: then what is in the cache
    /// need not be read. Nothing is read.
    ///
    /// # Errors
    /// When the listing fails.
    pub async fn estimate(&self, compared: Option<&Policy>) -> Result<Estimate> {
        let catalog = self.catalog().await?;
        let kept = compared.and_then(|policy| self.kept(&self.plan, policy));
        let jobs = self.to_read(&catalog);
        let mut estimate = Estimate {
            list_requests: catalog.requests,
            get_requests: 0,
            objects: 0,
            bytes: 0,
            fetched_bytes: 0,
            cached: kept.as_ref().map(|_| Cached::default()),
        };
        for job in &jobs {
            let known = kept.as_ref().is_some_and(|kept| kept.knows(job));
            match &mut estimate.cached {
                Some(cached) if known => cached.add(job.object.size),
                _ => {
                    let requests = job.site.source.requests_of(&job.object);
                    estimate.get_requests += requests;
                    estimate.objects += 1;
                    estimate.bytes += job.object.size;
                    estimate.fetched_bytes += if requests > 0 { job.object.size } else { 0 };
                }
            }
        }
        Ok(estimate)
    }

    async fn read_into(&self, listing: &mut Listing, samples: usize) -> Result<()> {
        let catalog =
            Catalog { objects: std::mem::take(&mut listing.objects), ..Catalog::default() };
        self.admit(catalog.bytes_to_read())?;
        let jobs = self.to_read(&catalog);
        listing.objects = catalog.objects;
        let bytes = jobs.iter().map(|job| job.object.size).sum();
        self.observer.on(Event::ReadingStarts { objects: jobs.len() as u64, bytes });
        let stager = Stager {
            format: self.plan.format.clone(),
            base64: self.plan.base64,
            object_bytes: self.plan.limits.object_bytes,
            identities: None,
            proves: false,
            bounds_suffice: None,
            knows_errors: true,
            spans: samples,
            crew: self.crew.clone(),
        };
        let mut peculiar = Peculiarities::default();
        let work = move |job: &Job, body| stager.stage(job, body);
        self.each(&jobs, work, |job, staged| {
            match staged {
                Ok(staged) => {
                    self.done(&job.object, staged.tally.records);
                    peculiar.add(staged.peculiar, staged.decoded, &staged.tally);
                    listing.commit(job, staged);
                }
                Err(reason) => {
                    listing.book.gaps += 1;
                    listing.gaps.push(gap(job, reason));
                }
            }
            Ok(())
        })
        .await?;
        listing.order();
        listing.notes.extend(peculiar.notes());
        Ok(())
    }
}

impl Listing {
    fn new(location: String, catalog: Catalog) -> Self {
        let book = catalog.book();
        let silent_hours = silent_hours(&catalog.objects);
        Self {
            location,
            book,
            list_requests: catalog.requests,
            silent_hours,
            keys: catalog.keys,
            objects: catalog.objects,
            malformed: Vec::new(),
            undecodable: Vec::new(),
            gaps: Vec::new(),
            notes: catalog.notes,
        }
    }

    fn commit(&mut self, job: &Job, staged: Staged) {
        self.book.read += 1;
        let listed = &mut self.objects[usize::try_from(job.number).expect("numbers are indices")];
        let name = job.name();
        self.malformed.extend(malformed(&name, &staged));
        self.undecodable.extend(undecodable(&name, &staged));
        listed.contents = Some(Contents {
            encoding: staged.encoding,
            layered: staged.layered,
            misdeclared: staged.misdeclared,
            format: staged.format,
            records: staged.tally.records,
            recovered: staged.tally.recovered,
            bytes: staged.tally.bytes,
            malformed_spans: staged.tally.malformed_spans,
            error_documents: staged.errors.map(|errors| errors.documents),
        });
    }

    /// Puts what came as it was done into the order of keys.
    fn order(&mut self) {
        self.malformed.sort_by(|a, b| (&a.key, a.offset).cmp(&(&b.key, b.offset)));
        self.undecodable.sort_by(|a, b| (&a.key, a.stored_offset).cmp(&(&b.key, b.stored_offset)));
        self.gaps.sort_by(|a, b| a.key.cmp(&b.key));
    }
}

pub(super) fn malformed<'a>(
    key: &'a str,
    staged: &'a Staged,
) -> impl Iterator<Item = Malformed> + 'a {
    staged.spans.iter().map(|span| Malformed {
        key: key.to_owned(),
        offset: span.offset,
        len: span.len,
        error_offset: span.error_offset,
        damage: span.damage,
    })
}

pub(super) fn undecodable<'a>(
    key: &'a str,
    staged: &'a Staged,
) -> impl Iterator<Item = Undecodable> + 'a {
    staged.damage.iter().map(|damage| Undecodable {
        key: key.to_owned(),
        stored_offset: damage.stored_offset,
        decoded: staged.tally.bytes.decoded,
        what: damage.what.clone(),
    })
}

/// The hours between the first and the last key time in which no object begins.
fn silent_hours(objects: &[Listed]) -> Vec<(DateTime, DateTime)> {
    let read = objects.iter().filter(|listed| listed.skip != Some(SkipReason::OutsideWindow));
    let mut hours: Vec<_> = read
        .filter_map(|listed| listed.name.as_ref())
        .filter_map(|name| {
            let round =
                jiff::civil::DateTimeRound::new().smallest(Unit::Hour).mode(RoundMode::Trunc);
            name.arrival.round(round).ok()
        })
        .collect();
    hours.sort_unstable();
    hours.dedup();
    let next = |hour: DateTime| hour.checked_add(jiff::Span::new().hours(1)).ok();
    let pairs = hours.windows(2).filter_map(|pair| Some((next(pair[0])?, pair[1])));
    pairs.filter(|(from, to)| from < to).collect()
}
