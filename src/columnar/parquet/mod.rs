//! Parquet: footer, then row groups, each a batch of rows at a time.
//!
//! Pages are decoded by the `parquet` crate, after `pages` has looked at the header of each: no more
//! memory is asked for than there may be. A row group that is damaged ends there, and the next is read.

mod cells;
mod pages;
mod thrift;

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{Array, StructArray};
use arrow_schema::{DataType, Field, FieldRef, Fields, Schema};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};

use super::guard::guarded;
use super::{Flaw, Result, Trouble, check_row, damaged};
use crate::limits::ROWS_CHUNK_BYTES;
use crate::outcome::GapReason;
use crate::source::Pieces;

const MAGIC: &[u8; 4] = b"PAR1";
const ENCRYPTED: &[u8; 4] = b"PARE";

/// The length of the footer, and the magic number behind it.
const TAIL_BYTES: u64 = 8;

/// A Parquet file whose footer is read.
pub(super) struct Parquet {
    body: Chunks,
    metadata: ArrowReaderMetadata,
    /// The row group that is read, or read next.
    group: usize,
    reading: Option<Reading>,
}

impl std::fmt::Debug for Parquet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parquet").field("group", &self.group).finish_non_exhaustive()
    }
}

/// A row group on its way.
struct Reading {
    batches: ParquetRecordBatchReader,
    batch: Option<(StructArray, usize)>,
    /// Rows that are written.
    done: usize,
    /// Rows are decoded one by one, up to the damage.
    slowly: bool,
}

impl Parquet {
    pub(super) fn open(body: Arc<Pieces>) -> Result<Self> {
        let tail = body.at(body.len().saturating_sub(TAIL_BYTES), TAIL_BYTES)?;
        let Some((len, magic)) = tail.split_first_chunk::<4>() else {
            return damaged("parquet file is cut: it has no footer");
        };
        if magic == ENCRYPTED {
            return Err(GapReason::Unsupported("encrypted parquet".into()).into());
        }
        if magic != MAGIC {
            return damaged("parquet file is cut: it does not end with its footer");
        }
        let len = u64::from(u32::from_le_bytes(*len));
        let Some(start) = (body.len() - TAIL_BYTES).checked_sub(len) else {
            return damaged("parquet footer is longer than the file");
        };
        thrift::check_footer(&body.at(start, len)?)?;
        let chunks = Chunks::new(body);
        let read = guarded(|| Self::read_footer(chunks.clone())).flatten();
        read.map_err(|trouble| chunks.instead_of(trouble))
    }

    fn read_footer(body: Chunks) -> Result<Self> {
        let wrong = |error| trouble(&error, "parquet footer is damaged");
        let metadata = ParquetMetaDataReader::new()
            .with_page_index_policy(PageIndexPolicy::Skip)
            .parse_and_finish(&body)
            .map_err(wrong)?;
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let plain = ArrowReaderMetadata::try_new(Arc::new(metadata), options.clone());
        let plain = plain.map_err(wrong)?;
        // A value that stands in a dictionary is not copied for each row.
        let views = Arc::new(Schema::new(views(plain.schema().fields())));
        let options = options.with_schema(views);
        let metadata =
            ArrowReaderMetadata::try_new(Arc::clone(plain.metadata()), options).map_err(wrong)?;
        cells::check(metadata.schema().fields())?;
        Ok(Self { body, metadata, group: 0, reading: None })
    }

    pub(super) fn columns(&self) -> Vec<String> {
        self.metadata.schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    /// Appends some rows; false at the end.
    pub(super) fn read(&mut self, out: &mut Vec<u8>, flaws: &mut Vec<Flaw>) -> Result<bool> {
        let groups = self.metadata.metadata().num_row_groups();
        while self.group < groups {
            match self.read_group(out).map_err(|trouble| self.body.instead_of(trouble)) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(Trouble::Damaged(what)) => flaws.push(self.flaw(&what)),
                Err(trouble) => return Err(trouble),
            }
            self.group += 1;
            self.reading = None;
        }
        Ok(false)
    }

    fn flaw(&self, what: &str) -> Flaw {
        let group = self.metadata.metadata().row_group(self.group);
        let starts = group.columns().iter().map(|column| {
            let data = column.data_page_offset();
            column.dictionary_page_offset().map_or(data, |dictionary| dictionary.min(data))
        });
        let start = starts.min().and_then(|start| u64::try_from(start).ok()).unwrap_or(0);
        let done = self.reading.as_ref().map_or(0, |reading| reading.done);
        let (number, rows) = (self.group + 1, group.num_rows());
        Flaw {
            stored_offset: start.min(self.body.body.len()),
            what: format!(
                "parquet row group {number} is damaged: {done} of its {rows} rows are read: {what}"
            ),
        }
    }

    /// Appends some rows of a row group; false at its end.
    fn read_group(&mut self, out: &mut Vec<u8>) -> Result<bool> {
        if self.reading.is_none() {
            let rows = pages::rows_at_once(&self.body.body, self.metadata.metadata(), self.group)?;
            self.reading = Some(self.start(rows, 0)?);
        }
        let Some(reading) = &mut self.reading else { return Ok(false) };
        if reading.batch.is_none() {
            match reading.next() {
                Ok(None) => return reading.end(self.metadata.metadata().row_group(self.group)),
                Ok(Some(batch)) => reading.batch = Some((batch, 0)),
                Err(Trouble::Damaged(_)) if !reading.slowly => {
                    // The rows before the damage are read one by one.
                    let done = reading.done;
                    self.reading = Some(Reading { slowly: true, ..self.start(1, done)? });
                    return Ok(true);
                }
                Err(trouble) => return Err(trouble),
            }
        }
        let Some((batch, at)) = &mut reading.batch else { return Ok(false) };
        let before = *at;
        let start = out.len();
        let written = guarded(|| write_rows(batch, at, out)).flatten();
        reading.done += *at - before;
        if let Err(trouble) = written {
            // What was written is lines, but for the last.
            let whole = memchr::memrchr(b'\n', &out[start..]).map_or(0, |end| end + 1);
            out.truncate(start + whole);
            return Err(trouble);
        }
        if *at == batch.len() {
            reading.batch = None;
        }
        Ok(true)
    }

    fn start(&self, rows_at_once: usize, done: usize) -> Result<Reading> {
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(
            self.body.clone(),
            self.metadata.clone(),
        );
        let builder = builder
            .with_row_groups(vec![self.group])
            .with_batch_size(rows_at_once)
            .with_offset(done);
        let batches =
            guarded(|| builder.build())?.map_err(|error| trouble(&error, "it cannot be read"))?;
        Ok(Reading { batches, batch: None, done, slowly: false })
    }
}

impl Reading {
    fn next(&mut self) -> Result<Option<StructArray>> {
        let batch = guarded(|| self.batches.next().map(|batch| batch.map(StructArray::from)))?;
        batch.transpose().or_else(damaged)
    }

    /// At the end of a row group: it has as many rows as it says.
    fn end(&self, group: &parquet::file::metadata::RowGroupMetaData) -> Result<bool> {
        if i64::try_from(self.done).ok() == Some(group.num_rows()) {
            return Ok(false);
        }
        damaged("it ends too early")
    }
}

/// Appends the rows of a batch from `at` on, up to about as much text as is wanted at a time.
fn write_rows(batch: &StructArray, at: &mut usize, out: &mut Vec<u8>) -> Result<()> {
    let cells = cells::of(batch)?;
    let start = out.len();
    while *at < batch.len() && out.len() - start < ROWS_CHUNK_BYTES {
        let row = out.len();
        cells.write(*at, out);
        check_row(out.len() - row)?;
        out.push(b'\n');
        *at += 1;
    }
    Ok(())
}

fn trouble(error: &ParquetError, what: &str) -> Trouble {
    match error {
        ParquetError::NYI(what) => GapReason::Unsupported(format!("parquet with {what}")).into(),
        error => Trouble::Damaged(format!("{what}: {error}")),
    }
}

/// The same fields, with views for text and bytes.
fn views(fields: &Fields) -> Fields {
    fields.iter().map(view).collect()
}

fn view(field: &FieldRef) -> FieldRef {
    let kind = match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        DataType::Struct(fields) => DataType::Struct(views(fields)),
        DataType::List(item) => DataType::List(view(item)),
        DataType::Map(entries, sorted) => DataType::Map(view(entries), *sorted),
        other => other.clone(),
    };
    Arc::new(Field::clone(field).with_data_type(kind))
}

/// A body as the crate reads one. An error of the crate may be one of the body, which is no damage:
/// that is kept aside.
#[derive(Debug, Clone)]
struct Chunks {
    body: Arc<Pieces>,
    failure: Arc<Mutex<Option<io::Error>>>,
}

impl Chunks {
    fn new(body: Arc<Pieces>) -> Self {
        Self { body, failure: Arc::default() }
    }

    fn at(&self, offset: u64, count: u64) -> io::Result<Bytes> {
        self.body.at(offset, count).inspect_err(|error| {
            let same = io::Error::new(error.kind(), error.to_string());
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(same);
        })
    }

    /// The body's own trouble, where there was any; else the one that is at hand.
    fn instead_of(&self, trouble: Trouble) -> Trouble {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        failure.map_or(trouble, Trouble::Body)
    }
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.body.len()
    }
}

impl ChunkReader for Chunks {
    type T = Chunk;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Chunk> {
        Ok(Chunk { body: self.clone(), at: start, piece: Bytes::new() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let bytes = self.at(start, length as u64)?;
        if bytes.len() < length {
            return Err(ParquetError::EOF(format!("{length} bytes wanted at {start}")));
        }
        Ok(bytes)
    }
}

/// A body from an offset on: the crate reads headers of pages so.
struct Chunk {
    body: Chunks,
    at: u64,
    piece: Bytes,
}

/// So much is taken from the body at a time.
const CHUNK_BYTES: u64 = 4 << 10;

impl Read for Chunk {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() {
            self.piece = self.body.at(self.at, CHUNK_BYTES)?;
            self.at += self.piece.len() as u64;
        }
        let count = out.len().min(self.piece.len());
        out[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}
