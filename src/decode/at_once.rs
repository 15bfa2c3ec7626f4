//! One DEFLATE stream in one stroke, by libdeflate: faster than a decoder that can pause, and possible where
//! the stored bytes lie in memory and their content is small enough to lie there too.
//!
//! It proves or says nothing: what does not turn out to be one whole member with a right trailer is left
//! to the decoder that can pause, which says what is wrong with it and where.
//!
//! libdeflate does not say where the member ended, and takes what follows it for nothing. But it has seen the
//! right trailer there; and where that stands nowhere but at the very end, there the member ended.

use libdeflater::{Crc, Decompressor};
use memchr::memmem;

use crate::limits::INFLATE_AT_ONCE_BYTES;

/// CRC-32 and length.
const TRAILER_BYTES: usize = 8;

/// The content of what is one gzip member and nothing else. `None` where it has to be read piece by piece.
pub(super) fn gzip_member(stored: &[u8]) -> Option<Vec<u8>> {
    let trailer: &[u8; TRAILER_BYTES] = stored.last_chunk()?;
    let [crc, len] = [&trailer[..4], &trailer[4..]].map(|half| half.try_into().ok());
    let (crc, len) = (u32::from_le_bytes(crc?), usize::try_from(u32::from_le_bytes(len?)).ok()?);
    let before = &stored[..stored.len() - 1];
    if len > INFLATE_AT_ONCE_BYTES || memmem::find(before, trailer).is_some() {
        return None;
    }
    let mut content = vec![0; len];
    let written = Decompressor::new().gzip_decompress(stored, &mut content).ok()?;
    let mut sum = Crc::new();
    sum.update(&content);
    (written == len && sum.sum() == crc).then_some(content)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::super::open;
    use super::*;
    use crate::source::Body;
    use crate::tests::cases;

    fn member(content: &[u8], level: u32) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    /// What comes of a body, and what was noted; and whether that was without the decoder that can pause.
    fn both(stored: &[u8]) -> [(Vec<u8>, String); 2] {
        let file = || {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(stored).unwrap();
            std::io::Seek::rewind(&mut file).unwrap();
            file
        };
        let bodies = [
            Body::from_bytes(stored.to_vec()),
            // A body in a file is read piece by piece.
            Body::from_file(file(), stored.len() as u64),
        ];
        bodies.map(|body| {
            let mut content = open(body, Some(super::super::Encoding::Gzip), u64::MAX).unwrap();
            let mut bytes = Vec::new();
            let read = std::io::Read::read_to_end(&mut content, &mut bytes);
            (bytes, format!("{:?}", read.map(|_| content.finish())))
        })
    }

    #[test]
    fn a_whole_member_comes_out_at_once() {
        let content = b"{\"a\":1}".repeat(999);
        for level in 0..=9 {
            let stored = member(&content, level);
            assert_eq!(gzip_member(&stored).as_ref(), Some(&content), "{level}");
        }
    }

    /// Where a trailer that fits stands behind the member, its own may be wrong.
    #[test]
    fn a_member_that_ends_before_its_trailer_is_left_to_the_other() {
        // Its trailer is zeros, as what may follow a member is.
        assert_eq!(gzip_member(&member(b"", 6)), None);
        for content in [&b""[..], b"{\"a\":1}"] {
            let mut stored = member(content, 6);
            let trailer = stored.split_off(stored.len() - TRAILER_BYTES);
            for between in [&[1; TRAILER_BYTES][..], b"junk"] {
                let stored = [&stored, between, &trailer].concat();
                assert_eq!(gzip_member(&stored), None);
                let [at_once, piecewise] = both(&stored);
                assert!(at_once == piecewise && at_once.1.contains("what:"), "{at_once:?}");
            }
            let twice = [&stored[..], &trailer, &trailer].concat();
            assert_eq!(gzip_member(&twice), None);
        }
    }

    #[test]
    fn two_members_alike_are_not_taken_for_one() {
        let stored = member(b"{\"a\":1}", 6).repeat(2);
        assert_eq!(gzip_member(&stored), None);
        assert_eq!(both(&stored)[0].0, b"{\"a\":1}{\"a\":1}");
    }

    #[test]
    fn a_length_beyond_reason_reserves_nothing() {
        let mut stored = member(b"{\"a\":1}", 6);
        let end = stored.len();
        stored[end - 4..].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(gzip_member(&stored), None);
    }

    proptest! {
        #![proptest_config(cases(400))]
        #[test]
        fn it_agrees_with_the_decoder_that_can_pause(
            contents in proptest::collection::vec(proptest::collection::vec(0_u8..4, 0..3000), 1..3),
            level in 0_u32..10,
            change in proptest::option::of((any::<proptest::sample::Index>(), any::<u8>())),
            cut in proptest::option::of(any::<proptest::sample::Index>()),
            tail in proptest::collection::vec(any::<u8>(), 0..3),
            again in any::<bool>(),
        ) {
            let members = contents.iter().map(|content| member(content, level));
            let mut stored = members.collect::<Vec<_>>().concat();
            let trailer = stored[stored.len() - TRAILER_BYTES..].to_vec();
            stored.extend(tail);
            if again {
                stored.extend(trailer);
            }
            if let Some((at, byte)) = change {
                let at = at.index(stored.len());
                stored[at] = byte;
            }
            if let Some(cut) = cut {
                stored.truncate(cut.index(stored.len()).max(3));
            }
            let [at_once, piecewise] = both(&stored);
            prop_assert_eq!(at_once, piecewise);
        }
    }
}
