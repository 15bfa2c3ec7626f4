//! Numbers as people read them.

/// Units of 1024, each 1024 times the one before.
const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// A number with thousands separators: `1,234,567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A size in the largest unit that leaves a number of at least one: `812 B`, `1.5 KiB`.
pub fn size(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    // Tenths of the unit, rounded; when they reach the next unit, that one is used.
    let mut divisor = 1024_u128;
    for unit in UNITS {
        let tenths = (u128::from(bytes) * 10 + divisor / 2) / divisor;
        if tenths < 10 * 1024 || unit == "EiB" {
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
        divisor *= 1024;
    }
    unreachable!("the last unit takes everything")
}

/// A size with its exact bytes, where the unit hides them: `1.5 KiB (1,536 bytes)`.
pub fn exact_size(bytes: u64) -> String {
    if bytes < 1024 {
        counted(bytes, "byte", "bytes")
    } else {
        format!("{} ({} bytes)", size(bytes), count(bytes))
    }
}

/// A number and the word for it: `1 record`, `2 records`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// How often: `once`, `twice`, `3 times`.
pub fn times(number: u64) -> String {
    match number {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        more => format!("{} times", count(more)),
    }
}

#[cfg(test)]
mod tests {
    use super::{count, counted, exact_size, size};

    #[test]
    fn thousands_are_separated() {
        let cases = [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")];
        for (number, text) in cases {
            assert_eq!(count(number), text);
        }
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn a_size_never_reads_1024_of_a_unit() {
        let cases = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (1_048_524, "1023.9 KiB"),
            (1_048_575, "1.0 MiB"),
            (u64::MAX, "16.0 EiB"),
        ];
        for (bytes, text) in cases {
            assert_eq!(size(bytes), text);
        }
        assert_eq!(exact_size(1), "1 byte");
        assert_eq!(exact_size(2048), "2.0 KiB (2,048 bytes)");
    }

    #[test]
    fn one_is_singular() {
        assert_eq!(counted(1, "record", "records"), "1 record");
        assert_eq!(counted(0, "record", "records"), "0 records");
    }
}
