//! Two programs in turns, each timed from the start of the process to its end.

use std::fmt::Debug;
use std::io;
use std::time::Instant;

use crate::bench::{median, ratio};

/// Runs both in turns and makes sure that they come to the same answer, the first turn untimed. Seconds of
/// ours, seconds of theirs, and the ratio, as cells of a table.
///
/// # Errors
/// When one cannot be run, or they do not agree.
pub(crate) fn in_turns<A: PartialEq + Debug>(
    rounds: usize,
    ours: impl Fn() -> io::Result<A>,
    theirs: impl Fn() -> io::Result<A>,
) -> io::Result<String> {
    let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
    for _ in 0..=rounds {
        let (answer, took) = timed(&ours)?;
        our_times.push(took);
        let (other, took) = timed(&theirs)?;
        their_times.push(took);
        if answer != other {
            let what = format!("fhcheck says {answer:?}, its peer {other:?}");
            return Err(io::Error::other(what));
        }
    }
    let (ours, theirs) = (&our_times[1..], &their_times[1..]);
    let seconds = [ours, theirs].map(|all| median(all.to_vec()));
    Ok(format!("{:.2} | {:.2} | {}", seconds[0], seconds[1], ratio(ours, theirs)))
}

fn timed<T>(work: impl FnOnce() -> io::Result<T>) -> io::Result<(T, f64)> {
    let start = Instant::now();
    let result = work()?;
    Ok((result, start.elapsed().as_secs_f64()))
}
