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

/// Content of a record that `simulate` makes up, in bytes.
pub(crate) const RECORD_BYTES: usize = 78;

/// Installs what others wrote below a folder, and says where. It is installed again only when something
/// else is required.
///
/// # Errors
/// When that fails.
pub(crate) fn pip(home: &Path, requirements: &str) -> io::Result<PathBuf> {
    let (site, installed) = (home.join("site"), home.join("requirements.txt"));
    if fs::read_to_string(&installed).ok().as_deref() != Some(requirements) {
        let wanted = home.join("wanted.txt");
        fs::write(&wanted, requirements)?;
        let install = ["-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target"];
        finished(Command::new("python3").args(install).arg(&site).arg("-r").arg(&wanted))?;
        fs::rename(wanted, installed)?;
    }
    Ok(site)
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
        let mut simulate = self.command();
        simulate.arg("simulate").arg(&self.data).args(["--quiet", "--count"]);
        // Objects are as large as they get, whatever the rate.
        simulate.arg(records.to_string()).args(["--buffer-size", buffer]);
        simulate.args(["--buffer-interval", "15m", "--rate", "10000"]);
        finished(simulate.args(how)).map(drop)
    }

    /// The program, with nothing to do yet.
    pub(crate) fn command(&self) -> Command {
        Command::new(&self.fhcheck)
    }

    /// The command that reconciles them, and reports in JSON.
    pub(crate) fn reconcile(&self) -> Command {
        let mut command = self.command();
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
