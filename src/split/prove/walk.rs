//! The grammar of JSON over the masks of one block after another, without a look at single bytes.
//!
//! A token is allowed or not by the one before it: behind the comma of an object stands a key, behind a
//! key a colon, behind a value a comma or a closing bracket. So the question is, for each kind of
//! token, where the next one begins: one position on, or behind the blanks there, which an addition
//! carries over. What is due there is compared with what is there, 64 positions at once. Only
//! brackets are looked at one by one: they say what is an object, what an array, and where a value
//! ends.

use super::super::grammar::skip_whitespace;
use super::masks::{BLOCK, Escapes, Kernel, Masks, within};
use super::pass::{BYTES_AT_ONCE, Ends, Halt, Pass, Piece, Stop};
use super::scalars::Scalars;

/// Brackets inside one another that are kept. Deeper values are left to the byte scanner.
pub(super) const DEPTH_MAX: u32 = 64;

/// What is known from the blocks before. Bits that stand for a position are at the next block's first.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Walk {
    /// All ones inside a string.
    in_string: u64,
    escapes: Escapes,
    /// Set inside a key.
    in_key: u64,
    key: Due,
    value: Due,
    colon: Due,
    /// Behind an opening bracket.
    opened: Due,
    scalars: Scalars,
    /// The open brackets, the innermost lowest; set for an object.
    open: u64,
    depth: u32,
    /// What is not ASCII was seen since the block in which the last value ended.
    non_ascii: bool,
}

/// Where the next token begins behind tokens of one kind.
#[derive(Debug, Clone, Copy, Default)]
struct Due(u64);

impl Due {
    #[inline(always)]
    fn behind(&mut self, tokens: u64, blank: u64) -> u64 {
        let (next, carried) = (tokens << 1 | self.0).overflowing_add(blank);
        self.0 = tokens >> 63 | u64::from(carried);
        next & !blank
    }
}

/// What the brackets of a block say: where an object is innermost, and where nothing is open.
struct Levels {
    object: u64,
    top: u64,
    wrong: u64,
}

impl Pass for Walk {
    /// Adds the end of each value that is proven.
    #[inline(always)]
    fn run<K: Kernel>(mut self, kernel: K, piece: Piece<'_>, ends: &mut Ends) -> Stop<Self> {
        let window = piece.window;
        let (mut at, mut start) = (piece.from, piece.start);
        let mut halt = None;
        let mut padded = [b' '; BLOCK];
        loop {
            let rest = &window[at..];
            let block = match rest.first_chunk() {
                Some(block) => block,
                None => {
                    halt = Some((self, at));
                    padded[..rest.len()].copy_from_slice(rest);
                    &padded
                }
            };
            let masks = kernel.masks(block);
            let known = ends.known().len();
            let wrong = self.step(kernel, block, &masks, window, at, ends);
            let amiss = at + wrong.trailing_zeros() as usize;
            self.non_ascii |= masks.non_ascii != 0;
            if wrong != 0 {
                let right = ends.known()[known..].partition_point(|&end| end <= amiss);
                ends.truncate(known + right);
            }
            if ends.known().len() > known {
                if self.non_ascii && !are_utf8(window, start, ends, known) {
                    return Stop::Unsure(at + BLOCK + 1);
                }
                start = ends.known().last().copied().unwrap_or(start);
                let behind = (start - at).min(BLOCK - 1);
                self.non_ascii = masks.non_ascii >> behind != 0;
            }
            if wrong != 0 {
                return Stop::Unsure(amiss + 1);
            }
            at += BLOCK;
            if at >= window.len() {
                let (pass, from) = halt.unwrap_or((self, at));
                return Stop::End(Halt { pass, start: skip_whitespace(window, start), from });
            }
            let enough = at - piece.from >= BYTES_AT_ONCE || ends.room().is_full();
            if enough && ends.known().len() > known {
                let start = skip_whitespace(window, start);
                return Stop::Enough(Halt { pass: self, start, from: at });
            }
        }
    }
}

impl Walk {
    /// Takes the block at `at`. Where something is amiss, at the first such byte or behind it, but
    /// never behind the value that it is in.
    #[inline(always)]
    fn step<K: Kernel>(
        &mut self,
        kernel: K,
        block: &[u8; BLOCK],
        masks: &Masks,
        window: &[u8],
        at: usize,
        ends: &mut Ends,
    ) -> u64 {
        let (escaped, mut wrong) = match masks.backslash | self.escapes.carried() {
            0 => (0, 0),
            _ => self.escapes(kernel, masks.backslash, block, window, at),
        };
        let quote = masks.quote & !escaped;
        let inside = kernel.parity(quote) ^ self.in_string;
        self.in_string = (inside >> 63).wrapping_neg();
        wrong |= masks.control & inside;
        let opening = quote & inside;

        let outside = !(inside | quote);
        let (comma, colon) = (masks.comma & outside, masks.colon & outside);
        let (open, close) = (masks.open & outside, masks.close & outside);
        let blank = masks.blank & outside;
        let scalar = outside & !(comma | colon | open | close | blank);
        let scalar_start = scalar & !(scalar << 1 | self.scalars.goes_on());
        wrong |= self.scalars.step(masks, scalar, scalar_start, window, at);

        let levels = match self.flat(open, close, masks.curly) {
            Some(levels) => {
                ends.room().add(close, at);
                levels
            }
            None => self.levels(open, close, masks.curly, at, ends),
        };
        wrong |= levels.wrong;

        let array_open = open & !masks.curly;
        let (member, element) = (comma & levels.object, comma & !levels.object);
        let key_due = self.key.behind((open & masks.curly) | member, blank);
        let value_due = self.value.behind(colon | array_open | element, blank);
        let opened = self.opened.behind(open, blank);
        // A key's opening quote, added to the bits of all strings, carries to its closing one.
        let (sum, carried) = inside.overflowing_add(key_due & opening);
        let (sum, carried_too) = sum.overflowing_add(self.in_key);
        self.in_key = u64::from(carried | carried_too);
        let colon_due = self.colon.behind(sum & !inside, blank);

        let value = opening | open | scalar_start;
        wrong |= key_due & !(opening | close);
        wrong |= value_due & !(value | close);
        wrong |= colon_due & !colon;
        wrong |= close & (key_due | value_due) & !opened;
        // Everything else stands behind the end of a value.
        let behind = (value | comma | colon | close) & !(key_due | value_due | colon_due);
        wrong |= behind & levels.top & !open;
        wrong |= behind & !levels.top & !(comma | close);
        wrong
    }

    /// What is escaped, and what of it cannot be.
    #[inline(always)]
    fn escapes<K: Kernel>(
        &mut self,
        kernel: K,
        backslash: u64,
        block: &[u8; BLOCK],
        window: &[u8],
        at: usize,
    ) -> (u64, u64) {
        let escaped = self.escapes.step(backslash);
        let escapable = kernel.escapable(block);
        let mut wrong = escaped & !(escapable.alone | escapable.u);
        let mut left = escaped & escapable.u;
        while left != 0 {
            let bit = left & left.wrapping_neg();
            left ^= bit;
            let digits = at + bit.trailing_zeros() as usize + 1;
            let digits = window.get(digits..digits + 4).unwrap_or_default();
            if digits.len() < 4 || !digits.iter().all(u8::is_ascii_hexdigit) {
                wrong |= bit;
            }
        }
        (escaped, wrong)
    }

    /// The same as [`Self::levels`], without a look at single brackets, where objects follow each other and
    /// nothing is open inside them: then every other bracket opens.
    #[inline(always)]
    fn flat(&mut self, open: u64, close: u64, curly: u64) -> Option<Levels> {
        let inside = self.open & 1;
        let upto = within(open, close, inside);
        let nested = (open | close) & !curly | (open | close) & upto ^ open;
        if nested != 0 || u64::from(self.depth) != inside {
            return None;
        }
        self.open = upto >> 63;
        self.depth = u32::from(self.open != 0);
        let object = upto << 1 | inside;
        Some(Levels { object, top: !object, wrong: 0 })
    }

    /// Goes through the brackets.
    #[inline(always)]
    fn levels(&mut self, open: u64, close: u64, curly: u64, at: usize, ends: &mut Ends) -> Levels {
        let mut object = (self.open & 1).wrapping_neg();
        let mut top = if self.depth == 0 { u64::MAX } else { 0 };
        let mut wrong = 0;
        let mut left = open | close;
        while left != 0 {
            let bit = left & left.wrapping_neg();
            let above = bit ^ bit.wrapping_neg();
            left ^= bit;
            let is_object = u64::from(curly & bit != 0);
            if open & bit != 0 {
                if self.depth == DEPTH_MAX {
                    wrong |= bit;
                }
                self.open = self.open << 1 | is_object;
                self.depth += 1;
                top &= !above;
            } else {
                if self.depth == 0 || self.open & 1 != is_object {
                    wrong |= bit;
                }
                self.open >>= 1;
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    ends.push(at + bit.trailing_zeros() as usize + 1);
                    top |= above;
                }
            }
            object = object & !above | (self.open & 1).wrapping_neg() & above;
        }
        Levels { object, top, wrong }
    }
}

/// Whether values are UTF-8: those whose ends are known from number `known` on, the first of which
/// begins at `start` or behind it. The ends from the first that is not are taken away.
#[cold]
fn are_utf8(window: &[u8], mut start: usize, ends: &mut Ends, known: usize) -> bool {
    let mut is_utf8 = |&end: &usize| {
        let value = &window[start..end];
        start = end;
        simdutf8::basic::from_utf8(value).is_ok()
    };
    let right = known + ends.known()[known..].iter().take_while(|end| is_utf8(end)).count();
    let all = right == ends.known().len();
    ends.truncate(right);
    all
}
