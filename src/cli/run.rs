//! Runs a request: opens what it needs, watches for Ctrl-C, shows what came out.

use std::future::Future;
use std::io;

use super::output::{self, Output};
use super::progress::Progress;
use super::request::{Dump, List, Reconcile, Request, Session, Simulate};
use super::{demo, manual, wire};
use crate::check;
use crate::error::{Error, ErrorKind, Result};
use crate::exit;
use crate::outcome::Verdict;
use crate::plan::{Expectation, Location, ReadPlan};
use crate::report::dump::Writer;
use crate::report::units::counted;
use crate::report::{self, table};
use crate::{limits, source::Source};

/// Runs a request to its exit code.
///
/// # Errors
/// When it could not come to a verdict.
pub fn run(request: Request, session: &Session) -> Result<u8> {
    match request {
        Request::List(request) => wait(list(request, session)),
        Request::Dump(request) => wait(dump(request, session)),
        Request::Reconcile(request) => wait(reconcile(*request, session)),
        Request::Demo(request) => {
            wait(async { demo::run(&request, Output::open(None)?).await.map(exit::code) })
        }
        Request::Simulate(request) => simulate(&request),
        Request::Completions(shell) => show(|out| manual::completions(shell, out)),
        Request::Man(None) => show(|out| manual::page(out)),
        Request::Man(Some(folder)) => manual::pages(&folder).map(|()| exit::RECONCILED),
    }
}

/// Says what is done on stderr, where that was asked for.
pub fn trace(verbosity: u8) {
    let filter = match verbosity {
        0 => return,
        1 => "fhcheck=debug,warn",
        _ => "debug",
    };
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .with_writer(io::stderr)
        .with_ansi(false)
        .init();
}

/// Waits for a run, or for somebody to end it.
fn wait(run: impl Future<Output = Result<u8>>) -> Result<u8> {
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Error::io("the runtime could not be started", error))?;
    let result = runtime.block_on(async {
        tokio::select! {
            result = run => result,
            () = interrupted() => Err(Error::new(
                ErrorKind::Io,
                "interrupted before there was a result",
            )),
        }
    });
    // Threads that still work on an object have nobody left to work for.
    runtime.shutdown_background();
    result
}

/// Comes back when the process is asked to end.
async fn interrupted() {
    let ctrl_c = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                () = ctrl_c => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    ctrl_c.await;
}

fn show(write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> Result<u8> {
    Output::open(None)?.deliver(write)?;
    Ok(exit::RECONCILED)
}

async fn list(request: List, session: &Session) -> Result<u8> {
    let output = Output::open(request.output.file.as_deref())?;
    let source = open(&request.read, session).await?;
    let progress = Progress::new(session.progress);
    if request.dry_run {
        return estimate(&*source, &request.read, &request.output, &progress, output).await;
    }
    let samples = limits::SAMPLES_DEFAULT;
    let listing = check::list(&*source, &request.read, request.records, samples, &progress).await?;
    progress.clear();
    output.deliver(|out| report::list(&listing, request.output.form, out))?;
    Ok(exit::code(listing.verdict()))
}

async fn reconcile(request: Reconcile, session: &Session) -> Result<u8> {
    let output = Output::open(request.output.file.as_deref())?;
    let plan = &request.plan;
    let source = open(&plan.read, session).await?;
    let progress = Progress::new(session.progress);
    if request.dry_run {
        return estimate(&*source, &plan.read, &request.output, &progress, output).await;
    }
    let mut manifests = Vec::new();
    if let Expectation::Manifest(locations) = &plan.expectation {
        for location in locations {
            manifests.push(wire::open(location, &session.aws, &plan.read.limits).await?);
        }
    }
    let outcome = check::reconcile(&*source, &manifests, plan, &progress).await?;
    progress.clear();
    output.deliver(|out| report::reconcile(&outcome, request.output.form, out))?;
    Ok(exit::code(outcome.verdict()))
}

async fn dump(request: Dump, session: &Session) -> Result<u8> {
    let mut output = Output::open(request.output.file.as_deref())?;
    let mut rejects =
        request.rejects.as_deref().map(|path| Output::open(Some(path))).transpose()?;
    let source = open(&request.read, session).await?;
    // Records that scroll by and a bar that redraws itself do not share a screen.
    let on_screen = session.stdout_terminal && request.output.file.is_none();
    let progress = Progress::new(session.progress && !on_screen);
    if request.dry_run {
        return estimate(&*source, &request.read, &request.output, &progress, output).await;
    }
    let to_rejects = rejects.as_mut().map(|rejects| rejects as &mut (dyn io::Write + Send));
    let mut writer = Writer::new(request.records, &mut output, to_rejects);
    let dumped = check::dump(&*source, &request.read, &mut writer, &progress).await;
    progress.clear();
    let damaged = writer.has_rejected();
    let outcome = match dumped {
        Ok(outcome) => outcome,
        // The reader has seen enough. What was looked at so far is all there is to judge.
        Err(_) if output.is_closed() => {
            return Ok(if damaged { exit::DISCREPANT } else { exit::RECONCILED });
        }
        Err(error) => return Err(error),
    };
    let written = writer.finish(&outcome);
    output.finish(written)?;
    if let Some(rejects) = rejects {
        rejects.finish(Ok(()))?;
    }
    let verdict = outcome.verdict();
    if session.quiet {
        return Ok(exit::code(verdict));
    }
    if verdict != Verdict::Reconciled {
        let mut summary = Vec::new();
        let layout = session.stderr_layout(limits::SAMPLES_DEFAULT);
        let written = table::dump(&outcome, layout, &mut summary);
        written.map_err(|error| Error::io("stderr", error))?;
        output::say(&String::from_utf8_lossy(&summary));
    } else if session.progress && !on_screen {
        let objects = counted(outcome.objects.read, "object", "objects");
        let records = counted(outcome.records, "record", "records");
        output::say(&format!("{records} from {objects}\n"));
    }
    Ok(exit::code(verdict))
}

fn simulate(request: &Simulate) -> Result<u8> {
    let output = Output::open(None)?;
    let made = wire::simulate(request)?;
    output.deliver(|out| {
        let records = counted(made.records, "record", "records");
        let objects = counted(made.objects, "object", "objects");
        writeln!(out, "{records} produced, {objects} delivered")?;
        writeln!(out)?;
        writeln!(out, "  objects   {}", made.data.display())?;
        writeln!(out, "  manifest  {}", made.manifest.display())?;
        writeln!(out, "  truth     {}", made.truth.display())?;
        writeln!(out)?;
        let (data, manifest) = (made.data.display(), made.manifest.display());
        writeln!(out, "Next  fhcheck reconcile {data} --manifest {manifest}")
    })?;
    Ok(exit::RECONCILED)
}

async fn open(plan: &ReadPlan, session: &Session) -> Result<Box<dyn Source>> {
    wire::open(&plan.location, &session.aws, &plan.limits).await
}

/// Says what reading would take; nothing is read.
async fn estimate(
    source: &dyn Source,
    plan: &ReadPlan,
    format: &super::request::Output,
    progress: &Progress,
    output: Output,
) -> Result<u8> {
    let estimate = check::estimate(source, plan, progress).await?;
    progress.clear();
    let charged = matches!(plan.location, Location::S3 { .. });
    let location = plan.location.to_string();
    output.deliver(|out| report::estimate(&location, &estimate, charged, format.form, out))?;
    Ok(exit::RECONCILED)
}
