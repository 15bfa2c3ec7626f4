//! A second look at records: they are taken from where they were found the first time.

use std::collections::BTreeSet;
use std::io;

use super::grammar::{Scan, Scanner};
use super::segments::{RandomAccess, Reader};
use super::window::format_of;
use super::{Format, FormatChoice, Record, Sink, Standing, split};
use crate::limits::{RECORD_BYTES_MAX, SNIFF_BYTES};

/// Bytes that are read for a record at first.
const RECORD_BYTES: usize = 4096;

/// Hands out the records that begin at these offsets of content that was split before. Where only what
/// stands before a record tells what it is, as in anything but JSON, all others are handed out too.
///
/// # Errors
/// When the content cannot be read.
pub fn split_again(
    content: &dyn RandomAccess,
    choice: &FormatChoice,
    offsets: &BTreeSet<u64>,
    sink: &mut dyn Sink,
) -> io::Result<()> {
    let mut buffer = Vec::new();
    let head = content.at(0, SNIFF_BYTES as u64, &mut buffer)?;
    let is_all = head.len() as u64 == content.len();
    if format_of(choice, head, is_all) != Format::Json {
        return split(&mut Reader::new(content), choice, sink).2;
    }
    let mut scanner = Scanner::default();
    for &offset in offsets {
        let mut count = RECORD_BYTES;
        loop {
            let window = content.at(offset, count as u64, &mut buffer)?;
            let is_last = offset + window.len() as u64 >= content.len();
            match scanner.value(window, 0, is_last) {
                Scan::Complete(end) => {
                    let bytes = &window[..end];
                    sink.record(Record { bytes, offset, standing: Standing::Clean });
                }
                Scan::Incomplete if count <= RECORD_BYTES_MAX => {
                    count *= 4;
                    continue;
                }
                // It is not what it was.
                _ => {}
            }
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::split::Span;
    use crate::tests::cases;

    #[derive(Default)]
    struct Records(Vec<(u64, Vec<u8>)>);

    impl Sink for Records {
        fn record(&mut self, record: Record<'_>) {
            self.0.push((record.offset, record.bytes.to_vec()));
        }

        fn malformed(&mut self, _: Span) {}
    }

    fn record(number: usize) -> String {
        let text = r#"x \" }{ "#.repeat(number * number * 7);
        format!(r#"{{"id": {number}, "text": "{text}"}}"#)
    }

    proptest! {
        #![proptest_config(cases(64))]

        #[test]
        fn the_second_look_sees_what_the_first_one_saw(
            separator in prop::sample::select(vec!["", "\n", "|"]),
            wanted in prop::collection::btree_set(0..40_usize, 0..6),
            damage in prop::option::of(any::<usize>()),
            choice in prop::sample::select(vec![
                FormatChoice::Detect,
                Format::Lines.into(),
                Format::Delimited(b"|".to_vec()).into(),
            ]),
        ) {
            let mut content: Vec<u8> =
                (0..40).flat_map(|number| (record(number) + separator).into_bytes()).collect();
            if let Some(damage) = damage {
                let at = damage % content.len();
                content[at] = b'{';
            }
            let mut first = Records::default();
            split(&mut content.as_slice(), &choice, &mut first).2.unwrap();
            let of = |number: &usize| first.0.get(*number).cloned();
            let expected: Vec<_> = wanted.iter().filter_map(of).collect();
            let offsets: BTreeSet<_> = expected.iter().map(|(offset, _)| *offset).collect();
            let mut second = Records::default();
            split_again(&content, &choice, &offsets, &mut second).unwrap();
            second.0.retain(|(offset, _)| offsets.contains(offset));
            prop_assert_eq!(second.0, expected);
        }
    }
}
