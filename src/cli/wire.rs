//! Where requests meet the rooms that serve them: sources, the demo's endpoint.

use std::any::Any;
use std::net::IpAddr;
use std::sync::{Arc, Once};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::output::say;
use super::request::{AwsOptions, Demo};
use crate::aws::{Aws, Settings};
use crate::check::Manifest;
use crate::endpoint::{ACCESS_KEY, Endpoint, SECRET_KEY};
use crate::error::Result;
use crate::plan::{Limits, Location};
use crate::report::screen;
use crate::simulate::{self, Destination, Generated, Kind, Pace, Spec, Truth, Wrapping};
use crate::source::admit::Admit;
use crate::source::local::Local;
use crate::source::s3::S3;
use crate::source::{KeyRange, Source};

/// Opens the source of a location, with the caps of the run around it.
pub(super) async fn open(
    location: &Location,
    aws: &AwsOptions,
    limits: &Limits,
) -> Result<Arc<dyn Source>> {
    match location {
        Location::Local(path) => Ok(admitted(Local::open(path)?, limits)),
        Location::S3 { bucket, .. } => {
            Ok(admitted(S3::new(&self::aws(aws).await?, bucket).listings(limits.requests), limits))
        }
    }
}

/// A connection to AWS.
pub(super) async fn aws(options: &AwsOptions) -> Result<Aws> {
    let AwsOptions { profile, region, endpoint_url, path_style } = options.clone();
    let aws = Aws::load(&Settings { profile, region, endpoint_url, path_style }).await?;
    warn_of_plain_http(aws.endpoint_url());
    Ok(aws)
}

/// Says once that others can read along, and change what they read, where that is so.
fn warn_of_plain_http(endpoint_url: Option<&str>) {
    static SAID: Once = Once::new();
    if let Some(url) = endpoint_url.filter(|url| is_exposed(url)) {
        let url = screen::text(url);
        SAID.call_once(|| {
            say(&format!(
                "warning: {url} is plain HTTP: records, and what vouches for them, can be read and \
                 changed on the way\n"
            ));
        });
    }
}

/// Whether a URL is plain HTTP to another machine.
fn is_exposed(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    if !scheme.eq_ignore_ascii_case("http") {
        return false;
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host_port = authority.rsplit('@').next().unwrap_or_default();
    let host = match host_port.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => host_port.split(':').next().unwrap_or_default(),
    };
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let loopback = host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    !loopback && host != "localhost" && !host.ends_with(".localhost")
}

fn admitted(source: impl Source + 'static, limits: &Limits) -> Arc<dyn Source> {
    Arc::new(Admit::new(source, limits.requests, limits.in_flight_bytes))
}

/// The demo's bucket.
const BUCKET: &str = "fhcheck-demo";
/// Where its delivery stream delivers to.
const PREFIX: &str = "firehose/";
/// Where its manifest is, beside the delivery.
const MANIFEST: &str = "produced.ndjson";
/// Records a second.
const RATE: u64 = 10;

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
    let endpoint = Endpoint::start().await?;
    endpoint.create_bucket(BUCKET);
    deliver(request, &endpoint)?;
    let aws = Aws::with_key(&endpoint.url(), ACCESS_KEY, SECRET_KEY);
    let source = admitted(S3::new(&aws, BUCKET), &request.limits);
    Ok(Stage {
        endpoint_url: endpoint.url(),
        location: Location::S3 { bucket: BUCKET.to_owned(), prefix: PREFIX.to_owned() },
        manifest: Manifest {
            name: format!("s3://{BUCKET}/{MANIFEST}"),
            source: Arc::clone(&source),
            range: KeyRange::all(MANIFEST),
            gaps: Vec::new(),
            arrived: Default::default(),
        },
        source,
        _keep: Box::new(endpoint),
    })
}

fn deliver(request: &Demo, endpoint: &Endpoint) -> Result<Truth> {
    let spec = Spec {
        error_prefix: String::new(),
        delivery_stream: BUCKET.to_owned(),
        version: 1,
        prefix: PREFIX.to_owned(),
        zone: TimeZone::UTC,
        compression: request.compression,
        wrapping: Wrapping::None,
        gzip_records: false,
        extension: None,
        delimiter: Vec::new(),
        buffer_bytes: 5 << 20,
        buffer_interval: Duration::from_secs(300),
        seed: request.seed,
        faults: request.faults.parse()?,
    };
    let pace = Pace { start: request.start, interval: Duration::from_millis(1000 / RATE) };
    let mut records = Generated::new(Kind::Article, request.count, pace, request.seed);
    let mut manifest = Vec::new();
    let truth = simulate::run(&spec, &mut records, &mut Bucket(endpoint), &mut manifest)?;
    endpoint.put(BUCKET, MANIFEST, manifest, None);
    Ok(truth)
}

/// The demo's bucket takes objects as S3 would.
struct Bucket<'a>(&'a Endpoint);

impl Destination for Bucket<'_> {
    fn put(
        &mut self,
        key: &str,
        body: &[u8],
        content_encoding: Option<&str>,
        _: Timestamp,
    ) -> Result<()> {
        self.0.put(BUCKET, key, body.to_vec(), content_encoding);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::is_exposed;

    #[test]
    fn plain_http_is_fine_on_this_machine_only() {
        for url in [
            "https://s3.example.com",
            "http://localhost:9000",
            "http://bucket.localhost/x",
            "http://127.0.0.1:4566/",
            "http://127.1.2.3",
            "http://[::1]:9000",
            "HTTP://LOCALHOST.",
        ] {
            assert!(!is_exposed(url), "{url}");
        }
        for url in [
            "http://s3.example.com",
            "HTTP://10.0.0.1:9000",
            "http://localhost.example.com",
            "http://127.0.0.1@example.com/",
            "http://[2001:db8::1]:9000/",
            "http://0.0.0.0:9000",
        ] {
            assert!(is_exposed(url), "{url}");
        }
    }
}
