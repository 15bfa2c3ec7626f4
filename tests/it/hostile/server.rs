//! The hostile endpoint: HTTP by hand, so that every byte of an answer can be wrong.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum, Crc32};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};

use super::faults::{Get, List, Plan};
use super::pages::{Page, folders, number};
use super::world::Stored;

/// A bucket, how the endpoint treats it, and what it has done so far.
pub(crate) struct Bucket {
    pub(crate) objects: BTreeMap<String, Stored>,
    pub(crate) plan: Plan,
    /// Faults that struck, by their names.
    pub(crate) struck: BTreeMap<String, u64>,
    /// Attempts at each body, and at each piece of one.
    pub(crate) attempts: BTreeMap<String, u64>,
    /// Pieces that were given.
    pub(crate) pieces: u64,
}

type Buckets = Arc<Mutex<HashMap<String, Bucket>>>;

/// The endpoint. It serves the buckets of many seeds at once.
pub(crate) struct Server {
    address: SocketAddr,
    buckets: Buckets,
    accepting: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let buckets = Buckets::default();
        let served = Arc::clone(&buckets);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                tokio::spawn(converse(stream, Arc::clone(&served)));
            }
        });
        Self { address, buckets, accepting }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn add(&self, name: &str, objects: BTreeMap<String, Stored>, plan: Plan) {
        let (struck, attempts) = Default::default();
        let bucket = Bucket { objects, plan, struck, attempts, pieces: 0 };
        self.buckets.lock().unwrap().insert(name.to_owned(), bucket);
    }

    /// Ends a bucket, and gives what was done to it.
    pub(crate) fn take(&self, name: &str) -> Bucket {
        self.buckets.lock().unwrap().remove(name).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// An answer, and how it is spoilt on the way.
pub(super) struct Reply {
    status: &'static str,
    headers: String,
    body: Bytes,
    /// The body is told about and not sent.
    bare: bool,
    /// In chunks, without `Content-Length`.
    chunked: bool,
    /// After so many bytes of the body the connection ends, or stays without another byte.
    stops: Option<(usize, bool)>,
}

impl Reply {
    pub(super) fn new(status: &'static str, body: impl Into<Bytes>) -> Self {
        let (headers, bare, chunked, stops) = Default::default();
        Self { status, headers, body: body.into(), bare, chunked, stops }
    }

    fn error(status: &'static str, code: &str, message: &str) -> Self {
        Self::new(status, error_document(code, message)).header("content-type", "application/xml")
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        let _ = write!(self.headers, "{name}: {value}\r\n");
        self
    }

    pub(super) fn stopped(mut self, hangs: bool, share: u64) -> Self {
        let at = self.body.len() * usize::try_from(share).unwrap() / 1000;
        self.stops = Some((at.min(self.body.len().saturating_sub(1)), hangs));
        self
    }

    /// What `Range` asks for of a whole body; where it has no such bytes, all of it.
    fn cut(self, range: &str) -> Self {
        let (first, last) = range.trim_start_matches("bytes=").split_once('-').unwrap();
        let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
        let size = self.body.len();
        if first >= size {
            return self;
        }
        let last = last.min(size - 1);
        let body = self.body.slice(first..=last);
        let stops = self.stops.map(|(at, hangs)| (at.min(body.len() - 1), hangs));
        let piece = Self { status: "206 Partial Content", body, stops, ..self };
        piece.header("content-range", &format!("bytes {first}-{last}/{size}"))
    }
}

fn error_document(code: &str, message: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>\
         <Message>{message}</Message><RequestId>REQUEST1</RequestId></Error>"
    )
}

/// What is done with a request: answered, left without an answer, or hung up on.
pub(super) enum Act {
    Answer(Reply),
    Stall,
    HangUp,
}

async fn converse(stream: TcpStream, buckets: Buckets) {
    let mut stream = BufStream::new(stream);
    while let Some(asked) = request(&mut stream).await {
        let goes_on = match act(&asked, &buckets) {
            Act::Answer(reply) => send(&mut stream, reply).await,
            Act::HangUp => Ok(false),
            Act::Stall => hang(&mut stream).await,
        };
        if !matches!(goes_on, Ok(true)) {
            return;
        }
    }
}

/// What is asked for.
struct Asked {
    method: String,
    target: String,
    range: String,
}

/// The next request, which has no body.
async fn request(stream: &mut BufStream<TcpStream>) -> Option<Asked> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let mut words = head.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    let range = headers.find(|(name, _)| name.eq_ignore_ascii_case("range"));
    let range = range.map_or("", |(_, range)| range).to_owned();
    Some(Asked { method, target, range })
}

/// Waits until the client goes away.
async fn hang(stream: &mut BufStream<TcpStream>) -> std::io::Result<bool> {
    while stream.read(&mut [0; 64]).await? > 0 {}
    Ok(false)
}

/// Whether the connection can take another request.
async fn send(stream: &mut BufStream<TcpStream>, reply: Reply) -> std::io::Result<bool> {
    let Reply { status, headers, body, bare, chunked, stops } = reply;
    let framing = match chunked {
        true => "transfer-encoding: chunked".to_owned(),
        false => format!("content-length: {}", body.len()),
    };
    stream.write_all(format!("HTTP/1.1 {status}\r\n{framing}\r\n{headers}\r\n").as_bytes()).await?;
    let sent = if bare { &[] } else { &body[..stops.map_or(body.len(), |(at, _)| at)] };
    match chunked {
        false => stream.write_all(sent).await?,
        true => {
            for chunk in sent.chunks(1000) {
                stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await?;
                stream.write_all(chunk).await?;
                stream.write_all(b"\r\n").await?;
            }
            if stops.is_none() {
                stream.write_all(b"0\r\n\r\n").await?;
            }
        }
    }
    stream.flush().await?;
    match stops {
        None => Ok(true),
        Some((_, false)) => Ok(false),
        Some((_, true)) => hang(stream).await,
    }
}

fn act(asked: &Asked, buckets: &Buckets) -> Act {
    let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
    let path = decoded(path);
    let path = path.trim_start_matches('/');
    let (name, key) = path.split_once('/').unwrap_or((path, ""));
    let mut buckets = buckets.lock().unwrap();
    let Some(bucket) = buckets.get_mut(name) else {
        return Act::Answer(Reply::error("404 Not Found", "NoSuchBucket", "No such bucket"));
    };
    match &*asked.method {
        "HEAD" => bucket.head(key),
        _ if key.is_empty() => bucket.list(query),
        _ if asked.range.is_empty() => bucket.get(key, key),
        _ => bucket.piece(key, &asked.range),
    }
}

fn decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut digit = || char::from(bytes.next().unwrap()).to_digit(16).unwrap();
        match byte {
            b'%' => out.push(u8::try_from(digit() * 16 + digit()).unwrap()),
            b'+' => out.push(b' '),
            byte => out.push(byte),
        }
    }
    String::from_utf8(out).unwrap()
}

fn crc32(bytes: &[u8]) -> String {
    let mut hasher = ChecksumHasher { crc32: Some(Crc32::new()), ..Default::default() };
    hasher.update(bytes);
    hasher.finalize().checksum_crc32.unwrap()
}

pub(super) fn etag(bytes: &[u8]) -> String {
    format!("\"{:032x}\"", xxhash_rust::xxh3::xxh3_128(bytes))
}

/// Another version of the same length.
fn another(bytes: &Bytes) -> Bytes {
    let mut other = bytes.to_vec();
    // A digit for a digit: what comes out is as valid as what went in.
    match other.iter_mut().rev().find(|byte| byte.is_ascii_digit()) {
        Some(digit) => *digit = b'0' + (*digit - b'0' + 1) % 10,
        None => other.reverse(),
    }
    other.into()
}

impl Stored {
    /// An answer with a body, and what it says of it.
    fn whole(&self, bytes: Bytes, says: &Bytes) -> Reply {
        let reply = Reply::new("200 OK", bytes)
            .header("etag", &etag(says))
            .header("x-amz-checksum-crc32", &crc32(says))
            .header("x-amz-checksum-type", "FULL_OBJECT");
        match &self.encoding {
            Some(encoding) => reply.header("content-encoding", encoding),
            None => reply,
        }
    }
}

impl Bucket {
    fn note(&mut self, fault: String) {
        *self.struck.entry(fault).or_default() += 1;
    }

    fn head(&self, key: &str) -> Act {
        Act::Answer(match self.objects.get(key).filter(|_| !self.plan.denies_heads) {
            None => Reply { bare: true, ..Reply::new("403 Forbidden", "") },
            Some(stored) => {
                let reply = stored.whole(stored.bytes.clone(), &stored.bytes);
                Reply { bare: true, ..reply }.header("accept-ranges", "bytes")
            }
        })
    }

    fn piece(&mut self, key: &str, range: &str) -> Act {
        match self.get(key, &format!("{key} {range}")) {
            Act::Answer(reply) if reply.status == "200 OK" => {
                self.pieces += 1;
                Act::Answer(reply.cut(range))
            }
            act => act,
        }
    }

    /// The answer about a body, of which so many attempts were made.
    fn get(&mut self, key: &str, attempted: &str) -> Act {
        *self.attempts.entry(attempted.to_owned()).or_default() += 1;
        let share = self.plan.where_;
        let fault = self.plan.gets.get_mut(key).and_then(super::faults::Left::strike);
        if let Some(fault) = fault {
            self.note(format!("get {fault:?}"));
        }
        let Some(stored) = self.objects.get(key) else {
            return Act::Answer(Reply::error("404 Not Found", "NoSuchKey", "No such key"));
        };
        let whole = |bytes: Bytes, says: &Bytes| stored.whole(bytes, says);
        let bytes = &stored.bytes;
        let Some(fault) = fault else { return Act::Answer(whole(bytes.clone(), bytes)) };
        let error = |status, code, message| Act::Answer(Reply::error(status, code, message));
        let longer = || Bytes::from([&bytes[..], b" "].concat());
        let shorter = || bytes.slice(..bytes.len() - 1);
        let chunked = |reply: Reply| Act::Answer(Reply { chunked: true, ..reply });
        match fault {
            Get::SlowDown => error("503 Slow Down", "SlowDown", "Please reduce your request rate."),
            Get::Internal => error("500 Internal Server Error", "InternalError", "Try again."),
            Get::Bare500 => Act::Answer(Reply::new("500 Internal Server Error", "")),
            Get::RequestTimeout => error("400 Bad Request", "RequestTimeout", "Nothing came."),
            Get::KmsThrottled => error("400 Bad Request", "ThrottlingException", "Rate exceeded"),
            Get::Stall => Act::Stall,
            Get::HangUp => Act::HangUp,
            Get::Cut => Act::Answer(whole(bytes.clone(), bytes).stopped(false, share)),
            Get::StallInBody => Act::Answer(whole(bytes.clone(), bytes).stopped(true, share)),
            Get::ShortChunks => {
                chunked(Reply::new("200 OK", shorter()).header("etag", &etag(bytes)))
            }
            Get::LongChunks => chunked(Reply::new("200 OK", longer()).header("etag", &etag(bytes))),
            Get::Garbled => Act::Answer(whole(another(bytes), bytes)),
            Get::WrongChecksum => {
                let reply = Reply::new("200 OK", bytes.clone()).header("etag", &etag(bytes));
                Act::Answer(reply.header("x-amz-checksum-crc32", &crc32(&longer())))
            }
            Get::Short => Act::Answer(whole(shorter(), bytes)),
            Get::Long => Act::Answer(whole(longer(), bytes)),
            Get::Vanished => error("404 Not Found", "NoSuchKey", "The key does not exist."),
            Get::Denied => error("403 Forbidden", "AccessDenied", "Access Denied"),
            Get::KmsDenied => error(
                "403 Forbidden",
                "AccessDenied",
                "not authorized to perform: kms:Decrypt on the resource",
            ),
            Get::KmsDisabled => error("400 Bad Request", "KMS.DisabledException", "disabled"),
            Get::Archived => error("403 Forbidden", "InvalidObjectState", "It is archived."),
            Get::Skewed => error("403 Forbidden", "RequestTimeTooSkewed", "Too far apart."),
            Get::Elsewhere => error("301 Moved Permanently", "PermanentRedirect", "Elsewhere."),
            Get::Replaced => error("412 Precondition Failed", "PreconditionFailed", "Another."),
            Get::ReplacedUnasked => Act::Answer(whole(another(bytes), &another(bytes))),
            Get::ReplacedUnsaid => Act::Answer(Reply::new("200 OK", another(bytes))),
            Get::ErrorBody => {
                Act::Answer(Reply::new("200 OK", error_document("InternalError", "Try again.")))
            }
            Get::SomebodyElse => {
                let page = b"<html>".iter().copied().cycle().take(bytes.len());
                Act::Answer(Reply::new("200 OK", page.collect::<Vec<_>>()))
            }
            Get::Empty => Act::Answer(Reply::new("200 OK", "")),
        }
    }

    fn list(&mut self, query: &str) -> Act {
        let asked = |name: &str| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.filter(|(key, _)| *key == name).map(|(_, value)| decoded(value)).next()
        };
        let token = asked("continuation-token");
        let prefix = asked("prefix").unwrap_or_default();
        let keys: Vec<(&String, &Stored)> =
            self.objects.iter().filter(|(key, _)| key.starts_with(&prefix)).collect();
        if asked("delimiter").is_some() {
            return folders(&keys, &prefix);
        }
        let after = asked("start-after").unwrap_or_default();
        let first = match &token {
            Some(token) => number(token, 't'),
            None => keys.partition_point(|(key, _)| **key <= after),
        };
        let fault = self.plan.lists.get_mut(&first).and_then(super::faults::Left::strike);
        if let Some(fault) = fault {
            *self.struck.entry(format!("list {fault:?}")).or_default() += 1;
        }
        let page = Page { keys: &keys, plan: &self.plan, first, token: token.as_deref() };
        let Some(fault) = fault else { return page.whole() };
        let error = |status, code, message| Act::Answer(Reply::error(status, code, message));
        match fault {
            List::SlowDown => error("503 Slow Down", "SlowDown", "Reduce your request rate."),
            List::Internal => error("500 Internal Server Error", "InternalError", "Try again."),
            List::Stall => Act::Stall,
            List::HangUp => Act::HangUp,
            List::Denied => error("403 Forbidden", "AccessDenied", "Access Denied"),
            List::Skewed => error("403 Forbidden", "RequestTimeTooSkewed", "Too far apart."),
            List::SomebodyElse => {
                Act::Answer(Reply::new("200 OK", "<html><body>Log in first</body></html>"))
            }
            List::ErrorBody => {
                Act::Answer(Reply::new("200 OK", error_document("InternalError", "Try again.")))
            }
            List::EmptyBody => Act::Answer(Reply::new("200 OK", "")),
            spoilt => page.spoilt(spoilt),
        }
    }
}
