//! Canaries: the code, broken on purpose in a copy of the tree, and the tests that must notice.
//!
//! All of them stand in one build, asleep. A variable of the environment wakes one for a run of the
//! test that it names, so that as many runs as there are canaries need a single compilation.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::Deserialize;

/// What to run.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// Only canaries that are called like this.
    pub(crate) only: Option<String>,
    /// Only whether each finds its place.
    pub(crate) check: bool,
}

/// One way to break the code.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Canary {
    name: String,
    /// What it does, in words.
    breaks: String,
    file: PathBuf,
    /// A text that the file holds once.
    find: String,
    /// What stands in its place. `CANARY` is whether this canary is awake.
    replace: String,
    /// The test that must fail, of `tests/it`.
    test: String,
}

const LIST: &str = "xtask/canaries.json";
/// The variable that wakes a canary.
const AWAKE: &str = "FHCHECK_CANARY";
/// A test that runs for longer has noticed something.
const PATIENCE: Duration = Duration::from_secs(300);

/// What the library says of canaries, behind all else that it says.
const ASK: &str = "
/// Whether a canary is awake.
#[expect(clippy::disallowed_methods, reason = \"it is woken from outside\")]
pub fn canary(name: &str) -> bool {
    static AWAKE: std::sync::LazyLock<Option<String>> =
        std::sync::LazyLock::new(|| std::env::var(\"FHCHECK_CANARY\").ok());
    AWAKE.as_deref() == Some(name)
}
";

/// Runs canaries, and prints a row for each as it is done.
///
/// # Errors
/// When one finds no place any more, a test fails without it, or none of its tests notices it.
pub(crate) fn run(options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let canaries: Vec<Canary> = serde_json::from_slice(&fs::read(root.join(LIST))?)?;
    let wanted = |canary: &&Canary| {
        options.only.as_ref().is_none_or(|only| canary.name.contains(only.as_str()))
    };
    let wanted: Vec<&Canary> = canaries.iter().filter(wanted).collect();
    let scratch = root.join("target/canaries");
    let tree = scratch.join("tree");
    copy(&root, &tree)?;
    for canary in &canaries {
        settle(canary, &tree)?;
    }
    if options.check {
        return writeln!(out, "{} canaries find their places", canaries.len());
    }
    let library = tree.join("src/lib.rs");
    fs::write(&library, fs::read_to_string(&library)? + ASK)?;
    let tests = build(&root, &scratch, &tree)?;
    let asleep: BTreeSet<&str> = wanted.iter().map(|canary| canary.test.as_str()).collect();
    for test in asleep {
        if !passes(&tests, &tree, test, None)? {
            return Err(io::Error::other(format!("{test} does not pass without a canary")));
        }
    }
    let mut missed = Vec::new();
    writeln!(out, "| canary | what it does | test | |\n| --- | --- | --- | --- |")?;
    for canary in wanted {
        let Canary { name, breaks, test, .. } = canary;
        let caught = !passes(&tests, &tree, test, Some(name))?;
        let word = if caught { "caught" } else { "**missed**" };
        writeln!(out, "| {name} | {breaks} | `{test}` | {word} |")?;
        if !caught {
            missed.push(name.as_str());
        }
    }
    match missed.as_slice() {
        [] => Ok(()),
        missed => Err(io::Error::other(format!("nobody noticed {}", missed.join(", ")))),
    }
}

/// Copies what git knows of the tree, as it stands.
fn copy(root: &Path, tree: &Path) -> io::Result<()> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()?;
    let known = String::from_utf8_lossy(&listed.stdout).into_owned();
    let known: Vec<&str> = known.split('\0').filter(|path| root.join(path).is_file()).collect();
    for path in &known {
        let (from, to) = (root.join(path), tree.join(path));
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        // A file that is as it was keeps its time, and what was built of it stays.
        if fs::read(&to).ok() != Some(fs::read(&from)?) {
            fs::copy(from, to)?;
        }
    }
    let known = known.iter().map(|path| tree.join(path)).collect();
    remove_others(tree, &known)
}

/// Removes files of an earlier copy that are not there any more: a module may have become a folder.
fn remove_others(folder: &Path, known: &BTreeSet<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_others(&entry.path(), known)?;
        } else if !known.contains(&entry.path()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn settle(canary: &Canary, tree: &Path) -> io::Result<()> {
    let path = tree.join(&canary.file);
    let text = fs::read_to_string(&path)?;
    let places = text.matches(&canary.find).count();
    if places != 1 {
        let Canary { name, file, find, .. } = canary;
        let file = file.display();
        return Err(io::Error::other(format!(
            "canary {name}: {file} holds {find:?} {places} times; mend it in {LIST}"
        )));
    }
    let awake = format!("crate::canary({:?})", canary.name);
    fs::write(path, text.replacen(&canary.find, &canary.replace.replace("CANARY", &awake), 1))
}

/// Builds the tests of the copy, over the dependencies that are built already; where they are.
fn build(root: &Path, scratch: &Path, tree: &Path) -> io::Result<PathBuf> {
    let target = scratch.join("target");
    for part in ["build", "deps", ".fingerprint"] {
        let (from, to) = (root.join("target/debug").join(part), target.join("debug").join(part));
        if from.exists() && !to.exists() {
            fs::create_dir_all(target.join("debug"))?;
            // Links: nothing that is built is ever written into.
            let status = Command::new("cp").arg("-al").arg(from).arg(to).status()?;
            succeed("cp -al", status)?;
        }
    }
    let built = Command::new(env!("CARGO"))
        .args(["test", "--package", "fhcheck", "--test", "it", "--no-run"])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(tree)
        .env("CARGO_TARGET_DIR", &target)
        .stderr(Stdio::inherit())
        .output()?;
    succeed("the build of the canaries", built.status)?;
    let messages = String::from_utf8_lossy(&built.stdout).into_owned();
    let tests = messages.lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let named = message["target"]["name"] == "it";
        named.then(|| message["executable"].as_str().map(PathBuf::from)).flatten()
    });
    tests.ok_or_else(|| io::Error::other("cargo does not say where the tests are"))
}

fn succeed(what: &str, status: ExitStatus) -> io::Result<()> {
    match status.success() {
        true => Ok(()),
        false => Err(io::Error::other(format!("{what}: {status}"))),
    }
}

/// Whether tests of this name run and pass. What they say is kept beside the copy.
fn passes(tests: &Path, tree: &Path, test: &str, awake: Option<&str>) -> io::Result<bool> {
    let log = tree.with_file_name(format!("{}.log", awake.unwrap_or("asleep")));
    let (out, errors) = (File::create(&log)?, File::create(log.with_extension("errors"))?);
    let mut command = Command::new(tests);
    command.arg(test).current_dir(tree).stdin(Stdio::null()).stdout(out).stderr(errors);
    command.env_remove(AWAKE).envs(awake.map(|name| (AWAKE, name)));
    let mut child = command.spawn()?;
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if started.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            return Ok(false);
        }
        sleep(Duration::from_millis(50));
    };
    let said = fs::read_to_string(&log)?;
    if said.contains("running 0 tests") {
        return Err(io::Error::other(format!("there is no test {test}")));
    }
    Ok(status.success())
}
