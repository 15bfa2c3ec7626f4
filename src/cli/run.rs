//! Runs a request: opens what it needs, watches for Ctrl-C, shows what came out.

use std::future::Future;
use std::io;

use super::output::Output;
use super::request::{List, Request, Session};
use super::watched::Watched;
use super::{demo, dump, manual, produce, reconcile, simulate, snapshot, stack, trace as walk};
use crate::error::{Error, Result};
use crate::stop::{Stop, before_a_result};
use crate::{exit, limits, report};

/// Runs a request to its exit code.
///
/// # Errors
/// When it could not come to a verdict.
pub fn run(request: Request, session: &Session) -> Result<u8> {
    match request {
        Request::List(request) => wait(list(request, session)),
        Request::Dump(request) => wait(dump::run(request, session)),
        Request::Reconcile(request) => wait_twice(|stop| reconcile::run(*request, session, stop)),
        Request::Demo(request) => {
            wait(async { demo::run(&request, Output::open(None)?).await.map(exit::code) })
        }
        Request::Snapshot(request) => wait(snapshot::run(request, session)),
        Request::Produce(request) => wait_twice(|stop| produce::run(*request, session, stop)),
        Request::Trace(request) => wait(walk::run(*request, session)),
        Request::Simulate(request) => wait(simulate::run(*request, session)),
        Request::Stack(request) => stack::run(request, session),
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
pub(super) fn wait(run: impl Future<Output = Result<u8>>) -> Result<u8> {
    wait_or(run, before_a_result)
}

/// Waits for a run, or for somebody to end it, which is then this error.
pub(super) fn wait_or(
    run: impl Future<Output = Result<u8>>,
    ended: impl FnOnce() -> Error,
) -> Result<u8> {
    wait_until(run, async {
        interrupted().await;
        ended()
    })
}

fn wait_until(
    run: impl Future<Output = Result<u8>>,
    ended: impl Future<Output = Error>,
) -> Result<u8> {
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Error::io("the runtime could not be started", error))?;
    let result = runtime.block_on(async {
        // The watch begins before the run: what a run leaves behind must never be up to a signal.
        tokio::select! {
            biased;
            error = ended => Err(error),
            result = run => result,
        }
    });
    // Threads that still work on an object have nobody left to work for.
    runtime.shutdown_background();
    result
}

/// Waits for a run that can be asked to stop; who asks twice does not want to wait for that either.
fn wait_twice<F: Future<Output = Result<u8>>>(run: impl FnOnce(Stop) -> F) -> Result<u8> {
    let (ask, asked) = tokio::sync::watch::channel(false);
    let run = run(Stop::new(asked));
    wait_until(run, async {
        interrupted().await;
        // Where nobody listens any more, the run has ended.
        let _ = ask.send(true);
        interrupted().await;
        before_a_result()
    })
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
        return watched.estimate(None, &request.output, output).await;
    }
    let samples = limits::SAMPLES_DEFAULT;
    let listing = if request.lint {
        watched.run.lint(samples).await?
    } else {
        watched.run.list(request.records, samples).await?
    };
    watched.progress.clear();
    output.deliver(|out| report::list(&listing, request.output.form, out))?;
    Ok(exit::code(listing.verdict()))
}
