//! `trace`: what CloudWatch counted at each hop, beside what is in the objects.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::output::Output;
use super::request::{Session, Trace, TraceProduced};
use super::truth;
use super::watched::Watched;
use super::wire;
use crate::check::{Listed, Listing};
use crate::error::{Error, ErrorKind, Result};
use crate::expect::delivery::{self, Delivery};
use crate::fingerprint::Policy;
use crate::outcome::Allow;
use crate::plan::{Expectation, Location, Memory, ReconcilePlan};
use crate::report::{self, trace::Report};
use crate::trace::hops::{Counted, Produced, Walk};
use crate::trace::{self, Grid};
use crate::{exit, limits};

pub(super) async fn run(request: Trace, session: &Session) -> Result<u8> {
    let output = Output::open(request.output.file.as_deref())?;
    let watched = Watched::open(&request.read, session, session.progress).await?;
    let aws = wire::aws(&session.aws).await?;
    let of_stack = watched.delivery.as_ref().map(|delivery| &delivery.name);
    let name = request.delivery_stream.as_ref().or(of_stack).ok_or_else(|| {
        Error::new(ErrorKind::Usage, "nothing names a delivery stream")
            .hint("name it with --delivery-stream, or a stack with --stack")
    })?;
    let described = match (&watched.delivery, &request.stream) {
        (Some(delivery), _) => Some(delivery.clone()),
        (None, Some(_)) => None,
        (None, None) => Some(delivery::describe(&aws, name).await?),
    };
    let source = described.and_then(|delivery: Delivery| delivery.stream);
    let stream = request.stream.clone().or(source);
    // The metrics first: who may not ask for them should not have read all objects.
    let measured = trace::measure(&aws, name, stream.as_deref(), &request.grid).await?;
    let produced = produced(&request, &watched, session).await?;
    let listing = watched.run.list(true, limits::SAMPLES_DEFAULT).await?;
    watched.progress.clear();
    let counted = counted(&listing, &request.grid, &watched.plan.zone);
    let walk = Walk::new(request.grid.clone(), produced, measured, counted);
    let report = Report {
        delivery_stream: name,
        stream: stream.as_deref(),
        chosen_period: !request.given_period,
        walk: &walk,
        listing: &listing,
    };
    output.deliver(|out| report::trace(&report, request.output.form, out))?;
    Ok(exit::code(report.verdict()))
}

/// What the producer says of the window.
async fn produced(
    request: &Trace,
    watched: &Watched,
    session: &Session,
) -> Result<Option<Produced>> {
    let locations = match &request.produced {
        TraceProduced::Unknown => return Ok(None),
        TraceProduced::Count(records) => {
            return Ok(Some(Produced { records: *records, uncertain: 0 }));
        }
        TraceProduced::Manifest(locations) => locations,
    };
    let mut manifests = Vec::new();
    for location in locations {
        manifests.push(truth::manifest(location, session, &watched.plan.limits).await?);
    }
    let plan = count_only(watched, locations, &request.memory);
    let comparison = watched.run.compare(&plan, manifests).await?;
    let (records, uncertain) = comparison.produced();
    Ok(Some(Produced { records, uncertain }))
}

/// A reconciliation of which only the side of the producer is asked for.
fn count_only(watched: &Watched, locations: &[Location], memory: &Memory) -> ReconcilePlan {
    ReconcilePlan {
        read: watched.plan.clone(),
        expectation: Expectation::Manifest(locations.to_vec()),
        policy: Policy::Raw,
        allow: Allow { duplicates: false, unexpected: false, failed: false },
        samples: 0,
        delivery_start: None,
        young: None,
        memory: memory.clone(),
        seed: 0,
    }
}

/// Records and error documents, by the period in which their object was begun.
fn counted(listing: &Listing, grid: &Grid, zone: &TimeZone) -> Counted {
    let mut counted = Counted::new(grid.periods());
    for listed in listing.objects.iter().filter(|listed| listed.skip.is_none()) {
        let Some(contents) = &listed.contents else { continue };
        let Some(at) = begun(listed, zone) else { continue };
        match grid.index(at) {
            Some(period) => match contents.error_documents {
                Some(documents) => counted.errors.add(period, documents),
                None => counted.data.add(period, contents.records),
            },
            None if at < grid.since() => {
                counted.before += contents.records + contents.error_documents.unwrap_or(0);
            }
            None => {}
        }
    }
    counted
}

/// When an object was begun: by its key, or when it was written, where its key does not say it.
fn begun(listed: &Listed, zone: &TimeZone) -> Option<Timestamp> {
    let named = listed.name.as_ref().and_then(|name| zone.to_timestamp(name.arrival).ok());
    named.or(listed.object.modified)
}
