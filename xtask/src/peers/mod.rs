//! Whole programs side by side: fhcheck, databases that are asked the same question, and programs that
//! count the same records.
//!
//! Each is timed as somebody would run it, from the start of the process to its end, on files that lie
//! in the page cache. What is needed is built and installed below `target/peers`.

mod counting;

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::bench::machine;
use crate::program::{Program, RECORD_BYTES, finished, pip, root};
use crate::turns::in_turns;

/// What to measure, and how long.
#[derive(Debug)]
pub(crate) struct Options {
    /// Content of all objects, in MiB.
    pub(crate) mib: usize,
    /// Rounds; each runs fhcheck, then the peer.
    pub(crate) rounds: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { mib: 512, rounds: 3 }
    }
}

/// Content of one object, as Firehose buffers it at most.
const BUFFER: &str = "128MiB";

/// What objects hold: a name, and what makes it.
const DATA: [(&str, &[&str]); 4] = [
    ("plain, all is well", &[]),
    ("plain, 1,000 lost and 1,000 doubled", &["--fault", FAULTS]),
    ("gzip, all is well", &["--compression", "gzip"]),
    ("gzip, 1,000 lost and 1,000 doubled", &["--compression", "gzip", "--fault", FAULTS]),
];

const FAULTS: &str = "lose=1000,duplicate=1000";

/// Peers: a name, and the script that asks it, which must not be named like what it imports.
const PEERS: [(&str, &str, &str); 2] = [
    ("DuckDB 2.0.1", "ask_duckdb.py", include_str!("ask_duckdb.py")),
    ("ClickHouse (chdb 26.9.0)", "ask_clickhouse.py", include_str!("ask_clickhouse.py")),
];

const REQUIREMENTS: &str = include_str!("requirements.txt");

/// Measures every peer on all data, and prints a row of the table as each is done.
///
/// # Errors
/// When something cannot be built, installed or run, when two come to different answers, or the
/// table cannot be written.
pub(crate) fn run(options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let bench = Bench::prepare()?;
    let records = (options.mib << 20) / RECORD_BYTES;
    writeln!(out, "{}; {records} records, {} rounds\n", machine(), options.rounds)?;
    writeln!(out, "| objects | peer | fhcheck, s | peer, s | ratio (min–max) |")?;
    writeln!(out, "| --- | --- | ---: | ---: | --- |")?;
    counting::rows(&bench.program, &bench.home, options, out)?;
    for (objects, how) in DATA {
        bench.program.simulate(records as u64, BUFFER, how)?;
        for (peer, script, _) in PEERS {
            let measured = in_turns(options.rounds, || bench.ours(), || bench.theirs(script))?;
            writeln!(out, "| {objects} | {peer} | {measured} |")?;
        }
    }
    bench.program.remove()
}

/// Records that are missing, and copies that are too many.
type Answer = (u64, u64);

/// Where everything is.
struct Bench {
    home: PathBuf,
    /// What Python imports.
    site: PathBuf,
    program: Program,
}

impl Bench {
    fn prepare() -> io::Result<Self> {
        let home = root().join("target/peers");
        fs::create_dir_all(&home)?;
        let program = Program::build(home.join("data"))?;
        let site = pip(&home, REQUIREMENTS)?;
        for (_, name, script) in PEERS {
            fs::write(home.join(name), script)?;
        }
        Ok(Self { home, site, program })
    }

    fn ours(&self) -> io::Result<Answer> {
        let output = self.program.reconcile().output()?;
        let report: Value = serde_json::from_slice(&output.stdout)?;
        let number = |path| report.pointer(path).and_then(Value::as_u64);
        number("/books/produced/missing")
            .zip(number("/books/found/duplicates"))
            .ok_or_else(|| io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
    }

    fn theirs(&self, script: &str) -> io::Result<Answer> {
        let mut command = Command::new("python3");
        command.env("PYTHONPATH", &self.site).arg(self.home.join(script));
        // Under the first of these are no objects but those of Firehose.
        let objects = self.program.objects().join("**/fhcheck-demo-*");
        let said = finished(command.arg(objects).arg(self.program.manifest()))?;
        let mut numbers = said.split_whitespace().map(str::parse);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(missing)), Some(Ok(doubled))) => Ok((missing, doubled)),
            _ => Err(io::Error::other(format!("{script} said {said:?}"))),
        }
    }
}
