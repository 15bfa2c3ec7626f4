//! DEFLATE (RFC 1951) with the CRC-32 of what comes out: what gzip and ZIP have in common.

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::input::{Failure, Input};

/// One DEFLATE stream after another.
#[derive(Debug)]
pub(super) struct Inflater {
    raw: Decompress,
    crc: Crc,
    end: Option<Inflated>,
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inflated {
    /// So many bytes, at least one.
    Bytes(usize),
    /// The stream has ended, as it says itself.
    End,
    /// The input ends inside the stream.
    Cut,
    /// These are no DEFLATE bytes. There is no telling where the stream ends.
    Broken,
}

impl Inflater {
    pub(super) fn new() -> Self {
        Self { raw: Decompress::new(false), crc: Crc::new(), end: None }
    }

    /// Gets ready for the next stream.
    pub(super) fn reset(&mut self) {
        self.raw.reset(false);
        self.crc.reset();
        self.end = None;
    }

    /// The CRC-32 of the stream's content so far.
    pub(super) fn crc(&self) -> u32 {
        self.crc.sum()
    }

    /// Bytes of the stream so far, deflated.
    pub(super) fn total_in(&self) -> u64 {
        self.raw.total_in()
    }

    /// Bytes of the stream's content so far.
    pub(super) fn total_out(&self) -> u64 {
        self.raw.total_out()
    }

    /// Inflates on. Bytes that came out before the stream broke are given first.
    pub(super) fn read(&mut self, input: &mut Input, out: &mut [u8]) -> Result<Inflated, Failure> {
        loop {
            if let Some(end) = self.end {
                return Ok(end);
            }
            let bytes = input.peek(1)?;
            let (at_end, before) = (bytes.is_empty(), (self.total_in(), self.total_out()));
            let result = self.raw.decompress(bytes, out, FlushDecompress::None);
            let used = count(self.total_in() - before.0);
            let written = count(self.total_out() - before.1);
            input.consume(used);
            self.crc.update(&out[..written]);
            self.end = match result {
                Ok(Status::StreamEnd) => Some(Inflated::End),
                Ok(_) if at_end && written == 0 => Some(Inflated::Cut),
                Ok(_) if used == 0 && written == 0 => Some(Inflated::Broken),
                Ok(_) => None,
                Err(_) => Some(Inflated::Broken),
            };
            if written > 0 {
                return Ok(Inflated::Bytes(written));
            }
        }
    }
}

fn count(bytes: u64) -> usize {
    usize::try_from(bytes).expect("it counts bytes of a slice")
}
