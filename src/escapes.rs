//! What a string of JSON stands for once its escapes are undone.

/// Appends the bytes that an escaped string stands for. A lone surrogate is appended as the three
/// bytes that UTF-8 would have for it, were it allowed.
pub(crate) fn unescape(escaped: &[u8], out: &mut Vec<u8>) {
    let mut rest = escaped;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        let simple = match rest.get(at + 1) {
            Some(b'b') => b'\x08',
            Some(b'f') => b'\x0c',
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                let (code, len) = code_point(&rest[at..]);
                push_code_point(code, out);
                rest = &rest[at + len..];
                continue;
            }
            Some(&byte) => byte,
            None => b'\\',
        };
        out.push(simple);
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

/// The code point of a `\uXXXX` escape, or of two that are a surrogate pair; and their length.
fn code_point(text: &[u8]) -> (u32, usize) {
    let unit = |from: usize| {
        let digits = text.get(from..from + 6)?;
        let digits = digits.strip_prefix(b"\\u")?;
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let first = unit(0).unwrap_or_default();
    match (first, unit(6)) {
        (0xd800..=0xdbff, Some(second @ 0xdc00..=0xdfff)) => {
            (0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00), 12)
        }
        _ => (first, 6.min(text.len())),
    }
}

fn push_code_point(code: u32, out: &mut Vec<u8>) {
    match char::from_u32(code) {
        Some(char) => out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        None => {
            let byte = |shift: u32, mask: u32, mark: u32| {
                u8::try_from(code >> shift & mask | mark).unwrap_or(u8::MAX)
            };
            out.extend([byte(12, 0x0f, 0xe0), byte(6, 0x3f, 0x80), byte(0, 0x3f, 0x80)]);
        }
    }
}
