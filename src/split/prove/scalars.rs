//! Numbers and words in the masks of a block: plain numbers 64 positions at once, the others by
//! themselves.

use super::super::grammar::number;
use super::masks::{BLOCK, Masks};

/// What is known from the blocks before; each bit is at the next block's first position.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Scalars {
    /// Behind any byte of a scalar.
    scalar: u64,
    /// What was read by itself goes on here.
    read: u64,
    digit: u64,
    minus: u64,
    /// Behind a zero with which a number begins.
    leading_zero: u64,
    dot: u64,
    /// Behind a dot and the digits after it.
    fraction: u64,
}

/// The position behind, and what to carry on.
#[inline(always)]
fn behind(bits: u64, carried: &mut u64) -> u64 {
    let next = bits << 1 | *carried;
    *carried = bits >> 63;
    next
}

impl Scalars {
    /// Whether a scalar reached the end of the last block.
    #[inline(always)]
    pub(super) fn goes_on(&self) -> u64 {
        self.scalar
    }

    /// Takes the block at `at`: `scalar` are the bytes of scalars, `start` the first byte of each. Where
    /// something is amiss.
    #[inline(always)]
    pub(super) fn step(
        &mut self,
        masks: &Masks,
        scalar: u64,
        start: u64,
        window: &[u8],
        at: usize,
    ) -> u64 {
        self.scalar = scalar >> 63;
        let mut read = self.read;
        self.read = 0;
        let mut wrong = 0;
        let others = scalar & !(masks.digit | masks.minus | masks.dot | read);
        if others != 0 {
            wrong = self.read_others(others, start, &mut read, window, at);
        }
        let plain = scalar & !read;
        let start = start & plain;
        let (digit, minus, dot) = (masks.digit & plain, masks.minus & plain, masks.dot & plain);

        let signed = behind(minus, &mut self.minus);
        wrong |= minus & !start | dot & start;
        wrong |= signed & !(digit | read);
        let leading = digit & (start | signed);
        wrong |= behind(masks.zero & leading, &mut self.leading_zero) & digit;
        wrong |= dot & !behind(digit, &mut self.digit);
        let decimal = behind(dot, &mut self.dot);
        wrong |= decimal & !(digit | read);
        // Behind the digits of a fraction, to which an addition carries, there is no other dot.
        let (sum, carried) = (dot << 1 | self.fraction).overflowing_add(digit);
        self.fraction = dot >> 63 | u64::from(carried);
        wrong | sum & !digit & dot
    }

    /// Reads what has other bytes than plain numbers have: words, and numbers with exponents. They are
    /// added to `read`.
    #[inline(never)]
    fn read_others(
        &mut self,
        others: u64,
        start: u64,
        read: &mut u64,
        window: &[u8],
        at: usize,
    ) -> u64 {
        let mut left = others;
        while left != 0 {
            let bit = left & left.wrapping_neg();
            let position = at + bit.trailing_zeros() as usize;
            let is_word = start & bit != 0;
            let Some((begin, end)) = whole(window, position, is_word) else { return bit };
            if end - at > 2 * BLOCK {
                return bit;
            }
            let bits = below(end - at) & !below(begin.saturating_sub(at));
            *read |= bits;
            self.read = below((end - at).saturating_sub(BLOCK));
            left &= !bits;
        }
        0
    }
}

/// The bits of so many first positions.
#[inline(always)]
fn below(count: usize) -> u64 {
    if count >= BLOCK { u64::MAX } else { (1 << count) - 1 }
}

/// Where the word that begins at a position begins and ends, or the number that has it inside.
fn whole(window: &[u8], position: usize, is_word: bool) -> Option<(usize, usize)> {
    let (begin, end) = if is_word {
        let end = match window[position..].first_chunk()? {
            b"true" | b"null" => position + 4,
            b"fals" if window.get(position + 4) == Some(&b'e') => position + 5,
            _ => return None,
        };
        (position, end)
    } else {
        let of_number = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.');
        let before = window[..position].iter().rev().take_while(of_number).count();
        let begin = position - before;
        if !matches!(window[begin], b'-' | b'0'..=b'9') {
            return None;
        }
        (begin, number(window, begin).ok()?)
    };
    let is_over =
        matches!(window.get(end), Some(b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t'));
    (is_over && end > position).then_some((begin, end))
}
