//! What stored bytes are, by their first bytes.
//!
//! Neither suffix nor `Content-Encoding` is enough: both Snappy kinds are stored under `.snappy`, a
//! Parquet object may carry `hadoop-snappy`, and a gzip object may have been inflated on its way.

use super::{Encoding, snappy};

/// So many bytes tell what is there, and text from noise.
pub(super) const HEAD_BYTES: usize = 64;

const MAGIC: [(&[u8], Encoding); 8] = [
    (b"PK\x03\x04", Encoding::Zip),
    // An archive without an entry starts with its end.
    (b"PK\x05\x06", Encoding::Zip),
    (&snappy::JAVA_MAGIC, Encoding::SnappyJava),
    (b"\xff\x06\0\0sNaPpY", Encoding::SnappyFraming),
    (b"\x28\xb5\x2f\xfd", Encoding::Zstd),
    (b"\x1f\x8b\x08", Encoding::Gzip),
    (b"PAR1", Encoding::Parquet),
    (b"ORC", Encoding::Orc),
];

/// The encoding that a magic number at the beginning of `head` tells.
pub(super) fn magic(head: &[u8]) -> Option<Encoding> {
    let (_, encoding) = *MAGIC.iter().find(|(magic, _)| head.starts_with(magic))?;
    // A line of text may begin with these letters as well.
    Some(encoding).filter(|encoding| !encoding.is_columnar() || !is_text(head))
}

/// The encoding of a body of `len` bytes that begins with `head`. Without a magic number it is what it
/// was declared to be, unless it is plainly text.
pub(super) fn encoding(head: &[u8], len: u64, declared: Option<Encoding>) -> Encoding {
    if let Some(encoding) = magic(head) {
        return encoding;
    }
    if head.starts_with(b"\x1f\x8b") {
        // gzip whose method is damaged.
        return Encoding::Gzip;
    }
    if head.is_empty() || is_text(head) {
        return Encoding::Plain;
    }
    match declared {
        _ if snappy::is_hadoop(head, len) => Encoding::HadoopSnappy,
        // Damaged, whichever kind it was; only snappy-java's begins with this byte.
        Some(Encoding::SnappyJava) if head.first() != snappy::JAVA_MAGIC.first() => {
            Encoding::HadoopSnappy
        }
        Some(encoding) => encoding,
        None => Encoding::Plain,
    }
}

/// The encoding that a `Content-Encoding` names, as Firehose spells them. It may be a list, of which
/// one is the object's: S3 keeps what a client said of the transfer, too.
pub(super) fn declared(content_encoding: &str) -> Option<Encoding> {
    content_encoding.split(',').find_map(|name| match name.trim().to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => Some(Encoding::Gzip),
        "zip" => Some(Encoding::Zip),
        "snappy-java" | "snappy" => Some(Encoding::SnappyJava),
        "hadoop-snappy" => Some(Encoding::HadoopSnappy),
        "zstd" => Some(Encoding::Zstd),
        _ => None,
    })
}

/// Whether a gzip member starts here, or might if more bytes were there.
pub(super) fn may_be_gzip(head: &[u8]) -> bool {
    b"\x1f\x8b\x08".starts_with(&head[..head.len().min(3)])
}

fn is_text(head: &[u8]) -> bool {
    let head = &head[..head.len().min(HEAD_BYTES)];
    let text = match std::str::from_utf8(head) {
        Ok(_) => head,
        // A character may be cut by the end of what is looked at.
        Err(error) if error.error_len().is_none() => &head[..error.valid_up_to()],
        Err(_) => return false,
    };
    text.iter().all(|&byte| byte >= b' ' || matches!(byte, b'\n' | b'\r' | b'\t' | 0x1e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoding(head: &[u8], declared: Option<Encoding>) -> Encoding {
        super::encoding(head, head.len() as u64, declared)
    }

    #[test]
    fn bytes_outrank_declarations() {
        assert_eq!(encoding(b"\x1f\x8b\x08\0", None), Encoding::Gzip);
        assert_eq!(encoding(b"\x1f\x8b\x07\0", None), Encoding::Gzip);
        assert_eq!(encoding(b"PAR1\x15\x04..", Some(Encoding::HadoopSnappy)), Encoding::Parquet);
        assert_eq!(encoding(b"ORC\x08\x01", None), Encoding::Orc);
        assert_eq!(encoding(b"ORCA,1,2", None), Encoding::Plain);
        assert_eq!(encoding(b"PAR1,1,2", Some(Encoding::Parquet)), Encoding::Plain);
        assert_eq!(encoding(b"{\"a\":1}", Some(Encoding::Gzip)), Encoding::Plain);
        assert_eq!(encoding(b"\0\0\x12\x34", Some(Encoding::HadoopSnappy)), Encoding::HadoopSnappy);
        assert_eq!(encoding(b"\0\x8b\x08\0", Some(Encoding::Gzip)), Encoding::Gzip);
        assert_eq!(encoding(b"", Some(Encoding::Gzip)), Encoding::Plain);
    }

    #[test]
    fn the_two_snappy_kinds_are_told_apart_whatever_was_declared() {
        // Content of 4 bytes, a block of 6: "abcd".
        let hadoop = b"\0\0\0\x04\0\0\0\x06\x04\x0cabcd";
        let java = [&snappy::JAVA_MAGIC[..], b"\0\0\0\x01\0\0\0\x01"].concat();
        let declarations =
            [None, Some(Encoding::SnappyJava), Some(Encoding::HadoopSnappy), Some(Encoding::Gzip)];
        for declared in declarations {
            assert_eq!(encoding(hadoop, declared), Encoding::HadoopSnappy, "{declared:?}");
            assert_eq!(encoding(&java, declared), Encoding::SnappyJava, "{declared:?}");
        }
        // What does not read as either is damaged, and was the one that it begins like.
        let suffix = Some(Encoding::SnappyJava);
        assert_eq!(encoding(b"\0\0\0\x04\0\0", suffix), Encoding::HadoopSnappy);
        assert_eq!(encoding(b"\x82SNAQPY\0", suffix), Encoding::SnappyJava);
        assert_eq!(encoding(b"\x82SN", suffix), Encoding::SnappyJava);
        // Neither zeros nor lengths that disagree make a Hadoop stream.
        assert_eq!(encoding(&[0; 40], None), Encoding::Plain);
        assert_eq!(encoding(b"\0\0\0\x03\0\0\0\x06\x04\x0cabcd", None), Encoding::Plain);
        assert_eq!(encoding(b"\0\0\0\x04\0\0\0\x06\x04\x10abcd", None), Encoding::Plain);
    }

    /// What is cut in the middle of a character is no text because of that.
    #[test]
    fn a_character_that_is_cut_excuses_none_before_it() {
        // Content of 5 bytes, a block of 7.
        let hadoop = b"\0\0\0\x05\0\0\0\x07\x05\x10abcd\xf2";
        assert_eq!(encoding(hadoop, None), Encoding::HadoopSnappy);
        assert_eq!(encoding(b"PAR1\x15\x04\x15\xc3", None), Encoding::Parquet);
        assert_eq!(encoding("PAR1 größe".as_bytes().split_at(8).0, None), Encoding::Plain);
    }

    #[test]
    fn content_encodings_are_spelled_as_firehose_spells_them() {
        assert_eq!(declared("gzip"), Some(Encoding::Gzip));
        assert_eq!(declared("snappy-java"), Some(Encoding::SnappyJava));
        assert_eq!(declared("hadoop-snappy"), Some(Encoding::HadoopSnappy));
        assert_eq!(declared("aws-chunked"), None);
        assert_eq!(declared("aws-chunked, GZIP"), Some(Encoding::Gzip));
    }
}
