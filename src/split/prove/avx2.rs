//! The kernel for x86-64 processors with AVX2, found out at run time. The one file with `unsafe` in it.
//!
//! Functions that may use vector instructions are `unsafe` to call from those that may not. Nobody
//! calls them but [`Avx2`], and one of that type exists only where the processor was asked.

#![allow(
    unsafe_code,
    reason = "vector instructions, behind a type that proves that they are there"
)]

use std::arch::x86_64::*;

use super::masks::{BLOCK, Escapable, HEAD, Kernel, Masks, Numbers, Outlines, Strings};
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
    fn strings(self, block: &[u8; BLOCK]) -> Strings {
        // SAFETY: `self` proves that the processor has the features of `strings`.
        unsafe { strings(block) }
    }

    #[inline(always)]
    fn unusual(self, block: &[u8; BLOCK]) -> u64 {
        // SAFETY: `self` proves that the processor has the features of `unusual`.
        unsafe { unusual(block) }
    }

    #[inline(always)]
    fn non_ascii(self, block: &[u8; BLOCK]) -> u64 {
        // SAFETY: `self` proves that the processor has the features of `non_ascii`.
        unsafe { non_ascii(block) }
    }

    #[inline(always)]
    fn masks(self, block: &[u8; BLOCK]) -> Masks {
        // SAFETY: `self` proves that the processor has the features of `masks`.
        unsafe { masks(block) }
    }

    #[inline(always)]
    fn numbers(self, block: &[u8; BLOCK]) -> Numbers {
        // SAFETY: `self` proves that the processor has the features of `numbers`.
        unsafe { numbers(block) }
    }

    #[inline(always)]
    fn digits(self, head: &[u8; HEAD]) -> u32 {
        // SAFETY: `self` proves that the processor has the features of `digits`.
        unsafe { digits(head) }
    }

    #[inline(always)]
    fn escapable(self, block: &[u8; BLOCK]) -> Escapable {
        // SAFETY: `self` proves that the processor has the features of `escapable`.
        unsafe { escapable(block) }
    }

    #[inline(always)]
    fn hex_digits(self, block: &[u8; BLOCK]) -> u64 {
        // SAFETY: `self` proves that the processor has the features of `hex_digits`.
        unsafe { hex_digits(block) }
    }

    #[inline(always)]
    fn outlines(self, block: &[u8; BLOCK]) -> Outlines {
        // SAFETY: `self` proves that the processor has the features of `outlines`.
        unsafe { outlines(block) }
    }

    #[inline(always)]
    fn blank(self, block: &[u8; BLOCK]) -> u64 {
        // SAFETY: `self` proves that the processor has the features of `blank`.
        unsafe { blank(block) }
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
fn strings(block: &[u8; BLOCK]) -> Strings {
    let halves = load(block);
    Strings { quote: all_equal(halves, b'"'), backslash: all_equal(halves, b'\\') }
}

/// As signed numbers, what is not ASCII is below everything.
#[inline]
#[target_feature(enable = "avx2")]
fn unusual(block: &[u8; BLOCK]) -> u64 {
    bits(load(block).map(|half| _mm256_cmpgt_epi8(splat(0x20), half)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn non_ascii(block: &[u8; BLOCK]) -> u64 {
    bits(load(block))
}

#[inline]
#[target_feature(enable = "avx2")]
fn masks(block: &[u8; BLOCK]) -> Masks {
    let halves = load(block);
    let (open, close) = brackets(halves);
    Masks {
        comma: all_equal(halves, b','),
        colon: all_equal(halves, b':'),
        open,
        close,
        // That bit, moved to where it is asked for.
        curly: bits(halves.map(|half| _mm256_slli_epi16::<2>(half))),
        blank: bits(halves.map(|half| is_blank(half))),
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn numbers(block: &[u8; BLOCK]) -> Numbers {
    let halves = load(block);
    Numbers {
        digit: bits(halves.map(|half| is_digit(half))),
        zero: all_equal(halves, b'0'),
        minus: all_equal(halves, b'-'),
        dot: all_equal(halves, b'.'),
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn digits(head: &[u8; HEAD]) -> u32 {
    word(is_digit(load_half(head)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn outlines(block: &[u8; BLOCK]) -> Outlines {
    // A hint: the address may lie anywhere.
    _mm_prefetch::<_MM_HINT_T0>(block.as_ptr().wrapping_add(AHEAD_BYTES).cast());
    let halves = load(block);
    let (open, close) = brackets(halves);
    let quote = all_equal(halves, b'"');
    Outlines { quote, backslash: all_equal(halves, b'\\'), open, close }
}

/// Those that open, and those that close.
#[inline]
#[target_feature(enable = "avx2")]
fn brackets(halves: [__m256i; 2]) -> (u64, u64) {
    // `[` and `]` are `{` and `}` without the bit 0x20, and nothing else is.
    let folded = halves.map(|half| _mm256_or_si256(half, splat(0x20)));
    (all_equal(folded, b'{'), all_equal(folded, b'}'))
}

#[inline]
#[target_feature(enable = "avx2")]
fn blank(block: &[u8; BLOCK]) -> u64 {
    bits(load(block).map(|half| is_blank(half)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn hex_digits(block: &[u8; BLOCK]) -> u64 {
    bits(load(block).map(|half| {
        let small = _mm256_or_si256(half, splat(0x20));
        _mm256_or_si256(is_digit(half), between(small, b'a', b'f'))
    }))
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
    let (halves, _) = block.as_chunks();
    [load_half(&halves[0]), load_half(&halves[1])]
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_half(bytes: &[u8; 32]) -> __m256i {
    // SAFETY: 32 bytes are there, and this load needs no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
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
fn all_equal(halves: [__m256i; 2], byte: u8) -> u64 {
    bits(halves.map(|half| equal(half, byte)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn between(half: __m256i, first: u8, last: u8) -> __m256i {
    let above = _mm256_sub_epi8(half, splat(first));
    _mm256_cmpeq_epi8(_mm256_min_epu8(above, splat(last - first)), above)
}

#[inline]
#[target_feature(enable = "avx2")]
fn is_digit(half: __m256i) -> __m256i {
    between(half, b'0', b'9')
}

/// The four blanks differ in their low four bits, by which each byte looks up the one it could be.
#[inline]
#[target_feature(enable = "avx2")]
fn is_blank(half: __m256i) -> __m256i {
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
    u64::from(word(low)) | u64::from(word(high)) << 32
}

/// The same of a half.
#[inline]
#[target_feature(enable = "avx2")]
fn word(half: __m256i) -> u32 {
    _mm256_movemask_epi8(half).cast_unsigned()
}
