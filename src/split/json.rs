//! Concatenated JSON: values one after another, with anything between them that separates.
//!
//! In step, records follow each other and cost one pass. What does not read as a record, or runs
//! into something that no record begins with, is handed to [`Lost`], which looks for the next one.

use std::ops::Range;

use super::grammar::{Scan, Scanner, begins_value, skip_whitespace};
use super::openings::{self, Openings, Opens};
use super::prove::{Proof, Prover};
use super::recover::{Found, Lost};
use super::{Damage, Out, Split, Standing};
use crate::limits::{RECORD_BYTES_MAX, SNIFF_BYTES};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// RFC 7464 puts this before each text of a sequence.
pub(super) const RECORD_SEPARATOR: u8 = 0x1e;

/// So many values of other kinds in a row are looked at before they are taken for what they seem.
const STRANGERS_MAX: usize = 16;

/// Splits concatenated JSON.
#[derive(Debug, Default)]
pub(super) struct JsonSplitter {
    pub(super) scanner: Scanner,
    prover: Prover,
    /// The prover looks at bounds alone as long as there is no damage.
    by_bounds: bool,
    pub(super) openings: Openings,
    /// A byte string that stands between records besides whitespace.
    delimiter: Vec<u8>,
    records: u64,
    /// There was damage before.
    damaged: bool,
    lost: Option<Lost>,
    /// It goes no further than to the first record that begins at this offset or behind it.
    pub(super) pause: Option<u64>,
}

/// Part of the content, and whether its end is the content's.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) window: &'a [u8],
    /// Where the window begins in the content.
    pub(super) base: u64,
    pub(super) eof: bool,
}

/// What follows a position: separators, then something.
pub(super) struct Gap {
    /// The first byte behind the separators.
    pub(super) end: usize,
    /// One of them was more than blanks: a line break, a record separator, the delimiter.
    pub(super) strong: bool,
    /// So many bytes before `end`, which is the window's, may be the beginning of a delimiter.
    partial: usize,
}

enum Next {
    Record(usize, Standing),
    /// It runs into junk, which begins here.
    RunsIntoJunk(usize, usize),
    More,
    Broken(usize, Damage),
}

enum Boundary {
    Clean,
    More,
    /// Something that no record begins with stands here.
    Touching(usize),
}

/// Two words or numbers in a row are one without a blank between them.
fn runs_together(opener: u8, next: u8) -> bool {
    !matches!(opener, b'{' | b'[' | b'"') && !matches!(next, b'{' | b'[' | b'"')
}

impl JsonSplitter {
    /// With a byte string between the records, besides any whitespace.
    pub(super) fn delimited(delimiter: Vec<u8>) -> Self {
        Self { delimiter, ..Self::default() }
    }

    /// The dull twin, which looks at one byte after another.
    pub(super) fn bytewise(self) -> Self {
        Self { prover: Prover::none(), ..self }
    }

    /// One that looks for where records end and not at what is in them, up to the first damage that shows.
    /// From there on it looks at everything: else each bracket that is lost would be looked for through as
    /// many bytes as a record can have.
    pub(super) fn by_bounds(self) -> Self {
        Self { prover: Prover::default().by_bounds(), by_bounds: true, ..self }
    }

    /// Whether it stands at a record, where it was to pause, `offset` being as far as it has come.
    pub(super) fn is_paused(&self, offset: u64) -> bool {
        self.lost.is_none() && self.pause.is_some_and(|pause| offset >= pause)
    }

    /// Whether scouts find what it would find: most records are known by how the first one opens, and they
    /// look as closely as it does.
    pub(super) fn trusts_scouts(&self) -> bool {
        let looks_closer = self.by_bounds && self.damaged;
        self.openings.usual().first() == Some(&b'{') && !looks_closer
    }

    /// One that knows how records open and how closely to look, and nothing else.
    pub(super) fn scout(&self) -> Self {
        let scout = Self { openings: self.openings.clone(), ..Self::default() };
        if self.by_bounds { scout.by_bounds() } else { scout }
    }

    /// The first position where a record may end and another one opens as most do.
    pub(super) fn guess(&self, window: &[u8]) -> Option<usize> {
        memchr::memmem::find_iter(window, self.openings.usual()).find(|&at| {
            let before = window[..at].iter().rfind(|byte| !byte.is_ascii_whitespace());
            before == Some(&b'}')
        })
    }

    /// Passes over so many records, all of which open as most do. What standing they have.
    pub(super) fn join(&mut self, records: u64) -> Standing {
        self.openings.learn_usual(self.records..self.records + records);
        self.records += records;
        self.standing()
    }

    /// Hands out records from the one at `at` on, which opens as usual, as long as they are known to be whole
    /// and others follow that open as usual; none that begins at `upto` or behind it. Says of each where
    /// it ends and where the next one begins. Where it stops, a record begins.
    #[inline(always)]
    fn follow(
        &mut self,
        view: View<'_>,
        mut at: usize,
        upto: usize,
        mut take: impl FnMut(Range<usize>, usize),
    ) -> usize {
        while at < upto {
            let ends = self.prover.ahead(view.window, view.base, at);
            let (known, mut passed) = (ends.len(), 0);
            for &end in ends {
                let next = skip_whitespace(view.window, end);
                let is_record = at < upto && end - at <= RECORD_BYTES_MAX;
                if !is_record || !self.openings.as_usual(view.window, next) {
                    break;
                }
                take(at..end, next);
                at = next;
                passed += 1;
            }
            self.prover.advance(passed);
            if passed < known || known == 0 {
                break;
            }
        }
        at
    }

    /// The same, also where only a look at each byte tells that a record is whole.
    #[inline(always)]
    pub(super) fn run(
        &mut self,
        view: View<'_>,
        mut at: usize,
        upto: usize,
        mut take: impl FnMut(Range<usize>),
    ) -> usize {
        loop {
            at = self.follow(view, at, upto, |record, _| take(record));
            if at >= upto {
                return at;
            }
            let Scan::Complete(end) = self.value(view, at) else { return at };
            let next = skip_whitespace(view.window, end);
            if end - at > RECORD_BYTES_MAX || !self.openings.as_usual(view.window, next) {
                return at;
            }
            take(at..end);
            at = next;
        }
    }

    /// Hands out records from the one at `at` on, as long as all is as usual. Where the next one begins.
    fn usual_records(&mut self, view: View<'_>, at: usize, out: &mut Out<'_>) -> usize {
        // A delimiter may begin as records do.
        if !self.delimiter.is_empty() || !self.openings.as_usual(view.window, at) {
            return at;
        }
        let upto = self.pause.map_or(u64::MAX, |pause| pause.saturating_sub(view.base));
        let upto = usize::try_from(upto).unwrap_or(usize::MAX);
        let standing = self.standing();
        let mut records = 0;
        let next = self.follow(view, at, upto, |record, next| {
            let (offset, blanks) = (view.base + record.start as u64, next - record.end);
            out.record(&view.window[record], offset, standing);
            out.separators(blanks);
            records += 1;
        });
        self.openings.learn_usual(self.records..self.records + records);
        self.records += records;
        next
    }

    fn standing(&self) -> Standing {
        if self.damaged { Standing::Recovered } else { Standing::Clean }
    }

    /// Skips what separates records.
    pub(super) fn skip_separators(&self, view: View<'_>, from: usize) -> Gap {
        let mut gap = Gap { end: from, strong: false, partial: 0 };
        if view.base == 0 && from == 0 && view.window.starts_with(BYTE_ORDER_MARK) {
            gap.end = BYTE_ORDER_MARK.len();
        }
        loop {
            match view.window.get(gap.end) {
                Some(b' ' | b'\t') => gap.end += 1,
                Some(b'\n' | b'\r' | &RECORD_SEPARATOR) => {
                    gap.strong = true;
                    gap.end += 1;
                }
                Some(_)
                    if !self.delimiter.is_empty()
                        && view.window[gap.end..].starts_with(&self.delimiter) =>
                {
                    gap.strong = true;
                    gap.end += self.delimiter.len();
                }
                Some(_) if !view.eof && self.delimiter.starts_with(&view.window[gap.end..]) => {
                    gap.partial = view.window.len() - gap.end;
                    gap.end = view.window.len();
                    return gap;
                }
                _ => return gap,
            }
        }
    }

    /// Reads the value at `at` and decides whether it is a record.
    fn next(&mut self, view: View<'_>, at: usize, out: &Out<'_>) -> Next {
        let end = match self.value(view, at) {
            Scan::Complete(end) if end - at <= RECORD_BYTES_MAX => end,
            Scan::Broken(error, damage) if error - at <= RECORD_BYTES_MAX => {
                return Next::Broken(error, damage);
            }
            Scan::Incomplete if view.window.len() - at <= RECORD_BYTES_MAX => return Next::More,
            _ => return Next::Broken(at + RECORD_BYTES_MAX, Damage::TooLong),
        };
        let opener = view.window[at];
        if self.damaged && !self.openings.knows_kind(opener) {
            return Next::Broken(at, Damage::UnexpectedByte(opener));
        }
        let standing = self.standing();
        match self.boundary(view, at, end) {
            Boundary::Clean => Next::Record(end, standing),
            Boundary::More => Next::More,
            Boundary::Touching(junk) => self.judge(view, at, end, junk, out.sink.proves()),
        }
    }

    /// Reads the value at `at`. Of one that goes on in the next window the beginning may be broken; that
    /// is found out then.
    #[inline(always)]
    pub(super) fn value(&mut self, view: View<'_>, at: usize) -> Scan {
        match self.prover.value(view.window, view.base, at) {
            Proof::Whole(end) if end - at <= RECORD_BYTES_MAX => Scan::Complete(end),
            Proof::GoesOn if !view.eof && view.window.len() - at <= RECORD_BYTES_MAX => {
                Scan::Incomplete
            }
            _ => self.scanner.value(view.window, at, view.eof),
        }
    }

    /// What stands behind the value in `at..end`.
    #[inline]
    fn boundary(&mut self, view: View<'_>, at: usize, end: usize) -> Boundary {
        if self.openings.as_usual(view.window, end) {
            return Boundary::Clean;
        }
        self.far_boundary(view, at, end)
    }

    /// The same, where what follows does not open as most records do: then it must be values, whole
    /// ones, up to the content's end, to one that opens as records do, or at least to one of the same
    /// kind.
    fn far_boundary(&mut self, view: View<'_>, at: usize, end: usize) -> Boundary {
        let (mut from, mut end, mut junk) = (at, end, None);
        for _ in 0..STRANGERS_MAX {
            let gap = self.skip_separators(view, end);
            let junk = *junk.get_or_insert(gap.end);
            // So many blanks are a boundary, whatever stands behind them.
            if gap.end - end > SNIFF_BYTES {
                return Boundary::Clean;
            }
            let Some(&byte) = view.window.get(gap.end) else {
                return if view.eof { Boundary::Clean } else { Boundary::More };
            };
            let glued = gap.end == end && runs_together(view.window[from], byte);
            if !begins_value(byte) || glued {
                return Boundary::Touching(junk);
            }
            match self.begins_like(view, at, gap.end) {
                Opens::Alike => return Boundary::Clean,
                Opens::Unknown => return Boundary::More,
                Opens::Otherwise => {}
            }
            end = match self.scanner.value(view.window, gap.end, view.eof) {
                Scan::Complete(end) => end,
                Scan::Incomplete if view.window.len() - gap.end <= RECORD_BYTES_MAX => {
                    return Boundary::More;
                }
                _ => return Boundary::Touching(junk),
            };
            if matches!(byte, b'{' | b'[') && byte == view.window[at] {
                return Boundary::Clean;
            }
            from = gap.end;
        }
        Boundary::Clean
    }

    /// A whole value runs into junk. It is a record unless the junk closes a bracket: then the value
    /// may be the beginning of a larger one that was closed too early, and only a match proves it.
    fn judge(&self, view: View<'_>, at: usize, end: usize, junk: usize, proves: bool) -> Next {
        let window = view.window;
        let broken = Next::Broken(end, Damage::NoBoundary(window[junk]));
        if self.openings.at(window, at, true) != Opens::Alike {
            return broken;
        }
        if proves {
            return Next::RunsIntoJunk(end, junk);
        }
        let limit = window.len().min(junk + SNIFF_BYTES);
        for position in junk..limit {
            match window[position] {
                b'}' | b']' => return broken,
                b'{' | b'[' if self.is_telling(window[at]) => {
                    match self.begins_like(view, at, position) {
                        Opens::Alike => return Next::RunsIntoJunk(end, junk),
                        Opens::Unknown => return Next::More,
                        Opens::Otherwise => {}
                    }
                }
                _ => {}
            }
        }
        if limit == window.len() && !view.eof {
            return Next::More;
        }
        Next::RunsIntoJunk(end, junk)
    }

    /// Whether the way a value opens can tell a record from a nested value.
    fn is_telling(&self, opener: u8) -> bool {
        if self.openings.any() { self.openings.stereotyped() } else { opener == b'{' }
    }

    /// Whether a record begins at `position`, going by those before it or by the one at `at`.
    fn begins_like(&self, view: View<'_>, at: usize, position: usize) -> Opens {
        if self.openings.any() {
            return self.openings.at(view.window, position, view.eof);
        }
        openings::compare(view.window, at, position, view.eof)
    }

    /// There is damage: from now on nothing is taken for granted.
    fn distrust(&mut self) {
        self.damaged = true;
        self.prover.look_at_everything();
    }

    /// Looks for the next record behind damage; the position to go on from, or `None` when more of
    /// the content is needed: then the window is used up to the position in `Err`.
    fn recover(
        &mut self,
        mut lost: Lost,
        view: View<'_>,
        out: &mut Out<'_>,
    ) -> Result<usize, usize> {
        match lost.search(self, view, out) {
            Found::Record(at) => Ok(at),
            Found::End => Ok(view.window.len()),
            Found::More(used) => {
                self.lost = Some(lost);
                Err(used)
            }
        }
    }
}

impl Split for JsonSplitter {
    fn feed(&mut self, window: &[u8], base: u64, eof: bool, out: &mut Out<'_>) -> usize {
        let view = View { window, base, eof };
        let mut at = 0;
        self.prover.forget();
        loop {
            if self.lost.is_some()
                && let Some(lost) = self.lost.take()
            {
                match self.recover(lost, view, out) {
                    Ok(next) => at = next,
                    Err(used) => return used,
                }
            }
            let gap = self.skip_separators(view, at);
            let record = gap.end - gap.partial;
            out.separators(record - at);
            at = record;
            let paused = self.pause.is_some_and(|pause| base + at as u64 >= pause);
            if gap.end == window.len() || paused {
                return at;
            }
            let next = self.usual_records(view, at, out);
            if next > at {
                at = next;
                continue;
            }
            match self.next(view, at, out) {
                Next::More => return at,
                Next::Record(end, standing) => {
                    self.openings.learn(&window[at..end], self.records);
                    self.records += 1;
                    out.record(&window[at..end], base + at as u64, standing);
                    at = end;
                }
                Next::RunsIntoJunk(end, junk) => {
                    // Before what no value begins with, it may itself be what is broken: an object's
                    // first record that is would give a wrong idea of all others.
                    if begins_value(window[junk]) {
                        self.openings.learn(&window[at..end], self.records);
                    }
                    self.records += 1;
                    self.distrust();
                    out.record(&window[at..end], base + at as u64, Standing::Recovered);
                    at = end;
                }
                Next::Broken(error, damage) => {
                    self.distrust();
                    self.lost = Some(Lost::new(self, view, at, error, damage));
                }
            }
        }
    }
}
