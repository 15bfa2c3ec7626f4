//! The grammar of JSON over the masks of one block after another, without a look at single bytes.
//!
//! A token is allowed or not by the one before it: behind the comma of an object stands a key, behind a
//! key a colon, behind a value a comma or a closing bracket. So the question is, for each kind of token,
//! where the next one begins, and an addition carries there from all of them at once. What is due there
//! is compared with what is there. What the brackets say is in [`super::levels`], what numbers and words
//! are in [`super::scalars`].

use super::levels::{Brackets, Levels};
use super::masks::{BLOCK, Escapes, Kernel};
use super::pass::{BYTES_AT_ONCE, Ends, Halt, Pass, Piece, Room, Stop};
use super::scalars;

/// What is known from the blocks before. Bits that stand for a position are at the next block's first.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Walk {
    /// All ones inside a string.
    in_string: u64,
    escapes: Escapes,
    /// Where hexadecimal digits are due.
    hex_due: u64,
    /// There were backslashes in this run.
    escaping: u64,
    /// What is not ASCII, in the blocks since the last value ended.
    non_ascii: u64,
    /// Behind any byte of a scalar.
    in_scalar: u64,
    levels: Levels,
    /// Behind what begins a member or an element: an opening bracket or a comma.
    begins: Behind,
    /// Behind what nothing may close: a comma or a colon.
    goes_on: Behind,
    key: Behind,
}

/// The last token was one of those asked for.
#[derive(Debug, Clone, Copy, Default)]
struct Behind(u64);

impl Behind {
    /// The beginnings of tokens right behind these `tokens`; `others` is what begins no token, and what an
    /// addition carries over. Tokens are of one byte, or only the first byte of them is given.
    #[inline(always)]
    fn next(&mut self, tokens: u64, others: u64) -> u64 {
        let through = tokens | others;
        let sum = through.wrapping_add(tokens).wrapping_add(self.0);
        self.0 = (tokens | through & !sum) >> 63;
        sum & !others
    }
}

/// Part of a window: 64 bytes of it, or what is left with blanks behind it.
#[derive(Clone, Copy)]
struct Step<'a> {
    block: &'a [u8; BLOCK],
    window: &'a [u8],
    at: usize,
    /// What it holds is looked at again with what comes behind the window.
    again: bool,
}

impl Pass for Walk {
    /// Adds the end of each value that is proven.
    #[inline(always)]
    fn run<K: Kernel>(mut self, kernel: K, piece: Piece<'_>, ends: &mut Ends) -> Stop<Self> {
        let window = piece.window;
        let (mut at, mut upto) = (piece.from, piece.from);
        self.escaping = 0;
        loop {
            upto = window.len().min(upto + BYTES_AT_ONCE);
            let wrong;
            (self, at, wrong) = self.blocks(kernel, window, upto, at, ends);
            if wrong != 0 {
                return self.unsure(at + wrong.trailing_zeros() as usize, piece, ends);
            }
            let is_tail = window.len() - at < 2 * BLOCK;
            if ends.room().is_full() || !is_tail && !ends.known().is_empty() {
                return match self.are_utf8(at, piece, ends) {
                    Err(stop) => stop,
                    Ok(()) => Stop::Enough(self.halt(at, piece, ends)),
                };
            }
            if is_tail {
                return self.tail(kernel, at, piece, ends);
            }
        }
    }
}

impl Walk {
    /// Takes blocks as long as nothing is amiss, and there are as many bytes behind them. What is amiss in the
    /// next one.
    #[inline(always)]
    fn blocks<K: Kernel>(
        mut self,
        kernel: K,
        window: &[u8],
        upto: usize,
        mut at: usize,
        ends: &mut Ends,
    ) -> (Self, usize, u64) {
        let mut room = ends.room();
        while at < upto
            && window.len() - at >= 2 * BLOCK
            && !room.is_full()
            && let Some(block) = window[at..].first_chunk()
        {
            let step = Step { block, window, at, again: false };
            let wrong = self.step(kernel, step, &mut room);
            if wrong != 0 {
                return (self, at, wrong);
            }
            at += BLOCK;
        }
        (self, at, 0)
    }

    /// Takes what is left, but goes on before it: a token may be cut.
    #[inline(always)]
    fn tail<K: Kernel>(
        mut self,
        kernel: K,
        from: usize,
        piece: Piece<'_>,
        ends: &mut Ends,
    ) -> Stop<Self> {
        let (halted, window) = (self, piece.window);
        for at in (from..window.len()).step_by(BLOCK) {
            let rest = &window[at..window.len().min(at + BLOCK)];
            let mut block = [b' '; BLOCK];
            block[..rest.len()].copy_from_slice(rest);
            let step = Step { block: &block, window, at, again: true };
            let wrong = self.step(kernel, step, &mut ends.room());
            // A blank in place of what comes is not.
            let amiss = wrong.trailing_zeros() as usize;
            if amiss < rest.len() {
                return self.unsure(at + amiss, piece, ends);
            }
        }
        match self.are_utf8(window.len(), piece, ends) {
            Err(stop) => stop,
            Ok(()) => Stop::End(halted.halt(from, piece, ends)),
        }
    }

    /// To go on from `at`.
    #[inline(always)]
    fn halt(self, at: usize, piece: Piece<'_>, ends: &Ends) -> Halt<Self> {
        Halt { pass: self, start: piece.behind(ends), from: at }
    }

    /// Values that end before what is amiss are right.
    #[cold]
    fn unsure(mut self, amiss: usize, piece: Piece<'_>, ends: &mut Ends) -> Stop<Self> {
        let right = ends.known().partition_point(|&end| end <= amiss);
        ends.truncate(right);
        match self.are_utf8(amiss, piece, ends) {
            Err(stop) => stop,
            Ok(()) => Stop::Unsure(amiss + 1),
        }
    }

    /// Leaves the ends of those values that are UTF-8, up to the first that is not. What goes on up to `at` is
    /// looked at when it ends.
    #[inline(always)]
    fn are_utf8(&mut self, at: usize, piece: Piece<'_>, ends: &mut Ends) -> Result<(), Stop<Self>> {
        match ends.known().last() {
            Some(&last) if self.non_ascii != 0 => {
                self.non_ascii = u64::from(!piece.window[last..at].is_ascii());
                are_utf8(last, piece, ends)
            }
            _ => Ok(()),
        }
    }

    /// Takes a block. Where something is amiss, at the first such byte or behind it, but never behind the
    /// value that it is in.
    #[inline(always)]
    fn step<K: Kernel>(&mut self, kernel: K, step: Step<'_>, ends: &mut Room<'_>) -> u64 {
        let Step { block, window, at, again } = step;
        let strings = kernel.strings(block);
        // Whoever escapes once does it often: from then on the branch is always taken, up to the next run.
        let escaping = strings.backslash | self.escapes.carried() | self.hex_due | self.escaping;
        let (escaped, mut wrong) = match escaping {
            0 => (0, 0),
            _ => self.escapes(kernel, strings.backslash, block),
        };
        let quote = strings.quote & !escaped;
        let inside = kernel.parity(quote) ^ self.in_string;
        self.in_string = (inside >> 63).wrapping_neg();
        let opening = quote & inside;
        let unusual = kernel.unusual(block) & inside;
        if unusual | self.non_ascii != 0 {
            let non_ascii = kernel.non_ascii(block);
            self.non_ascii |= non_ascii;
            wrong |= unusual & !non_ascii;
        }

        let masks = kernel.masks(block);
        let outside = !(inside | quote);
        let (comma, colon) = (masks.comma & outside, masks.colon & outside);
        let (open, close) = (masks.open & outside, masks.close & outside);
        let scalar = outside & !(comma | colon | open | close | masks.blank);
        let scalar_start = scalar & !(scalar << 1 | self.in_scalar);
        self.in_scalar = scalar >> 63;

        let value = opening | open | scalar_start;
        let others = !(value | comma | colon | close);
        let begins = self.begins.next(open | comma, others);
        let goes_on = self.goes_on.next(comma | colon, others);
        let due = begins | goes_on;
        wrong |= due & !(value | close);
        wrong |= goes_on & close;

        let brackets = Brackets { open, close, curly: masks.curly };
        let inner = self.levels.step(kernel, brackets, at, ends);
        wrong |= inner.wrong;
        let key_due = begins & inner.object;
        wrong |= key_due & (open | scalar_start);
        wrong |= self.key.next(key_due & opening, others) ^ colon;
        // A value that nothing was before begins the next record; behind another value it is one too many.
        wrong |= value & !due & !(open & inner.top) | comma & inner.top;
        wrong | scalars::amiss(kernel, block, scalar, scalar_start, window, at, again)
    }

    /// What is escaped, and what of it cannot be.
    #[inline(always)]
    fn escapes<K: Kernel>(&mut self, kernel: K, backslash: u64, block: &[u8; BLOCK]) -> (u64, u64) {
        self.escaping = 1;
        let escaped = self.escapes.step(backslash);
        let escapable = kernel.escapable(block);
        let mut wrong = escaped & !(escapable.alone | escapable.u);
        let u = escaped & escapable.u;
        if u | self.hex_due != 0 {
            let due = u << 1 | u << 2 | u << 3 | u << 4 | self.hex_due;
            self.hex_due = u >> 63 | u >> 62 | u >> 61 | u >> 60;
            wrong |= due & !kernel.hex_digits(block);
        }
        (escaped, wrong)
    }
}

/// The last of the values ends at `last`.
#[cold]
fn are_utf8(last: usize, piece: Piece<'_>, ends: &mut Ends) -> Result<(), Stop<Walk>> {
    let Piece { window, mut start, .. } = piece;
    if simdutf8::basic::from_utf8(&window[start..last]).is_ok() {
        return Ok(());
    }
    let mut is_utf8 = |&end: &usize| {
        let value = &window[start..end];
        start = end;
        simdutf8::basic::from_utf8(value).is_ok()
    };
    let right = ends.known().iter().take_while(|end| is_utf8(end)).count();
    ends.truncate(right);
    Err(Stop::Unsure(piece.behind(ends) + 1))
}
