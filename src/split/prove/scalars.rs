//! Numbers and words: a few of them one by one, many of them 64 positions at once.

use super::super::grammar::{Scan, number};
use super::masks::{BLOCK, HEAD, Kernel, Numbers};

/// So many in a block are looked at one by one.
const FEW: u32 = 4;

/// What may stand behind them.
const BEHIND: [bool; 256] = {
    let mut behind = [false; 256];
    let (all, mut at) = (b",}] \n\r\t", 0);
    while at < all.len() {
        behind[all[at] as usize] = true;
        at += 1;
    }
    behind
};

/// Where something is amiss in the block at `at`, of which `all` are the bytes of numbers and words, and `starts`
/// their first ones. One that begins before the block was looked at there. One that the window's end cuts is right
/// only if it is looked at `again`.
#[inline(always)]
pub(super) fn amiss<K: Kernel>(
    kernel: K,
    block: &[u8; BLOCK],
    all: u64,
    starts: u64,
    window: &[u8],
    at: usize,
    again: bool,
) -> u64 {
    if starts.count_ones() <= FEW {
        return amiss_in_few(kernel, starts, window, at, again);
    }
    amiss_in_many(kernel, block, all, starts, window, at, again)
}

#[inline(always)]
fn amiss_in_few<K: Kernel>(
    kernel: K,
    mut starts: u64,
    window: &[u8],
    at: usize,
    again: bool,
) -> u64 {
    let mut wrong = 0;
    while starts != 0 {
        let bit = first_of(starts);
        starts ^= bit;
        if !is_right(kernel, window, at + bit.trailing_zeros() as usize, again) {
            wrong |= bit;
        }
    }
    wrong
}

#[inline(never)]
fn amiss_in_many<K: Kernel>(
    kernel: K,
    block: &[u8; BLOCK],
    all: u64,
    starts: u64,
    window: &[u8],
    at: usize,
    again: bool,
) -> u64 {
    let Numbers { digit, zero, minus, dot } = kernel.numbers(block);

    // What reaches over an edge of the block has its start alone looked at, in the block that has it.
    let before = below(all.trailing_ones()) & !(starts & 1).wrapping_neg();
    let beyond = !below(u64::BITS - all.leading_ones());
    let mut plain = all & !before & !beyond;
    let mut alone = starts & beyond;
    let mut others = plain & !(digit | minus | dot);
    while others != 0 {
        let first = first_of(others);
        let start = last_of(starts & (first | (first - 1)));
        alone |= start;
        // An addition carries to the position behind it, which is no scalar's.
        let end = first_of((plain + start) & !plain);
        let inside = (end - 1) & !(start - 1);
        plain &= !inside;
        others &= !inside;
    }
    let wrong = amiss_in_few(kernel, alone, window, at, again);

    let start = starts & plain;
    let (digit, minus, dot) = (digit & plain, minus & plain, dot & plain);
    let leading = digit & (start | minus << 1);
    // Behind the digits of a fraction, to which an addition carries, there is no other dot.
    let fraction_end = (dot << 1).wrapping_add(digit) & !digit;
    wrong
        | minus & !start
        | (minus | dot) << 1 & !digit
        | dot & !(digit << 1)
        | (zero & leading) << 1 & digit
        | dot & fraction_end
}

/// Whether a number or a word begins at `position` and ends before something else.
#[inline(always)]
fn is_right<K: Kernel>(kernel: K, window: &[u8], position: usize, again: bool) -> bool {
    let Some(head) = window[position..].first_chunk() else {
        return is_right_bytewise(window, position, again);
    };
    let number = Head { head, digits: u64::from(kernel.digits(head)) };
    number.is_decimal() || number.is_other() || is_right_bytewise(window, position, again)
}

/// The first bytes of a number or a word.
#[derive(Clone, Copy)]
struct Head<'a> {
    head: &'a [u8; HEAD],
    /// Which are digits, one bit a byte.
    digits: u64,
}

impl Head<'_> {
    /// Whether it is a number without an exponent, and over.
    #[inline(always)]
    fn is_decimal(self) -> bool {
        let (whole, end) = self.whole();
        let end = self.fraction(end);
        self.is_over(end) & whole
    }

    /// Whether it is a word or a number with an exponent, and over.
    #[inline(never)]
    fn is_other(self) -> bool {
        match self.head.first_chunk() {
            Some(b"true" | b"null") => return self.is_over(4),
            Some(b"fals") if self.head[4] == b'e' => return self.is_over(5),
            _ => {}
        }
        let (whole, end) = self.whole();
        let end = self.fraction(end);
        if !whole || self.byte(end) | 0x20 != b'e' {
            return false;
        }
        let sign = usize::from(matches!(self.byte(end + 1), b'+' | b'-'));
        let power = self.digits_from(end + 1 + sign);
        power > 0 && self.is_over(end + 1 + sign + power)
    }

    /// Whether it begins with a whole number, and where that ends.
    #[inline(always)]
    fn whole(self) -> (bool, usize) {
        let minus = usize::from(self.head[0] == b'-');
        let digits = self.digits_from(minus);
        let leading_zero = (digits > 1) & (self.head[minus] == b'0');
        ((digits > 0) & !leading_zero, minus + digits)
    }

    /// Where the fraction ends that begins at `at`, if there is one; past everything if it has no digits.
    #[inline(always)]
    fn fraction(self, at: usize) -> usize {
        if self.byte(at) != b'.' {
            return at;
        }
        match self.digits_from(at + 1) {
            0 => HEAD,
            digits => at + 1 + digits,
        }
    }

    /// How many digits follow each other from `at` on. Past the end there is none.
    #[inline(always)]
    fn digits_from(self, at: usize) -> usize {
        (self.digits >> at).trailing_ones() as usize
    }

    /// The byte at `at`. Past the end it is one of the first, which are no dot and no `e` where a number is whole.
    #[inline(always)]
    fn byte(self, at: usize) -> u8 {
        self.head[at % HEAD]
    }

    #[inline(always)]
    fn is_over(self, at: usize) -> bool {
        (at < HEAD) & BEHIND[usize::from(self.byte(at))]
    }
}

/// The dull twin, for what is long or cut.
#[inline(never)]
fn is_right_bytewise(window: &[u8], position: usize, again: bool) -> bool {
    let rest = &window[position..];
    let is_over = |end: usize| rest.get(end).map_or(again, |&byte| BEHIND[usize::from(byte)]);
    let word: &[u8] = match rest[0] {
        b't' => b"true",
        b'f' => b"false",
        b'n' => b"null",
        b'-' | b'0'..=b'9' => {
            return match number(rest, 0) {
                Ok(end) => is_over(end),
                Err(Scan::Incomplete) => again,
                Err(_) => false,
            };
        }
        _ => return false,
    };
    match rest.get(..word.len()) {
        Some(there) => there == word && is_over(word.len()),
        None => again && word.starts_with(rest),
    }
}

/// The bits of so many first positions.
#[inline(always)]
fn below(count: u32) -> u64 {
    1u64.checked_shl(count).map_or(u64::MAX, |bit| bit - 1)
}

/// The first bit that is set.
#[inline(always)]
fn first_of(bits: u64) -> u64 {
    bits & bits.wrapping_neg()
}

/// The last bit that is set, of at least one.
#[inline(always)]
fn last_of(bits: u64) -> u64 {
    1 << 63 >> bits.leading_zeros()
}
