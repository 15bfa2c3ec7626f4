//! What stands at the end of an ORC file and of each stripe: postscript, footer, stripe footer
//! (messages of `orc_proto.proto`).

use std::sync::Arc;

use super::super::{Result, damaged, too_much};
use super::proto::{Value, fields};
use super::stream::{Codec, Stream};
use crate::limits::{COLUMNS_BYTES_MAX, COLUMNS_DEPTH_MAX};
use crate::outcome::GapReason;
use crate::source::Pieces;

/// The postscript is at most so long, with the byte that tells its length.
const POSTSCRIPT_BYTES_MAX: u64 = 256;

/// Largest footer that is inflated, in bytes. Statistics are most of it.
const FOOTER_BYTES_MAX: u64 = COLUMNS_BYTES_MAX / 8;

/// What a file says of itself.
#[derive(Debug)]
pub(super) struct Footer {
    pub(super) codec: Codec,
    pub(super) stripes: Vec<StripeInfo>,
    pub(super) types: Vec<Type>,
}

/// Where a stripe is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StripeInfo {
    pub(super) offset: u64,
    index_len: u64,
    data_len: u64,
    footer_len: u64,
    pub(super) rows: u64,
}

/// A node of the schema.
#[derive(Debug, Default)]
pub(super) struct Type {
    pub(super) kind: u64,
    pub(super) children: Vec<u64>,
    pub(super) names: Vec<String>,
}

/// What a stripe says of itself.
#[derive(Debug, Default)]
pub(super) struct StripeFooter {
    pub(super) streams: Vec<StreamInfo>,
    /// Of each column: encoding, and entries of its dictionary.
    pub(super) encodings: Vec<(u64, u64)>,
    pub(super) zone: String,
}

/// Where a stream of a column is.
#[derive(Debug, Clone, Copy)]
pub(super) struct StreamInfo {
    pub(super) kind: u64,
    pub(super) column: u64,
    pub(super) offset: u64,
    pub(super) len: u64,
}

impl Footer {
    pub(super) fn read(body: &Arc<Pieces>) -> Result<Self> {
        let tail_start = body.len().saturating_sub(POSTSCRIPT_BYTES_MAX);
        let tail = body.at(tail_start, POSTSCRIPT_BYTES_MAX)?;
        let postscript = tail.split_last().and_then(|(&len, rest)| {
            let start = rest.len().checked_sub(len.into())?;
            Some((&rest[start..], tail_start + start as u64))
        });
        let read = postscript.and_then(|(bytes, at)| Some((Postscript::read(bytes)?, at)));
        let Some((postscript, end)) = read else {
            return damaged("orc file is cut: it does not end with its postscript");
        };
        let codec = postscript.codec()?;
        let Some(start) = end.checked_sub(postscript.footer_len) else {
            return damaged("orc footer is longer than the file");
        };
        let mut footer = Self { codec, stripes: Vec::new(), types: Vec::new() };
        let bytes = inflate(body, codec, start, postscript.footer_len)?;
        if footer.parse(&bytes).is_none() {
            return damaged("orc footer is damaged");
        }
        footer.check_depth(0, 1)?;
        Ok(footer)
    }

    fn parse(&mut self, bytes: &[u8]) -> Option<()> {
        let mut encrypted = false;
        fields(bytes, |field, value| {
            match field {
                3 => self.stripes.push(StripeInfo::read(value.bytes())?),
                4 => self.types.push(Type::read(value.bytes())?),
                10 => encrypted = true,
                _ => {}
            }
            Some(())
        })?;
        // A schema is a tree whose nodes come before their children.
        let mut parents = vec![0_u8; self.types.len()];
        for (number, node) in self.types.iter().enumerate() {
            for &child in &node.children {
                let child = usize::try_from(child).ok().filter(|&child| child > number)?;
                let seen = parents.get_mut(child)?;
                *seen += 1;
                if *seen > 1 {
                    return None;
                }
            }
        }
        (!encrypted && !self.types.is_empty()).then_some(())
    }

    fn check_depth(&self, node: u64, depth: usize) -> Result<()> {
        if depth > COLUMNS_DEPTH_MAX {
            let most = COLUMNS_DEPTH_MAX;
            return Err(too_much(format!("an orc schema that is nested more than {most} deep")));
        }
        let node = usize::try_from(node).ok().and_then(|node| self.types.get(node));
        let children = node.map_or(&[][..], |node| &node.children);
        children.iter().try_for_each(|&child| self.check_depth(child, depth + 1))
    }
}

impl StripeInfo {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut info = Self::default();
        fields(bytes, |field, value| {
            let target = match field {
                1 => &mut info.offset,
                2 => &mut info.index_len,
                3 => &mut info.data_len,
                4 => &mut info.footer_len,
                5 => &mut info.rows,
                _ => return Some(()),
            };
            *target = value.number();
            Some(())
        })?;
        Some(info)
    }

    /// The stripe's footer.
    pub(super) fn footer(&self, body: &Arc<Pieces>, codec: Codec) -> Result<StripeFooter> {
        let start = self.offset.saturating_add(self.index_len).saturating_add(self.data_len);
        if start.saturating_add(self.footer_len) > body.len() {
            return damaged("it lies behind the end of the file");
        }
        let bytes = inflate(body, codec, start, self.footer_len)?;
        match StripeFooter::read(&bytes, self.offset) {
            Some(footer) => Ok(footer),
            None => damaged("its footer is damaged"),
        }
    }
}

impl Type {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut node = Self::default();
        fields(bytes, |field, value| {
            match field {
                1 => node.kind = value.number(),
                2 => value.push_to(&mut node.children)?,
                3 => node.names.push(text(value)?),
                _ => {}
            }
            Some(())
        })?;
        Some(node)
    }
}

impl StripeFooter {
    fn read(bytes: &[u8], start: u64) -> Option<Self> {
        let (mut footer, mut offset) = (Self::default(), start);
        fields(bytes, |field, value| {
            match field {
                1 => {
                    let mut stream = StreamInfo { kind: 0, column: 0, offset, len: 0 };
                    fields(value.bytes(), |field, value| {
                        match field {
                            1 => stream.kind = value.number(),
                            2 => stream.column = value.number(),
                            3 => stream.len = value.number(),
                            _ => {}
                        }
                        Some(())
                    })?;
                    offset = offset.checked_add(stream.len)?;
                    footer.streams.push(stream);
                }
                2 => {
                    let mut encoding = (0, 0);
                    fields(value.bytes(), |field, value| {
                        match field {
                            1 => encoding.0 = value.number(),
                            2 => encoding.1 = value.number(),
                            _ => {}
                        }
                        Some(())
                    })?;
                    footer.encodings.push(encoding);
                }
                3 => footer.zone = text(value)?,
                _ => {}
            }
            Some(())
        })?;
        Some(footer)
    }
}

fn text(value: Value<'_>) -> Option<String> {
    String::from_utf8(value.bytes().to_vec()).ok()
}

#[derive(Debug, Default)]
struct Postscript {
    footer_len: u64,
    compression: u64,
    block_bytes: u64,
}

impl Postscript {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (mut postscript, mut magic) = (Self::default(), false);
        fields(bytes, |field, value| {
            match field {
                1 => postscript.footer_len = value.number(),
                2 => postscript.compression = value.number(),
                3 => postscript.block_bytes = value.number(),
                8000 => magic = value.bytes() == b"ORC",
                _ => {}
            }
            Some(())
        })?;
        magic.then_some(postscript)
    }

    fn codec(&self) -> Result<Codec> {
        // The default of Java's and C++'s writers.
        let block_bytes = if self.block_bytes == 0 { 256 << 10 } else { self.block_bytes };
        Codec::new(self.compression, block_bytes).ok_or_else(|| {
            let name = ["none", "zlib", "snappy", "lzo", "lz4", "zstd"];
            let known = usize::try_from(self.compression).ok().and_then(|at| name.get(at));
            let name = known.copied().unwrap_or("something new");
            GapReason::Unsupported(format!("orc compressed with {name}")).into()
        })
    }
}

fn inflate(body: &Arc<Pieces>, codec: Codec, start: u64, len: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut stream = Stream::new(body, codec, start, len);
    while let Some(block) = stream.next_block()? {
        bytes.extend_from_slice(block);
        if bytes.len() as u64 > FOOTER_BYTES_MAX {
            return Err(too_much("an orc footer"));
        }
    }
    Ok(bytes)
}
