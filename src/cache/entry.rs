//! One entry: what it is about, what the object is, its records, and a checksum over all of it.
//!
//! ```text
//! magic │ key, its length first │ length of the facts │ facts │ 24 bytes a record │ checksum
//! ```
//!
//! A reader knows the key, so that all up to the facts is compared and not read. No length that stands in
//! the file is believed beyond what the file has.

use std::io::{self, Read, Write};

use xxhash_rust::xxh3::Xxh3;

use super::bytes::{Taken, put_bytes, put_option, put_u64};
use super::key::Key;
use crate::decode::Encoding;
use crate::fingerprint::Identity;
use crate::limits::OBJECT_BYTES_CEILING;
use crate::outcome::ByteBook;
use crate::split::{Format, Tally};

const ROW_BYTES: usize = 24;
const CHECKSUM_BYTES: usize = 16;
/// Bytes of facts at most: names of columns are what can be many.
const FACTS_BYTES_MAX: usize = 1 << 20;
/// Rows that are read or written at a time.
const ROWS_AT_ONCE: usize = 2048;

/// What an undamaged object of data is, besides its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// How its bytes are encoded.
    pub encoding: Encoding,
    /// One encoding inside another, in words.
    pub layered: Option<String>,
    /// What it was declared to be, where that is something else.
    pub misdeclared: Option<Encoding>,
    /// What its rows have, if it is a columnar file.
    pub columns: Vec<String>,
    /// How its records are told apart.
    pub format: Format,
    /// What its content came to. Nothing in it is recovered or malformed.
    pub tally: Tally,
    /// Records that lack what the policy compares.
    pub incomplete: u64,
    /// What its records are, where that is peculiar, as a number that whoever keeps it understands.
    pub peculiar: Option<u8>,
    /// It was base64 text, and was decoded.
    pub decoded: bool,
}

/// One record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// What it is, by the policy and the seed.
    pub identity: Identity,
    /// Where it begins in the content.
    pub offset: u64,
}

impl Row {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.identity.to_le_bytes());
        out.extend_from_slice(&self.offset.to_le_bytes());
    }

    fn take(bytes: &[u8]) -> Option<Self> {
        let (identity, rest) = bytes.split_first_chunk()?;
        let (offset, _) = rest.split_first_chunk()?;
        let (identity, offset) = (Identity::from_le_bytes(*identity), u64::from_le_bytes(*offset));
        (offset < OBJECT_BYTES_CEILING).then_some(Self { identity, offset })
    }
}

/// Writes an entry.
pub struct Writer<W> {
    out: W,
    hasher: Xxh3,
    buffer: Vec<u8>,
    left: u64,
}

impl<W: Write> Writer<W> {
    /// Begins an entry, whose rows are as many as the facts say. `None` where there are more facts than an
    /// entry takes.
    pub fn begin(out: W, key: &Key, seed: u64, facts: &Facts) -> Option<Self> {
        let mut buffer = key.opening().to_vec();
        let at = buffer.len();
        facts.put(&mut buffer);
        let len = buffer.len() - at;
        if len > FACTS_BYTES_MAX {
            return None;
        }
        buffer.splice(at..at, (len as u64).to_le_bytes());
        Some(Self { out, hasher: Xxh3::with_seed(seed), buffer, left: facts.tally.records })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn push(&mut self, row: Row) -> io::Result<()> {
        row.put(&mut self.buffer);
        self.left = self.left.wrapping_sub(1);
        if self.buffer.len() < ROWS_AT_ONCE * ROW_BYTES { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hasher.update(&self.buffer);
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// Ends the entry.
    ///
    /// # Errors
    /// When it cannot be written, or has not the rows that it should.
    pub fn finish(mut self) -> io::Result<()> {
        if self.left != 0 {
            return Err(io::Error::other("an entry without all its records"));
        }
        self.flush()?;
        self.out.write_all(&self.hasher.digest128().to_le_bytes())?;
        self.out.flush()
    }
}

/// Reads an entry of so many bytes. `None` for whatever is not, byte by byte, one about this key; then the
/// rows that were handed out do not count.
pub fn read(
    from: impl Read,
    len: u64,
    key: &Key,
    seed: u64,
    mut take: impl FnMut(Row),
) -> Option<Facts> {
    let left = len.checked_sub(CHECKSUM_BYTES as u64)?;
    let mut parts = Parts { from, left, hasher: Xxh3::with_seed(seed), buffer: Vec::new() };
    if parts.next(key.opening().len())? != key.opening() {
        return None;
    }
    let len = Taken(parts.next(8)?).u64().and_then(|len| usize::try_from(len).ok())?;
    if len > FACTS_BYTES_MAX {
        return None;
    }
    let facts = Facts::take(parts.next(len)?)?;
    let rows = usize::try_from(facts.tally.records).ok()?;
    if (rows as u64).checked_mul(ROW_BYTES as u64)? != parts.left {
        return None;
    }
    let mut rows_left = rows;
    while rows_left > 0 {
        let count = rows_left.min(ROWS_AT_ONCE);
        for bytes in parts.next(count * ROW_BYTES)?.chunks_exact(ROW_BYTES) {
            take(Row::take(bytes)?);
        }
        rows_left -= count;
    }
    parts.end_whole().then_some(facts)
}

/// Reads a file in parts, and hashes what it reads.
struct Parts<R> {
    from: R,
    /// Bytes before the checksum.
    left: u64,
    hasher: Xxh3,
    buffer: Vec<u8>,
}

impl<R: Read> Parts<R> {
    /// The next bytes, if the file has so many: nothing is made room for that is not there.
    fn next(&mut self, count: usize) -> Option<&[u8]> {
        self.left = self.left.checked_sub(count as u64)?;
        self.buffer.resize(count, 0);
        self.from.read_exact(&mut self.buffer).ok()?;
        self.hasher.update(&self.buffer);
        Some(&self.buffer)
    }

    fn end_whole(mut self) -> bool {
        let mut checksum = [0; CHECKSUM_BYTES];
        let read = self.from.read_exact(&mut checksum);
        read.is_ok() && self.hasher.digest128() == u128::from_le_bytes(checksum)
    }
}

impl Facts {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(code(self.encoding));
        put_option(out, self.layered.as_ref(), |out, text| put_bytes(out, text.as_bytes()));
        put_option(out, self.misdeclared, |out, encoding| out.push(code(encoding)));
        put_u64(out, self.columns.len() as u64);
        self.columns.iter().for_each(|name| put_bytes(out, name.as_bytes()));
        put_format(out, &self.format);
        let Tally { records, control_messages, bytes, .. } = &self.tally;
        for number in [*records, *control_messages, bytes.records, bytes.separators] {
            put_u64(out, number);
        }
        put_u64(out, self.incomplete);
        put_option(out, self.peculiar, |out, number| out.push(number));
        out.push(u8::from(self.decoded));
    }

    fn take(bytes: &[u8]) -> Option<Self> {
        let mut taken = Taken(bytes);
        let facts = Self {
            encoding: encoding(taken.u8()?)?,
            layered: taken.option(Taken::text)?,
            misdeclared: taken.option(|taken| encoding(taken.u8()?))?,
            columns: take_columns(&mut taken)?,
            format: take_format(&mut taken)?,
            tally: take_tally(&mut taken)?,
            incomplete: taken.u64()?,
            peculiar: taken.option(Taken::u8)?,
            decoded: taken.bool()?,
        };
        let right = taken.0.is_empty() && facts.incomplete <= facts.tally.records;
        right.then_some(facts)
    }
}

fn take_columns(taken: &mut Taken<'_>) -> Option<Vec<String>> {
    let count = taken.u64()?;
    // Each takes bytes: a count that is too large ends at the end of the facts.
    let mut columns = Vec::new();
    for _ in 0..count {
        columns.push(taken.text()?);
    }
    Some(columns)
}

/// The books balance, and fit what an object can hold.
fn take_tally(taken: &mut Taken<'_>) -> Option<Tally> {
    let mut number = || taken.u64().filter(|&number| number < OBJECT_BYTES_CEILING);
    let (count, control_messages) = (number()?, number()?);
    let (records, separators) = (number()?, number()?);
    let decoded = records + separators;
    (decoded < OBJECT_BYTES_CEILING).then(|| Tally {
        records: count,
        control_messages,
        bytes: ByteBook { decoded, records, separators, malformed: 0 },
        ..Tally::default()
    })
}

pub(super) fn put_format(out: &mut Vec<u8>, format: &Format) {
    let (code, text): (u8, &[u8]) = match format {
        Format::Json => (0, b""),
        Format::Lines => (1, b""),
        Format::Kpl => (2, b""),
        Format::Delimited(delimiter) => (3, delimiter),
        Format::LogEvents(delimiter) => (4, delimiter),
    };
    out.push(code);
    if code > 2 {
        put_bytes(out, text);
    }
}

fn take_format(taken: &mut Taken<'_>) -> Option<Format> {
    Some(match taken.u8()? {
        0 => Format::Json,
        1 => Format::Lines,
        2 => Format::Kpl,
        3 => Format::Delimited(taken.bytes()?.to_vec()),
        4 => Format::LogEvents(taken.bytes()?.to_vec()),
        _ => return None,
    })
}

fn code(encoding: Encoding) -> u8 {
    match encoding {
        Encoding::Plain => 0,
        Encoding::Gzip => 1,
        Encoding::Zip => 2,
        Encoding::SnappyJava => 3,
        Encoding::HadoopSnappy => 4,
        Encoding::SnappyFraming => 5,
        Encoding::Zstd => 6,
        Encoding::Parquet => 7,
        Encoding::Orc => 8,
        Encoding::Base64 => 9,
    }
}

const ENCODINGS: [Encoding; 10] = [
    Encoding::Plain,
    Encoding::Gzip,
    Encoding::Zip,
    Encoding::SnappyJava,
    Encoding::HadoopSnappy,
    Encoding::SnappyFraming,
    Encoding::Zstd,
    Encoding::Parquet,
    Encoding::Orc,
    Encoding::Base64,
];

fn encoding(code: u8) -> Option<Encoding> {
    ENCODINGS.get(usize::from(code)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoding_is_what_its_code_says() {
        for (number, known) in ENCODINGS.into_iter().enumerate() {
            assert_eq!(usize::from(code(known)), number);
            assert_eq!(encoding(code(known)), Some(known));
        }
    }
}
