//! What a kernel says of 64 bytes: one bit a byte, the first byte in the lowest bit.

/// Bytes that are looked at together: one bit each in a word.
pub(super) const BLOCK: usize = 64;

/// Bytes at the beginning of a number that are looked at together.
pub(super) const HEAD: usize = 32;

/// Which bytes of a block show where strings begin and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Strings {
    pub(super) quote: u64,
    pub(super) backslash: u64,
}

/// Which bytes of a block are what outside strings, wherever they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Masks {
    pub(super) comma: u64,
    pub(super) colon: u64,
    /// `{` and `[`.
    pub(super) open: u64,
    /// `}` and `]`.
    pub(super) close: u64,
    /// Of brackets, those of objects. Of other bytes it says nothing.
    pub(super) curly: u64,
    /// What JSON calls whitespace.
    pub(super) blank: u64,
}

/// Which bytes of a block are what in numbers, wherever they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) digit: u64,
    pub(super) zero: u64,
    pub(super) minus: u64,
    pub(super) dot: u64,
}

/// Which bytes of a block can be escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Escapable {
    /// `"`, `\\`, `/`, `b`, `f`, `n`, `r`, `t`.
    pub(super) alone: u64,
    /// `u`, with four digits behind it.
    pub(super) u: u64,
}

/// Which bytes of a block show where values begin and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outlines {
    pub(super) quote: u64,
    pub(super) backslash: u64,
    /// `{` and `[`.
    pub(super) open: u64,
    /// `}` and `]`.
    pub(super) close: u64,
}

/// A way to come to the masks.
pub(super) trait Kernel: Copy {
    /// Quotes and backslashes.
    fn strings(self, block: &[u8; BLOCK]) -> Strings;
    /// What is below 0x20, and what is not ASCII.
    fn unusual(self, block: &[u8; BLOCK]) -> u64;
    /// What is not ASCII.
    fn non_ascii(self, block: &[u8; BLOCK]) -> u64;
    /// What stands between strings, but for numbers and words.
    fn masks(self, block: &[u8; BLOCK]) -> Masks;
    /// What numbers are made of.
    fn numbers(self, block: &[u8; BLOCK]) -> Numbers;
    /// What of the first bytes of a number are digits.
    fn digits(self, head: &[u8; HEAD]) -> u32;
    /// What of a block can be escaped.
    fn escapable(self, block: &[u8; BLOCK]) -> Escapable;
    /// Hexadecimal digits.
    fn hex_digits(self, block: &[u8; BLOCK]) -> u64;
    /// What shows where values begin and end, for whoever needs no more.
    fn outlines(self, block: &[u8; BLOCK]) -> Outlines;
    /// What JSON calls whitespace.
    fn blank(self, block: &[u8; BLOCK]) -> u64;
    /// For each bit the parity of the bits up to it.
    fn parity(self, bits: u64) -> u64;
}

/// What backslashes escape, from block to block.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Escapes {
    /// Set where the next block's first byte is escaped.
    next: u64,
}

impl Escapes {
    /// Whether the next block's first byte is escaped.
    #[inline(always)]
    pub(super) fn carried(self) -> u64 {
        self.next
    }

    /// The bytes of the next block that are escaped. Of backslashes in a row the first, third and so on
    /// escape what follows. The difference of odd positions and the first backslash of a row changes,
    /// along the row, those at whose parity the row began.
    #[inline(always)]
    pub(super) fn step(&mut self, backslash: u64) -> u64 {
        const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;
        let row = backslash & !self.next;
        let marked = (row << 1 | ODD).wrapping_sub(row) ^ ODD;
        let escaped = marked ^ (backslash | self.next);
        self.next = (marked & backslash) >> 63;
        escaped
    }
}

/// From each bit that opens to before the one that closes, all ones; `inside` is 1 where what closes first was
/// opened before the block, and else 0. Where two open or close in a row, and only there, a bit that opens is not
/// among them or one that closes is: a difference of bits borrows from one to the other.
#[inline(always)]
pub(super) fn within(open: u64, close: u64, inside: u64) -> u64 {
    close.wrapping_sub(open).wrapping_sub(inside)
}
