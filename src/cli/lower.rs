//! What was typed becomes a request: everything is checked, everything from around is resolved.
//! After this, nothing reads the environment, the clock or the terminal.

mod location;
mod output;
mod produce;
mod text;
mod time;

use jiff::tz::TimeZone;

use super::args::{
    AllowArg, Args, ColorArg, Command, CompressionArg, DemoArgs, DumpArgs, ForeignArg, FormatArg,
    GlobalArgs, ListArgs, OutputArgs, ReadArgs, ReconcileArgs, SimulateArgs, SplitArg,
};
use super::env::Env;
use super::request::{AwsOptions, Demo, Dump, List, Output, Reconcile, Request, Session, Simulate};
use crate::check::Wanted;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::outcome::Allow;
use crate::plan::{Expectation, Foreign, Limits, Location, ReadPlan, ReconcilePlan, Window};
use crate::report::Form;
use crate::report::dump::Records;
use crate::report::table::Layout;
use crate::split::{Format, FormatChoice};

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
        Command::Reconcile(args) => Request::Reconcile(Box::new(reconcile(args, session, env)?)),
        Command::Produce(args) => Request::Produce(Box::new(produce::produce(args, session, env)?)),
        Command::Simulate(args) => Request::Simulate(simulate(args, env)?),
        Command::Demo(args) => Request::Demo(demo(&args, session, env)?),
        Command::Completions(args) => Request::Completions(args.shell),
        Command::Man(args) => Request::Man(args.out),
    })
}

fn list(args: ListArgs, session: &Session, env: &Env) -> Result<List> {
    let read = read_plan(&args.read, env)?;
    output::spare([&args.output.output], [&read.location])?;
    Ok(List {
        read,
        records: args.records,
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
    let read = read_plan(&args.read, env)?;
    output::spare([&args.output.output, &args.rejects], [&read.location])?;
    Ok(Dump {
        read,
        wanted: if args.failed { Wanted::Failed } else { Wanted::Data },
        records,
        rejects: args.rejects,
        dry_run: args.read.dry_run,
        output: output(args.output, limits::SAMPLES_DEFAULT, session, env),
    })
}

fn reconcile(args: ReconcileArgs, session: &Session, env: &Env) -> Result<Reconcile> {
    let samples = samples(&args.samples)?;
    let expectation = match (args.expected, args.manifest.as_slice()) {
        (Some(records), []) => Expectation::Count(records),
        (None, []) => {
            return Err(usage("nothing to compare with").hint(
                "say how many records there should be with --expected N, or which ones with \
                 --manifest FILE",
            ));
        }
        (None, manifests) => {
            let locations = manifests.iter().map(|text| location::manifest(text));
            Expectation::Manifest(locations.collect::<Result<_>>()?)
        }
        (Some(_), _) => return Err(usage("--expected and --manifest exclude each other")),
    };
    let read = read_plan(&args.read, env)?;
    let manifests = match &expectation {
        Expectation::Manifest(locations) => locations.as_slice(),
        Expectation::Count(_) => &[],
    };
    output::spare([&args.output.output], manifests.iter().chain([&read.location]))?;
    Ok(Reconcile {
        dry_run: args.read.dry_run,
        plan: ReconcilePlan {
            read,
            expectation,
            policy: text::policy(&args.matching)?,
            allow: allow(&args.allow),
            samples,
            seed: env.random,
        },
        output: output(args.output, samples, session, env),
    })
}

fn allow(kinds: &[AllowArg]) -> Allow {
    Allow {
        duplicates: kinds.contains(&AllowArg::Duplicates),
        unexpected: kinds.contains(&AllowArg::Unexpected),
        failed: kinds.contains(&AllowArg::Failed),
    }
}

fn samples(text: &str) -> Result<usize> {
    if text == "all" {
        return Ok(usize::MAX);
    }
    text.parse().map_err(|_| usage(format!("--samples {text:?} is neither a number nor `all`")))
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

fn read_plan(args: &ReadArgs, env: &Env) -> Result<ReadPlan> {
    let zone = zone(&args.zone)?;
    let window = window(args, &zone, env)?;
    let format = match (args.split, &args.delimiter) {
        (_, Some(delimiter)) => FormatChoice::Fixed(Format::Delimited(delimiter_bytes(delimiter)?)),
        (SplitArg::Auto, None) => FormatChoice::Detect,
        (SplitArg::Json, None) => FormatChoice::Fixed(Format::Json),
        (SplitArg::Lines, None) => FormatChoice::Fixed(Format::Lines),
    };
    Ok(ReadPlan {
        location: location(args.location.as_deref(), env)?,
        window,
        zone,
        foreign: match args.foreign {
            ForeignArg::Read => Foreign::Read,
            ForeignArg::Skip => Foreign::Skip,
        },
        format,
        limits: read_limits(args, env)?,
    })
}

fn location(typed: Option<&str>, env: &Env) -> Result<Location> {
    match typed.or(env.location.as_deref()) {
        Some(text) => location::read(text),
        None => Err(usage("nowhere to look").hint(
            "name a location, as s3://BUCKET/PREFIX or a directory, or set FHCHECK_LOCATION",
        )),
    }
}

fn zone(name: &str) -> Result<TimeZone> {
    TimeZone::get(name).map_err(|error| {
        usage(format!("--zone {name:?} is no time zone"))
            .hint("use an IANA name, such as Europe/Madrid")
            .caused_by(error)
    })
}

fn window(args: &ReadArgs, zone: &TimeZone, env: &Env) -> Result<Window> {
    let end = |option, text: &Option<String>| {
        text.as_deref().map(|text| time::instant(option, text, env.now, zone)).transpose()
    };
    let window =
        Window { since: end("--since", &args.since)?, until: end("--until", &args.until)? };
    if let (Some(since), Some(until)) = (window.since, window.until)
        && since >= until
    {
        return Err(usage(format!("the window is empty: it begins {since} and ends {until}"))
            .hint("--since must be before --until"));
    }
    Ok(window)
}

fn delimiter_bytes(text: &str) -> Result<Vec<u8>> {
    let bytes = text::unescape("--delimiter", text)?;
    if bytes.is_empty() {
        return Err(usage("--delimiter is empty")
            .hint("records with nothing between them are found with --split json"));
    }
    Ok(bytes)
}

fn read_limits(args: &ReadArgs, env: &Env) -> Result<Limits> {
    let object_bytes = text::size("--max-object-size", &args.max_object_size)?;
    if object_bytes > limits::OBJECT_BYTES_CEILING {
        return Err(usage("--max-object-size is larger than fhcheck can count")
            .hint(format!("the most is {} bytes", limits::OBJECT_BYTES_CEILING)));
    }
    let max_bytes = args.max_bytes.as_deref();
    Ok(Limits {
        object_bytes,
        total_bytes: max_bytes.map(|text| text::size("--max-bytes", text)).transpose()?,
        in_flight_bytes: text::size("--max-in-flight", &args.max_in_flight)?,
        requests: at_least_one("--concurrency", args.concurrency)?,
        workers: at_least_one("--jobs", args.jobs.unwrap_or(env.cores))?,
    })
}

fn at_least_one(option: &str, number: usize) -> Result<usize> {
    if number == 0 {
        return Err(usage(format!("{option} must be at least 1")));
    }
    Ok(number)
}

fn simulate(args: SimulateArgs, env: &Env) -> Result<Simulate> {
    if args.rate == 0 {
        return Err(usage("--rate must be at least 1"));
    }
    let zone = zone(&args.zone)?;
    let start = match &args.start {
        Some(text) => time::instant("--start", text, env.now, &zone)?,
        None => time::start(),
    };
    Ok(Simulate {
        delimiter: text::unescape("--delimiter", &args.delimiter)?,
        zone,
        buffer_bytes: text::size("--buffer-size", &args.buffer_size)?,
        buffer_interval: time::duration("--buffer-interval", &args.buffer_interval)?,
        out: args.out,
        count: args.count,
        input: args.input,
        seed: args.seed,
        faults: args.fault.join(","),
        gzip: args.compression == CompressionArg::Gzip,
        prefix: args.prefix,
        rate: args.rate,
        stream_name: args.stream_name,
        start,
    })
}

fn demo(args: &DemoArgs, session: &Session, env: &Env) -> Result<Demo> {
    Ok(Demo {
        count: args.count,
        faults: args.fault.join(","),
        seed: args.seed,
        gzip: args.compression == CompressionArg::Gzip,
        layout: layout(false, limits::SAMPLES_DEFAULT, session, env),
        limits: Limits {
            object_bytes: limits::OBJECT_BYTES_MAX_DEFAULT,
            total_bytes: None,
            in_flight_bytes: limits::IN_FLIGHT_BYTES_DEFAULT,
            requests: limits::REQUESTS_DEFAULT,
            workers: env.cores,
        },
        identity_seed: env.random,
        start: time::start(),
    })
}

fn usage(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Usage, message)
}

#[cfg(test)]
mod tests;
