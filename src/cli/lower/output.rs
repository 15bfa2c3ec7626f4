//! What is written must not be what is read.

use std::path::{Path, PathBuf};

use super::usage;
use crate::error::Result;
use crate::plan::Location;

/// Refuses files to write that are, or lie in, what is read, and the same file twice: the evidence
/// must outlive the run.
pub(super) fn spare<'a>(
    files: impl IntoIterator<Item = &'a Option<PathBuf>>,
    inputs: impl IntoIterator<Item = &'a Location>,
) -> Result<()> {
    let files: Vec<_> = files.into_iter().flatten().map(|file| real(file)).collect();
    if let [one, other] = files.as_slice()
        && one == other
    {
        return Err(usage(format!("{} would be written twice at once", one.display()))
            .hint("name two files"));
    }
    for input in inputs {
        let Location::Local(input) = input else { continue };
        let input = real(input);
        if let Some(file) = files.iter().find(|file| file.starts_with(&input)) {
            let message = format!("{} is, or lies in, what is read", file.display());
            return Err(
                usage(message).hint("write to another place: nothing that is read is changed")
            );
        }
    }
    Ok(())
}

/// The path without links and dots; of what is not there yet, those of the folders that are.
fn real(path: &Path) -> PathBuf {
    let (mut there, mut missing) = (path, Vec::new());
    loop {
        let folder = if there.as_os_str().is_empty() { Path::new(".") } else { there };
        if let Ok(real) = folder.canonicalize() {
            return missing.iter().rev().fold(real, |path, name| path.join(name));
        }
        let (Some(parent), Some(name)) = (there.parent(), there.file_name()) else {
            return path.to_owned();
        };
        missing.push(name);
        there = parent;
    }
}
