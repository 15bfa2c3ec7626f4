//! Snappy as Firehose writes it, in both framings: snappy-java's stream and Hadoop's block stream.
//!
//! Neither is Google's framing format, and neither has a checksum: content of a body that is
//! damaged anywhere is all unproven, and a body cut between two blocks looks whole.
//!
//! ```text
//! snappy-java   82 "SNAPPY" 00, version, compatible version, then blocks of
//!               [length][block]                       (SnappyOutputStream, SnappyCodec)
//! Hadoop        [content length] then, until so much has come out,
//!               [length][block] …                     (BlockCompressorStream)
//! ```
//!
//! All numbers are big-endian and 32 bits wide. A block is raw Snappy, and starts with the length of
//! its content.

use super::input::{Decoder, Failure, Input, Log};
use crate::limits::SNAPPY_BLOCK_BYTES_MAX;
use crate::outcome::GapReason;

/// What every snappy-java stream starts with (`SnappyCodec.MAGIC_HEADER`).
pub(super) const JAVA_MAGIC: [u8; 8] = *b"\x82SNAPPY\0";

/// A copy of 64 bytes takes 3, so content is at most so many times its block.
const RATIO_MAX: u64 = 22;

/// A snappy-java stream, or several.
#[derive(Debug, Default)]
pub(super) struct Java {
    started: bool,
    block: Block,
}

impl Decoder for Java {
    fn read(&mut self, input: &mut Input, out: &mut [u8], log: &mut Log) -> Result<usize, Failure> {
        loop {
            let count = self.block.take(out);
            if count > 0 {
                return Ok(count);
            }
            let head = input.peek(JAVA_MAGIC.len())?;
            if head.is_empty() && self.started {
                return Ok(0);
            }
            if head.starts_with(&JAVA_MAGIC) {
                self.started = true;
                let Some([.., a, b, c, d]) = input.array::<16>()? else {
                    return Ok(log.cut(input, "Snappy body is cut: it ends inside its header"));
                };
                let compatible = u32::from_be_bytes([a, b, c, d]);
                if compatible != 1 {
                    let what = format!("snappy-java stream of version {compatible}");
                    return Err(GapReason::Unsupported(what).into());
                }
            } else if !self.started {
                return Ok(log.stop(input, "Snappy body does not start with snappy-java's header"));
            } else if let Err(broken) = self.block.read(input)? {
                return Ok(broken.note(input, log));
            }
        }
    }
}

/// A Hadoop block stream.
#[derive(Debug, Default)]
pub(super) struct Hadoop {
    /// Content that the outer block has still to give.
    left: u32,
    block: Block,
}

impl Decoder for Hadoop {
    fn read(&mut self, input: &mut Input, out: &mut [u8], log: &mut Log) -> Result<usize, Failure> {
        loop {
            let count = self.block.take(out);
            if count > 0 {
                return Ok(count);
            }
            if self.left == 0 {
                if input.peek(1)?.is_empty() {
                    return Ok(0);
                }
                let Some(len) = input.array()? else { return Ok(Broken::Cut.note(input, log)) };
                self.left = u32::from_be_bytes(len);
                continue;
            }
            if let Err(broken) = self.block.read(input)? {
                return Ok(broken.note(input, log));
            }
            match u32::try_from(self.block.content.len()) {
                Ok(len) if 0 < len && len <= self.left => self.left -= len,
                _ => {
                    self.block.content.clear();
                    return Ok(Broken::Length.note(input, log));
                }
            }
        }
    }
}

/// Whether a body that starts with `head` and is `len` bytes long is a Hadoop block stream: it has no
/// magic number, but its first three lengths must agree, and its first block must decode if all of
/// it is there.
pub(super) fn is_hadoop(head: &[u8], len: u64) -> bool {
    let Some((&[a, b, c, d, e, f, g, h], block)) = head.split_first_chunk() else { return false };
    let content = u64::from(u32::from_be_bytes([a, b, c, d]));
    let packed = u64::from(u32::from_be_bytes([e, f, g, h]));
    let Ok(inner) = snap::raw::decompress_len(block).map(|len| len as u64) else { return false };
    let agree = 0 < inner && inner <= content && packed + 8 <= len && plausible(packed, inner);
    if !agree || inner > SNAPPY_BLOCK_BYTES_MAX as u64 {
        return false;
    }
    let whole = usize::try_from(packed).ok().and_then(|packed| block.get(..packed));
    whole.is_none_or(|block| snap::raw::Decoder::new().decompress_vec(block).is_ok())
}

/// Whether a block of `packed` bytes can hold `content` bytes. At worst Snappy makes them a sixth more.
fn plausible(packed: u64, content: u64) -> bool {
    content <= packed * RATIO_MAX && packed <= 32 + content + content / 6
}

/// One raw Snappy block, with its length before it.
#[derive(Debug, Default)]
struct Block {
    packed: Vec<u8>,
    content: Vec<u8>,
    given: usize,
}

/// Why a block gives no content.
enum Broken {
    Cut,
    Length,
    Data,
}

impl Broken {
    fn note(&self, input: &Input, log: &mut Log) -> usize {
        match self {
            Self::Cut => log.cut(input, "Snappy body is cut: it ends inside a block"),
            Self::Length => log.stop(input, "Snappy body is damaged: lengths do not agree"),
            Self::Data => log.stop(input, "Snappy body is damaged: corrupt block"),
        }
    }
}

impl Block {
    /// Gives content of the block that was read last.
    fn take(&mut self, out: &mut [u8]) -> usize {
        let rest = &self.content[self.given..];
        let count = rest.len().min(out.len());
        out[..count].copy_from_slice(&rest[..count]);
        self.given += count;
        count
    }

    /// Reads the next block. What its lengths ask for is believed only as far as they agree with
    /// each other and with what is left.
    fn read(&mut self, input: &mut Input) -> Result<Result<(), Broken>, Failure> {
        self.content.clear();
        self.given = 0;
        let Some(len) = input.array()? else { return Ok(Err(Broken::Cut)) };
        let packed = u32::from_be_bytes(len);
        let head = input.peek(10)?;
        let head_len = head.len();
        let Ok(content) = snap::raw::decompress_len(&head[..head_len.min(10)]) else {
            return Ok(Err(if head_len < 10 { Broken::Cut } else { Broken::Length }));
        };
        if packed == 0 || !plausible(packed.into(), content as u64) {
            return Ok(Err(Broken::Length));
        }
        if input.left().is_some_and(|left| u64::from(packed) > left) {
            return Ok(Err(Broken::Cut));
        }
        if content > SNAPPY_BLOCK_BYTES_MAX {
            let what = format!(
                "a Snappy block holds {content} bytes; at most {SNAPPY_BLOCK_BYTES_MAX} are read"
            );
            return Err(GapReason::TooLarge(what).into());
        }
        self.packed.resize(packed as usize, 0);
        if !input.fill(&mut self.packed)? {
            return Ok(Err(Broken::Cut));
        }
        self.content.resize(content, 0);
        let result = snap::raw::Decoder::new().decompress(&self.packed, &mut self.content);
        if result.is_err() {
            self.content.clear();
            return Ok(Err(Broken::Data));
        }
        Ok(Ok(()))
    }
}
