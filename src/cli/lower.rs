//! What was typed becomes a request: everything is checked, everything from around is resolved.
//! After this, nothing reads the environment, the clock or the terminal.

mod location;
mod output;
mod produce;
mod read;
mod reconcile;
mod simulate;
mod snapshot;
mod stack;
mod text;
mod time;
mod trace;

use super::args::{
    Args, ColorArg, Command, DemoArgs, DumpArgs, FormatArg, GlobalArgs, ListArgs, OutputArgs,
};
use super::env::Env;
use super::request::{AwsOptions, Demo, Dump, List, Output, Request, Session};
use crate::check::Wanted;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::plan::{Limits, Memory};
use crate::report::Form;
use crate::report::dump::Records;
use crate::report::table::Layout;

/// How the run talks to whoever started it. This cannot fail, because errors need it.
pub fn session(args: &GlobalArgs, env: &Env) -> Session {
    Session {
        aws: AwsOptions {
            profile: args.profile.clone(),
            region: args.region.clone(),
            endpoint_url: args.endpoint_url.clone(),
            path_style: args.path_style,
        },
        quiet: args.quiet,
        verbosity: args.verbose,
        stderr_color: colored(args.color, env.stderr_terminal, env),
        color: args.color,
        // Bars and log lines would overwrite each other.
        progress: env.stderr_terminal && !args.quiet && args.verbose == 0,
        stdout_terminal: env.stdout_terminal,
        width: env.width,
    }
}

fn colored(choice: ColorArg, terminal: bool, env: &Env) -> bool {
    match choice {
        ColorArg::Always => true,
        ColorArg::Never => false,
        ColorArg::Auto => terminal && !env.no_color,
    }
}

/// What to do.
///
/// # Errors
/// [`ErrorKind::Usage`] or [`ErrorKind::NotFound`]: what was typed makes no sense.
pub fn request(args: Args, session: &Session, env: &Env) -> Result<Request> {
    Ok(match args.command {
        Command::List(args) => Request::List(list(args, session, env)?),
        Command::Dump(args) => Request::Dump(dump(args, session, env)?),
        Command::Reconcile(args) => {
            Request::Reconcile(Box::new(reconcile::reconcile(args, session, env)?))
        }
        Command::Snapshot(args) => Request::Snapshot(snapshot::snapshot(args, env)?),
        Command::Produce(args) => Request::Produce(Box::new(produce::produce(args, session, env)?)),
        Command::Trace(args) => Request::Trace(Box::new(trace::trace(args, session, env)?)),
        Command::Simulate(args) => Request::Simulate(Box::new(simulate::simulate(args, env)?)),
        Command::Demo(args) => Request::Demo(demo(&args, session, env)?),
        Command::Stack(command) => Request::Stack(stack::request(command, session, env)?),
        Command::Completions(args) => Request::Completions(args.shell),
        Command::Man(args) => Request::Man(args.out),
    })
}

fn list(args: ListArgs, session: &Session, env: &Env) -> Result<List> {
    let read = read::read(&args.read, env)?;
    output::spare([&args.output.output], read::inputs(&read))?;
    Ok(List {
        read,
        records: args.records,
        lint: args.lint,
        dry_run: args.read.dry_run,
        output: output(args.output, limits::SAMPLES_DEFAULT, session, env),
    })
}

fn dump(args: DumpArgs, session: &Session, env: &Env) -> Result<Dump> {
    let records = match args.output.format {
        _ if args.raw => Records::Raw,
        _ if args.with_origin => Records::Origin,
        FormatArg::Table => Records::Lines,
        FormatArg::Json => Records::Json,
        FormatArg::Ndjson => Records::Ndjson,
        FormatArg::Csv => Records::Csv,
    };
    let read = read::read(&args.read, env)?;
    output::spare([&args.output.output, &args.rejects], read::inputs(&read))?;
    Ok(Dump {
        read,
        wanted: if args.failed { Wanted::Failed } else { Wanted::Data },
        records,
        rejects: args.rejects,
        dry_run: args.read.dry_run,
        output: output(args.output, limits::SAMPLES_DEFAULT, session, env),
    })
}

fn output(args: OutputArgs, samples: usize, session: &Session, env: &Env) -> Output {
    let form = match args.format {
        FormatArg::Table => Form::Table(layout(args.output.is_some(), samples, session, env)),
        FormatArg::Json => Form::Json,
        FormatArg::Ndjson => Form::Ndjson,
        FormatArg::Csv => Form::Csv,
    };
    Output { form, file: args.output }
}

/// What reads a table that is no screen: a file, a pipe. It needs nothing shortened.
fn layout(to_file: bool, samples: usize, session: &Session, env: &Env) -> Layout {
    let screen = env.stdout_terminal && !to_file;
    Layout {
        width: env.width.filter(|_| screen).unwrap_or(Layout::UNBOUNDED),
        color: colored(session.color, screen, env),
        samples,
    }
}

/// Where what is known of records is kept, unless that is asked for.
fn memory(env: &Env) -> Memory {
    Memory { bytes: limits::MEMORY_DEFAULT, overflow: env.temp_dir.clone() }
}

fn at_least_one(option: &str, number: usize) -> Result<usize> {
    if number == 0 {
        return Err(usage(format!("{option} must be at least 1")));
    }
    Ok(number)
}

fn demo(args: &DemoArgs, session: &Session, env: &Env) -> Result<Demo> {
    Ok(Demo {
        count: args.count,
        faults: args.fault.join(","),
        seed: args.seed,
        compression: simulate::compression(args.compression),
        layout: layout(false, limits::SAMPLES_DEFAULT, session, env),
        limits: Limits {
            object_bytes: limits::OBJECT_BYTES_MAX_DEFAULT,
            total_bytes: None,
            in_flight_bytes: limits::IN_FLIGHT_BYTES_DEFAULT,
            requests: limits::REQUESTS_DEFAULT,
            workers: env.cores,
        },
        memory: memory(env),
        identity_seed: env.random,
        start: time::start(),
    })
}

fn usage(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Usage, message)
}

#[cfg(test)]
mod tests;
