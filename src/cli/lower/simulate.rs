//! `simulate`: a delivery stream, what it is fed with, and where it delivers to.

use std::time::Duration;

use jiff::Unit;
use jiff::tz::TimeZone;

use super::{location, read, text, time, usage};
use crate::cli::args::{CompressionArg, SimulateArgs, WrapArg};
use crate::cli::env::Env;
use crate::cli::request::{Simulate, SimulateFrom, SimulateTo};
use crate::error::Result;
use crate::expect::stream::StreamRead;
use crate::limits;
use crate::simulate::{Compression, Pace, Spec, Wrapping};

/// `Prefix` of the delivery stream, where none was given.
const PREFIX_DEFAULT: &str = "firehose/";

pub(super) fn simulate(args: SimulateArgs, env: &Env) -> Result<Simulate> {
    let zone = read::zone(&args.zone)?;
    let from = from(&args, &zone, env)?;
    let (to, prefix) = to(&args)?;
    let spec = Spec {
        error_prefix: args.error_prefix,
        delivery_stream: args.stream_name,
        version: 1,
        prefix,
        zone,
        compression: compression(args.compression),
        wrapping: wrapping(args.wrap),
        gzip_records: args.gzip_records,
        extension: None,
        delimiter: text::unescape("--delimiter", &args.delimiter)?,
        buffer_bytes: buffer_bytes(&args.buffer_size)?,
        buffer_interval: time::duration("--buffer-interval", &args.buffer_interval)?,
        seed: args.seed,
        faults: args.fault.join(",").parse()?,
    };
    Ok(Simulate { to, from, spec })
}

/// What is meant as `SizeInMBs` of `BufferingHints` has no unit, and would make an object of each record.
fn buffer_bytes(text: &str) -> Result<usize> {
    let bytes = text::size("--buffer-size", text)?;
    let least = limits::SIMULATED_BYTES_MIN;
    if bytes < least {
        let what = format!("--buffer-size {text} is {bytes} bytes, and {least} are the least");
        return Err(usage(what).hint("write a unit: 5MiB is what SizeInMBs calls 5"));
    }
    Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
}

pub(super) fn compression(arg: CompressionArg) -> Compression {
    match arg {
        CompressionArg::None => Compression::Plain,
        CompressionArg::Gzip => Compression::Gzip,
        CompressionArg::Zip => Compression::Zip,
        CompressionArg::Snappy => Compression::Snappy,
        CompressionArg::HadoopSnappy => Compression::HadoopSnappy,
        CompressionArg::Zstd => Compression::Zstd,
    }
}

fn wrapping(arg: WrapArg) -> Wrapping {
    match arg {
        WrapArg::None => Wrapping::None,
        WrapArg::Base64 => Wrapping::Base64,
        WrapArg::LogEvents => Wrapping::LogEvents,
        WrapArg::Kpl => Wrapping::Kpl,
    }
}

/// Where to, and the prefix there.
fn to(args: &SimulateArgs) -> Result<(SimulateTo, String)> {
    let given = args.prefix.clone();
    match (&args.out, &args.to) {
        (Some(out), _) => {
            let prefix = given.unwrap_or_else(|| PREFIX_DEFAULT.to_owned());
            Ok((SimulateTo::Directory(out.clone()), prefix))
        }
        (None, Some(to)) => {
            let (bucket, prefix) = location::destination(to)?;
            if prefix.is_some() && given.is_some() {
                return Err(usage(format!("{to} and --prefix both name a prefix"))
                    .hint("write s3://BUCKET with --prefix, or s3://BUCKET/PREFIX without"));
            }
            let prefix = prefix.map(str::to_owned).or(given);
            let (truth, manifest) = (args.truth.clone(), args.manifest.clone());
            let to = SimulateTo::Bucket { bucket: bucket.to_owned(), truth, manifest };
            Ok((to, prefix.unwrap_or_else(|| PREFIX_DEFAULT.to_owned())))
        }
        (None, None) => {
            Err(usage("nowhere to write to").hint("name a directory, or a bucket --to"))
        }
    }
}

fn from(args: &SimulateArgs, zone: &TimeZone, env: &Env) -> Result<SimulateFrom> {
    if let Some(stream) = &args.stream {
        // Kinesis counts in milliseconds.
        let now = env.now.round(Unit::Millisecond).unwrap_or(env.now);
        let share = text::share(args.stream_share)?;
        let stream = stream.clone();
        return Ok(SimulateFrom::Stream(StreamRead { stream, from: None, to: now, share, now }));
    }
    if args.rate == 0 {
        return Err(usage("--rate must be at least 1"));
    }
    let start = match &args.start {
        Some(text) => time::instant("--start", text, env.now, zone)?,
        None => time::start(),
    };
    let pace = Pace { start, interval: Duration::from_micros(1_000_000 / args.rate) };
    Ok(match &args.input {
        Some(path) => SimulateFrom::Input(path.clone(), pace),
        None => SimulateFrom::MadeUp(args.count, pace),
    })
}
