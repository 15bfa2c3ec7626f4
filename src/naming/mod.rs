//! Firehose's key grammar: parse a key, infer how a prefix tells time, turn a window into ranges
//! of keys.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

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

impl KeyName {
    /// The instant of `arrival` in a zone. A local time that a change of clocks repeats is taken
    /// as the earlier of the two, one that it skips as the instant after.
    pub fn arrived(&self, zone: &TimeZone) -> Option<Timestamp> {
        let _ = zone;
        None
    }
}
