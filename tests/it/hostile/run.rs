//! One world, from its seed to the judgement on what is said of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_s3::config::{AsyncSleep, Sleep};
use fhcheck::aws::Aws;
use fhcheck::cache::Cache;
use fhcheck::check::{Manifest, Run};
use fhcheck::error::Result;
use fhcheck::fingerprint::Policy;
use fhcheck::observe::Silent;
use fhcheck::outcome::Outcome;
use fhcheck::plan::{Expectation, Location, ReadPlan, ReconcilePlan};
use fhcheck::source::admit::Admit;
use fhcheck::source::s3::S3;
use fhcheck::source::{KeyRange, Source};
use tempfile::TempDir;

use super::dice::Dice;
use super::faults::Plan;
use super::judge;
use super::server::Server;
use super::world::{Flawless, Stored, World};
use crate::support;

/// What a seed came to.
pub(crate) struct Ran {
    pub(crate) answer: Answer,
    /// Faults that struck, by their names.
    pub(crate) struck: BTreeMap<String, u64>,
    /// Objects that were known when all was read again, from a cache.
    pub(crate) known: u64,
    /// Pieces of objects that were given.
    pub(crate) pieces: u64,
}

/// A wrong one fails the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Answer {
    /// It is what the simulation says.
    Right,
    /// Something could not be read.
    Inconclusive,
    /// The run could not go on.
    Error,
}

/// One seed in so many is read with a cache, and once more when the endpoint is good again.
const CACHED: u64 = 4;

/// As long as fhcheck waits for the first byte of an answer from AWS.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// A connection that waits a fraction of the time that it would wait for AWS.
#[derive(Debug, Clone)]
pub(crate) struct Connection(pub(crate) Aws);

/// Waits between attempts are a hundredth of what they are, timeouts a twentieth.
#[derive(Debug)]
struct Hurry;

impl AsyncSleep for Hurry {
    fn sleep(&self, duration: Duration) -> Sleep {
        let share = if duration > Duration::from_secs(5) { 20 } else { 100 };
        Sleep::new(tokio::time::sleep(duration / share))
    }
}

impl Connection {
    pub(crate) async fn to(url: &str) -> Self {
        let key = Credentials::new("key", "secret", None, None, "fixed");
        let config: SdkConfig = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .endpoint_url(url)
            .credentials_provider(key)
            .sleep_impl(Hurry)
            .timeout_config(TimeoutConfig::builder().read_timeout(READ_TIMEOUT).build())
            .load()
            .await;
        Self(Aws::from_config(config))
    }
}

/// A reconciliation of a world: how it is asked for.
struct Asked {
    read: ReadPlan,
    expectation: Expectation,
    seed: u64,
}

impl Asked {
    fn of(seed: u64, bucket: &str, world: &World) -> Self {
        let mut dice = Dice::new(seed, "schedule");
        // Error output lies beside the prefix of the data.
        let location = Location::S3 { bucket: bucket.to_owned(), prefix: String::new() };
        let mut read = support::read_plan(location.clone());
        read.limits.requests = usize::try_from(dice.between(1, 8)).unwrap();
        read.limits.workers = usize::try_from(dice.between(1, 3)).unwrap();
        read.limits.in_flight_bytes = dice.pick(&[1, 4 << 10, 1 << 20]);
        let expectation = match dice.one_in(6) {
            true => Expectation::Count(world.truth.produced),
            false => Expectation::Manifest(vec![location]),
        };
        Self { read, expectation, seed }
    }

    fn plan(&self) -> ReconcilePlan {
        ReconcilePlan {
            delivery_start: None,
            young: None,
            read: self.read.clone(),
            expectation: self.expectation.clone(),
            policy: Policy::Raw,
            allow: Default::default(),
            samples: usize::MAX,
            memory: support::memory(),
            seed: self.seed,
        }
    }

    async fn answer(
        &self,
        objects: Arc<dyn Source>,
        truth: Arc<dyn Source>,
        cache: Option<&Path>,
    ) -> Result<Outcome> {
        let manifest = Manifest {
            gaps: Vec::new(),
            arrived: Default::default(),
            name: "produced".into(),
            source: truth,
            range: KeyRange::all("produced"),
        };
        let manifests = match self.expectation {
            Expectation::Count(_) => Vec::new(),
            _ => vec![manifest],
        };
        let mut run = Run::new(objects, self.read.clone(), Arc::new(Silent));
        if let Some(folder) = cache {
            let now = "2026-07-14T00:00:00Z".parse().unwrap();
            run.set_cache(folder, Cache::open(folder, self.seed, now));
        }
        run.reconcile(&self.plan(), manifests).await
    }
}

/// The manifest as an object.
fn manifest(world: &World) -> BTreeMap<String, Stored> {
    let stored = Stored {
        bytes: world.manifest.clone().into(),
        encoding: None,
        modified: "2026-07-13T18:00:00Z".parse().unwrap(),
    };
    BTreeMap::from([("produced".to_owned(), stored)])
}

/// Runs a seed.
///
/// # Panics
/// When what is said of its world is wrong.
pub(crate) async fn seed(seed: u64, server: &Server, connection: &Connection) -> Ran {
    let world = World::of(seed);
    let bucket = format!("seed-{seed}");
    let plan = Plan::of(seed, world.objects.keys().map(String::as_str));
    let passes = plan.passes;
    server.add(&bucket, world.objects.clone(), plan.clone());
    let asked = Asked::of(seed, &bucket, &world);
    let limits = asked.read.limits;
    let mut dice = Dice::new(seed, "ranges");
    let ranges = dice.one_in(2).then(|| (dice.pick(&[0, 500]), dice.pick(&[300, 2_000, 20_000])));
    let objects = || -> Arc<dyn Source> {
        let objects = S3::new(&connection.0, &bucket);
        let objects = match ranges {
            Some((above, piece)) => objects.ranges(above, piece),
            None => objects,
        };
        Arc::new(Admit::new(objects, limits.requests, limits.in_flight_bytes))
    };
    let cache = seed.is_multiple_of(CACHED).then(|| tempfile::tempdir().unwrap());
    let cache = cache.as_ref().map(TempDir::path);
    let truth: Arc<dyn Source> = Arc::new(Flawless::new(manifest(&world)));
    let answer = asked.answer(objects(), Arc::clone(&truth), cache).await;
    let taken = server.take(&bucket);
    let what = format!("seed {seed}: {}\n{plan:?} {ranges:?}\n{:?}", world.what, taken.struck);
    let answer = match answer {
        Err(error) => {
            assert!(!passes, "{what}\n{error}");
            Answer::Error
        }
        Ok(outcome) => {
            let unread: BTreeSet<String> = outcome.gaps.iter().map(|gap| gap.key.clone()).collect();
            assert!(!passes || unread.is_empty(), "{what}\n{}", judge::brief(&outcome));
            judge::assert_only_what_was_hit_is_unread(&unread, &plan, &what);
            judge::assert_attempts(&taken.attempts, &what);
            let twin = Arc::new(world.without(&unread));
            let twin = asked.answer(twin, Arc::clone(&truth), None).await.unwrap();
            judge::assert_is_what_was_read(&outcome, &twin, &what);
            match unread.is_empty() {
                true => {
                    judge::assert_is_the_truth(&outcome, &world.truth, &what);
                    Answer::Right
                }
                false => Answer::Inconclusive,
            }
        }
    };
    let mut known = 0;
    if cache.is_some() {
        // What a hostile endpoint has left there is as true as what a good one says.
        server.add(&bucket, world.objects.clone(), Plan { page: 1000, ..Plan::default() });
        let again = asked.answer(objects(), truth, cache).await.unwrap();
        server.take(&bucket);
        assert!(again.gaps.is_empty(), "{what}\n{}", judge::brief(&again));
        judge::assert_is_the_truth(&again, &world.truth, &what);
        known = again.cached.map_or(0, |cached| cached.objects);
    }
    Ran { answer, struck: taken.struck, known, pieces: taken.pieces }
}
