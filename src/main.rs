//! The `fhcheck` command: parse, plan, run, exit code.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser;
use fhcheck::cli::args::Args;
use fhcheck::cli::env::Env;
use fhcheck::cli::{lower, output, run};
use fhcheck::exit;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version come this way too, with a code of their own. Where they cannot be
            // printed, nobody reads them.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(exit::INCONCLUSIVE));
        }
    };
    let env = Env::of_process();
    let session = lower::session(&args.global, &env);
    run::trace(session.verbosity);
    #[cfg(feature = "columnar")]
    run::hush_caught_panics();
    let go =
        || lower::request(args, &session, &env).and_then(|request| run::run(request, &session));
    // A defect has spoken for itself on stderr; its exit code must not be taken for a verdict.
    let code = match catch_unwind(AssertUnwindSafe(go)) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            output::complain(&error, session.stderr_color, session.verbosity > 0);
            exit::INCONCLUSIVE
        }
        Err(_) => exit::INCONCLUSIVE,
    };
    ExitCode::from(code)
}
