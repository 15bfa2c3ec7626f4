//! An S3 endpoint in this process, on the loopback interface, that keeps everything in memory.
//!
//! `fhcheck demo` runs against it, and so do the tests: over real HTTP, with signatures that are
//! checked. It does what fhcheck asks of S3 and no more.

mod service;
mod store;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use crate::error::{Error, Result};
use service::{OneKey, Service, State};
use store::Object;

/// The access key that the endpoint knows.
pub const ACCESS_KEY: &str = "fhcheck";
/// Its secret key. It guards nothing: the endpoint can only be reached from this machine.
pub const SECRET_KEY: &str = "fhcheck-demo-secret";

/// How a `GetObject` goes wrong on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It is denied.
    Deny,
    /// It is answered with 503 `SlowDown`.
    Busy,
    /// The connection breaks after this many bytes of the body.
    Cut(usize),
    /// The first byte of the body is another one than the checksum says.
    Garble,
}

/// A running endpoint. It stops when it is dropped.
#[derive(Debug)]
pub struct Endpoint {
    address: SocketAddr,
    service: Service,
    server: JoinHandle<()>,
}

impl Endpoint {
    /// Starts an endpoint without any bucket, on a free port, in the current runtime.
    ///
    /// # Errors
    /// When no port of the loopback interface can be had.
    pub async fn start() -> Result<Self> {
        let failed = |error| Error::io("the S3 endpoint cannot be started", error);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let service = Service::default();
        let mut builder = S3ServiceBuilder::new(service.clone());
        builder.set_auth(OneKey { access: ACCESS_KEY, secret: SECRET_KEY });
        let server = tokio::spawn(serve(listener, builder.build()));
        Ok(Self { address, service, server })
    }

    /// Its address, for `--endpoint-url`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Makes a bucket, if there is none of this name.
    pub fn create_bucket(&self, bucket: &str) {
        self.service.state().buckets.entry(bucket.to_owned()).or_default();
    }

    /// Stores an object, as a `PutObject` would, and makes the bucket if there is none.
    pub fn put(
        &self,
        bucket: &str,
        key: &str,
        bytes: impl Into<Bytes>,
        content_encoding: Option<&str>,
    ) {
        let object = Object::new(bytes.into(), content_encoding.map(str::to_owned));
        let mut state = self.service.state();
        let bucket = state.buckets.entry(bucket.to_owned()).or_default();
        bucket.objects.insert(key.to_owned(), object);
    }

    /// Removes an object.
    pub fn delete(&self, bucket: &str, key: &str) {
        if let Some(bucket) = self.service.state().buckets.get_mut(bucket) {
            bucket.objects.remove(key);
        }
    }

    /// Moves an object to a storage class. In `GLACIER` and `DEEP_ARCHIVE` it cannot be read.
    pub fn set_storage_class(&self, bucket: &str, key: &str, class: &str) {
        let mut state = self.service.state();
        let object = state.buckets.get_mut(bucket).and_then(|bucket| bucket.objects.get_mut(key));
        if let Some(object) = object {
            object.storage_class = Some(class.to_owned());
        }
    }

    /// Lets the next `times` reads of an object go wrong.
    pub fn fault(&self, bucket: &str, key: &str, fault: Fault, times: u32) {
        let place = (bucket.to_owned(), key.to_owned());
        let State { faults, .. } = &mut *self.service.state();
        if times > 0 {
            faults.insert(place, (fault, times));
        } else {
            faults.remove(&place);
        }
    }

    /// Lets nobody list a bucket any more.
    pub fn deny_list(&self, bucket: &str) {
        if let Some(bucket) = self.service.state().buckets.get_mut(bucket) {
            bucket.deny_list = true;
        }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Answers connections until it is aborted, and all of them with it.
async fn serve(listener: TcpListener, service: S3Service) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: those that end make room.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        // Answers are small and waited for.
        let _ = stream.set_nodelay(true);
        let service = service.clone();
        connections.spawn(async move {
            let http = auto::Builder::new(TokioExecutor::new());
            // A client that goes away in the middle is its own business.
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}
