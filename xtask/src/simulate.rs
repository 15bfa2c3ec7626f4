//! Worlds by seed, which the tests know how to run.

use std::io;
use std::process::Command;

/// Which worlds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Worlds {
    /// One.
    Seed(u64),
    /// New ones for so many minutes.
    Minutes(u64),
}

/// The test that runs what it is asked for.
const TEST: &str = "hostile::as_asked";

pub(crate) fn run(worlds: Worlds) -> io::Result<()> {
    let (variable, value) = match worlds {
        Worlds::Seed(seed) => ("FHCHECK_SEED", seed),
        Worlds::Minutes(minutes) => ("FHCHECK_MINUTES", minutes),
    };
    let status = Command::new(env!("CARGO"))
        .args([
            "test",
            "--package",
            "fhcheck",
            "--test",
            "it",
            "--",
            "--exact",
            "--nocapture",
            TEST,
        ])
        .env(variable, value.to_string())
        .status()?;
    match status.success() {
        true => Ok(()),
        false => Err(io::Error::other("a world is judged wrong, or cannot be run")),
    }
}
