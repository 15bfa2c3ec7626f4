//! What stored bytes are, by their first bytes.
//!
//! Neither suffix nor `Content-Encoding` is enough: both Snappy kinds are stored under `.snappy`, a
//! Parquet object may carry `hadoop-snappy`, and a gzip object may have been inflated on its way.

use super::Encoding;

/// So many bytes tell text from noise.
const TEXT_BYTES: usize = 64;

const MAGIC: [(&[u8], Encoding); 6] = [
    (b"PK\x03\x04", Encoding::Zip),
    // The stream header of snappy-java (SnappyCodec.MAGIC_HEADER).
    (b"\x82SNAPPY\0", Encoding::SnappyJava),
    (b"\x28\xb5\x2f\xfd", Encoding::Zstd),
    (b"PAR1", Encoding::Parquet),
    (b"ORC", Encoding::Orc),
    (b"\x1f\x8b", Encoding::Gzip),
];

/// The encoding of bytes that begin with `head`. Without a magic number they are what they were
/// declared to be, unless they are plainly text.
pub(super) fn encoding(head: &[u8], declared: Option<Encoding>) -> Encoding {
    for (magic, encoding) in MAGIC {
        if head.starts_with(magic) {
            return encoding;
        }
    }
    match declared {
        Some(encoding) if !head.is_empty() && !is_text(head) => encoding,
        _ => Encoding::Plain,
    }
}

/// The encoding that a `Content-Encoding` names, as Firehose spells them.
pub(super) fn declared(content_encoding: &str) -> Option<Encoding> {
    match content_encoding.trim().to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => Some(Encoding::Gzip),
        "zip" => Some(Encoding::Zip),
        "snappy-java" | "snappy" => Some(Encoding::SnappyJava),
        "hadoop-snappy" => Some(Encoding::HadoopSnappy),
        "zstd" => Some(Encoding::Zstd),
        _ => None,
    }
}

pub(super) fn is_gzip(head: &[u8]) -> bool {
    head.starts_with(b"\x1f\x8b\x08")
}

fn is_text(head: &[u8]) -> bool {
    let head = &head[..head.len().min(TEXT_BYTES)];
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // A character may be cut by the end of what is looked at.
        Err(error) if error.error_len().is_none() => "",
        Err(_) => return false,
    };
    text.bytes().all(|byte| byte >= b' ' || matches!(byte, b'\n' | b'\r' | b'\t' | 0x1e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_outrank_declarations() {
        assert_eq!(encoding(b"\x1f\x8b\x08\0", None), Encoding::Gzip);
        assert_eq!(encoding(b"PAR1....", Some(Encoding::HadoopSnappy)), Encoding::Parquet);
        assert_eq!(encoding(b"{\"a\":1}", Some(Encoding::Gzip)), Encoding::Plain);
        assert_eq!(encoding(b"\0\0\x12\x34", Some(Encoding::HadoopSnappy)), Encoding::HadoopSnappy);
        assert_eq!(encoding(b"\0\x8b\x08\0", Some(Encoding::Gzip)), Encoding::Gzip);
        assert_eq!(encoding(b"", Some(Encoding::Gzip)), Encoding::Plain);
    }

    #[test]
    fn content_encodings_are_spelled_as_firehose_spells_them() {
        assert_eq!(declared("gzip"), Some(Encoding::Gzip));
        assert_eq!(declared("snappy-java"), Some(Encoding::SnappyJava));
        assert_eq!(declared("hadoop-snappy"), Some(Encoding::HadoopSnappy));
        assert_eq!(declared("aws-chunked"), None);
    }
}
