//! One stream of a stripe, a compression block at a time. A block takes no more memory than the
//! postscript allows, whatever stands in it.

use std::io::Read;
use std::sync::Arc;

use super::super::{Result, damaged};
use crate::source::Pieces;

/// How the streams of a file are compressed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Codec {
    kind: Compression,
    /// What a block inflates to at most.
    pub(super) block_bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compression {
    None,
    Zlib,
    Snappy,
    Zstd,
}

/// The header of a block, in bytes: its length, and a bit that says that it is stored as it is.
const HEADER_BYTES: u64 = 3;

/// What is taken of a stream that is not compressed, in bytes.
const PIECE_BYTES: u64 = 64 << 10;

/// A block's header has no room for more.
const BLOCK_BYTES_MAX: u64 = 1 << 23;

impl Codec {
    /// By its number in the postscript; `None` for those that are not read.
    pub(super) fn new(number: u64, block_bytes: u64) -> Option<Self> {
        let kind = match number {
            0 => Compression::None,
            1 => Compression::Zlib,
            2 => Compression::Snappy,
            5 => Compression::Zstd,
            _ => return None,
        };
        let block_bytes = match kind {
            Compression::None => PIECE_BYTES,
            _ => block_bytes.min(BLOCK_BYTES_MAX),
        };
        Some(Self { kind, block_bytes })
    }

    fn inflate(self, stored: &[u8], block: &mut Vec<u8>) -> Result<()> {
        block.clear();
        let most = usize::try_from(self.block_bytes).unwrap_or(usize::MAX);
        let inflated = match self.kind {
            Compression::None => {
                block.extend_from_slice(stored);
                Ok(())
            }
            Compression::Zlib => {
                let content = flate2::read::DeflateDecoder::new(stored);
                content.take(self.block_bytes + 1).read_to_end(block).map(|_| ())
            }
            Compression::Snappy => match snap::raw::decompress_len(stored) {
                Ok(len) if len <= most => {
                    block.resize(len, 0);
                    let read = snap::raw::Decoder::new().decompress(stored, block);
                    read.map(|_| ()).map_err(std::io::Error::other)
                }
                Ok(_) => return damaged("a block is larger than the file allows"),
                Err(error) => Err(std::io::Error::other(error)),
            },
            Compression::Zstd => zstd::bulk::decompress(stored, most).map(|bytes| *block = bytes),
        };
        match inflated {
            Ok(()) if block.len() > most => damaged("a block is larger than the file allows"),
            Ok(()) => Ok(()),
            Err(error) => damaged(format_args!("a block does not inflate: {error}")),
        }
    }
}

/// A stream of bytes.
#[derive(Debug)]
pub(super) struct Stream {
    body: Arc<Pieces>,
    codec: Codec,
    at: u64,
    end: u64,
    block: Vec<u8>,
    start: usize,
}

impl Stream {
    /// The stream that is stored in `len` bytes at an offset.
    pub(super) fn new(body: &Arc<Pieces>, codec: Codec, at: u64, len: u64) -> Self {
        let end = at.saturating_add(len).min(body.len());
        Self { body: Arc::clone(body), codec, at, end, block: Vec::new(), start: 0 }
    }

    /// What is left of a block, or the next block; `None` at the end.
    pub(super) fn next_block(&mut self) -> Result<Option<&[u8]>> {
        while self.start == self.block.len() {
            if self.at >= self.end {
                return Ok(None);
            }
            self.inflate()?;
            self.start = 0;
        }
        let start = std::mem::replace(&mut self.start, self.block.len());
        Ok(Some(&self.block[start..]))
    }

    fn inflate(&mut self) -> Result<()> {
        if self.codec.kind == Compression::None {
            let piece = self.body.at(self.at, PIECE_BYTES.min(self.end - self.at))?;
            self.at += piece.len() as u64;
            return self.codec.inflate(&piece, &mut self.block);
        }
        let header = self.body.at(self.at, HEADER_BYTES)?;
        let Some(&[a, b, c]) =
            header.first_chunk::<3>().filter(|_| self.at + HEADER_BYTES <= self.end)
        else {
            return damaged("a stream is cut");
        };
        let header = u32::from_le_bytes([a, b, c, 0]);
        let (len, stored) = (u64::from(header >> 1), header & 1 == 1);
        let first = self.at + HEADER_BYTES;
        if first + len > self.end || len > self.codec.block_bytes {
            return damaged("a block is longer than its stream");
        }
        self.at = first + len;
        let bytes = self.body.at(first, len)?;
        let codec =
            if stored { Codec { kind: Compression::None, ..self.codec } } else { self.codec };
        codec.inflate(&bytes, &mut self.block)
    }

    /// The next byte.
    pub(super) fn byte(&mut self) -> Result<u8> {
        if self.start == self.block.len() {
            if self.next_block()?.is_none() {
                return damaged(ENDED);
            }
            self.start = 0;
        }
        self.start += 1;
        Ok(self.block[self.start - 1])
    }

    /// Appends the next `count` bytes.
    pub(super) fn take(&mut self, mut count: usize, out: &mut Vec<u8>) -> Result<()> {
        while count > 0 {
            if self.start == self.block.len() {
                out.push(self.byte()?);
                count -= 1;
            }
            let part = count.min(self.block.len() - self.start);
            out.extend_from_slice(&self.block[self.start..self.start + part]);
            self.start += part;
            count -= part;
        }
        Ok(())
    }

    /// The next bytes, so many.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        for byte in &mut bytes {
            *byte = self.byte()?;
        }
        Ok(bytes)
    }

    /// The next number in groups of seven bits, the lowest first.
    pub(super) fn varint(&mut self) -> Result<u128> {
        let mut value = 0;
        for shift in (0..128).step_by(7) {
            let byte = self.byte()?;
            value |= u128::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        damaged("a number is too long")
    }
}

const ENDED: &str = "a stream ends too early";
