//! Values as JSON text: exact numbers, dates as dates, bytes as base64.

use std::fmt::Display;
use std::io::Write;

use crate::base64;

const SECONDS_A_DAY: i64 = 86_400;

/// Writes what is displayed as JSON: a number, say.
pub(super) fn plain(out: &mut Vec<u8>, value: impl Display) {
    write!(out, "{value}").expect("memory takes what is written");
}

/// Writes text between quotes.
pub(super) fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut from = 0;
    for (at, &byte) in text.as_bytes().iter().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&text.as_bytes()[from..at]);
        from = at + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => plain(out, format_args!("\\u{byte:04x}")),
        }
    }
    out.extend_from_slice(&text.as_bytes()[from..]);
    out.push(b'"');
}

/// Makes the value that stands from `start` on the name of a member: text is one already.
pub(super) fn quote_from(out: &mut Vec<u8>, start: usize) {
    if out.get(start) == Some(&b'"') {
        return;
    }
    let value = out.split_off(start);
    string(out, &String::from_utf8_lossy(&value));
}

/// Writes bytes as base64, between quotes.
pub(super) fn binary(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    out.extend_from_slice(base64::encode(bytes).as_bytes());
    out.push(b'"');
}

/// Writes a float with the fewest digits that read back as the same; JSON has no word for one that
/// is no number, so that is a string.
pub(super) fn float<F: Into<f64> + Copy + std::fmt::Debug>(out: &mut Vec<u8>, value: F) {
    let wide: f64 = value.into();
    if wide.is_finite() {
        plain(out, format_args!("{value:?}"));
    } else if wide.is_nan() {
        out.extend_from_slice(b"\"NaN\"");
    } else {
        out.extend_from_slice(if wide > 0.0 { b"\"Infinity\"" } else { b"\"-Infinity\"" });
    }
}

/// Writes the number `digits` / 10^`scale`, every digit of it. `digits` may begin with a minus.
pub(super) fn decimal(out: &mut Vec<u8>, digits: &str, scale: i64) {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", digits),
    };
    out.extend_from_slice(sign.as_bytes());
    let Ok(scale) = usize::try_from(scale) else {
        out.extend_from_slice(digits.as_bytes());
        if digits != "0" {
            out.extend(std::iter::repeat_n(b'0', usize::try_from(-scale).unwrap_or(0)));
        }
        return;
    };
    let whole = digits.len().saturating_sub(scale);
    out.extend_from_slice(if whole == 0 { b"0" } else { &digits.as_bytes()[..whole] });
    if scale > 0 {
        out.push(b'.');
        out.extend(std::iter::repeat_n(b'0', scale.saturating_sub(digits.len())));
        out.extend_from_slice(&digits.as_bytes()[whole..]);
    }
}

/// Writes the date that is so many days after 1970-01-01.
pub(super) fn date(out: &mut Vec<u8>, days: i64) {
    out.push(b'"');
    civil(out, days);
    out.push(b'"');
}

/// Writes the time that is so long after midnight.
pub(super) fn time(out: &mut Vec<u8>, nanos: i64) {
    out.push(b'"');
    let (seconds, nanos) = (nanos.div_euclid(1_000_000_000), nanos.rem_euclid(1_000_000_000));
    clock(out, seconds, nanos);
    out.push(b'"');
}

/// Writes the time that is so long after 1970-01-01T00:00:00, with a `Z` where that is an instant.
pub(super) fn timestamp(out: &mut Vec<u8>, seconds: i64, nanos: i64, instant: bool) {
    out.push(b'"');
    civil(out, seconds.div_euclid(SECONDS_A_DAY));
    out.push(b'T');
    clock(out, seconds.rem_euclid(SECONDS_A_DAY), nanos);
    if instant {
        out.push(b'Z');
    }
    out.push(b'"');
}

fn clock(out: &mut Vec<u8>, seconds: i64, nanos: i64) {
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    plain(out, format_args!("{hour:02}:{minute:02}:{second:02}"));
    if nanos != 0 {
        let fraction = format!("{nanos:09}");
        plain(out, format_args!(".{}", fraction.trim_end_matches('0')));
    }
}

/// A date of the proleptic Gregorian calendar, whatever its year.
fn civil(out: &mut Vec<u8>, days: i64) {
    // Years that begin in March, so that the leap day is their last; eras of 400 years.
    let days = i128::from(days) + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + i128::from(month <= 2);
    let sign = if year < 0 { "-" } else { "" };
    plain(out, format_args!("{sign}{:04}-{month:02}-{day:02}", year.abs()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_keep_every_digit() {
        for (digits, scale, expected) in [
            ("0", 0, "0"),
            ("5", 3, "0.005"),
            ("-5", 1, "-0.5"),
            ("12345", 2, "123.45"),
            ("-12345", 5, "-0.12345"),
            ("100", 2, "1.00"),
            ("7", -3, "7000"),
            ("0", -3, "0"),
            (
                "99999999999999999999999999999999999999",
                38,
                "0.99999999999999999999999999999999999999",
            ),
        ] {
            assert_eq!(text(|out| decimal(out, digits, scale)), expected);
        }
        assert_eq!(text(|out| float(out, 0.1_f32)), "0.1");
        assert_eq!(text(|out| float(out, 0.1_f64 + 0.2)), "0.30000000000000004");
        assert_eq!(text(|out| float(out, 1e300_f64)), "1e300");
        assert_eq!(text(|out| float(out, f64::NAN)), "\"NaN\"");
        assert_eq!(text(|out| float(out, f32::NEG_INFINITY)), "\"-Infinity\"");
    }

    #[test]
    fn strings_are_json() {
        let all: String = (0..0x250).filter_map(char::from_u32).collect();
        let written = text(|out| string(out, &all));
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), all);
    }

    #[test]
    fn time_reads_as_people_write_it() {
        let at = |seconds, nanos| text(|out| timestamp(out, seconds, nanos, true));
        assert_eq!(at(0, 0), "\"1970-01-01T00:00:00Z\"");
        assert_eq!(at(-1, 999_000_000), "\"1969-12-31T23:59:59.999Z\"");
        assert_eq!(at(1_709_164_800, 1), "\"2024-02-29T00:00:00.000000001Z\"");
        assert_eq!(at(-62_135_596_800, 0), "\"0001-01-01T00:00:00Z\"");
        assert_eq!(text(|out| date(out, 19_481)), "\"2023-05-04\"");
        assert_eq!(text(|out| time(out, 3_661_500_000_000)), "\"01:01:01.5\"");
        for days in [i64::MIN, i64::MAX, -719_528, 2_932_897] {
            assert!(text(|out| date(out, days)).len() >= 12, "{days}");
        }
        for days in -719_000..2_900_000_i64 {
            let known = jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(days));
            if let (Ok(known), true) = (known, days % 97 == 0) {
                assert_eq!(text(|out| date(out, days)), format!("\"{known}\""));
            }
        }
    }
}
