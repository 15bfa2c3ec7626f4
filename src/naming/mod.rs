//! Firehose's key grammar: parse a key, infer how a prefix tells time, turn a window into ranges
//! of keys; and the other way round: evaluate a prefix, name an object.
//!
//! A key is read from its right end. The delivery stream's name may hold `-`, `.` and digits
//! (`DeliveryStreamName`: `[a-zA-Z0-9_.-]+`) and a prefix may be glued to it without a `/`, so
//! nothing on the left can be relied on; the time, what follows it and the version before it can.

pub mod layout;
mod pattern;
pub mod prefix;
pub mod scheme;
mod told;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::decode::Encoding;
use crate::limits;
use crate::plan::Window;

/// Length of `yyyy-MM-dd-HH-mm-ss`.
const TIME_LEN: usize = 19;
/// Length of a UUID in its usual spelling, 8-4-4-4-12.
const UUID_LEN: usize = 36;
/// `FileExtension` of `ExtendedS3DestinationConfiguration` is at most so many characters.
const EXTENSION_LEN_MAX: usize = 128;

/// An object key as Firehose writes it:
/// `<prefix><delivery stream>-<version>-<yyyy>-<MM>-<dd>-<HH>-<mm>-<ss>-<uuid><extension>`
/// ("Amazon S3 object name format", Amazon Data Firehose developer guide).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyName {
    /// Everything before the delivery stream's name, up to and including the last `/`.
    pub prefix: String,
    /// Name of the delivery stream. Where a prefix that does not end with `/` stands before it, the
    /// two cannot be told apart.
    pub delivery_stream: String,
    /// Version of the delivery stream's configuration; it starts at 1.
    pub version: u64,
    /// Arrival of the oldest record in the object, to the second, in the delivery stream's time
    /// zone.
    pub arrival: DateTime,
    /// What makes the key unique: a UUID, or in keys of older deliveries another string.
    pub tail: String,
    /// File extension with its dot; empty where there is none.
    pub extension: String,
}

/// Reads a key. `None`: Firehose does not write such keys.
///
/// Of several readings, one whose tail is a UUID is preferred, then the rightmost. Without a UUID
/// the tail is what older texts call the "RandomString": letters, digits and hyphens.
pub fn parse(key: &str) -> Option<KeyName> {
    let name_at = key.rfind('/').map_or(0, |slash| slash + 1);
    let (prefix, name) = key.split_at(name_at);
    let mut other = None;
    let mut end = name.len();
    while let Some(hyphen) = name[..end].rfind('-') {
        end = hyphen;
        let Some(found) = Suffix::at(name, hyphen) else { continue };
        if found.uuid {
            return Some(found.into_key_name(prefix));
        }
        other = other.or(Some(found));
    }
    other.map(|found| found.into_key_name(prefix))
}

/// One reading of an object's name.
struct Suffix<'a> {
    delivery_stream: &'a str,
    version: u64,
    arrival: DateTime,
    tail: &'a str,
    extension: &'a str,
    uuid: bool,
}

impl<'a> Suffix<'a> {
    /// Reads the name with the time right after this hyphen.
    fn at(name: &'a str, hyphen: usize) -> Option<Self> {
        let after = name.get(hyphen + 1..)?;
        let arrival = time(after.as_bytes())?;
        let tail = after.get(TIME_LEN..)?.strip_prefix('-')?;
        let (delivery_stream, version) = name[..hyphen].rsplit_once('-')?;
        if delivery_stream.is_empty() || !version.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let version = version.parse().ok()?;
        let (tail, extension, uuid) = split_tail(tail)?;
        Some(Self { delivery_stream, version, arrival, tail, extension, uuid })
    }

    fn into_key_name(self, prefix: &str) -> KeyName {
        KeyName {
            prefix: prefix.to_owned(),
            delivery_stream: self.delivery_stream.to_owned(),
            version: self.version,
            arrival: self.arrival,
            tail: self.tail.to_owned(),
            extension: self.extension.to_owned(),
        }
    }
}

/// `yyyy-MM-dd-HH-mm-ss` at the start of `bytes`, if that is a date and a time.
fn time(bytes: &[u8]) -> Option<DateTime> {
    let bytes = bytes.get(..TIME_LEN)?;
    let hyphens = [4, 7, 10, 13, 16];
    if hyphens.iter().any(|&at| bytes[at] != b'-') {
        return None;
    }
    let two = |at: usize| -> Option<i8> {
        let (high, low) = (bytes[at], bytes[at + 1]);
        let digits = high.is_ascii_digit() && low.is_ascii_digit();
        digits.then(|| i8::try_from((high - b'0') * 10 + (low - b'0')).ok())?
    };
    let year = i16::from(two(0)?) * 100 + i16::from(two(2)?);
    DateTime::new(year, two(5)?, two(8)?, two(11)?, two(14)?, two(17)?, 0).ok()
}

/// What follows the time: the tail, the extension, and whether the tail is a UUID.
fn split_tail(text: &str) -> Option<(&str, &str, bool)> {
    let (tail, extension) = text.split_at(text.find('.').unwrap_or(text.len()));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let known = !tail.is_empty() && tail.bytes().all(plain) && is_extension(extension);
    known.then(|| (tail, extension, is_uuid(tail)))
}

/// `FileExtension`: `^$|\.[0-9a-z!\-_.*'()]+`.
fn is_extension(text: &str) -> bool {
    let allowed = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!-_.*'()".contains(&byte)
    };
    text.is_empty() || (2..=EXTENSION_LEN_MAX).contains(&text.len()) && text.bytes().all(allowed)
}

/// A UUID as Firehose spells it: lower-case, 8-4-4-4-12.
fn is_uuid(text: &str) -> bool {
    text.len() == UUID_LEN
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        })
}

impl KeyName {
    /// The instant of `arrival` in a zone. A local time that a change of clocks repeats is taken
    /// as the earlier of the two, one that it skips as the instant after: as far behind the change
    /// as the clock that was not put forward would show it. `None` where the calendar ends.
    pub fn arrived(&self, zone: &TimeZone) -> Option<Timestamp> {
        zone.to_ambiguous_timestamp(self.arrival).compatible().ok()
    }
}

/// What a key's extension says about the encoding. A hint only: both Snappy formats are stored as
/// `.snappy`, a custom `FileExtension` says nothing, and gzip is found without any extension.
pub fn suggested_encoding(key: &str) -> Option<Encoding> {
    let (_, last) = key.rsplit('/').next()?.rsplit_once('.')?;
    match last {
        "gz" | "gzip" => Some(Encoding::Gzip),
        "zip" => Some(Encoding::Zip),
        "snappy" => Some(Encoding::SnappyJava),
        "hsnappy" => Some(Encoding::HadoopSnappy),
        "zst" | "zstd" => Some(Encoding::Zstd),
        "parquet" => Some(Encoding::Parquet),
        "orc" => Some(Encoding::Orc),
        _ => None,
    }
}

/// Whether an object can hold records that arrived in the window, by the time in its key.
///
/// That time is the arrival of the oldest record, so records of the window may be in objects that
/// were begun up to a buffering time (and some slack) before it, and in none begun after it. A
/// local time that two instants share counts for both.
pub fn in_window(name: &KeyName, window: &Window, zone: &TimeZone) -> bool {
    let local = zone.to_ambiguous_timestamp(name.arrival);
    let (Ok(earlier), Ok(later)) = (local.earlier(), local.later()) else {
        return window.is_open();
    };
    earliest_begin(window).is_none_or(|begin| later >= begin)
        && window.until.is_none_or(|until| earlier < until)
}

/// When the oldest object that can hold records of the window was begun at the earliest.
fn earliest_begin(window: &Window) -> Option<Timestamp> {
    let before = limits::BUFFERING_MAX + limits::WINDOW_SLACK;
    window.since.map(|since| since.checked_sub(before).unwrap_or(Timestamp::MIN))
}

/// The name of an object as Firehose makes it, without its prefix. `arrival` is that of the oldest
/// record; `extension` has its dot or is empty.
pub fn object_name(
    delivery_stream: &str,
    version: u64,
    arrival: Timestamp,
    zone: &TimeZone,
    uuid: &str,
    extension: &str,
) -> String {
    let time = zone.to_datetime(arrival);
    format!(
        "{delivery_stream}-{version}-{:04}-{:02}-{:02}-{:02}-{:02}-{:02}-{uuid}{extension}",
        time.year(),
        time.month(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
    )
}

#[cfg(test)]
mod tests;
