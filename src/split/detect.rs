//! Which format content has, by looking at its beginning.

use super::grammar::{Scan, Scanner, begins_value, skip_whitespace};
use super::json::RECORD_SEPARATOR;
use super::{Format, kpl};

/// The format of content that begins with `head`; at `eof` that is all of it.
///
/// Content is JSON when it opens with an object or array, when a whole object in it is followed by
/// another or begins a line, or when its only line has what only JSON has. Other text is lines. A
/// damaged head must not turn JSON into lines: then damage would look like a record. Nor may bytes
/// that are no text (UTF-16, say, or something encrypted): as JSON they are malformed.
pub(super) fn detect(head: &[u8], eof: bool) -> Format {
    if kpl::begins(head) {
        return Format::Kpl;
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let start = skip_whitespace(text, 0);
    let Some(&first) = text.get(start) else { return Format::Json };
    let mut scanner = Scanner::default();
    let json = match first {
        b'{' => true,
        b'[' => !matches!(scanner.value(text, start, eof), Scan::Broken(..)),
        byte if begins_value(byte) => two_values(&mut scanner, text, start, eof),
        _ => false,
    };
    let json = json || has_records(&mut scanner, text, eof) || is_json_like_line(text);
    if !json && !has_control_characters(text) {
        return Format::Lines;
    }
    match delimiter(&mut scanner, &text[start..], eof) {
        Some(delimiter) => Format::Delimited(delimiter),
        None => Format::Json,
    }
}

/// So many times in a row the same bytes must stand between objects before they are a delimiter.
const DELIMITERS_MIN: usize = 3;
/// A longer one would not be found by its looks.
const DELIMITER_BYTES_MAX: usize = 64;

/// What stands between all objects that the text begins with, besides blanks, where that is the same
/// each time, often enough, and no value: damage does not repeat itself so.
fn delimiter(scanner: &mut Scanner, text: &[u8], eof: bool) -> Option<Vec<u8>> {
    let (mut at, mut found, mut times) = (0, &b""[..], 0);
    while text.get(at) == Some(&b'{')
        && let Scan::Complete(end) = scanner.value(text, at, eof)
        && let Some(next) = memchr::memchr(b'{', &text[end..])
    {
        let between = text[end..end + next].trim_ascii();
        let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == RECORD_SEPARATOR;
        if between.iter().all(blank) || (times > 0 && between != found) {
            return None;
        }
        (at, found, times) = (end + next, between, times + 1);
    }
    let plain = found.len() <= DELIMITER_BYTES_MAX
        && !found.iter().any(|byte| matches!(byte, b'"' | b'[' | b']' | b'}'))
        && !matches!(scanner.value(found, 0, true), Scan::Complete(_));
    (times >= DELIMITERS_MIN && plain).then(|| found.to_vec())
}

/// Whether two values follow each other on one line; on lines of their own they are lines too.
fn two_values(scanner: &mut Scanner, text: &[u8], start: usize, eof: bool) -> bool {
    let Scan::Complete(end) = scanner.value(text, start, eof) else { return false };
    let glued = text.get(end).is_some_and(|byte| matches!(byte, b'{' | b'[' | b'"'));
    glued && matches!(scanner.value(text, end, eof), Scan::Complete(_) | Scan::Incomplete)
}

/// Whether a whole object stands somewhere that another follows at once, or that begins a line.
fn has_records(scanner: &mut Scanner, text: &[u8], eof: bool) -> bool {
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'{', &text[at..]) {
        let start = at + found;
        match scanner.value(text, start, eof) {
            Scan::Complete(end) => {
                let begins_line = start == 0 || text[start - 1] == b'\n';
                if text.get(end) == Some(&b'{') || begins_line {
                    return true;
                }
                at = end;
            }
            Scan::Broken(error, _) => at = error.max(start + 1),
            Scan::Incomplete => return false,
        }
    }
    false
}

/// Whether there are bytes that no line of text has, in any encoding that is a superset of ASCII.
fn has_control_characters(text: &[u8]) -> bool {
    text.iter().any(|byte| matches!(byte, 0..=8 | 0x0e..=0x1a | 0x1c..=0x1d | 0x1f | 0x7f))
}

/// Whether there is a single line that is a piece of JSON: it names members, leaves a string open, or
/// has a bracket where a value begins or ends.
fn is_json_like_line(text: &[u8]) -> bool {
    let line = text.trim_ascii_end();
    let open_string = memchr::memchr_iter(b'"', line).count() % 2 == 1;
    memchr::memchr(b'\n', line).is_none()
        && (memchr::memmem::find(line, b"\":").is_some()
            || open_string
            || matches!(line.first(), Some(b'}' | b']' | b',' | b':'))
            || matches!(line.last(), Some(b'}' | b']')))
}
