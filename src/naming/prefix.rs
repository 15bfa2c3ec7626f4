//! Firehose's prefix expressions, read once and evaluated for every object: `!{timestamp:…}`,
//! `!{firehose:…}`, and the keys of dynamic partitioning.
//!
//! The rules are those of "Custom prefixes for Amazon S3 objects" (Amazon Data Firehose developer
//! guide). Text is glued as it stands; no `/` is ever put in.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::pattern::{self, Piece};
use crate::error::{Error, ErrorKind, Result};

/// What Firehose appends to a prefix without expressions.
const DEFAULT_PATTERN: &str = "yyyy/MM/dd/HH/";
/// Characters of a `!{firehose:random-string}`.
pub const RANDOM_LEN: usize = 11;
/// Characters of an evaluated prefix ("Custom prefixes for Amazon S3 objects"), counted as bytes.
pub const EVALUATED_LEN_MAX: usize = 512;

/// A prefix, ready to be evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix {
    text: String,
    parts: Vec<Placed>,
}

/// A part, and the byte at which it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    at: usize,
    pub(super) part: Part,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Time(Piece),
    Random,
    ErrorType,
    PartitionKey(String),
}

/// Whose prefix it is: not every expression is allowed in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// `Prefix` of a destination.
    Data,
    /// `ErrorOutputPrefix`.
    ErrorOutput,
}

/// What a prefix is evaluated with, besides the time.
pub struct Values<'a> {
    /// Gives the [`RANDOM_LEN`] characters of one random string; it is asked anew for each.
    pub random: &'a mut dyn FnMut() -> String,
    /// Gives the value of a partition key.
    pub partition_key: &'a mut dyn FnMut(&str) -> String,
    /// The kind of error, `processing-failed` for one.
    pub error_type: &'a str,
}

impl Prefix {
    /// Reads a prefix as it stands in the delivery stream's configuration.
    ///
    /// A prefix without any expression gets `yyyy/MM/dd/HH/` appended. One that has expressions, but
    /// none of time, does not: the guide's rule says that it would, but AWS was observed to append
    /// nothing, and objects without a date are what a reader must cope with anyway.
    ///
    /// Letters of a time pattern that fhcheck does not evaluate are no error: such a prefix can be
    /// read, though not evaluated.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`], with the position, for an expression that is not known, and for one that
    /// does not end.
    pub fn parse(text: &str) -> Result<Self> {
        let mut prefix = Self { text: text.to_owned(), parts: Vec::new() };
        let mut at = 0;
        while let Some(found) = text[at..].find("!{") {
            let open = at + found;
            prefix.push_text(at, &text[at..open]);
            let inner = &text[open + 2..];
            let len = inner
                .find('}')
                .ok_or_else(|| fault(text, open, "this expression has no closing }"))?;
            prefix.expression(open, &inner[..len])?;
            at = open + 2 + len + 1;
        }
        prefix.push_text(at, &text[at..]);
        if at == 0 {
            prefix.pattern(text.len(), DEFAULT_PATTERN)?;
        }
        Ok(prefix)
    }

    /// Reads a prefix that is to be evaluated, by the rules for its role.
    ///
    /// # Errors
    /// As [`Prefix::parse`]; and for what cannot be evaluated, or is not allowed there.
    pub fn for_evaluation(text: &str, role: Role) -> Result<Self> {
        let prefix = Self::parse(text)?;
        for Placed { at, part } in &prefix.parts {
            let why = match (part, role) {
                (Part::ErrorType, Role::Data) => {
                    "this expression belongs in an error output prefix only".to_owned()
                }
                (Part::PartitionKey(_), Role::ErrorOutput) => {
                    "partition keys belong in a prefix of data only".to_owned()
                }
                (Part::Time(Piece::Unknown(letters)), _) => {
                    format!("pattern letters {letters} are not evaluated")
                }
                _ => continue,
            };
            return Err(fault(text, *at, why));
        }
        let tells_kind = prefix.parts().any(|part| *part == Part::ErrorType);
        if role == Role::ErrorOutput && text.contains("!{") && !tells_kind {
            let why = "an error output prefix with expressions needs !{firehose:error-output-type}";
            return Err(fault(text, 0, why));
        }
        Ok(prefix)
    }

    /// The prefix of an object whose oldest record arrived at this instant.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for pattern letters that are not evaluated, and where the result is longer
    /// than a prefix may be.
    pub fn evaluate(
        &self,
        arrival: Timestamp,
        zone: &TimeZone,
        values: &mut Values<'_>,
    ) -> Result<String> {
        let mut out = String::new();
        for Placed { at, part } in &self.parts {
            match part {
                Part::Random => out.push_str(&(values.random)()),
                Part::ErrorType => out.push_str(values.error_type),
                Part::PartitionKey(id) => out.push_str(&(values.partition_key)(id)),
                Part::Time(piece) if piece.write(&mut out, arrival, zone) => {}
                Part::Time(_) => {
                    return Err(fault(&self.text, *at, "these pattern letters are not evaluated"));
                }
            }
        }
        // The date that is appended by itself does not count.
        if self.text.contains("!{") && out.len() > EVALUATED_LEN_MAX {
            let why = format!("evaluated, it is longer than {EVALUATED_LEN_MAX} characters");
            return Err(fault(&self.text, 0, why));
        }
        Ok(out)
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn parts(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().map(|placed| &placed.part)
    }

    fn push_text(&mut self, at: usize, text: &str) {
        if text.is_empty() {
            return;
        }
        if let Some(Placed { part: Part::Time(Piece::Text(last)), .. }) = self.parts.last_mut() {
            last.push_str(text);
        } else {
            self.parts.push(Placed { at, part: Part::Time(Piece::Text(text.to_owned())) });
        }
    }

    /// One expression, the text between `!{` and `}`.
    fn expression(&mut self, open: usize, inner: &str) -> Result<()> {
        const TIMESTAMP: &str = "timestamp:";
        if let Some(letters) = inner.strip_prefix(TIMESTAMP) {
            return self.pattern(open + 2 + TIMESTAMP.len(), letters);
        }
        let part = match inner.split_once(':') {
            Some(("firehose", "random-string")) => Part::Random,
            Some(("firehose", "error-output-type")) => Part::ErrorType,
            Some(("partitionKeyFromQuery" | "partitionKeyFromLambda", id)) if !id.is_empty() => {
                Part::PartitionKey(id.to_owned())
            }
            _ => return Err(fault(&self.text, open, "this expression is not known")),
        };
        self.parts.push(Placed { at: open, part });
        Ok(())
    }

    fn pattern(&mut self, start: usize, letters: &str) -> Result<()> {
        let pieces =
            pattern::parse(letters).map_err(|(at, why)| fault(&self.text, start + at, why))?;
        for (at, piece) in pieces {
            match piece {
                Piece::Text(text) => self.push_text(start + at, &text),
                piece => self.parts.push(Placed { at: start + at, part: Part::Time(piece) }),
            }
        }
        Ok(())
    }
}

fn fault(whole: &str, at: usize, why: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Usage, format!("prefix {whole:?}, byte {at}: {why}")).hint(
        "use !{timestamp:…} with letters such as y M d H m s D and 'text', \
         !{firehose:random-string}, !{partitionKeyFromQuery:…}, !{partitionKeyFromLambda:…}, or in \
         an error output prefix !{firehose:error-output-type}",
    )
}

#[cfg(test)]
mod tests;
