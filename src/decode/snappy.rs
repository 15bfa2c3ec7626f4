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

#[cfg(test)]
mod tests {
    use super::super::tests::{hadoop_snappy, read, snappy_java};
    use super::super::{Damaged, Encoding};
    use crate::outcome::GapReason;

    const JAVA: Option<Encoding> = Some(Encoding::SnappyJava);
    const HADOOP: Option<Encoding> = Some(Encoding::HadoopSnappy);

    fn damage(stored: Vec<u8>, suggested: Option<Encoding>) -> (Vec<u8>, Vec<Damaged>) {
        let (content, result) = read(stored, suggested, 1 << 20);
        (content, result.unwrap())
    }

    #[test]
    fn streams_and_blocks_follow_each_other() {
        let java =
            [snappy_java(b"{\"a\":1}"), snappy_java(b""), snappy_java(b"{\"a\":2}")].concat();
        assert_eq!(damage(java, None), (b"{\"a\":1}{\"a\":2}".to_vec(), vec![]));
        // Hadoop closes a stream without content with a block of no bytes.
        let empty = vec![0; 4];
        assert_eq!(damage(empty.clone(), JAVA), (vec![], vec![]));
        let hadoop = [hadoop_snappy(b"{\"a\":1}"), empty, hadoop_snappy(b"{\"a\":2}")].concat();
        assert_eq!(damage(hadoop, JAVA), (b"{\"a\":1}{\"a\":2}".to_vec(), vec![]));
    }

    #[test]
    fn a_corrupt_block_ends_the_content_and_casts_doubt_on_all_of_it() {
        let first = snappy_java(&[b'x'; 32 << 10]);
        let mut stored = [first.clone(), snappy_java(&[b'y'; 999])[16..].to_vec()].concat();
        // A copy from before the content's beginning.
        let block = first.len() + 4;
        stored[block + 2..].fill(0xff);
        let (content, damage) = damage(stored, None);
        assert_eq!(content, [b'x'; 32 << 10]);
        assert_eq!((damage.len(), damage[0].doubtful_from), (1, 0));
        assert!(damage[0].what.contains("corrupt block"), "{damage:?}");
    }

    #[test]
    fn lengths_that_cannot_be_are_damage_and_cost_no_memory() {
        let whole = hadoop_snappy(b"{\"a\":1}");
        let (outer, block) = whole.split_at(4);
        for (start, what) in [
            // A block of nothing, of 4 GiB, and of more content than 15 bytes can hold.
            (&b"\0\0\0\x08\0\0\0\0"[..], "lengths"),
            (b"\0\0\0\x08\xff\xff\xff\xff", "lengths"),
            (b"\0\0\0\x08\0\0\0\x0a\xff\xff\xff\xff\x0f", "lengths"),
            // As large as content of 8 MiB may be, and not there.
            (b"\0\x80\0\0\0\x80\0\0\x80\x80\x80\x04", "cut"),
        ] {
            let stored = [outer, block, start, &[0x11; 40]].concat();
            let (content, damage) = damage(stored, HADOOP);
            assert_eq!(content, b"{\"a\":1}");
            assert!(damage.len() == 1 && damage[0].what.contains(what), "{start:?}: {damage:?}");
        }
        // More content than the block around it has.
        let (content, damage) = damage([b"\0\0\0\x06", block].concat(), HADOOP);
        assert_eq!((content.len(), damage.len()), (0, 1));
    }

    #[test]
    fn a_block_beyond_the_cap_is_a_gap_and_no_finding() {
        let block = snap::raw::Encoder::new().compress_vec(&vec![b' '; 17 << 20]).unwrap();
        let len = u32::try_from(block.len()).unwrap().to_be_bytes();
        let stored = [&snappy_java(b"")[..], &len, &block].concat();
        let (_, result) = read(stored, None, 1 << 30);
        assert!(matches!(result, Err(GapReason::TooLarge(what)) if what.contains("Snappy block")));
    }

    #[test]
    fn other_snappy_streams_are_named() {
        let mut stored = snappy_java(b"{}");
        stored[15] = 2;
        let unsupported = |what: &str| Err(GapReason::Unsupported(what.into()));
        assert_eq!(read(stored, None, 99).1, unsupported("snappy-java stream of version 2"));
        let framed = b"\xff\x06\0\0sNaPpY".to_vec();
        assert_eq!(read(framed, JAVA, 99).1, unsupported("snappy-framing"));
    }
}
