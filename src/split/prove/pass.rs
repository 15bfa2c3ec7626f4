//! What both walks over a window have in common: where they begin, and how they come to their end.

use super::super::grammar::skip_whitespace;
use super::masks::{BLOCK, Kernel};

/// Ends that are found before they are used, and bytes before them: few enough for the caches.
pub(super) const ENDS_MAX: usize = 512;
pub(super) const BYTES_AT_ONCE: usize = 16 << 10;

/// A walk over values that follow each other with blanks between them or none. It is what is known from
/// the blocks before.
pub(super) trait Pass: Copy + Default {
    /// Adds the end of each value that it is sure of.
    fn run<K: Kernel>(self, kernel: K, piece: Piece<'_>, ends: &mut Ends) -> Stop<Self>;
}

/// What to walk over.
#[derive(Clone, Copy)]
pub(super) struct Piece<'a> {
    pub(super) window: &'a [u8],
    /// The first value begins here.
    pub(super) start: usize,
    /// Here, and before this what the [`Pass`] knows.
    pub(super) from: usize,
}

impl Piece<'_> {
    /// Where the next value begins behind these ends.
    #[inline(always)]
    pub(super) fn behind(self, ends: &Ends) -> usize {
        skip_whitespace(self.window, ends.known().last().copied().unwrap_or(self.start))
    }
}

/// How a walk came to its end. What it found are the ends of values that it is sure of.
pub(super) enum Stop<P> {
    /// It found enough for now, and may be taken up where it is in the same window.
    Enough(Halt<P>),
    /// Something before this position may be amiss.
    Unsure(usize),
    /// The window ends. What begins behind the last end, if anything does, goes on.
    End(Halt<P>),
}

/// Where a walk may be taken up.
pub(super) struct Halt<P> {
    pub(super) pass: P,
    /// The value that goes on begins here, or behind blanks.
    pub(super) start: usize,
    pub(super) from: usize,
}

/// The ends of values that follow each other.
#[derive(Debug)]
pub(super) struct Ends {
    places: Box<[usize; ENDS_MAX]>,
    count: usize,
}

/// So many ends are written without a look at how many there are, which is hard to foretell.
const AT_ONCE: usize = 2;

impl Ends {
    pub(super) fn none() -> Self {
        Self { places: Box::new([0; ENDS_MAX]), count: 0 }
    }

    pub(super) fn clear(&mut self) {
        self.count = 0;
    }

    #[inline(always)]
    pub(super) fn known(&self) -> &[usize] {
        &self.places[..self.count]
    }

    /// Where many are added: how many there are stays in a register meanwhile.
    #[inline(always)]
    pub(super) fn room(&mut self) -> Room<'_> {
        Room { count: self.count, ends: self }
    }

    /// Forgets all but the first so many.
    pub(super) fn truncate(&mut self, count: usize) {
        self.count = self.count.min(count);
    }
}

/// What is left for more ends.
pub(super) struct Room<'a> {
    ends: &'a mut Ends,
    count: usize,
}

impl Drop for Room<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.ends.count = self.count;
    }
}

impl Room<'_> {
    /// Whether it is less than the last two blocks of a window may need.
    #[inline(always)]
    pub(super) fn is_full(&self) -> bool {
        self.count > ENDS_MAX - 2 * BLOCK
    }

    /// Adds one, for which there is room.
    #[inline(always)]
    pub(super) fn push(&mut self, end: usize) {
        self.ends.places[self.count] = end;
        self.count += 1;
    }

    /// Adds what ends with these brackets of the block at `at`. However few they are, there is room for those of
    /// a whole block.
    #[inline(always)]
    pub(super) fn add(&mut self, mut close: u64, at: usize) {
        let count = close.count_ones() as usize;
        let room =
            self.ends.places[self.count..].first_chunk_mut::<BLOCK>().expect("there is room");
        let (at_once, others) = room.split_at_mut(AT_ONCE);
        let mut next = || {
            let end = at + close.trailing_zeros() as usize + 1;
            close &= close.wrapping_sub(1);
            end
        };
        at_once.fill_with(&mut next);
        if count > AT_ONCE {
            others[..count - AT_ONCE].fill_with(next);
        }
        self.count += count;
    }
}
