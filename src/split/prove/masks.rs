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

/// A way to come to the masks.
pub(super) trait Kernel: Copy {
    /// The masks of a block.
    fn masks(self, block: &[u8; BLOCK]) -> Masks;
    /// What of a block can be escaped.
    fn escapable(self, block: &[u8; BLOCK]) -> Escapable;
    /// For each bit the parity of the bits up to it.
    fn parity(self, bits: u64) -> u64;
}
