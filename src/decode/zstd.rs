//! Zstandard (RFC 8878): every frame, checksums where a frame has one.
//!
//! zstd is handed just the bytes that it asks for, so that a frame's last block and its checksum
//! are two steps: content is given before the checksum is found to be wrong.

use std::fmt;

use zstd::stream::raw::{Decoder as Raw, Operation};

use super::frames;
use super::input::{Decoder, Failure, Input, Log};
use crate::limits::ZSTD_WINDOW_BYTES_MAX;
use crate::outcome::GapReason;

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A frame's header is at most so long, its magic number included.
const HEADER_BYTES: usize = 18;

/// What zstd asks for at the beginning of a frame: magic number and descriptor.
const START_BYTES: usize = 5;

/// The frames of a zstd body.
pub(super) struct Zstd {
    raw: Option<Raw<'static>>,
    state: State,
    /// All frames so far had a checksum.
    checked: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    First,
    Between,
    /// zstd asks for so many bytes more.
    Inside(usize),
}

impl fmt::Debug for Zstd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zstd").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Zstd {
    pub(super) fn new() -> Self {
        Self { raw: None, state: State::First, checked: true }
    }

    /// Goes to the next frame that holds content; whether there is one.
    fn begin(&mut self, input: &mut Input, log: &mut Log) -> Result<bool, Failure> {
        if self.checked {
            log.vouch();
        }
        loop {
            let first = self.state == State::First;
            let junk = "bytes between zstd frames that are none";
            if !frames::next(input, log, first, starts, junk)? {
                return Ok(false);
            }
            self.state = State::Between;
            let head = input.peek(HEADER_BYTES)?;
            if head.starts_with(&MAGIC) {
                break;
            }
            // A frame to be skipped has its length behind the magic number.
            let whole = match input.array::<8>()? {
                Some([_, _, _, _, len @ ..]) => input.skip(u32::from_le_bytes(len).into())?,
                None => false,
            };
            if !whole {
                log.cut(input, CUT);
                return Ok(false);
            }
        }
        let header = Header::read(input.peek(HEADER_BYTES)?);
        self.checked &= header.is_some_and(|header| header.checksum);
        if let Some(header) = header {
            header.accept()?;
        }
        match &mut self.raw {
            Some(raw) => raw.reinit(),
            None => Raw::new().map(|raw| self.raw = Some(raw)),
        }
        .map_err(Failure::Body)?;
        self.state = State::Inside(START_BYTES);
        Ok(true)
    }
}

const CUT: &str = "zstd body is cut: it ends inside a frame";

impl Decoder for Zstd {
    fn read(&mut self, input: &mut Input, out: &mut [u8], log: &mut Log) -> Result<usize, Failure> {
        loop {
            let (State::Inside(wanted), Some(raw)) = (self.state, &mut self.raw) else {
                if !self.begin(input, log)? {
                    return Ok(0);
                }
                continue;
            };
            let bytes = input.peek(1)?;
            let at_end = bytes.is_empty();
            let bytes = &bytes[..bytes.len().min(wanted)];
            let fed = bytes.len();
            match raw.run_on_buffers(bytes, out) {
                Ok(status) => {
                    input.consume(status.bytes_read);
                    self.state = match status.remaining {
                        0 => State::Between,
                        // It asks for nothing while it has content to give.
                        more => State::Inside(more),
                    };
                    if status.bytes_written > 0 {
                        return Ok(status.bytes_written);
                    }
                    if at_end && status.remaining > 0 {
                        return Ok(log.cut(input, CUT));
                    }
                }
                Err(error) if error.to_string().contains("checksum") => {
                    input.consume(fed);
                    log.flaw(input, "zstd checksum does not match the content");
                    self.state = State::Between;
                }
                Err(error) => {
                    return Ok(log.stop(input, format!("zstd body is damaged: {error}")));
                }
            }
        }
    }
}

/// Whether a frame starts here, or might if more bytes were there.
fn starts(head: &[u8]) -> bool {
    let head = &head[..head.len().min(4)];
    // Frames to be skipped have one of sixteen magic numbers.
    let skippable = head[0] & 0xf0 == 0x50 && b"\x2a\x4d\x18".starts_with(&head[1..]);
    skippable || MAGIC.starts_with(head)
}

/// What a frame's header tells.
#[derive(Debug, Clone, Copy)]
struct Header {
    checksum: bool,
    dictionary: bool,
    window: u64,
}

impl Header {
    /// Reads a header, magic number included. `None` where it is cut; zstd finds that out too.
    fn read(head: &[u8]) -> Option<Self> {
        let descriptor = *head.get(4)?;
        let single = descriptor & 0x20 != 0;
        let dictionary_len = [0, 1, 2, 4][usize::from(descriptor & 3)];
        let at = 5 + usize::from(!single) + dictionary_len;
        let dictionary = head.get(at - dictionary_len..at)?.iter().any(|&byte| byte != 0);
        let window = if single {
            let len = [1, 2, 4, 8][usize::from(descriptor >> 6)];
            let mut size = [0; 8];
            size[..len].copy_from_slice(head.get(at..at + len)?);
            u64::from_le_bytes(size) + if len == 2 { 256 } else { 0 }
        } else {
            let (exponent, mantissa) = (head.get(5)? >> 3, head.get(5)? & 7);
            let base = 1 << (10 + u64::from(exponent));
            base + base / 8 * u64::from(mantissa)
        };
        Some(Self { checksum: descriptor & 4 != 0, dictionary, window })
    }

    fn accept(self) -> Result<(), GapReason> {
        if self.dictionary {
            return Err(GapReason::Unsupported("zstd with a dictionary".into()));
        }
        if self.window > ZSTD_WINDOW_BYTES_MAX {
            return Err(GapReason::TooLarge(format!(
                "zstd asks for a window of {} bytes; at most {ZSTD_WINDOW_BYTES_MAX} are given",
                self.window
            )));
        }
        Ok(())
    }
}
