//! What the pages of a row group would take in memory, found out from their headers before any of
//! them is inflated.

use std::io::Read;

use parquet::basic::Compression;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};

use super::super::{Result, damaged, too_much};
use super::thrift::PageHeader;
use crate::limits::{COLUMN_VALUES_MAX, COLUMNS_BYTES_MAX, ROWS_AT_ONCE};
use crate::outcome::GapReason;
use crate::source::Pieces;

/// `PageType` of `parquet.thrift`.
const DICTIONARY_PAGE: i64 = 2;
/// `Encoding` of `parquet.thrift`: values share what they begin with.
const DELTA_BYTE_ARRAY: i64 = 7;

/// Headers are seldom longer; one with long statistics is read once more.
const HEADER_BYTES: u64 = 512;
/// Longest header of a page that is read, in bytes.
const HEADER_BYTES_MAX: u64 = 1 << 20;

/// DEFLATE makes at most so many bytes of one.
const DEFLATE_RATIO_MAX: u64 = 1032;

/// What a column chunk takes.
#[derive(Debug, Default)]
struct Column {
    dictionary: u64,
    page: u64,
    values: u64,
    /// The largest page whose values are made longer by what they share.
    shared: u64,
}

/// Looks at every page of a row group; how many of its rows may be decoded at a time.
pub(super) fn rows_at_once(body: &Pieces, file: &ParquetMetaData, group: usize) -> Result<usize> {
    let group = file.row_group(group);
    let (mut bytes, mut shared) = (0_u64, 0_u64);
    for column in group.columns() {
        let taken = walk(body, column)?;
        bytes = bytes.saturating_add(taken.dictionary).saturating_add(taken.page);
        shared = shared.saturating_add(taken.shared);
        let repeated = column.column_descr().max_rep_level() > 0;
        if repeated && taken.values > COLUMN_VALUES_MAX {
            return Err(too_much(format!("a repeated parquet column of {} values", taken.values)));
        }
    }
    if bytes > COLUMNS_BYTES_MAX {
        return Err(too_much(format!("parquet pages of {bytes} bytes")));
    }
    let rows = COLUMNS_BYTES_MAX.checked_div(shared).unwrap_or(u64::MAX);
    Ok(usize::try_from(rows).unwrap_or(usize::MAX).clamp(1, ROWS_AT_ONCE))
}

fn walk(body: &Pieces, column: &ColumnChunkMetaData) -> Result<Column> {
    let codec = column.compression();
    if !matches!(
        codec,
        Compression::UNCOMPRESSED
            | Compression::SNAPPY
            | Compression::GZIP(_)
            | Compression::ZSTD(_)
    ) {
        return Err(GapReason::Unsupported(format!("parquet compressed with {codec}")).into());
    }
    let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
    let (Ok(start), Ok(len)) = (u64::try_from(start), u64::try_from(column.compressed_size()))
    else {
        return damaged("a column chunk begins before the file");
    };
    let end = start.saturating_add(len);
    if end > body.len() {
        return damaged("a column chunk lies behind the end of the file");
    }
    let (mut taken, mut at) = (Column::default(), start);
    while at < end {
        let header = header(body, at, end)?;
        let (Ok(inflated), Ok(stored)) =
            (u64::try_from(header.inflated), u64::try_from(header.stored))
        else {
            return damaged("a page of negative length");
        };
        let first = at + header.len;
        at = first.saturating_add(stored);
        if at > end {
            return damaged("a page is longer than its column chunk");
        }
        taken.add(&header, inflated)?;
        let gzip = matches!(codec, Compression::GZIP(_));
        if gzip && stored.saturating_mul(DEFLATE_RATIO_MAX) > COLUMNS_BYTES_MAX / 2 {
            check_gzip(&body.at(first, stored)?, inflated)?;
        }
    }
    Ok(taken)
}

impl Column {
    fn add(&mut self, header: &PageHeader, inflated: u64) -> Result<()> {
        let Ok(values) = u64::try_from(header.values) else {
            return damaged("a page of a negative number of values");
        };
        if values > COLUMN_VALUES_MAX {
            return Err(too_much(format!("a parquet page of {values} values")));
        }
        if header.kind == DICTIONARY_PAGE {
            self.dictionary = self.dictionary.max(inflated);
            return Ok(());
        }
        self.page = self.page.max(inflated);
        self.values = self.values.saturating_add(values);
        if header.encoding == DELTA_BYTE_ARRAY {
            self.shared = self.shared.max(inflated);
        }
        Ok(())
    }
}

fn header(body: &Pieces, at: u64, end: u64) -> Result<PageHeader> {
    for most in [HEADER_BYTES, HEADER_BYTES_MAX] {
        if let Some(header) = PageHeader::read(&body.at(at, most.min(end - at))?) {
            return Ok(header);
        }
    }
    damaged("the header of a page is damaged")
}

/// A large gzip page inflates to what its header says. The other codecs are told how much they may
/// write.
fn check_gzip(stored: &[u8], inflated: u64) -> Result<()> {
    let mut content = flate2::read::MultiGzDecoder::new(stored).take(inflated.saturating_add(1));
    match std::io::copy(&mut content, &mut std::io::sink()) {
        Ok(count) if count > inflated => damaged("a page inflates to more than it says"),
        // Where the damage is, the decoder finds out once more.
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Trouble;
    use super::*;

    #[test]
    fn pages_that_would_take_too_much_are_refused_or_damaged() {
        let mut column = Column::default();
        let header =
            |kind, values, encoding| PageHeader { kind, values, encoding, ..PageHeader::default() };
        column.add(&header(DICTIONARY_PAGE, 9, 0), 100).unwrap();
        column.add(&header(0, 9, 8), 300).unwrap();
        column.add(&header(0, 2, DELTA_BYTE_ARRAY), 200).unwrap();
        let Column { dictionary, page, values, shared } = column;
        assert_eq!((dictionary, page, values, shared), (100, 300, 11, 200));
        let most = i64::try_from(COLUMN_VALUES_MAX).unwrap();
        assert!(matches!(column.add(&header(0, most + 1, 0), 1), Err(Trouble::Refused(_))));
        assert!(matches!(column.add(&header(0, -1, 0), 1), Err(Trouble::Damaged(_))));
    }

    #[test]
    fn a_gzip_page_that_is_more_than_it_says_is_found_out() {
        use std::io::Write;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&[0; 1000]).unwrap();
        let page = gzip.finish().unwrap();
        assert!(check_gzip(&page, 1000).is_ok());
        assert!(matches!(check_gzip(&page, 999), Err(Trouble::Damaged(_))));
    }
}
