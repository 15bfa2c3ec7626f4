//! Content as Firehose stores it, in every encoding that it has.
//!
//! With a cut, what is written ends inside the encoding, and decoding gives exactly the content
//! before the cut: the encoder is flushed there, and a part of what follows is kept where nothing
//! else would show that something is missing.

use std::io::{self, Write};

use flate2::write::DeflateEncoder;
use flate2::{Compression as Level, Crc, GzBuilder};

use super::Compression;

/// Bytes of content in one block of a snappy-java stream (`SnappyOutputStream`, its default).
const SNAPPY_JAVA_BLOCK: usize = 32 << 10;
/// Bytes of content in one write to Hadoop's stream, which has a length of its own.
const HADOOP_WRITE: usize = 1 << 20;
/// Bytes of content in one block of it: what a buffer of 256 KiB takes, less what Snappy may add
/// (`SnappyCodec.createOutputStream`).
const HADOOP_BLOCK: usize = (256 << 10) - (256 << 10) / 6 - 32;

/// Encodes content. A ZIP archive has one entry, of this name.
///
/// # Errors
/// When an encoder fails, which it does not in memory.
pub(super) fn encode(
    compression: Compression,
    content: &[u8],
    cut: Option<usize>,
    entry: &str,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    match compression {
        Compression::Plain => out.extend_from_slice(&content[..cut.unwrap_or(content.len())]),
        Compression::Gzip => gzip(content, cut, out)?,
        Compression::Zip => zip(content, cut, entry, out)?,
        Compression::Snappy => snappy_java(content, cut, out)?,
        Compression::HadoopSnappy => hadoop_snappy(content, cut, out)?,
        Compression::Zstd => zstd(content, cut, out)?,
    }
    Ok(())
}

/// One gzip member.
fn gzip(content: &[u8], cut: Option<usize>, out: &mut Vec<u8>) -> io::Result<()> {
    let mut encoder = GzBuilder::new().write(&mut *out, Level::default());
    let kept = feed(&mut encoder, content, cut, |encoder| encoder.get_ref().len())?;
    encoder.finish()?;
    out.truncate(kept);
    Ok(())
}

/// Gives an encoder its content, and says how much of what it wrote stands before the cut: all of it
/// where there is none.
fn feed<E: Write>(
    encoder: &mut E,
    content: &[u8],
    cut: Option<usize>,
    written: impl Fn(&E) -> usize,
) -> io::Result<usize> {
    let (before, after) = halves(content, cut);
    encoder.write_all(before)?;
    let mut kept = usize::MAX;
    if cut.is_some() {
        encoder.flush()?;
        kept = written(encoder);
    }
    encoder.write_all(after)?;
    Ok(kept)
}

/// The content before the cut and behind it.
fn halves(content: &[u8], cut: Option<usize>) -> (&[u8], &[u8]) {
    content.split_at(cut.unwrap_or(content.len()))
}

/// Records that are gzip members themselves, as CloudWatch Logs puts them: `ends` says where each
/// ends. With a cut, the last one is.
pub(super) fn members(content: &[u8], ends: &[usize], cut: Option<usize>) -> io::Result<Vec<u8>> {
    let (mut out, mut start) = (Vec::new(), 0);
    for &end in ends {
        let inside = cut.filter(|cut| (start..end).contains(cut)).map(|cut| cut - start);
        gzip(&content[start..end], inside, &mut out)?;
        if inside.is_some() {
            break;
        }
        start = end;
    }
    Ok(out)
}

/// An archive as Java's `ZipOutputStream` writes it (APPNOTE 6.3.10): lengths and checksum follow
/// the entry.
fn zip(content: &[u8], cut: Option<usize>, entry: &str, out: &mut Vec<u8>) -> io::Result<()> {
    /// Version 2.0; lengths and checksum follow, names are UTF-8; DEFLATE; midnight, 1 January 1980.
    const COMMON: [u8; 10] = [20, 0, 8, 8, 8, 0, 0, 0, 0x21, 0];
    let (before, after) = halves(content, cut);
    let name_len = u16::try_from(entry.len()).map_err(io::Error::other)?.to_le_bytes();
    let header = out.len();
    out.extend_from_slice(b"PK\x03\x04");
    out.extend_from_slice(&COMMON);
    out.extend_from_slice(&[0; 12]);
    out.extend_from_slice(&name_len);
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(entry.as_bytes());
    let start = out.len();
    let mut encoder = DeflateEncoder::new(&mut *out, Level::default());
    encoder.write_all(before)?;
    if cut.is_some() {
        encoder.flush()?;
        let kept = encoder.get_ref().len();
        encoder.write_all(after)?;
        encoder.finish()?;
        out.truncate(kept);
        return Ok(());
    }
    encoder.finish()?;
    let size = |len: usize| u32::try_from(len).map(u32::to_le_bytes).map_err(io::Error::other);
    let mut crc = Crc::new();
    crc.update(content);
    let facts = [crc.sum().to_le_bytes(), size(out.len() - start)?, size(content.len())?].concat();
    out.extend_from_slice(b"PK\x07\x08");
    out.extend_from_slice(&facts);
    let directory = out.len();
    out.extend_from_slice(b"PK\x01\x02\x14\0");
    out.extend_from_slice(&COMMON);
    out.extend_from_slice(&facts);
    out.extend_from_slice(&name_len);
    out.extend_from_slice(&[0; 12]);
    out.extend_from_slice(&size(header)?);
    out.extend_from_slice(entry.as_bytes());
    let directory_len = out.len() - directory;
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    out.extend_from_slice(&size(directory_len)?);
    out.extend_from_slice(&size(directory)?);
    out.extend_from_slice(&[0, 0]);
    Ok(())
}

/// The stream of snappy-java: a header, then blocks with their length.
fn snappy_java(content: &[u8], cut: Option<usize>, out: &mut Vec<u8>) -> io::Result<()> {
    out.extend_from_slice(b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01");
    let (before, after) = halves(content, cut);
    for block in before.chunks(SNAPPY_JAVA_BLOCK) {
        snappy_block(block, out)?;
    }
    half_a_block(after, out)
}

/// Hadoop's block stream: for each write its length, then blocks with theirs.
fn hadoop_snappy(content: &[u8], cut: Option<usize>, out: &mut Vec<u8>) -> io::Result<()> {
    let mut left = cut.unwrap_or(content.len());
    for write in content.chunks(HADOOP_WRITE) {
        out.extend_from_slice(&len32(write)?);
        let kept = left.min(write.len());
        for block in write[..kept].chunks(HADOOP_BLOCK) {
            snappy_block(block, out)?;
        }
        left -= kept;
        if kept < write.len() {
            return half_a_block(&write[kept..], out);
        }
    }
    Ok(())
}

/// One raw Snappy block, with its length before it.
fn snappy_block(content: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let block = snap::raw::Encoder::new().compress_vec(content).map_err(io::Error::other)?;
    out.extend_from_slice(&len32(&block)?);
    out.extend_from_slice(&block);
    Ok(())
}

/// The beginning of a block with this content: it takes one that is not whole to show that a stream
/// without an end was cut.
fn half_a_block(content: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    if content.is_empty() {
        return Ok(());
    }
    let start = out.len();
    snappy_block(&content[..content.len().min(SNAPPY_JAVA_BLOCK)], out)?;
    let len = out.len() - start;
    out.truncate(start + len.div_ceil(2));
    Ok(())
}

fn len32(bytes: &[u8]) -> io::Result<[u8; 4]> {
    u32::try_from(bytes.len()).map(u32::to_be_bytes).map_err(io::Error::other)
}

/// One Zstandard frame with a checksum.
fn zstd(content: &[u8], cut: Option<usize>, out: &mut Vec<u8>) -> io::Result<()> {
    let mut encoder = zstd::stream::Encoder::new(&mut *out, zstd::DEFAULT_COMPRESSION_LEVEL)?;
    encoder.include_checksum(true)?;
    let kept = feed(&mut encoder, content, cut, |encoder| encoder.get_ref().len())?;
    encoder.finish()?;
    out.truncate(kept);
    Ok(())
}
