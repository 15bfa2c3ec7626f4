//! The pairs of `cargo xtask bench` one at a time, for work on one of them: `cargo bench`.

#[path = "../xtask/src/bench/corpus.rs"]
mod corpus;
#[path = "../xtask/src/bench/memory.rs"]
mod memory;
#[path = "../xtask/src/bench/pairs.rs"]
mod pairs;

use std::fmt;
use std::sync::LazyLock;

use corpus::{Corpus, Shape};
use divan::Bencher;
use divan::counter::BytesCount;
use pairs::{PAIRS, Pair, Program};

/// Content of each corpus, in bytes.
const CONTENT_BYTES: usize = 16 << 20;

static CORPORA: LazyLock<[Corpus; 3]> =
    LazyLock::new(|| Shape::ALL.map(|shape| Corpus::new(shape, CONTENT_BYTES)));

/// One pair on one corpus.
struct Case(&'static Pair, Shape);

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} | {} | {}", self.0.work, self.0.peer, self.1.name())
    }
}

fn cases() -> impl Iterator<Item = Case> {
    PAIRS.iter().flat_map(|pair| Shape::ALL.map(|shape| Case(pair, shape)))
}

fn main() {
    divan::main();
}

#[divan::bench(args = cases())]
fn ours(bencher: Bencher<'_, '_>, case: &Case) {
    run(bencher, case, case.0.ours);
}

#[divan::bench(args = cases())]
fn peer(bencher: Bencher<'_, '_>, case: &Case) {
    run(bencher, case, case.0.theirs);
}

fn run(bencher: Bencher<'_, '_>, case: &Case, program: Program) {
    let Some(corpus) = CORPORA.iter().find(|corpus| corpus.shape == case.1) else { return };
    let bytes = BytesCount::new(case.0.input.bytes(corpus));
    bencher.counter(bytes).bench(|| program(corpus));
}
