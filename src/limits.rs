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

/// Content that one thread splits while others split what is behind it, in bytes: it fits the caches.
pub const SEGMENT_BYTES: u64 = MIB;

/// Smallest stored body that several threads work at, in bytes.
pub const SHARED_BYTES_MIN: u64 = 4 * MIB;

/// Stored bytes that may be held by fetched bodies at once, unless `--max-in-flight` says otherwise.
pub const IN_FLIGHT_BYTES_DEFAULT: u64 = 256 * MIB;

/// Requests to S3 under way at once, unless `--concurrency` says otherwise.
pub const REQUESTS_DEFAULT: usize = 32;

/// Pages of a listing in a row that hold nothing, before it is given up. S3 may give pages with fewer
/// keys than there is room for ("ListObjectsV2", Amazon S3 API reference), and other services do.
pub const EMPTY_PAGES_MAX: u32 = 256;

/// Pages of a listing of anything but objects, before it is given up: a service that names new pages for
/// ever would be asked for ever.
pub const PAGES_MAX: usize = 100_000;

/// Pages of a listing that are asked for one after another, before what is left of it is cut into
/// pieces: fewer pages than that are not worth the requests that look for folders.
pub const LISTING_PAGES_ALONE: usize = 4;
/// Pieces of one listing under way at once, at most.
pub const LISTINGS: usize = 8;
/// Pieces of one listing, at most. Each costs a page that is not full.
pub const LISTING_PIECES: usize = 64;
/// Folders that are enough to cut a listing at.
pub const LISTING_FOLDERS: usize = 16;
/// Levels of folders that are looked at for enough of them: year, month, day and hour, and those
/// that a prefix puts before or between.
pub const LISTING_LEVELS: usize = 6;

/// A body larger than this is spooled to a temporary file instead of memory, in bytes.
pub const SPOOL_BYTES: u64 = 64 * MIB;

/// Largest object that is got by one request, in bytes: below it a piece or two more take longer to
/// ask for than they save.
pub const RANGED_ABOVE_BYTES: u64 = 32 * MIB;
/// Piece of a larger object that one request gets, in bytes: the larger of the sizes that S3 advises
/// ("Use byte-range fetches", Best practices design patterns: optimizing Amazon S3 performance). It is
/// also the one that costs less.
pub const RANGE_BYTES: u64 = 16 * MIB;
/// Pieces of one object under way at once, at most: as many as [`IN_FLIGHT_BYTES_DEFAULT`] has room for.
/// S3 gives each connection 85 to 90 MB a second (the same paper), together more than is split in that time.
pub const RANGES_AT_ONCE: usize = 16;

/// Memory of bodies that is kept to be used again while no body is in it, in bytes.
pub const IDLE_BUFFER_BYTES: usize = 96 << 20;
/// Smallest body whose memory is kept, in bytes.
pub const BUFFER_BYTES_MIN: usize = 128 << 10;

/// Attempts at one body, the first included.
pub const FETCH_ATTEMPTS: u32 = 4;
/// Wait before the second attempt at a body; it doubles for each later one.
pub const FETCH_BACKOFF: Duration = Duration::from_millis(200);
/// Longest wait between two attempts at a body.
pub const FETCH_BACKOFF_MAX: Duration = Duration::from_secs(5);

/// Content of one simulated object, at least, in bytes. Firehose's own least is 1 MiB (`SizeInMBs` of
/// `BufferingHints`).
pub const SIMULATED_BYTES_MIN: u64 = 1000;

/// Records that one request to put takes (`PutRecords` and `PutRecordBatch`: `Records` has at most
/// 500 members).
pub const PUT_RECORDS_MAX: usize = 500;
/// Bytes that `PutRecords` takes in one request, partition keys included: 10 MiB (`PutRecords`,
/// Amazon Kinesis Data Streams API reference).
pub const PUT_STREAM_BYTES_MAX: usize = 10 << 20;
/// Largest record that any data stream takes, its partition key included, in bytes:
/// `MaxRecordSizeInKiB` is at most 10,240.
pub const PUT_STREAM_RECORD_BYTES_MAX: usize = 10 << 20;
/// Largest record that a data stream takes unless its `MaxRecordSizeInKiB` was raised, its
/// partition key included, in bytes: 1,024 KiB.
pub const PUT_STREAM_RECORD_BYTES_DEFAULT: usize = 1 << 20;
/// Bytes that `PutRecordBatch` takes in one request: 4 MiB (`PutRecordBatch`, Amazon Data Firehose
/// API reference).
pub const PUT_DELIVERY_BYTES_MAX: usize = 4 << 20;
/// Largest record that a delivery stream takes by Direct PUT, in bytes: 1,000 KiB (`Data` of the
/// shape `Record`, Amazon Data Firehose API reference).
pub const PUT_DELIVERY_RECORD_BYTES_MAX: usize = 1000 << 10;
/// Requests to put under way at once.
pub const PUT_REQUESTS: usize = 4;
/// Requests in a row of which nothing was acknowledged, before a producer gives up, unless
/// `--attempts` says otherwise.
pub const PUT_ATTEMPTS_DEFAULT: u32 = 10;
/// Longest wait after the first request of which not all was taken; it doubles with each later one.
pub const PUT_BACKOFF: Duration = Duration::from_millis(100);
/// Longest wait before a request to put.
pub const PUT_BACKOFF_MAX: Duration = Duration::from_secs(5);
/// Longest wait for requests under way when a producer is asked to stop. It is longer than any of
/// them waits for its answer.
pub const PUT_DRAIN: Duration = Duration::from_secs(45);
/// Records a second that `--rate` takes at most. PutRecords is called so often that each call has
/// at least one record.
pub const PUT_RATE_MAX: u64 = 1_000_000;
/// Records that the stack's function puts in one call (`COUNT_MAX` in `templates/producer.yaml`): its
/// answer holds at most 6 MB.
pub const FUNCTION_RECORDS_MAX: u64 = 15_000;
/// Longest wait for the answer of the stack's function, which runs for 120 seconds at most
/// (`Timeout` in `templates/producer.yaml`).
pub const FUNCTION_TIMEOUT: Duration = Duration::from_secs(150);

/// Longest time Firehose buffers before it writes an object: `IntervalInSeconds` of
/// `BufferingHints` is at most 900.
pub const BUFFERING_MAX: Duration = Duration::from_secs(900);
/// What is added to the buffering time before a record can be called missing: hints are hints, and
/// writing takes its time.
pub const DELIVERY_SLACK: Duration = Duration::from_secs(300);
/// What is added to the buffering time when a window of key hours is computed: arrival timestamps
/// are approximate and hints are hints.
pub const WINDOW_SLACK: Duration = Duration::from_secs(900);

/// How far the clock of a producer may be from that of a data stream: so near the edge of a window, a
/// record that only its producer has dated may be on either side.
pub const PRODUCER_CLOCK_SLACK: Duration = Duration::from_secs(120);
/// `GetRecords` calls that a shard answers a second ("Quotas and limits", Amazon Kinesis Data Streams
/// developer guide). Firehose makes one of them.
pub const SHARD_CALLS_PER_SECOND: u32 = 5;
/// Bytes that a shard gives out a second, to all who share its calls.
pub const SHARD_READ_BYTES_PER_SECOND: u64 = 2 * MIB;
/// Bytes that a shard takes a second: the most that a second of arrivals can hold.
pub const SHARD_WRITE_BYTES_PER_SECOND: u64 = MIB;
/// Most records that `GetRecords` gives at once.
pub const GET_RECORDS_MAX: u64 = 10_000;
/// Percent of the calls and bytes of a shard that are used, unless `--stream-share` says otherwise.
/// Together with Firehose's one call a second that leaves room for one more reader.
pub const STREAM_SHARE_DEFAULT: u8 = 40;
/// Shards that are read at once.
pub const SHARDS_AT_ONCE: usize = 128;
/// Answers that are under way at once, each of at most 10 MiB.
pub const ANSWERS_AT_ONCE: usize = 16;
/// Attempts in a row at one call to a data stream, the first included.
pub const STREAM_ATTEMPTS: u32 = 10;
/// Attempts at the first call, which finds out whether there is a stream and somebody who answers.
pub const STREAM_FIRST_ATTEMPTS: u32 = 3;
/// Wait before the second attempt at a call to a data stream; it doubles for each later one. A
/// budget of throughput is one of a second.
pub const STREAM_BACKOFF: Duration = Duration::from_secs(1);
/// Longest wait between two attempts at a call to a data stream.
pub const STREAM_BACKOFF_MAX: Duration = Duration::from_secs(30);
/// How far arrival timestamps of a shard may be out of order: they are approximate
/// (`ApproximateArrivalTimestamp` of `GetRecords`).
pub const ARRIVAL_SLACK: Duration = Duration::from_secs(60);
/// How long after its put a record may not be readable yet.
pub const SETTLING: Duration = Duration::from_secs(1);
/// Characters of a stack's name, at most: the delivery stream and the function are called like it,
/// and theirs have 64 ("DeliveryStreamName" of `CreateDeliveryStream`, "FunctionName" of
/// `CreateFunction`).
pub const STACK_NAME_CHARS: usize = 64;
/// Wait before a stack is looked at again; it grows by half each time.
pub const STACK_LOOK: Duration = Duration::from_millis(400);
/// Longest wait between two looks at a stack.
pub const STACK_LOOK_MAX: Duration = Duration::from_secs(5);
/// Looks at a stack that may fail one after the other, while something is under way.
pub const STACK_LOOKS_FAILED: u32 = 20;
/// Longest wait for a stack. The slowest of its resources takes minutes.
pub const STACK_WAIT_MAX: Duration = Duration::from_secs(2 * 3600);
/// Looks at a change set before it is given up: about ten minutes.
pub const CHANGE_SET_LOOKS: u32 = 120;
/// Deletions of a stack in whose bucket objects keep coming.
pub const STACK_DELETIONS: u32 = 3;

/// How long CloudWatch may take to publish all data points of a metric. AWS promises nothing; monitoring
/// that reads metrics for others waits ten minutes.
pub const METRICS_SETTLE: Duration = Duration::from_secs(900);
/// Queries that one request for metrics takes (`GetMetricData`, Amazon CloudWatch API reference).
pub const METRIC_QUERIES_MAX: usize = 500;

/// What is known of records is kept in this much memory, in bytes, unless `--memory` says otherwise.
pub const MEMORY_DEFAULT: u64 = 256 * MIB;
/// [`MEMORY_DEFAULT`] as it is typed.
pub const MEMORY_DEFAULT_TEXT: &str = "256MiB";
/// The least that `--memory` takes, in bytes: below it, what is written at once gets too small.
pub const MEMORY_MIN: u64 = MIB;
/// Records of one side that are looked at again one by one, at most; beyond that it takes less time to read everything.
pub const SUSPECTS_MAX: usize = 1 << 16;

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
const _: () = assert!(RANGE_BYTES * RANGES_AT_ONCE as u64 == IN_FLIGHT_BYTES_DEFAULT);
const _: () = assert!(SNIFF_BYTES < RECORD_BYTES_MAX);
const _: () = assert!(PUT_STREAM_RECORD_BYTES_MAX <= PUT_STREAM_BYTES_MAX);
const _: () = assert!(PUT_DELIVERY_RECORD_BYTES_MAX <= PUT_DELIVERY_BYTES_MAX);
