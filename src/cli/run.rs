//! Runs a request: opens what it needs, watches for Ctrl-C, shows what came out.

use std::future::Future;
use std::io;
use std::sync::Arc;

use super::output::Output;
use super::progress::Progress;
use super::request::{self, List, Reconcile, Request, Session, Simulate};
use super::{demo, dump, manual, wire};
use crate::check::{Manifest, Run};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{Expectation, Limits, Location, ReadPlan};
use crate::report::units::counted;
use crate::source::KeyRange;
use crate::{exit, limits, report};

/// Runs a request to its exit code.
///
/// # Errors
/// When it could not come to a verdict.
pub fn run(request: Request, session: &Session) -> Result<u8> {
    match request {
        Request::List(request) => wait(list(request, session)),
        Request::Dump(request) => wait(dump::run(request, session)),
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

/// Keeps those panics off stderr that the reader of columnar files catches: to it they are damage.
#[cfg(feature = "columnar")]
pub fn hush_caught_panics() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !crate::columnar::is_guarded() {
            hook(panic);
        }
    }));
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
    let watched = Watched::open(&request.read, session, session.progress).await?;
    if request.dry_run {
        return watched.estimate(&request.output, output).await;
    }
    let listing = watched.run.list(request.records, limits::SAMPLES_DEFAULT).await?;
    watched.progress.clear();
    output.deliver(|out| report::list(&listing, request.output.form, out))?;
    Ok(exit::code(listing.verdict()))
}

async fn reconcile(request: Reconcile, session: &Session) -> Result<u8> {
    let output = Output::open(request.output.file.as_deref())?;
    let plan = &request.plan;
    let watched = Watched::open(&plan.read, session, session.progress).await?;
    if request.dry_run {
        return watched.estimate(&request.output, output).await;
    }
    let mut manifests = Vec::new();
    if let Expectation::Manifest(locations) = &plan.expectation {
        for location in locations {
            manifests.push(manifest(location, session, &plan.read.limits).await?);
        }
    }
    let outcome = watched.run.reconcile(plan, manifests).await?;
    watched.progress.clear();
    output.deliver(|out| report::reconcile(&outcome, request.output.form, out))?;
    Ok(exit::code(outcome.verdict()))
}

async fn manifest(location: &Location, session: &Session, limits: &Limits) -> Result<Manifest> {
    let prefix = match location {
        Location::S3 { prefix, .. } => prefix.as_str(),
        Location::Local(_) => "",
    };
    Ok(Manifest {
        name: location.to_string(),
        source: wire::open(location, &session.aws, limits).await?,
        range: KeyRange::all(prefix),
    })
}

/// A run that somebody watches.
pub(super) struct Watched {
    pub(super) run: Run,
    pub(super) progress: Arc<Progress>,
    plan: ReadPlan,
}

impl Watched {
    /// Opens what the plan names.
    pub(super) async fn open(plan: &ReadPlan, session: &Session, shown: bool) -> Result<Self> {
        let source = wire::open(&plan.location, &session.aws, &plan.limits).await?;
        let progress = Arc::new(Progress::new(shown));
        let observer = Arc::clone(&progress);
        let run = Run::new(source, plan.clone(), observer);
        Ok(Self { run, progress, plan: plan.clone() })
    }

    /// Says what reading would take; nothing is read.
    pub(super) async fn estimate(&self, shown: &request::Output, output: Output) -> Result<u8> {
        let estimate = self.run.estimate().await?;
        self.progress.clear();
        let charged = matches!(self.plan.location, Location::S3 { .. });
        let location = self.plan.location.to_string();
        output.deliver(|out| report::estimate(&location, &estimate, charged, shown.form, out))?;
        Ok(exit::RECONCILED)
    }
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
