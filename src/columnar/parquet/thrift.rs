//! As much of Thrift's compact protocol as it takes to see, before anybody trusts them, how deep a
//! schema is nested and how large pages say they are.

use super::super::{Result, Trouble, damaged};
use crate::limits::COLUMNS_DEPTH_MAX;
use crate::outcome::GapReason;

/// Structures inside each other that are passed over. Those of Parquet are at most a few deep.
const NESTING_MAX: usize = 16;

/// What the header of a page says.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageHeader {
    pub(super) kind: i64,
    pub(super) inflated: i64,
    pub(super) stored: i64,
    pub(super) values: i64,
    pub(super) encoding: i64,
    /// Its own length, in bytes.
    pub(super) len: u64,
}

impl PageHeader {
    /// Reads a header. `None` where there is none, or where it is cut.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut header = Self::default();
        let mut compact = Compact { bytes, at: 0 };
        compact.structure(&mut |compact, field, kind| {
            let target = match field {
                1 => &mut header.kind,
                2 => &mut header.inflated,
                3 => &mut header.stored,
                // Data page, dictionary page, data page of version 2.
                5 | 7 | 8 => {
                    let encoding_field = if field == 8 { 4 } else { 2 };
                    return compact.inner(kind, &mut |compact, inner, kind| match inner {
                        1 => compact.integer(kind).map(|values| header.values = values),
                        _ if inner == encoding_field => {
                            compact.integer(kind).map(|encoding| header.encoding = encoding)
                        }
                        _ => compact.skip(kind, 0),
                    });
                }
                _ => return compact.skip(kind, 0),
            };
            compact.integer(kind).map(|value| *target = value)
        })?;
        header.len = compact.at as u64;
        Some(header)
    }
}

/// Looks at a whole footer: every length in it is kept, and no column is nested too deep.
pub(super) fn check_footer(bytes: &[u8]) -> Result<()> {
    let mut depth = Depth::default();
    let mut compact = Compact { bytes, at: 0 };
    let whole = compact.structure(&mut |compact, field, kind| match field {
        2 => compact.list(kind, &mut |compact, kind| {
            let mut children = 0;
            compact.inner(kind, &mut |compact, inner, kind| match inner {
                5 => compact.integer(kind).map(|count| children = count),
                _ => compact.skip(kind, 0),
            })?;
            depth.element(children);
            Some(())
        }),
        _ => compact.skip(kind, 0),
    });
    if depth.deepest > COLUMNS_DEPTH_MAX {
        return Err(Trouble::Refused(GapReason::TooLarge(format!(
            "parquet schema is nested more than {COLUMNS_DEPTH_MAX} deep"
        ))));
    }
    match whole {
        Some(()) => Ok(()),
        None => damaged("parquet footer is damaged: it is no Thrift"),
    }
}

/// How deep a schema is: its elements come in depth-first order, each with the number of its children.
#[derive(Debug, Default)]
struct Depth {
    open: Vec<i64>,
    deepest: usize,
}

impl Depth {
    fn element(&mut self, children: i64) {
        while self.open.last().is_some_and(|&left| left <= 0) {
            self.open.pop();
        }
        if let Some(left) = self.open.last_mut() {
            *left -= 1;
        }
        self.open.push(children);
        self.deepest = self.deepest.max(self.open.len());
        // No deeper need be known, however deep it goes on.
        self.open.truncate(COLUMNS_DEPTH_MAX + 1);
    }
}

/// Bytes of the compact protocol.
struct Compact<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Takes a field of a structure: its number and the kind of its value.
type Take<'f> = &'f mut dyn FnMut(&mut Compact<'_>, i64, u8) -> Option<()>;

const BOOLEANS: [u8; 2] = [1, 2];
const BYTE: u8 = 3;
const INTEGERS: [u8; 3] = [4, 5, 6];
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LISTS: [u8; 2] = [9, 10];
const MAP: u8 = 11;
const STRUCT: u8 = 12;
const UUID: u8 = 13;

impl Compact<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn pass(&mut self, count: u64) -> Option<()> {
        let end = self.at.checked_add(usize::try_from(count).ok()?)?;
        self.at = end;
        (end <= self.bytes.len()).then_some(())
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn integer(&mut self, kind: u8) -> Option<i64> {
        if !INTEGERS.contains(&kind) {
            return None;
        }
        let value = self.varint()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    fn structure(&mut self, take: Take<'_>) -> Option<()> {
        let mut field = 0_i64;
        loop {
            let head = self.byte()?;
            let (delta, kind) = (head >> 4, head & 0x0f);
            if kind == 0 {
                return Some(());
            }
            field = match delta {
                0 => self.integer(INTEGERS[0])?,
                delta => field.checked_add(delta.into())?,
            };
            take(self, field, kind)?;
        }
    }

    fn inner(&mut self, kind: u8, take: Take<'_>) -> Option<()> {
        if kind == STRUCT { self.structure(take) } else { None }
    }

    fn list(
        &mut self,
        kind: u8,
        take: &mut dyn FnMut(&mut Compact<'_>, u8) -> Option<()>,
    ) -> Option<()> {
        if !LISTS.contains(&kind) {
            return None;
        }
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.varint()?,
            count => count.into(),
        };
        for _ in 0..count {
            take(self, head & 0x0f)?;
        }
        Some(())
    }

    fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        match kind {
            _ if depth > NESTING_MAX => None,
            _ if BOOLEANS.contains(&kind) => Some(()),
            BYTE => self.pass(1),
            _ if INTEGERS.contains(&kind) => self.varint().map(|_| ()),
            DOUBLE => self.pass(8),
            BINARY => {
                let len = self.varint()?;
                self.pass(len)
            }
            _ if LISTS.contains(&kind) => self.list(kind, &mut |compact, kind| {
                // Only in a list has a boolean a byte of its own.
                if BOOLEANS.contains(&kind) {
                    compact.pass(1)
                } else {
                    compact.skip(kind, depth + 1)
                }
            }),
            MAP => self.skip_map(depth),
            STRUCT => self.structure(&mut |compact, _, kind| compact.skip(kind, depth + 1)),
            UUID => self.pass(16),
            _ => None,
        }
    }

    fn skip_map(&mut self, depth: usize) -> Option<()> {
        let count = self.varint()?;
        if count == 0 {
            return Some(());
        }
        let kinds = self.byte()?;
        for _ in 0..count {
            for kind in [kinds >> 4, kinds & 0x0f] {
                if BOOLEANS.contains(&kind) {
                    self.pass(1)?;
                } else {
                    self.skip(kind, depth + 1)?;
                }
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_header_says_what_stands_in_it() {
        // Kind 0, 6 bytes inflated, 8 stored, a data page of 3 values in encoding 8, statistics.
        let bytes =
            b"\x15\0\x15\x0c\x15\x10\x2c\x15\x06\x15\x10\x15\x06\x15\x06\x1c\x18\x01a\0\0\0rest";
        let header = PageHeader::read(bytes).unwrap();
        let expected =
            PageHeader { kind: 0, inflated: 6, stored: 8, values: 3, encoding: 8, len: 22 };
        assert_eq!(header, expected);
        for len in 0..22 {
            assert_eq!(PageHeader::read(&bytes[..len]), None, "{len}");
        }
    }

    #[test]
    fn a_schema_of_any_depth_is_measured() {
        let schema = |depth: usize| {
            // Version 1, then the schema; the form with a length of its own is always right.
            let mut footer = b"\x15\x02\x19\xfc".to_vec();
            let mut rest = depth as u64 + 1;
            while rest >= 0x80 {
                footer.push(u8::try_from(rest % 0x80).unwrap() | 0x80);
                rest /= 0x80;
            }
            footer.push(u8::try_from(rest).unwrap());
            footer.extend(b"\x48\x01g\x15\x02\0".repeat(depth));
            footer.extend(b"\x48\x01c\0\0");
            footer
        };
        assert!(check_footer(&schema(COLUMNS_DEPTH_MAX - 1)).is_ok());
        for depth in [COLUMNS_DEPTH_MAX, 500_000] {
            let refused = check_footer(&schema(depth));
            assert!(matches!(refused, Err(Trouble::Refused(_))), "{refused:?}");
        }
        let cut = &schema(3)[..12];
        assert!(matches!(check_footer(cut), Err(Trouble::Damaged(_))));
    }

    #[test]
    fn a_length_that_is_a_lie_ends_the_walk() {
        // A list of 2^35 structures that are not there.
        let lie = b"\x15\x02\x19\xfc\x80\x80\x80\x80\x80\x01";
        assert!(matches!(check_footer(lie), Err(Trouble::Damaged(_))));
        // Structures that are nested for ever.
        assert!(matches!(check_footer(&[0x3c; 100_000]), Err(Trouble::Damaged(_))));
    }
}
