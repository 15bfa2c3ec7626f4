//! gzip (RFC 1952): every member, every trailer checked.
//!
//! A decoder for one member only would stop at its end with success and lose the others. Blanks and
//! zeros between members carry nothing and are passed over; other bytes are damage, behind which
//! the next member is looked for. Behind a broken deflate stream nothing is: there is no telling where
//! it ends.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

use super::{Damaged, Stored, is_body_failure, sniff};

/// The members of a gzip body, one after another.
#[derive(Debug)]
pub(super) struct Members {
    state: State,
    /// Where the member that is being read began, in the content.
    member_start: u64,
}

#[derive(Debug)]
enum State {
    Inside(Box<GzDecoder<Stored>>),
    Between(Stored),
    End,
}

impl Members {
    pub(super) fn new(stored: Stored) -> Self {
        Self { state: State::Inside(Box::new(GzDecoder::new(stored))), member_start: 0 }
    }

    /// Reads on, `decoded` bytes into the content. Damage is added to `damage`; where it ends the
    /// content, so does this.
    pub(super) fn read(
        &mut self,
        out: &mut [u8],
        decoded: u64,
        damage: &mut Vec<Damaged>,
    ) -> io::Result<usize> {
        loop {
            match std::mem::replace(&mut self.state, State::End) {
                State::End => return Ok(0),
                State::Between(stored) => {
                    self.member_start = decoded;
                    if let Some(stored) = self.next_member(stored, decoded, damage)? {
                        self.state = State::Inside(Box::new(GzDecoder::new(stored)));
                    }
                }
                State::Inside(mut decoder) => match decoder.read(out) {
                    Ok(0) if !out.is_empty() => {
                        self.state = State::Between(decoder.into_inner());
                    }
                    Ok(count) => {
                        self.state = State::Inside(decoder);
                        return Ok(count);
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                        self.state = State::Inside(decoder);
                        return Err(error);
                    }
                    Err(error) if is_body_failure(&error) => return Err(error),
                    Err(error) => {
                        let stored_offset = decoder.get_ref().offset;
                        let what = describe(&error);
                        let doubtful_from = self.member_start;
                        damage.push(Damaged { stored_offset, doubtful_from, what });
                        if is_checksum(&error) {
                            self.state = State::Between(decoder.into_inner());
                        }
                    }
                },
            }
        }
    }

    /// The body at the beginning of its next member, if there is one.
    fn next_member(
        &self,
        mut stored: Stored,
        decoded: u64,
        damage: &mut Vec<Damaged>,
    ) -> io::Result<Option<Stored>> {
        let mut junk: Option<Damaged> = None;
        loop {
            let buffer = stored.fill_buf()?;
            let Some(&byte) = buffer.first() else {
                damage.extend(junk);
                return Ok(None);
            };
            // With less than a header at hand (the buffer's end), two bytes decide.
            if sniff::is_gzip(buffer) || (buffer.len() < 3 && b"\x1f\x8b".starts_with(buffer)) {
                damage.extend(junk);
                return Ok(Some(stored));
            }
            if junk.is_none() && !matches!(byte, 0 | b'\n' | b'\r' | b' ' | b'\t') {
                let what = "bytes between gzip members that are none".to_owned();
                let stored_offset = stored.offset;
                junk = Some(Damaged { stored_offset, doubtful_from: decoded, what });
            }
            stored.consume(1);
        }
    }
}

/// Whether the member was whole but for its trailer: then the next one stands right behind it.
/// flate2 has no type for it.
fn is_checksum(error: &io::Error) -> bool {
    error.to_string().contains("checksum")
}

fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "gzip body is cut: it ends inside a member".into(),
        _ if is_checksum(error) => {
            "gzip checksum (CRC-32 or length) does not match the content".into()
        }
        _ => format!("gzip body is damaged: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::super::{Content, Encoding, open};
    use crate::outcome::GapReason;
    use crate::source::Body;

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn read(stored: Vec<u8>, limit: u64) -> (Vec<u8>, Result<Vec<super::Damaged>, GapReason>) {
        let mut content: Content = open(Body::from_bytes(stored), None, limit).unwrap();
        assert_eq!(content.encoding(), Encoding::Gzip);
        let mut bytes = Vec::new();
        let _ = std::io::Read::read_to_end(&mut content, &mut bytes);
        (bytes, content.finish())
    }

    #[test]
    fn every_member_is_read() {
        let stored =
            [gzip(b"{\"a\":1}"), gzip(b""), b"\n".to_vec(), gzip(b"{\"a\":2}"), vec![0; 9]];
        assert_eq!(read(stored.concat(), 99), (b"{\"a\":1}{\"a\":2}".to_vec(), Ok(vec![])));
    }

    #[test]
    fn a_cut_body_gives_what_came_before_and_is_damage() {
        let whole = gzip(&b"{\"a\":1}".repeat(1000));
        for cut in [12, whole.len() / 2, whole.len() - 9, whole.len() - 1] {
            let (content, damage) = read(whole[..cut].to_vec(), 99_999);
            let damage = damage.unwrap();
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
        let (content, damage) = read([first, gzip(b"{\"a\":2}")].concat(), 99);
        let damage = damage.unwrap();
        assert_eq!(content, b"{\"a\":1}{\"a\":2}");
        assert_eq!((damage.len(), damage[0].doubtful_from), (1, 0));
        assert!(damage[0].what.contains("checksum"), "{damage:?}");
    }

    #[test]
    fn junk_between_members_is_damage_and_costs_no_member() {
        let stored = [gzip(b"{\"a\":1}"), b"junk".to_vec(), gzip(b"{\"a\":2}")].concat();
        let (content, damage) = read(stored, 99);
        assert_eq!(content, b"{\"a\":1}{\"a\":2}");
        assert_eq!(damage.unwrap()[0].doubtful_from, 7);
    }

    #[test]
    fn a_bomb_is_refused() {
        let bomb = gzip(&vec![b' '; 1 << 20]);
        let (content, result) = read(bomb.clone(), 1 << 19);
        assert!(content.len() <= 1 << 20);
        assert!(matches!(result, Err(GapReason::TooLarge(what)) if what.contains("524288 bytes")));
        let (_, result) = read(gzip(&gzip(b"x")), 99);
        assert_eq!(result, Err(GapReason::Unsupported("gzip inside gzip".into())));
    }
}
