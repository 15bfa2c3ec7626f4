//! JSON Pointer (RFC 6901): a value inside a record, found without building anything.

use std::fmt;
use std::str::FromStr;

use super::canonical::{string_end, word_end};
use crate::escapes::unescape;

/// Points at a value inside a record: `/user/id`, `/items/0`, or the empty string for all of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pointer {
    text: String,
    tokens: Vec<String>,
}

/// Why text is no JSON Pointer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no JSON Pointer: it must be empty or begin with '/', and '~' must be '~0' or '~1'"
)]
pub struct PointerError {
    text: String,
}

impl Pointer {
    /// Reads a pointer.
    ///
    /// # Errors
    /// When it is neither empty nor begins with `/`, or has a `~` that is no escape.
    pub fn parse(text: &str) -> Result<Self, PointerError> {
        let error = || PointerError { text: text.to_owned() };
        let tokens = match text.strip_prefix('/') {
            None if text.is_empty() => Vec::new(),
            None => return Err(error()),
            Some(rest) => rest.split('/').map(token).collect::<Option<_>>().ok_or_else(error)?,
        };
        Ok(Self { text: text.to_owned(), tokens })
    }

    /// The value that it points at, in a record that is one whole JSON value. Of repeated keys the
    /// last counts.
    pub fn find<'a>(&self, record: &'a [u8]) -> Option<&'a [u8]> {
        self.walk(record, |value, at, token| member(value, at, |key| key == token))
    }

    /// The same, where a key that is not there may be there in another case (of ASCII letters).
    pub fn find_in_any_case<'a>(&self, record: &'a [u8]) -> Option<&'a [u8]> {
        self.walk(record, |value, at, token| {
            let exact = member(value, at, |key| key == token);
            exact.or_else(|| member(value, at, |key| key.eq_ignore_ascii_case(token)))
        })
    }

    /// The key that it begins with.
    pub fn first_key(&self) -> Option<&str> {
        self.tokens.first().map(String::as_str)
    }

    fn walk<'a>(
        &self,
        record: &'a [u8],
        member: impl Fn(&'a [u8], usize, &[u8]) -> Option<&'a [u8]>,
    ) -> Option<&'a [u8]> {
        self.tokens.iter().try_fold(record, |value, token| {
            let at = skip_blanks(value, 0);
            match value.get(at)? {
                b'{' => member(value, at, token.as_bytes()),
                b'[' => element(value, at, token),
                _ => None,
            }
        })
    }
}

impl FromStr for Pointer {
    type Err = PointerError;

    fn from_str(text: &str) -> Result<Self, PointerError> {
        Self::parse(text)
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn token(escaped: &str) -> Option<String> {
    let plain = escaped.replace("~1", "").replace("~0", "");
    (!plain.contains('~')).then(|| escaped.replace("~1", "/").replace("~0", "~"))
}

fn member(value: &[u8], open: usize, is_it: impl Fn(&[u8]) -> bool) -> Option<&[u8]> {
    let mut found = None;
    let mut key = Vec::new();
    let mut at = skip_blanks(value, open + 1);
    while value.get(at) == Some(&b'"') {
        let key_end = string_end(value, at)?;
        key.clear();
        unescape(&value[at + 1..key_end - 1], &mut key);
        let start = skip_blanks(value, skip_blanks(value, key_end) + 1);
        let end = value_end(value, start)?;
        if is_it(&key) {
            found = value.get(start..end);
        }
        at = skip_blanks(value, skip_blanks(value, end) + 1);
    }
    found
}

fn element<'a>(value: &'a [u8], open: usize, token: &str) -> Option<&'a [u8]> {
    let canonical = token == "0" || !token.starts_with(['0', '+']);
    let wanted: usize = token.parse().ok().filter(|_| canonical)?;
    let mut at = skip_blanks(value, open + 1);
    for _ in 0..wanted {
        at = skip_blanks(value, value_end(value, at)?);
        if value.get(at) != Some(&b',') {
            return None;
        }
        at = skip_blanks(value, at + 1);
    }
    let end = value_end(value, at)?;
    value.get(at..end).filter(|element| !element.is_empty())
}

fn skip_blanks(value: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = value.get(at) {
        at += 1;
    }
    at
}

/// Where the value that begins at `at` ends.
fn value_end(value: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        at = match value.get(at)? {
            b'"' => string_end(value, at)?,
            b'{' | b'[' => {
                depth += 1;
                at + 1
            }
            b'}' | b']' if depth == 0 => return Some(at),
            b'}' | b']' => {
                depth -= 1;
                at + 1
            }
            b',' | b':' | b' ' | b'\n' | b'\r' | b'\t' => at + 1,
            _ => word_end(value, at),
        };
        if depth == 0 {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_find_what_rfc_6901_says() {
        let record = br#"{"foo": ["bar", {"x":[1 , 2]}], "": 0, "a/b": 1, "m~n": 8, "k\"l": 6, "d": 1, "d": {"e" : "]}"} }"#;
        let find = |text: &str| Pointer::parse(text).unwrap().find(record);
        assert_eq!(find(""), Some(&record[..]));
        assert_eq!(find("/foo"), Some(&br#"["bar", {"x":[1 , 2]}]"#[..]));
        assert_eq!(find("/foo/0"), Some(&br#""bar""#[..]));
        assert_eq!(find("/foo/1/x/1"), Some(&b"2"[..]));
        assert_eq!(find("/"), Some(&b"0"[..]));
        assert_eq!(find("/a~1b"), Some(&b"1"[..]));
        assert_eq!(find("/m~0n"), Some(&b"8"[..]));
        assert_eq!(find("/k\"l"), Some(&b"6"[..]));
        assert_eq!(find("/d/e"), Some(&br#""]}""#[..]));
        for absent in ["/nope", "/foo/2", "/foo/00", "/foo/-", "/foo/0/x", "/d/e/f"] {
            assert_eq!(find(absent), None, "{absent}");
        }
        assert_eq!(Pointer::parse("/0").unwrap().find(b"[]"), None);
    }

    #[test]
    fn a_key_that_is_there_outranks_one_in_another_case() {
        let pointer = Pointer::parse("/eventId/N").unwrap();
        let find = |record| pointer.find_in_any_case(record);
        assert_eq!(find(br#"{"eventid":{"n":1}}"#), Some(&b"1"[..]));
        assert_eq!(find(br#"{"eventid":{"n":1},"eventId":{"n":2,"N":3}}"#), Some(&b"3"[..]));
        assert_eq!(find(br#"{"event_id":{"n":1}}"#), None);
        assert_eq!(pointer.find(br#"{"eventid":{"n":1}}"#), None);
        assert_eq!(pointer.first_key(), Some("eventId"));
    }

    #[test]
    fn what_is_no_pointer_is_refused() {
        for text in ["id", "/a~", "/a~2b"] {
            assert!(Pointer::parse(text).is_err(), "{text}");
        }
    }
}
