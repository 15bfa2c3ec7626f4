//! Text to time: instants of a window, durations.

use std::time::Duration;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

use super::usage;
use crate::error::{Error, Result};

/// When simulated records begin to arrive, unless somebody says otherwise: always the same time, so
/// that the same seed gives the same bytes.
pub(super) fn start() -> Timestamp {
    Timestamp::constant(1_683_189_021, 0)
}

/// An instant: a timestamp, a local date or time in the zone, or how long ago.
pub(super) fn instant(
    option: &str,
    text: &str,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<Timestamp> {
    parse_instant(text.trim(), now, zone).ok_or_else(|| {
        usage(format!("{option} {text:?} is no time"))
            .hint("write 2023-05-04T08:30:00Z, 2023-05-04, or how long ago: 30m, 2h, 1d")
    })
}

fn parse_instant(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    if text == "now" {
        return Some(now);
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp);
    }
    let local = match text.parse::<Date>() {
        Ok(date) if text.len() == "2023-05-04".len() => Some(date.at(0, 0, 0, 0)),
        _ => text.parse::<DateTime>().ok().filter(|_| text.contains(['T', ' '])),
    };
    if let Some(local) = local {
        return zone.to_timestamp(local).ok();
    }
    // Days are those of the zone: where clocks change, a day ago is the same time of day.
    let span = positive(text)?;
    now.to_zoned_datetime(zone.clone()).checked_sub(span).ok().map(|zoned| zoned.timestamp())
}

/// A span such as `2h`, `1d` or `1h30m`: it begins with a digit and goes forward.
fn positive(text: &str) -> Option<Span> {
    let begins = text.starts_with(|first: char| first.is_ascii_digit());
    text.parse::<Span>().ok().filter(|span| begins && span.is_positive())
}

/// A length of time: `300s`, `5m`, or seconds.
pub(super) fn duration(option: &str, text: &str) -> Result<Duration> {
    parse_duration(text.trim()).ok_or_else(|| bad_duration(option, text))
}

fn parse_duration(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    text.parse::<SignedDuration>().ok().and_then(|duration| duration.try_into().ok())
}

fn bad_duration(option: &str, text: &str) -> Error {
    usage(format!("{option} {text:?} is no length of time")).hint("write 60s, 5m or 15m")
}
