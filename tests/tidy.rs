//! The rules of this house that no compiler knows: who may know whom, and what every file owes its
//! reader. `docs/architecture.md` says why.

use std::fs;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

/// What alone may be known in some places below `src/`. A word that ends with `_` stands for all
/// that begin with it.
const ONLY_IN: [(&[&str], &[&str]); 9] = [
    (
        &["aws_", "s3s", "hyper_util"],
        &[
            "aws/",
            "endpoint/",
            "expect/",
            "produce/",
            "source/s3/",
            "source/store.rs",
            "stack/",
            "trace/",
        ],
    ),
    (&["clap", "clap_", "indicatif", "terminal_size", "tracing_subscriber"], &["cli/", "main.rs"]),
    (&["IsTerminal", "stdout", "stderr"], &["cli/", "main.rs"]),
    (&["unsafe", "unsafe_code"], &["split/prove/avx2.rs"]),
    (&["Serialize"], &["expect/", "report/", "simulate/truth.rs"]),
    (
        &["serde", "serde_json"],
        &[
            "expect/",
            "failed/",
            "fingerprint/",
            "produce/function.rs",
            "report/",
            "simulate/",
            "source/",
        ],
    ),
    (&["flate2"], &["columnar/", "decode/", "simulate/"]),
    (&["arrow_array", "arrow_schema"], &["columnar/"]),
    (
        &["async", "await", "tokio"],
        &[
            "aws/",
            "check.rs",
            "check/",
            "cli/",
            "endpoint/",
            "expect/",
            "produce/",
            "source/",
            "stack/",
            "stop.rs",
            "trace/",
        ],
    ),
];

/// What a place below `src/` must never know: modules of this crate, then words.
const NEVER: [(&[&str], &[&str], &[&str]); 22] = [
    (&["cli/"], &["reconcile"], &[]),
    (&["check.rs", "check/"], &["aws", "cli", "endpoint", "report", "simulate"], &[]),
    (
        &["plan.rs", "limits.rs", "observe.rs", "error.rs", "outcome.rs", "outcome/", "exit.rs"],
        &["aws", "check", "cli", "endpoint", "naming", "report", "simulate", "source"],
        &[],
    ),
    (
        &["source/"],
        &["check", "cli", "decode", "fingerprint", "reconcile", "report", "simulate", "split"],
        &["serde", "serde_json"],
    ),
    (&["aws/"], &["check", "cli", "decode", "naming", "plan", "report", "source", "split"], &[]),
    (&["endpoint/"], &["aws", "check", "cli", "decode", "naming", "plan", "source", "split"], &[]),
    (&["naming/"], &["aws", "check", "cli", "fingerprint", "reconcile", "report", "split"], &[]),
    (
        &["decode/"],
        &["aws", "check", "cli", "fingerprint", "naming", "plan", "reconcile", "report", "split"],
        &["KeyRange", "ObjectRef", "Source"],
    ),
    (
        &["columnar/"],
        &["aws", "check", "cli", "decode", "fingerprint", "naming", "plan", "report", "split"],
        &["KeyRange", "ObjectRef", "Source"],
    ),
    (
        &["split/"],
        &["aws", "check", "cli", "decode", "fingerprint", "naming", "plan", "report", "source"],
        &[],
    ),
    (
        &["failed/"],
        &["aws", "check", "cli", "fingerprint", "naming", "plan", "reconcile", "report"],
        &["KeyRange", "ObjectRef", "Source"],
    ),
    (
        &["fingerprint/"],
        &["check", "decode", "naming", "outcome", "plan", "reconcile", "report", "source", "split"],
        &["File", "Path", "PathBuf"],
    ),
    (
        &["reconcile/"],
        &["aws", "check", "cli", "decode", "naming", "plan", "report", "source", "split"],
        &[],
    ),
    (
        &["cache/"],
        &[
            "aws",
            "check",
            "cli",
            "endpoint",
            "expect",
            "naming",
            "plan",
            "produce",
            "reconcile",
            "report",
            "simulate",
            "source",
            "stack",
            "trace",
        ],
        &["ObjectRef", "Source"],
    ),
    (
        &["expect/function.rs", "expect/manifest.rs"],
        &["aws", "check", "cli", "decode", "fingerprint", "plan", "reconcile", "report", "source"],
        &["async", "tokio"],
    ),
    (
        &["expect/kpl.rs", "expect/kpl/"],
        &["aws", "check", "cli", "decode", "fingerprint", "plan", "reconcile", "report", "source"],
        &["async", "tokio"],
    ),
    (
        &["expect/stream/"],
        &[
            "check",
            "cli",
            "decode",
            "fingerprint",
            "plan",
            "reconcile",
            "report",
            "source",
            "split",
        ],
        &[],
    ),
    (
        &["produce/"],
        &[
            "check",
            "cli",
            "decode",
            "fingerprint",
            "naming",
            "plan",
            "reconcile",
            "report",
            "source",
        ],
        &[],
    ),
    (
        &["simulate/"],
        &["aws", "check", "cli", "decode", "fingerprint", "reconcile", "report", "source", "split"],
        &[],
    ),
    (
        &["stack/"],
        &[
            "check",
            "cli",
            "decode",
            "endpoint",
            "failed",
            "fingerprint",
            "naming",
            "outcome",
            "plan",
            "reconcile",
            "report",
            "simulate",
            "source",
            "split",
        ],
        &[],
    ),
    (
        &["trace/"],
        &[
            "check",
            "cli",
            "decode",
            "expect",
            "fingerprint",
            "naming",
            "plan",
            "produce",
            "reconcile",
            "report",
            "source",
            "split",
        ],
        &[],
    ),
    (
        &["report/"],
        &["aws", "cli", "endpoint", "reconcile", "simulate", "source", "stack"],
        &["File", "Instant", "SystemTime", "Zoned"],
    ),
];

/// Lines that a file may have; test files a few more.
const LINES_MAX: usize = 500;
const TEST_LINES_MAX: usize = 600;

#[test]
fn nobody_knows_what_is_not_theirs() {
    let mut wrong = Vec::new();
    for file in sources("src").iter().filter(|file| !file.is_test()) {
        let place = file.name.strip_prefix("src/").unwrap_or(&file.name);
        let code = file.code();
        for (words, places) in ONLY_IN {
            if !is_in(place, places) {
                let known = known_words(&code, words);
                wrong.extend(known.map(|word| format!("src/{place}: `{word}` is for {places:?}")));
            }
        }
        for (places, modules, words) in NEVER {
            if is_in(place, places) {
                let known = crate_modules(&code, place).filter(|name| modules.contains(name));
                wrong.extend(known.map(|name| format!("src/{place}: must not know `{name}`")));
                let known = known_words(&code, words);
                wrong.extend(known.map(|word| format!("src/{place}: must not know `{word}`")));
            }
        }
    }
    report(wrong, "docs/architecture.md says who must never know what");
}

/// The rule above is as good as what it sees.
#[test]
fn who_is_known_is_seen_however_it_is_spelled() {
    let code = "use crate::{a::{no, x}, b, c::D};\nfn f(_: crate::d::E) { super::super::e::f() }\n\
                use super::no;\nuse aws_sdk_s3::Client;";
    let modules: Vec<_> = crate_modules(code, "room/file.rs").collect();
    assert_eq!(modules.join(" ").split_whitespace().collect::<Vec<_>>(), ["a", "b", "c", "d", "e"]);
    assert_eq!(known_words(code, &["aws_", "D", "aw"]).collect::<Vec<_>>(), ["D", "aws_sdk_s3"]);
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent = all_sources().into_iter().filter(|file| !file.text.starts_with("//! "));
    report(silent.map(|file| file.name).collect(), "each begins with a `//!` line that says so");
}

#[test]
fn no_file_is_long() {
    let long = all_sources().into_iter().filter_map(|file| {
        let most = if file.is_test() { TEST_LINES_MAX } else { LINES_MAX };
        let lines = file.text.lines().count();
        (lines > most).then(|| format!("{}: {lines} lines, {most} are the most", file.name))
    });
    report(long.collect(), "split it where a second responsibility begins");
}

#[test]
fn nothing_is_left_for_later() {
    let mut left = Vec::new();
    for file in all_sources() {
        for name in ["todo", "unimplemented", "dbg"] {
            if file.text.contains(&format!("{name}!")) {
                left.push(format!("{}: {name}!", file.name));
            }
        }
    }
    for path in files(root(), &|_| true) {
        let name = name_of(&path);
        if name.ends_with(".snap.new") || name.ends_with(".pending-snap") {
            left.push(format!("{name}: a snapshot that nobody has looked at"));
        }
    }
    report(left, "finish it, or file an issue");
}

/// A file that no `mod` names is not compiled, and a test in it is not run.
#[test]
fn every_module_is_part_of_its_crate() {
    let mut orphans = Vec::new();
    for (folder, crates) in [("src", ["lib.rs", "main.rs"]), ("tests/it", ["main.rs", ""])] {
        for file in sources(folder) {
            let place = file.name[folder.len() + 1..].to_owned();
            if crates.contains(&place.as_str()) {
                continue;
            }
            let module = place.trim_end_matches(".rs").trim_end_matches("/mod");
            let (parent, name) = module.rsplit_once('/').unwrap_or(("", module));
            let parents = match parent {
                "" => crates.map(|name| format!("{folder}/{name}")),
                parent => [".rs", "/mod.rs"].map(|end| format!("{folder}/{parent}{end}")),
            };
            let declared = parents.iter().any(|parent| {
                let text = fs::read_to_string(root().join(parent)).unwrap_or_default();
                text.lines().any(|line| line.ends_with(&format!("mod {name};")))
            });
            if !declared {
                orphans.push(format!("{}: no `mod {name};` in {}", file.name, parents.join(", ")));
            }
        }
    }
    report(orphans, "declare it, or remove it");
}

/// Paths of one machine mean nothing on another.
#[test]
fn no_file_names_a_place_on_somebodys_machine() {
    let mut wrong = Vec::new();
    for path in files(root(), &|_| true) {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for (number, line) in text.lines().enumerate() {
            for folder in ["work", "root", "home", "Users"] {
                let inside = format!("/{folder}/");
                let absolute = line.match_indices(&inside).any(|(at, _)| {
                    let before = line[..at].chars().next_back();
                    before.is_none_or(|byte| !byte.is_alphanumeric() && !"/.}~_-*$".contains(byte))
                });
                if absolute {
                    wrong.push(format!("{}:{}: {inside}", name_of(&path), number + 1));
                }
            }
        }
    }
    report(wrong, "name places relative to the repository");
}

#[test]
fn the_readme_of_the_fixtures_lists_each_folder() {
    let fixtures = root().join("fixtures");
    let readme = fs::read_to_string(fixtures.join("README.md")).unwrap_or_default();
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let rows: Vec<_> = rows.map(str::to_owned).collect();
    let entries = fs::read_dir(&fixtures).expect("fixtures/ is there").flatten();
    let folders: Vec<_> = entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let unlisted = folders.iter().filter(|folder| !rows.contains(folder));
    let gone = rows.iter().filter(|row| !folders.contains(row));
    let mut wrong: Vec<_> = unlisted.map(|folder| format!("{folder}: has no row")).collect();
    wrong.extend(gone.map(|row| format!("{row}: has a row and no folder")));
    report(wrong, "fixtures/README.md has a row for each folder");
}

/// The table of claims names tests, as `path::name`, and folders of fixtures.
#[test]
fn every_claim_has_a_test_that_is_there() {
    let page =
        fs::read_to_string(root().join("docs/testing.md")).expect("docs/testing.md is there");
    let (_, claims) = page.split_once("\n## Claims\n").expect("it has a section of claims");
    let claims = claims.split("\n## ").next().unwrap_or_default();
    let rows = claims.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| claim"));
    let (mut wrong, mut tests) = (Vec::new(), 0);
    for row in rows.filter(|row| !row.starts_with("| ---")) {
        let named: Vec<_> = row.rsplit(" | ").next().into_iter().flat_map(quoted).collect();
        if named.is_empty() && !row.contains("not tested") {
            wrong.push(format!("{row}: names nothing, and does not say why"));
        }
        for name in named {
            tests += 1;
            let is_there = match name.rsplit_once("::") {
                Some((path, test)) => has_test(path, test),
                None if name.starts_with("fixtures/") => root().join(name).is_dir(),
                None => name == ".ci/run" || root().join("fuzz/seeds").join(name).is_dir(),
            };
            if !is_there {
                wrong.push(format!("{name}: is not there"));
            }
        }
    }
    assert!(tests > 100, "only {tests} tests were found");
    report(wrong, "docs/testing.md names what would fail if a claim were false");
}

/// What stands between backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Whether a file has a test of this name.
fn has_test(path: &str, name: &str) -> bool {
    let text = fs::read_to_string(root().join(path)).unwrap_or_default();
    let mut lines = text.lines().map(str::trim_start);
    let mut is_test = false;
    lines.any(|line| {
        is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        let found = is_test
            && line.split_once("fn ").is_some_and(|(_, rest)| {
                rest.strip_prefix(name).is_some_and(|rest| rest.starts_with('('))
            });
        is_test &= !line.contains("fn ");
        found
    })
}

/// A Rust file of this repository.
struct Source {
    /// Its path in the repository, with `/` between the parts.
    name: String,
    text: String,
}

impl Source {
    /// Whether it is compiled for tests only.
    fn is_test(&self) -> bool {
        self.name.split('/').any(|part| part == "tests" || part == "tests.rs")
    }

    /// Its lines without comments, and without tests inside it, which come last.
    fn code(&self) -> String {
        let text = self.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        code.collect::<Vec<_>>().join("\n")
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn name_of(path: &Path) -> String {
    let inside = path.strip_prefix(root()).unwrap_or(path);
    inside.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// The files below a folder that belong to the repository, in the order of their names.
fn files(folder: &Path, wanted: &dyn Fn(&str) -> bool) -> Vec<PathBuf> {
    let built = ["target", "artifacts", "corpus", "coverage"];
    let ours = |entry: &DirEntry| {
        let name = entry.file_name().to_string_lossy();
        let hidden = name.starts_with('.') && ![".ci", ".github"].contains(&name.as_ref());
        entry.depth() == 0 || !(hidden || built.contains(&name.as_ref()))
    };
    let walk = WalkDir::new(folder).sort_by_file_name().into_iter().filter_entry(ours);
    let entries = walk.map(|entry| entry.expect("the repository can be read"));
    let files = entries.filter(|entry| entry.file_type().is_file());
    files.map(DirEntry::into_path).filter(|path| wanted(&name_of(path))).collect()
}

fn sources(folder: &str) -> Vec<Source> {
    let rust = |name: &str| name.ends_with(".rs");
    let paths = files(&root().join(folder), &rust).into_iter();
    paths
        .map(|path| Source {
            name: name_of(&path),
            text: fs::read_to_string(&path).expect("a source file can be read"),
        })
        .collect()
}

fn all_sources() -> Vec<Source> {
    let sources = ["src", "tests", "benches", "fuzz", "xtask"].map(sources);
    let sources: Vec<_> = sources.into_iter().flatten().collect();
    assert!(sources.len() > 50, "only {} source files were found", sources.len());
    sources
}

fn is_in(place: &str, places: &[&str]) -> bool {
    places
        .iter()
        .any(|inside| place == *inside || inside.ends_with('/') && place.starts_with(inside))
}

fn is_part_of_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// The words of the code that are among `words`.
fn known_words<'a>(code: &'a str, words: &'a [&str]) -> impl Iterator<Item = &'a str> {
    code.split(|char| !is_part_of_word(char)).filter(|word| {
        words.iter().any(|known| word == known || known.ends_with('_') && word.starts_with(known))
    })
}

/// The modules at the top of this crate that the code of a place names, by `crate::` or `super::`.
fn crate_modules<'a>(code: &'a str, place: &str) -> impl Iterator<Item = &'a str> {
    let inside = place.trim_end_matches(".rs").trim_end_matches("/mod");
    let up = "super::".repeat(inside.split('/').count());
    ["crate::".to_owned(), up].into_iter().flat_map(move |path| {
        let mut rest = code;
        std::iter::from_fn(move || {
            let at = rest.find(&path)?;
            let nested = rest[..at].ends_with("super::");
            rest = &rest[at + path.len()..];
            Some(if nested { "" } else { rest })
        })
        .flat_map(first_names)
    })
}

/// The names that a path goes on with: one, or those in braces.
fn first_names(path: &str) -> Vec<&str> {
    let word = |text| str::split(text, |char| !is_part_of_word(char)).next().unwrap_or_default();
    let Some(group) = path.strip_prefix('{') else { return vec![word(path)] };
    let (mut names, mut depth, mut from) = (Vec::new(), 0, 0);
    for (at, char) in group.char_indices() {
        match char {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                names.push(word(group[from..at].trim_start()));
                from = at + 1;
            }
            _ => {}
        }
        if char == '}' && from == at + 1 {
            break;
        }
    }
    names
}

/// Fails with everything that is wrong, and what to do about it.
fn report(wrong: Vec<String>, advice: &str) {
    let lines: String = wrong.iter().map(|line| format!("\n  {line}")).collect();
    assert!(wrong.is_empty(), "{advice}:{lines}\n");
}
