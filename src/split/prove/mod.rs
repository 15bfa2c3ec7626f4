//! The fast way to know where values end: by proof, many values at a time.
//!
//! A [`Prover`] says of a value that it is whole and right and ends there, or that it is right as far
//! as the window goes, or that it is unsure; and never what is wrong. Whoever asks then asks the byte
//! scanner in [`super::grammar`], which is its dull twin. Values of other kinds than objects and arrays,
//! and those that are nested very deep, are left to the twin as well.
//!
//! Where records are matched with what was checked before, it can be told to look at bounds alone: then a
//! value is whole where as many brackets have closed as have opened, and what is in it is not looked at.
//!
//! `masks` says of 64 bytes which are what, by one of the kernels; `walk` holds the grammar, `levels`
//! brackets, `scalars` numbers and words; `bounds` is the walk over bounds alone.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod bounds;
#[cfg(not(target_arch = "x86_64"))]
mod elsewhere;
mod levels;
mod masks;
mod pass;
mod scalars;
#[cfg(test)]
mod tests;
mod walk;

#[cfg(target_arch = "x86_64")]
use avx2::Avx2 as Vectors;
#[cfg(not(target_arch = "x86_64"))]
use elsewhere::Nothing as Vectors;

use super::grammar::skip_whitespace;
use bounds::Bounds;
use pass::{Ends, Pass, Piece, Stop};
use walk::Walk;

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
    ends: Ends,
    /// So many of them were asked for and passed.
    passed: usize,
    /// The end before that: what is asked for next begins here, or behind blanks.
    before: usize,
    behind: Behind,
    way: Way,
}

/// What is looked at, and where it goes on.
#[derive(Debug)]
enum Way {
    Everything(Option<Halted<Walk>>),
    Bounds(Option<Halted<Bounds>>),
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

/// A walk to be taken up, in the next window at the latest. Offsets are in the content.
#[derive(Debug)]
struct Halted<P> {
    pass: P,
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
            ends: Ends::none(),
            passed: 0,
            before: 0,
            behind: Behind::Nothing,
            way: Way::Everything(None),
        }
    }

    /// The same, looking at bounds alone. What it then takes for whole is as deep at its end as at its
    /// beginning.
    pub(super) fn by_bounds(self) -> Self {
        Self { way: Way::Bounds(None), ..self }
    }

    /// From now on it looks at everything.
    pub(super) fn look_at_everything(&mut self) {
        if matches!(self.way, Way::Bounds(_)) {
            self.forget();
            self.way = Way::Everything(None);
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
        if let Some(&end) = self.ends.known().get(self.passed)
            && at == self.before
        {
            self.advance(1);
            return Proof::Whole(end);
        }
        self.look_further(window, base, at)
    }

    /// The same, where it is not the next value, glued to the one before.
    fn look_further(&mut self, window: &[u8], base: u64, at: usize) -> Proof {
        let proof = self.proof(window, base, at);
        if let Proof::Whole(_) = proof {
            self.advance(1);
        }
        proof
    }

    /// The ends of the value at `at`, which is no blank, and of those behind it, as far as they are known to
    /// be whole. Who makes use of them says so to [`Self::advance`].
    pub(super) fn ahead(&mut self, window: &[u8], base: u64, at: usize) -> &[usize] {
        match self.proof(window, base, at) {
            Proof::Whole(_) => &self.ends.known()[self.passed..],
            Proof::GoesOn | Proof::Unsure => &[],
        }
    }

    /// So many values more were asked for.
    #[inline(always)]
    pub(super) fn advance(&mut self, values: usize) {
        if let Some(&end) = self.ends.known()[self.passed..][..values].last() {
            self.passed += values;
            self.before = end;
        }
    }

    fn proof(&mut self, window: &[u8], base: u64, at: usize) -> Proof {
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
        while let Some(&end) = self.ends.known().get(self.passed) {
            if at < end {
                let is_next = skip_whitespace(window, self.before) == at;
                return is_next.then_some(Proof::Whole(end));
            }
            self.advance(1);
        }
        match self.behind {
            Behind::GoesOn(start) if at == start => Some(Proof::GoesOn),
            Behind::Unsure(upto) if at >= self.before && at < upto => Some(Proof::Unsure),
            _ => None,
        }
    }

    fn prove(&mut self, kernel: Vectors, window: &[u8], base: u64, at: usize) {
        self.forget();
        self.before = at;
        let ends = &mut self.ends;
        self.behind = match &mut self.way {
            Way::Everything(halted) => go_on(kernel, halted, window, base, at, ends),
            Way::Bounds(halted) => go_on(kernel, halted, window, base, at, ends),
        };
    }
}

/// Walks on from `at`, where a value begins, or from where it halted in that value.
fn go_on<P: Pass>(
    kernel: Vectors,
    halted: &mut Option<Halted<P>>,
    window: &[u8],
    base: u64,
    at: usize,
    ends: &mut Ends,
) -> Behind {
    let (start, end) = (base + at as u64, base + window.len() as u64);
    let (pass, from) = match halted.take() {
        // This window may end before the one did in which it halted.
        Some(halted) if halted.start == start && halted.from <= end => (halted.pass, halted.from),
        _ => (P::default(), start),
    };
    let from = at + usize::try_from(from - start).unwrap_or(0);
    let (halt, behind) = match kernel.run(pass, Piece { window, start: at, from }, ends) {
        Stop::Unsure(upto) => return Behind::Unsure(upto),
        Stop::Enough(halt) => (halt, Behind::Nothing),
        Stop::End(halt) => {
            let start = halt.start;
            (halt, Behind::GoesOn(start))
        }
    };
    let (start, from) = (base + halt.start as u64, base + halt.from as u64);
    *halted = (start < from).then_some(Halted { pass: halt.pass, start, from });
    behind
}
