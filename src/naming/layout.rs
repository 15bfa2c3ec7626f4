//! How the keys under a location tell time, and which ranges of keys a window leaves to list.
//!
//! The idea: Firehose's folders usually name the arrival of the oldest record, most significant
//! field first (`2026/07/13/14/`, `year=2026/month=07/`, `dt=2026-07-13/`). Such keys sort by time,
//! so the objects of a window are one contiguous range of keys: list it, and leave the rest alone.
//! The delivery stream's prefix says how ([`Layout::of`]). Without it, one sample key is enough to see
//! the layout, because every key carries its time twice: once in the folder and once in the object's
//! name. A layout is only what agrees in both ([`Layout::infer`]).
//!
//! Nothing may be lost silently. The key space under the location therefore falls into three:
//!
//! ```text
//!   <location>…   <head>0000/00/00/00 ····· <head>9999/99/99/99   …<location>
//!   ╰── listed ──╯╰── only the window's hours are listed ──╯╰── listed ──╯
//! ```
//!
//! Keys outside the middle cannot be time folders of this layout, whatever else they are, so they
//! are always listed; each is then judged by its own name ([`super::in_window`]). What is left out
//! is only what stands in the middle and sorts outside the window's hours. A sample can mislead (a
//! constant folder that looks like that very day); [`Layout::fits`] tells, for any other key.

use std::fmt;
use std::ops::Range;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

use super::pattern::{Field, Piece};
use super::prefix::{Part, Prefix};
use super::{KeyName, earliest_begin, parse};
use crate::limits;
use crate::plan::Window;
use crate::source::KeyRange;

/// How folders tell time: constant text and time fields in turn, in an order that sorts by time.
/// Its text is a template such as `firehose/{yyyy}/{MM}/{dd}/{HH}/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The fields, each below the one before, and the text before each. The first text starts with
    /// the location's prefix.
    fields: Vec<(String, Field)>,
    /// What follows the last field, up to the next `/`. Nothing depends on it.
    end: String,
}

/// The orders in which folders name the parts of the time, where they sort by it.
const ORDERS: [&[Field]; 2] = [
    &[Field::Year, Field::Month, Field::Day, Field::Hour],
    &[Field::Year, Field::DayOfYear, Field::Hour],
];

/// Why no range of keys is a window's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Untimed {
    /// Nothing in the prefix says the time.
    NoTime,
    /// Something that fhcheck does not know stands before the time: what, in words.
    Behind(String),
    /// The time does not begin with the year.
    Unsorted,
    /// The time begins with letters that a locale, or a version of Firehose, may change.
    Uncertain,
}

impl fmt::Display for Untimed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTime => f.write_str("the prefix tells no time"),
            Self::Behind(what) => write!(f, "{what} stands before the time"),
            Self::Unsorted => f.write_str("keys do not sort by time, which begins with no year"),
            Self::Uncertain => f.write_str("its time begins with letters that depend on a locale"),
        }
    }
}

impl Layout {
    /// The layout of the keys that a prefix makes: what it says before anything that does not sort by
    /// time, such as a partition key, a month's name, or a day without its leading zero.
    ///
    /// # Errors
    /// Where that says no time.
    pub fn of(prefix: &Prefix) -> Result<Self, Untimed> {
        let mut fields: Vec<(String, Field)> = Vec::new();
        let mut text = String::new();
        let mut stopped_by = Untimed::NoTime;
        for part in prefix.parts() {
            let above = fields.last().map(|&(_, field)| field);
            stopped_by = match part {
                Part::Time(Piece::Text(more)) => {
                    text.push_str(more);
                    continue;
                }
                Part::Time(piece) => match piece.sorted().filter(|field| field.divides(above)) {
                    Some(field) => {
                        fields.push((std::mem::take(&mut text), field));
                        continue;
                    }
                    None if matches!(piece, Piece::Field(..)) => Untimed::Unsorted,
                    None => Untimed::Uncertain,
                },
                Part::Random => Untimed::Behind("a random string".to_owned()),
                Part::ErrorType => Untimed::Behind("the kind of error".to_owned()),
                Part::PartitionKey(id) => Untimed::Behind(format!("partition key {id}")),
            };
            break;
        }
        if fields.is_empty() {
            let says_time =
                |part: &Part| matches!(part, Part::Time(piece) if !matches!(piece, Piece::Text(_)));
            let timed = prefix.parts().any(says_time);
            return Err(if timed { stopped_by } else { Untimed::NoTime });
        }
        Ok(Self { fields, end: first_folder(&text) })
    }

    /// The layout of a key under a location, seen by the time in its own name: its year and month, or
    /// its year and day, at least, and what follows them down to the hour.
    ///
    /// `None` where the key is not Firehose's, its folders do not tell its time, or where they do
    /// in two ways.
    pub fn infer(location_prefix: &str, key: &str) -> Option<Self> {
        let name = parse(key)?;
        let folders = name.prefix.strip_prefix(location_prefix)?;
        let runs = digit_runs(folders);
        let places = (0..runs.len()).flat_map(|at| ORDERS.map(|order| (at, order)));
        let readings: Vec<_> = places
            .map(|(at, order)| (order, read_fields(folders, &runs[at..], order, name.arrival)))
            .collect();
        let longest = readings.iter().map(|(_, places)| places.len()).max()?;
        let mut best = readings.iter().filter(|(_, places)| places.len() == longest);
        let (Some((order, places)), None) = (best.next(), best.next()) else { return None };
        if longest < 2 {
            return None;
        }
        let mut fields = Vec::new();
        let mut at = 0;
        for (place, &field) in places.iter().zip(*order) {
            fields.push((folders[at..place.start].to_owned(), field));
            at = place.end;
        }
        fields[0].0.insert_str(0, location_prefix);
        Some(Self { fields, end: first_folder(&folders[at..]) })
    }

    /// Whether the layout's keys all lie under a location.
    pub fn is_under(&self, location_prefix: &str) -> bool {
        self.head().starts_with(location_prefix)
    }

    /// The text before the time.
    pub(super) fn head(&self) -> &str {
        &self.fields[0].0
    }

    /// The smallest part of the time that it tells.
    pub(super) fn unit(&self) -> Field {
        self.fields[self.fields.len() - 1].1
    }

    /// Whether the time is the name of a folder, not glued to what follows.
    pub(super) fn is_folder(&self) -> bool {
        self.end.ends_with('/')
    }

    /// The first and the last second of the local times that keys in this key's folder tell. `None`
    /// where the key is not of this layout.
    pub fn span(&self, key: &str) -> Option<(DateTime, DateTime)> {
        let mut rest = key;
        let mut time = DateTime::constant(0, 1, 1, 0, 0, 0, 0);
        for (text, field) in &self.fields {
            let (digits, behind) =
                rest.strip_prefix(text.as_str())?.split_at_checked(field.width())?;
            if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            time = with(time, *field, digits.parse().ok()?)?;
            rest = behind;
        }
        let unit = match self.unit() {
            Field::Year | Field::YearOfCentury => Span::new().years(1),
            Field::Month => Span::new().months(1),
            Field::Day | Field::DayOfYear => Span::new().days(1),
            Field::Hour => Span::new().hours(1),
            Field::Minute => Span::new().minutes(1),
            Field::Second => Span::new().seconds(1),
        };
        let end = time.checked_add(unit).and_then(|end| end.checked_sub(Span::new().seconds(1)));
        Some((time, end.unwrap_or(DateTime::MAX)))
    }

    /// Whether a key can be one of this layout: it stands outside the layout's folders, or in the
    /// one of its own time (give or take [`limits::WINDOW_SLACK`]). A key that does not fit proves
    /// that the layout was misread, or is not the only one; ranges made from it may then leave out
    /// what should be read.
    pub fn fits(&self, key: &str, name: &KeyName) -> bool {
        !self.middle(key) || self.is_at_home(key, name)
    }

    /// Whether a key lies in the folder of its own time.
    pub fn is_at_home(&self, key: &str, name: &KeyName) -> bool {
        let slack = limits::WINDOW_SLACK;
        let first = name.arrival.checked_sub(slack).unwrap_or(DateTime::MIN);
        let last = name.arrival.checked_add(slack).unwrap_or(DateTime::MAX);
        self.span(key).is_some_and(|(begin, end)| begin <= last && first <= end)
    }

    /// Whether a key stands where time folders of this layout stand.
    fn middle(&self, key: &str) -> bool {
        (self.render(zeros).as_str()..self.render(nines).as_str()).contains(&key)
    }

    /// What keys of this time start with.
    fn at(&self, time: DateTime) -> String {
        self.render(|field| field.padded(time))
    }

    fn render(&self, value: impl Fn(Field) -> String) -> String {
        let mut out = String::new();
        for (text, field) in &self.fields {
            out.push_str(text);
            out.push_str(&value(*field));
        }
        out
    }

    /// Whether years are told apart in this one.
    fn knows_year(&self, year: i16) -> bool {
        match self.fields[0].1 {
            Field::YearOfCentury => (CENTURY..CENTURY + 100).contains(&year),
            // 9999 itself is left out, so that a successor of it is never needed.
            _ => (0..9999).contains(&year),
        }
    }
}

/// The century that a year of two digits is in: Firehose is younger.
const CENTURY: i16 = 2000;

/// A time with one field changed, those above it being right.
fn with(time: DateTime, field: Field, value: i16) -> Option<DateTime> {
    let small = i8::try_from(value).ok();
    let builder = time.with();
    let builder = match field {
        Field::Year => builder.year(value),
        Field::YearOfCentury => builder.year(CENTURY + value),
        Field::Month => builder.month(small?),
        Field::Day => builder.day(small?),
        Field::DayOfYear => builder.day_of_year(value),
        Field::Hour => builder.hour(small?),
        Field::Minute => builder.minute(small?),
        Field::Second => builder.second(small?),
    };
    builder.build().ok()
}

fn first_folder(text: &str) -> String {
    text.split_inclusive('/').next().unwrap_or_default().to_owned()
}

fn zeros(field: Field) -> String {
    "0".repeat(field.width())
}

fn nines(field: Field) -> String {
    "9".repeat(field.width())
}

/// The layout as a template: `firehose/{yyyy}/{MM}/{dd}/{HH}/`.
impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(|field| format!("{{{}}}", field.letters())))?;
        f.write_str(&self.end)
    }
}

/// Where digits stand in a text, each run as long as it gets.
fn digit_runs(text: &str) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, _) in text.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_digit()) {
        match runs.last_mut() {
            Some(run) if run.end == at => run.end = at + 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

/// Where the fields of `time` stand in these runs of digits, from the first run on. A run is used
/// whole: as one field (`2026`) or as several (`20260713`).
fn read_fields(
    text: &str,
    runs: &[Range<usize>],
    order: &[Field],
    time: DateTime,
) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    for run in runs {
        let known = places.len();
        let mut at = run.start;
        for field in &order[known..] {
            if at == run.end || !text[at..run.end].starts_with(&field.padded(time)) {
                break;
            }
            places.push(at..at + field.width());
            at += field.width();
        }
        if at != run.end {
            places.truncate(known);
            break;
        }
    }
    places
}

/// The ranges of keys that hold every object of a window, in key order and apart from each other.
///
/// Without a layout, or with an open window, that is everything under the location.
pub fn ranges(
    location_prefix: &str,
    layout: Option<&Layout>,
    window: &Window,
    zone: &TimeZone,
) -> Vec<KeyRange> {
    let everything = KeyRange::all(location_prefix);
    let Some(layout) = layout else { return vec![everything] };
    let known = |time: &DateTime| layout.knows_year(time.year());
    let first = earliest_begin(window).and_then(|begin| first_local(begin, zone)).filter(known);
    let stop = window.until.and_then(|until| last_local(until, zone)).filter(known);
    let start = first.map(|time| layout.at(time));
    let stop = stop.map(|time| successor(layout.at(time)));

    let zeros = layout.render(zeros);
    let nines = layout.render(nines);
    let lower = KeyRange { stop_before: Some(zeros), ..everything.clone() };
    let upper = KeyRange { start_after: Some(nines), ..everything.clone() };
    match (start, stop) {
        (None, None) => vec![everything],
        (None, Some(stop)) => {
            vec![KeyRange { stop_before: Some(stop), ..everything }, upper]
        }
        (Some(start), None) => {
            vec![lower, KeyRange { start_after: Some(start), ..everything }]
        }
        (Some(start), Some(stop)) if start < stop => {
            let prefix = common_prefix(&start, &stop).to_owned();
            let hours = KeyRange { prefix, start_after: Some(start), stop_before: Some(stop) };
            vec![lower, hours, upper]
        }
        (Some(_), Some(_)) => vec![lower, upper],
    }
}

/// The ranges of keys between these, which are in key order.
pub fn left_out<'a>(
    location_prefix: &'a str,
    ranges: &'a [KeyRange],
) -> impl Iterator<Item = KeyRange> + 'a {
    ranges.windows(2).map(move |pair| KeyRange {
        prefix: location_prefix.to_owned(),
        start_after: pair[0].stop_before.clone(),
        stop_before: pair[1].start_after.clone(),
    })
}

/// The earliest local time that any clock of the zone can have shown at or after an instant.
fn first_local(instant: Timestamp, zone: &TimeZone) -> Option<DateTime> {
    let instant = instant.checked_sub(limits::WINDOW_SLACK).unwrap_or(Timestamp::MIN);
    clocks(instant, zone).min()
}

/// The latest local time that any clock of the zone can have shown before an instant.
fn last_local(instant: Timestamp, zone: &TimeZone) -> Option<DateTime> {
    let instant = instant.checked_add(limits::WINDOW_SLACK).unwrap_or(Timestamp::MAX);
    clocks(instant, zone).max()
}

/// What the clocks of a zone can show at an instant, were they changed a day later or earlier.
/// Local time jumps where clocks are changed, but never past these.
fn clocks(instant: Timestamp, zone: &TimeZone) -> impl Iterator<Item = DateTime> {
    let day = SignedDuration::from_hours(24);
    let near = [instant.checked_sub(day), Ok(instant), instant.checked_add(day)];
    let near = near.map(|near| near.unwrap_or(instant));
    near.map(|near| zone.to_offset(near).to_datetime(instant)).into_iter()
}

/// The first text after all that start with `text`, which ends with a digit.
fn successor(mut text: String) -> String {
    let last = text.pop().map_or(0, u32::from);
    text.extend(char::from_u32(last + 1));
    text
}

fn common_prefix<'a>(one: &'a str, other: &str) -> &'a str {
    let same = one.chars().zip(other.chars()).take_while(|(one, other)| one == other);
    &one[..same.map(|(char, _)| char.len_utf8()).sum()]
}

#[cfg(test)]
mod tests;
