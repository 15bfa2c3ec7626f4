//! A run that somebody watches: what a request names is asked for, opened, and shown as it goes.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::output::Output;
use super::progress::Progress;
use super::request::{self, Read, Session, Whence};
use super::wire;
use crate::aws::Aws;
use crate::check::Run;
use crate::error::{Error, ErrorKind, Result};
use crate::expect::delivery::{self, Delivery};
use crate::fingerprint::Policy;
use crate::plan::{Location, ReadPlan, Window};
use crate::{exit, report, stack, trace};

/// A run that somebody watches.
pub(super) struct Watched {
    pub(super) run: Run,
    pub(super) progress: Arc<Progress>,
    pub(super) plan: ReadPlan,
    /// The delivery stream, where the request names one, and who was asked.
    pub(super) delivery: Option<Delivery>,
    aws: Option<Aws>,
}

impl Watched {
    /// Opens what a request names.
    pub(super) async fn open(read: &Read, session: &Session, shown: bool) -> Result<Self> {
        let aws = match &read.whence {
            Whence::Location(_) => None,
            _ => Some(wire::aws(&session.aws).await?),
        };
        let delivery = match (&read.whence, &aws) {
            (Whence::DeliveryStream(name), Some(aws)) => Some(delivery::describe(aws, name).await?),
            (Whence::Stack(stack), Some(aws)) => {
                Some(delivery::describe(aws, &of_stack(aws, stack).await?).await?)
            }
            _ => None,
        };
        let (location, error_output) = locations(read, delivery.as_ref());
        let prefix = delivery.as_ref().map(|delivery| delivery.prefix.clone());
        let plan = read.plan(location, zone(read, delivery.as_ref())?, prefix);
        let source = wire::open(&plan.location, &session.aws, &plan.limits).await?;
        let progress = Arc::new(Progress::new(shown));
        let observer = Arc::clone(&progress);
        let mut run = Run::new(source, plan.clone(), observer);
        for location in error_output {
            let source = wire::open(&location, &session.aws, &plan.limits).await?;
            run = run.with_error_output(source, location);
        }
        Ok(Self { run, progress, plan, delivery, aws })
    }

    /// The instant before which the delivery stream has delivered everything, where there is one and
    /// its metrics say so. Who may not ask for them goes by the time that delivery takes.
    pub(super) async fn delivered_until(&self, now: Timestamp) -> Option<Timestamp> {
        let (aws, delivery) = (self.aws.as_ref()?, self.delivery.as_ref()?);
        match trace::freshness(aws, &delivery.name, now).await {
            Ok(until) => until,
            Err(error) => {
                tracing::debug!(%error, "no freshness");
                None
            }
        }
    }

    /// Narrows the run to a window.
    pub(super) fn set_window(&mut self, window: Window) {
        self.plan.window = window;
        self.run.set_window(window);
    }

    /// Says what reading would take, for a comparison by a policy where there is one; nothing is read.
    pub(super) async fn estimate(
        &self,
        compared: Option<&Policy>,
        shown: &request::Output,
        output: Output,
    ) -> Result<u8> {
        let estimate = self.run.estimate(compared).await?;
        self.progress.clear();
        let location = self.plan.location.to_string();
        output.deliver(|out| report::estimate(&location, &estimate, shown.form, out))?;
        Ok(exit::RECONCILED)
    }
}

/// The name of a stack's delivery stream.
async fn of_stack(aws: &Aws, stack: &str) -> Result<String> {
    const OUTPUT: &str = "DeliveryStreamName";
    stack::outputs(aws, stack).await?.remove(OUTPUT).ok_or_else(|| {
        Error::new(ErrorKind::NotFound, format!("stack {stack} has no output {OUTPUT}")).hint(
            "name its delivery stream with --delivery-stream, or a stack of `fhcheck stack up`",
        )
    })
}

/// Where data is, and where error output is besides.
fn locations(read: &Read, delivery: Option<&Delivery>) -> (Location, Vec<Location>) {
    let mut error_output = read.error_output.clone();
    let location = match (&read.whence, delivery) {
        (Whence::Location(location), _) => location.clone(),
        (_, Some(delivery)) => {
            let at = |prefix: &str| Location::S3 {
                bucket: delivery.bucket.clone(),
                prefix: prefix.to_owned(),
            };
            error_output.extend(delivery.error_prefixes().iter().map(|prefix| at(prefix)));
            at(delivery.data_prefix())
        }
        (_, None) => unreachable!("it was described"),
    };
    (location, error_output)
}

/// The time zone of keys: the one that was given, or the delivery stream's.
fn zone(read: &Read, delivery: Option<&Delivery>) -> Result<TimeZone> {
    if let Some(zone) = &read.zone {
        return Ok(zone.clone());
    }
    let Some(name) = delivery.and_then(|delivery| delivery.zone.as_deref()) else {
        return Ok(TimeZone::UTC);
    };
    TimeZone::get(name).map_err(|error| {
        let message = format!("the delivery stream's time zone {name:?} is not known here");
        Error::new(ErrorKind::Service, message).hint("name it with --zone").caused_by(error)
    })
}
