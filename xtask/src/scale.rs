//! How time and memory grow with the number of records, and whether every lost and doubled one is named.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bench::machine;
use crate::program::{Program, root};

/// What to measure.
#[derive(Debug)]
pub(crate) struct Options {
    /// Most records, in millions.
    pub(crate) millions: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { millions: 100 }
    }
}

const MILLION: u64 = 1_000_000;
/// Records that are lost, and as many that are doubled.
const FAULTS: u64 = 1000;
const BUFFER: &str = "64MiB";

/// Reconciles one million records, ten times as many and so on, and prints a row for each.
///
/// # Errors
/// When something cannot be built or run, when a record is not named that should be, or one is that should
/// not, or the table cannot be written.
pub(crate) fn run(options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let program = Program::build(root().join("target/scale"))?;
    writeln!(out, "{}\n", machine())?;
    writeln!(out, "| records | s | s a million | resident, MiB | named |")?;
    writeln!(out, "| ---: | ---: | ---: | ---: | ---: |")?;
    let mut millions = 1;
    while millions <= options.millions {
        let faults = format!("lose={FAULTS},duplicate={FAULTS}");
        program.simulate(millions * MILLION, BUFFER, &["--fault", &faults])?;
        let Run { seconds, resident, report } = reconcile(&program)?;
        let named = named(&program, &report)?;
        let each = seconds / millions as f64;
        let resident = resident.map_or("?".to_owned(), |kib| (kib >> 10).to_string());
        writeln!(out, "| {millions} million | {seconds:.2} | {each:.2} | {resident} | {named} |")?;
        millions *= 10;
    }
    program.remove()
}

struct Run {
    seconds: f64,
    resident: Option<u64>,
    report: Value,
}

fn reconcile(program: &Program) -> io::Result<Run> {
    let start = Instant::now();
    let mut command = program.reconcile();
    let child = command.args(["--samples", "all"]).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let (output, resident) = watched(child)?;
    let seconds = start.elapsed().as_secs_f64();
    Ok(Run { seconds, resident, report: serde_json::from_slice(&output)? })
}

/// What a program printed, and the most memory that it had resident, in KiB, where the system tells.
fn watched(command: &mut Command) -> io::Result<(Vec<u8>, Option<u64>)> {
    let mut child = command.spawn()?;
    let mut stdout = child.stdout.take().ok_or_else(|| io::Error::other("no output"))?;
    let reader = thread::spawn(move || {
        let mut output = Vec::new();
        io::Read::read_to_end(&mut stdout, &mut output).map(|_| output)
    });
    let mut resident = None;
    while child.try_wait()?.is_none() {
        resident = resident.max(high_water(&child));
        thread::sleep(Duration::from_millis(10));
    }
    let output = reader.join().map_err(|_| io::Error::other("nobody read the output"))?;
    Ok((output?, resident))
}

/// The most that was resident so far, as Linux tells it.
fn high_water(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// How many records were named: exactly those that were lost or doubled.
fn named(program: &Program, report: &Value) -> io::Result<u64> {
    let truth: Value = serde_json::from_slice(&fs::read(program.truth())?)?;
    let mut count = 0;
    for (done, class) in [("lost", "missing"), ("duplicated", "duplicates")] {
        let expected = texts(truth[done].as_array(), "record");
        let found = texts(report[class]["samples"].as_array(), "excerpt");
        if expected != found {
            return Err(io::Error::other(format!("what was {done} is not what is in {class}")));
        }
        count += found.values().sum::<u64>();
    }
    if count != 2 * FAULTS || report["verdict"] != "discrepant" {
        return Err(io::Error::other(format!("{count} records, {}", report["verdict"])));
    }
    Ok(count)
}

fn texts<'a>(items: Option<&'a Vec<Value>>, field: &str) -> BTreeMap<Option<&'a str>, u64> {
    let mut texts = BTreeMap::new();
    for item in items.into_iter().flatten() {
        *texts.entry(item[field].as_str()).or_insert(0) += 1;
    }
    texts
}
