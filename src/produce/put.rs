//! The loop of a producer: requests out, answers in, and every step in the ledger before the next.

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, sleep_until};

use super::Tally;
use super::batch::{Limits, Queue};
use super::ledger::Ledger;
use super::pace::{Pace, Taken};
use super::records::Record;
use super::target::Putter;
use crate::aws::Failure;
use crate::error::{Error, ErrorKind, Result};
use crate::expect::manifest::Answer;
use crate::limits::{PUT_DRAIN, PUT_REQUESTS, PUT_STREAM_RECORD_BYTES_DEFAULT};
use crate::observe::{Event, Observer};
use crate::stop::Stop;

/// A producer at work.
pub(super) struct Producer<'a, I: Iterator> {
    pub(super) putter: Putter<'a>,
    pub(super) limits: Limits,
    pub(super) ledger: Ledger,
    pub(super) queue: Queue<I>,
    pub(super) pace: Pace,
    /// Requests in a row of which nothing is acknowledged, before it gives up.
    pub(super) attempts: u32,
    pub(super) tally: Tally,
    pub(super) observer: &'a dyn Observer,
}

/// A request that was made: its records, its round, and what came of it.
type Made = (Vec<Record>, u64, Result<Vec<Option<Answer>>, Failure>);

/// What a producer does next.
enum Step {
    Answered(Made),
    /// Something else may be possible now.
    Look,
    GiveUp,
}

impl<I: Iterator<Item = Result<Record>>> Producer<'_, I> {
    /// Puts everything. Gives the numbers, and why it did not come to its end.
    ///
    /// # Errors
    /// When the ledger cannot be written: then nothing more is put.
    pub(super) async fn run(mut self, stop: &Stop) -> Result<(Tally, Option<Error>)> {
        // Requests under way borrow this one, and nothing that changes.
        let putter = &self.putter.clone();
        let mut requests = FuturesUnordered::new();
        let mut trouble: Option<Error> = None;
        let mut patience = None;
        loop {
            let stopped = stop.is_asked();
            if trouble.is_none() && !stopped {
                let (batches, error) = self.batches(PUT_REQUESTS - requests.len())?;
                trouble = error;
                let round = self.pace.round();
                requests.extend(batches.into_iter().map(|batch| async move {
                    let answer = putter.put(&batch).await;
                    (batch, round, answer)
                }));
            }
            if requests.is_empty() && (trouble.is_some() || stopped || self.queue.is_empty()) {
                break;
            }
            if stopped && patience.is_none() {
                patience = Some(Instant::now() + PUT_DRAIN);
            }
            let may_put = !stopped && trouble.is_none() && requests.len() < PUT_REQUESTS;
            let next = may_put.then(|| self.pace.next()).filter(|next| *next > Instant::now());
            let step = tokio::select! {
                biased;
                Some(made) = requests.next() => Step::Answered(made),
                () = stop.asked(), if !stopped => Step::Look,
                () = at(next) => Step::Look,
                () = at(patience) => Step::GiveUp,
            };
            match step {
                Step::Answered(made) => {
                    if let Err(error) = self.answered(made)? {
                        trouble.get_or_insert(error);
                    }
                }
                Step::Look => {}
                Step::GiveUp => break,
            }
        }
        if trouble.is_none() && !self.tally.is_complete() && stop.is_asked() {
            trouble = Some(Error::new(ErrorKind::Io, "interrupted"));
        }
        Ok((self.tally, trouble))
    }

    /// As many requests as may be made now, in the ledger and on the disk; and why there are no more
    /// records to be had, where something went wrong.
    fn batches(&mut self, most: usize) -> Result<(Vec<Vec<Record>>, Option<Error>)> {
        let (mut batches, mut trouble) = (Vec::new(), None);
        let limits = Limits { records: self.limits.records.min(self.pace.most()), ..self.limits };
        while batches.len() < most {
            let now = Instant::now();
            if self.pace.next() > now {
                break;
            }
            let mut batch = match self.queue.next_batch(limits) {
                Ok(batch) => batch,
                Err(error) => {
                    trouble = Some(error);
                    break;
                }
            };
            if batch.is_empty() {
                break;
            }
            self.pace.made(batch.len(), now);
            let records = batch.len() as u64;
            self.tally.put += self.ledger.put(&mut batch)?;
            self.tally.puts += records;
            self.tally.uncertain += records;
            batches.push(batch);
        }
        if !batches.is_empty() {
            self.ledger.sync()?;
        }
        Ok((batches, trouble))
    }

    /// Takes the answer to a request. The inner error ends the run, once nothing is under way.
    fn answered(&mut self, (batch, round, answer): Made) -> Result<Result<()>> {
        let (answers, failure) = match answer {
            Ok(answers) => (answers, None),
            Err(failure) if failure.is_uncertain() => (vec![None; batch.len()], Some(failure)),
            Err(failure) => {
                let code = failure.code().unwrap_or("RequestNotSent");
                let answers = batch.iter().map(|record| Some(not_put(record.number, code)));
                (answers.collect(), Some(failure))
            }
        };
        let (mut acknowledged, mut code) = (0, None);
        let records = batch.len() as u64;
        let largest = batch.iter().max_by_key(|record| record.size()).map(describe);
        for (record, answer) in batch.into_iter().zip(&answers) {
            match answer {
                Some(answer) if answer.is_acknowledged() => acknowledged += 1,
                Some(answer) => {
                    self.tally.rejected += 1;
                    code = code.or_else(|| answer.error_code.clone());
                    self.queue.put_again(record);
                }
                None => self.queue.put_again(record),
            }
        }
        let answers: Vec<_> = answers.into_iter().flatten().collect();
        self.tally.acknowledged += acknowledged;
        self.tally.uncertain -= answers.len() as u64;
        if !answers.is_empty() {
            self.ledger.answers(answers)?;
        }
        self.observer.on(Event::Put { acknowledged, rejected: records - acknowledged });
        let taken = match acknowledged {
            0 => Taken::Nothing,
            all if all == records => Taken::All,
            some if some * 2 < records => Taken::Some,
            _ => Taken::Most,
        };
        self.pace.answered(round, taken, Instant::now());
        Ok(self.verdict(failure, code, largest.flatten()))
    }

    /// Whether to go on after an answer.
    fn verdict(
        &self,
        failure: Option<Failure>,
        code: Option<String>,
        large: Option<String>,
    ) -> Result<()> {
        let exhausted = self.pace.failures() >= self.attempts;
        match failure {
            Some(failure) if failure.is_transient() && !exhausted => Ok(()),
            Some(failure) => {
                let known = failure.is_transient() || !is_about_the_request(&failure);
                let error = self.putter.call().failed(failure);
                Err(match large {
                    Some(large) if !known => error.hint(large),
                    _ => error,
                })
            }
            None if exhausted => {
                let call = self.putter.call();
                let message = format!(
                    "{} on {} {} took nothing of {} requests in a row: {}",
                    call.action,
                    call.kind,
                    call.name,
                    self.attempts,
                    code.as_deref().unwrap_or("no reason was given")
                );
                Err(Error::new(ErrorKind::Service, message)
                    .hint("run again later, or slower with --rate"))
            }
            None => Ok(()),
        }
    }
}

/// Waits for an instant; for ever without one.
async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

fn not_put(record: u64, code: &str) -> Answer {
    Answer {
        record,
        sequence_number: None,
        shard_id: None,
        record_id: None,
        error_code: Some(code.to_owned()),
    }
}

/// Whether the service finds the request itself wrong (`InvalidArgumentException` of both APIs, and
/// what stands before them).
fn is_about_the_request(failure: &Failure) -> bool {
    matches!(failure.code(), Some("InvalidArgumentException" | "ValidationException"))
}

/// Names a record that a data stream takes only where it was told to.
fn describe(record: &Record) -> Option<String> {
    let (size, most) = (record.size(), PUT_STREAM_RECORD_BYTES_DEFAULT);
    (record.key.is_some() && size > most).then(|| {
        format!(
            "record {} has {size} bytes with its partition key, and a data stream takes {most} \
             unless its MaxRecordSizeInKiB is raised",
            record.number
        )
    })
}
