//! Behind damage: the search for the next record, which must not invent one.
//!
//! A candidate is a position where a record could begin. It is taken when
//!
//! 1. it opens as the object's records open: same kind, same first key where there is one;
//! 2. it reads whole;
//! 3. a boundary follows: the end, a line break, the beginning of another such value; unless only a match
//!    will make it a record, and first keys say something;
//! 4. the broken record could not hold it as a nested value: every bracket that the broken record
//!    opened outside its strings before the error is out of the question, unless what is broken
//!    does not open as a record in the first place;
//! 5. and, where no record was seen yet or first keys mean nothing, the value behind it is whole
//!    too.
//!
//! Everything from the broken record's first byte to the candidate is malformed. The search is
//! linear: candidates that read far and fail use up a budget that grows with the bytes passed.

use std::collections::VecDeque;

use memchr::memchr2;

use super::grammar::{Scan, Watch, begins_value};
use super::json::{JsonSplitter, View};
use super::openings::{self, Opens};
use super::{Damage, Out, Span};
use crate::limits::{KIB, RECORD_BYTES_MAX, SNIFF_BYTES};

/// Bytes that failing candidates may read for each byte passed, and to begin with.
const WORK_A_BYTE: u64 = 16;
const WORK_TO_BEGIN_WITH: u64 = 64 * KIB;

/// What a search came to.
pub(super) enum Found {
    /// The next record begins here, in the window.
    Record(usize),
    /// The content ends, and there is none.
    End,
    /// More content is needed; the window is used up to here.
    More(usize),
}

/// A broken value, and how far the search behind it has come. Offsets are in the content.
#[derive(Debug)]
pub(super) struct Lost {
    start: u64,
    error: u64,
    damage: Damage,
    /// Brackets before `frontier` that may open a record.
    pending: VecDeque<u64>,
    /// From here on every bracket may.
    frontier: u64,
    /// Malformed bytes before this have been handed out.
    given: u64,
    /// They end with more blanks than are held back.
    flooded: bool,
    /// Bytes that candidates have read in vain.
    work: u64,
}

enum Judgement {
    Record,
    More,
    /// It does not open as a record.
    No,
    /// It opens as one and fails here, in the window.
    NoUpTo(usize),
}

impl Lost {
    /// The value at `at` broke at `error`.
    pub(super) fn new(
        splitter: &mut JsonSplitter,
        view: View<'_>,
        at: usize,
        error: usize,
        damage: Damage,
    ) -> Self {
        let mut lost = Self {
            start: view.base + at as u64,
            error: view.base + error as u64,
            damage,
            pending: VecDeque::new(),
            frontier: view.base + error.max(at + 1) as u64,
            given: view.base + at as u64,
            flooded: false,
            work: 0,
        };
        let alike = splitter.openings.at(view.window, at, true) == Opens::Alike;
        lost.pending = if alike && matches!(view.window[at], b'{' | b'[') {
            brackets_in_strings(splitter, view, at, error)
        } else {
            brackets(&view.window[..error], at + 1).map(|at| view.base + at as u64).collect()
        };
        lost
    }

    /// Looks for the next record and hands out the malformed bytes before it.
    pub(super) fn search(
        &mut self,
        splitter: &mut JsonSplitter,
        view: View<'_>,
        out: &mut Out<'_>,
    ) -> Found {
        while let Some(at) = self.candidate(splitter, view) {
            match judge(splitter, view, at, out.sink.proves()) {
                Judgement::Record => {
                    self.finish(view, at, out);
                    return Found::Record(at);
                }
                Judgement::More => return Found::More(self.give(view, at, out)),
                Judgement::No => self.pass(view, at),
                Judgement::NoUpTo(end) => {
                    self.pass(view, at);
                    self.work += (end - at) as u64;
                    self.step_over(splitter, view, at, end);
                }
            }
        }
        if view.eof {
            self.finish(view, view.window.len(), out);
            return Found::End;
        }
        Found::More(self.give(view, view.window.len(), out))
    }

    /// The next position that may begin a record.
    fn candidate(&mut self, splitter: &JsonSplitter, view: View<'_>) -> Option<usize> {
        if let Some(&offset) = self.pending.front() {
            return Some(index(view, offset));
        }
        let from = index(view, self.frontier);
        let found = if splitter.openings.knows_scalars() {
            (from..view.window.len()).find(|&at| {
                matches!(view.window[at], b'{' | b'[')
                    || begins_value(view.window[at])
                        && at > 0
                        && matches!(view.window[at - 1], b'\n' | b'\r')
            })
        } else {
            memchr2(b'{', b'[', &view.window[from..]).map(|at| from + at)
        };
        self.frontier = view.base + found.unwrap_or(view.window.len()) as u64;
        found
    }

    /// Leaves a candidate behind.
    fn pass(&mut self, view: View<'_>, at: usize) {
        if self.pending.pop_front().is_none() {
            self.frontier = view.base + at as u64 + 1;
        }
    }

    /// A candidate opened as a record and failed at `end`: what it holds nested is no record.
    fn step_over(&mut self, splitter: &mut JsonSplitter, view: View<'_>, at: usize, end: usize) {
        let end_offset = view.base + end as u64;
        if end_offset <= self.frontier {
            return;
        }
        let passed = view.base + at as u64 - self.start;
        self.pending = if self.work > WORK_TO_BEGIN_WITH + WORK_A_BYTE * passed {
            VecDeque::new()
        } else {
            brackets_in_strings(splitter, view, at, end)
        };
        self.frontier = end_offset;
    }

    /// Hands out malformed bytes before `upto`, all but blanks at their end, which may turn out to
    /// separate. How far the window is used up.
    fn give(&mut self, view: View<'_>, upto: usize, out: &mut Out<'_>) -> usize {
        let from = index(view, self.given);
        let piece = &view.window[from..upto];
        let is_blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        let blanks = piece.iter().rev().take_while(is_blank).count();
        if !piece.is_empty() {
            let go_on = self.flooded && blanks == piece.len();
            self.flooded = go_on || blanks > SNIFF_BYTES;
        }
        let piece = if self.flooded { piece } else { &piece[..piece.len() - blanks] };
        out.rejected(self.given, piece);
        self.given += piece.len() as u64;
        from + piece.len()
    }

    /// Ends the malformed span before `upto`.
    fn finish(&mut self, view: View<'_>, upto: usize, out: &mut Out<'_>) {
        let used = self.give(view, upto, out);
        let next = view.base + upto as u64;
        let damage = if next <= self.error && self.damage != Damage::CutAtEnd {
            Damage::CutShort
        } else {
            self.damage
        };
        out.malformed(Span {
            offset: self.start,
            len: self.given - self.start,
            error_offset: self.error.min(self.given),
            damage,
        });
        out.separators(upto - used);
    }
}

/// Whether a record begins at `at`. `proves` is whether only a match will make it one.
fn judge(splitter: &mut JsonSplitter, view: View<'_>, at: usize, proves: bool) -> Judgement {
    match splitter.openings.at(view.window, at, view.eof) {
        Opens::Alike => {}
        Opens::Otherwise => return Judgement::No,
        Opens::Unknown if view.window.len() - at <= RECORD_BYTES_MAX => return Judgement::More,
        Opens::Unknown => return Judgement::No,
    }
    let end = match splitter.scanner.value(view.window, at, view.eof) {
        Scan::Complete(end) if end - at <= RECORD_BYTES_MAX => end,
        Scan::Complete(_) => return Judgement::No,
        Scan::Broken(error, _) => return Judgement::NoUpTo(error.max(at + 1)),
        Scan::Incomplete if view.window.len() - at <= RECORD_BYTES_MAX => return Judgement::More,
        Scan::Incomplete => return Judgement::No,
    };
    let gap = splitter.skip_separators(view, end);
    if gap.end - end > SNIFF_BYTES {
        return Judgement::Record;
    }
    let Some(&byte) = view.window.get(gap.end) else {
        return if view.eof { Judgement::Record } else { Judgement::More };
    };
    // A line break is a boundary, but not the one inside an indented value.
    let strong = gap.strong && !matches!(byte, b',' | b'}' | b']' | b':');
    let alike = begins_value(byte)
        && if splitter.openings.any() {
            splitter.openings.knows_kind(byte)
        } else {
            byte == view.window[at]
        };
    if !strong && !alike {
        // The next record may be damaged where it opens.
        let may_be = proves && splitter.openings.stereotyped();
        return if may_be { Judgement::Record } else { Judgement::NoUpTo(end) };
    }
    if splitter.openings.stereotyped() || !alike {
        return Judgement::Record;
    }
    match company(splitter, view, at, gap.end) {
        Opens::Alike => Judgement::Record,
        Opens::Otherwise => Judgement::NoUpTo(end),
        Opens::Unknown => Judgement::More,
    }
}

/// Where nothing is known of records, a candidate is known by its company: the values behind it are
/// whole, and if they open alike, so does the candidate.
fn company(splitter: &mut JsonSplitter, view: View<'_>, at: usize, second: usize) -> Opens {
    let Some(end) = whole(splitter, view, second) else { return Opens::Otherwise };
    let Some(end) = end else { return Opens::Unknown };
    if splitter.openings.any() {
        return Opens::Alike;
    }
    let third = splitter.skip_separators(view, end).end;
    match view.window.get(third) {
        None if !view.eof => return Opens::Unknown,
        Some(&byte) if begins_value(byte) => {
            match openings::compare(view.window, second, third, view.eof) {
                // The values behind it vary: so may it.
                Opens::Otherwise => return Opens::Alike,
                Opens::Unknown if view.window.len() - third <= RECORD_BYTES_MAX => {
                    return Opens::Unknown;
                }
                _ => {}
            }
        }
        _ => {}
    }
    openings::compare(view.window, second, at, view.eof)
}

/// Where the value at `at` ends: `None` when it is no whole value, `Some(None)` when the window is
/// too short to tell.
fn whole(splitter: &mut JsonSplitter, view: View<'_>, at: usize) -> Option<Option<usize>> {
    match splitter.scanner.value(view.window, at, view.eof) {
        Scan::Complete(end) => Some(Some(end)),
        Scan::Incomplete if view.window.len() - at <= RECORD_BYTES_MAX => Some(None),
        _ => None,
    }
}

/// Where an offset of the content lies in the window.
fn index(view: View<'_>, offset: u64) -> usize {
    usize::try_from(offset - view.base).expect("what a search still needs lies in the window")
}

/// The brackets in `bytes` from `from` on.
fn brackets(bytes: &[u8], from: usize) -> impl Iterator<Item = usize> + '_ {
    let from = from.min(bytes.len());
    memchr::memchr2_iter(b'{', b'[', &bytes[from..]).map(move |at| from + at)
}

/// The brackets inside the strings of the value that begins at `at` and breaks at `end`.
fn brackets_in_strings(
    splitter: &mut JsonSplitter,
    view: View<'_>,
    at: usize,
    end: usize,
) -> VecDeque<u64> {
    struct InStrings {
        found: Vec<usize>,
        open: Option<usize>,
    }
    impl Watch for InStrings {
        fn opens(&mut self, start: usize) {
            self.open = Some(start);
        }
        fn string(&mut self, bytes: &[u8], start: usize, _: usize, _: bool) {
            self.open = None;
            self.found.extend(brackets(bytes, 0).map(|at| start + at));
        }
    }
    let window = &view.window[..end];
    let mut strings = InStrings { found: Vec::new(), open: None };
    splitter.scanner.watched(window, at, false, &mut strings);
    if let Some(open) = strings.open {
        strings.found.extend(brackets(window, open));
    }
    strings.found.iter().map(|&at| view.base + at as u64).collect()
}
