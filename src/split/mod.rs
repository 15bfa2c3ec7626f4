//! Content to records: concatenated JSON, lines, custom delimiters.
//!
//! Synchronous and mute about keys, compression and identity: it is given bytes and says which of
//! them are records, which stand between records, and which are neither.

mod again;
mod detect;
mod grammar;
mod json;
mod kpl;
mod lines;
mod log_events;
mod openings;
mod prove;
mod recover;
mod segments;
mod single;
#[cfg(test)]
mod tests;
mod window;

use std::fmt;

pub use again::split_again;
pub use segments::{Part, RandomAccess, Shared, split_segments};
pub use single::each_record;
pub use window::{split, split_bytewise};

use crate::outcome::ByteBook;

/// How content holds its records.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Format {
    /// JSON values one after another, with any whitespace between them or none.
    Json,
    /// A record a line; empty lines are separators.
    Lines,
    /// Records with this byte string between them.
    Delimited(Vec<u8>),
    /// Aggregates of the Kinesis Producer Library, one after another.
    Kpl,
    /// Messages of the log events in subscription records of CloudWatch Logs, with this byte string,
    /// any whitespace or nothing between those. It is never what a look comes to.
    LogEvents(Vec<u8>),
}

/// How the format of an object is found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum FormatChoice {
    /// By looking at the content.
    #[default]
    Detect,
    /// By being told.
    Fixed(Format),
}

impl From<Format> for FormatChoice {
    fn from(format: Format) -> Self {
        Self::Fixed(format)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json => f.write_str("json"),
            Self::Lines => f.write_str("lines"),
            Self::Kpl => f.write_str("kpl"),
            Self::LogEvents(_) => f.write_str("log-events"),
            Self::Delimited(delimiter) => write!(f, "delimiter {}", delimiter.escape_ascii()),
        }
    }
}

/// How sure it is that a span is a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// No damage before it in its object, none touches it.
    Clean,
    /// It stands behind damage or touches it. Where identities are known, only a match with a
    /// produced record proves that it is one.
    Recovered,
}

/// One record, whitespace and delimiters around it left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// The record's bytes, exactly as stored.
    pub bytes: &'a [u8],
    /// Where it begins in the content.
    pub offset: u64,
    /// How sure it is.
    pub standing: Standing,
}

/// What is wrong with a span that is no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Damage {
    /// A byte that cannot stand where it stands in JSON.
    UnexpectedByte(u8),
    /// The content ends inside a value.
    CutAtEnd,
    /// The next record begins inside a value.
    CutShort,
    /// A byte below 0x20 inside a string.
    ControlCharacter(u8),
    /// A string that is not UTF-8.
    InvalidUtf8,
    /// An escape that JSON does not have.
    InvalidEscape,
    /// A number that JSON does not have, such as `01` or `1.`.
    InvalidNumber,
    /// A word that is not `true`, `false` or `null`.
    InvalidLiteral,
    /// A value is followed by something that no record begins with.
    NoBoundary(u8),
    /// Larger than [`crate::limits::RECORD_BYTES_MAX`].
    TooLong,
    /// It begins like an aggregate of the Kinesis Producer Library, and its checksum fits nowhere.
    Aggregate,
    /// It is named like a subscription record of CloudWatch Logs, and its log events do not read.
    LogEvents,
    /// An error document whose raw data is no base64.
    RawDataNotBase64,
    /// An error document whose raw data is compressed and does not inflate.
    RawDataUndecodable,
    /// No error document, in an object of them.
    NoErrorDocument,
    /// It reads as a record, but damage is near and it was never produced.
    Unproven,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnexpectedByte(byte) => write!(f, "unexpected {}", Byte(*byte)),
            Self::CutAtEnd => f.write_str("cut: the content ends inside a value"),
            Self::CutShort => f.write_str("cut: the next record begins inside a value"),
            Self::ControlCharacter(byte) => {
                write!(f, "control character {} inside a string", Byte(*byte))
            }
            Self::InvalidUtf8 => f.write_str("a string that is not UTF-8"),
            Self::InvalidEscape => f.write_str("an escape that JSON does not have"),
            Self::InvalidNumber => f.write_str("a number that JSON does not have"),
            Self::InvalidLiteral => f.write_str("a word that JSON does not have"),
            Self::NoBoundary(byte) => {
                write!(f, "a whole value, which may be a record, runs into {}", Byte(*byte))
            }
            Self::TooLong => f.write_str("longer than any record can be"),
            Self::Aggregate => {
                f.write_str("an aggregate of the Kinesis Producer Library whose checksum is wrong")
            }
            Self::LogEvents => f.write_str(
                "a subscription record of CloudWatch Logs whose log events cannot be read",
            ),
            Self::RawDataNotBase64 => f.write_str("an error document whose rawData is no base64"),
            Self::RawDataUndecodable => {
                f.write_str("an error document whose rawData is compressed and does not inflate")
            }
            Self::NoErrorDocument => {
                f.write_str("no error document, in an object that begins with one")
            }
            Self::Unproven => {
                f.write_str("reads as a record next to damage, but was never produced")
            }
        }
    }
}

impl Damage {
    /// A short name of the damage, for machines.
    pub fn code(self) -> &'static str {
        match self {
            Self::UnexpectedByte(_) => "unexpected-byte",
            Self::CutAtEnd => "cut-at-end",
            Self::CutShort => "cut-short",
            Self::ControlCharacter(_) => "control-character",
            Self::InvalidUtf8 => "invalid-utf8",
            Self::InvalidEscape => "invalid-escape",
            Self::InvalidNumber => "invalid-number",
            Self::InvalidLiteral => "invalid-literal",
            Self::NoBoundary(_) => "no-boundary",
            Self::TooLong => "too-long",
            Self::Aggregate => "aggregate",
            Self::LogEvents => "log-events",
            Self::RawDataNotBase64 => "raw-data-not-base64",
            Self::RawDataUndecodable => "raw-data-undecodable",
            Self::NoErrorDocument => "no-error-document",
            Self::Unproven => "unproven",
        }
    }
}

/// A span that is no record. Offsets are in the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its first byte.
    pub offset: u64,
    /// Its length, in bytes.
    pub len: u64,
    /// Where reading failed: in the span, or at its end.
    pub error_offset: u64,
    /// What was wrong there.
    pub damage: Damage,
}

/// Takes what the splitter finds, in the order of offsets.
pub trait Sink {
    /// Takes a record.
    fn record(&mut self, record: Record<'_>);
    /// Takes a span that is no record, when it has come to its end.
    fn malformed(&mut self, span: Span);
    /// Takes the bytes of such a span before it, a piece at a time.
    fn rejected(&mut self, offset: u64, bytes: &[u8]) {
        let _ = (offset, bytes);
    }
    /// Whether each recovered record will be matched with what was produced. Then a whole value that
    /// runs into junk, which might be the beginning of a larger one, is handed out as recovered:
    /// the match is the proof. Without it such a value is malformed.
    fn proves(&self) -> bool {
        false
    }
    /// Whether it suffices to know where records end. So says who matches each record byte for byte with
    /// one that was checked, and splits content again, with everything checked, that holds any other.
    ///
    /// Then JSON is read as far as strings and brackets go: which of them closes which, and all that
    /// stands between them, is not looked at. Of undamaged content nothing changes: records, offsets
    /// and [`Tally`] are the same. Of damaged content records may be handed out, as [`Standing::Clean`],
    /// that are no JSON and in which brackets balance. Damage that shows in the bounds of records, in
    /// what stands between them or in how they open is found as ever, and from there on everything is
    /// checked.
    fn bounds_suffice(&self) -> bool {
        false
    }
    /// Whether the rest is of no interest: the splitter stops at the next window.
    fn is_done(&self) -> bool {
        false
    }
}

/// What one object's content came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records.
    pub records: u64,
    /// Those of them that are only recovered.
    pub recovered: u64,
    /// Spans that are no record.
    pub malformed_spans: u64,
    /// Control messages of CloudWatch Logs, which hold no record, where log events are taken out.
    pub control_messages: u64,
    /// The bytes; they balance.
    pub bytes: ByteBook,
}

/// Where a splitter puts what it finds: the sink, with every byte counted on the way.
struct Out<'a> {
    sink: &'a mut dyn Sink,
    tally: Tally,
}

impl Out<'_> {
    #[inline]
    fn record(&mut self, bytes: &[u8], offset: u64, standing: Standing) {
        self.tally.records += 1;
        self.tally.recovered += u64::from(standing == Standing::Recovered);
        self.tally.bytes.records += bytes.len() as u64;
        self.sink.record(Record { bytes, offset, standing });
    }

    #[inline]
    fn separators(&mut self, bytes: usize) {
        self.tally.bytes.separators += bytes as u64;
    }

    fn rejected(&mut self, offset: u64, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.tally.bytes.malformed += bytes.len() as u64;
            self.sink.rejected(offset, bytes);
        }
    }

    fn malformed(&mut self, span: Span) {
        self.tally.malformed_spans += 1;
        self.sink.malformed(span);
    }
}

/// A way to split. It is fed windows of the content, each beginning where it left off.
trait Split {
    /// Takes what it can of a window that begins at offset `base` of the content and, at `eof`,
    /// ends with it. Says how many bytes it is done with; at `eof` that is all of them, else the
    /// rest comes again, with more behind it.
    fn feed(&mut self, window: &[u8], base: u64, eof: bool, out: &mut Out<'_>) -> usize;
}

/// A byte as a person reads it.
struct Byte(u8);

impl fmt::Display for Byte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            byte @ 0x21..=0x7e => write!(f, "'{}'", byte as char),
            byte => write!(f, "byte 0x{byte:02x}"),
        }
    }
}
