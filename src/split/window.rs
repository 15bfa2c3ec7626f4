//! The driver: content from a reader, through a window that holds one record at a time.

use std::cell::Cell;
use std::io::{self, Read};

use super::json::JsonSplitter;
use super::kpl::KplSplitter;
use super::lines::LineSplitter;
use super::log_events::LogEventsSplitter;
use super::{Format, FormatChoice, Out, Sink, Split, Tally, detect};
use crate::limits::{DECODE_CHUNK_BYTES, SNIFF_BYTES};

/// Splits everything a reader gives, and balances the bytes.
///
/// The window holds [`DECODE_CHUNK_BYTES`], and as much more as the longest record (or damaged
/// span that must be looked at as a whole) needs, which is bounded by
/// [`crate::limits::RECORD_BYTES_MAX`].
///
/// # Errors
/// The reader's. What came before it was split and handed to the sink; content is taken to end
/// there, so that a cut record is named as one.
///
/// # Panics
/// When the bytes do not balance, which is a defect of fhcheck.
pub fn split(
    content: &mut dyn Read,
    choice: &FormatChoice,
    sink: &mut dyn Sink,
) -> (Format, Tally, io::Result<()>) {
    let json = if sink.bounds_suffice() { JsonSplitter::by_bounds } else { |json| json };
    drive(content, choice, sink, json)
}

/// The same, by a splitter that looks at one byte after another: the dull twin of [`split`], slower and
/// with the same answers.
///
/// # Errors
/// As [`split`].
///
/// # Panics
/// As [`split`].
pub fn split_bytewise(
    content: &mut dyn Read,
    choice: &FormatChoice,
    sink: &mut dyn Sink,
) -> (Format, Tally, io::Result<()>) {
    drive(content, choice, sink, JsonSplitter::bytewise)
}

fn drive(
    content: &mut dyn Read,
    choice: &FormatChoice,
    sink: &mut dyn Sink,
    json: fn(JsonSplitter) -> JsonSplitter,
) -> (Format, Tally, io::Result<()>) {
    let mut error = None;
    let mut window = Window::sniffed(content, &mut error);
    let (format, mut splitter) = open(choice, window.bytes(), window.eof, json);
    let mut out = Out { sink, tally: Tally::default() };
    loop {
        let used = splitter.feed(window.bytes(), window.base, window.eof, &mut out);
        window.advance(used);
        if window.eof || out.sink.is_done() {
            break;
        }
        window.fill(content, &mut error);
    }
    let mut tally = out.tally;
    tally.bytes.decoded = window.base;
    tally.bytes.assert_balanced();
    (format, tally, error.map_or(Ok(()), Err))
}

/// A format, given or found.
pub(super) fn format_of(choice: &FormatChoice, head: &[u8], eof: bool) -> Format {
    let found = || detect::detect(head, eof);
    match choice {
        FormatChoice::Detect => found(),
        FormatChoice::Fixed(Format::LogEvents(delimiter)) => log_events(delimiter, found()),
        FormatChoice::Fixed(format) => format.clone(),
    }
}

/// The splitter for a format, and the format.
fn open(
    choice: &FormatChoice,
    head: &[u8],
    eof: bool,
    json: fn(JsonSplitter) -> JsonSplitter,
) -> (Format, Box<dyn Split>) {
    let format = format_of(choice, head, eof);
    let splitter: Box<dyn Split> = match &format {
        Format::Json => Box::new(json(JsonSplitter::default())),
        Format::Lines => Box::new(LineSplitter::new(b"\n")),
        Format::Kpl => Box::new(KplSplitter::new()),
        Format::LogEvents(delimiter) => Box::new(LogEventsSplitter::new(delimiter.clone())),
        // JSON between delimiters is read as JSON, so that damage in it is seen.
        Format::Delimited(delimiter) => match detect::detect(head, eof) {
            Format::Json | Format::Delimited(_) => {
                Box::new(json(JsonSplitter::delimited(delimiter.clone())))
            }
            Format::Kpl => Box::new(KplSplitter::delimited(delimiter.clone())),
            _ => Box::new(LineSplitter::new(delimiter)),
        },
    };
    (format, splitter)
}

/// What content is whose log events are asked for: none where it is no JSON.
fn log_events(delimiter: &[u8], found: Format) -> Format {
    match found {
        Format::Delimited(found) if delimiter.is_empty() => Format::LogEvents(found),
        Format::Json | Format::Delimited(_) => Format::LogEvents(delimiter.to_vec()),
        Format::Lines if !delimiter.is_empty() => Format::Delimited(delimiter.to_vec()),
        other => other,
    }
}

thread_local! {
    /// What the last window on this thread was kept in: most objects are small, and new memory is filled with zeros
    /// before it is read into.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The part of the content that is at hand.
pub(super) struct Window {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Where `start` lies in the content.
    base: u64,
    eof: bool,
    /// Something was read. Before that less is, whatever memory there is: what the format is found in must not
    /// depend on that.
    begun: bool,
}

impl Default for Window {
    fn default() -> Self {
        Self { buffer: SPARE.take(), start: 0, end: 0, base: 0, eof: false, begun: false }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let spare = SPARE.take();
        let is_better = (spare.len() + 1..=DECODE_CHUNK_BYTES).contains(&self.buffer.len());
        SPARE.set(if is_better { std::mem::take(&mut self.buffer) } else { spare });
    }
}

impl Window {
    /// The first one, with enough in it to tell the format.
    pub(super) fn sniffed(content: &mut dyn Read, error: &mut Option<io::Error>) -> Self {
        let mut window = Self::default();
        while !window.eof && window.bytes().len() < SNIFF_BYTES {
            window.fill(content, error);
        }
        window
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Where it begins in the content.
    pub(super) fn base(&self) -> u64 {
        self.base
    }

    /// Whether its end is the content's.
    pub(super) fn is_last(&self) -> bool {
        self.eof
    }

    /// Begins anew, with nothing in it, at this offset of the content.
    pub(super) fn restart(&mut self, base: u64) {
        (self.start, self.end, self.base, self.eof) = (0, 0, base, false);
    }

    pub(super) fn advance(&mut self, used: usize) {
        self.start += used;
        self.base += used as u64;
    }

    /// Reads more. What is left moves to the front, and the buffer doubles when that is half of it:
    /// so a byte is looked at a bounded number of times however long a record is.
    pub(super) fn fill(&mut self, content: &mut dyn Read, error: &mut Option<io::Error>) {
        let left = self.end - self.start;
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, left);
        // Most objects of a quiet stream are small: the first window is, too.
        let usual = if self.begun { DECODE_CHUNK_BYTES } else { SNIFF_BYTES };
        self.begun = true;
        let wanted = usual.max(left * 2);
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        while self.end < wanted {
            match content.read(&mut self.buffer[self.end..wanted]) {
                Ok(0) => {
                    self.eof = true;
                    return;
                }
                Ok(count) => self.end += count,
                Err(interrupted) if interrupted.kind() == io::ErrorKind::Interrupted => {}
                Err(failed) => {
                    self.eof = true;
                    *error = Some(failed);
                    return;
                }
            }
        }
    }
}
