//! Options of all commands that read.

use jiff::tz::TimeZone;

use super::{at_least_one, location, text, time, usage};
use crate::cli::args::{ForeignArg, ReadArgs, SplitArg};
use crate::cli::env::Env;
use crate::cli::request::{Read, Whence};
use crate::error::Result;
use crate::limits;
use crate::naming::prefix::Prefix;
use crate::plan::{Foreign, Limits, Location, Window};
use crate::split::{Format, FormatChoice};

pub(super) fn read(args: &ReadArgs, env: &Env) -> Result<Read> {
    let zone = args.zone.as_deref().map(zone).transpose()?;
    let window = window(args, zone.as_ref().unwrap_or(&TimeZone::UTC), env)?;
    let error_output = args.failed_location.iter().map(|text| location::read(text));
    Ok(Read {
        whence: whence(args, env)?,
        error_output: error_output.collect::<Result<_>>()?,
        window,
        zone,
        prefix: args.prefix_format.as_deref().map(prefix).transpose()?,
        foreign: match args.foreign {
            ForeignArg::Read => Foreign::Read,
            ForeignArg::Skip => Foreign::Skip,
        },
        format: format(args)?,
        base64: args.base64,
        limits: read_limits(args, env)?,
    })
}

/// The files and directories that are read, as far as they are known.
pub(super) fn inputs(read: &Read) -> Vec<&Location> {
    let whence = match &read.whence {
        Whence::Location(location) => Some(location),
        Whence::DeliveryStream(_) | Whence::Stack(_) => None,
    };
    whence.into_iter().chain(&read.error_output).collect()
}

fn whence(args: &ReadArgs, env: &Env) -> Result<Whence> {
    if let Some(name) = &args.delivery_stream {
        return Ok(Whence::DeliveryStream(name.clone()));
    }
    if let Some(name) = &args.stack {
        return Ok(Whence::Stack(name.clone()));
    }
    match args.location.as_deref().or(env.location.as_deref()) {
        Some(text) => location::read(text).map(Whence::Location),
        None => Err(usage("nowhere to look").hint(
            "name a location, as s3://BUCKET/PREFIX or a directory, a delivery stream with \
             --delivery-stream, or a stack with --stack; or set FHCHECK_LOCATION",
        )),
    }
}

pub(super) fn zone(name: &str) -> Result<TimeZone> {
    TimeZone::get(name).map_err(|error| {
        usage(format!("--zone {name:?} is no time zone"))
            .hint("use an IANA name, such as Europe/Madrid")
            .caused_by(error)
    })
}

/// A prefix that reads as one.
fn prefix(text: &str) -> Result<String> {
    Prefix::parse(text).map(|prefix| prefix.as_str().to_owned())
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

fn format(args: &ReadArgs) -> Result<FormatChoice> {
    let delimiter = args.delimiter.as_deref().map(delimiter_bytes).transpose()?;
    Ok(FormatChoice::Fixed(match (args.split, delimiter) {
        (SplitArg::Auto, None) => return Ok(FormatChoice::Detect),
        (SplitArg::Auto, Some(delimiter)) => Format::Delimited(delimiter),
        (SplitArg::LogEvents, delimiter) => Format::LogEvents(delimiter.unwrap_or_default()),
        (SplitArg::Json, None) => Format::Json,
        (SplitArg::Kpl, None) => Format::Kpl,
        (SplitArg::Lines, None) => Format::Lines,
        (SplitArg::Json | SplitArg::Kpl | SplitArg::Lines, Some(_)) => {
            return Err(usage("--split and --delimiter both say how records are told apart")
                .hint("give one of them; only --split log-events goes with --delimiter"));
        }
    }))
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
    let in_flight_bytes = text::size("--max-in-flight", &args.max_in_flight)?;
    if in_flight_bytes == 0 {
        return Err(usage("--max-in-flight must be at least 1"));
    }
    let max_bytes = args.max_bytes.as_deref();
    Ok(Limits {
        object_bytes,
        total_bytes: max_bytes.map(|text| text::size("--max-bytes", text)).transpose()?,
        in_flight_bytes,
        requests: at_least_one("--concurrency", args.concurrency)?,
        workers: at_least_one("--jobs", args.jobs.unwrap_or(env.cores))?,
    })
}
