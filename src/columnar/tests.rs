//! Objects of real writers to rows, and what is damaged or lies about itself to a flaw or a gap.

use std::path::PathBuf;

use super::*;
use crate::source::Body;

/// The files of a fixture, in the order of their names.
fn fixture(folder: &str) -> Vec<Vec<u8>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(folder);
    let walk = walkdir::WalkDir::new(root.join("delivered")).sort_by_file_name();
    let files = walk.into_iter().map(|entry| entry.unwrap().into_path());
    files.filter(|path| path.is_file()).map(|path| std::fs::read(path).unwrap()).collect()
}

fn kind(stored: &[u8]) -> Kind {
    if stored.starts_with(b"ORC") { Kind::Orc } else { Kind::Parquet }
}

/// All lines, and every flaw.
fn read(stored: &[u8]) -> Result<(String, Vec<Flaw>), GapReason> {
    let body = Body::from_bytes(stored.to_vec()).into_pieces().unwrap();
    let mut rows = Rows::open(kind(stored), Arc::new(body))?;
    let (mut text, mut flaws) = (Vec::new(), rows.take_flaws());
    while rows.read(&mut text)? {}
    flaws.extend(rows.take_flaws());
    Ok((String::from_utf8(text).unwrap(), flaws))
}

#[test]
fn look() {
    for folder in ["parquet", "orc", "parquet-types", "orc-types", "parquet-garbled-page", "parquet-cut", "parquet-garbled-footer", "orc-cut", "orc-garbled-stripe"] {
        for file in fixture(folder) {
            match read(&file) {
                Ok((text, flaws)) => eprintln!("{folder}:\n{text}{flaws:?}"),
                Err(e) => eprintln!("{folder}: {e:?}"),
            }
        }
    }
}
