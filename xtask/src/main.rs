//! Chores of this repository: `cargo xtask bench`, `peers` and `store` measure fhcheck beside others,
//! `cargo xtask scale` shows how time grows, `cargo xtask simulate` runs worlds by seed, `cargo xtask canaries` breaks the code and sees who notices.

mod bench;
mod canaries;
mod peers;
mod program;
mod scale;
#[path = "../../tests/it/servers.rs"]
mod servers;
mod simulate;
mod store;
mod turns;

use std::io;
use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask bench [--mib N] [--rounds N] [--only NAME]

Measures split, decode and reconcile beside a peer that does the same, in the same run.

  --mib N      content of each corpus in MiB (default 64)
  --rounds N   rounds; each runs fhcheck, then the peer (default 5)
  --only NAME  only rows with NAME in their work, peer or corpus

       cargo xtask peers [--mib N] [--rounds N]

Counts the records of objects by fhcheck, jq and simdjson, and reconciles objects with a manifest by
fhcheck and by databases; each is a process of its own.

  --mib N      content of all objects in MiB (default 512)
  --rounds N   rounds; each runs fhcheck, then the peer (default 3)

       cargo xtask store [--objects N] [--mib N] [--rounds N]

Lists and gets from an S3 server on this machine, by fhcheck and by s5cmd.

  --objects N  objects to list (default 100000)
  --mib N      content of the objects to get in MiB (default 1024)
  --rounds N   rounds; each runs fhcheck, then the peer (default 3)

       cargo xtask scale [--millions N]

Reconciles one million records, ten million and so on, and makes sure that every fault is named.

  --millions N  most records, in millions (default 100, which takes 16 GB of disk)

       cargo xtask simulate (--seed S | --minutes N)

Reads worlds with faults from a hostile endpoint, and compares what is said of each with the truth.

  --seed S     the world of this seed
  --minutes N  worlds that nobody chose, for so long

       cargo xtask canaries [--only NAME] [--check]

Breaks the code in one place at a time, in a copy; the test that claims to notice must fail.

  --only NAME  only canaries with NAME in their names
  --check      only whether each still finds its place
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let out = &mut io::stdout().lock();
    let outcome = match chore(&arguments) {
        Ok(Chore::Bench(options)) => bench::run(&options, out),
        Ok(Chore::Peers(options)) => peers::run(&options, out),
        Ok(Chore::Store(options)) => store::run(&options, out),
        Ok(Chore::Scale(options)) => scale::run(&options, out),
        Ok(Chore::Simulate(worlds)) => simulate::run(worlds),
        Ok(Chore::Canaries(options)) => canaries::run(&options, out),
        Err(wrong) => {
            Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{wrong}\n\n{USAGE}")))
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// What to do.
#[derive(Debug)]
enum Chore {
    Bench(bench::Options),
    Peers(peers::Options),
    Store(store::Options),
    Scale(scale::Options),
    Simulate(simulate::Worlds),
    Canaries(canaries::Options),
}

#[expect(clippy::print_stderr, reason = "a chore talks to the person who started it")]
fn complain(error: &io::Error) {
    eprintln!("xtask: {error}");
}

/// Reads the command line; what is wrong with it, where something is.
fn chore(arguments: &[String]) -> Result<Chore, String> {
    let [name, rest @ ..] = arguments else { return Err("no chore is named".to_owned()) };
    let mut chore = match name.as_str() {
        "bench" => Chore::Bench(bench::Options::default()),
        "peers" => Chore::Peers(peers::Options::default()),
        "store" => Chore::Store(store::Options::default()),
        "scale" => Chore::Scale(scale::Options::default()),
        "simulate" => return worlds(rest).map(Chore::Simulate),
        "canaries" => return canaries(rest).map(Chore::Canaries),
        _ => return Err(format!("there is no chore {name:?}")),
    };
    for pair in rest.chunks(2) {
        let [name, value] = pair else { return Err(format!("{} has no value", pair[0])) };
        let number = || match value.parse() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(format!("{value:?} is no number for {name}")),
        };
        match (&mut chore, name.as_str()) {
            (Chore::Bench(options), "--mib") => options.mib = number()?,
            (Chore::Bench(options), "--rounds") => options.rounds = number()?,
            (Chore::Bench(options), "--only") => options.only = Some(value.clone()),
            (Chore::Peers(options), "--mib") => options.mib = number()?,
            (Chore::Peers(options), "--rounds") => options.rounds = number()?,
            (Chore::Store(options), "--objects") => options.objects = number()?,
            (Chore::Store(options), "--mib") => options.mib = number()?,
            (Chore::Store(options), "--rounds") => options.rounds = number()?,
            (Chore::Scale(options), "--millions") => options.millions = number()? as u64,
            _ => return Err(format!("there is no option {name}")),
        }
    }
    Ok(chore)
}

fn worlds(rest: &[String]) -> Result<simulate::Worlds, String> {
    let [name, value] = rest else { return Err("it takes --seed S or --minutes N".to_owned()) };
    let number = value.parse().map_err(|_| format!("{value:?} is no number for {name}"))?;
    match name.as_str() {
        "--seed" => Ok(simulate::Worlds::Seed(number)),
        "--minutes" => Ok(simulate::Worlds::Minutes(number)),
        _ => Err(format!("there is no option {name}")),
    }
}

fn canaries(rest: &[String]) -> Result<canaries::Options, String> {
    let mut options = canaries::Options::default();
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        match (word.as_str(), words.as_slice().first()) {
            ("--check", _) => options.check = true,
            ("--only", Some(name)) => {
                options.only = Some(name.clone());
                words.next();
            }
            ("--only", None) => return Err(format!("{word} has no value")),
            _ => return Err(format!("there is no option {word}")),
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Chore, String> {
        chore(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn the_command_line_is_read_or_refused() {
        let Ok(Chore::Bench(options)) = read("bench --mib 2 --only gzip") else { panic!() };
        assert_eq!((options.mib, options.rounds), (2, bench::Options::default().rounds));
        assert_eq!(options.only.as_deref(), Some("gzip"));
        let Ok(Chore::Peers(options)) = read("peers --rounds 9") else { panic!() };
        assert_eq!((options.mib, options.rounds), (peers::Options::default().mib, 9));
        let Ok(Chore::Store(options)) = read("store --objects 5 --rounds 1") else { panic!() };
        assert_eq!((options.objects, options.rounds), (5, 1));
        let Ok(Chore::Scale(options)) = read("scale --millions 1") else { panic!() };
        assert_eq!(options.millions, 1);
        let Ok(Chore::Simulate(worlds)) = read("simulate --seed 0") else { panic!() };
        assert_eq!(worlds, simulate::Worlds::Seed(0));
        let Ok(Chore::Canaries(options)) = read("canaries --only x --check") else { panic!() };
        assert_eq!((options.check, options.only.as_deref()), (true, Some("x")));
        for (line, expected) in [
            ("simulate", "it takes --seed S or --minutes N"),
            ("simulate --seed x", "\"x\" is no number for --seed"),
            ("canaries --only", "--only has no value"),
            ("", "no chore is named"),
            ("brench", "there is no chore \"brench\""),
            ("bench --mib", "--mib has no value"),
            ("bench --mib 0", "\"0\" is no number for --mib"),
            ("bench --fast 1", "there is no option --fast"),
            ("peers --only gzip", "there is no option --only"),
        ] {
            assert_eq!(read(line).unwrap_err(), expected);
        }
    }
}
