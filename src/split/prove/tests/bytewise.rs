//! The kernel that looks at one byte after another: the dull twin of the others.

use super::super::masks::{BLOCK, Escapable, HEAD, Kernel, Masks, Numbers, Outlines, Strings};

/// The kernel that looks at one byte after another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bytewise;

impl Kernel for Bytewise {
    fn strings(self, block: &[u8; BLOCK]) -> Strings {
        Strings {
            quote: of(block, |byte| byte == b'"'),
            backslash: of(block, |byte| byte == b'\\'),
        }
    }

    fn unusual(self, block: &[u8; BLOCK]) -> u64 {
        of(block, |byte| !(0x20..0x80).contains(&byte))
    }

    fn non_ascii(self, block: &[u8; BLOCK]) -> u64 {
        of(block, |byte| byte >= 0x80)
    }

    fn masks(self, block: &[u8; BLOCK]) -> Masks {
        Masks {
            comma: of(block, |byte| byte == b','),
            colon: of(block, |byte| byte == b':'),
            open: of(block, |byte| matches!(byte, b'{' | b'[')),
            close: of(block, |byte| matches!(byte, b'}' | b']')),
            curly: of(block, |byte| matches!(byte, b'{' | b'}')),
            blank: self.blank(block),
        }
    }

    fn numbers(self, block: &[u8; BLOCK]) -> Numbers {
        Numbers {
            digit: of(block, |byte| byte.is_ascii_digit()),
            zero: of(block, |byte| byte == b'0'),
            minus: of(block, |byte| byte == b'-'),
            dot: of(block, |byte| byte == b'.'),
        }
    }

    fn digits(self, head: &[u8; HEAD]) -> u32 {
        u32::try_from(of(head, |byte| byte.is_ascii_digit())).unwrap()
    }

    fn escapable(self, block: &[u8; BLOCK]) -> Escapable {
        Escapable {
            alone: of(block, |byte| br#""\/bfnrt"#.contains(&byte)),
            u: of(block, |byte| byte == b'u'),
        }
    }

    fn hex_digits(self, block: &[u8; BLOCK]) -> u64 {
        of(block, |byte| byte.is_ascii_hexdigit())
    }

    fn outlines(self, block: &[u8; BLOCK]) -> Outlines {
        let Strings { quote, backslash } = self.strings(block);
        let Masks { open, close, .. } = self.masks(block);
        Outlines { quote, backslash, open, close }
    }

    fn blank(self, block: &[u8; BLOCK]) -> u64 {
        of(block, |byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
    }

    fn parity(self, bits: u64) -> u64 {
        let below = |at: u32| bits & (u64::MAX >> (63 - at));
        word((0..64).map(|at| below(at).count_ones() % 2 == 1))
    }
}

/// Where bytes are of a kind.
fn of(bytes: &[u8], is: fn(u8) -> bool) -> u64 {
    word(bytes.iter().map(|&byte| is(byte)))
}

fn word(bits: impl Iterator<Item = bool>) -> u64 {
    bits.enumerate().fold(0, |word, (at, bit)| word | u64::from(bit) << at)
}
