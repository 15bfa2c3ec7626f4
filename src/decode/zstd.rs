//! Zstandard (RFC 8878): every frame, checksums where a frame has one.
//!
//! zstd is handed just the bytes that it asks for, and none while it holds content that found no
//! room yet, so that a frame's last block and its checksum are two steps: content is given before
//! the checksum is found to be wrong.

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
    /// zstd asks for so many bytes more, as soon as it `holds` nothing that it has yet to give.
    Inside {
        wanted: usize,
        holds: bool,
    },
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
        self.state = State::Inside { wanted: START_BYTES, holds: false };
        Ok(true)
    }
}

const CUT: &str = "zstd body is cut: it ends inside a frame";

impl Decoder for Zstd {
    fn read(&mut self, input: &mut Input, out: &mut [u8], log: &mut Log) -> Result<usize, Failure> {
        loop {
            let (State::Inside { wanted, holds }, Some(raw)) = (self.state, &mut self.raw) else {
                if !self.begin(input, log)? {
                    return Ok(0);
                }
                continue;
            };
            let bytes = input.peek(1)?;
            let at_end = bytes.is_empty();
            let bytes = if holds { &[] } else { &bytes[..bytes.len().min(wanted)] };
            let fed = bytes.len();
            match raw.run_on_buffers(bytes, out) {
                Ok(status) => {
                    input.consume(status.bytes_read);
                    self.state = match status.remaining {
                        0 => State::Between,
                        wanted => {
                            State::Inside { wanted, holds: status.bytes_written == out.len() }
                        }
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

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::super::tests::{read, zstd};
    use super::super::{Damaged, Encoding, open};
    use crate::outcome::GapReason;
    use crate::source::Body;

    fn damage(stored: Vec<u8>) -> (Vec<u8>, Vec<Damaged>) {
        let (content, result) = read(stored, Some(Encoding::Zstd), 1 << 20);
        (content, result.unwrap())
    }

    fn unchecked(content: &[u8]) -> Vec<u8> {
        zstd::stream::encode_all(content, 1).unwrap()
    }

    #[test]
    fn every_frame_is_read_and_those_to_be_skipped_are() {
        let skipped = b"\x5a\x2a\x4d\x18\x03\0\0\0abc";
        let stored = [
            skipped,
            &zstd(b"{\"a\":1}")[..],
            b"\n",
            &zstd(b""),
            &unchecked(b"{\"a\":2}"),
            skipped,
        ];
        assert_eq!(damage(stored.concat()), (b"{\"a\":1}{\"a\":2}".to_vec(), vec![]));
    }

    #[test]
    fn a_wrong_checksum_is_damage_and_the_next_frame_is_read() {
        let mut first = zstd(b"{\"a\":1}");
        *first.last_mut().unwrap() ^= 1;
        let (content, damage) = damage([first, zstd(b"{\"a\":2}")].concat());
        assert_eq!(content, b"{\"a\":1}{\"a\":2}");
        assert_eq!((damage.len(), damage[0].doubtful_from), (1, 0));
        assert!(damage[0].what.contains("checksum"), "{damage:?}");
    }

    #[test]
    fn content_is_given_before_a_wrong_checksum_however_little_room_there_is() {
        let (content, next) = (vec![b'7'; 100_000], b"{\"a\":2}");
        let mut stored = zstd(&content);
        *stored.last_mut().unwrap() ^= 1;
        stored.extend(zstd(next));
        let whole = [&content[..], next].concat();
        // 100,000 is 4,000 times 25: the block's last bytes fill the room exactly.
        for room in [1, 24, 25, 64, 99_999, 100_000, 1 << 20] {
            let stored = Body::from_bytes(stored.clone());
            let mut opened = open(stored, Some(Encoding::Zstd), 1 << 20).unwrap();
            let (mut read, mut buffer) = (Vec::new(), vec![0; room]);
            loop {
                match opened.read(&mut buffer).unwrap() {
                    0 => break,
                    count => read.extend_from_slice(&buffer[..count]),
                }
            }
            assert_eq!(read.len(), whole.len(), "{room}");
            assert!(read == whole && opened.finish().unwrap().len() == 1, "{room}");
        }
    }

    #[test]
    fn only_frames_with_a_checksum_are_vouched_for() {
        for (first, doubtful_from) in [(zstd(b"{\"a\":1}"), 7), (unchecked(b"{\"a\":1}"), 0)] {
            let second = zstd(b"{\"a\":2}");
            let (content, damage) = damage([&first, &second[..second.len() - 2]].concat());
            assert_eq!(content, b"{\"a\":1}{\"a\":2}");
            assert_eq!((damage.len(), damage[0].doubtful_from), (1, doubtful_from));
            assert!(damage[0].what.contains("cut"), "{damage:?}");
        }
    }

    #[test]
    fn a_broken_frame_ends_the_content_and_junk_costs_no_frame() {
        let junk = [zstd(b"{\"a\":1}"), b"junk".to_vec(), zstd(b"{\"a\":2}")].concat();
        let (content, noted) = damage(junk);
        assert_eq!(content, b"{\"a\":1}{\"a\":2}");
        assert_eq!((noted.len(), noted[0].doubtful_from), (1, 7));
        // The reserved bit of a frame's descriptor.
        let mut broken = zstd(b"{\"a\":1}");
        broken[4] |= 8;
        let (content, noted) = damage([broken, zstd(b"{\"a\":2}")].concat());
        assert_eq!((content.len(), noted.len()), (0, 1));
        assert!(noted[0].what.contains("damaged"), "{noted:?}");
    }

    #[test]
    fn windows_and_dictionaries_that_are_not_given_are_gaps() {
        // A window of 256 MiB: exponent 18, no mantissa.
        let window = b"\x28\xb5\x2f\xfd\x04\x90\x01\0\0".to_vec();
        let (_, result) = read(window, None, 99);
        assert!(
            matches!(result, Err(GapReason::TooLarge(what)) if what.contains("268435456 bytes"))
        );
        // A single segment of 1 TiB.
        let segment = b"\x28\xb5\x2f\xfd\xe0\0\0\0\0\0\x01\0\0\x01\0\0".to_vec();
        assert!(matches!(read(segment, None, 99).1, Err(GapReason::TooLarge(_))));
        let dictionary = b"\x28\xb5\x2f\xfd\x21\x07\x02\x11\0\0{}".to_vec();
        let what = "zstd with a dictionary".to_owned();
        assert_eq!(read(dictionary, None, 99).1, Err(GapReason::Unsupported(what)));
    }
}
