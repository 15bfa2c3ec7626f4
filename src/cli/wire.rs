//! Where requests meet the rooms that serve them: sources, the simulation, the demo's endpoint.

use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;

use super::request::{AwsOptions, Demo, Simulate};
use crate::check::Manifest;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{Limits, Location};
use crate::source::Source;

/// Opens the source of a location, with the caps of the run around it.
pub(super) async fn open(
    location: &Location,
    aws: &AwsOptions,
    limits: &Limits,
) -> Result<Arc<dyn Source>> {
    let _ = (aws, limits);
    Err(unwired(format!("reading {location}")))
}

/// What a simulation has made.
pub(super) struct Simulated {
    /// Records that were produced.
    pub(super) records: u64,
    /// Objects that were delivered.
    pub(super) objects: u64,
    /// The directory of the objects.
    pub(super) data: PathBuf,
    /// The records that were produced, one a line.
    pub(super) manifest: PathBuf,
    /// What went wrong, exactly.
    pub(super) truth: PathBuf,
}

/// Writes a delivery into a directory.
pub(super) fn simulate(request: &Simulate) -> Result<Simulated> {
    Err(unwired(format!("a simulation of {} records", request.count)))
}

/// A bucket on this machine with a delivery in it, and the sources that reach it over HTTP.
pub(super) struct Stage {
    /// Where the endpoint listens.
    pub(super) endpoint_url: String,
    /// The prefix that was delivered to.
    pub(super) location: Location,
    /// Reaches it.
    pub(super) source: Arc<dyn Source>,
    /// The records that were produced.
    pub(super) manifest: Manifest,
    /// What the bucket lives in; it ends with this.
    pub(super) _keep: Box<dyn Any + Send>,
}

/// Starts the demo's endpoint and delivers to it.
pub(super) async fn stage(request: &Demo) -> Result<Stage> {
    Err(unwired(format!("a demo of {} records", request.count)))
}

fn unwired(what: String) -> Error {
    Error::new(ErrorKind::Usage, format!("{what} is not part of this build"))
}
