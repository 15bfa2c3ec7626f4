//! Foreign text made safe to show: what a terminal would obey, or a reader not see, is escaped.
//!
//! Keys and records come from somebody else. An escape sequence in one could move the cursor or
//! set the title, a bidirectional mark could make a line read backwards. A backslash stays as it
//! is: what is shown is for reading, the exact bytes are in the JSON report.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Text as it may be shown.
pub fn text(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_escaped) {
        let mut shown = String::with_capacity(text.len() + 8);
        push(&mut shown, text);
        Cow::Owned(shown)
    } else {
        Cow::Borrowed(text)
    }
}

/// Bytes as they may be shown; those that are not UTF-8 read `\xff`.
pub fn bytes(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        push(&mut shown, chunk.valid());
        for byte in chunk.invalid() {
            escape_byte(&mut shown, *byte);
        }
    }
    shown
}

/// The beginning of a record as it may be shown: a last character that was cut is left out.
pub fn excerpt(excerpt: &[u8]) -> String {
    bytes(whole_characters(excerpt))
}

/// Bytes without an incomplete UTF-8 sequence at their end.
pub(super) fn whole_characters(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => &bytes[..error.valid_up_to()],
        _ => bytes,
    }
}

fn push(shown: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            '\0'..='\x1f' | '\x7f' => escape_byte(shown, character as u8),
            other if is_escaped(other) => {
                // Writing to a string does not fail.
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(other));
            }
            other => shown.push(other),
        }
    }
}

fn escape_byte(shown: &mut String, byte: u8) {
    let _ = write!(shown, "\\x{byte:02x}");
}

/// Characters that steer a terminal or that nobody sees.
fn is_escaped(character: char) -> bool {
    matches!(
        character,
        '\0'..='\x1f' | '\x7f'..='\u{9f}'
            | '\u{ad}' // soft hyphen
            | '\u{61c}' | '\u{200e}' | '\u{200f}' // bidirectional marks
            | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' // embeddings, overrides, isolates
            | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}' // zero width
            | '\u{2028}' | '\u{2029}' // line and paragraph separators
            | '\u{fff9}'..='\u{fffb}' // interlinear annotation
            | '\u{e0000}'..='\u{e007f}' // tags
    )
}

#[cfg(test)]
mod tests {
    use super::{bytes, excerpt, text};

    #[test]
    fn nothing_that_steers_a_terminal_gets_through() {
        assert_eq!(text("a\x1b]0;pwned\x07b"), "a\\x1b]0;pwned\\x07b");
        assert_eq!(text("one\r\ntwo\tthree\x7f"), "one\\r\\ntwo\\tthree\\x7f");
        assert_eq!(text("\u{9b}31m"), "\\u{9b}31m");
        assert_eq!(text("a\u{202e}b\u{2066}c\u{200b}"), "a\\u{202e}b\\u{2066}c\\u{200b}");
        assert_eq!(text("line\u{2028}para\u{2029}"), "line\\u{2028}para\\u{2029}");
    }

    #[test]
    fn honest_text_stays_as_it_is() {
        for honest in ["firehose/2023/05/04/08/a-1", "Zürich 東京 🦀", r#"{"a":"\n"}"#, ""] {
            assert_eq!(text(honest), honest);
        }
    }

    #[test]
    fn bytes_that_are_no_text_read_as_bytes() {
        assert_eq!(bytes(b"a\xff\xfeb"), "a\\xff\\xfeb");
        assert_eq!(bytes("é".as_bytes()), "é");
        assert_eq!(bytes(b"\xe2\x28\xa1"), "\\xe2(\\xa1");
    }

    #[test]
    fn a_character_cut_by_the_excerpt_is_left_out() {
        assert_eq!(excerpt(b"ab\xe6\x9d"), "ab");
        assert_eq!(excerpt(b"ab\xff"), "ab\\xff");
    }

    /// Every character of the output is either visible or a plain space.
    #[test]
    fn no_byte_at_all_survives_as_a_control() {
        for byte in 0..=u8::MAX {
            let shown = bytes(&[byte]);
            assert!(shown.chars().all(|c| !c.is_control()), "{byte:#x} shows as {shown:?}");
        }
    }
}
