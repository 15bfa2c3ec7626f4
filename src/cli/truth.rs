//! What should be there, for `reconcile`: manifests are opened, a data stream is read into one.

use std::io::{BufWriter, Write};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp, Unit};
use tempfile::NamedTempFile;

use super::output;
use super::progress::Progress;
use super::request::{Expected, Reconcile, Session};
use super::watched::Watched;
use super::wire;
use crate::aws::Aws;
use crate::check::{Comparison, Manifest};
use crate::error::{Error, ErrorKind, Result};
use crate::expect::stream::{self, Share, StreamRead, Summary};
use crate::limits::{BUFFERING_MAX, WINDOW_SLACK};
use crate::outcome::{Gap, GapReason};
use crate::plan::{Expectation, Limits, Location, Window};
use crate::report::screen;
use crate::report::units::counted;
use crate::source::KeyRange;
use crate::source::local::Local;

/// What should be there.
pub(super) struct Truth {
    pub(super) expectation: Expectation,
    pub(super) manifests: Vec<Manifest>,
    /// The window in which a record is demanded.
    pub(super) window: Window,
    /// The data stream, which goes on meanwhile.
    tail: Option<Tail>,
}

impl Truth {
    /// Opens what the request names, or reads it.
    pub(super) async fn open(
        request: &Reconcile,
        watched: &Watched,
        session: &Session,
    ) -> Result<Self> {
        let window = watched.plan.window;
        let fixed = |expectation, manifests| Self { expectation, manifests, window, tail: None };
        match &request.expected {
            Expected::Count(records) => Ok(fixed(Expectation::Count(*records), Vec::new())),
            Expected::Manifest(locations) => {
                let mut manifests = Vec::new();
                for location in locations {
                    manifests.push(manifest(location, session, &watched.plan.limits).await?);
                }
                Ok(fixed(Expectation::Manifest(locations.clone()), manifests))
            }
            Expected::Stream { name, share } => {
                let name = stream_name(name, watched)?;
                let aws = wire::aws(&session.aws).await?;
                Self::of_stream(Reader { aws, name, share: *share }, request, watched).await
            }
        }
    }

    async fn of_stream(reader: Reader, request: &Reconcile, watched: &Watched) -> Result<Self> {
        let now = to_millisecond(request.now);
        let mut window = watched.plan.window;
        let until = window.until.map_or(now, |until| until.min(now));
        // Objects at the edges of the window hold records from around it.
        let from = window.since.map(|since| since.saturating_sub(around()).unwrap_or(since));
        let to = until.saturating_add(around()).map_or(now, |to| to.min(now));
        let (file, summary) = reader.read(from, to, now, watched).await?;
        let gap = retained(&mut window, from, &summary, &reader.name);
        window.until = Some(until);
        let tail = (to == now).then(|| Tail { reader, from: now, files: vec![] });
        let known = Window { since: None, until: Some(to) };
        let manifest =
            Manifest { gaps: gap.into_iter().collect(), ..kept(&file, &summary, known)? };
        let expectation = Expectation::Stream(summary.stream.name);
        let mut truth = Self { expectation, manifests: vec![manifest], window, tail };
        if let Some(tail) = &mut truth.tail {
            tail.files.push(file);
        }
        Ok(truth)
    }

    /// Adds what arrived since: objects that were just read may hold it.
    pub(super) async fn follow(
        &mut self,
        comparison: &mut Comparison,
        now: Timestamp,
        watched: &Watched,
    ) -> Result<()> {
        let Some(tail) = &mut self.tail else { return Ok(()) };
        let now = to_millisecond(now);
        if now > tail.from {
            let (file, summary) = tail.reader.read(Some(tail.from), now, now, watched).await?;
            let since = Window { since: Some(tail.from), until: Some(now) };
            comparison.add(kept(&file, &summary, since)?).await?;
            tail.files.push(file);
            tail.from = now;
        }
        Ok(())
    }
}

/// Says what reading the data stream would take, where one is compared with.
pub(super) async fn say_estimate(
    request: &Reconcile,
    watched: &Watched,
    session: &Session,
) -> Result<()> {
    let Expected::Stream { name, share } = &request.expected else { return Ok(()) };
    let stream = stream_name(name, watched)?;
    let now = to_millisecond(request.now);
    let Window { since, until } = watched.plan.window;
    let to = until.map_or(now, |until| until.min(now));
    let read = StreamRead { stream, from: since, to, share: *share, now };
    let estimate = stream::estimate(&wire::aws(&session.aws).await?, &read).await?;
    let calls = counted(estimate.calls_at_least, "call", "calls");
    let name = screen::text(&estimate.stream.name).into_owned();
    output::say(&format!(
        "Reading data stream {name} takes at least {calls} and {} s besides; fhcheck snapshot \
         --dry-run says what it takes at most.\n",
        estimate.at_least.as_secs_f64().ceil(),
    ));
    Ok(())
}

/// A data stream from some instant on.
struct Tail {
    reader: Reader,
    from: Timestamp,
    /// What was read of it; the files go with this.
    files: Vec<NamedTempFile>,
}

/// Reads a data stream.
struct Reader {
    aws: Aws,
    name: String,
    share: Share,
}

impl Reader {
    async fn read(
        &self,
        from: Option<Timestamp>,
        to: Timestamp,
        now: Timestamp,
        watched: &Watched,
    ) -> Result<(NamedTempFile, Summary)> {
        let request = StreamRead { stream: self.name.clone(), from, to, share: self.share, now };
        read_stream(&self.aws, &request, &watched.progress).await
    }
}

/// Reads a data stream into a file that goes when it is dropped.
pub(super) async fn read_stream(
    aws: &Aws,
    request: &StreamRead,
    progress: &Progress,
) -> Result<(NamedTempFile, Summary)> {
    let failed = |error| Error::io("a temporary file for the data stream", error);
    let file = NamedTempFile::new().map_err(failed)?;
    let mut out = BufWriter::new(file.as_file());
    let summary = stream::read(aws, request, &mut out, progress).await?;
    out.flush().map_err(failed)?;
    drop(out);
    Ok((file, summary))
}

/// Takes into account what retention has left: a gap where less is left than objects of the window may
/// hold; where all that is left was asked for, the window begins where they hold nothing older.
fn retained(
    window: &mut Window,
    from: Option<Timestamp>,
    summary: &Summary,
    name: &str,
) -> Option<Gap> {
    let complete = summary.complete_from;
    if complete <= summary.stream.created {
        return None;
    }
    let Some(from) = from else {
        window.since = complete.saturating_add(around()).ok();
        return None;
    };
    let key = format!("data stream {name}");
    let reason = GapReason::Expired(from, complete);
    (complete > from).then_some(Gap { key, size: 0, reason })
}

/// How far from a window records may have arrived that objects of the window hold.
fn around() -> SignedDuration {
    SignedDuration::try_from(BUFFERING_MAX + WINDOW_SLACK).unwrap_or(SignedDuration::ZERO)
}

/// Kinesis counts in milliseconds.
fn to_millisecond(at: Timestamp) -> Timestamp {
    at.round(Unit::Millisecond).unwrap_or(at)
}

fn kept(file: &NamedTempFile, summary: &Summary, arrived: Window) -> Result<Manifest> {
    Ok(Manifest {
        name: format!("data stream {}", summary.stream.name),
        source: Arc::new(Local::open(file.path())?),
        range: KeyRange::all(""),
        gaps: Vec::new(),
        arrived,
    })
}

/// The data stream that was named, or that the delivery stream reads.
fn stream_name(named: &Option<String>, watched: &Watched) -> Result<String> {
    let source = watched.delivery.as_ref().and_then(|delivery| delivery.stream.as_ref());
    named.as_ref().or(source).cloned().ok_or_else(|| {
        let message = "the delivery stream reads no data stream: records are put to it";
        Error::new(ErrorKind::Usage, message)
            .hint("compare with what its producers put: --manifest FILE")
    })
}

/// Opens a manifest.
pub(super) async fn manifest(
    location: &Location,
    session: &Session,
    limits: &Limits,
) -> Result<Manifest> {
    let prefix = match location {
        Location::S3 { prefix, .. } => prefix.as_str(),
        Location::Local(_) => "",
    };
    Ok(Manifest {
        name: location.to_string(),
        source: wire::open(location, &session.aws, limits).await?,
        range: KeyRange::all(prefix),
        gaps: Vec::new(),
        arrived: Default::default(),
    })
}
