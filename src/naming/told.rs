//! Letters of time patterns that are written and never read: what they say depends on a locale that
//! AWS does not document, or is too little to tell a time by.
//!
//! They are written as Java does for US English: weeks begin on Sunday, and the first has 1 January.

use std::fmt::Write as _;

use jiff::civil::DateTime;
use jiff::{Timestamp, tz::TimeZone};

/// One of these letters, as often as it stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// `a`
    HalfOfDay,
    /// `h`: 1 to 12.
    ClockHour(usize),
    /// `K`: 0 to 11.
    HourOfHalf(usize),
    /// `k`: 1 to 24.
    ClockHourOfDay(usize),
    /// `S`: digits of a second's fraction. Firehose was seen to write zeros.
    Fraction(usize),
    /// `Q`, `q`: the quarter's number.
    Quarter(usize),
    /// `MMM`, `MMMM`.
    MonthName(Name),
    /// `E`, `EEEE`.
    WeekdayName(Name),
    /// `e`, `c`: 1 is Sunday.
    Weekday(usize),
    /// `w`
    Week(usize),
    /// `W`
    WeekOfMonth,
    /// `Y`: the year that the week belongs to.
    WeekYear(usize),
    /// `X`, `x`, `Z`: the offset from UTC; with a colon; with `Z` for none.
    Offset { colon: bool, zulu: bool },
    /// `VV`: the name of the zone.
    ZoneName,
}

/// How much of a name is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Short,
    Full,
}

impl Told {
    pub(super) fn of_letters(letter: char, count: usize) -> Option<Self> {
        Some(match (letter, count) {
            ('a', 1) => Self::HalfOfDay,
            ('h', 1 | 2) => Self::ClockHour(count),
            ('K', 1 | 2) => Self::HourOfHalf(count),
            ('k', 1 | 2) => Self::ClockHourOfDay(count),
            ('S', 1..=9) => Self::Fraction(count),
            ('Q' | 'q', 1 | 2) => Self::Quarter(count),
            ('M' | 'L', 3) => Self::MonthName(Name::Short),
            ('M' | 'L', 4) => Self::MonthName(Name::Full),
            ('E', 1..=3) | ('e' | 'c', 3) => Self::WeekdayName(Name::Short),
            ('E' | 'e' | 'c', 4) => Self::WeekdayName(Name::Full),
            ('e', 1 | 2) | ('c', 1) => Self::Weekday(count),
            ('w', 1 | 2) => Self::Week(count),
            ('W', 1) => Self::WeekOfMonth,
            ('Y', 1..=4) => Self::WeekYear(count),
            ('X', 2) => Self::Offset { colon: false, zulu: true },
            ('X', 3) => Self::Offset { colon: true, zulu: true },
            ('x', 2) | ('Z', 1..=3) => Self::Offset { colon: false, zulu: false },
            ('x', 3) => Self::Offset { colon: true, zulu: false },
            ('V', 2) => Self::ZoneName,
            _ => return None,
        })
    }

    pub(super) fn write(self, out: &mut String, instant: Timestamp, zone: &TimeZone) {
        let time = zone.to_datetime(instant);
        let hour = i16::from(time.hour());
        let (value, width) = match self {
            Self::HalfOfDay => return out.push_str(if hour < 12 { "AM" } else { "PM" }),
            Self::MonthName(Name::Short) => return push_time(out, "%b", time),
            Self::MonthName(Name::Full) => return push_time(out, "%B", time),
            Self::WeekdayName(Name::Short) => return push_time(out, "%a", time),
            Self::WeekdayName(Name::Full) => return push_time(out, "%A", time),
            Self::Offset { colon, zulu } => return push_offset(out, colon, zulu, instant, zone),
            Self::ZoneName => return out.push_str(zone.iana_name().unwrap_or("UTC")),
            Self::Fraction(width) => (0, width),
            Self::ClockHour(width) => ((hour + 11) % 12 + 1, width),
            Self::HourOfHalf(width) => (hour % 12, width),
            Self::ClockHourOfDay(width) => ((hour + 23) % 24 + 1, width),
            Self::Quarter(width) => ((i16::from(time.month()) + 2) / 3, width),
            Self::Weekday(width) => (weekday(time) + 1, width),
            Self::Week(width) => (week(time).1, width),
            Self::WeekOfMonth => ((i16::from(time.day()) - 1 + first_of_month(time)) / 7 + 1, 1),
            Self::WeekYear(2) => (week(time).0.rem_euclid(100), 2),
            Self::WeekYear(width) => (week(time).0, width),
        };
        // Writing to a string does not fail.
        let _ = write!(out, "{value:0width$}");
    }
}

fn push_time(out: &mut String, format: &str, time: DateTime) {
    let _ = write!(out, "{}", time.strftime(format));
}

fn push_offset(out: &mut String, colon: bool, zulu: bool, instant: Timestamp, zone: &TimeZone) {
    let minutes = zone.to_offset(instant).seconds() / 60;
    if zulu && minutes == 0 {
        return out.push('Z');
    }
    let (sign, minutes) = (if minutes < 0 { '-' } else { '+' }, minutes.abs());
    let colon = if colon { ":" } else { "" };
    let _ = write!(out, "{sign}{:02}{colon}{:02}", minutes / 60, minutes % 60);
}

/// Days since Sunday.
fn weekday(time: DateTime) -> i16 {
    time.weekday().to_sunday_zero_offset().into()
}

/// The weekday of the month's first day.
fn first_of_month(time: DateTime) -> i16 {
    (weekday(time) - i16::from(time.day()) + 1).rem_euclid(7)
}

/// The year that the week belongs to, and the week's number in it.
fn week(time: DateTime) -> (i16, i16) {
    let days = if time.date().in_leap_year() { 366 } else { 365 };
    let saturday = time.day_of_year() + 6 - weekday(time);
    if saturday > days {
        return (time.year() + 1, 1);
    }
    (time.year(), (saturday + 6) / 7)
}
