//! `produce`: puts records and shows what became of them. An error does not hide the numbers.

use jiff::Timestamp;

use super::output::{self, Output};
use super::progress::Progress;
use super::request::{Produce, ProduceTo, Session};
use super::wire;
use crate::error::Result;
use crate::produce::{self, Again, Invocation, Plan, Produced, Records};
use crate::report::units::counted;
use crate::stop::Stop;
use crate::{exit, report};

pub(super) async fn run(request: Produce, session: &Session, stop: Stop) -> Result<u8> {
    let Produce { to, rate, attempts, output: shown } = request;
    if let ProduceTo::File { path, records } = &to {
        return write_out(path.as_deref(), records, session);
    }
    let out = Output::open(shown.file.as_deref())?;
    let aws = wire::aws(&session.aws).await?;
    let progress = Progress::new(session.progress);
    let produced = match to {
        ProduceTo::Target { target, records, manifest } => {
            let plan = Plan { target, records, manifest, rate, attempts, now };
            produce::run(&aws, &plan, &stop, &progress).await?
        }
        ProduceTo::Function { function, count, manifest } => {
            let plan = Invocation { function, count, manifest };
            produce::invoke(&aws, &plan, &stop, &progress).await?
        }
        ProduceTo::Again { manifest, input } => {
            let plan = Again { manifest, input, rate, attempts, now };
            produce::again(&aws, &plan, &stop, &progress).await?
        }
        ProduceTo::File { .. } => unreachable!("written above"),
    };
    progress.clear();
    out.deliver(|out| report::produce(&produced, shown.form, out))?;
    Ok(told(&produced, session))
}

/// Says what went wrong, and gives the exit code.
fn told(produced: &Produced, session: &Session) -> u8 {
    match &produced.failure {
        Some(error) => {
            output::complain(error, session.stderr_color, session.verbosity > 0);
            exit::INCONCLUSIVE
        }
        None => exit::RECONCILED,
    }
}

fn write_out(path: Option<&std::path::Path>, records: &Records, session: &Session) -> Result<u8> {
    let mut out = Output::open(path)?;
    let written = produce::write_out(records, &mut out);
    let records = match written {
        Ok(records) => records,
        // A reader that goes away has seen what it wanted.
        Err(_) if out.is_closed() => return Ok(exit::RECONCILED),
        Err(error) => return Err(error),
    };
    out.finish(Ok(()))?;
    if let (Some(path), false) = (path, session.quiet) {
        let records = counted(records, "record", "records");
        output::say(&format!("{records} written to {}\n", path.display()));
    }
    Ok(exit::RECONCILED)
}

#[expect(clippy::disallowed_methods, reason = "a ledger says when records were put")]
fn now() -> Timestamp {
    Timestamp::now()
}
