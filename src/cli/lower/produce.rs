//! `produce`: where records go, which, and how fast.

use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::{output, time, usage};
use crate::cli::args::ProduceArgs;
use crate::cli::env::Env;
use crate::cli::request::{Produce, ProduceTo, Session};
use crate::error::Result;
use crate::limits::SAMPLES_DEFAULT;
use crate::plan::Location;
use crate::produce::{Records, Target};

/// Time from one made-up record to the next, where no rate says otherwise: about as fast as they can
/// be put.
const INTERVAL: Duration = Duration::from_micros(100);

pub(super) fn produce(args: ProduceArgs, session: &Session, env: &Env) -> Result<Produce> {
    let records = records(&args, env)?;
    let manifest = |name: &str| args.manifest.clone().unwrap_or_else(|| default_name(name, env));
    let to = match (&args.stream, &args.delivery_stream, &args.lambda, &args.out, &args.resume) {
        (Some(name), ..) => {
            let target = Target::Stream(named("--stream", name)?);
            ProduceTo::Target { target, records, manifest: manifest(name) }
        }
        (_, Some(name), ..) => {
            let target = Target::Delivery(named("--delivery-stream", name)?);
            ProduceTo::Target { target, records, manifest: manifest(name) }
        }
        (_, _, Some(name), ..) => {
            let manifest = manifest(named("--lambda", name)?.as_str());
            ProduceTo::Function { function: name.clone(), count: args.count, manifest }
        }
        (_, _, _, Some(path), _) => {
            let path = Some(path.clone()).filter(|path| path.as_os_str() != "-");
            ProduceTo::File { path, records }
        }
        (_, _, _, _, Some(manifest)) => {
            ProduceTo::Again { manifest: manifest.clone(), input: args.input.clone() }
        }
        _ => {
            return Err(usage("nowhere to put records")
                .hint("name a --stream, a --delivery-stream, a --lambda, or a file with --out"));
        }
    };
    let inputs: Vec<_> = args.input.iter().cloned().map(Location::Local).collect();
    super::output::spare([&args.output.output, &args.manifest], &inputs)?;
    super::output::spare([&args.out], &inputs)?;
    Ok(Produce {
        to,
        rate: args.rate,
        attempts: args.attempts,
        output: output(args.output, SAMPLES_DEFAULT, session, env),
    })
}

fn records(args: &ProduceArgs, env: &Env) -> Result<Records> {
    if let Some(path) = &args.input {
        return Ok(Records::Input { path: path.clone(), seed: args.seed });
    }
    let start = match &args.start {
        Some(text) => time::instant("--start", text, env.now, &TimeZone::UTC)?,
        None => env.now,
    };
    let paced = args.rate.map(|rate| Duration::from_micros((1_000_000 / rate).max(1)));
    let interval = paced.unwrap_or(INTERVAL);
    Ok(Records::Seeded { seed: args.seed, count: args.count, start, interval })
}

/// A name as the APIs have them (`StreamName`, `DeliveryStreamName`: 1 to 128 and 64 letters, digits,
/// underscores, dots and hyphens; `FunctionName`: 1 to 64 without dots).
fn named(option: &str, name: &str) -> Result<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if !(1..=128).contains(&name.len()) || !name.bytes().all(plain) {
        return Err(usage(format!("{option} {name:?} is no name")).hint(
            "give the name alone, not the ARN: letters, digits, underscores, dots, hyphens",
        ));
    }
    Ok(name.to_owned())
}

fn default_name(name: &str, env: &Env) -> PathBuf {
    let at = env.now.strftime("%Y%m%dT%H%M%SZ");
    PathBuf::from(format!("fhcheck-{name}-{at}.ndjson"))
}
