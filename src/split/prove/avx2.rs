//! The kernel for x86-64 processors with AVX2, found out at run time. The one file with `unsafe` in it.
//!
//! Functions that may use vector instructions are `unsafe` to call from those that may not. Nobody
//! calls them but [`Avx2`], and one of that type exists only where the processor was asked.

#![allow(
    unsafe_code,
    reason = "vector instructions, behind a type that proves that they are there"
)]

use std::arch::x86_64::*;

use super::masks::{BLOCK, Escapable, Kernel, Masks, Outlines};
use super::pass::{Ends, Pass, Piece, Stop};

/// So far ahead memory is asked for, in bytes. By itself the processor looks no further than a page, and a
/// page is walked over in less time than the first bytes of the next one take.
const AHEAD_BYTES: usize = 1536;

/// Proof that this processor has what [`run`] is compiled for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx2(());

impl Avx2 {
    /// The proof, if there is one.
    pub(super) fn detect() -> Option<Self> {
        let there = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("pclmulqdq")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("popcnt");
        there.then_some(Self(()))
    }

    /// [`Pass::run`] with this kernel.
    pub(super) fn run<P: Pass>(self, pass: P, piece: Piece<'_>, ends: &mut Ends) -> Stop<P> {
        // SAFETY: `self` proves that the processor has the features of `run`.
        unsafe { run(pass, piece, ends, self) }
    }
}

#[target_feature(enable = "avx2,pclmulqdq,bmi1,bmi2,popcnt")]
fn run<P: Pass>(pass: P, piece: Piece<'_>, ends: &mut Ends, kernel: Avx2) -> Stop<P> {
    pass.run(kernel, piece, ends)
}

impl Kernel for Avx2 {
    #[inline(always)]
    fn masks(self, block: &[u8; BLOCK]) -> Masks {
        // SAFETY: `self` proves that the processor has the features of `masks`.
        unsafe { masks(block) }
    }

    #[inline(always)]
    fn outlines(self, block: &[u8; BLOCK]) -> Outlines {
        // SAFETY: `self` proves that the processor has the features of `outlines`.
        unsafe { outlines(block) }
    }

    #[inline(always)]
    fn blank(self, block: &[u8; BLOCK]) -> u64 {
        // SAFETY: `self` proves that the processor has the features of `blanks`.
        unsafe { blanks(block) }
    }

    #[inline(always)]
    fn escapable(self, block: &[u8; BLOCK]) -> Escapable {
        // SAFETY: `self` proves that the processor has the features of `escapable`.
        unsafe { escapable(block) }
    }

    #[inline(always)]
    fn parity(self, bits: u64) -> u64 {
        // SAFETY: `self` proves that the processor has the features of `parity`.
        unsafe { parity(bits) }
    }
}

/// A carry-less product with all ones adds, to each bit, every bit below it.
#[inline]
#[target_feature(enable = "avx2,pclmulqdq")]
fn parity(bits: u64) -> u64 {
    let product =
        _mm_clmulepi64_si128::<0>(_mm_set_epi64x(0, bits.cast_signed()), _mm_set1_epi8(-1));
    _mm_cvtsi128_si64(product).cast_unsigned()
}

#[inline]
#[target_feature(enable = "avx2")]
fn masks(block: &[u8; BLOCK]) -> Masks {
    let halves = load(block);
    let is = |byte: u8| bits(halves.map(|half| equal(half, byte)));
    let Outlines { quote, backslash, open, close } = outlined(halves);
    Masks {
        quote,
        backslash,
        comma: is(b','),
        colon: is(b':'),
        open,
        close,
        // That bit, moved to where it is asked for.
        curly: bits(halves.map(|half| _mm256_slli_epi16::<2>(half))),
        blank: bits(halves.map(|half| blank(half))),
        control: bits(halves.map(|half| at_most(half, 0x1f))),
        non_ascii: bits(halves),
        digit: bits(halves.map(|half| at_most(_mm256_sub_epi8(half, splat(b'0')), 9))),
        zero: is(b'0'),
        minus: is(b'-'),
        dot: is(b'.'),
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn outlines(block: &[u8; BLOCK]) -> Outlines {
    // A hint: the address may lie anywhere.
    _mm_prefetch::<_MM_HINT_T0>(block.as_ptr().wrapping_add(AHEAD_BYTES).cast());
    outlined(load(block))
}

#[inline]
#[target_feature(enable = "avx2")]
fn outlined(halves: [__m256i; 2]) -> Outlines {
    let is = |byte: u8| bits(halves.map(|half| equal(half, byte)));
    let small = halves.map(|half| _mm256_or_si256(half, splat(0x20)));
    let folded = |byte: u8| bits(small.map(|half| equal(half, byte)));
    Outlines {
        quote: is(b'"'),
        backslash: is(b'\\'),
        // `[` and `]` are `{` and `}` without the bit 0x20, and nothing else is.
        open: folded(b'{'),
        close: folded(b'}'),
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn blanks(block: &[u8; BLOCK]) -> u64 {
    bits(load(block).map(|half| blank(half)))
}

/// As with blanks: what can be escaped alone differs in its low four bits, but for `"` and `b`, and
/// those are told apart by a second look.
#[inline]
#[target_feature(enable = "avx2")]
fn escapable(block: &[u8; BLOCK]) -> Escapable {
    let halves = load(block);
    let by_low_bits = _mm256_setr_epi8(
        1,
        0,
        b'b'.cast_signed(),
        0,
        b't'.cast_signed(),
        0,
        b'f'.cast_signed(),
        0,
        0,
        0,
        0,
        0,
        b'\\'.cast_signed(),
        0,
        b'n'.cast_signed(),
        b'/'.cast_signed(), //
        1,
        0,
        b'b'.cast_signed(),
        0,
        b't'.cast_signed(),
        0,
        b'f'.cast_signed(),
        0,
        0,
        0,
        0,
        0,
        b'\\'.cast_signed(),
        0,
        b'n'.cast_signed(),
        b'/'.cast_signed(),
    );
    let alone = halves.map(|half| {
        let looked_up = _mm256_cmpeq_epi8(_mm256_shuffle_epi8(by_low_bits, half), half);
        let others = _mm256_or_si256(equal(half, b'"'), equal(half, b'r'));
        _mm256_or_si256(looked_up, others)
    });
    Escapable { alone: bits(alone), u: bits(halves.map(|half| equal(half, b'u'))) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(block: &[u8; BLOCK]) -> [__m256i; 2] {
    let first = block.as_ptr().cast::<__m256i>();
    // SAFETY: 64 bytes are two times 32, and these loads need no alignment.
    unsafe { [_mm256_loadu_si256(first), _mm256_loadu_si256(first.add(1))] }
}

#[inline]
#[target_feature(enable = "avx2")]
fn splat(byte: u8) -> __m256i {
    _mm256_set1_epi8(byte.cast_signed())
}

#[inline]
#[target_feature(enable = "avx2")]
fn equal(half: __m256i, byte: u8) -> __m256i {
    _mm256_cmpeq_epi8(half, splat(byte))
}

#[inline]
#[target_feature(enable = "avx2")]
fn at_most(half: __m256i, byte: u8) -> __m256i {
    _mm256_cmpeq_epi8(_mm256_min_epu8(half, splat(byte)), half)
}

/// The four blanks differ in their low four bits, by which each byte looks up the one it could be.
#[inline]
#[target_feature(enable = "avx2")]
fn blank(half: __m256i) -> __m256i {
    let blanks = _mm256_setr_epi8(
        0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0x09, 0x0a, 0, 0, 0x0d, 0, 0, //
        0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0x09, 0x0a, 0, 0, 0x0d, 0, 0,
    );
    _mm256_cmpeq_epi8(_mm256_shuffle_epi8(blanks, half), half)
}

/// The top bit of each byte.
#[inline]
#[target_feature(enable = "avx2")]
fn bits([low, high]: [__m256i; 2]) -> u64 {
    let word = |half| u64::from(_mm256_movemask_epi8(half).cast_unsigned());
    word(low) | word(high) << 32
}
