//! Worlds by seed, read over HTTP from an endpoint that is hostile by the same seed. The answer is the
//! truth of the simulation, or inconclusive; it is never wrong, and it comes.

mod binary;
pub(crate) mod dice;
mod faults;
mod judge;
mod pages;
pub(crate) mod run;
mod server;
mod world;

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures::{FutureExt, StreamExt};

use run::{Answer, Connection, Ran};
use server::Server;

/// Seeds that are always run.
const FIXED: u64 = 300;
/// Seeds that nobody has seen before, in each run.
const FRESH: u64 = 100;
/// Worlds at once.
const AT_ONCE: usize = 16;
/// Longest time that one world may take. It takes a fraction of a second.
const PATIENCE: Duration = Duration::from_secs(120);

/// What many seeds came to.
#[derive(Default)]
struct Figures {
    answers: BTreeMap<Answer, u64>,
    struck: BTreeMap<String, u64>,
    /// Objects that a cache knew.
    known: u64,
    /// Pieces of objects that were given.
    pieces: u64,
}

impl Figures {
    #[expect(clippy::print_stdout, reason = "--nocapture shows what was done")]
    fn show(&self, what: &str) {
        let seeds: u64 = self.answers.values().sum();
        let struck: u64 = self.struck.values().sum();
        println!("{what}: {seeds} seeds {:?}, {struck} faults, 0 wrong", self.answers);
        for (fault, times) in &self.struck {
            println!("{times:>9} {fault}");
        }
    }

    /// Every kind of fault has to strike: what never happens proves nothing.
    fn assert_every_fault_struck(&self) {
        for fault in faults::names() {
            assert!(self.struck.contains_key(&fault), "{fault} never struck: {:?}", self.struck);
        }
    }
}

/// Runs worlds, several at once, until `seeds` end. One that is judged wrong ends the test, and says how
/// to run it alone.
async fn worlds(seeds: impl Iterator<Item = u64>) -> Figures {
    let server = Server::start().await;
    let connection = Connection::to(&server.url()).await;
    let runs = seeds.map(|seed| world(seed, &server, &connection));
    let mut done = futures::stream::iter(runs).buffer_unordered(AT_ONCE);
    let mut figures = Figures::default();
    while let Some(ran) = done.next().await {
        *figures.answers.entry(ran.answer).or_default() += 1;
        figures.known += ran.known;
        figures.pieces += ran.pieces;
        for (fault, times) in ran.struck {
            *figures.struck.entry(fault).or_default() += times;
        }
    }
    figures
}

/// One world. If it is judged wrong, or does not end, it says how to run it alone.
#[expect(clippy::print_stdout, reason = "a failing test says how to run its seed alone")]
async fn world(seed: u64, server: &Server, connection: &Connection) -> Ran {
    let run = tokio::time::timeout(PATIENCE, run::seed(seed, server, connection));
    match AssertUnwindSafe(run).catch_unwind().await {
        Ok(ran) => ran.unwrap_or_else(|_| panic!("seed {seed} does not end; {}", alone(seed))),
        Err(wrong) => {
            println!("\nseed {seed} is judged wrong; {}\n", alone(seed));
            std::panic::resume_unwind(wrong)
        }
    }
}

fn alone(seed: u64) -> String {
    format!("alone: cargo xtask simulate --seed {seed}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_right_or_inconclusive_whatever_the_endpoint_does() {
    let figures = worlds(0..FIXED).await;
    figures.show("fixed");
    figures.assert_every_fault_struck();
    assert!(figures.known > FIXED / 4, "a cache keeps what was read: {}", figures.known);
    assert!(figures.pieces > FIXED, "objects come in pieces: {}", figures.pieces);
    let right = figures.answers.get(&Answer::Right).copied().unwrap_or_default();
    assert!(right > FIXED / 4, "most of what passes is got over: {:?}", figures.answers);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_holds_for_seeds_that_nobody_chose() {
    let first = RandomState::new().hash_one(0_u64) >> 16;
    println!("seeds from {first}");
    worlds(first..first + FRESH).await.show("fresh");
}

/// What `cargo xtask simulate` runs: the seed in `FHCHECK_SEED`, or new ones for `FHCHECK_MINUTES`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_asked() {
    if let Some(seed) = asked("FHCHECK_SEED") {
        worlds(seed..=seed).await.show("asked");
    }
    if let Some(minutes) = asked("FHCHECK_MINUTES") {
        let until = Instant::now() + Duration::from_secs(60 * minutes);
        let first = RandomState::new().hash_one(0_u64) >> 16;
        println!("seeds from {first}");
        worlds((first..).take_while(|_| Instant::now() < until)).await.show("asked");
    }
}

#[expect(clippy::disallowed_methods, reason = "a test is asked for more by the environment")]
fn asked(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|value| value.parse().unwrap())
}
