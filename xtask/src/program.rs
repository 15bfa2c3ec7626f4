//! fhcheck as a program: built as a release is, and run on data that it makes up itself.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the repository is.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// What a command printed, if it succeeded.
///
/// # Errors
/// When it cannot be run, or failed.
pub(crate) fn finished(command: &mut Command) -> io::Result<String> {
    let output = command.output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(io::Error::other(format!("{command:?}: {}\n{said}", output.status)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The program, and a folder for objects and the manifest beside them.
#[derive(Debug)]
pub(crate) struct Program {
    fhcheck: PathBuf,
    data: PathBuf,
}

impl Program {
    /// Builds it.
    ///
    /// # Errors
    /// When it cannot be built.
    pub(crate) fn build(data: PathBuf) -> io::Result<Self> {
        let build = ["build", "--release", "--locked", "--package", "fhcheck", "--bin", "fhcheck"];
        finished(Command::new("cargo").args(build).current_dir(root()))?;
        Ok(Self { fhcheck: root().join("target/release/fhcheck"), data })
    }

    /// Where the objects are.
    pub(crate) fn objects(&self) -> PathBuf {
        self.data.join("data")
    }

    /// Where the manifest is.
    pub(crate) fn manifest(&self) -> PathBuf {
        self.data.join("truth/produced.ndjson")
    }

    /// What was done to the records.
    pub(crate) fn truth(&self) -> PathBuf {
        self.data.join("truth/truth.json")
    }

    /// Makes up so many records, in objects of so many bytes, and says how else.
    ///
    /// # Errors
    /// When that fails.
    pub(crate) fn simulate(&self, records: u64, buffer: &str, how: &[&str]) -> io::Result<()> {
        self.remove()?;
        let mut simulate = Command::new(&self.fhcheck);
        simulate.arg("simulate").arg(&self.data).args(["--quiet", "--count"]);
        // Objects are as large as they get, whatever the rate.
        simulate.arg(records.to_string()).args(["--buffer-size", buffer]);
        simulate.args(["--buffer-interval", "15m", "--rate", "10000"]);
        finished(simulate.args(how)).map(drop)
    }

    /// The command that reconciles them, and reports in JSON.
    pub(crate) fn reconcile(&self) -> Command {
        let mut command = Command::new(&self.fhcheck);
        command.arg("reconcile").arg(self.objects()).arg("--manifest").arg(self.manifest());
        command.args(["--format", "json", "--quiet"]);
        command
    }

    /// Takes the records away.
    ///
    /// # Errors
    /// When that fails.
    pub(crate) fn remove(&self) -> io::Result<()> {
        if self.data.exists() { fs::remove_dir_all(&self.data) } else { Ok(()) }
    }
}
