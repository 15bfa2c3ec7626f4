//! An error: why the run cannot go on, and what the user can do about it.
//!
//! An [`Error`] ends a run with exit code 2. What is wrong with *stored data* is a
//! [`Finding`](crate::outcome), and evidence that could not be had is a
//! [`Gap`](crate::outcome::Gap); neither is ever an error.

use std::fmt;

/// The result of anything that may end the run.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of thing went wrong. Callers decide by this, people by the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request itself makes no sense: an argument, a missing location.
    Usage,
    /// A bucket, directory or file that does not exist.
    NotFound,
    /// The credentials do not allow it.
    AccessDenied,
    /// There are no credentials, or they are no longer valid.
    Credentials,
    /// Nobody answers at the endpoint, or what answers is not the service.
    Unreachable,
    /// The bucket lives in another region.
    WrongRegion,
    /// The service answered, and its answer was an error of another kind.
    Service,
    /// Something on this machine: a file, a disk, a thread.
    Io,
    /// A cap that the user set, or that the design has, would be passed.
    Limit,
    /// A manifest that cannot be read as one.
    Manifest,
}

/// Why the run cannot go on: what was wrong and where, and what to do about it.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of a kind, with a message that says what was wrong and where.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, source: None }
    }

    /// Adds what the user can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn caused_by(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// A failed operation on a file, named.
    pub fn io(what: impl fmt::Display, source: std::io::Error) -> Self {
        let kind = match source.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            std::io::ErrorKind::PermissionDenied => ErrorKind::AccessDenied,
            _ => ErrorKind::Io,
        };
        Self::new(kind, format!("{what}: {source}")).caused_by(source)
    }

    /// What kind of thing went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What the user can do about it, where there is something.
    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
