//! How the records of one object open: what a candidate behind damage is measured against.

use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64;

use super::grammar::{Scan, skip_whitespace, string_at};

/// The first records of an object are all looked at, then one in so many.
const FIRST_LOOKED_AT: u64 = 8;
const THEN_EVERY: u64 = 64;
/// So many different first keys are remembered.
const FIRST_KEYS_MAX: usize = 16;

/// So many bytes of an opening are compared at once.
const WORD: usize = 16;

/// The kinds of JSON value, as bits.
fn kind(byte: u8) -> u8 {
    match byte {
        b'{' => 1,
        b'[' => 2,
        b'"' => 4,
        b't' | b'f' | b'n' => 8,
        _ => 16,
    }
}

/// What a position opens with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opens {
    /// As the object's records do.
    Alike,
    /// In another way.
    Otherwise,
    /// The window is too short to tell.
    Unknown,
}

/// How the records seen so far open.
#[derive(Debug, Default, Clone)]
pub(super) struct Openings {
    kinds: u8,
    first_keys: Vec<u64>,
    looked_at: usize,
    /// How the first record opens, up to the end of its first key: most others open so, to the byte.
    usual: Vec<u8>,
    /// The first bytes of that, as a number, and which of its bits they are.
    usual_word: (u128, u128),
}

impl Openings {
    /// Whether any record was seen.
    pub(super) fn any(&self) -> bool {
        self.kinds != 0
    }

    /// Whether a record's first key tells it from other values. Where most records have one of their
    /// own (they are maps), it does not.
    pub(super) fn stereotyped(&self) -> bool {
        self.any() && (self.looked_at < 2 || self.first_keys.len() * 2 <= self.looked_at)
    }

    /// Whether a record of this kind was seen. With none seen, every kind is as good.
    pub(super) fn knows_kind(&self, byte: u8) -> bool {
        !self.any() || self.kinds & kind(byte) != 0
    }

    /// Whether records are scalars, which a candidate can only be at the beginning of a line.
    pub(super) fn knows_scalars(&self) -> bool {
        self.kinds & !3 != 0
    }

    /// Learns from record number `index`, which is whole.
    #[inline]
    pub(super) fn learn(&mut self, record: &[u8], index: u64) {
        self.kinds |= kind(record[0]);
        if index < FIRST_LOOKED_AT || index.is_multiple_of(THEN_EVERY) {
            self.look_at(record);
        }
    }

    /// Learns from records that all open as usual, by their numbers.
    pub(super) fn learn_usual(&mut self, indices: Range<u64>) {
        let every =
            |end: u64| end.div_ceil(THEN_EVERY) + end.min(FIRST_LOOKED_AT).saturating_sub(1);
        let looked_at = every(indices.end) - every(indices.start);
        self.looked_at += usize::try_from(looked_at).unwrap_or(usize::MAX);
    }

    /// How the first record opens, up to the end of its first key; empty as long as none has one.
    pub(super) fn usual(&self) -> &[u8] {
        &self.usual
    }

    fn look_at(&mut self, record: &[u8]) {
        let FirstKey::Ends(end) = first_key(record, 0) else { return };
        let key = hash(record, 0, end);
        self.looked_at += 1;
        if self.usual.is_empty() {
            self.usual = record[..end].to_vec();
            let (mut word, mut mask) = ([0; WORD], [0; WORD]);
            for (place, &byte) in self.usual.iter().take(WORD).enumerate() {
                (word[place], mask[place]) = (byte, u8::MAX);
            }
            self.usual_word = (u128::from_le_bytes(word), u128::from_le_bytes(mask));
        }
        if self.first_keys.len() < FIRST_KEYS_MAX && !self.first_keys.contains(&key) {
            self.first_keys.push(key);
        }
    }

    /// Whether the bytes at `at` are how the first record opened: the quick answer for most.
    #[inline(always)]
    pub(super) fn as_usual(&self, window: &[u8], at: usize) -> bool {
        if self.usual.is_empty() {
            return false;
        }
        let Some(&word) = window[at..].first_chunk() else {
            return window[at..].starts_with(&self.usual);
        };
        let (usual, mask) = self.usual_word;
        u128::from_le_bytes(word) & mask == usual
            && (self.usual.len() <= WORD || window[at..].starts_with(&self.usual))
    }

    /// Whether the value at `at` opens as records do: same kind, and for objects a first key that
    /// was seen, where first keys mean something.
    pub(super) fn at(&self, window: &[u8], at: usize, eof: bool) -> Opens {
        let byte = window[at];
        if !self.knows_kind(byte) {
            return Opens::Otherwise;
        }
        if byte != b'{' {
            return Opens::Alike;
        }
        match first_key(window, at) {
            FirstKey::Ends(end) => {
                // An empty object or key is what noise makes; it needs a precedent.
                let any_key = !self.stereotyped() && !matches!(window[end - 2], b'{' | b'"');
                let alike = any_key || self.first_keys.contains(&hash(window, at, end));
                if alike { Opens::Alike } else { Opens::Otherwise }
            }
            FirstKey::Beyond if !eof => Opens::Unknown,
            _ => Opens::Otherwise,
        }
    }
}

/// Whether the value at `other` opens as the whole one at `one` does.
pub(super) fn compare(window: &[u8], one: usize, other: usize, eof: bool) -> Opens {
    if kind(window[one]) != kind(window[other]) {
        return Opens::Otherwise;
    }
    if window[one] != b'{' {
        return Opens::Alike;
    }
    match (first_key(window, one), first_key(window, other)) {
        (FirstKey::Ends(one_end), FirstKey::Ends(other_end))
            if hash(window, one, one_end) == hash(window, other, other_end) =>
        {
            Opens::Alike
        }
        (_, FirstKey::Beyond) if !eof => Opens::Unknown,
        _ => Opens::Otherwise,
    }
}

/// The first key of the object in `at..end`, or that it has none.
fn hash(window: &[u8], at: usize, end: usize) -> u64 {
    xxh3_64(window[at + 1..end].trim_ascii_start())
}

enum FirstKey {
    /// Its closing quote, or the closing bracket where there is no key, ends here.
    Ends(usize),
    /// The window ends before it.
    Beyond,
    /// There is no object.
    No,
}

fn first_key(window: &[u8], at: usize) -> FirstKey {
    if window[at] != b'{' {
        return FirstKey::No;
    }
    let quote = skip_whitespace(window, at + 1);
    match window.get(quote) {
        Some(b'}') => FirstKey::Ends(quote + 1),
        Some(b'"') => match string_at(window, quote) {
            Ok(end) => FirstKey::Ends(end),
            Err(Scan::Incomplete) => FirstKey::Beyond,
            Err(_) => FirstKey::No,
        },
        Some(_) => FirstKey::No,
        None => FirstKey::Beyond,
    }
}
