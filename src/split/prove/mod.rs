//! The fast way to know where values end: by proof, many values at a time.
//!
//! A [`Prover`] says of a value that it is whole and right and ends there, or that it is right as far
//! as the window goes, or that it is unsure; and never what is wrong. Whoever asks then asks the byte
//! scanner in [`super::grammar`], which is its dull twin. Values of other kinds than objects and arrays,
//! and those that are nested very deep, are left to the twin as well.
//!
//! `masks` says of 64 bytes which are what, by one of the kernels; `walk` holds the grammar; `scalars`
//! numbers and words.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(not(target_arch = "x86_64"))]
mod elsewhere;
mod masks;
mod scalars;
#[cfg(test)]
mod tests;
mod walk;

#[cfg(target_arch = "x86_64")]
use avx2::Avx2 as Vectors;
#[cfg(not(target_arch = "x86_64"))]
use elsewhere::Nothing as Vectors;

use super::grammar::skip_whitespace;
use walk::{ENDS_MAX, Halt, Piece, Stop, Walk};

/// What is known of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// It is whole and right, and ends here.
    Whole(usize),
    /// Nothing is amiss up to the window's end, where it goes on.
    GoesOn,
    /// It may be any of it, or broken.
    Unsure,
}

/// Proves values. Positions are in the window, and forgotten when there is another one.
#[derive(Debug)]
pub(super) struct Prover {
    kernel: Option<Vectors>,
    /// The ends of values that follow each other.
    ends: Vec<usize>,
    /// So many of them were asked for and passed.
    passed: usize,
    /// The end before that: what is asked for next begins here, or behind blanks.
    before: usize,
    behind: Behind,
    halted: Option<Halted>,
}

/// What is known of what begins behind the last end.
#[derive(Debug, Clone, Copy)]
enum Behind {
    Nothing,
    /// It begins here and goes on.
    GoesOn(usize),
    /// What begins before this position is left to the twin.
    Unsure(usize),
}

/// A walk to be taken up in the next window. Offsets are in the content.
#[derive(Debug)]
struct Halted {
    walk: Walk,
    start: u64,
    from: u64,
}

impl Default for Prover {
    /// With the kernel for this processor, if there is one.
    fn default() -> Self {
        Self { kernel: Vectors::detect(), ..Self::none() }
    }
}

impl Prover {
    /// One that is never sure.
    pub(super) fn none() -> Self {
        Self {
            kernel: None,
            ends: Vec::new(),
            passed: 0,
            before: 0,
            behind: Behind::Nothing,
            halted: None,
        }
    }

    /// Forgets positions: the window is another one.
    pub(super) fn forget(&mut self) {
        self.ends.clear();
        self.passed = 0;
        self.behind = Behind::Nothing;
    }

    /// What is known of the value at `at`, which is no blank. `base` is where the window begins in the
    /// content.
    #[inline(always)]
    pub(super) fn value(&mut self, window: &[u8], base: u64, at: usize) -> Proof {
        if let Some(&end) = self.ends.get(self.passed)
            && at == self.before
        {
            self.passed += 1;
            self.before = end;
            return Proof::Whole(end);
        }
        self.look_further(window, base, at)
    }

    /// The same, where it is not the next value, glued to the one before.
    fn look_further(&mut self, window: &[u8], base: u64, at: usize) -> Proof {
        let Some(kernel) = self.kernel else { return Proof::Unsure };
        if let Some(proof) = self.known(window, at) {
            return proof;
        }
        if !matches!(window[at], b'{' | b'[') {
            return Proof::Unsure;
        }
        self.prove(kernel, window, base, at);
        self.known(window, at).unwrap_or(Proof::Unsure)
    }

    /// What is known already.
    fn known(&mut self, window: &[u8], at: usize) -> Option<Proof> {
        while let Some(&end) = self.ends.get(self.passed) {
            if at < end {
                let is_next = skip_whitespace(window, self.before) == at;
                if is_next {
                    self.passed += 1;
                    self.before = end;
                }
                return is_next.then_some(Proof::Whole(end));
            }
            self.passed += 1;
            self.before = end;
        }
        match self.behind {
            Behind::GoesOn(start) if at == start => Some(Proof::GoesOn),
            Behind::Unsure(upto) if at >= self.before && at < upto => Some(Proof::Unsure),
            _ => None,
        }
    }

    fn prove(&mut self, kernel: Vectors, window: &[u8], base: u64, at: usize) {
        self.forget();
        self.ends.reserve_exact(ENDS_MAX);
        self.before = at;
        let start = base + at as u64;
        let halted = self.halted.take().filter(|halted| halted.start == start);
        let (walk, from) =
            halted.map_or((Walk::default(), start), |halted| (halted.walk, halted.from));
        let from = at + usize::try_from(from - start).unwrap_or(0);
        let piece = Piece { window, start: at, from };
        match kernel.run(walk, piece, &mut self.ends) {
            Stop::Enough => {}
            Stop::Unsure(amiss) => self.behind = Behind::Unsure(amiss + 1),
            Stop::End(Halt { walk, start, from }) => {
                self.behind = Behind::GoesOn(start);
                let (start, from) = (base + start as u64, base + from as u64);
                self.halted = (start < from).then_some(Halted { walk, start, from });
            }
        }
    }
}
