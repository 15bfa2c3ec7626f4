//! ZIP (APPNOTE 6.3.10): the entries in the order in which they lie there, from their own headers.
//!
//! Firehose writes one DEFLATE entry, named with a UUID. Java's `ZipOutputStream` gives lengths and
//! checksum only behind such an entry, in a data descriptor; DEFLATE itself tells where it ends. The
//! directory at the end is read for its number of entries only, so an archive that is cut still gives
//! what is there.

use flate2::Crc;

use super::inflate::{Inflated, Inflater};
use super::input::{Decoder, Failure, Input, Log};
use crate::outcome::GapReason;

const ENTRY: [u8; 4] = *b"PK\x03\x04";
const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";
const DIRECTORY: [u8; 4] = *b"PK\x01\x02";
const SIGNATURE: [u8; 4] = *b"PK\x05\x05";
const ZIP64_END: [u8; 4] = *b"PK\x06\x06";
const ZIP64_LOCATOR: [u8; 4] = *b"PK\x06\x07";
const END: [u8; 4] = *b"PK\x05\x06";

const CUT: &str = "zip archive is cut: it ends inside an entry";
const CUT_DIRECTORY: &str = "zip archive is cut: its directory is not whole";

/// The entries of a ZIP archive.
#[derive(Debug)]
pub(super) struct Zip {
    inflater: Inflater,
    state: State,
    /// Entries so far.
    entries: u64,
}

#[derive(Debug)]
enum State {
    Between,
    Stored {
        entry: Entry,
        left: u64,
        crc: Crc,
    },
    Deflated(Entry),
    /// Behind the archive's end.
    Behind,
}

/// What a local header tells of its entry.
#[derive(Debug, Clone, Copy)]
struct Entry {
    deflated: bool,
    /// Lengths and checksum follow the content.
    described: bool,
    crc: u32,
    packed: u64,
    content: u64,
}

impl Zip {
    pub(super) fn new() -> Self {
        Self { inflater: Inflater::new(), state: State::Between, entries: 0 }
    }
}

impl Decoder for Zip {
    fn read(&mut self, input: &mut Input, out: &mut [u8], log: &mut Log) -> Result<usize, Failure> {
        loop {
            let goes_on = match &mut self.state {
                State::Between => {
                    log.vouch();
                    self.next(input, log)?
                }
                State::Stored { left, crc, .. } if *left > 0 => {
                    let len = usize::try_from(*left).unwrap_or(usize::MAX).min(out.len());
                    let count = input.read(&mut out[..len])?;
                    crc.update(&out[..count]);
                    *left -= count as u64;
                    return Ok(if count == 0 { log.cut(input, CUT) } else { count });
                }
                State::Stored { entry, crc, .. } => {
                    let (entry, crc) = (*entry, crc.sum());
                    self.close(entry, (crc, entry.packed, entry.packed), input, log)?
                }
                State::Deflated(entry) => match self.inflater.read(input, out)? {
                    Inflated::Bytes(count) => return Ok(count),
                    Inflated::Cut => return Ok(log.cut(input, CUT)),
                    Inflated::Broken => {
                        let what = "zip archive is damaged: corrupt deflate stream";
                        return Ok(log.stop(input, what));
                    }
                    Inflated::End => {
                        let (entry, it) = (*entry, &self.inflater);
                        let found = (it.crc(), it.total_in(), it.total_out());
                        self.close(entry, found, input, log)?
                    }
                },
                State::Behind => self.behind(input, log)?,
            };
            if !goes_on {
                return Ok(0);
            }
        }
    }
}

impl Zip {
    /// Reads what stands between two entries; whether an entry or another archive may follow.
    fn next(&mut self, input: &mut Input, log: &mut Log) -> Result<bool, Failure> {
        let signature = input.array()?;
        let whole = match signature.unwrap_or_default() {
            ENTRY => self.enter(input)?,
            END => self.leave(input, log)?,
            // The mark of an archive that was to be split and was not.
            DESCRIPTOR if self.entries == 0 => true,
            DIRECTORY => match input.array::<42>()? {
                Some(fixed) => {
                    let lens = [le16(&fixed, 24), le16(&fixed, 26), le16(&fixed, 28)];
                    input.skip(lens.map(u64::from).iter().sum())?
                }
                None => false,
            },
            SIGNATURE => match input.array()? {
                Some(len) => input.skip(u16::from_le_bytes(len).into())?,
                None => false,
            },
            ZIP64_END => match input.array()? {
                Some(len) => input.skip(u64::from_le_bytes(len))?,
                None => false,
            },
            ZIP64_LOCATOR => input.skip(16)?,
            _ if signature.is_none() => false,
            _ => {
                log.stop(input, "zip archive is damaged: no header where one should be");
                return Ok(false);
            }
        };
        if !whole {
            log.cut(input, if signature == Some(ENTRY) { CUT } else { CUT_DIRECTORY });
        }
        Ok(whole)
    }

    /// Begins with an entry; whether its header is whole.
    fn enter(&mut self, input: &mut Input) -> Result<bool, Failure> {
        let Some(entry) = Entry::read(input)? else { return Ok(false) };
        self.entries += 1;
        self.inflater.reset();
        self.state = if entry.deflated {
            State::Deflated(entry)
        } else {
            State::Stored { entry, left: entry.packed, crc: Crc::new() }
        };
        Ok(true)
    }

    /// Reads the end of the directory; whether it is whole.
    fn leave(&mut self, input: &mut Input, log: &mut Log) -> Result<bool, Failure> {
        let Some(fixed) = input.array::<18>()? else { return Ok(false) };
        let (named, there) = (le16(&fixed, 6), self.entries);
        // An archive with more entries than these 16 bits can tell has their number elsewhere.
        if named != u16::MAX && u64::from(named) != there {
            let what = format!("zip directory names {named} entries, and {there} are there");
            log.flaw(input, what);
        }
        (self.entries, self.state) = (0, State::Behind);
        input.skip(le16(&fixed, 16).into())
    }

    /// Looks at what is behind an archive; whether it is another one.
    fn behind(&mut self, input: &mut Input, log: &mut Log) -> Result<bool, Failure> {
        loop {
            match input.peek(4)? {
                [] => return Ok(false),
                [b'P', b'K', ..] => {
                    self.state = State::Between;
                    return Ok(true);
                }
                [0 | b'\n' | b'\r' | b' ' | b'\t', ..] => input.consume(1),
                _ => {
                    log.flaw(input, "bytes behind a zip archive");
                    return input.skip(u64::MAX);
                }
            }
        }
    }

    /// Checks an entry against what its header or its descriptor tells: CRC-32, packed length,
    /// content length. Whether it is known where the next one starts.
    fn close(
        &mut self,
        entry: Entry,
        found: (u32, u64, u64),
        input: &mut Input,
        log: &mut Log,
    ) -> Result<bool, Failure> {
        self.state = State::Between;
        let (crc, packed, content) = found;
        let told = if entry.described {
            let bytes = input.peek(24)?;
            let short = bytes.len() < 12;
            let Some((len, told)) = descriptor(bytes, packed, content) else {
                let what = "zip archive is damaged: a data descriptor does not match its entry";
                if short {
                    log.cut(input, CUT)
                } else {
                    log.stop(input, what)
                };
                return Ok(false);
            };
            input.consume(len);
            told
        } else {
            if (entry.packed, entry.content) != (packed, content) {
                log.stop(input, "zip archive is damaged: an entry is not as long as it says");
                return Ok(false);
            }
            entry.crc
        };
        if told != crc {
            log.flaw(input, "zip checksum (CRC-32) does not match the content");
        }
        Ok(true)
    }
}

/// Finds out which of its four layouts a data descriptor has (with a signature or without, 32 or 64
/// bits), by the lengths that are known: its own length, and the CRC-32 that it tells.
fn descriptor(bytes: &[u8], packed: u64, content: u64) -> Option<(usize, u32)> {
    for start in [if bytes.starts_with(&DESCRIPTOR) { 4 } else { 0 }, 0] {
        let Some((crc, lens)) = bytes.get(start..).and_then(|rest| rest.split_first_chunk()) else {
            continue;
        };
        let crc = u32::from_le_bytes(*crc);
        let long = [packed.to_le_bytes(), content.to_le_bytes()].concat();
        let short = [&long[..4], &long[8..12]].concat();
        if lens.starts_with(&long) {
            return Some((start + 20, crc));
        }
        if lens.starts_with(&short) {
            return Some((start + 12, crc));
        }
    }
    None
}

impl Entry {
    /// Reads a local header behind its signature. `None` where it is cut.
    fn read(input: &mut Input) -> Result<Option<Self>, Failure> {
        let Some(fixed) = input.array::<26>()? else { return Ok(None) };
        let (flags, method) = (le16(&fixed, 2), le16(&fixed, 4));
        let mut entry = Self {
            deflated: method == 8,
            described: flags & 8 != 0,
            crc: le32(&fixed, 10),
            packed: le32(&fixed, 14).into(),
            content: le32(&fixed, 18).into(),
        };
        if !input.skip(le16(&fixed, 22).into())? {
            return Ok(None);
        }
        let mut extra = vec![0; le16(&fixed, 24).into()];
        if !input.fill(&mut extra)? {
            return Ok(None);
        }
        entry.widen(&extra);
        if flags & 1 != 0 {
            return Err(GapReason::Unsupported("encrypted zip entry".into()).into());
        }
        if !matches!(method, 0 | 8) {
            let what = format!("zip entry with {}", method_name(method));
            return Err(GapReason::Unsupported(what).into());
        }
        if method == 0 && entry.described && entry.packed == 0 {
            let what = "zip entry that is stored without its length".to_owned();
            return Err(GapReason::Unsupported(what).into());
        }
        Ok(Some(entry))
    }

    /// Takes 64-bit lengths from the extra field that holds them (0x0001), content length first.
    fn widen(&mut self, mut extra: &[u8]) {
        while let Some((&[id_low, id_high, len_low, len_high], rest)) = extra.split_first_chunk() {
            let len = usize::from(u16::from_le_bytes([len_low, len_high])).min(rest.len());
            let (mut field, next) = rest.split_at(len);
            extra = next;
            if [id_low, id_high] != [1, 0] {
                continue;
            }
            for length in [&mut self.content, &mut self.packed] {
                if *length == u64::from(u32::MAX)
                    && let Some((wide, rest)) = field.split_first_chunk()
                {
                    *length = u64::from_le_bytes(*wide);
                    field = rest;
                }
            }
        }
    }
}

/// The names of APPNOTE 4.4.5.
fn method_name(method: u16) -> String {
    let name = match method {
        9 => "Deflate64",
        12 => "bzip2",
        14 => "LZMA",
        93 => "Zstandard",
        95 => "XZ",
        98 => "PPMd",
        _ => return format!("compression method {method}"),
    };
    name.to_owned()
}

fn le16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn le32(bytes: &[u8], at: usize) -> u32 {
    u32::from(le16(bytes, at)) | u32::from(le16(bytes, at + 2)) << 16
}

#[cfg(test)]
mod tests;
