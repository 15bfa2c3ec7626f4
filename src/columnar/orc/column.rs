//! A column of a stripe and its children: the next value as JSON.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::super::{Result, check_row, damaged, text};
use super::runs::{Bits, Bytes, Integers, zigzag_wide};
use super::stream::Stream;
use crate::limits::RECORD_BYTES_MAX;

/// A column.
#[derive(Debug)]
pub(super) struct Column {
    /// Which values are there; without it all are.
    pub(super) present: Option<Bits>,
    pub(super) values: Values,
}

/// What a column holds.
#[derive(Debug)]
pub(super) enum Values {
    Boolean(Bits),
    Byte(Bytes),
    Integer(Integers),
    Float(Stream),
    Double(Stream),
    Text {
        data: Stream,
        lens: Integers,
    },
    Dictionary {
        entries: Integers,
        dictionary: Dictionary,
    },
    Binary {
        data: Stream,
        lens: Integers,
    },
    Timestamp {
        seconds: Integers,
        nanos: Integers,
        clock: Clock,
    },
    Date(Integers),
    Decimal {
        digits: Stream,
        scales: Integers,
    },
    /// The names are JSON already, with the colon.
    Struct(Vec<(Vec<u8>, Column)>),
    List {
        lens: Integers,
        items: Box<Column>,
    },
    Map {
        lens: Integers,
        keys: Box<Column>,
        values: Box<Column>,
    },
    Union {
        tags: Bytes,
        variants: Vec<Column>,
    },
}

/// Text that values are entries of.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    pub(super) text: Vec<u8>,
    /// Where each entry ends.
    pub(super) ends: Vec<u32>,
}

impl Dictionary {
    fn entry(&self, number: usize) -> Option<&str> {
        let end = *self.ends.get(number)?;
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        let bytes = self.text.get(start.try_into().ok()?..end.try_into().ok()?)?;
        std::str::from_utf8(bytes).ok()
    }
}

/// The year from which ORC counts seconds.
const EPOCH_YEAR: i16 = 2015;

/// How the seconds of a column become a time.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    zone: TimeZone,
    /// When that year began in the zone, in seconds since 1970.
    epoch: i64,
    instant: bool,
}

impl Clock {
    /// Seconds are those of an instant.
    pub(super) fn instant() -> Result<Self> {
        Ok(Self { instant: true, ..Self::local(TimeZone::UTC)? })
    }

    /// Seconds are those that a clock in this zone showed.
    pub(super) fn local(zone: TimeZone) -> Result<Self> {
        let year = jiff::civil::date(EPOCH_YEAR, 1, 1).at(0, 0, 0, 0);
        let Ok(epoch) = zone.to_timestamp(year) else {
            return damaged("a zone without a year 2015");
        };
        Ok(Self { zone, epoch: epoch.as_second(), instant: false })
    }

    fn write(&self, seconds: i64, mut nanos: i64, out: &mut Vec<u8>) {
        let mut seconds = seconds.saturating_add(self.epoch);
        // Before 1970 writers count seconds upwards, and the fraction with them, or (Arrow) against
        // them, as a negative one.
        if nanos < 0 || (seconds < 0 && nanos > 999_999) {
            seconds = seconds.saturating_sub(1);
            nanos = nanos.rem_euclid(NANOS);
        }
        // Where the calendar ends, so do the rules of zones.
        let offset = Timestamp::from_second(seconds)
            .map_or(0, |instant| self.zone.to_offset(instant).seconds());
        text::timestamp(out, seconds.saturating_add(offset.into()), nanos, self.instant);
    }
}

const NANOS: i64 = 1_000_000_000;

/// The fraction of a second. The last three bits are the number of decimal zeros at its end, less one.
fn fraction(value: i64) -> Result<i64> {
    let zeros = match value & 7 {
        0 => 0,
        less => u32::try_from(less + 1).unwrap_or(0),
    };
    let nanos = (value >> 3).saturating_mul(10_i64.pow(zeros));
    if nanos.unsigned_abs() < NANOS.unsigned_abs() {
        return Ok(nanos);
    }
    damaged("a fraction of more than a second")
}

impl Column {
    /// Whether the next value is null; asked once for each value.
    pub(super) fn is_null(&mut self) -> Result<bool> {
        self.present.as_mut().map_or(Ok(false), |present| Ok(!present.next()?))
    }

    fn write_or_null(&mut self, out: &mut Vec<u8>) -> Result<()> {
        if self.is_null()? {
            out.extend_from_slice(b"null");
            return Ok(());
        }
        self.values.write(out)
    }
}

impl Values {
    /// Writes the next value, which is not null.
    pub(super) fn write(&mut self, out: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::Boolean(bits) => text::plain(out, bits.next()?),
            Self::Byte(bytes) => text::plain(out, bytes.next()?.cast_signed()),
            Self::Integer(integers) => text::plain(out, integers.next()?),
            Self::Float(data) => text::float(out, f32::from_le_bytes(data.array()?)),
            Self::Double(data) => text::float(out, f64::from_le_bytes(data.array()?)),
            Self::Text { data, lens } => {
                let bytes = blob(data, lens)?;
                match std::str::from_utf8(&bytes) {
                    Ok(value) => text::string(out, value),
                    Err(_) => return damaged(NO_TEXT),
                }
            }
            Self::Dictionary { entries, dictionary } => {
                match dictionary.entry(entries.next_len()?) {
                    Some(value) => text::string(out, value),
                    None => return damaged("an entry that its dictionary does not have"),
                }
            }
            Self::Binary { data, lens } => text::binary(out, &blob(data, lens)?),
            Self::Timestamp { seconds, nanos, clock } => {
                clock.write(seconds.next()?, fraction(nanos.next()?)?, out);
            }
            Self::Date(days) => text::date(out, days.next()?),
            Self::Decimal { digits, scales } => {
                let value = zigzag_wide(digits.varint()?);
                let scale = scales.next()?;
                if scale.unsigned_abs() > DECIMAL_SCALE_MAX {
                    return damaged("a decimal of a scale that no decimal has");
                }
                text::decimal(out, &value.to_string(), scale);
            }
            Self::Struct(members) => return structure(members, out),
            Self::List { lens, items } => return list(lens.next_len()?, items, out),
            Self::Map { lens, keys, values } => return map(lens.next_len()?, keys, values, out),
            Self::Union { tags, variants } => {
                let tag = usize::from(tags.next()?);
                match variants.get_mut(tag) {
                    Some(variant) => return variant.write_or_null(out),
                    None => return damaged("a variant that its union does not have"),
                }
            }
        }
        Ok(())
    }
}

const NO_TEXT: &str = "a string is not UTF-8";

/// Digits behind the point; decimals have 38 digits.
const DECIMAL_SCALE_MAX: u64 = 38;

fn blob(data: &mut Stream, lens: &mut Integers) -> Result<Vec<u8>> {
    let len = lens.next_len()?;
    check_row(len)?;
    let mut bytes = Vec::new();
    data.take(len, &mut bytes)?;
    Ok(bytes)
}

/// Refuses to go on with a row when there is more text than a row and what was made before it.
fn check(out: &[u8]) -> Result<()> {
    if out.len() > 2 * RECORD_BYTES_MAX { check_row(out.len()) } else { Ok(()) }
}

fn structure(members: &mut [(Vec<u8>, Column)], out: &mut Vec<u8>) -> Result<()> {
    let mut before = b'{';
    for (name, column) in members {
        if column.is_null()? {
            continue;
        }
        out.push(before);
        before = b',';
        out.extend_from_slice(name);
        column.values.write(out)?;
        check(out)?;
    }
    if before == b'{' {
        out.push(b'{');
    }
    out.push(b'}');
    Ok(())
}

fn list(len: usize, items: &mut Column, out: &mut Vec<u8>) -> Result<()> {
    out.push(b'[');
    for number in 0..len {
        if number > 0 {
            out.push(b',');
        }
        items.write_or_null(out)?;
        check(out)?;
    }
    out.push(b']');
    Ok(())
}

fn map(len: usize, keys: &mut Column, values: &mut Column, out: &mut Vec<u8>) -> Result<()> {
    out.push(b'{');
    for number in 0..len {
        if number > 0 {
            out.push(b',');
        }
        let start = out.len();
        keys.write_or_null(out)?;
        text::quote_from(out, start);
        out.push(b':');
        values.write_or_null(out)?;
        check(out)?;
    }
    out.push(b'}');
    Ok(())
}
