//! Chores of this repository: `cargo xtask bench` measures fhcheck beside its peers.

mod bench;

use std::io;
use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask bench [--mib N] [--rounds N] [--only NAME]

Measures split, decode and reconcile beside a peer that does the same, in the same run.

  --mib N      content of each corpus in MiB (default 64)
  --rounds N   rounds; each runs fhcheck, then the peer (default 5)
  --only NAME  only rows with NAME in their work, peer or corpus
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match options(&arguments) {
        Ok(options) => bench::run(&options, &mut io::stdout().lock()),
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

#[expect(clippy::print_stderr, reason = "a chore talks to the person who started it")]
fn complain(error: &io::Error) {
    eprintln!("xtask: {error}");
}

/// Reads the command line; what is wrong with it, where something is.
fn options(arguments: &[String]) -> Result<bench::Options, String> {
    let [chore, rest @ ..] = arguments else { return Err("no chore is named".to_owned()) };
    if chore != "bench" {
        return Err(format!("there is no chore {chore:?}"));
    }
    let mut options = bench::Options::default();
    for pair in rest.chunks(2) {
        let [name, value] = pair else { return Err(format!("{} has no value", pair[0])) };
        let number = || match value.parse() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(format!("{value:?} is no number for {name}")),
        };
        match name.as_str() {
            "--mib" => options.mib = number()?,
            "--rounds" => options.rounds = number()?,
            "--only" => options.only = Some(value.clone()),
            _ => return Err(format!("there is no option {name}")),
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<bench::Options, String> {
        options(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn the_command_line_is_read_or_refused() {
        let options = read("bench --mib 2 --only gzip").unwrap();
        assert_eq!((options.mib, options.rounds), (2, bench::Options::default().rounds));
        assert_eq!(options.only.as_deref(), Some("gzip"));
        for (line, expected) in [
            ("", "no chore is named"),
            ("brench", "there is no chore \"brench\""),
            ("bench --mib", "--mib has no value"),
            ("bench --mib 0", "\"0\" is no number for --mib"),
            ("bench --fast 1", "there is no option --fast"),
        ] {
            assert_eq!(read(line).unwrap_err(), expected);
        }
    }
}
