//! The checksum that S3 keeps of a whole object, as far as it can be put together from its pieces.

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use crc_fast::{CrcAlgorithm, Digest};

use crate::base64;

/// What S3 keeps of an object that a body can be checked by.
#[derive(Debug, PartialEq)]
pub(super) enum Kept {
    /// Nothing, or nothing that the SDK checks either when a body comes at once: no checksum, one of
    /// its parts' checksums (`COMPOSITE`), or one by an algorithm that it does not know.
    Nothing,
    /// A checksum that pieces can be checked by.
    Crc(Crc),
    /// A checksum that only a body that comes at once is checked by.
    Another,
}

/// A checksum of a whole object.
#[derive(Debug, PartialEq)]
pub(super) struct Crc {
    algorithm: CrcAlgorithm,
    value: Vec<u8>,
}

impl Kept {
    /// What an answer to `HeadObject` names: of several checksums the one that the SDK takes
    /// (`CHECKSUM_ALGORITHMS_IN_PRIORITY_ORDER` of aws-smithy-checksums).
    pub(super) fn by(head: &HeadObjectOutput) -> Self {
        let named = [
            (Some(CrcAlgorithm::Crc64Nvme), head.checksum_crc64_nvme()),
            (Some(CrcAlgorithm::Crc32Iscsi), head.checksum_crc32_c()),
            (Some(CrcAlgorithm::Crc32IsoHdlc), head.checksum_crc32()),
            (None, head.checksum_sha1()),
            (None, head.checksum_sha256()),
        ];
        let first = named.into_iter().find_map(|(algorithm, text)| Some((algorithm, text?)));
        let Some((algorithm, text)) = first else { return Self::Nothing };
        match (algorithm, base64::decode(text)) {
            (Some(algorithm), Some(value)) => Self::Crc(Crc { algorithm, value }),
            _ if is_of_parts(text) => Self::Nothing,
            _ => Self::Another,
        }
    }
}

/// A checksum of checksums ends with their number: "y/Q5Jg==-3".
fn is_of_parts(text: &str) -> bool {
    let number = text.rsplit_once('-').map_or("", |(_, number)| number);
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

impl Crc {
    /// Of nothing yet.
    pub(super) fn digest(&self) -> Digest {
        Digest::new(self.algorithm)
    }

    /// Whether it is the checksum of these pieces, which are in order.
    pub(super) fn is_of<'a>(&self, pieces: impl IntoIterator<Item = &'a Digest>) -> bool {
        let mut whole = self.digest();
        for piece in pieces {
            whole.combine(piece);
        }
        let computed = whole.finalize().to_be_bytes();
        let width = if self.algorithm == CrcAlgorithm::Crc64Nvme { 8 } else { 4 };
        computed[computed.len() - width..] == self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of these algorithms, for "123456789".
    const CHECKS: [(CrcAlgorithm, &[u8]); 3] = [
        (CrcAlgorithm::Crc32IsoHdlc, &[0xcb, 0xf4, 0x39, 0x26]),
        (CrcAlgorithm::Crc32Iscsi, &[0xe3, 0x06, 0x92, 0x83]),
        (CrcAlgorithm::Crc64Nvme, &[0xae, 0x8b, 0x14, 0x86, 0x0a, 0x79, 0x98, 0x88]),
    ];

    #[test]
    fn pieces_have_the_checksum_of_the_whole_in_their_order_only() {
        for (algorithm, value) in CHECKS {
            let crc = Crc { algorithm, value: value.to_vec() };
            let digests = |pieces: &[&str]| -> Vec<Digest> {
                let of = |piece: &&str| {
                    let mut digest = crc.digest();
                    digest.update(piece.as_bytes());
                    digest
                };
                pieces.iter().map(of).collect()
            };
            for pieces in [&["123456789"][..], &["1", "2345678", "", "9"], &["12345", "6789"]] {
                assert!(crc.is_of(&digests(pieces)), "{algorithm:?} {pieces:?}");
            }
            for pieces in [&["12345678"][..], &["6789", "12345"], &["12345", "6780"], &[]] {
                assert!(!crc.is_of(&digests(pieces)), "{algorithm:?} {pieces:?}");
            }
        }
    }

    #[test]
    fn a_checksum_is_taken_where_the_sdk_takes_it() {
        let head = HeadObjectOutput::builder;
        let crc32 = |text: &str| Kept::by(&head().checksum_crc32(text).build());
        let value = vec![0xcb, 0xf4, 0x39, 0x26];
        let whole = Kept::Crc(Crc { algorithm: CrcAlgorithm::Crc32IsoHdlc, value });
        assert_eq!(crc32("y/Q5Jg=="), whole);
        assert_eq!(crc32("y/Q5Jg==-3"), Kept::Nothing);
        assert_eq!(crc32("no checksum"), Kept::Another);
        assert_eq!(Kept::by(&head().build()), Kept::Nothing);
        assert_eq!(Kept::by(&head().checksum_md5("AAAA").build()), Kept::Nothing);
        assert_eq!(Kept::by(&head().checksum_sha256("AAAA").build()), Kept::Another);
        let both = head().checksum_sha1("AAAA").checksum_crc32("y/Q5Jg==").build();
        assert_eq!(Kept::by(&both), whole);
    }
}
