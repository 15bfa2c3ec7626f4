//! JSON value to identity: equal values, equal hashes, however they are spelled.
//!
//! Hashes are combined from the leaves up on a stack of our own, so that depth is no danger. A
//! number is its decimal digits and exponent, a string its unescaped bytes (a lone surrogate keeps
//! its three bytes), an object its members ordered by key, those with the same key in their order.

use serde::de::IgnoredAny;
use xxhash_rust::xxh3::xxh3_128_with_seed;

use crate::escapes::unescape;

const TAG_STRING: u64 = 0x7374_7269_6e67;
const TAG_NUMBER: u64 = 0x6e75_6d62_6572;
const TAG_WORD: u64 = 0x776f_7264;
const TAG_ARRAY: u64 = 0x61_7272_6179;
const TAG_OBJECT: u64 = 0x6f62_6a65_6374;

/// Whether bytes are one JSON value.
pub(super) fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(bytes).is_ok()
}

/// Hashes JSON values; keeps its scratch space between them.
#[derive(Debug)]
pub(super) struct Canonical {
    seed: u64,
    frames: Vec<Frame>,
    /// Hashes of finished values: the elements of open arrays, keys and values of open objects.
    hashes: Vec<u128>,
    members: Vec<(u128, u128)>,
    text: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    object: bool,
    /// Where its own hashes begin.
    from: usize,
}

impl Canonical {
    pub(super) fn new(seed: u64) -> Self {
        let (frames, hashes, members, text) = Default::default();
        Self { seed, frames, hashes, members, text }
    }

    /// The hash of the value; `None` when the bytes are no JSON value.
    pub(super) fn hash(&mut self, bytes: &[u8]) -> Option<u128> {
        if !is_json(bytes) {
            return None;
        }
        self.frames.clear();
        self.hashes.clear();
        let mut at = 0;
        // The value is known to be whole and well formed: structure needs no second check.
        while at < bytes.len() {
            at = match bytes[at] {
                b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' => at + 1,
                opener @ (b'{' | b'[') => {
                    self.frames.push(Frame { object: opener == b'{', from: self.hashes.len() });
                    at + 1
                }
                b'}' | b']' => {
                    self.close()?;
                    at + 1
                }
                b'"' => {
                    let end = string_end(bytes, at)?;
                    let hash = self.string(bytes.get(at + 1..end - 1)?);
                    self.hashes.push(hash);
                    end
                }
                _ => {
                    let end = word_end(bytes, at);
                    let hash = self.word(&bytes[at..end]);
                    self.hashes.push(hash);
                    end
                }
            };
        }
        self.hashes.pop()
    }

    fn close(&mut self) -> Option<()> {
        let frame = self.frames.pop()?;
        self.text.clear();
        if frame.object {
            self.members.clear();
            let pairs = self.hashes[frame.from..].chunks_exact(2);
            self.members.extend(pairs.map(|pair| (pair[0], pair[1])));
            self.members.sort_by_key(|member| member.0);
            for (key, value) in &self.members {
                self.text.extend_from_slice(&key.to_le_bytes());
                self.text.extend_from_slice(&value.to_le_bytes());
            }
        } else {
            for hash in &self.hashes[frame.from..] {
                self.text.extend_from_slice(&hash.to_le_bytes());
            }
        }
        self.hashes.truncate(frame.from);
        let tag = if frame.object { TAG_OBJECT } else { TAG_ARRAY };
        self.hashes.push(xxh3_128_with_seed(&self.text, self.seed ^ tag));
        Some(())
    }

    fn string(&mut self, escaped: &[u8]) -> u128 {
        let text = if memchr::memchr(b'\\', escaped).is_none() {
            escaped
        } else {
            self.text.clear();
            unescape(escaped, &mut self.text);
            &self.text
        };
        xxh3_128_with_seed(text, self.seed ^ TAG_STRING)
    }

    fn word(&mut self, word: &[u8]) -> u128 {
        if matches!(word[0], b't' | b'f' | b'n') {
            return xxh3_128_with_seed(word, self.seed ^ TAG_WORD);
        }
        self.text.clear();
        canonical_number(word, &mut self.text);
        xxh3_128_with_seed(&self.text, self.seed ^ TAG_NUMBER)
    }
}

/// The position behind the closing quote of the string that opens at `at`.
pub(super) fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut from = at + 1;
    loop {
        let found = from + memchr::memchr2(b'"', b'\\', bytes.get(from..)?)?;
        match bytes[found] {
            b'"' => return Some(found + 1),
            _ => from = found + 2,
        }
    }
}

/// The position behind the number or word that begins at `at`.
pub(super) fn word_end(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let is_end = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t');
    at + rest.iter().position(is_end).unwrap_or(rest.len())
}

/// Appends a number's digits without zeros at either end, and its exponent: `1.50e2`, `150` and
/// `15e1` are all `15e1`. Zero has no sign.
fn canonical_number(number: &[u8], out: &mut Vec<u8>) {
    let (negative, number) = match number.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, number),
    };
    let (mantissa, exponent) = match number.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (&number[..at], &number[at + 1..]),
        None => (number, &b"0"[..]),
    };
    let (whole, fraction) = match mantissa.iter().position(|&byte| byte == b'.') {
        Some(at) => (&mantissa[..at], &mantissa[at + 1..]),
        None => (mantissa, &b""[..]),
    };
    let start = out.len();
    out.extend(whole.iter().chain(fraction).skip_while(|&&digit| digit == b'0'));
    let digits = out.len();
    while out.len() > start && out.last() == Some(&b'0') {
        out.pop();
    }
    if out.len() == start {
        out.push(b'0');
        return;
    }
    let shift = (digits - out.len()) as i128 - fraction.len() as i128;
    out.push(b'e');
    match std::str::from_utf8(exponent).ok().and_then(|text| text.parse::<i128>().ok()) {
        Some(exponent) if exponent.abs() < i128::MAX / 2 => {
            out.extend_from_slice((exponent + shift).to_string().as_bytes());
        }
        // Nobody means such a number; it is equal to what is spelled the same.
        _ => {
            out.extend_from_slice(exponent);
            out.extend_from_slice(format!("+{shift}").as_bytes());
        }
    }
    if negative {
        out.push(b'-');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(value: &str) -> Option<u128> {
        Canonical::new(3).hash(value.as_bytes())
    }

    #[track_caller]
    fn equal(values: &[&str]) {
        for value in values {
            assert!(hash(value).is_some());
            assert_eq!(hash(values[0]), hash(value), "{value}");
        }
    }

    #[track_caller]
    fn different(values: &[&str]) {
        for (index, value) in values.iter().enumerate() {
            assert!(hash(value).is_some(), "{value}");
            for other in &values[..index] {
                assert_ne!(hash(value), hash(other), "{value} {other}");
            }
        }
    }

    #[test]
    fn numbers_are_equal_by_value_and_exact() {
        equal(&["150", "1.5e2", "15E+1", "150.0", "0.150e3", "1500e-1"]);
        equal(&["0", "-0", "0.000", "0e5"]);
        different(&["1", "-1", "10", "0.1", "\"1\"", "true"]);
        different(&["9007199254740993", "9007199254740992", "1e400", "1e401"]);
        different(&["0.1", "0.10000000000000000001"]);
        equal(&["1e99999999999999999999999999999999999999999"]);
    }

    #[test]
    fn strings_are_equal_unescaped() {
        equal(&[r#""a/\u00e9\n""#, r#""\u0061\/é\u000A""#]);
        equal(&[r#""😀""#, r#""\ud83d\ude00""#]);
        different(&[r#""\ud800""#, r#""\ud801""#, r#""\\ud800""#, r#""""#, r#""�""#]);
    }

    #[test]
    fn objects_are_equal_in_any_order_and_keep_repeated_keys() {
        equal(&[r#"{"a":1,"b":[1,{"c":null}]}"#, "{ \"b\" : [1, {\"c\":null} ] , \"a\":1.0 }"]);
        different(&[
            r#"{"a":1,"a":2}"#,
            r#"{"a":2}"#,
            r#"{"a":1}"#,
            r#"{"a":2,"a":1}"#,
            r#"{"a":1,"b":2}"#,
            r#"["a",1]"#,
            "[]",
            "{}",
            "[[]]",
            "[{}]",
            "[1,2]",
            "[2,1]",
            "[[1],2]",
        ]);
    }

    #[test]
    fn depth_is_no_danger_and_broken_values_have_no_hash() {
        let deep = "[".repeat(300_000) + &"]".repeat(300_000);
        assert!(hash(&deep).is_some());
        for broken in ["", "{", "{\"a\":}", "1 2", "nul", "\"a"] {
            assert_eq!(hash(broken), None, "{broken}");
        }
    }
}
