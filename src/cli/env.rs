//! Everything a run takes from around it: environment, clock, terminal. Read once, here.

use std::io::IsTerminal;
use std::path::PathBuf;

use jiff::Timestamp;

/// What stands around a run.
#[derive(Debug, Clone)]
pub struct Env {
    /// The time at which the command was given.
    pub now: Timestamp,
    /// `FHCHECK_LOCATION`, where it is set and not empty.
    pub location: Option<String>,
    /// Whether colour is unwelcome: `NO_COLOR` is set and not empty, or `TERM` is `dumb`.
    pub no_color: bool,
    /// Whether stdin is a terminal.
    pub stdin_terminal: bool,
    /// Whether stdout is a terminal.
    pub stdout_terminal: bool,
    /// Whether stderr is a terminal.
    pub stderr_terminal: bool,
    /// Columns of the terminal, where there is one.
    pub width: Option<usize>,
    /// Threads that can run at once.
    pub cores: usize,
    /// The system's directory for temporary files: `TMPDIR`, where it is set.
    pub temp_dir: PathBuf,
    /// A number that nobody can foresee.
    pub random: u64,
}

impl Env {
    /// What stands around this process.
    #[expect(clippy::disallowed_methods, reason = "environment and clock are read here, once")]
    pub fn of_process() -> Self {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            now: Timestamp::now(),
            location: set("FHCHECK_LOCATION"),
            no_color: set("NO_COLOR").is_some() || set("TERM").as_deref() == Some("dumb"),
            stdin_terminal: std::io::stdin().is_terminal(),
            stdout_terminal: std::io::stdout().is_terminal(),
            stderr_terminal: std::io::stderr().is_terminal(),
            width: terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            temp_dir: std::env::temp_dir(),
            random: random(),
        }
    }
}

/// The standard library seeds its hash maps from the system's randomness.
fn random() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}
