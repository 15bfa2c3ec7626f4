//! The file that makes a directory a cache of fhcheck, and holds its seed.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use xxhash_rust::xxh3::xxh3_128;

use super::Unusable;
use super::folder;

/// Its name.
const NAME: &str = "fhcheck-cache";

/// All of it, for a seed.
fn text(seed: u64) -> String {
    let said = format!(
        "fhcheck cache 1\nWhat fhcheck knows of objects, so that it need not read them again.\n\
         This directory can be deleted at any time.\nseed {seed:016x}\n"
    );
    let checksum = xxh3_128(said.as_bytes());
    format!("{said}checksum {checksum:032x}\n")
}

/// The seed of a directory. `None` where there is no such file; one that is not, byte by byte, what would
/// be written for the seed in it makes the directory foreign.
pub(super) fn read(folder: &Path) -> Result<Option<u64>, Unusable> {
    let path = folder.join(NAME);
    let metadata = match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata?,
    };
    let expected = text(0).len() as u64;
    if !metadata.is_file() || metadata.len() != expected {
        return Err(Unusable::Foreign);
    }
    let mut said = Vec::new();
    File::open(&path)?.take(expected).read_to_end(&mut said)?;
    seed(&said).map(Some).ok_or(Unusable::Foreign)
}

fn seed(said: &[u8]) -> Option<u64> {
    let said = std::str::from_utf8(said).ok()?;
    let hex = said.lines().find_map(|line| line.strip_prefix("seed "))?;
    let seed = u64::from_str_radix(hex, 16).ok()?;
    (text(seed) == said).then_some(seed)
}

/// Makes an empty directory a cache, unless another run just did.
pub(super) fn write(folder: &Path, seed: u64) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(folder::UNFINISHED).tempfile_in(folder)?;
    file.write_all(text(seed).as_bytes())?;
    // Without it the directory is nobody's, and stays so.
    file.as_file().sync_all()?;
    match file.persist_noclobber(folder.join(NAME)) {
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        written => written.map(drop).map_err(|error| error.error),
    }
}
