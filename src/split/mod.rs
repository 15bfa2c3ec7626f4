//! Content to records: concatenated JSON, lines, custom delimiters.
//!
//! Synchronous and mute about keys, compression and identity: it is given bytes and says which of
//! them are records, which stand between records, and which are neither.

use std::fmt;

/// How content holds its records.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Format {
    /// JSON values one after another, with any whitespace between them or none.
    Json,
    /// A record a line; empty lines are separators.
    Lines,
    /// Records with this byte string between them.
    Delimited(Vec<u8>),
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

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json => f.write_str("json"),
            Self::Lines => f.write_str("lines"),
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
    /// It reads as a record, but damage is near and it was never produced.
    Unproven,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnexpectedByte(byte) => write!(f, "unexpected {}", Byte(*byte)),
            Self::CutAtEnd => f.write_str("cut: the content ends inside a value"),
            Self::ControlCharacter(byte) => {
                write!(f, "control character {} inside a string", Byte(*byte))
            }
            Self::InvalidUtf8 => f.write_str("a string that is not UTF-8"),
            Self::InvalidEscape => f.write_str("an escape that JSON does not have"),
            Self::InvalidNumber => f.write_str("a number that JSON does not have"),
            Self::InvalidLiteral => f.write_str("a word that JSON does not have"),
            Self::NoBoundary(byte) => write!(f, "a value runs into {}", Byte(*byte)),
            Self::TooLong => f.write_str("longer than any record can be"),
            Self::Unproven => {
                f.write_str("reads as a record next to damage, but was never produced")
            }
        }
    }
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
