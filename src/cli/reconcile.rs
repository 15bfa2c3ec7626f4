//! `reconcile`: opens both sides, and looks again where it was asked to wait.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::output::{self, Output};
use super::request::{Expected, Reconcile, Session};
use super::truth::{self, Truth};
use super::watched::Watched;
use crate::cache::Cache;
use crate::check::Comparison;
use crate::error::Result;
use crate::limits::{BUFFERING_MAX, DELIVERY_SLACK};
use crate::outcome::{Gap, GapReason, Outcome, Verdict};
use crate::plan::{ReconcilePlan, Young};
use crate::report::screen;
use crate::report::units::count;
use crate::stop::{Stop, before_a_result};
use crate::{exit, report};

pub(super) async fn run(request: Reconcile, session: &Session, stop: Stop) -> Result<u8> {
    let output = Output::open(request.output.file.as_deref())?;
    let mut watched = Watched::open(&request.read, session, session.progress).await?;
    watched.run.set_stop(stop.clone());
    if request.dry_run {
        truth::say_estimate(&request, &watched, session).await?;
        look_into_cache(&request, &mut watched);
        let by_count = matches!(request.expected, Expected::Count(_));
        let compared = request.policy.of_stored(by_count);
        return watched.estimate(Some(compared), &request.output, output).await;
    }
    if let Some(folder) = &request.cache {
        let cache = Cache::open(folder, request.seed, request.now);
        watched.run.set_cache(folder, cache);
    }
    let patience = Patience::of(&request, &watched, stop);
    let mut truth = tokio::select! {
        biased;
        () = patience.stop.asked() => return Err(before_a_result()),
        truth = Truth::open(&request, &watched, session) => truth?,
    };
    watched.set_window(truth.window);
    let plan = ReconcilePlan {
        read: watched.plan.clone(),
        expectation: truth.expectation.clone(),
        policy: request.policy.clone(),
        allow: request.allow,
        samples: request.samples,
        delivery_start: watched.delivery.as_ref().and_then(|delivery| delivery.start),
        young: patience.young(watched.delivered_until(patience.now()).await),
        memory: request.memory.clone(),
        seed: request.seed,
    };
    let manifests = std::mem::take(&mut truth.manifests);
    let mut comparison = match request.wait {
        Some(_) => watched.run.compare(&plan, manifests).await?,
        None => watched.run.compare_once(&plan, manifests).await?,
    };
    let outcome = patience.wait(&mut comparison, &mut truth, &watched, session.quiet).await?;
    watched.progress.clear();
    output.deliver(|out| report::reconcile(&outcome, request.output.form, out))?;
    Ok(exit::code(outcome.verdict()))
}

/// For an estimate: a cache that is not there yet is not made, and holds nothing.
fn look_into_cache(request: &Reconcile, watched: &mut Watched) {
    let Some(folder) = &request.cache else { return };
    match Cache::look(folder, request.now) {
        Ok(None) => {}
        Ok(Some(cache)) => watched.run.set_cache(folder, Ok(cache)),
        Err(error) => {
            let folder = screen::text(&folder.display().to_string()).into_owned();
            output::say(&format!("The cache {folder} would not be used: {error}\n"));
        }
    }
}

/// How long records may take, and how long to wait for them.
struct Patience {
    began: Timestamp,
    /// Since when this process runs, by a clock that nobody sets.
    clock: Instant,
    /// From a record's arrival to its object, at most.
    delivery: SignedDuration,
    wait: Option<Duration>,
    stop: Stop,
}

/// Between two looks at least.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// Between two looks at most.
const PAUSE_MAX: Duration = Duration::from_secs(30);

impl Patience {
    fn of(request: &Reconcile, watched: &Watched, stop: Stop) -> Self {
        let delivery = watched.delivery.as_ref();
        let buffering = delivery
            .and_then(|delivery| delivery.buffering_seconds)
            .map_or(BUFFERING_MAX, Duration::from_secs);
        let delivery = SignedDuration::try_from(buffering + DELIVERY_SLACK);
        Self {
            began: request.now,
            clock: Instant::now(),
            delivery: delivery.unwrap_or(SignedDuration::MAX),
            wait: request.wait,
            stop,
        }
    }

    /// What time it is.
    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.clock.elapsed()).unwrap_or_default();
        self.began.saturating_add(passed).unwrap_or(self.began)
    }

    /// Which records may still be on their way, now: those that delivery has not come to, by what it
    /// says of itself, or else by the time that it takes.
    fn young(&self, delivered_until: Option<Timestamp>) -> Option<Young> {
        let since = self.now().checked_sub(self.delivery).ok();
        let since = delivered_until.or(since)?;
        // Of what nobody knows when it was produced, it is known that it was before the run.
        Some(Young { since, untimed: self.wait.is_some() && self.began >= since })
    }

    /// Looks until everything is there, or will never be, or the time is up.
    async fn wait(
        &self,
        comparison: &mut Comparison,
        truth: &mut Truth,
        watched: &Watched,
        quiet: bool,
    ) -> Result<Outcome> {
        let mut pause = PAUSE_MIN;
        loop {
            comparison.look().await?;
            let left = self.wait.unwrap_or_default().saturating_sub(self.clock.elapsed());
            let (found, produced) = comparison.progress();
            // Asked before any record is called old: what counts as old once is old for good.
            let delivered_until = watched.delivered_until(self.now()).await;
            let may_come = comparison.set_young(self.young(delivered_until))?;
            let ends = left.is_zero() || self.stop.is_asked();
            if found >= produced || !may_come || ends {
                // Whoever wants it to end gets no more of the stream: there is no verdict on it anyway.
                if !self.stop.is_asked() {
                    truth.follow(comparison, self.now(), watched).await?;
                }
                comparison.set_young(self.young(delivered_until))?;
                let outcome = comparison.outcome().await?;
                if ends || is_settled(&outcome) {
                    return Ok(if left.is_zero() { outcome } else { unfinished(outcome) });
                }
            }
            if !quiet {
                output::say(&format!(
                    "{} of {} found, looking again for {} s\n",
                    count(found),
                    count(produced),
                    left.as_secs(),
                ));
            }
            tokio::select! {
                () = self.stop.asked() => {}
                () = tokio::time::sleep(pause.min(left)) => {}
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
}

/// What was found of a run that was asked to end while it waited.
fn unfinished(mut outcome: Outcome) -> Outcome {
    if !is_settled(&outcome) && !outcome.has_gaps() {
        let key = outcome.location.clone();
        outcome.gaps.push(Gap { key, size: 0, reason: GapReason::Interrupted });
    }
    outcome
}

/// Whether time can change it.
fn is_settled(outcome: &Outcome) -> bool {
    outcome.verdict() == Verdict::Reconciled
        || (outcome.books.produced.pending == 0 && !outcome.has_gaps())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patience(began: &str, wait: Option<Duration>) -> Patience {
        Patience {
            began: began.parse().expect("a timestamp"),
            clock: Instant::now(),
            delivery: SignedDuration::from_mins(10),
            wait,
            stop: Stop::never(),
        }
    }

    #[test]
    fn what_delivery_says_of_itself_is_believed_before_the_clock() {
        let began = "2026-07-04T09:30:00Z";
        let by_clock = patience(began, None).young(None).expect("young records");
        let ten_minutes_ago = "2026-07-04T09:20:00Z".parse::<Timestamp>().expect("a timestamp");
        assert!((by_clock.since - ten_minutes_ago).as_secs() < 60);
        for said in ["2026-07-04T06:00:00Z", "2026-07-04T09:29:00Z"] {
            let until: Timestamp = said.parse().expect("a timestamp");
            let young = patience(began, None).young(Some(until)).expect("young records");
            assert_eq!((young.since, young.untimed), (until, false));
        }
        let waiting = patience(began, Some(Duration::from_secs(60)));
        assert!(waiting.young(None).expect("young records").untimed, "put before the run at most");
    }
}
