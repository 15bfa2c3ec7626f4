//! Time patterns: the letters of Java's `DateTimeFormatter`, which Firehose takes them from.
//!
//! Three kinds of letters, told apart because only the first can be relied on to tell time:
//!
//! - fields that mean the same in every locale ([`Field`]);
//! - letters whose text or number depends on a locale, which AWS does not document, or that say
//!   too little alone ([`Told`]). They are written as in US English, and never read;
//! - everything else, kept as it is and neither written nor read.

use std::fmt::Write as _;

use jiff::civil::DateTime;
use jiff::{Timestamp, tz::TimeZone};

use super::told::Told;

/// A part of the time that keys tell, as digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
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

impl Field {
    /// Digits that it takes where it is padded to the most that it needs.
    pub(super) fn width(self) -> usize {
        match self {
            Self::Year => 4,
            Self::DayOfYear => 3,
            _ => 2,
        }
    }

    pub(super) fn of(self, time: DateTime) -> i16 {
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

    /// Its digits, padded to its width.
    pub(super) fn padded(self, time: DateTime) -> String {
        format!("{:0width$}", self.of(time), width = self.width())
    }

    /// Whether it says what comes right below another: months are divided into days, and a year
    /// into days as well.
    pub(super) fn divides(self, above: Option<Self>) -> bool {
        match self {
            Self::Year | Self::YearOfCentury => above.is_none(),
            Self::Month | Self::DayOfYear => {
                matches!(above, Some(Self::Year | Self::YearOfCentury))
            }
            Self::Day => above == Some(Self::Month),
            Self::Hour => matches!(above, Some(Self::Day | Self::DayOfYear)),
            Self::Minute => above == Some(Self::Hour),
            Self::Second => above == Some(Self::Minute),
        }
    }

    /// As a pattern spells it.
    pub(super) fn letters(self) -> &'static str {
        match self {
            Self::Year => "yyyy",
            Self::YearOfCentury => "yy",
            Self::Month => "MM",
            Self::Day => "dd",
            Self::DayOfYear => "DDD",
            Self::Hour => "HH",
            Self::Minute => "mm",
            Self::Second => "ss",
        }
    }

    /// In words.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Year | Self::YearOfCentury => "year",
            Self::Month => "month",
            Self::Day | Self::DayOfYear => "day",
            Self::Hour => "hour",
            Self::Minute => "minute",
            Self::Second => "second",
        }
    }

    /// The field that `count` times this letter stands for.
    fn of_letters(letter: char, count: usize) -> Option<Self> {
        Some(match (letter, count) {
            ('y' | 'u', 2) => Self::YearOfCentury,
            ('y' | 'u', 1 | 3 | 4) => Self::Year,
            ('M' | 'L', 1 | 2) => Self::Month,
            ('d', 1 | 2) => Self::Day,
            ('D', 1..=3) => Self::DayOfYear,
            ('H', 1 | 2) => Self::Hour,
            ('m', 1 | 2) => Self::Minute,
            ('s', 1 | 2) => Self::Second,
            _ => return None,
        })
    }
}

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    /// A field, padded with zeros to at least so many digits.
    Field(Field, usize),
    Told(Told),
    /// Letters, or a reserved character, that are not evaluated.
    Unknown(String),
}

impl Piece {
    /// Whether the piece always takes as many characters, so that keys sort as its values do.
    pub(super) fn sorted(&self) -> Option<Field> {
        match *self {
            // A year of four digits is as wide without padding.
            Self::Field(Field::Year, _) => Some(Field::Year),
            Self::Field(field, width) if width >= field.width() => Some(field),
            _ => None,
        }
    }

    /// Appends what it says of an instant. `false`: it is not evaluated.
    pub(super) fn write(&self, out: &mut String, instant: Timestamp, zone: &TimeZone) -> bool {
        match self {
            Self::Text(text) => out.push_str(text),
            Self::Field(field, width) => {
                let value = field.of(zone.to_datetime(instant));
                // Writing to a string does not fail.
                let _ = write!(out, "{value:0width$}", width = *width);
            }
            Self::Told(told) => told.write(out, instant, zone),
            Self::Unknown(_) => return false,
        }
        true
    }
}

/// A pattern that is none: where, in bytes from its beginning, and why.
pub(super) type Fault = (usize, &'static str);

/// Takes a pattern apart: letters count, `'…'` quotes, brackets make a section optional, which
/// always appears when an instant is written; the rest is text. Each piece comes with its place.
pub(super) fn parse(letters: &str) -> Result<Vec<(usize, Piece)>, Fault> {
    let mut pieces = Vec::new();
    let mut rest = letters.char_indices().peekable();
    while let Some((at, first)) = rest.next() {
        let piece = match first {
            '\'' => {
                let (text, used) =
                    quoted(&letters[at + 1..]).ok_or((at, "this quote has no end"))?;
                while rest.next_if(|&(next, _)| next < at + 1 + used).is_some() {}
                Piece::Text(text)
            }
            '[' | ']' => continue,
            '{' | '#' => Piece::Unknown(first.to_string()),
            letter if letter.is_ascii_alphabetic() => {
                let mut count = 1;
                while rest.next_if(|&(_, next)| next == letter).is_some() {
                    count += 1;
                }
                run(letter, count)
            }
            text => Piece::Text(text.to_string()),
        };
        pieces.push((at, piece));
    }
    Ok(pieces)
}

fn run(letter: char, count: usize) -> Piece {
    let field = Field::of_letters(letter, count).map(|field| Piece::Field(field, count));
    let told = || Told::of_letters(letter, count).map(Piece::Told);
    field.or_else(told).unwrap_or_else(|| Piece::Unknown(letter.to_string().repeat(count)))
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
