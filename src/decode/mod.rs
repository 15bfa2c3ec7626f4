//! Stored bytes to content: look at the bytes first, then at what was declared.
//!
//! One encoding may lie inside another: CloudWatch Logs records are gzip before Firehose compresses
//! them once more. Content is what no magic number is found in any more.

mod ahead;
mod frames;
mod gzip;
mod inflate;
mod input;
mod rows;
mod snappy;
mod sniff;
#[cfg(test)]
mod tests;
mod text;
mod zip;
mod zstd;

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read};

use crate::limits::{EXPANSION_FREE_BYTES, EXPANSION_RATIO_MAX, LAYERS_MAX};
use crate::outcome::GapReason;
use crate::source::{Body, Pieces};
pub use ahead::ahead;
use input::{Decoder, Failure, Input, Layer};

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
    /// Google's framing of Snappy, which Firehose does not write.
    SnappyFraming,
    /// Zstandard.
    Zstd,
    /// An Apache Parquet file.
    Parquet,
    /// An Apache ORC file.
    Orc,
    /// Base64 text, where it is to be decoded: nothing but being told so tells it from content.
    Base64,
}

impl Encoding {
    fn is_snappy(self) -> bool {
        matches!(self, Self::SnappyJava | Self::HadoopSnappy)
    }

    /// Whether content is made of its rows.
    pub fn is_columnar(self) -> bool {
        matches!(self, Self::Parquet | Self::Orc)
    }

    /// The encoding's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Zip => "zip",
            Self::SnappyJava => "snappy-java",
            Self::HadoopSnappy => "hadoop-snappy",
            Self::SnappyFraming => "snappy-framing",
            Self::Zstd => "zstd",
            Self::Parquet => "parquet",
            Self::Orc => "orc",
            Self::Base64 => "base64",
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
    /// Where, as an offset in the stored bytes. With one encoding inside another: how far the
    /// outermost one had been read.
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
    layers: Vec<Encoding>,
    misdeclared: Option<Encoding>,
    columns: Vec<String>,
    input: Input,
    decoded: u64,
    bounds: Bounds,
    failure: Option<GapReason>,
}

/// Opens a body: looks at its first bytes, then at its `Content-Encoding`, then at what its key
/// suggests; and then at what comes out. Content beyond `limit` bytes is refused.
///
/// # Errors
/// [`GapReason::Unsupported`] for an encoding that is recognised and cannot be read,
/// [`GapReason::TooLarge`] for what inflates beyond reason, [`GapReason::Failed`] when the body
/// cannot be read.
pub fn open(body: Body, suggested: Option<Encoding>, limit: u64) -> Result<Content, GapReason> {
    open_as(body, suggested, limit, false)
}

/// The same; where it is asked for, base64 text is decoded, and what comes out is looked at in its turn.
/// Content that cannot be base64, such as JSON, is content as it stands.
///
/// # Errors
/// As [`open`].
pub fn open_as(
    mut body: Body,
    suggested: Option<Encoding>,
    limit: u64,
    mut base64: bool,
) -> Result<Content, GapReason> {
    let bounds = Bounds { stored: body.len(), limit };
    let named = body.content_encoding.as_deref().and_then(sniff::declared);
    let declared = named.or(suggested);
    let head = body.head(sniff::HEAD_BYTES).map_err(Failure::Body)?;
    let mut encoding = sniff::encoding(&head, bounds.stored, declared);
    // Firehose stores both Snappy kinds under one extension, and names the codec inside a columnar
    // file as if the file were encoded so: both are right.
    let right = declared.is_none_or(|declared| {
        let either = named.is_none() && encoding.is_snappy();
        let inside = named.is_some() && encoding.is_columnar();
        declared == encoding || (declared.is_snappy() && (either || inside))
    });
    let misdeclared = declared.filter(|_| !right);
    if encoding.is_columnar() {
        return Content::rows(body, encoding, misdeclared, limit);
    }
    let mut input = Input::body(body);
    let mut layers = Vec::new();
    loop {
        if encoding == Encoding::Plain {
            if !std::mem::take(&mut base64) || !text::begins(input.peek(sniff::HEAD_BYTES)?) {
                break;
            }
            encoding = Encoding::Base64;
        }
        layers.push(encoding);
        let decoder = decoder(encoding).filter(|_| layers.len() <= LAYERS_MAX);
        let decoder = decoder.ok_or_else(|| GapReason::Unsupported(nested(&layers)))?;
        input = Input::layer(Layer::new(input, decoder, bounds));
        encoding = sniff::magic(input.peek(sniff::HEAD_BYTES)?).unwrap_or(Encoding::Plain);
    }
    let columns = Vec::new();
    Ok(Content { layers, misdeclared, columns, input, decoded: 0, bounds, failure: None })
}

/// What the data of one put comes to.
#[derive(Debug)]
pub enum Undone<'a> {
    /// This, its encodings undone.
    Content(Cow<'a, [u8]>),
    /// Itself: it is of a kind that is not read, or a file of rows.
    Kept,
    /// It does not decode whole, or to more than it may.
    Damaged,
}

/// Undoes what the data of one put is encoded with: compressed by its producer, say. Content beyond
/// `limit` bytes is refused; base64 text is decoded where that is asked for.
pub fn undo(data: &[u8], limit: u64, base64: bool) -> Undone<'_> {
    let head = &data[..data.len().min(sniff::HEAD_BYTES)];
    let plain = sniff::encoding(head, data.len() as u64, None) == Encoding::Plain;
    if plain && !(base64 && text::begins(head)) {
        return Undone::Content(data.into());
    }
    let mut content = match open_as(Body::from_bytes(data.to_vec()), None, limit, base64) {
        Ok(content) if !content.encoding().is_columnar() => content,
        Ok(_) | Err(GapReason::Unsupported(_)) => return Undone::Kept,
        Err(_) => return Undone::Damaged,
    };
    let mut bytes = Vec::new();
    let read = content.read_to_end(&mut bytes);
    let whole = read.is_ok() && content.finish().is_ok_and(|damage| damage.is_empty());
    if whole { Undone::Content(bytes.into()) } else { Undone::Damaged }
}

fn decoder(encoding: Encoding) -> Option<Box<dyn Decoder>> {
    Some(match encoding {
        Encoding::Gzip => Box::new(gzip::Gzip::new()),
        Encoding::Zip => Box::new(zip::Zip::new()),
        Encoding::SnappyJava => Box::new(snappy::Java::default()),
        Encoding::HadoopSnappy => Box::new(snappy::Hadoop::default()),
        Encoding::Zstd => Box::new(zstd::Zstd::new()),
        Encoding::Base64 => Box::new(text::Text::default()),
        Encoding::Plain => return None,
        Encoding::SnappyFraming | Encoding::Parquet | Encoding::Orc => return None,
    })
}

/// Encodings in words: "gzip inside zip", where the outermost is ZIP.
fn nested(layers: &[Encoding]) -> String {
    let names: Vec<_> = layers.iter().rev().map(|layer| layer.as_str()).collect();
    names.join(" inside ")
}

impl Content {
    /// How the content begins: enough to tell what it is, or all of it. Nothing is taken away.
    ///
    /// # Errors
    /// When the body cannot be read.
    pub fn head(&mut self) -> Result<&[u8], GapReason> {
        Ok(self.input.peek(sniff::HEAD_BYTES)?)
    }

    fn rows(
        body: Body,
        encoding: Encoding,
        misdeclared: Option<Encoding>,
        limit: u64,
    ) -> Result<Self, GapReason> {
        let rows = rows::Rows::open(body, encoding)?;
        let columns = rows.columns().to_vec();
        // What repeats takes no room in a column: no ratio tells an honest file from another.
        let bounds = Bounds { stored: u64::MAX, limit };
        let (layers, input) = (vec![encoding], Input::rows(rows));
        Ok(Self { layers, misdeclared, columns, input, decoded: 0, bounds, failure: None })
    }

    /// Content that is stored as it is, to be read in any order, if nothing was read of it yet and it
    /// is not too large; this content is empty then.
    ///
    /// # Errors
    /// When the body cannot be read.
    pub fn take_pieces(&mut self) -> Result<Option<Pieces>, GapReason> {
        if !self.layers.is_empty() || self.bounds.check(self.bounds.stored).is_err() {
            return Ok(None);
        }
        let pieces = self.input.take_body()?.map(Body::into_pieces).transpose();
        Ok(pieces.map_err(Failure::Body)?)
    }

    /// The columns that rows have, in the order of the schema; none for what is not columnar.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// How the stored bytes are encoded: what they are, not what they were declared to be. Of one
    /// encoding inside another it is the outermost.
    pub fn encoding(&self) -> Encoding {
        self.layers.first().copied().unwrap_or(Encoding::Plain)
    }

    /// All encodings that were undone, outermost first; none for plain content.
    pub fn layers(&self) -> &[Encoding] {
        &self.layers
    }

    /// One encoding inside another, in words: "gzip inside zip". `None` where at most one was undone.
    pub fn layered(&self) -> Option<String> {
        (self.layers.len() > 1).then(|| nested(&self.layers))
    }

    /// What the bytes were declared to be, where that is something else.
    pub fn misdeclared(&self) -> Option<Encoding> {
        self.misdeclared
    }

    /// Why the content ended: whole, or with damage.
    ///
    /// # Errors
    /// When its end is not the object's: the body could not be read on, or it is too large. Nothing
    /// that came before counts.
    pub fn finish(mut self) -> Result<Vec<Damaged>, GapReason> {
        match self.failure {
            Some(reason) => Err(reason),
            None => Ok(self.input.take_damage()),
        }
    }

    /// Why it could not be read on, if that is why it ended.
    pub fn failure(&self) -> Option<GapReason> {
        self.failure.clone()
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
        let count = match self.input.read(out) {
            Ok(count) => count,
            Err(failure) => return self.fail(failure.into()),
        };
        self.decoded += count as u64;
        match self.bounds.check(self.decoded) {
            Ok(()) => Ok(count),
            Err(reason) => self.fail(reason),
        }
    }
}

/// How far a body may inflate.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    stored: u64,
    limit: u64,
}

impl Bounds {
    /// Whether there may be so much content.
    fn check(self, decoded: u64) -> Result<(), GapReason> {
        if decoded > self.limit {
            return Err(GapReason::TooLarge(format!(
                "content is larger than {} bytes (--max-object-size)",
                self.limit
            )));
        }
        self.check_ratio(decoded)
    }

    /// Whether so much may come out of any one encoding: what is inside another costs time even
    /// where no content comes of it.
    fn check_ratio(self, decoded: u64) -> Result<(), GapReason> {
        if decoded > EXPANSION_FREE_BYTES && decoded / EXPANSION_RATIO_MAX > self.stored {
            return Err(GapReason::TooLarge(format!(
                "{} stored bytes inflate to more than {EXPANSION_RATIO_MAX} times as many: a \
                 decompression bomb",
                self.stored
            )));
        }
        Ok(())
    }
}
