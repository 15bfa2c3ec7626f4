//! Content in segments that are split before it is known what they are, by several threads or one.
//!
//! Nothing tells from the middle of content whether a position is inside a string. So a thread guesses:
//! it takes the first place that looks like the end of a record and the beginning of another, and
//! goes on from there as long as every record is whole and opens as the first one did. Such a [`Run`]
//! says nothing yet. The one splitter that comes from the beginning counts it when it arrives, in
//! step, exactly where the run begins: it would have found the same. Where it arrives elsewhere, or a run
//! has ended early, it goes on by itself up to the beginning of the next one.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::json::{JsonSplitter, View};
use super::window::{Window, format_of};
use super::{Format, FormatChoice, Out, Record, Sink, Split, Standing, Tally, split};
use crate::limits::{KIB, SEGMENT_BYTES};

/// What a run reads behind its segment for the record that goes on there, at least and at most. A longer
/// one ends the run.
const SLACK_BYTES: [u64; 2] = [4 * KIB, 256 * KIB];
/// So many times as long as usual may that record be.
const SLACK_RECORDS: u64 = 8;

/// Content of which any piece can be had at any time.
pub trait RandomAccess: Sync {
    /// Its length, in bytes.
    fn len(&self) -> u64;
    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The `count` bytes at an offset; fewer where the content ends. What does not lie in memory is read
    /// into the buffer, which is only ever made longer.
    ///
    /// # Errors
    /// When they cannot be read.
    fn at<'a>(&'a self, offset: u64, count: u64, buffer: &'a mut Vec<u8>) -> io::Result<&'a [u8]>;
}

/// A sink that several threads can work for.
pub trait Shared: Sink {
    /// Takes the records of one run.
    type Part: Part;
    /// An empty part; none as long as what comes next may change what records are taken for.
    fn part(&self) -> Option<Self::Part>;
    /// Takes what a part has taken, and leaves it empty. All its records have the same standing.
    fn join(&mut self, part: &mut Self::Part, standing: Standing);
}

/// Takes records in the order of offsets, on a thread of its own.
pub trait Part: Send {
    /// Another empty one.
    fn another(&self) -> Self;
    /// Takes a record. Its standing is not known yet.
    fn record(&mut self, record: Record<'_>);
}

/// As [`split`](super::split()), with the help of so many threads besides this one. The answers are
/// the same. Even without any it is faster: what opens as usual needs no more than a look.
///
/// # Errors
/// As [`split`](super::split()).
///
/// # Panics
/// As [`split`](super::split()).
pub fn split_segments<S: Shared>(
    content: &dyn RandomAccess,
    choice: &FormatChoice,
    sink: &mut S,
    helpers: usize,
) -> (Format, Tally, io::Result<()>) {
    split_in(content, choice, sink, helpers, SEGMENT_BYTES)
}

/// The same, with segments of this length.
pub(super) fn split_in<S: Shared>(
    content: &dyn RandomAccess,
    choice: &FormatChoice,
    sink: &mut S,
    helpers: usize,
    segment: u64,
) -> (Format, Tally, io::Result<()>) {
    let mut sequence = Sequence::new(content);
    let format = format_of(choice, sequence.window.bytes(), sequence.window.is_last());
    if format != Format::Json || content.len() < 2 * segment {
        return split(&mut Reader::new(content), choice, sink);
    }
    if sink.bounds_suffice() {
        sequence.splitter = JsonSplitter::default().by_bounds();
    }
    let mut pause = 1;
    while sequence.run(sink, Some(pause)) {
        if let Some(part) = sink.part().filter(|_| sequence.splitter.trusts_scouts()) {
            let segments = Segments::new(&sequence, segment);
            segments.work(helpers, part, |run| {
                let part = sequence.join(sink, run);
                match sink.is_done() || !sequence.splitter.trusts_scouts() {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(part),
                }
            });
            break;
        }
        pause = sequence.window.base() + segment;
    }
    sequence.run(sink, None);
    sequence.finish()
}

/// Reads content from an offset on.
pub(super) struct Reader<'a> {
    content: &'a dyn RandomAccess,
    at: u64,
    buffer: Vec<u8>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(content: &'a dyn RandomAccess) -> Self {
        Self { content, at: 0, buffer: Vec::new() }
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let bytes = self.content.at(self.at, out.len() as u64, &mut self.buffer)?;
        out[..bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len() as u64;
        Ok(bytes.len())
    }
}

/// The splitter that comes from the beginning.
struct Sequence<'a> {
    reader: Reader<'a>,
    window: Window,
    splitter: JsonSplitter,
    tally: Tally,
    error: Option<io::Error>,
}

impl<'a> Sequence<'a> {
    /// At the beginning, with enough in its window to tell the format.
    fn new(content: &'a dyn RandomAccess) -> Self {
        let (mut reader, mut error) = (Reader::new(content), None);
        let window = Window::sniffed(&mut reader, &mut error);
        let splitter = JsonSplitter::default();
        Self { reader, window, splitter, tally: Tally::default(), error }
    }

    /// Goes on to the first record that begins at this offset or behind it, or to the end. Whether it
    /// has come to a record.
    fn run(&mut self, sink: &mut dyn Sink, pause: Option<u64>) -> bool {
        self.splitter.pause = pause;
        let mut out = Out { sink, tally: std::mem::take(&mut self.tally) };
        let paused = loop {
            let window = &mut self.window;
            let used =
                self.splitter.feed(window.bytes(), window.base(), window.is_last(), &mut out);
            window.advance(used);
            if self.splitter.is_paused(window.base()) {
                break true;
            }
            if window.is_last() || out.sink.is_done() {
                break false;
            }
            window.fill(&mut self.reader, &mut self.error);
        };
        self.tally = out.tally;
        paused
    }

    /// Goes on to where a run begins, and counts it if that is a record's beginning; then what it was
    /// taken by is empty again.
    fn join<S: Shared>(&mut self, sink: &mut S, mut run: Run<S::Part>) -> Option<S::Part> {
        if self.window.base() < run.start {
            self.run(sink, Some(run.start));
        }
        let arrived = self.window.base() == run.start && self.splitter.is_paused(run.start);
        if !arrived || !self.splitter.trusts_scouts() {
            return None;
        }
        let standing = self.splitter.join(run.records);
        self.tally.records += run.records;
        self.tally.recovered += if standing == Standing::Recovered { run.records } else { 0 };
        self.tally.bytes.records += run.bytes;
        self.tally.bytes.separators += run.end - run.start - run.bytes;
        sink.join(&mut run.part, standing);
        self.window.restart(run.end);
        self.reader.at = run.end;
        Some(run.part)
    }

    /// What to read behind a segment, by how long records are so far.
    fn slack(&self) -> u64 {
        let usual = self.tally.bytes.records / self.tally.records.max(1);
        usual.saturating_mul(SLACK_RECORDS).clamp(SLACK_BYTES[0], SLACK_BYTES[1])
    }

    fn finish(self) -> (Format, Tally, io::Result<()>) {
        let mut tally = self.tally;
        tally.bytes.decoded = self.window.base();
        tally.bytes.assert_balanced();
        (Format::Json, tally, self.error.map_or(Ok(()), Err))
    }
}

/// Records that follow each other, if the first one is one: all whole, and the one behind each opens
/// as the first of the content did.
struct Run<P> {
    start: u64,
    /// The next record begins here.
    end: u64,
    records: u64,
    bytes: u64,
    part: P,
}

/// What is left of the content, cut.
struct Segments<'a> {
    content: &'a dyn RandomAccess,
    from: u64,
    segment: u64,
    slack: u64,
    count: u64,
    /// Knows how records open.
    splitter: JsonSplitter,
}

impl<'a> Segments<'a> {
    fn new(sequence: &Sequence<'a>, segment: u64) -> Self {
        let (content, from) = (sequence.reader.content, sequence.window.base());
        let count = (content.len() - from).div_ceil(segment);
        let (slack, splitter) = (sequence.slack(), sequence.splitter.scout());
        Self { content, from, segment, slack, count, splitter }
    }

    /// Splits the segments, and hands on what came of them, in order, as long as more is wanted. A part
    /// that is empty again is used again.
    fn work<P: Part>(
        &self,
        helpers: usize,
        part: P,
        mut join: impl FnMut(Run<P>) -> ControlFlow<(), Option<P>>,
    ) {
        let board = Board::new(self.count, helpers);
        thread::scope(|scope| {
            let _over = Over(&board);
            for _ in 0..helpers {
                let (board, part) = (&board, part.another());
                scope.spawn(move || {
                    let _over = Over(board);
                    let mut buffer = Vec::new();
                    while let Some(number) = board.claim() {
                        board.done(number, self.run(number, board.empty(&part), &mut buffer));
                    }
                });
            }
            let mut buffer = Vec::new();
            for number in 0..self.count {
                loop {
                    match board.next(number) {
                        Turn::Join(None) => break,
                        Turn::Join(Some(run)) => match join(run) {
                            ControlFlow::Continue(part) => {
                                board.give_back(part);
                                break;
                            }
                            ControlFlow::Break(()) => return board.stop(),
                        },
                        Turn::Work(other) => {
                            board.done(other, self.run(other, board.empty(&part), &mut buffer));
                        }
                    }
                }
            }
        });
    }

    /// The run of a segment. What cannot be read is none; whoever comes from the beginning will say why.
    fn run<P: Part>(&self, number: u64, mut part: P, buffer: &mut Vec<u8>) -> Option<Run<P>> {
        let base = self.from + number * self.segment;
        let window = self.content.at(base, self.segment + self.slack, buffer).ok()?;
        let upto =
            usize::try_from(self.segment).map_or(window.len(), |upto| upto.min(window.len()));
        let mut splitter = self.splitter.scout();
        let is_first = number == 0 && splitter.openings.as_usual(window, 0);
        let first = if is_first { 0 } else { splitter.guess(&window[..upto])? };
        let (mut records, mut bytes) = (0, 0);
        let view = View { window, base, eof: false };
        let at = splitter.run(view, first, upto, |record| {
            let (bytes_of, offset) = (&window[record.clone()], base + record.start as u64);
            part.record(Record { bytes: bytes_of, offset, standing: Standing::Clean });
            records += 1;
            bytes += record.len() as u64;
        });
        let (start, end) = (base + first as u64, base + at as u64);
        Some(Run { start, end, records, bytes, part })
    }
}

/// Who does what: shared by the threads.
struct Board<P> {
    count: u64,
    /// So many runs at most are under way or wait to be joined.
    ahead: u64,
    state: Mutex<State<P>>,
    changed: Condvar,
}

struct State<P> {
    claimed: u64,
    joined: u64,
    done: BTreeMap<u64, Option<Run<P>>>,
    /// Parts that have been joined, and are empty.
    empty: Vec<P>,
    over: bool,
}

/// What the thread that joins does next.
enum Turn<P> {
    Join(Option<Run<P>>),
    Work(u64),
}

impl<P: Part> Board<P> {
    fn new(count: u64, helpers: usize) -> Self {
        let (done, empty) = (BTreeMap::new(), Vec::new());
        let state = State { claimed: 0, joined: 0, done, empty, over: false };
        let ahead = 2 * (helpers as u64 + 1);
        Self { count, ahead, state: Mutex::new(state), changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State<P>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<P>>) -> MutexGuard<'a, State<P>> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn may_claim(&self, state: &State<P>) -> bool {
        state.claimed < self.count && state.claimed < state.joined + self.ahead
    }

    /// The next segment to split, once there is room for what comes of it.
    fn claim(&self) -> Option<u64> {
        let mut state = self.state();
        while !state.over && state.claimed < self.count && !self.may_claim(&state) {
            state = self.wait(state);
        }
        let claim = !state.over && state.claimed < self.count;
        claim.then(|| {
            state.claimed += 1;
            state.claimed - 1
        })
    }

    /// An empty part, with the room that it had before if there is one.
    fn empty(&self, like: &P) -> P {
        self.state().empty.pop().unwrap_or_else(|| like.another())
    }

    fn give_back(&self, part: Option<P>) {
        self.state().empty.extend(part);
    }

    /// Nobody claims any more.
    fn stop(&self) {
        self.state().over = true;
        self.changed.notify_all();
    }

    fn done(&self, number: u64, run: Option<Run<P>>) {
        self.state().done.insert(number, run);
        self.changed.notify_all();
    }

    /// What is next for the thread that joins runs in order.
    fn next(&self, number: u64) -> Turn<P> {
        let mut state = self.state();
        loop {
            if let Some(run) = state.done.remove(&number) {
                state.joined = number + 1;
                self.changed.notify_all();
                return Turn::Join(run);
            }
            if state.over {
                return Turn::Join(None);
            }
            if self.may_claim(&state) {
                state.claimed += 1;
                return Turn::Work(state.claimed - 1);
            }
            state = self.wait(state);
        }
    }
}

/// Lets nobody wait for a thread that is gone.
struct Over<'a, P: Part>(&'a Board<P>);

impl<P: Part> Drop for Over<'_, P> {
    fn drop(&mut self) {
        self.0.state().over |= thread::panicking();
        self.0.changed.notify_all();
    }
}
