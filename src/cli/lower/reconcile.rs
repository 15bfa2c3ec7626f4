//! `reconcile`: what should be there, and how long to wait for it.

use super::{location, read, text, time, usage};
use crate::cli::args::{AllowArg, ReconcileArgs};
use crate::cli::env::Env;
use crate::cli::request::{Expected, Reconcile, Session, Whence};
use crate::error::Result;
use crate::limits;
use crate::outcome::Allow;
use crate::plan::Memory;

pub(super) fn reconcile(args: ReconcileArgs, session: &Session, env: &Env) -> Result<Reconcile> {
    let samples = samples(&args.samples)?;
    let expected = expected(&args)?;
    let read = read::read(&args.read, env)?;
    let manifests = match &expected {
        Expected::Manifest(locations) => locations.as_slice(),
        _ => &[],
    };
    if matches!(expected, Expected::Stream { name: None, .. })
        && matches!(read.whence, Whence::Location(_))
    {
        return Err(usage("--stream names no data stream")
            .hint("name it, or the delivery stream that reads it with --delivery-stream"));
    }
    let inputs = manifests.iter().chain(read::inputs(&read));
    super::output::spare([&args.output.output, &args.cache], inputs)?;
    Ok(Reconcile {
        expected,
        policy: text::policy(&args.matching)?,
        allow: allow(&args.allow),
        samples,
        memory: memory(&args, env)?,
        cache: args.cache,
        seed: env.random,
        now: env.now,
        wait: args.wait.as_deref().map(|text| time::duration("--wait", text)).transpose()?,
        dry_run: args.read.dry_run,
        output: super::output(args.output, samples, session, env),
        read,
    })
}

fn memory(args: &ReconcileArgs, env: &Env) -> Result<Memory> {
    let bytes = text::size("--memory", &args.memory)?;
    if bytes < limits::MEMORY_MIN {
        return Err(usage(format!("--memory {:?} is too little to work with", args.memory))
            .hint("give it 1MiB at least"));
    }
    let Memory { overflow, .. } = super::memory(env);
    Ok(Memory { bytes, overflow: args.temp_dir.clone().unwrap_or(overflow) })
}

fn expected(args: &ReconcileArgs) -> Result<Expected> {
    match (args.expected, args.manifest.as_slice(), &args.stream) {
        (Some(records), [], None) => Ok(Expected::Count(records)),
        (None, [], Some(name)) => Ok(Expected::Stream {
            name: Some(name.clone()).filter(|name| !name.is_empty()),
            share: text::share(args.stream_share)?,
        }),
        (None, [], None) => Err(usage("nothing to compare with").hint(
            "say how many records there should be with --expected N, or which ones with \
             --manifest FILE or --stream NAME",
        )),
        (None, manifests, None) => {
            let locations = manifests.iter().map(|text| location::manifest(text));
            locations.collect::<Result<_>>().map(Expected::Manifest)
        }
        _ => Err(usage("--expected, --manifest and --stream exclude each other")),
    }
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
