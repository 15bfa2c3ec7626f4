//! Stored bytes to content: look at the bytes first, then at what was declared.

use std::fmt;

/// How an object's stored bytes are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// Not at all.
    Plain,
    /// gzip (RFC 1952), one member or several.
    Gzip,
    /// A ZIP archive (`CompressionFormat` ZIP).
    Zip,
    /// The stream format of snappy-java (`CompressionFormat` Snappy).
    SnappyJava,
    /// The block format of Hadoop's Snappy codec (`CompressionFormat` HADOOP_SNAPPY).
    HadoopSnappy,
    /// Zstandard.
    Zstd,
    /// An Apache Parquet file.
    Parquet,
    /// An Apache ORC file.
    Orc,
}

impl Encoding {
    /// The encoding's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Zip => "zip",
            Self::SnappyJava => "snappy-java",
            Self::HadoopSnappy => "hadoop-snappy",
            Self::Zstd => "zstd",
            Self::Parquet => "parquet",
            Self::Orc => "orc",
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
