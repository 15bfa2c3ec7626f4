//! Every cap in the crate, with its unit and its reason.
//!
//! A cap that a user may want to move is a field of [`crate::plan::Limits`] whose default stands
//! here; the others are facts of AWS or of the design.

use std::time::Duration;

/// One kibibyte, in bytes.
pub const KIB: u64 = 1024;
/// One mebibyte, in bytes.
pub const MIB: u64 = 1024 * KIB;
/// One gibibyte, in bytes.
pub const GIB: u64 = 1024 * MIB;

/// Largest record the splitter takes, in bytes: `MaxRecordSizeInKiB` of a Kinesis data stream may
/// be raised to 10 MiB ("Handle large records", Amazon Kinesis Data Streams developer guide).
pub const RECORD_BYTES_MAX: usize = 10 << 20;

/// Largest decoded object, in bytes, unless `--max-object-size` says otherwise. Firehose buffers at
/// most 128 MiB before compression (`SizeInMBs` of `BufferingHints`) and raises that by itself when
/// it falls behind, so an honest object can be larger.
pub const OBJECT_BYTES_MAX_DEFAULT: u64 = 16 * GIB;

/// Hard ceiling for one object's content, in bytes: a place keeps its offset in 38 bits.
pub const OBJECT_BYTES_CEILING: u64 = 1 << 38;

/// Hard ceiling for the objects of one run: a place keeps its object in 26 bits.
pub const OBJECTS_CEILING: u64 = 1 << 26;

/// A small stored body may inflate this far whatever its ratio, in bytes.
pub const EXPANSION_FREE_BYTES: u64 = 64 * MIB;

/// Beyond [`EXPANSION_FREE_BYTES`], content may be at most this many times its stored bytes.
/// DEFLATE itself cannot pass 1032:1, and JSON records stay far below.
pub const EXPANSION_RATIO_MAX: u64 = 1000;

/// Bytes that are asked from a decoder at a time.
pub const DECODE_CHUNK_BYTES: usize = 256 << 10;

/// What is kept between one encoding and the one inside it, in bytes.
pub const LAYER_BUFFER_BYTES: usize = 64 << 10;

/// Encodings one inside another that are undone. Firehose makes two of them: it compresses what
/// CloudWatch Logs or a producer has compressed already.
pub const LAYERS_MAX: usize = 3;

/// Largest content of one Snappy block that is read, in bytes. snappy-java makes blocks of 32 KiB,
/// Hadoop of 256 KiB (`io.compression.codec.snappy.buffersize`), unless told otherwise.
pub const SNAPPY_BLOCK_BYTES_MAX: usize = 16 << 20;

/// Largest window of a zstd frame, in bytes: what zstd itself gives unless told otherwise
/// (`ZSTD_WINDOWLOG_LIMIT_DEFAULT`). RFC 8878 recommends encoders to stay below 8 MiB.
pub const ZSTD_WINDOW_BYTES_MAX: u64 = 128 * MIB;

/// What the columns of a Parquet or ORC object may hold in memory at once, in bytes: pages and
/// dictionaries, inflated. Parquet writers make pages and dictionaries of 1 MiB, ORC writers
/// compression blocks of 256 KiB, unless told otherwise.
pub const COLUMNS_BYTES_MAX: u64 = 512 * MIB;

/// Deepest nesting of a column in a Parquet or ORC schema.
pub const COLUMNS_DEPTH_MAX: usize = 64;

/// Values of one Parquet page, or of one repeated column in a row group, that are taken. Firehose
/// buffers 128 MiB of JSON before it converts.
pub const COLUMN_VALUES_MAX: u64 = 64 << 20;

/// Rows of a Parquet object that are decoded at a time.
pub const ROWS_AT_ONCE: usize = 1024;

/// Text of rows that is made at a time, in bytes.
pub const ROWS_CHUNK_BYTES: usize = 64 << 10;

/// Largest content of the raw data in one error document, in bytes: what is put as one record, and
/// may be compressed ten times over.
pub const RAW_DATA_BYTES_MAX: u64 = 100 * MIB;

/// Characters that are kept of an error code.
pub const ERROR_CODE_CHARS: usize = 100;
/// Characters that are kept of an error message.
pub const ERROR_MESSAGE_CHARS: usize = 500;

/// Content that automatic detection of the record format may look at, in bytes.
pub const SNIFF_BYTES: usize = 64 << 10;

/// Stored bytes that may be held by fetched bodies at once, unless `--max-in-flight` says otherwise.
pub const IN_FLIGHT_BYTES_DEFAULT: u64 = 256 * MIB;

/// Requests to S3 under way at once, unless `--concurrency` says otherwise.
pub const REQUESTS_DEFAULT: usize = 32;

/// A body larger than this is spooled to a temporary file instead of memory, in bytes.
pub const SPOOL_BYTES: u64 = 64 * MIB;

/// Attempts at one body, the first included.
pub const FETCH_ATTEMPTS: u32 = 4;
/// Wait before the second attempt at a body; it doubles for each later one.
pub const FETCH_BACKOFF: Duration = Duration::from_millis(200);
/// Longest wait between two attempts at a body.
pub const FETCH_BACKOFF_MAX: Duration = Duration::from_secs(5);

/// Longest time Firehose buffers before it writes an object: `IntervalInSeconds` of
/// `BufferingHints` is at most 900.
pub const BUFFERING_MAX: Duration = Duration::from_secs(900);
/// What is added to the buffering time when a window of key hours is computed: arrival timestamps
/// are approximate and hints are hints.
pub const WINDOW_SLACK: Duration = Duration::from_secs(900);

/// Samples a report keeps of each kind of finding, unless `--samples` says otherwise.
pub const SAMPLES_DEFAULT: usize = 10;
/// Bytes of a record that a report shows.
pub const EXCERPT_BYTES: usize = 200;
/// Names of columns that a report shows.
pub const COLUMNS_SHOWN: usize = 20;
/// Places that a report shows for one identity.
pub const PLACES_SHOWN: usize = 4;

/// Objects smaller than this are small: reading them costs more in requests than in bytes.
pub const SMALL_OBJECT_BYTES: u64 = MIB;

const _: () = assert!(OBJECT_BYTES_MAX_DEFAULT < OBJECT_BYTES_CEILING);
const _: () = assert!((RECORD_BYTES_MAX as u64) < IN_FLIGHT_BYTES_DEFAULT);
const _: () = assert!(SNIFF_BYTES < RECORD_BYTES_MAX);
