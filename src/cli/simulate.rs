//! `simulate`: what Firehose would write, into a directory or a bucket, and the truth beside it.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use jiff::Timestamp;
use tokio::runtime::Handle;

use super::output::Output;
use super::progress::Progress;
use super::request::{Session, Simulate, SimulateFrom, SimulateTo};
use super::{truth, wire};
use crate::error::{Error, ErrorKind, Result};
use crate::exit;
use crate::report::screen;
use crate::report::units::counted;
use crate::simulate::{
    self, Destination, Generated, Given, Held, Kind, Records, Spec, Truth, must_be_new,
};
use crate::source::store::Store;

pub(super) async fn run(request: Simulate, session: &Session) -> Result<u8> {
    let output = Output::open(None)?;
    for file in new_files(&request) {
        must_be_new(file)?;
    }
    let store = match &request.to {
        SimulateTo::Bucket { bucket, .. } => {
            Some(Store::new(&wire::aws(&session.aws).await?, bucket))
        }
        SimulateTo::Directory(_) => None,
    };
    let snapshot = match &request.from {
        SimulateFrom::Stream(read) => {
            let aws = wire::aws(&session.aws).await?;
            let progress = Progress::new(session.progress);
            let (file, _) = truth::read_stream(&aws, read, &progress).await?;
            progress.clear();
            Some(file)
        }
        _ => None,
    };
    let runtime = Handle::current();
    let bucket = store.map(|store| Bucket { store, runtime });
    // The file goes with this run, and not with a thread that outlives it.
    let kept = snapshot.as_ref().map(|file| file.path().to_owned());
    let work = move || {
        let truth = deliver(&request, kept, bucket)?;
        Ok((request, truth))
    };
    let done = tokio::task::spawn_blocking(work).await;
    let (request, truth) = done.map_err(|error| {
        Error::new(ErrorKind::Io, "the simulation broke off").caused_by(error)
    })??;
    output.deliver(|out| show(&request, &truth, out))?;
    Ok(exit::RECONCILED)
}

/// Files that are written beside a bucket.
fn new_files(request: &Simulate) -> Vec<&PathBuf> {
    match (&request.to, &request.from) {
        (SimulateTo::Directory(_), _) => Vec::new(),
        (SimulateTo::Bucket { truth, .. }, SimulateFrom::Stream(_)) => vec![truth],
        (SimulateTo::Bucket { truth, manifest, .. }, _) => vec![truth, manifest],
    }
}

/// Delivers the records that were asked for.
fn deliver(request: &Simulate, snapshot: Option<PathBuf>, bucket: Option<Bucket>) -> Result<Truth> {
    let deliver = |records: &mut dyn Records| deliver_to(request, records, bucket);
    match (&request.from, snapshot) {
        (SimulateFrom::MadeUp(count, pace), _) => {
            deliver(&mut Generated::new(Kind::Article, *count, *pace, request.spec.seed))
        }
        (SimulateFrom::Input(path, pace), _) => {
            let text = fs::read(path).map_err(|error| Error::io(path.display(), error))?;
            let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
            let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
            deliver(&mut Given::new(lines.iter(), *pace))
        }
        (SimulateFrom::Stream(_), None) => unreachable!("the stream was read above"),
        (SimulateFrom::Stream(_), Some(snapshot)) => {
            let failed = |error| Error::io("the snapshot", error);
            let file = File::open(&snapshot).map_err(failed)?;
            let truth = deliver(&mut Held::open(file)?)?;
            if let SimulateTo::Directory(out) = &request.to {
                // Its records may hold line feeds, so lines of them would be no manifest.
                fs::copy(&snapshot, out.join(simulate::MANIFEST)).map_err(failed)?;
            }
            Ok(truth)
        }
    }
}

fn deliver_to(
    request: &Simulate,
    records: &mut dyn Records,
    bucket: Option<Bucket>,
) -> Result<Truth> {
    let spec = &request.spec;
    let (truth, manifest, mut bucket) = match (&request.to, bucket) {
        (SimulateTo::Bucket { truth, manifest, .. }, Some(bucket)) => (truth, manifest, bucket),
        (SimulateTo::Directory(out), _) => return simulate::to_directory(spec, records, out),
        (SimulateTo::Bucket { .. }, None) => unreachable!("a bucket was connected to above"),
    };
    let mut manifest: Box<dyn Write> = match &request.from {
        SimulateFrom::Stream(_) => Box::new(io::sink()),
        _ => {
            let file = File::create_new(manifest);
            let file = file.map_err(|error| Error::io(manifest.display(), error))?;
            Box::new(BufWriter::new(file))
        }
    };
    let done = simulate::run(spec, records, &mut bucket, &mut manifest)?;
    simulate::write_truth(&done, truth)?;
    Ok(done)
}

/// A bucket as the place where simulated objects go. S3 says itself when each was written.
struct Bucket {
    store: Store,
    runtime: Handle,
}

impl Destination for Bucket {
    fn put(
        &mut self,
        key: &str,
        body: &[u8],
        content_encoding: Option<&str>,
        _: Timestamp,
    ) -> Result<()> {
        let put = self.runtime.block_on(self.store.put(key, body, content_encoding));
        put.map_err(|error| match error.kind() {
            ErrorKind::Usage if error.advice().is_none() => error.hint(
                "the same records with the same seed have the same names: give another --seed, or \
                 another prefix",
            ),
            _ => error,
        })
    }
}

fn show(request: &Simulate, truth: &Truth, out: &mut dyn Write) -> io::Result<()> {
    let records = counted(truth.produced, "record", "records");
    let objects = counted(truth.objects, "object", "objects");
    let Places { objects: data, manifest, truth } = places(request);
    let [data, manifest, truth] =
        [data, manifest, truth].map(|text| screen::text(&text).into_owned());
    writeln!(out, "{records} produced, {objects} delivered")?;
    writeln!(out)?;
    writeln!(out, "  objects   {data}")?;
    match &request.from {
        SimulateFrom::Stream(_) if !matches!(request.to, SimulateTo::Directory(_)) => {}
        _ => writeln!(out, "  manifest  {manifest}")?,
    }
    writeln!(out, "  truth     {truth}")?;
    writeln!(out)?;
    match (&request.from, &request.to) {
        (SimulateFrom::Stream(read), SimulateTo::Bucket { .. }) => {
            let stream = screen::text(&read.stream).into_owned();
            writeln!(out, "Next  fhcheck reconcile {data} --stream {stream}")
        }
        _ => writeln!(out, "Next  fhcheck reconcile {data} --manifest {manifest}"),
    }
}

/// Where everything is.
struct Places {
    objects: String,
    manifest: String,
    truth: String,
}

fn places(request: &Simulate) -> Places {
    match &request.to {
        SimulateTo::Directory(out) => {
            let place = |part| out.join(part).display().to_string();
            Places {
                objects: place(simulate::DATA),
                manifest: place(simulate::MANIFEST),
                truth: place(simulate::TRUTH),
            }
        }
        SimulateTo::Bucket { bucket, truth, manifest } => Places {
            objects: format!("s3://{bucket}/{}", literal(&request.spec)),
            manifest: manifest.display().to_string(),
            truth: truth.display().to_string(),
        },
    }
}

/// The beginning that all keys have in common.
fn literal(spec: &Spec) -> &str {
    spec.prefix.split("!{").next().unwrap_or_default()
}
