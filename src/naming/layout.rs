//! How the keys under a location tell time, and which ranges of keys a window leaves to list.
//!
//! The idea: Firehose's folders usually name the arrival of the oldest record, most significant
//! field first (`2026/07/13/14/`, `year=2026/month=07/`, `dt=2026-07-13/`). Such keys sort by time,
//! so the objects of a window are one contiguous range of keys: list it, and leave the rest alone.
//! One sample key is enough to see the layout, because every key carries its time twice: once in
//! the folder and once in the object's name. A layout is only what agrees in both.
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
use jiff::{SignedDuration, Timestamp};

use super::{KeyName, earliest_begin, parse};
use crate::limits;
use crate::plan::Window;
use crate::source::KeyRange;

/// A part of the time in a folder's name, most significant first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Year,
    Month,
    Day,
    Hour,
}

impl Field {
    const ALL: [Self; 4] = [Self::Year, Self::Month, Self::Day, Self::Hour];

    fn width(self) -> usize {
        if self == Self::Year { 4 } else { 2 }
    }

    fn of(self, time: DateTime) -> String {
        let value = match self {
            Self::Year => time.year(),
            Self::Month => time.month().into(),
            Self::Day => time.day().into(),
            Self::Hour => time.hour().into(),
        };
        format!("{value:0width$}", width = self.width())
    }

    fn name(self) -> &'static str {
        match self {
            Self::Year => "{yyyy}",
            Self::Month => "{MM}",
            Self::Day => "{dd}",
            Self::Hour => "{HH}",
        }
    }
}

/// How folders tell time: constant text and time fields in turn, in an order that sorts by time.
/// Its text is a template such as `firehose/{yyyy}/{MM}/{dd}/{HH}/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The text before each of the first fields of [`Field::ALL`]. The first text starts with the
    /// location's prefix; the others hold no digit.
    texts: Vec<String>,
    /// What follows the last field, up to the next `/`. Nothing depends on it.
    end: String,
}

impl Layout {
    /// The layout of a key under a location, seen by the time in its own name: its year and month
    /// at least, day and hour where they follow.
    ///
    /// `None` where the key is not Firehose's, its folders do not tell its time, or where they do
    /// in two ways.
    pub fn infer(location_prefix: &str, key: &str) -> Option<Self> {
        let name = parse(key)?;
        let folders = name.prefix.strip_prefix(location_prefix)?;
        let runs = digit_runs(folders);
        let readings = (0..runs.len()).map(|at| read_fields(folders, &runs[at..], name.arrival));
        let longest = readings.clone().map(|fields| fields.len()).max()?;
        let mut best = readings.filter(|fields| fields.len() == longest);
        let (Some(fields), None) = (best.next(), best.next()) else { return None };
        if fields.len() < 2 {
            return None;
        }
        let mut texts = Vec::new();
        let mut at = 0;
        for field in &fields {
            texts.push(folders[at..field.start].to_owned());
            at = field.end;
        }
        texts[0].insert_str(0, location_prefix);
        let end = folders[at..].split_inclusive('/').next().unwrap_or_default().to_owned();
        Some(Self { texts, end })
    }

    /// Whether a key can be one of this layout: it stands outside the layout's folders, or in the
    /// one of its own time (give or take [`limits::WINDOW_SLACK`]). A key that does not fit proves
    /// that the layout was misread, or is not the only one; ranges made from it may then leave out
    /// what should be read.
    pub fn fits(&self, key: &str, name: &KeyName) -> bool {
        let folder = key.get(..self.render(zeros).len());
        let Some(folder) = folder.filter(|_| self.middle(key)) else { return true };
        let slack = limits::WINDOW_SLACK;
        let first = name.arrival.checked_sub(slack).unwrap_or(DateTime::MIN);
        let last = name.arrival.checked_add(slack).unwrap_or(DateTime::MAX);
        (self.at(first).as_str()..=self.at(last).as_str()).contains(&folder)
    }

    /// Whether a key stands where time folders of this layout stand.
    fn middle(&self, key: &str) -> bool {
        (self.render(zeros).as_str()..self.render(nines).as_str()).contains(&key)
    }

    /// What keys of this time start with.
    fn at(&self, time: DateTime) -> String {
        self.render(|field| field.of(time))
    }

    fn render(&self, value: impl Fn(Field) -> String) -> String {
        let mut out = String::new();
        for (text, field) in self.texts.iter().zip(Field::ALL) {
            out.push_str(text);
            out.push_str(&value(field));
        }
        out
    }
}

fn zeros(field: Field) -> String {
    "0".repeat(field.width())
}

fn nines(field: Field) -> String {
    "9".repeat(field.width())
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(|field| field.name().to_owned()))?;
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

/// The fields of `time` that these runs of digits are, from the first run on. A run is used whole:
/// as one field (`2026`) or as several (`20260713`).
fn read_fields(text: &str, runs: &[Range<usize>], time: DateTime) -> Vec<Range<usize>> {
    let mut fields = Vec::new();
    for run in runs {
        let known = fields.len();
        let mut at = run.start;
        for field in &Field::ALL[known..] {
            if at == run.end || !text[at..run.end].starts_with(&field.of(time)) {
                break;
            }
            fields.push(at..at + field.width());
            at += field.width();
        }
        if at != run.end {
            fields.truncate(known);
            break;
        }
    }
    fields
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
    let first = earliest_begin(window).and_then(|begin| first_local(begin, zone));
    let stop = window.until.and_then(|until| last_local(until, zone));
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

/// The earliest local time that any clock of the zone can have shown at or after an instant.
/// `None`: there is no such bound within the years that a key can name.
fn first_local(instant: Timestamp, zone: &TimeZone) -> Option<DateTime> {
    let instant = instant.checked_sub(limits::WINDOW_SLACK).unwrap_or(Timestamp::MIN);
    clocks(instant, zone).min().filter(|time| time.year() >= 0)
}

/// The latest local time that any clock of the zone can have shown before an instant. `None`:
/// there is no such bound within the years that a key can name (9999 itself is left out, so that
/// a successor of it is never needed).
fn last_local(instant: Timestamp, zone: &TimeZone) -> Option<DateTime> {
    let instant = instant.checked_add(limits::WINDOW_SLACK).unwrap_or(Timestamp::MAX);
    let latest = clocks(instant, zone).max().filter(|time| time.year() < 9999)?;
    Some(latest.max(DateTime::constant(0, 1, 1, 0, 0, 0, 0)))
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
