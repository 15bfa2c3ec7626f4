//! Bytes as base64 (RFC 4648, section 4): those that are no text in reports, and what Firehose
//! could not deliver in its error output.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The standard alphabet, padded.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let group = at(0) << 16 | at(1) << 8 | at(2);
        for position in 0..4 {
            if position <= chunk.len() {
                let sextet = (group >> (18 - 6 * position)) & 0x3f;
                text.push(char::from(ALPHABET[sextet as usize]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

/// The bytes that [`encode`] writes so. `None` for everything that it does not write: text that is
/// damaged must not pass for other bytes.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.as_bytes();
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let mut quads = text.chunks_exact(4).peekable();
    while let Some(quad) = quads.next() {
        let padding = match quad {
            [_, _, b'=', b'='] => 2,
            [_, _, _, b'='] => 1,
            _ => 0,
        };
        if padding > 0 && quads.peek().is_some() {
            return None;
        }
        let mut letters = quad[..4 - padding].iter();
        let group = letters.try_fold(0_u32, |group, &letter| {
            sextet(letter).map(|sextet| group << 6 | u32::from(sextet))
        })?;
        let group = group << (6 * padding);
        let [_, group @ ..] = group.to_be_bytes();
        let (kept, rest) = group.split_at(3 - padding);
        if rest.iter().any(|&byte| byte != 0) {
            return None;
        }
        bytes.extend_from_slice(kept);
    }
    Some(bytes)
}

/// The number that a letter of the alphabet stands for.
pub(crate) fn sextet(letter: u8) -> Option<u8> {
    Some(match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    /// The test vectors of RFC 4648, section 10, and the two letters outside the usual 62.
    #[test]
    fn agrees_with_the_rfc() {
        let vectors: [(&[u8], &str); 8] = [
            (b"", ""),
            (b"f", "Zg=="),
            (b"fo", "Zm8="),
            (b"foo", "Zm9v"),
            (b"foob", "Zm9vYg=="),
            (b"fooba", "Zm9vYmE="),
            (b"foobar", "Zm9vYmFy"),
            (b"\xfb\xff", "+/8="),
        ];
        for (bytes, text) in vectors {
            assert_eq!(encode(bytes), text);
            assert_eq!(decode(text).as_deref(), Some(bytes));
        }
    }

    #[test]
    fn every_byte_comes_back() {
        let bytes: Vec<u8> = (0..=255).collect();
        for end in 253..=256 {
            assert_eq!(decode(&encode(&bytes[..end])).as_deref(), Some(&bytes[..end]));
        }
    }

    #[test]
    fn what_is_not_written_so_is_refused() {
        let cut = ["Z", "Zg", "Zg=", "Zm9vYg"];
        let padded = ["====", "Z===", "Zg==Zg==", "Zm8=Zm8=", "=Zg=", "Z=g="];
        let loose_bits = ["Zh==", "Zm9="];
        let foreign = ["Zm9v\n", "Zm 9", "Zm-_", "\"foo", "Zm9ü"];
        let wrong = [&cut[..], &padded, &loose_bits, &foreign].concat();
        for text in wrong {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }
}
