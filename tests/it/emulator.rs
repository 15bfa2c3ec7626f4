//! An AWS on this machine: ministack, by other people, installed with pip at the first run. Its streams
//! hold no records at first, and its only region is `us-east-1`.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use fhcheck::aws::Aws;

use crate::support::{GUARDIAN, free_ports, pip_install, wait_for};

/// The emulator, the SDK that the function uses, and all they need.
const MINISTACK: [&str; 20] = [
    "boto3==1.43.106",
    "botocore==1.43.106",
    "cbor2==6.3.0",
    "defusedxml==0.7.1",
    "graphql-core==3.2.12",
    "h11==0.16.0",
    "h2==4.4.1",
    "hpack==4.2.0",
    "hypercorn==0.18.0",
    "hyperframe==6.1.0",
    "jmespath==1.1.0",
    "jsonata-python==0.7.1",
    "ministack==1.5.33",
    "priority==2.0.0",
    "python-dateutil==2.9.0.post0",
    "pyyaml==6.0.4",
    "s3transfer==0.19.3",
    "six==1.17.0",
    "urllib3==2.8.0",
    "wsproto==1.3.2",
];

/// The key that it is asked with; it takes any.
const KEY: &str = "test";

/// An AWS of its own for one test.
pub(crate) struct Emulator {
    home: PathBuf,
    url: String,
    /// Kills the server when its standard input closes, however this process ends.
    guardian: Child,
}

impl Emulator {
    pub(crate) fn start() -> Self {
        let home = ministack();
        let data = tempfile::Builder::new().prefix("fhcheck-ministack-").tempdir().unwrap().keep();
        let [port] = free_ports();
        let guardian = Command::new("sh")
            .args(["-c", GUARDIAN, "guardian", "python3"])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/emulator/start.py"))
            .envs([("BIND_HOST", "127.0.0.1"), ("IOT_MTLS_ENABLED", "0"), ("SFTP_ENABLED", "0")])
            .env("GATEWAY_PORT", port.to_string())
            .env("PYTHONPATH", &home)
            .env("DATA", &data)
            .env("TMPDIR", &data)
            .env("STATE_DIR", &data)
            .stdin(Stdio::piped())
            .spawn()
            .expect("a shell is needed to guard the server");
        wait_for("ministack", port, &data.join("log"));
        Self { home, url: format!("http://127.0.0.1:{port}"), guardian }
    }

    /// A connection to it.
    pub(crate) fn aws(&self) -> Aws {
        Aws::with_key(&self.url, KEY, KEY)
    }

    /// The binary of this crate, which finds it in its environment, and nothing of this machine's AWS.
    pub(crate) fn fhcheck(&self, words: &[&str]) -> Command {
        let mut command = fhcheck(words);
        command.env("AWS_ENDPOINT_URL", &self.url);
        command
    }

    /// A Python with the same environment that sees the SDK.
    pub(crate) fn python(&self) -> Command {
        let mut python = python(&self.home);
        python.env("AWS_ENDPOINT_URL", &self.url);
        python
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.guardian.stdin.take());
        let _ = self.guardian.wait();
    }
}

/// The binary of this crate, which finds nothing of this machine's AWS in its environment.
pub(crate) fn fhcheck(words: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("fhcheck"));
    away_from_aws(&mut command).env_remove("FHCHECK_LOCATION").args(words);
    command
}

/// The home of the emulator, which has the SDK for Python too.
pub(crate) fn ministack() -> PathBuf {
    pip_install("ministack-1.5.33", &MINISTACK)
}

/// A Python that sees the packages of a home, and nothing of this machine's AWS.
pub(crate) fn python(home: &Path) -> Command {
    let mut python = Command::new("python3");
    away_from_aws(&mut python).env("PYTHONPATH", home).env("PYTHONDONTWRITEBYTECODE", "1");
    python
}

/// Keeps a command from anything that is configured on this machine, with a key of its own.
fn away_from_aws(command: &mut Command) -> &mut Command {
    command
        .envs([("AWS_ACCESS_KEY_ID", KEY), ("AWS_SECRET_ACCESS_KEY", KEY)])
        .envs([("AWS_REGION", "us-east-1"), ("AWS_DEFAULT_REGION", "us-east-1")])
        .envs([("AWS_CONFIG_FILE", "/dev/null"), ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")])
        .env_remove("AWS_PROFILE")
        .env_remove("AWS_SESSION_TOKEN")
        .env_remove("AWS_ENDPOINT_URL")
}
