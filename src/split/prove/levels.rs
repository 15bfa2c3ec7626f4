//! What brackets say: where an object is innermost, where nothing is open, and where values end.

use super::masks::{Kernel, within};
use super::pass::Room;

/// Brackets inside one another that are kept. Deeper values are left to the byte scanner.
pub(super) const DEPTH_MAX: u32 = 63;

/// The open brackets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Levels {
    /// The innermost lowest, set for an object; above the outermost a bit that shows where they end.
    open: u64,
}

impl Default for Levels {
    fn default() -> Self {
        Self { open: 1 }
    }
}

/// The brackets of a block, outside strings.
#[derive(Clone, Copy)]
pub(super) struct Brackets {
    pub(super) open: u64,
    pub(super) close: u64,
    /// Set for those of objects, and not only for brackets.
    pub(super) curly: u64,
}

/// What they say of each position.
pub(super) struct Inner {
    /// The innermost bracket is an object's. Of positions where nothing is open it says nothing.
    pub(super) object: u64,
    /// Nothing is open. What opens there counts as well.
    pub(super) top: u64,
    pub(super) wrong: u64,
}

impl Levels {
    /// Takes the brackets of the block at `at`, and adds where values end.
    #[inline(always)]
    pub(super) fn step<K: Kernel>(
        &mut self,
        kernel: K,
        brackets: Brackets,
        at: usize,
        ends: &mut Room<'_>,
    ) -> Inner {
        match self.flat(brackets) {
            Some(inner) => {
                ends.add(brackets.close, at);
                inner
            }
            None => self.nested(kernel, brackets, at, ends),
        }
    }

    /// Without a look at single brackets, where objects follow each other and nothing is open inside them:
    /// then every other bracket opens.
    #[inline(always)]
    fn flat(&mut self, brackets: Brackets) -> Option<Inner> {
        let Brackets { open, close, curly } = brackets;
        let inside = self.open >> 1;
        let upto = within(open, close, inside);
        let nested = (open | close) & !curly | (open | close) & upto ^ open;
        if nested != 0 || !matches!(self.open, 1 | 0b11) {
            return None;
        }
        self.open = upto >> 63 << 1 | 1;
        let object = upto << 1 | inside;
        Some(Inner { object, top: !object, wrong: 0 })
    }

    /// Goes through the brackets. What is wrong is rare, and looked for afterwards: whatever is added behind the
    /// first wrong one means nothing, and who asked leaves it out.
    #[inline(always)]
    fn nested<K: Kernel>(
        &mut self,
        kernel: K,
        brackets: Brackets,
        at: usize,
        ends: &mut Room<'_>,
    ) -> Inner {
        let Brackets { open, close, curly } = brackets;
        let mut left = open | close;
        let mut levels = self.open;
        let mut top = if levels == 1 { upto_first(left) } else { 0 };
        // Where what is innermost becomes an object, or is none any more.
        let mut changes = levels & 1;
        let mut wrong = u64::from(levels.leading_zeros() < open.count_ones());
        while left != 0 {
            let bit = left & left.wrapping_neg();
            left &= left.wrapping_sub(1);
            let is_object = u64::from(curly & bit != 0);
            let closes = close & bit != 0;
            wrong |= (levels ^ is_object) & u64::from(closes);
            let next = if closes { levels >> 1 } else { levels << 1 | is_object };
            changes |= bit << 1 & ((next ^ levels) & 1).wrapping_neg();
            if next <= 1 {
                wrong |= next ^ 1;
                ends.push(at + bit.trailing_zeros() as usize + 1);
                top |= upto_first(left) & !upto_first(bit);
            }
            levels = next;
        }
        let wrong = if wrong & 1 == 0 { 0 } else { self.first_wrong(brackets) };
        self.open = levels;
        Inner { object: kernel.parity(changes), top, wrong }
    }

    /// The first bracket that closes what is not open, or is too deep.
    #[cold]
    fn first_wrong(&self, brackets: Brackets) -> u64 {
        let Brackets { open, close, curly } = brackets;
        let mut left = open | close;
        let mut levels = self.open;
        while left != 0 {
            let bit = left & left.wrapping_neg();
            left ^= bit;
            let is_object = u64::from(curly & bit != 0);
            if open & bit != 0 {
                if levels >> DEPTH_MAX == 1 {
                    return bit;
                }
                levels = levels << 1 | is_object;
            } else {
                if levels == 1 || levels & 1 != is_object {
                    return bit;
                }
                levels >>= 1;
            }
        }
        0
    }
}

/// The bits up to the first that is set, and that one; all where none is.
#[inline(always)]
fn upto_first(bits: u64) -> u64 {
    bits ^ bits.wrapping_sub(1)
}
