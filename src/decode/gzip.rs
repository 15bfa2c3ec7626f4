//! gzip (RFC 1952): every member, every trailer checked.
//!
//! A decoder for one member only would stop at its end with success and lose the others. Behind a
//! broken deflate stream nothing is looked for: there is no telling where it ends.

use super::frames;
use super::inflate::{Inflated, Inflater};
use super::input::{Decoder, Failure, Input, Log};
use super::sniff;

const CUT: &str = "gzip body is cut: it ends inside a member";

/// The members of a gzip body.
#[derive(Debug)]
pub(super) struct Gzip {
    inflater: Inflater,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    First,
    Between,
    Inside,
}

impl Gzip {
    pub(super) fn new() -> Self {
        Self { inflater: Inflater::new(), state: State::First }
    }
}

impl Decoder for Gzip {
    fn read(&mut self, input: &mut Input, out: &mut [u8], log: &mut Log) -> Result<usize, Failure> {
        loop {
            if self.state != State::Inside {
                log.vouch();
                let first = self.state == State::First;
                let junk = "bytes between gzip members that are none";
                if !frames::next(input, log, first, sniff::may_be_gzip, junk)? {
                    return Ok(0);
                }
                match header(input)? {
                    Header::Whole => {}
                    Header::Cut => return Ok(log.cut(input, CUT)),
                    Header::Broken => return Ok(log.stop(input, "gzip header is damaged")),
                }
                self.inflater.reset();
                self.state = State::Inside;
            }
            match self.inflater.read(input, out)? {
                Inflated::Bytes(count) => return Ok(count),
                Inflated::Cut => return Ok(log.cut(input, CUT)),
                Inflated::Broken => {
                    return Ok(log.stop(input, "gzip body is damaged: corrupt deflate stream"));
                }
                Inflated::End => {
                    let Some(trailer) = input.array::<8>()? else {
                        return Ok(log.cut(input, CUT));
                    };
                    if trailer != self.trailer() {
                        let what = "gzip checksum (CRC-32 or length) does not match the content";
                        log.flaw(input, what);
                    }
                    self.state = State::Between;
                }
            }
        }
    }
}

impl Gzip {
    /// The trailer that the content calls for: CRC-32, and the length modulo 2³².
    fn trailer(&self) -> [u8; 8] {
        let len = self.inflater.total_out() & u64::from(u32::MAX);
        (u64::from(self.inflater.crc()) | len << 32).to_le_bytes()
    }
}

enum Header {
    Whole,
    Cut,
    Broken,
}

/// Passes over a member's header.
fn header(input: &mut Input) -> Result<Header, Failure> {
    const HEADER_CRC: u8 = 2;
    const EXTRA: u8 = 4;
    const TEXTS: [u8; 2] = [8, 16];
    let Some([_, _, method, flags, ..]) = input.array::<10>()? else { return Ok(Header::Cut) };
    if method != 8 || flags & 0xe0 != 0 {
        return Ok(Header::Broken);
    }
    if flags & EXTRA != 0 {
        let Some(len) = input.array()? else { return Ok(Header::Cut) };
        if !input.skip(u16::from_le_bytes(len).into())? {
            return Ok(Header::Cut);
        }
    }
    for text in TEXTS {
        if flags & text != 0 && !skip_text(input)? {
            return Ok(Header::Cut);
        }
    }
    let whole = flags & HEADER_CRC == 0 || input.skip(2)?;
    Ok(if whole { Header::Whole } else { Header::Cut })
}

/// Passes over a name or a comment and the zero that ends it.
fn skip_text(input: &mut Input) -> Result<bool, Failure> {
    loop {
        match input.array()? {
            Some([0]) => return Ok(true),
            Some([_]) => {}
            None => return Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Damaged;
    use super::super::tests::{gzip, read};
    use crate::outcome::GapReason;

    fn damage(stored: Vec<u8>) -> (Vec<u8>, Vec<Damaged>) {
        let (content, result) = read(stored, None, 99_999);
        (content, result.unwrap())
    }

    #[test]
    fn every_member_is_read() {
        let stored =
            [gzip(b"{\"a\":1}"), gzip(b""), b"\n".to_vec(), gzip(b"{\"a\":2}"), vec![0; 9]];
        assert_eq!(damage(stored.concat()), (b"{\"a\":1}{\"a\":2}".to_vec(), vec![]));
    }

    #[test]
    fn optional_header_fields_are_passed_over() {
        let plain = gzip(b"{\"a\":1}");
        let fields = b"\x04\0abcdname\0comment\0\x12\x34";
        let mut stored = [&plain[..10], fields, &plain[10..]].concat();
        stored[3] = 0x1e;
        assert_eq!(damage(stored.clone()), (b"{\"a\":1}".to_vec(), vec![]));
        for cut in 1..10 + fields.len() {
            let suggested = Some(super::super::Encoding::Gzip);
            let (content, result) = read(stored[..cut].to_vec(), suggested, 99);
            assert_eq!((content.len(), result.unwrap().len()), (0, 1), "cut at {cut}");
        }
        stored[3] |= 0x20;
        assert!(damage(stored).1[0].what.contains("header"));
    }

    #[test]
    fn a_cut_body_gives_what_came_before_and_is_damage() {
        let whole = gzip(&b"{\"a\":1}".repeat(1000));
        for cut in [12, whole.len() / 2, whole.len() - 9, whole.len() - 1] {
            let (content, damage) = damage(whole[..cut].to_vec());
            assert!(content.len() <= 7000);
            assert_eq!((damage.len(), damage[0].doubtful_from), (1, 0), "cut at {cut}");
            assert!(damage[0].what.contains("cut"), "{damage:?}");
        }
    }

    #[test]
    fn a_wrong_checksum_is_damage_and_the_next_member_is_read() {
        let mut first = gzip(b"{\"a\":1}");
        let crc = first.len() - 8;
        first[crc] ^= 1;
        let end = first.len() as u64;
        let (content, damage) = damage([first, gzip(b"{\"a\":2}")].concat());
        assert_eq!(content, b"{\"a\":1}{\"a\":2}");
        assert_eq!((damage.len(), damage[0].doubtful_from), (1, 0));
        assert_eq!(damage[0].stored_offset, end);
        assert!(damage[0].what.contains("checksum"), "{damage:?}");
    }

    #[test]
    fn junk_between_members_is_damage_and_costs_no_member() {
        let stored = [gzip(b"{\"a\":1}"), b"junk".to_vec(), gzip(b"{\"a\":2}")].concat();
        let (content, damage) = damage(stored);
        assert_eq!(content, b"{\"a\":1}{\"a\":2}");
        assert_eq!((damage.len(), damage[0].doubtful_from), (1, 7));
    }

    #[test]
    fn a_bomb_is_refused() {
        let bomb = gzip(&vec![b' '; 1 << 20]);
        let (content, result) = read(bomb, None, 1 << 19);
        assert!(content.len() <= 1 << 20);
        assert!(matches!(result, Err(GapReason::TooLarge(what)) if what.contains("524288 bytes")));
    }
}
