//! What a kernel says of 64 bytes: one bit a byte, the first byte in the lowest bit.

/// Bytes that are looked at together: one bit each in a word.
pub(super) const BLOCK: usize = 64;

/// Which bytes of a block are what, inside strings and outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Masks {
    pub(super) quote: u64,
    pub(super) backslash: u64,
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
    /// Below 0x20.
    pub(super) control: u64,
    pub(super) non_ascii: u64,
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
    /// The masks of a block.
    fn masks(self, block: &[u8; BLOCK]) -> Masks;
    /// Fewer of them, for whoever needs no more.
    fn outlines(self, block: &[u8; BLOCK]) -> Outlines;
    /// What JSON calls whitespace.
    fn blank(self, block: &[u8; BLOCK]) -> u64;
    /// What of a block can be escaped.
    fn escapable(self, block: &[u8; BLOCK]) -> Escapable;
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
