//! Firehose in a box: records become objects as Firehose would write them, with seeded faults, and
//! the exact truth beside them.
//!
//! The same request gives the same bytes. At most one buffer of records is in memory; the manifest
//! is written as records are produced, and the truth grows with the faults only.

mod destination;
mod dice;
mod encode;
mod errors;
mod faults;
mod held;
mod keys;
mod pack;
mod records;
mod truth;
mod wrap;
mod write;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;

pub use destination::{Destination, Directory};
pub use faults::Faults;
pub use held::Held;
pub use keys::PartitionKeys;
pub use records::{Generated, Given, Kind, Pace, Records};
pub use truth::{Damaged, Duplicated, Expected, Failed, Late, Lost, Spot, Truth};
pub use wrap::Wrapping;

use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::naming::prefix::{Prefix, Role};

/// Folder of the objects, beside the truth.
pub const DATA: &str = "data";
/// The records as they were produced, one a line, beside the objects.
pub const MANIFEST: &str = "truth/produced.ndjson";
/// The truth, beside the objects.
pub const TRUTH: &str = "truth/truth.json";

/// How an object's content is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// As it is (`CompressionFormat` UNCOMPRESSED).
    Plain,
    /// As one gzip member (`CompressionFormat` GZIP).
    Gzip,
    /// As a ZIP archive with one entry (`CompressionFormat` ZIP).
    Zip,
    /// As a stream of snappy-java (`CompressionFormat` Snappy).
    Snappy,
    /// As a block stream of Hadoop's Snappy codec (`CompressionFormat` HADOOP_SNAPPY).
    HadoopSnappy,
    /// As one Zstandard frame. Firehose does not write it; Kinesis Data Streams does when it
    /// delivers to S3 itself.
    Zstd,
}

impl Compression {
    fn content_encoding(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Gzip => Some("gzip"),
            Self::Zip => Some("zip"),
            Self::Snappy => Some("snappy-java"),
            Self::HadoopSnappy => Some("hadoop-snappy"),
            Self::Zstd => Some("zstd"),
        }
    }

    /// What keys end with. Both kinds of Snappy have the same extension, whatever the guide says of
    /// `.hsnappy` ("Configure Amazon S3 object name format"): that is what was seen in 2026.
    fn extension(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Gzip => ".gz",
            Self::Zip => ".zip",
            Self::Snappy | Self::HadoopSnappy => ".snappy",
            Self::Zstd => ".zst",
        }
    }
}

/// A delivery stream, and what goes wrong in it.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Its name (`DeliveryStreamName`).
    pub delivery_stream: String,
    /// Version of its configuration, from 1.
    pub version: u64,
    /// Its `Prefix`; expressions are those of [`crate::naming::prefix`].
    pub prefix: String,
    /// Its `ErrorOutputPrefix`. Empty: where the console puts error output, below a prefix without
    /// expressions or beside one with them.
    pub error_prefix: String,
    /// Its `CustomTimeZone`.
    pub zone: TimeZone,
    /// Its `CompressionFormat`.
    pub compression: Compression,
    /// What records are in when Firehose gets them. Buffers are measured without it.
    pub wrapping: Wrapping,
    /// Whether each record is a gzip member of its own before Firehose compresses them once more, as
    /// those of CloudWatch Logs are.
    pub gzip_records: bool,
    /// Its `FileExtension` with the dot, in place of the one that the compression has.
    pub extension: Option<String>,
    /// What is put between two records (`AppendDelimiterToRecord` puts a line feed); nothing where
    /// it is empty.
    pub delimiter: Vec<u8>,
    /// An object's content is at most so many bytes before compression (`SizeInMBs`), unless a
    /// single record is larger.
    pub buffer_bytes: usize,
    /// An object's records arrived within this time (`IntervalInSeconds`).
    pub buffer_interval: Duration,
    /// Seeds names, and the choice of what is hit.
    pub seed: u64,
    /// What goes wrong.
    pub faults: Faults,
}

impl Spec {
    fn extension(&self) -> &str {
        match self.extension.as_deref() {
            Some(extension) if !extension.is_empty() => extension,
            _ => self.compression.extension(),
        }
    }

    fn rules(&self) -> pack::Rules<'_> {
        pack::Rules {
            delimiter: &self.delimiter,
            bytes: self.buffer_bytes,
            interval: self.buffer_interval,
        }
    }

    fn validate(&self) -> Result<Prefix> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        let name = &self.delivery_stream;
        if !(1..=64).contains(&name.len()) || !name.bytes().all(plain) {
            let message = format!("{name:?} is no name of a delivery stream");
            return Err(usage(
                message,
                "use 1 to 64 letters, digits, underscores, dots and hyphens",
            ));
        }
        if self.version == 0 {
            return Err(usage("version 0 of a delivery stream".to_owned(), "versions start at 1"));
        }
        if self.buffer_interval > limits::BUFFERING_MAX {
            let message = format!("a buffer interval of {:?}", self.buffer_interval);
            return Err(usage(message, "Firehose buffers for at most 900 seconds"));
        }
        if self.gzip_records && !self.delimiter.is_empty() {
            let message = "a delimiter between records that are gzip".to_owned();
            return Err(usage(message, "no reader of gzip gets over it: leave the delimiter out"));
        }
        Prefix::for_evaluation(&self.prefix, Role::Data)
    }

    /// Whether an object that is cut does not decode whole.
    fn is_encoded(&self) -> bool {
        self.gzip_records || self.compression != Compression::Plain
    }
}

fn usage(message: String, hint: &str) -> Error {
    Error::new(ErrorKind::Usage, message).hint(hint)
}

/// Delivers records: objects to `destination`, the records one a line to `manifest`.
///
/// # Errors
/// When the request makes no sense, there are more faults than records or objects to hit, or
/// something cannot be written.
pub fn run(
    spec: &Spec,
    records: &mut dyn Records,
    destination: &mut dyn Destination,
    manifest: &mut dyn Write,
) -> Result<Truth> {
    let prefix = spec.validate()?;
    let hits = faults::Hits::choose(&spec.faults, records.total(), spec.seed)?;
    let mut targets = write::Targets::default();
    if spec.faults.on_objects() {
        let mut survey = write::Survey::default();
        pack::pack(spec.rules(), records, hits.clone(), &mut survey)?;
        targets = write::Targets::choose(&spec.faults, &survey, spec.seed)?;
    }
    let mut writer = write::Writer::new(spec, prefix, targets, destination, manifest);
    pack::pack(spec.rules(), records, hits, &mut writer)?;
    writer.finish()
}

/// Delivers records into a new directory: objects under [`DATA`], the records in [`MANIFEST`], the
/// truth in [`TRUTH`].
///
/// # Errors
/// As [`run`]; and when the directory already holds a delivery.
pub fn to_directory(spec: &Spec, records: &mut dyn Records, out: &Path) -> Result<Truth> {
    for part in [DATA, MANIFEST, TRUTH].map(|part| out.join(part)) {
        must_be_new(&part)?;
    }
    let data = out.join(DATA);
    let (manifest, truth_path) = (out.join(MANIFEST), out.join(TRUTH));
    for folder in [Some(data.as_path()), truth_path.parent()].into_iter().flatten() {
        fs::create_dir_all(folder).map_err(|error| Error::io(folder.display(), error))?;
    }
    let file = File::create(&manifest).map_err(|error| Error::io(manifest.display(), error))?;
    let truth = run(spec, records, &mut Directory::new(data), &mut BufWriter::new(file))?;
    write_truth(&truth, &truth_path)?;
    Ok(truth)
}

/// Refuses to write over what is there.
///
/// # Errors
/// [`ErrorKind::Usage`] when something is.
pub fn must_be_new(path: &Path) -> Result<()> {
    if path.exists() {
        let message = format!("{} exists already", path.display());
        return Err(usage(message, "give another name, or remove what is there"));
    }
    Ok(())
}

/// Writes the truth into a new file.
///
/// # Errors
/// When it cannot be written, or is there already.
pub fn write_truth(truth: &Truth, path: &Path) -> Result<()> {
    let mut text = serde_json::to_vec_pretty(truth).map_err(|error| {
        Error::new(ErrorKind::Io, "the truth cannot be written").caused_by(error)
    })?;
    text.push(b'\n');
    let written = File::create_new(path).and_then(|mut file| file.write_all(&text));
    written.map_err(|error| Error::io(path.display(), error))
}

#[cfg(test)]
mod tests;
