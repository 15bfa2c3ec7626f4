//! An object that inflates to a gibibyte costs no more memory than a small one, in every encoding.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use flate2::write::{DeflateEncoder, GzEncoder};
use flate2::{Compression, Crc};

use crate::columnar::{PYARROW, manifest_dir};

/// What all content is made of, 64 times: 256 lines of 64 KiB.
const PIECES: u32 = 64;
const LINES: u32 = 256;
const LINE_BYTES: usize = 64 << 10;

/// Peak of resident memory of the whole process, in MiB. In Parquet and ORC the pages or stripes under way
/// are among it.
const PEAK_MIB: u64 = 128;

/// Lines of which each begins in its own way, so that no encoder gets them smaller than a bomb.
fn piece() -> Vec<u8> {
    let mut piece = Vec::with_capacity(LINES as usize * LINE_BYTES);
    let mut state = 1_u64;
    for _ in 0..LINES {
        let start = piece.len();
        for _ in 0..64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            piece.extend_from_slice(format!("{state:016x}").as_bytes());
        }
        piece.resize(start + LINE_BYTES - 1, b'.');
        piece.push(b'\n');
    }
    piece
}

fn fill(piece: &[u8], out: &mut impl Write) {
    (0..PIECES).for_each(|_| out.write_all(piece).unwrap());
}

fn gzip(piece: &[u8], out: impl Write) {
    let mut encoder = GzEncoder::new(out, Compression::fast());
    fill(piece, &mut encoder);
    encoder.finish().unwrap();
}

fn zstd(piece: &[u8], out: impl Write) {
    let mut encoder = zstd::stream::Encoder::new(out, 1).unwrap();
    encoder.include_checksum(true).unwrap();
    fill(piece, &mut encoder);
    encoder.finish().unwrap();
}

/// One entry, whose lengths and checksum follow it.
fn zip(piece: &[u8], mut out: impl Write) {
    let mut crc = Crc::new();
    (0..PIECES).for_each(|_| crc.update(piece));
    out.write_all(b"PK\x03\x04\x14\0\x08\0\x08\0\0\0\x21\0").unwrap();
    out.write_all(&[[0; 12].as_slice(), b"\x01\0\0\0a"].concat()).unwrap();
    let mut encoder = DeflateEncoder::new(out, Compression::fast());
    fill(piece, &mut encoder);
    let stored = u32::try_from({
        encoder.try_finish().unwrap();
        encoder.total_out()
    })
    .unwrap();
    let mut out = encoder.finish().unwrap();
    let content = PIECES * u32::try_from(piece.len()).unwrap();
    let sums = [crc.sum(), stored, content].map(u32::to_le_bytes).concat();
    out.write_all(&[b"PK\x07\x08".as_slice(), &sums].concat()).unwrap();
    let entry = [
        b"PK\x01\x02\x14\0\x14\0\x08\0\x08\0\0\0\x21\0".as_slice(),
        &sums,
        b"\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0a",
    ]
    .concat();
    out.write_all(&entry).unwrap();
    let len = u32::try_from(entry.len()).unwrap().to_le_bytes();
    let end = [b"PK\x05\x06\0\0\0\0\x01\0\x01\0".as_slice(), &len, &(stored + 47).to_le_bytes()];
    out.write_all(&[end.concat().as_slice(), b"\0\0"].concat()).unwrap();
}

fn block(content: &[u8]) -> Vec<u8> {
    let block = snap::raw::Encoder::new().compress_vec(content).unwrap();
    [&u32::try_from(block.len()).unwrap().to_be_bytes()[..], &block].concat()
}

fn snappy_java(piece: &[u8], mut out: impl Write) {
    out.write_all(b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01").unwrap();
    let blocks: Vec<u8> = piece.chunks(32 << 10).flat_map(block).collect();
    fill(&blocks, &mut out);
}

fn hadoop_snappy(piece: &[u8], mut out: impl Write) {
    let write = |content: &[u8]| {
        let len = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&len[..], &block(content)].concat()
    };
    let blocks: Vec<u8> = piece.chunks(256 << 10).flat_map(write).collect();
    fill(&blocks, &mut out);
}

fn columnar(piece: &[u8], folder: &Path) {
    let mut python = Command::new("python3")
        .arg(manifest_dir("tests/it/inflated/columnar.py"))
        .args([folder.to_str().unwrap(), &PIECES.to_string()])
        .env("PYTHONPATH", &*PYARROW)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(piece).unwrap();
    assert!(python.wait().unwrap().success());
}

/// Peak memory of a run that finds every line, in MiB.
fn peak(folder: &Path) -> u64 {
    let run = Command::new("python3")
        .arg(manifest_dir("tests/it/inflated/peak.py"))
        .arg(env!("CARGO_BIN_EXE_fhcheck"))
        .args(["reconcile", folder.to_str().unwrap(), "--split", "lines", "--jobs", "2"])
        .args(["--expected", &(PIECES * LINES).to_string()])
        .output()
        .unwrap();
    let (screen, errors) =
        (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert_eq!(run.status.code(), Some(0), "{}: {screen}{errors}", folder.display());
    let peak = errors.lines().find_map(|line| line.strip_prefix("peak "));
    peak.unwrap().parse::<u64>().unwrap() >> 10
}

#[test]
fn a_gibibyte_takes_no_more_memory_than_its_parts() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let piece = piece();
    assert_eq!(u64::from(PIECES) * piece.len() as u64, 1 << 30);
    let file = |name: &str| -> io::Result<BufWriter<File>> {
        fs::create_dir(folder.path().join(name))?;
        Ok(BufWriter::new(File::create(folder.path().join(name).join("object"))?))
    };
    gzip(&piece, file("gzip").unwrap());
    zip(&piece, file("zip").unwrap());
    zstd(&piece, file("zstd").unwrap());
    snappy_java(&piece, file("snappy-java").unwrap());
    hadoop_snappy(&piece, file("hadoop-snappy").unwrap());
    file("parquet").and(file("orc")).unwrap();
    columnar(&piece, folder.path());
    for name in ["gzip", "zip", "zstd", "snappy-java", "hadoop-snappy", "parquet", "orc"] {
        let folder = folder.path().join(name);
        let stored = fs::metadata(folder.join("object")).unwrap().len() >> 20;
        let peak = peak(&folder);
        println!("{name}: {stored} MiB stored, {peak} MiB of memory");
        assert!(peak <= PEAK_MIB, "{name}: {peak} MiB");
    }
}
