//! Records with a fixed byte string between them: lines, and custom delimiters.

use memchr::memmem;

use super::{Damage, Out, Span, Split, Standing};
use crate::limits::RECORD_BYTES_MAX;

/// Splits at a byte string. Blanks around a record belong to what separates; a record of blanks
/// alone is none.
#[derive(Debug)]
pub(super) struct LineSplitter {
    delimiter: Vec<u8>,
    finder: memmem::Finder<'static>,
    /// Where a line that is too long begins, and how much of it is gone.
    too_long: Option<(u64, u64)>,
}

impl LineSplitter {
    /// With this byte string between records; it is not empty.
    pub(super) fn new(delimiter: &[u8]) -> Self {
        let finder = memmem::Finder::new(delimiter).into_owned();
        Self { delimiter: delimiter.to_vec(), finder, too_long: None }
    }

    /// Takes one line, its delimiter left out.
    fn line(&mut self, line: &[u8], offset: u64, out: &mut Out<'_>) {
        if self.too_long.is_some() {
            self.reject(line, offset, out);
            return self.end_of_line(out);
        }
        let front = line.len() - line.trim_ascii_start().len();
        let record = line.trim_ascii();
        out.separators(line.len() - record.len());
        if record.len() > RECORD_BYTES_MAX {
            self.reject(record, offset + front as u64, out);
            self.end_of_line(out);
        } else if !record.is_empty() {
            out.record(record, offset + front as u64, Standing::Clean);
        }
    }

    /// Takes a piece of a line that is too long.
    fn reject(&mut self, piece: &[u8], offset: u64, out: &mut Out<'_>) {
        out.rejected(offset, piece);
        let (start, len) = self.too_long.unwrap_or((offset, 0));
        self.too_long = Some((start, len + piece.len() as u64));
    }

    fn end_of_line(&mut self, out: &mut Out<'_>) {
        if let Some((offset, len)) = self.too_long.take() {
            let error_offset = offset + RECORD_BYTES_MAX as u64;
            out.malformed(Span { offset, len, error_offset, damage: Damage::TooLong });
        }
    }
}

impl Split for LineSplitter {
    fn feed(&mut self, window: &[u8], base: u64, eof: bool, out: &mut Out<'_>) -> usize {
        let mut at = 0;
        while let Some(len) = self.finder.find(&window[at..]) {
            self.line(&window[at..at + len], base + at as u64, out);
            out.separators(self.delimiter.len());
            at += len + self.delimiter.len();
        }
        let rest = &window[at..];
        if eof {
            self.line(rest, base + at as u64, out);
            return window.len();
        }
        // A line that cannot become a record any more need not be held; the delimiter may have
        // begun in its last bytes.
        let held = self.delimiter.len() - 1;
        if rest.len() > RECORD_BYTES_MAX + held || (self.too_long.is_some() && rest.len() > held) {
            let piece = rest.len() - held;
            self.reject(&rest[..piece], base + at as u64, out);
            at += piece;
        }
        at
    }
}
