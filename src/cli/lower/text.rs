//! Small grammars: sizes, escapes, matching policies.

use super::usage;
use crate::error::Result;
use crate::expect::stream::Share;
use crate::fingerprint::{Pointer, Policy};

/// A size in bytes: `10MiB` and `10Mi` are powers of 1024, `10MB` and `10M` powers of 1000.
pub(super) fn size(option: &str, text: &str) -> Result<u64> {
    parse_size(text).ok_or_else(|| {
        usage(format!("{option} {text:?} is no size"))
            .hint("write bytes, or a unit: 500k, 10MB (powers of 1000), 10MiB (powers of 1024)")
    })
}

fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim_start().to_ascii_lowercase();
    let unit = unit.strip_suffix('b').unwrap_or(&unit);
    let (letter, base) = match unit.strip_suffix('i') {
        Some(letter) => (letter, 1024_u64),
        None => (unit, 1000),
    };
    let power = match (letter, base) {
        ("", 1000) => 0,
        ("k", _) => 1,
        ("m", _) => 2,
        ("g", _) => 3,
        ("t", _) => 4,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(base.pow(power))
}

/// Bytes of a text in which `\n`, `\t`, `\r`, `\0`, `\\` and `\xHH` stand for others.
pub(super) fn unescape(option: &str, text: &str) -> Result<Vec<u8>> {
    parse_escapes(text.as_bytes()).ok_or_else(|| {
        usage(format!("{option} {text:?} has an escape that is none"))
            .hint(r"there are \n, \t, \r, \0, \\ and \xHH with two hexadecimal digits")
    })
}

fn parse_escapes(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(rest.len());
    loop {
        rest = match rest {
            [] => return Some(bytes),
            [b'\\', b'x', high, low, rest @ ..] => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                bytes.push(u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?);
                rest
            }
            [b'\\', letter, rest @ ..] => {
                bytes.push(match letter {
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'r' => b'\r',
                    b'0' => 0,
                    b'\\' => b'\\',
                    _ => return None,
                });
                rest
            }
            [b'\\'] => return None,
            [byte, rest @ ..] => {
                bytes.push(*byte);
                rest
            }
        };
    }
}

/// When two records are the same.
pub(super) fn policy(text: &str) -> Result<Policy> {
    match text {
        "raw" => Ok(Policy::Raw),
        "json" => Ok(Policy::Json),
        _ => {
            let pointers = text.strip_prefix("key=").ok_or_else(|| {
                usage(format!("--match {text:?} is none of raw, json and key="))
                    .hint("write --match key=/id or --match key=/customer/id,/time")
            })?;
            pointers.split(',').map(pointer).collect::<Result<_>>().map(Policy::Key)
        }
    }
}

/// A pointer to something inside a record; the whole record would be `--match json`.
fn pointer(text: &str) -> Result<Pointer> {
    Some(text).filter(|text| !text.is_empty()).and_then(|text| text.parse().ok()).ok_or_else(|| {
        usage(format!("--match key= has {text:?}, which is no JSON Pointer")).hint(
            "a pointer begins with a slash: /id, /customer/id; ~1 is a slash in a name, ~0 a ~",
        )
    })
}

/// How much of a shard's budget to use.
pub(super) fn share(percent: u8) -> Result<Share> {
    Share::percent(percent).ok_or_else(|| {
        usage(format!("--stream-share {percent} is no percentage"))
            .hint("from 1 to 100; Firehose needs 20 of them for its calls alone")
    })
}
