//! Where simulated objects go.

use std::fs;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::error::{Error, ErrorKind, Result};

/// Takes objects as S3 would.
pub trait Destination {
    /// Stores an object. `content_encoding` is the header Firehose sets with it, `modified` when
    /// Firehose wrote it.
    ///
    /// # Errors
    /// When the object cannot be stored.
    fn put(
        &mut self,
        key: &str,
        body: &[u8],
        content_encoding: Option<&str>,
        modified: Timestamp,
    ) -> Result<()>;
}

/// A directory on this machine; a key is the path of a file below it. Files have no
/// `Content-Encoding`, and their time of modification is that of writing them.
#[derive(Debug, Clone)]
pub struct Directory {
    root: PathBuf,
}

impl Directory {
    /// This directory. It is made when the first object is stored.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
}

impl Destination for Directory {
    fn put(&mut self, key: &str, body: &[u8], _: Option<&str>, _: Timestamp) -> Result<()> {
        if key.split('/').any(|part| matches!(part, "" | "." | "..")) {
            let message = format!("key {key:?} is no path of a file");
            return Err(Error::new(ErrorKind::Usage, message)
                .hint("leave empty parts, . and .. out of the prefix"));
        }
        let path = self.root.join(key);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| Error::io(folder.display(), error))?;
        }
        fs::write(&path, body).map_err(|error| Error::io(path.display(), error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_becomes_a_file_under_its_key() {
        let root = tempfile::tempdir().unwrap();
        let mut directory = Directory::new(root.path().join("data"));
        directory.put("a/b/c", b"body", None, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(fs::read(root.path().join("data/a/b/c")).unwrap(), b"body");
    }

    #[test]
    fn a_key_cannot_leave_the_directory() {
        let root = tempfile::tempdir().unwrap();
        let mut directory = Directory::new(root.path().join("data"));
        for key in ["../x", "a/../../x", "/x", "a//x", "a/", ""] {
            let error = directory.put(key, b"", None, Timestamp::UNIX_EPOCH).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{key}");
        }
    }
}
