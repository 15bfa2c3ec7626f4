//! Large objects, got in pieces, from a server that goes wrong as a test says: what comes out is the
//! object, or a gap for the reason that it would have had at once.

use std::collections::HashMap;
use std::io::Read;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fhcheck::limits::FETCH_ATTEMPTS;
use fhcheck::outcome::GapReason;
use fhcheck::source::admit::Admit;
use fhcheck::source::s3::S3;
use fhcheck::source::{ObjectRef, Source};
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum, Crc32};

use crate::hostile::run::Connection;
use crate::served::{Request, Served};

const SIZE: usize = 10_500;
const PIECE: usize = 1_000;
const PIECES: u64 = 11;
const ETAG: &str = "\"e\"";
/// A piece in the middle.
const MIDDLE: &str = "bytes=5000-5999";

fn content() -> Vec<u8> {
    (0..=250).cycle().take(SIZE).collect()
}

fn crc32(bytes: &[u8]) -> String {
    let mut hasher = ChecksumHasher { crc32: Some(Crc32::new()), ..Default::default() };
    hasher.update(bytes);
    hasher.finalize().checksum_crc32.unwrap()
}

/// An answer, to be spoilt.
struct Reply {
    status: &'static str,
    headers: HashMap<&'static str, String>,
    body: Vec<u8>,
}

impl Reply {
    /// What S3 answers about the object.
    fn to(request: &Request) -> Self {
        let (status, body) = ("200 OK", content());
        let mut headers = HashMap::from([
            ("etag", ETAG.to_owned()),
            ("accept-ranges", "bytes".to_owned()),
            ("content-encoding", "gzip".to_owned()),
            ("content-length", body.len().to_string()),
            ("x-amz-checksum-crc32", crc32(&body)),
        ]);
        let range = request.header("range").trim_start_matches("bytes=").split_once('-');
        let Some((first, last)) = range else { return Self { status, headers, body } };
        let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
        headers.remove("x-amz-checksum-crc32");
        headers.insert("content-range", format!("bytes {first}-{last}/{SIZE}"));
        headers.insert("content-length", (last - first + 1).to_string());
        Self { status: "206 Partial Content", headers, body: body[first..=last].to_vec() }
    }

    fn set(&mut self, header: &'static str, value: &str) {
        self.headers.insert(header, value.to_owned());
    }

    fn becomes(&mut self, status: &'static str) {
        self.status = status;
        self.headers.clear();
        self.headers.insert("content-length", "0".to_owned());
        self.body.clear();
    }

    /// The body is another one, and the header says how long it is.
    fn body(&mut self, body: Vec<u8>) {
        self.headers.insert("content-length", body.len().to_string());
        self.body = body;
    }

    fn bytes(&self, method: &str) -> Vec<u8> {
        let headers = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        let headers: String = headers.collect();
        let head = format!("HTTP/1.1 {}\r\nconnection: close\r\n{headers}\r\n", self.status);
        let body = if method == "HEAD" { &[] } else { &self.body[..] };
        [head.as_bytes(), body].concat()
    }
}

fn listed() -> ObjectRef {
    ObjectRef {
        key: "firehose/x".into(),
        size: SIZE as u64,
        modified: None,
        etag: Some(ETAG.to_owned()),
        storage_class: None,
    }
}

/// What comes of the object where `spoil` changes answers, and how many requests that takes. It is told
/// how often the same was asked before.
async fn fetched(
    spoil: impl Fn(&Request, u32, &mut Reply) + Send + Sync + 'static,
) -> (Result<Vec<u8>, GapReason>, u64) {
    let asked = Mutex::new(HashMap::<String, u32>::new());
    let served = Served::start(Box::new(move |request| {
        let same = format!("{} {}", request.method(), request.header("range"));
        let mut asked = asked.lock().unwrap();
        let times = asked.entry(same).or_default();
        let mut reply = Reply::to(request);
        spoil(request, *times, &mut reply);
        *times += 1;
        Some(reply.bytes(request.method()))
    }));
    let served = served.await;
    let connection = Connection::to(&served.url()).await;
    let source = S3::new(&connection.0, "bucket").ranges(PIECE as u64, PIECE as u64);
    let listed = listed();
    let body = source.fetch(&listed).await.map(|body| {
        assert_eq!(body.content_encoding.as_deref(), Some("gzip"));
        let mut bytes = Vec::new();
        body.into_reader().read_to_end(&mut bytes).unwrap();
        bytes
    });
    (body, source.requests().get)
}

/// Spoils the answers to requests for a piece in the middle.
fn in_the_middle(
    spoil: impl Fn(u32, &mut Reply) + Send + Sync + 'static,
) -> impl Fn(&Request, u32, &mut Reply) + Send + Sync + 'static {
    move |request, times, reply| {
        if request.header("range") == MIDDLE {
            spoil(times, reply);
        }
    }
}

#[tokio::test]
async fn pieces_are_the_object() {
    let (body, requests) = fetched(|request, _, _| {
        if request.method() == "GET" {
            assert_eq!(request.header("if-match"), ETAG);
        }
    })
    .await;
    assert_eq!((body, requests), (Ok(content()), 1 + PIECES));
}

#[tokio::test]
async fn a_piece_is_asked_for_again_and_no_other() {
    let spoilt: [fn(&mut Reply); 4] = [
        |reply| reply.becomes("503 Slow Down"),
        |reply| reply.becomes("500 Internal Server Error"),
        // The connection ends in the middle.
        |reply| reply.body.truncate(500),
        |reply| reply.body(vec![0; 500]),
    ];
    for (number, spoil) in spoilt.into_iter().enumerate() {
        let (body, requests) = fetched(in_the_middle(move |times, reply| {
            if times < FETCH_ATTEMPTS - 1 {
                spoil(reply);
            }
        }))
        .await;
        let again = u64::from(FETCH_ATTEMPTS - 1);
        assert_eq!((body, requests), (Ok(content()), 1 + PIECES + again), "{number}");
    }
}

#[tokio::test]
async fn a_piece_that_fails_for_good_makes_the_object_a_gap() {
    let (body, _) = fetched(in_the_middle(|_, reply| reply.becomes("503 Slow Down"))).await;
    insta::assert_snapshot!(body.unwrap_err(), @"no error code (HTTP 503), after 4 attempts");
    let (body, _) = fetched(in_the_middle(|_, reply| reply.body(vec![0; 400]))).await;
    assert_eq!(body, Err(GapReason::Length { expected: SIZE as u64, got: SIZE as u64 - 600 }));
    let (body, _) = fetched(in_the_middle(|_, reply| reply.body.truncate(400))).await;
    let Err(GapReason::Length { expected, got }) = body else { panic!("{body:?}") };
    assert!(expected == SIZE as u64 && got <= SIZE as u64 - 600, "{got} of {expected}");
    let (body, _) = fetched(in_the_middle(|_, reply| {
        reply.becomes("403 Forbidden");
        reply.set("content-type", "application/xml");
        reply.body(b"<Error><Code>AccessDenied</Code><Message>No</Message></Error>".to_vec());
    }))
    .await;
    assert!(matches!(&body, Err(GapReason::AccessDenied(_))), "{body:?}");
}

#[tokio::test]
async fn an_object_that_is_replaced_meanwhile_is_a_gap() {
    let replaced: [fn(&mut Reply); 2] =
        [|reply| reply.set("etag", "\"f\""), |reply| reply.becomes("412 Precondition Failed")];
    for spoil in replaced {
        let (body, _) = fetched(in_the_middle(move |_, reply| spoil(reply))).await;
        assert_eq!(body, Err(GapReason::Replaced));
    }
}

#[tokio::test]
async fn where_ranges_are_not_what_they_should_be_the_object_comes_at_once() {
    let spoilt: [fn(&mut Reply); 10] = [
        // The range is ignored.
        |reply| {
            reply.status = "200 OK";
            reply.headers.remove("content-range");
            reply.set("x-amz-checksum-crc32", &crc32(&content()));
            reply.body(content());
        },
        |reply| reply.status = "200 OK",
        |reply| {
            reply.headers.remove("content-range");
        },
        |reply| reply.set("content-range", &format!("bytes 5001-6000/{SIZE}")),
        |reply| reply.set("content-range", &format!("bytes 5000-5999/{}", SIZE + 1)),
        |reply| reply.set("content-range", "bytes 5000-5999/*"),
        |reply| reply.set("etag", "W/\"e\""),
        |reply| {
            reply.headers.remove("etag");
        },
        |reply| reply.becomes("416 Range Not Satisfiable"),
        |reply| reply.becomes("501 Not Implemented"),
    ];
    for (number, spoil) in spoilt.into_iter().enumerate() {
        let (body, _) = fetched(in_the_middle(move |_, reply| spoil(reply))).await;
        assert_eq!(body, Ok(content()), "{number} in the middle");
        let (body, _) = fetched(move |request, _, reply| {
            if !request.header("range").is_empty() {
                spoil(reply);
            }
        })
        .await;
        assert_eq!(body, Ok(content()), "{number} everywhere");
    }
}

#[tokio::test]
async fn pieces_of_several_encodings_are_not_put_together() {
    let spoil = in_the_middle(|_, reply| reply.set("content-encoding", "zstd"));
    let (body, requests) = fetched(spoil).await;
    assert_eq!(body, Ok(content()));
    assert!(requests > 2, "{requests}");
}

#[tokio::test]
async fn pieces_that_have_another_checksum_are_not_the_object() {
    let (body, requests) = fetched(in_the_middle(|_, reply| reply.body[7] ^= 1)).await;
    assert_eq!((body, requests), (Ok(content()), 1 + PIECES + 1));
    let (body, requests) = fetched(|request, _, reply| {
        if ["", MIDDLE].contains(&request.header("range")) {
            reply.body[7] ^= 1;
        }
    })
    .await;
    let Err(GapReason::Checksum(what)) = body else { panic!("{body:?}") };
    assert!(what.ends_with(", after 4 attempts"), "{what}");
    assert_eq!(requests, 1 + PIECES + u64::from(FETCH_ATTEMPTS));
    // What a piece names as its checksum is not looked at.
    let wrong = crc32(b"another");
    let (body, requests) = fetched(move |request, _, reply| {
        if !request.header("range").is_empty() {
            reply.set("x-amz-checksum-crc32", &wrong);
        }
    })
    .await;
    assert_eq!((body, requests), (Ok(content()), 1 + PIECES));
}

#[tokio::test]
async fn where_head_does_not_say_enough_the_object_comes_at_once() {
    let spoilt: [fn(&mut Reply); 10] = [
        |reply| reply.becomes("403 Forbidden"),
        |reply| reply.becomes("404 Not Found"),
        |reply| reply.becomes("405 Method Not Allowed"),
        |reply| reply.becomes("501 Not Implemented"),
        |reply| reply.becomes("503 Slow Down"),
        |reply| reply.set("accept-ranges", "none"),
        |reply| reply.set("content-length", "10"),
        |reply| reply.set("etag", "\"f\""),
        |reply| reply.set("etag", "W/\"e\""),
        // It cannot be put together from pieces.
        |reply| {
            reply.headers.remove("x-amz-checksum-crc32");
            reply.set("x-amz-checksum-sha256", "AAAA");
        },
    ];
    for (number, spoil) in spoilt.into_iter().enumerate() {
        let fetched = fetched(move |request, _, reply| {
            if request.method() == "HEAD" {
                spoil(reply);
            }
        });
        assert_eq!(fetched.await, (Ok(content()), 2), "{number}");
    }
}

#[tokio::test]
async fn without_a_checksum_of_the_whole_pieces_are_what_a_body_at_once_is() {
    let composite: [fn(&mut Reply); 2] = [
        |reply| {
            reply.headers.remove("x-amz-checksum-crc32");
        },
        |reply| reply.set("x-amz-checksum-crc32", "y/Q5Jg==-3"),
    ];
    for spoil in composite {
        let fetched = fetched(move |_, _, reply| spoil(reply));
        assert_eq!(fetched.await, (Ok(content()), 1 + PIECES));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn pieces_are_requests_of_which_no_more_run_at_once_than_allowed() {
    static NOW: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let served = Served::start(Box::new(|request| {
        MOST.fetch_max(NOW.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(20));
        NOW.fetch_sub(1, Ordering::SeqCst);
        Some(Reply::to(request).bytes(request.method()))
    }));
    let served = served.await;
    let connection = Connection::to(&served.url()).await;
    let source = S3::new(&connection.0, "bucket").ranges(PIECE as u64, PIECE as u64);
    let admit = Admit::new(source, 3, 1 << 30);
    let objects = [listed(), listed(), listed()];
    for body in futures::future::join_all(objects.iter().map(|object| admit.fetch(object))).await {
        assert_eq!(body.unwrap().len(), SIZE as u64);
    }
    assert_eq!(MOST.load(Ordering::SeqCst), 3);
}
