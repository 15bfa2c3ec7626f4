//! As much of protobuf's encoding as an aggregate takes: numbers, and bytes of a known length.

use super::Damage;

/// Wire types ("Encoding", Protocol Buffers documentation); groups are of no proto2 message that is
/// read here.
const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const LENGTH: u64 = 2;
const FIXED_32: u64 = 5;

/// Bits of a tag that hold the wire type.
const TYPE_BITS: u32 = 3;

/// Largest number of a field.
const FIELD_MAX: u64 = (1 << 29) - 1;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// A number of any kind.
    Number(u64),
    /// Bytes, text or a message.
    Bytes(&'a [u8]),
    /// What no field that is read here has.
    Other,
}

/// The fields of a message, each with its number. It ends behind the first one that is damaged.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn of(message: &'a [u8]) -> Self {
        Self(message)
    }

    /// Passes over one field, and says how long it is.
    pub(super) fn pass(&mut self) -> Option<usize> {
        let before = self.0.len();
        self.field()?;
        Some(before - self.0.len())
    }

    fn field(&mut self) -> Option<(u64, Value<'a>)> {
        let tag = self.varint()?;
        let (field, kind) = (tag >> TYPE_BITS, tag & ((1 << TYPE_BITS) - 1));
        if field == 0 || field > FIELD_MAX {
            return None;
        }
        let value = match kind {
            VARINT => Value::Number(self.varint()?),
            FIXED_64 => self.take(8).map(|_| Value::Other)?,
            FIXED_32 => self.take(4).map(|_| Value::Other)?,
            LENGTH => {
                let length = usize::try_from(self.varint()?).ok()?;
                Value::Bytes(self.take(length)?)
            }
            _ => return None,
        };
        Some((field, value))
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = *self.take(1)?.first()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return None;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>), Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field().ok_or(Damage::Protobuf);
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

/// Writes a field that holds a number.
pub(super) fn number(field: u64, number: u64, out: &mut Vec<u8>) {
    varint(field << TYPE_BITS | VARINT, out);
    varint(number, out);
}

/// Writes a field that holds bytes.
pub(super) fn bytes(field: u64, bytes: &[u8], out: &mut Vec<u8>) {
    varint(field << TYPE_BITS | LENGTH, out);
    varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}
