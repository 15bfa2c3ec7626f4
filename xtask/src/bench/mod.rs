//! The benchmark: pairs of programs that do the same work, run in turns, and a table of ratios.

pub(crate) mod corpus;
mod memory;
mod pairs;

use std::hint::black_box;
use std::io::{self, Write};
use std::time::Instant;

use corpus::{Corpus, Shape};
use pairs::{PAIRS, Pair, Program};

/// What to measure, and how long.
#[derive(Debug)]
pub(crate) struct Options {
    /// Content of each corpus, in MiB.
    pub(crate) mib: usize,
    /// Rounds; each runs ours, then the peer.
    pub(crate) rounds: usize,
    /// Only rows that name this.
    pub(crate) only: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { mib: 64, rounds: 5, only: None }
    }
}

impl Options {
    fn wants(&self, pair: &Pair, shape: Shape) -> bool {
        let Some(only) = &self.only else { return true };
        [pair.work, pair.peer, shape.name()].iter().any(|name| name.contains(only.as_str()))
    }
}

/// Measures every pair on every corpus, and prints a row of the table as each is done.
///
/// # Errors
/// When the table cannot be written, or no row has the name that was asked for.
pub(crate) fn run(options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let wanted = |shape| PAIRS.iter().filter(move |pair| options.wants(pair, shape));
    if Shape::ALL.iter().all(|&shape| wanted(shape).next().is_none()) {
        let message = format!("no row has {:?} in its name", options.only.as_deref().unwrap_or(""));
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    writeln!(out, "{}; {} MiB a corpus, {} rounds\n", machine(), options.mib, options.rounds)?;
    writeln!(out, "| work | corpus | peer | ours, GB/s | peer, GB/s | ratio (min–max) |")?;
    writeln!(out, "| --- | --- | --- | ---: | ---: | ---: |")?;
    for shape in Shape::ALL {
        let mut corpus = None;
        for pair in wanted(shape) {
            let corpus = corpus.get_or_insert_with(|| Corpus::new(shape, options.mib << 20));
            measure(pair, corpus, options.rounds).write(pair, corpus, out)?;
        }
    }
    Ok(())
}

/// What it runs on.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    #[cfg(target_arch = "x86_64")]
    let vectors = if is_x86_feature_detected!("avx2") { " with AVX2" } else { " without AVX2" };
    #[cfg(not(target_arch = "x86_64"))]
    let vectors = "";
    format!("{}{vectors}, {cores} cores", std::env::consts::ARCH)
}

/// Seconds of each round.
struct Measured {
    ours: Vec<f64>,
    peer: Vec<f64>,
}

/// Runs both in turns, so that a machine that slows down slows both. The first turn, untimed, warms
/// caches and makes sure that both come to the same answer.
fn measure(pair: &Pair, corpus: &Corpus, rounds: usize) -> Measured {
    let (ours, peer) = ((pair.ours)(corpus), (pair.theirs)(corpus));
    assert_eq!(ours, peer, "{} and {} agree on {}", pair.work, pair.peer, corpus.shape.name());
    let mut measured = Measured { ours: Vec::new(), peer: Vec::new() };
    for _ in 0..rounds {
        measured.ours.push(seconds(pair.ours, corpus));
        measured.peer.push(seconds(pair.theirs, corpus));
    }
    measured
}

fn seconds(program: Program, corpus: &Corpus) -> f64 {
    tidy_heap();
    let start = Instant::now();
    black_box(program(black_box(corpus)));
    start.elapsed().as_secs_f64()
}

/// Lets the allocator put together what the last program has freed, which is work that a large piece of memory
/// brings about: else the next program pays for it.
fn tidy_heap() {
    const LARGE_BYTES: usize = 96 << 10;
    drop(black_box(vec![1_u8; LARGE_BYTES]));
}

impl Measured {
    fn write(&self, pair: &Pair, corpus: &Corpus, out: &mut dyn Write) -> io::Result<()> {
        let gigabytes = pair.input.bytes(corpus) as f64 / 1e9;
        let speed = |seconds: &[f64]| gigabytes / median(seconds.to_vec());
        writeln!(
            out,
            "| {} | {} | {} | {:.2} | {:.2} | {} |",
            pair.work,
            corpus.shape.name(),
            pair.peer,
            speed(&self.ours),
            speed(&self.peer),
            ratio(&self.ours, &self.peer),
        )
    }
}

/// How many times as long the peer took: the median of all rounds, the least and the greatest.
pub(crate) fn ratio(ours: &[f64], peer: &[f64]) -> String {
    let ratios: Vec<f64> = ours.iter().zip(peer).map(|(ours, peer)| peer / ours).collect();
    let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let most = ratios.iter().copied().fold(0.0, f64::max);
    format!("{:.2} ({least:.2}–{most:.2})", median(ratios))
}

/// The one in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_agrees_and_has_its_row() {
        let options = Options { mib: 1, rounds: 1, only: None };
        let mut table = Vec::new();
        run(&options, &mut table).unwrap();
        let table = String::from_utf8(table).unwrap();
        let rows = table.lines().filter(|line| line.starts_with("| ")).count();
        assert_eq!(rows, 2 + PAIRS.len() * Shape::ALL.len(), "{table}");
    }

    #[test]
    fn a_name_that_no_row_has_is_refused() {
        let options = Options { only: Some("snappy".to_owned()), ..Options::default() };
        let error = run(&options, &mut io::sink()).unwrap_err();
        assert_eq!(error.to_string(), "no row has \"snappy\" in its name");
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 9.0]), 3.0);
    }
}
