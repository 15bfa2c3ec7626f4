//! Where values end, and nothing else: the walk for records that are matched with what was checked.
//!
//! Of a block it knows quotes, backslashes and brackets. What is in a string and what is escaped is
//! read as JSON has it; brackets are counted without a look at their kind, and what stands between
//! them inside a value is not read. Between values only blanks may stand.

use super::masks::{BLOCK, Escapes, Kernel, within};
use super::pass::{BYTES_AT_ONCE, Ends, Halt, Pass, Piece, Stop};

/// So many closing brackets are looked at without a look at how many there are.
const CLOSING_AT_ONCE: usize = 4;

/// What is known from the blocks before.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bounds {
    /// All ones inside a string.
    in_string: u64,
    escapes: Escapes,
    /// There were backslashes in this run.
    escaping: u64,
    /// How many brackets are open.
    depth: u64,
}

/// The brackets of a block outside strings.
#[derive(Clone, Copy)]
struct Brackets {
    open: u64,
    close: u64,
}

impl Pass for Bounds {
    #[inline(always)]
    fn run<K: Kernel>(mut self, kernel: K, piece: Piece<'_>, ends: &mut Ends) -> Stop<Self> {
        let (window, mut at) = (piece.window, piece.from);
        let mut upto = window.len().min(at + BYTES_AT_ONCE);
        self.escaping = 0;
        loop {
            let mut next;
            (self, at, next) = self.flat_blocks(kernel, &window[..upto], at, ends);
            while let Some((_, brackets)) = next
                && brackets.stay_above(self.depth)
            {
                self.depth = brackets.depth_behind(self.depth);
                at += BLOCK;
                next = self.next(kernel, &window[..upto], at);
            }
            if let Some((block, brackets)) = next {
                if let Err(amiss) = self.count(kernel, block, brackets, at, ends) {
                    return Stop::Unsure(amiss + 1);
                }
                at += BLOCK;
            } else if upto < window.len() && ends.known().is_empty() {
                upto = window.len().min(upto + BYTES_AT_ONCE);
            } else if upto < window.len() || ends.room().is_full() {
                return Stop::Enough(self.halt(at, piece, ends));
            } else {
                let halted = self;
                let (mut block, rest) = ([b' '; BLOCK], &window[at..]);
                block[..rest.len()].copy_from_slice(rest);
                let brackets = self.brackets(kernel, &block);
                return match self.count(kernel, &block, brackets, at, ends) {
                    Err(amiss) => Stop::Unsure(amiss + 1),
                    Ok(()) => Stop::End(halted.halt(at, piece, ends)),
                };
            }
        }
    }
}

impl Bounds {
    /// The brackets of the next block.
    #[inline(always)]
    fn brackets<K: Kernel>(&mut self, kernel: K, block: &[u8; BLOCK]) -> Brackets {
        let outlines = kernel.outlines(block);
        // Whoever escapes once does it often: from then on the branch is always taken, up to the next run.
        let escaped = match outlines.backslash | self.escapes.carried() | self.escaping {
            0 => 0,
            _ => {
                self.escaping = 1;
                self.escapes.step(outlines.backslash)
            }
        };
        let quote = outlines.quote & !escaped;
        let inside = kernel.parity(quote) ^ self.in_string;
        self.in_string = (inside >> 63).wrapping_neg();
        Brackets { open: outlines.open & !inside, close: outlines.close & !inside }
    }

    /// The next block, if there is a whole one, and its brackets.
    #[inline(always)]
    fn next<'w, K: Kernel>(
        &mut self,
        kernel: K,
        window: &'w [u8],
        at: usize,
    ) -> Option<(&'w [u8; BLOCK], Brackets)> {
        let block = window[at..].first_chunk()?;
        Some((block, self.brackets(kernel, block)))
    }

    /// Takes blocks as long as values are flat. Then the next one, if there is a whole one and room for ends.
    #[inline(always)]
    fn flat_blocks<'w, K: Kernel>(
        mut self,
        kernel: K,
        window: &'w [u8],
        mut at: usize,
        ends: &mut Ends,
    ) -> (Self, usize, Option<(&'w [u8; BLOCK], Brackets)>) {
        let mut room = ends.room();
        while !room.is_full()
            && let Some((block, brackets)) = self.next(kernel, window, at)
        {
            let Some(within) = brackets.flat(self.depth) else {
                return (self, at, Some((block, brackets)));
            };
            let between = !(within | brackets.close);
            if between != 0 && between & !kernel.blank(block) != 0 {
                return (self, at, Some((block, brackets)));
            }
            self.depth = within >> 63;
            room.add(brackets.close, at);
            at += BLOCK;
        }
        (self, at, None)
    }

    /// Takes the brackets of the block at `at`, one that closes after another. Where something stands between
    /// values that is no blank, if there is such a place.
    #[inline(always)]
    fn count<K: Kernel>(
        &mut self,
        kernel: K,
        block: &[u8; BLOCK],
        brackets: Brackets,
        at: usize,
        ends: &mut Ends,
    ) -> Result<(), usize> {
        let Brackets { open, close } = brackets;
        let known = ends.known().len();
        let mut between = if self.depth == 0 { below_first(open) } else { 0 };
        let (mut left, mut closed) = (close, 0);
        while left != 0 {
            let bit = left & left.wrapping_neg();
            left ^= bit;
            closed += 1;
            let opened = self.depth + u64::from((open & (bit - 1)).count_ones());
            if opened < closed {
                // It closes nothing, and stands between values itself.
                break;
            }
            if opened == closed {
                ends.room().push(at + bit.trailing_zeros() as usize + 1);
                let behind = !(bit | (bit - 1));
                between |= below_first(open & behind) & behind;
            }
        }
        let amiss = between & !kernel.blank(block);
        if amiss == 0 {
            self.depth = brackets.depth_behind(self.depth);
            return Ok(());
        }
        let amiss = at + amiss.trailing_zeros() as usize;
        let right = ends.known()[known..].partition_point(|&end| end <= amiss);
        ends.truncate(known + right);
        Err(amiss)
    }

    /// To go on from `at`.
    #[inline(always)]
    fn halt(self, at: usize, piece: Piece<'_>, ends: &Ends) -> Halt<Self> {
        Halt { pass: self, start: piece.behind(ends), from: at }
    }
}

impl Brackets {
    /// Where values are open, if these brackets open and close in turns and nothing is open around what they
    /// open: then each that closes ends a value.
    #[inline(always)]
    fn flat(self, depth: u64) -> Option<u64> {
        let within = within(self.open, self.close, depth);
        (depth <= 1 && within & (self.open | self.close) == self.open).then_some(within)
    }

    /// Whether behind each of them something is open that was open before.
    #[inline(always)]
    fn stay_above(self, depth: u64) -> bool {
        u64::from(self.close.count_ones()) < depth || self.fall() < depth
    }

    /// By how much depth falls at most below what it is at the block's beginning, or more.
    #[inline(always)]
    fn fall(self) -> u64 {
        let (mut left, mut fall) = (self.close, 0);
        for _ in 0..CLOSING_AT_ONCE {
            // Up to the first that is left; everything if there is none.
            let upto = left ^ left.wrapping_sub(1);
            let closed = i64::from((self.close & upto).count_ones());
            fall = fall.max(closed - i64::from((self.open & upto).count_ones()));
            left &= left.wrapping_sub(1);
        }
        fall.cast_unsigned() + u64::from(left.count_ones())
    }

    #[inline(always)]
    fn depth_behind(self, depth: u64) -> u64 {
        depth + u64::from(self.open.count_ones()) - u64::from(self.close.count_ones())
    }
}

/// The bits below the first that is set; all where none is.
#[inline(always)]
fn below_first(bits: u64) -> u64 {
    (bits & bits.wrapping_neg()).wrapping_sub(1)
}
