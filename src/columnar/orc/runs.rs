//! Run lengths, as ORC encodes bytes, bits and integers (versions 1 and 2), a value at a time.

use super::super::{Result, damaged};
use super::stream::Stream;

/// Bytes in runs.
#[derive(Debug)]
pub(super) struct Bytes {
    stream: Stream,
    left: u16,
    repeated: Option<u8>,
}

impl Bytes {
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream, left: 0, repeated: None }
    }

    pub(super) fn next(&mut self) -> Result<u8> {
        if self.left == 0 {
            let control = self.stream.byte()?;
            if control < 0x80 {
                self.left = u16::from(control) + 3;
                self.repeated = Some(self.stream.byte()?);
            } else {
                self.left = 0x100 - u16::from(control);
                self.repeated = None;
            }
        }
        self.left -= 1;
        match self.repeated {
            Some(byte) => Ok(byte),
            None => self.stream.byte(),
        }
    }
}

/// Bits, the highest of a byte first.
#[derive(Debug)]
pub(super) struct Bits {
    bytes: Bytes,
    byte: u8,
    left: u8,
}

impl Bits {
    pub(super) fn new(stream: Stream) -> Self {
        Self { bytes: Bytes::new(stream), byte: 0, left: 0 }
    }

    pub(super) fn next(&mut self) -> Result<bool> {
        if self.left == 0 {
            (self.byte, self.left) = (self.bytes.next()?, 8);
        }
        self.left -= 1;
        Ok(self.byte >> self.left & 1 == 1)
    }
}

/// Integers in runs; those without a sign are given as their bits.
#[derive(Debug)]
pub(super) struct Integers {
    stream: Stream,
    version: Version,
    signed: bool,
    run: Vec<i64>,
    at: usize,
}

/// How runs of integers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Two,
}

impl Integers {
    pub(super) fn new(stream: Stream, version: Version, signed: bool) -> Self {
        Self { stream, version, signed, run: Vec::new(), at: 0 }
    }

    pub(super) fn next(&mut self) -> Result<i64> {
        if self.at == self.run.len() {
            self.run.clear();
            self.at = 0;
            match self.version {
                Version::One => self.fill_one()?,
                Version::Two => self.fill_two()?,
            }
        }
        self.at += 1;
        match self.run.get(self.at - 1) {
            Some(&value) => Ok(value),
            None => damaged("a run without a value"),
        }
    }

    /// The next one, as a length.
    pub(super) fn next_len(&mut self) -> Result<usize> {
        let bits = self.next()?.cast_unsigned();
        usize::try_from(bits).or_else(|_| damaged("a length beyond all memory"))
    }

    fn varint(&mut self, signed: bool) -> Result<i64> {
        let Ok(bits) = u64::try_from(self.stream.varint()?) else {
            return damaged("an integer of more than 64 bits");
        };
        Ok(if signed { zigzag(bits) } else { bits.cast_signed() })
    }

    fn fill_one(&mut self) -> Result<()> {
        let control = self.stream.byte()?;
        if control < 0x80 {
            let delta = i64::from(self.stream.byte()?.cast_signed());
            let base = self.varint(self.signed)?;
            let values = (0..i64::from(control) + 3).map(|n| base.wrapping_add(n * delta));
            self.run.extend(values);
        } else {
            for _ in 0..0x100 - u16::from(control) {
                let value = self.varint(self.signed)?;
                self.run.push(value);
            }
        }
        Ok(())
    }

    fn fill_two(&mut self) -> Result<()> {
        let head = self.stream.byte()?;
        match head >> 6 {
            0 => self.short_repeat(head),
            1 => self.direct(head),
            2 => self.patched_base(head),
            _ => self.delta(head),
        }
    }

    fn short_repeat(&mut self, head: u8) -> Result<()> {
        let mut bits = 0;
        for _ in 0..=(head >> 3 & 7) {
            bits = bits << 8 | u64::from(self.stream.byte()?);
        }
        let value = self.value(bits);
        self.run.extend(std::iter::repeat_n(value, usize::from(head & 7) + 3));
        Ok(())
    }

    fn direct(&mut self, head: u8) -> Result<()> {
        let (width, count) = (width(head >> 1 & 0x1f), self.count(head)?);
        let mut packed = Packed::new(width);
        for _ in 0..count {
            let bits = packed.next(&mut self.stream)?;
            let value = self.value(bits);
            self.run.push(value);
        }
        Ok(())
    }

    /// Values above a base; a few of them are patched with the bits that are too many for the rest.
    fn patched_base(&mut self, head: u8) -> Result<()> {
        let (value_width, count) = (width(head >> 1 & 0x1f), self.count(head)?);
        let [third, fourth] = self.stream.array()?;
        let (base_bytes, patch_width) = (third >> 5, width(third & 0x1f));
        let (gap_width, patches) = (u32::from(fourth >> 5) + 1, fourth & 0x1f);
        let mut base = 0_u64;
        for _ in 0..=base_bytes {
            base = base << 8 | u64::from(self.stream.byte()?);
        }
        // Not two's complement: the highest bit says that it is negative.
        let sign = 1_u64 << (8 * u32::from(base_bytes) + 7);
        let magnitude = (base & !sign).cast_signed();
        let base = if base & sign == 0 { magnitude } else { -magnitude };
        let mut packed = Packed::new(value_width);
        for _ in 0..count {
            let bits = packed.next(&mut self.stream)?;
            self.run.push(bits.cast_signed());
        }
        if patch_width + gap_width > 64 {
            return damaged("a patch of more than 64 bits");
        }
        let mut packed = Packed::new(closest_width(patch_width + gap_width));
        let mut at = 0;
        for _ in 0..patches {
            let entry = packed.next(&mut self.stream)?;
            let patch = if patch_width == 64 { entry } else { entry & ((1 << patch_width) - 1) };
            at +=
                usize::try_from(entry.checked_shr(patch_width).unwrap_or(0)).unwrap_or(usize::MAX);
            let Some(value) = self.run.get_mut(at) else {
                return damaged("a patch behind the end of its run");
            };
            *value |= patch.checked_shl(value_width).unwrap_or(0).cast_signed();
        }
        self.run.iter_mut().for_each(|value| *value = value.wrapping_add(base));
        Ok(())
    }

    fn delta(&mut self, head: u8) -> Result<()> {
        let width = match head >> 1 & 0x1f {
            0 => 0,
            code => width(code),
        };
        let count = self.count(head)?;
        let mut value = self.varint(self.signed)?;
        let first = self.varint(true)?;
        self.run.push(value);
        let mut packed = Packed::new(width);
        for number in 1..count {
            let step = match (number, width) {
                (1, _) | (_, 0) => first,
                _ => {
                    let step = packed.next(&mut self.stream)?.cast_signed();
                    if first < 0 { step.wrapping_neg() } else { step }
                }
            };
            value = value.wrapping_add(step);
            self.run.push(value);
        }
        Ok(())
    }

    fn count(&mut self, head: u8) -> Result<u16> {
        Ok((u16::from(head & 1) << 8 | u16::from(self.stream.byte()?)) + 1)
    }

    fn value(&self, bits: u64) -> i64 {
        if self.signed { zigzag(bits) } else { bits.cast_signed() }
    }
}

/// Numbers of a fixed width, the highest bit first.
struct Packed {
    width: u32,
    bits: u128,
    have: u32,
}

impl Packed {
    fn new(width: u32) -> Self {
        Self { width, bits: 0, have: 0 }
    }

    fn next(&mut self, stream: &mut Stream) -> Result<u64> {
        while self.have < self.width {
            self.bits = self.bits << 8 | u128::from(stream.byte()?);
            self.have += 8;
        }
        self.have -= self.width;
        let value = self.bits >> self.have & ((1 << self.width) - 1);
        self.bits &= (1 << self.have) - 1;
        Ok(u64::try_from(value).expect("at most 64 bits are kept"))
    }
}

/// The width in bits that a code stands for.
fn width(code: u8) -> u32 {
    match code {
        0..=23 => u32::from(code) + 1,
        24 => 26,
        25 => 28,
        26 => 30,
        27 => 32,
        28 => 40,
        29 => 48,
        30 => 56,
        _ => 64,
    }
}

/// The smallest such width that holds so many bits.
fn closest_width(bits: u32) -> u32 {
    (0..=31).map(width).find(|&width| width >= bits).unwrap_or(64)
}

fn zigzag(bits: u64) -> i64 {
    (bits >> 1).cast_signed() ^ -(bits & 1).cast_signed()
}

/// A number of up to 128 bits, with its sign.
pub(super) fn zigzag_wide(bits: u128) -> i128 {
    (bits >> 1).cast_signed() ^ -(bits & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::stream::Codec;
    use super::*;
    use crate::source::Body;

    fn stream(bytes: &[u8]) -> Stream {
        let body = Arc::new(Body::from_bytes(bytes.to_vec()).into_pieces().unwrap());
        Stream::new(&body, Codec::new(0, 0).unwrap(), 0, bytes.len() as u64)
    }

    fn integers(bytes: &[u8], version: Version, signed: bool) -> Vec<i64> {
        let mut integers = Integers::new(stream(bytes), version, signed);
        std::iter::from_fn(|| integers.next().ok()).collect()
    }

    /// The examples of the ORC specification.
    #[test]
    fn integers_are_what_the_specification_says() {
        use Version::{One, Two};
        assert_eq!(integers(&[0x61, 0x00, 0x07], One, false), [7; 100]);
        let down: Vec<i64> = (1..=100).rev().collect();
        assert_eq!(integers(&[0x61, 0xff, 0x64], One, false), down);
        assert_eq!(integers(&[0xfb, 2, 3, 4, 7, 0xb], One, false), [2, 3, 4, 7, 11]);
        assert_eq!(integers(&[0x0a, 0x27, 0x10], Two, false), [10000; 5]);
        let direct = [0x5e, 0x03, 0x5c, 0xa1, 0xab, 0x1e, 0xde, 0xad, 0xbe, 0xef];
        assert_eq!(integers(&direct, Two, false), [23713, 43806, 57005, 48879]);
        let delta = [0xc6, 0x09, 0x02, 0x02, 0x22, 0x42, 0x42, 0x46];
        assert_eq!(integers(&delta, Two, false), [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]);
        let patched = [
            0x8e, 0x13, 0x2b, 0x21, 0x07, 0xd0, 0x1e, 0x00, 0x14, 0x70, 0x28, 0x32, 0x3c, 0x46,
            0x50, 0x5a, 0x64, 0x6e, 0x78, 0x82, 0x8c, 0x96, 0xa0, 0xaa, 0xb4, 0xbe, 0xfc, 0xe8,
        ];
        let mut expected: Vec<i64> = (2030..=2190).step_by(10).collect();
        expected.splice(1..1, [2000, 2020, 1_000_000]);
        assert_eq!(integers(&patched, Two, false), expected[..20]);
    }

    #[test]
    fn bytes_and_bits_are_what_the_specification_says() {
        let mut bytes = Bytes::new(stream(&[0x61, 0x00, 0xfe, 0x44, 0x45]));
        let all: Vec<u8> = std::iter::from_fn(|| bytes.next().ok()).collect();
        assert_eq!(all, [vec![0; 100], vec![0x44, 0x45]].concat());
        let mut bits = Bits::new(stream(&[0xff, 0x80]));
        let all: Vec<bool> = std::iter::from_fn(|| bits.next().ok()).collect();
        assert_eq!(all, [true, false, false, false, false, false, false, false]);
    }
}
