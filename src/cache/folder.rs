//! The directory of a cache: what is made in it, for whom, and what is taken for an entry.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::path::Path;

/// How the names of files begin that are written into the directory itself before they get their own.
pub(super) const UNFINISHED: &str = ".unfinished-";

/// Makes a directory for its owner alone, and those it is in, where there is none.
pub(super) fn make(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// Makes a directory inside a cache. A link in its place is not followed.
pub(super) fn make_inside(folder: &Path) -> io::Result<()> {
    match fs::symlink_metadata(folder) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => {
            let name = folder.display();
            Err(io::Error::new(io::ErrorKind::NotADirectory, format!("{name} is no directory")))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(folder),
        Err(error) => Err(error),
    }
}

/// Whether there is nothing in a directory, or no directory, as far as somebody else is concerned.
pub(super) fn is_empty(folder: &Path) -> io::Result<bool> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        entries => entries?,
    };
    for entry in entries {
        if !entry?.file_name().to_string_lossy().starts_with(UNFINISHED) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether everybody may write to a directory.
pub(super) fn is_exposed(folder: &Path) -> io::Result<bool> {
    match fs::metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        #[cfg(unix)]
        Ok(metadata) => {
            let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
            Ok(mode & 0o002 != 0)
        }
        metadata => metadata.map(|_| false),
    }
}

/// Opens an entry: the file and its bytes, or `None` where there is none. Neither it nor the directory it
/// is in may be a link.
///
/// # Errors
/// When what is there is no file, or cannot be opened.
pub(super) fn entry(path: &Path) -> io::Result<Option<(File, u64)>> {
    let there = |path: &Path| match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        metadata => metadata.map(Some),
    };
    let shard = path.parent().map_or(Ok(None), there)?;
    let Some(shard) = shard else { return Ok(None) };
    if !shard.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    match there(path)? {
        None => Ok(None),
        // Asked before it is opened: opening a pipe would wait for whoever writes to it.
        Some(metadata) if !metadata.is_file() => Err(io::ErrorKind::InvalidInput.into()),
        Some(_) => {
            let file = File::open(path)?;
            let len = file.metadata()?.len();
            Ok(Some((file, len)))
        }
    }
}
