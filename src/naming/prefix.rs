//! Firehose's prefix expressions: `!{timestamp:…}` and `!{firehose:random-string}`, read once and
//! evaluated for every object.
//!
//! The rules are those of "Custom prefixes for Amazon S3 objects" (Amazon Data Firehose developer
//! guide). Text is glued as it stands; no `/` is ever put in.

use std::fmt::{self, Write as _};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::error::{Error, ErrorKind, Result};

/// What Firehose appends to a prefix that tells no time.
const DEFAULT_PATTERN: &str = "yyyy/MM/dd/HH/";
/// Characters of a `!{firehose:random-string}`.
pub const RANDOM_LEN: usize = 11;

/// A prefix, ready to be evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// A field of the time, padded with zeros to a width.
    Time(Field, usize),
    Random,
}

/// A letter of Java's `DateTimeFormatter` that fhcheck evaluates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Year,
    /// `yy`: the last two digits.
    YearOfCentury,
    Month,
    Day,
    DayOfYear,
    Hour,
    Minute,
    Second,
}

impl Prefix {
    /// Reads a prefix as it stands in the delivery stream's configuration.
    ///
    /// A prefix without any expression gets `yyyy/MM/dd/HH/` appended. One whose only expression
    /// is the random string does not: the guide's rule says that it would, but AWS was observed to
    /// append nothing, and objects without a date are what a reader must cope with anyway.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`], with the position, for an expression or a pattern letter that fhcheck
    /// does not evaluate, and for one that does not end.
    pub fn parse(text: &str) -> Result<Self> {
        let mut parts = Vec::new();
        let mut at = 0;
        while let Some(found) = text[at..].find("!{") {
            let open = at + found;
            push_text(&mut parts, &text[at..open]);
            let inner = &text[open + 2..];
            let len = inner
                .find('}')
                .ok_or_else(|| fault(text, open, "this expression has no closing }"))?;
            expression(text, open, &inner[..len], &mut parts)?;
            at = open + 2 + len + 1;
        }
        push_text(&mut parts, &text[at..]);
        if at == 0 {
            pattern(DEFAULT_PATTERN, 0, DEFAULT_PATTERN, &mut parts)?;
        }
        Ok(Self { parts })
    }

    /// The prefix of an object whose oldest record arrived at this instant. `random` gives the
    /// [`RANDOM_LEN`] characters of one random string; it is asked anew for each.
    pub fn evaluate(
        &self,
        arrival: Timestamp,
        zone: &TimeZone,
        random: &mut dyn FnMut() -> String,
    ) -> String {
        let time = zone.to_datetime(arrival);
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Random => out.push_str(&random()),
                Part::Time(field, width) => {
                    let value = field.of(time);
                    write!(out, "{value:0width$}", width = *width).unwrap_or_default();
                }
            }
        }
        out
    }
}

impl Field {
    fn of(self, time: DateTime) -> i16 {
        match self {
            Self::Year => time.year(),
            Self::YearOfCentury => time.year().rem_euclid(100),
            Self::Month => time.month().into(),
            Self::Day => time.day().into(),
            Self::DayOfYear => time.day_of_year(),
            Self::Hour => time.hour().into(),
            Self::Minute => time.minute().into(),
            Self::Second => time.second().into(),
        }
    }

    /// The field that `count` times this letter stands for, where it is one of ours.
    fn of_letters(letter: char, count: usize) -> Option<Self> {
        Some(match (letter, count) {
            ('y', 2) => Self::YearOfCentury,
            ('y', 1 | 3 | 4) => Self::Year,
            ('M', 1 | 2) => Self::Month,
            ('d', 1 | 2) => Self::Day,
            ('D', 1..=3) => Self::DayOfYear,
            ('H', 1 | 2) => Self::Hour,
            ('m', 1 | 2) => Self::Minute,
            ('s', 1 | 2) => Self::Second,
            _ => return None,
        })
    }
}

/// One expression, the text between `!{` and `}`.
fn expression(whole: &str, open: usize, inner: &str, parts: &mut Vec<Part>) -> Result<()> {
    if let Some(letters) = inner.strip_prefix("timestamp:") {
        return pattern(whole, open + "!{timestamp:".len(), letters, parts);
    }
    let why = match inner {
        "firehose:random-string" => {
            parts.push(Part::Random);
            return Ok(());
        }
        "firehose:error-output-type" => "this expression belongs in an error output prefix only",
        _ if inner.starts_with("partitionKeyFrom") => "dynamic partitioning is not evaluated",
        _ => "this expression is not known",
    };
    Err(fault(whole, open, why))
}

/// A pattern of Java's `DateTimeFormatter`: letters count, the rest is text, and `'…'` quotes.
fn pattern(whole: &str, start: usize, letters: &str, parts: &mut Vec<Part>) -> Result<()> {
    let mut rest = letters.char_indices().peekable();
    while let Some((at, first)) = rest.next() {
        match first {
            '\'' => {
                let body = &letters[at + 1..];
                let (text, used) = quoted(body)
                    .ok_or_else(|| fault(whole, start + at, "this quote has no end"))?;
                push_text(parts, &text);
                while rest.next_if(|&(next, _)| next < at + 1 + used).is_some() {}
            }
            letter if letter.is_ascii_alphabetic() => {
                let mut count = 1;
                while rest.next_if(|&(_, next)| next == letter).is_some() {
                    count += 1;
                }
                let field = Field::of_letters(letter, count).ok_or_else(|| {
                    let run = letter.to_string().repeat(count);
                    fault(whole, start + at, format!("pattern letters {run} are not evaluated"))
                })?;
                parts.push(Part::Time(field, count));
            }
            // Reserved, or the brackets of an optional section.
            '[' | ']' | '{' | '#' => {
                let why = format!("{first} in a time pattern is not evaluated");
                return Err(fault(whole, start + at, why));
            }
            text => push_text(parts, text.encode_utf8(&mut [0; 4])),
        }
    }
    Ok(())
}

/// The text after an opening quote, and how many bytes it takes with its closing quote. Two quotes
/// are one: `''` alone, and inside quotes.
fn quoted(body: &str) -> Option<(String, usize)> {
    if body.starts_with('\'') {
        return Some(("'".to_owned(), 1));
    }
    let mut text = String::new();
    let mut at = 0;
    loop {
        let close = at + body[at..].find('\'')?;
        text.push_str(&body[at..close]);
        if !body[close + 1..].starts_with('\'') {
            return Some((text, close + 1));
        }
        text.push('\'');
        at = close + 2;
    }
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    if let Some(Part::Text(last)) = parts.last_mut() {
        last.push_str(text);
    } else if !text.is_empty() {
        parts.push(Part::Text(text.to_owned()));
    }
}

fn fault(whole: &str, at: usize, why: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Usage, format!("prefix {whole:?}, byte {at}: {why}"))
        .hint("use !{timestamp:…} with y M d H m s D and 'text', or !{firehose:random-string}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluated(prefix: &str, at: &str, zone: &str) -> String {
        let zone = TimeZone::get(zone).unwrap();
        let mut count = 0;
        Prefix::parse(prefix).unwrap().evaluate(at.parse().unwrap(), &zone, &mut || {
            count += 1;
            format!("random{count:05}")
        })
    }

    #[test]
    fn a_prefix_without_expressions_gets_the_default_date_glued_on() {
        let at = "2026-07-13T14:05:09Z";
        assert_eq!(evaluated("", at, "UTC"), "2026/07/13/14/");
        assert_eq!(evaluated("legacy", at, "UTC"), "legacy2026/07/13/14/");
        assert_eq!(evaluated("firehose/", at, "UTC"), "firehose/2026/07/13/14/");
    }

    #[test]
    fn expressions_are_evaluated_and_nothing_is_appended() {
        let at = "2026-07-03T04:05:09Z";
        for (prefix, expected) in [
            ("a/!{timestamp:yyyy/MM/dd}/b/", "a/2026/07/03/b/"),
            ("!{timestamp:'year='yyyy'/month='MM}/", "year=2026/month=07/"),
            ("y=!{timestamp:yy}/d=!{timestamp:DDD}/", "y=26/d=184/"),
            ("!{timestamp:y-M-d-H-m-s}", "2026-7-3-4-5-9"),
            ("!{timestamp:yyyyMMdd'T'HHmmss}", "20260703T040509"),
            ("!{timestamp:'it''s' ''yyyy}", "it's '2026"),
            ("r/!{firehose:random-string}/!{timestamp:HH}/", "r/random00001/04/"),
            ("!{firehose:random-string}!{firehose:random-string}", "random00001random00002"),
        ] {
            assert_eq!(evaluated(prefix, at, "UTC"), expected, "{prefix}");
        }
    }

    #[test]
    fn a_zone_shifts_the_date() {
        let at = "2026-01-01T23:30:00Z";
        assert_eq!(evaluated("", at, "Europe/Madrid"), "2026/01/02/00/");
        assert_eq!(evaluated("", at, "Asia/Kolkata"), "2026/01/02/05/");
    }

    #[test]
    fn what_is_not_evaluated_is_named_with_its_position() {
        for (prefix, expected) in [
            ("a!{timestamp:yyyy", "byte 1: this expression has no closing }"),
            ("a/!{timestamp:yyyy/QQ}", "byte 19: pattern letters QQ are not evaluated"),
            ("!{timestamp:MMM}", "byte 12: pattern letters MMM are not evaluated"),
            ("!{timestamp:'year}", "byte 12: this quote has no end"),
            ("!{timestamp:yyyy[MM]}", "byte 16: [ in a time pattern is not evaluated"),
            ("x!{partitionKeyFromQuery:id}/", "byte 1: dynamic partitioning is not evaluated"),
            ("!{firehose:error-output-type}/", "belongs in an error output prefix only"),
            ("!{nothing}", "byte 0: this expression is not known"),
        ] {
            let error = Prefix::parse(prefix).unwrap_err();
            assert!(error.to_string().ends_with(expected), "{prefix}: {error}");
            assert_eq!(error.kind(), ErrorKind::Usage);
        }
    }
}
