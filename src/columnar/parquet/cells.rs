//! Arrow arrays as JSON: one writer for each column, which writes a row's value at a time.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type,
    Decimal256Type, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, StructArray};
use arrow_schema::{DataType, Fields, TimeUnit};

use super::super::{Result, text};
use crate::limits::RECORD_BYTES_MAX;
use crate::outcome::GapReason;

/// Writes the values of an array, nulls aside.
pub(super) trait Cells {
    fn write(&self, row: usize, out: &mut Vec<u8>);
}

/// An array and how it is written.
struct Column<'a> {
    array: &'a dyn Array,
    cells: Box<dyn Cells + 'a>,
}

impl Column<'_> {
    fn write(&self, row: usize, out: &mut Vec<u8>) {
        if self.array.is_null(row) {
            out.extend_from_slice(b"null");
        } else {
            self.cells.write(row, out);
        }
    }
}

/// Refuses a schema that has columns which are not written.
pub(super) fn check(fields: &Fields) -> Result<()> {
    for field in fields {
        if !is_known(field.data_type()) {
            let (name, kind) = (field.name(), field.data_type());
            let what = format!("parquet column {name} of type {kind}");
            return Err(GapReason::Unsupported(what).into());
        }
    }
    Ok(())
}

fn is_known(kind: &DataType) -> bool {
    match kind {
        DataType::Struct(fields) => fields.iter().all(|field| is_known(field.data_type())),
        DataType::List(item) => is_known(item.data_type()),
        DataType::Map(entries, _) => is_known(entries.data_type()),
        kind => {
            kind.is_numeric()
                || matches!(
                    kind,
                    DataType::Null
                        | DataType::Boolean
                        | DataType::Utf8View
                        | DataType::BinaryView
                        | DataType::FixedSizeBinary(_)
                        | DataType::Date32
                        | DataType::Date64
                        | DataType::Time32(_)
                        | DataType::Time64(_)
                        | DataType::Timestamp(..)
                )
        }
    }
}

/// The rows of a batch.
pub(super) fn of(batch: &StructArray) -> Result<Box<dyn Cells + '_>> {
    match members(batch) {
        Some(cells) => Ok(Box::new(cells)),
        None => Err(GapReason::Unsupported("parquet column of this type".into()).into()),
    }
}

fn column(array: &dyn Array) -> Option<Column<'_>> {
    Some(Column { array, cells: cells(array)? })
}

fn cells<'a>(array: &'a dyn Array) -> Option<Box<dyn Cells + 'a>> {
    Some(match array.data_type() {
        DataType::Null => values(array, |_, _, out| out.extend_from_slice(b"null")),
        DataType::Boolean => {
            values(array.as_boolean(), |values, row, out| text::plain(out, values.value(row)))
        }
        DataType::Int8 => number::<Int8Type>(array),
        DataType::Int16 => number::<Int16Type>(array),
        DataType::Int32 => number::<Int32Type>(array),
        DataType::Int64 => number::<Int64Type>(array),
        DataType::UInt8 => number::<UInt8Type>(array),
        DataType::UInt16 => number::<UInt16Type>(array),
        DataType::UInt32 => number::<UInt32Type>(array),
        DataType::UInt64 => number::<UInt64Type>(array),
        DataType::Float16 => {
            primitive::<Float16Type>(array, |out, value| text::float(out, value.to_f32()))
        }
        DataType::Float32 => primitive::<Float32Type>(array, text::float),
        DataType::Float64 => primitive::<Float64Type>(array, text::float),
        &DataType::Decimal32(_, scale) => decimal::<Decimal32Type>(array, scale),
        &DataType::Decimal64(_, scale) => decimal::<Decimal64Type>(array, scale),
        &DataType::Decimal128(_, scale) => decimal::<Decimal128Type>(array, scale),
        &DataType::Decimal256(_, scale) => decimal::<Decimal256Type>(array, scale),
        DataType::Utf8View => {
            values(array.as_string_view(), |values, row, out| text::string(out, values.value(row)))
        }
        DataType::BinaryView => {
            values(array.as_binary_view(), |values, row, out| text::binary(out, values.value(row)))
        }
        DataType::FixedSizeBinary(_) => values(array.as_fixed_size_binary(), |values, row, out| {
            text::binary(out, values.value(row))
        }),
        DataType::Struct(_) => Box::new(members(array.as_struct())?),
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            Box::new(List { offsets: list.value_offsets(), items: column(list.values())? })
        }
        DataType::Map(..) => {
            let map = array.as_map();
            let (keys, values) = (column(map.keys())?, column(map.values())?);
            Box::new(Map { offsets: map.value_offsets(), keys, values })
        }
        kind => return times(array, kind),
    })
}

fn times<'a>(array: &'a dyn Array, kind: &DataType) -> Option<Box<dyn Cells + 'a>> {
    const NANOS: i64 = 1_000_000_000;
    Some(match kind {
        DataType::Date32 => {
            primitive::<Date32Type>(array, |out, days| text::date(out, days.into()))
        }
        DataType::Date64 => primitive::<Date64Type>(array, |out, millis| {
            text::date(out, millis.div_euclid(86_400_000));
        }),
        DataType::Time32(TimeUnit::Second) => primitive::<Time32SecondType>(array, |out, value| {
            text::time(out, i64::from(value) * NANOS);
        }),
        DataType::Time32(_) => primitive::<Time32MillisecondType>(array, |out, value| {
            text::time(out, i64::from(value) * 1_000_000);
        }),
        DataType::Time64(TimeUnit::Microsecond) => {
            primitive::<Time64MicrosecondType>(array, |out, value| {
                text::time(out, value.saturating_mul(1_000));
            })
        }
        DataType::Time64(_) => primitive::<Time64NanosecondType>(array, text::time),
        DataType::Timestamp(unit, zone) => {
            let instant = zone.is_some();
            match unit {
                TimeUnit::Second => timestamp::<TimestampSecondType>(array, 1, instant),
                TimeUnit::Millisecond => {
                    timestamp::<TimestampMillisecondType>(array, 1_000, instant)
                }
                TimeUnit::Microsecond => {
                    timestamp::<TimestampMicrosecondType>(array, 1_000_000, instant)
                }
                TimeUnit::Nanosecond => timestamp::<TimestampNanosecondType>(array, NANOS, instant),
            }
        }
        _ => return None,
    })
}

/// An array and a function that writes one of its values.
struct Values<'a, A: ?Sized, W>(&'a A, W);

impl<A: ?Sized, W: Fn(&A, usize, &mut Vec<u8>)> Cells for Values<'_, A, W> {
    fn write(&self, row: usize, out: &mut Vec<u8>) {
        (self.1)(self.0, row, out);
    }
}

fn values<'a, A: ?Sized>(
    array: &'a A,
    write: impl Fn(&A, usize, &mut Vec<u8>) + 'a,
) -> Box<dyn Cells + 'a> {
    Box::new(Values(array, write))
}

fn primitive<'a, T: ArrowPrimitiveType>(
    array: &'a dyn Array,
    write: impl Fn(&mut Vec<u8>, T::Native) + 'a,
) -> Box<dyn Cells + 'a> {
    values(array.as_primitive::<T>(), move |values, row, out| write(out, values.value(row)))
}

fn number<'a, T: ArrowPrimitiveType>(array: &'a dyn Array) -> Box<dyn Cells + 'a>
where
    T::Native: std::fmt::Display,
{
    primitive::<T>(array, text::plain)
}

fn decimal<'a, T: ArrowPrimitiveType>(array: &'a dyn Array, scale: i8) -> Box<dyn Cells + 'a>
where
    T::Native: ToString,
{
    primitive::<T>(array, move |out, value| text::decimal(out, &value.to_string(), scale.into()))
}

/// Of ticks since 1970, so many a second.
fn timestamp<'a, T: ArrowPrimitiveType<Native = i64>>(
    array: &'a dyn Array,
    ticks: i64,
    instant: bool,
) -> Box<dyn Cells + 'a> {
    primitive::<T>(array, move |out, value| {
        let nanos = value.rem_euclid(ticks) * (1_000_000_000 / ticks);
        text::timestamp(out, value.div_euclid(ticks), nanos, instant);
    })
}

/// A structure: its members that are not null.
struct Members<'a>(Vec<(Vec<u8>, Column<'a>)>);

fn members(array: &StructArray) -> Option<Members<'_>> {
    let named = array.fields().iter().zip(array.columns());
    let members = named.map(|(field, array)| {
        let mut name = Vec::new();
        text::string(&mut name, field.name());
        name.push(b':');
        Some((name, column(array)?))
    });
    members.collect::<Option<_>>().map(Members)
}

impl Cells for Members<'_> {
    fn write(&self, row: usize, out: &mut Vec<u8>) {
        let mut before = b'{';
        for (name, column) in &self.0 {
            if column.array.is_null(row) || column.array.data_type() == &DataType::Null {
                continue;
            }
            out.push(before);
            before = b',';
            out.extend_from_slice(name);
            column.write(row, out);
            if out.len() > FULL {
                break;
            }
        }
        if before == b'{' {
            out.push(b'{');
        }
        out.push(b'}');
    }
}

/// Behind so much text a row is too large, and the rest of it is not written. What was written before
/// the row is less than a record.
const FULL: usize = 2 * RECORD_BYTES_MAX;

struct List<'a> {
    offsets: &'a [i32],
    items: Column<'a>,
}

impl Cells for List<'_> {
    fn write(&self, row: usize, out: &mut Vec<u8>) {
        out.push(b'[');
        for at in range(self.offsets, row) {
            if at > range(self.offsets, row).start {
                out.push(b',');
            }
            self.items.write(at, out);
            if out.len() > FULL {
                break;
            }
        }
        out.push(b']');
    }
}

struct Map<'a> {
    offsets: &'a [i32],
    keys: Column<'a>,
    values: Column<'a>,
}

impl Cells for Map<'_> {
    fn write(&self, row: usize, out: &mut Vec<u8>) {
        let mut before = b'{';
        for at in range(self.offsets, row) {
            out.push(before);
            before = b',';
            let start = out.len();
            self.keys.write(at, out);
            text::quote_from(out, start);
            out.push(b':');
            self.values.write(at, out);
            if out.len() > FULL {
                break;
            }
        }
        if before == b'{' {
            out.push(b'{');
        }
        out.push(b'}');
    }
}

fn range(offsets: &[i32], row: usize) -> std::ops::Range<usize> {
    let at = |row: usize| usize::try_from(offsets[row]).unwrap_or(0);
    at(row)..at(row + 1)
}
