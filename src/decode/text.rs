//! Base64 text (RFC 4648, section 4) that stands for content, one text after another.
//!
//! Each record was encoded by itself. A padded text ends by itself, so what follows may be glued to it;
//! texts without padding decode as one, which comes to the same. Whatever is no letter of the alphabet
//! stands between texts, and stays where it is: a line break, a delimiter.

use super::input::{Decoder, Failure, Input, Log};
use crate::base64::sextet;

/// Texts, and what stands between them.
#[derive(Debug, Default)]
pub(super) struct Text {
    /// The letters of a group of four so far, six bits each, and how many they are.
    group: u32,
    letters: u32,
    /// Padding that must follow.
    padding: u32,
    decoded: Decoded,
    flaws: usize,
}

/// Whether content that begins so may be base64 text: JSON is none, and neither is what is no text.
pub(super) fn begins(head: &[u8]) -> bool {
    head.trim_ascii_start().first().is_some_and(|&letter| sextet(letter).is_some())
}

/// So many places are named where text is no base64. More of them say no more.
const FLAWS_MAX: usize = 100;

impl Text {
    /// Takes one byte: whether it stands between texts, or why it cannot stand where it does.
    fn step(&mut self, byte: u8) -> Result<bool, &'static str> {
        if self.padding > 0 {
            self.padding -= 1;
            return if byte == b'=' { Ok(false) } else { Err("base64 text lacks padding") };
        }
        if let Some(sextet) = sextet(byte) {
            (self.group, self.letters) = (self.group << 6 | u32::from(sextet), self.letters + 1);
            if self.letters == 4 {
                self.give(0);
            }
            return Ok(false);
        }
        match (byte, self.letters) {
            (b'=', 2 | 3) => {
                let missing = 4 - self.letters;
                self.group <<= 6 * missing;
                if self.group & ((1 << (8 * missing)) - 1) != 0 {
                    return Err("base64 text has bits behind its last byte");
                }
                self.padding = missing - 1;
                self.give(missing);
                Ok(false)
            }
            (b'=', _) => Err("padding where no base64 text ends"),
            (_, 0) => Ok(true),
            _ => Err("base64 text breaks off inside a group of four letters"),
        }
    }

    /// A group is whole, but for so many bytes that it lacks.
    fn give(&mut self, missing: u32) {
        let bytes = std::mem::take(&mut self.group);
        self.letters = 0;
        self.decoded = Decoded { bytes: bytes << 8, left: 3 - missing };
    }

    fn flaw(&mut self, what: &str, input: &mut Input, log: &mut Log) -> Result<(), Failure> {
        log.vouch();
        if self.flaws < FLAWS_MAX {
            log.flaw(input, what);
            self.flaws += 1;
        }
        (self.group, self.letters, self.padding) = (0, 0, 0);
        // A letter begins anew, and what stands between texts stays; padding of nothing does not.
        while input.peek(1)?.first() == Some(&b'=') {
            input.consume(1);
        }
        Ok(())
    }
}

/// Decodes whole groups of four letters as long as there are some, and room for them; says how many. What
/// follows goes letter by letter.
fn whole_groups(text: &[u8], out: &mut [u8]) -> usize {
    let mut groups = 0;
    for (letters, bytes) in text.chunks_exact(4).zip(out.chunks_exact_mut(3)) {
        let group = letters.iter().try_fold(0_u32, |group, &letter| {
            sextet(letter).map(|sextet| group << 6 | u32::from(sextet))
        });
        let Some(group) = group else { break };
        bytes.copy_from_slice(&group.to_be_bytes()[1..]);
        groups += 1;
    }
    groups
}

/// Bytes of a group that are decoded and not given out yet.
#[derive(Debug, Default)]
struct Decoded {
    /// The next one is the highest.
    bytes: u32,
    left: u32,
}

impl Decoded {
    fn take(&mut self) -> Option<u8> {
        self.left = self.left.checked_sub(1)?;
        let [next, ..] = self.bytes.to_be_bytes();
        self.bytes <<= 8;
        Some(next)
    }
}

impl Decoder for Text {
    fn read(&mut self, input: &mut Input, out: &mut [u8], log: &mut Log) -> Result<usize, Failure> {
        let mut written = 0;
        while written < out.len() {
            if let Some(byte) = self.decoded.take() {
                out[written] = byte;
                written += 1;
                continue;
            }
            if self.letters == 0 && self.padding == 0 {
                let groups = whole_groups(input.peek(4)?, &mut out[written..]);
                input.consume(groups * 4);
                written += groups * 3;
                if groups > 0 {
                    continue;
                }
            }
            let Some(&byte) = input.peek(1)?.first() else {
                if written == 0 && (self.letters > 0 || self.padding > 0) {
                    return Ok(log.cut(input, "base64 text is cut inside a group of four letters"));
                }
                break;
            };
            let before = (self.group, self.letters, self.padding);
            match self.step(byte) {
                Ok(between) => {
                    input.consume(1);
                    if between {
                        out[written] = byte;
                        written += 1;
                    }
                }
                // What came before is given out first: it is not in doubt.
                Err(_) if written > 0 => {
                    (self.group, self.letters, self.padding) = before;
                    break;
                }
                Err(what) => self.flaw(what, input, log)?,
            }
        }
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Damaged, open_as};
    use crate::base64::encode;
    use crate::source::Body;
    use std::io::Read;

    fn read(stored: &[u8]) -> (String, Vec<Damaged>) {
        let mut content = open_as(Body::from_bytes(stored.to_vec()), None, 1 << 20, true).unwrap();
        let mut bytes = Vec::new();
        // Buffers of any length give the same.
        for len in (1..=5).cycle() {
            let mut piece = vec![0; len];
            let count = content.read(&mut piece).unwrap();
            if count == 0 {
                break;
            }
            bytes.extend_from_slice(&piece[..count]);
        }
        (String::from_utf8_lossy(&bytes).into_owned(), content.finish().unwrap())
    }

    #[test]
    fn texts_are_decoded_whatever_stands_between_them() {
        let records = ["{\"a\":1}", "{\"a\":12}", "{\"a\":123}"];
        for between in ["", "\n", "\r\n", "||"] {
            let texts: Vec<_> = records.iter().map(|record| encode(record.as_bytes())).collect();
            let (content, damage) = read(texts.join(between).as_bytes());
            assert_eq!((content, damage), (records.join(between), vec![]), "{between:?}");
        }
    }

    #[test]
    fn what_is_no_base64_is_damage_where_it_stands_and_the_next_text_is_read() {
        let (good, after) = (encode(b"{\"a\":1}"), encode(b"{\"a\":2}"));
        for (bad, what) in [
            ("eyJ\n", "breaks off"),
            ("eyJ\x01hIjoxfQ==\n", "breaks off"),
            ("eyJhIjoxfQ=x", "padding"),
            ("====", "padding"),
            ("eyJhIjoxfR==\n", "bits behind"),
        ] {
            let (content, damage) = read(format!("{good}\n{bad}\n{after}").as_bytes());
            assert!(content.starts_with("{\"a\":1}\n"), "{bad:?}: {content:?}");
            let begun = good.len() as u64 + 1;
            assert!((begun..=begun + bad.len() as u64).contains(&damage[0].stored_offset));
            assert!(damage[0].what.contains(what), "{bad:?}: {damage:?}");
            assert_eq!(damage[0].doubtful_from.min(8), 8, "what came before is not in doubt");
            if bad.ends_with('\n') {
                assert!(content.ends_with("\n{\"a\":2}"), "{bad:?}: {content:?}");
            }
        }
    }

    /// Letter by letter is the dull way.
    #[test]
    fn whole_groups_come_to_the_same() {
        let bytes: Vec<u8> = (0..=255).collect();
        let text = encode(&bytes);
        for room in [0, 2, 3, 5, 256] {
            let mut out = vec![0; room];
            let groups = super::whole_groups(text.as_bytes(), &mut out);
            assert_eq!(groups, (room / 3).min(85));
            assert_eq!(out[..groups * 3], bytes[..groups * 3]);
        }
        assert_eq!(super::whole_groups(b"YWJj|GVm", &mut [0; 9]), 1);
    }

    #[test]
    fn a_text_that_is_cut_is_damage() {
        let text = encode(b"{\"a\":1}");
        for cut in [1, 2, 3, 5, text.len() - 1] {
            let (_, damage) = read(&text.as_bytes()[..cut]);
            assert!(damage.len() == 1 && damage[0].what.contains("cut"), "{cut}: {damage:?}");
        }
        assert_eq!(read(&text.as_bytes()[..4]), ("{\"a".to_owned(), vec![]));
    }

    #[test]
    fn text_that_is_nothing_but_damage_takes_no_room() {
        let (_, damage) = read(&b"a ".repeat(10_000));
        assert_eq!(damage.len(), super::FLAWS_MAX);
    }
}
