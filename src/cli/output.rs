//! The sole owner of stdout and stderr, and of the files that results go to.

use std::error::Error as _;
use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style};
use tempfile::NamedTempFile;

use crate::error::{Error, Result};
use crate::report::screen;

/// Bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 64 * 1024;

/// Where a result goes. A file appears under its name when the result is complete, and not before.
#[derive(Debug)]
pub struct Output {
    sink: Sink,
    name: String,
    closed: bool,
}

#[derive(Debug)]
enum Sink {
    /// A person reads it: every line shows at once.
    Terminal(Stdout),
    Pipe(BufWriter<Piped>),
    File {
        file: BufWriter<NamedTempFile>,
        target: PathBuf,
    },
    /// A device or a named pipe, which a rename would replace.
    Special(BufWriter<File>),
}

impl Output {
    /// Opens a file, or stdout without one.
    ///
    /// # Errors
    /// When the file could not be written: now, and not after an hour.
    pub fn open(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else {
            let stdout = io::stdout();
            let sink = if stdout.is_terminal() {
                Sink::Terminal(stdout)
            } else {
                let file = piped(stdout).map_err(|error| Error::io("stdout", error))?;
                Sink::Pipe(BufWriter::with_capacity(BUFFER_BYTES, file))
            };
            return Ok(Self { sink, name: "stdout".to_owned(), closed: false });
        };
        let name = path.display().to_string();
        let sink = open_file(path).map_err(|error| Error::io(&name, error))?;
        Ok(Self { sink, name, closed: false })
    }

    /// Writes a whole result. A reader that goes away has seen what it wanted: that is no error.
    ///
    /// # Errors
    /// When it cannot be written otherwise.
    pub fn deliver(mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
        let written = write(&mut self);
        self.finish(written)
    }

    /// The file that holds a result which is not complete yet, where it goes to a file.
    pub fn unfinished(&self) -> Option<PathBuf> {
        match &self.sink {
            Sink::File { file, .. } => Some(file.get_ref().path().to_owned()),
            _ => None,
        }
    }

    /// Whether the reader has gone away.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Ends a result: after this, a file has its name.
    ///
    /// # Errors
    /// When it was not, or cannot be, written; unless the reader has gone away.
    pub fn finish(mut self, written: io::Result<()>) -> Result<()> {
        let flushed = written.and_then(|()| self.flush());
        match flushed {
            Err(_) if self.closed => return Ok(()),
            Err(error) => return Err(Error::io(&self.name, error)),
            Ok(()) => {}
        }
        let Sink::File { file, target } = self.sink else { return Ok(()) };
        let file = file.into_inner().map_err(|error| Error::io(&self.name, error.into_error()))?;
        file.persist(target).map_err(|error| Error::io(&self.name, error.error))?;
        Ok(())
    }
}

/// Stdout that is no terminal. `Stdout` itself looks for the last line break in all that is written.
#[cfg(unix)]
type Piped = File;
#[cfg(not(unix))]
type Piped = Stdout;

#[cfg(unix)]
fn piped(stdout: Stdout) -> io::Result<Piped> {
    use std::os::fd::AsFd;
    Ok(stdout.as_fd().try_clone_to_owned()?.into())
}

#[cfg(not(unix))]
fn piped(stdout: Stdout) -> io::Result<Piped> {
    Ok(stdout)
}

fn open_file(path: &Path) -> io::Result<Sink> {
    // A link is followed, so that the rename replaces the file and not the link to it.
    let (target, existing) = match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(metadata) if !metadata.is_file() => {
            let file = File::options().write(true).open(path)?;
            return Ok(Sink::Special(BufWriter::with_capacity(BUFFER_BYTES, file)));
        }
        Ok(metadata) => (path.canonicalize()?, Some(metadata.permissions())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (path.to_owned(), None),
        Err(error) => return Err(error),
    };
    if existing.as_ref().is_some_and(fs::Permissions::readonly) {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let file = new_file(folder)?;
    if let Some(permissions) = existing {
        file.as_file().set_permissions(permissions)?;
    }
    Ok(Sink::File { file: BufWriter::with_capacity(BUFFER_BYTES, file), target })
}

/// A file beside the target, with the rights that a new file has.
fn new_file(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".fhcheck-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &mut self.sink {
            Sink::Terminal(stdout) => stdout.write(bytes),
            Sink::Pipe(stdout) => stdout.write(bytes),
            Sink::File { file, .. } => file.write(bytes),
            Sink::Special(file) => file.write(bytes),
        };
        self.note_closed(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = match &mut self.sink {
            Sink::Terminal(stdout) => stdout.flush(),
            Sink::Pipe(stdout) => stdout.flush(),
            Sink::File { file, .. } => file.flush(),
            Sink::Special(file) => file.flush(),
        };
        self.note_closed(flushed)
    }
}

impl Output {
    fn note_closed<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result {
            self.closed |= error.kind() == io::ErrorKind::BrokenPipe;
        }
        result
    }
}

/// Says on stderr why the run could not go on. `causes` adds what lies behind it.
pub fn complain(error: &Error, color: bool, causes: bool) {
    let mut lines = vec![label("error", AnsiColor::Red, color, &error.to_string())];
    if causes {
        let mut cause = error.source();
        while let Some(error) = cause {
            lines.push(label("cause", AnsiColor::Yellow, color, &error.to_string()));
            cause = error.source();
        }
    }
    if let Some(hint) = error.advice() {
        lines.push(label("hint", AnsiColor::Green, color, hint));
    }
    say(&(lines.join("\n") + "\n"));
}

fn label(label: &str, accent: AnsiColor, color: bool, text: &str) -> String {
    let style = if color { accent.on_default().bold() } else { Style::new() };
    format!("{style}{label}{style:#}: {}", screen::text(text))
}

/// Writes text to stderr. Where that fails there is nobody left to tell.
pub fn say(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{self, Write};

    use super::Output;

    #[test]
    fn a_file_appears_when_it_is_complete() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("report.json");
        let mut output = Output::open(Some(&path)).expect("opens");
        output.write_all(b"half").expect("writes");
        assert!(!path.exists(), "half a report has no name");
        output.finish(Ok(())).expect("finishes");
        assert_eq!(fs::read(&path).expect("reads"), b"half");
        assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 1);
    }

    #[test]
    fn a_run_that_fails_leaves_what_was_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("report.json");
        fs::write(&path, "before").expect("writes");
        let mut output = Output::open(Some(&path)).expect("opens");
        output.write_all(b"after").expect("writes");
        drop(output);
        let output = Output::open(Some(&path)).expect("opens");
        assert!(output.finish(Err(io::Error::other("disk full"))).is_err());
        assert_eq!(fs::read(&path).expect("reads"), b"before");
        assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 1);
    }

    #[test]
    fn a_bad_path_fails_before_the_run() {
        let folder = tempfile::tempdir().expect("a folder");
        let missing = folder.path().join("no").join("report.json");
        let error = Output::open(Some(&missing)).expect_err("no such folder");
        assert!(error.to_string().contains("report.json"), "{error}");
        assert!(Output::open(Some(folder.path())).is_err(), "a folder is no file");
    }

    #[cfg(unix)]
    #[test]
    fn a_device_and_a_link_stay_what_they_are() {
        use std::os::unix::fs::{FileTypeExt, symlink};
        let null = std::path::Path::new("/dev/null");
        Output::open(Some(null))
            .expect("opens")
            .deliver(|out| out.write_all(b"x"))
            .expect("writes");
        assert!(fs::metadata(null).expect("is there").file_type().is_char_device());

        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").expect("writes");
        symlink(&file, &link).expect("links");
        Output::open(Some(&link))
            .expect("opens")
            .deliver(|out| out.write_all(b"new"))
            .expect("writes");
        assert!(fs::symlink_metadata(&link).expect("is there").is_symlink());
        assert_eq!(fs::read(&file).expect("reads"), b"new");
    }
}
