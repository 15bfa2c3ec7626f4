//! Stored bytes to content: look at the bytes first, then at what was declared.

mod gzip;
mod sniff;

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use crate::limits::{DECODE_CHUNK_BYTES, EXPANSION_FREE_BYTES, EXPANSION_RATIO_MAX};
use crate::outcome::GapReason;
use crate::source::{Body, BodyReader};
use gzip::Members;

/// How an object's stored bytes are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// Not at all.
    Plain,
    /// gzip (RFC 1952), one member or several.
    Gzip,
    /// A ZIP archive (`CompressionFormat` ZIP).
    Zip,
    /// The stream format of snappy-java (`CompressionFormat` Snappy).
    SnappyJava,
    /// The block format of Hadoop's Snappy codec (`CompressionFormat` HADOOP_SNAPPY).
    HadoopSnappy,
    /// Zstandard.
    Zstd,
    /// An Apache Parquet file.
    Parquet,
    /// An Apache ORC file.
    Orc,
}

impl Encoding {
    /// The encoding's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Zip => "zip",
            Self::SnappyJava => "snappy-java",
            Self::HadoopSnappy => "hadoop-snappy",
            Self::Zstd => "zstd",
            Self::Parquet => "parquet",
            Self::Orc => "orc",
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A place where stored bytes do not decode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    /// Where, as an offset in the stored bytes.
    pub stored_offset: u64,
    /// Content from this offset on is unproven: no checksum vouches for it.
    pub doubtful_from: u64,
    /// What was wrong.
    pub what: String,
}

/// An object's content, decoded as it is read.
///
/// It ends where decoding fails; [`Content::finish`] tells why it ended.
#[derive(Debug)]
pub struct Content {
    encoding: Encoding,
    declared: Option<Encoding>,
    inner: Inner,
    stored: u64,
    decoded: u64,
    limit: u64,
    damage: Vec<Damaged>,
    failure: Option<GapReason>,
}

#[derive(Debug)]
enum Inner {
    Plain(Stored),
    Gzip(Box<Members>),
}

/// Opens a body: looks at its first bytes, then at its `Content-Encoding`, then at what its key
/// suggests. Content beyond `limit` bytes is refused.
///
/// # Errors
/// [`GapReason::Unsupported`] for an encoding that is recognised and cannot be read,
/// [`GapReason::Failed`] when the body cannot be read.
pub fn open(body: Body, suggested: Option<Encoding>, limit: u64) -> Result<Content, GapReason> {
    let stored = body.len();
    let declared = body.content_encoding.as_deref().and_then(sniff::declared).or(suggested);
    let mut reader = Stored::new(body);
    let head = reader.fill_buf().map_err(|error| failed(&error))?;
    let encoding = sniff::encoding(head, declared);
    let inner = match encoding {
        Encoding::Plain => Inner::Plain(reader),
        Encoding::Gzip => Inner::Gzip(Box::new(Members::new(reader))),
        other => return Err(GapReason::Unsupported(other.to_string())),
    };
    let (damage, failure) = (Vec::new(), None);
    Ok(Content { encoding, declared, inner, stored, decoded: 0, limit, damage, failure })
}

impl Content {
    /// How the stored bytes are encoded: what they are, not what they were declared to be.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// What the bytes were declared to be, where that is something else.
    pub fn misdeclared(&self) -> Option<Encoding> {
        self.declared.filter(|&declared| declared != self.encoding)
    }

    /// Why the content ended: whole, or with damage.
    ///
    /// # Errors
    /// When its end is not the object's: the body could not be read on, or it is too large. Nothing
    /// that came before counts.
    pub fn finish(self) -> Result<Vec<Damaged>, GapReason> {
        self.failure.map_or(Ok(self.damage), Err)
    }

    fn check_size(&mut self) -> io::Result<()> {
        let too_large = if self.decoded > self.limit {
            format!("content is larger than {} bytes (--max-object-size)", self.limit)
        } else if self.decoded > EXPANSION_FREE_BYTES
            && self.decoded / EXPANSION_RATIO_MAX > self.stored
        {
            format!(
                "{} stored bytes inflate to more than {} times as many: a decompression bomb",
                self.stored, EXPANSION_RATIO_MAX
            )
        } else {
            return Ok(());
        };
        self.fail(GapReason::TooLarge(too_large))
    }

    fn fail<T>(&mut self, reason: GapReason) -> io::Result<T> {
        let error = io::Error::other(reason.to_string());
        self.failure = Some(reason);
        Err(error)
    }
}

impl Read for Content {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.failure.is_some() {
            return Ok(0);
        }
        let result = match &mut self.inner {
            Inner::Plain(stored) => stored.read(out),
            Inner::Gzip(members) => members.read(out, self.decoded, &mut self.damage),
        };
        let count = match result {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => return self.fail(failed(&error)),
        };
        let head = &out[..count];
        if self.decoded == 0 && self.encoding == Encoding::Gzip && sniff::is_gzip(head) {
            return self.fail(GapReason::Unsupported("gzip inside gzip".into()));
        }
        self.decoded += count as u64;
        self.check_size()?;
        Ok(count)
    }
}

/// The stored bytes, with their offset counted.
#[derive(Debug)]
struct Stored {
    reader: BufReader<BodyReader>,
    offset: u64,
}

impl Stored {
    fn new(body: Body) -> Self {
        let capacity = DECODE_CHUNK_BYTES.min(usize::try_from(body.len()).unwrap_or(usize::MAX));
        let reader = BufReader::with_capacity(capacity.max(64), body.into_reader());
        Self { reader, offset: 0 }
    }
}

/// Marks an error as the body's own, among those of a decoder.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct BodyFailed(io::Error);

impl Read for Stored {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(out).map_err(mark)?;
        self.offset += count as u64;
        Ok(count)
    }
}

impl BufRead for Stored {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf().map_err(mark)
    }

    fn consume(&mut self, count: usize) {
        self.offset += count as u64;
        self.reader.consume(count);
    }
}

fn mark(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::Interrupted => error,
        _ => io::Error::other(BodyFailed(error)),
    }
}

fn is_body_failure(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<BodyFailed>())
}

fn failed(error: &io::Error) -> GapReason {
    GapReason::Failed(format!("body could not be read: {error}"))
}
