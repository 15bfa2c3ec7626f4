//! Outcomes made by hand: what a run could have found.

use fhcheck::check::{Contents, DumpOutcome, Listed, Listing};
use fhcheck::decode::Encoding;
use fhcheck::naming::KeyName;
use fhcheck::naming::layout::Layout;
use fhcheck::naming::scheme::Scheme;
use fhcheck::outcome::{
    Allow, Books, ByteBook, Cached, Class, Differences, ErrorOutput, Failure, Formats, FoundBook,
    Gap, GapReason, Malformed, Note, ObjectBook, Origin, Outcome, Place, ProducedBook, Sample,
    SkipReason, Undecodable,
};
use fhcheck::source::ObjectRef;
use fhcheck::split::{Damage, Format};
use jiff::tz::TimeZone;

const STREAM: &str = "saa-04-003-FirehoseDeliveryStream";

/// A key as Firehose writes it, the same for the same hour.
pub(super) fn key(hour: u32) -> String {
    format!(
        "firehose/2023/05/04/{hour:02}/{STREAM}-1-2023-05-04-{hour:02}-30-21-\
         959487e4-754a-46e0-9b2d-f8cf1ce8{hour:04}.gz"
    )
}

fn place(key: impl Into<String>, offset: u64) -> Place {
    Place { key: key.into(), offset }
}

const RECORD: &str =
    r#"{"EVENT_TIME": "2023-05-04T08:30:21.351077", "TICKER": "AMZN", "PRICE": 73.84}"#;

/// Ten records of 78 bytes, all of them delivered.
pub(super) fn by_manifest() -> Outcome {
    let books = Books {
        objects: ObjectBook { listed: 2, read: 1, skipped: [1, 0, 0], gaps: 0 },
        bytes: ByteBook { decoded: 780, records: 780, separators: 0, malformed: 0 },
        produced: ProducedBook { produced: 10, delivered: 10, ..ProducedBook::default() },
        found: FoundBook { found: 10, delivered: 10, duplicates: 0, unexpected: 0 },
    };
    Outcome {
        cached: None,
        location: "s3://demo/firehose/".to_owned(),
        expectation: "manifest produced.ndjson".to_owned(),
        matching: "raw".to_owned(),
        books,
        differences: Differences::default(),
        error_output: ErrorOutput::default(),
        malformed: Vec::new(),
        malformed_spans: 0,
        recovered: 0,
        undecodable: Vec::new(),
        gaps: Vec::new(),
        formats: Formats(vec![(Format::Json, 1)]),
        allow: Allow::default(),
        notes: Vec::new(),
    }
}

/// The same ten by their number, two of them alike.
pub(super) fn by_count() -> Outcome {
    let mut outcome = by_manifest();
    outcome.expectation = "a count of 10".to_owned();
    outcome.matching = "count".to_owned();
    outcome.notes = vec![note("identity-not-checked", "only the number was checked")];
    outcome.differences.identical = Class {
        records: 1,
        identities: 1,
        samples: vec![Sample {
            produced: 0,
            found: 2,
            excerpt: RECORD.as_bytes().to_vec(),
            produced_at: Vec::new(),
            found_at: vec![place(key(8), 0), place(key(8), 312)],
            ..Sample::default()
        }],
    };
    outcome
}

/// One record is lost, another stands there twice: the count is right.
pub(super) fn lost_and_doubled() -> Outcome {
    let mut outcome = by_manifest();
    outcome.books.produced = ProducedBook { delivered: 9, missing: 1, ..outcome.books.produced };
    outcome.books.found = FoundBook { delivered: 9, duplicates: 1, ..outcome.books.found };
    let lost = r#"{"EVENT_TIME": "2023-05-04T08:30:21.770721", "TICKER": "MSFT", "PRICE": 88.21}"#;
    outcome.differences.missing = Class {
        records: 1,
        identities: 1,
        samples: vec![Sample {
            produced: 1,
            found: 0,
            excerpt: lost.as_bytes().to_vec(),
            produced_at: vec![place("produced.ndjson", 474)],
            found_at: Vec::new(),
            ..Sample::default()
        }],
    };
    outcome.differences.duplicates = Class {
        records: 1,
        identities: 1,
        samples: vec![Sample {
            produced: 1,
            found: 2,
            excerpt: RECORD.as_bytes().to_vec(),
            produced_at: vec![place("produced.ndjson", 0)],
            found_at: vec![place(key(8), 0), place(key(9), 0)],
            ..Sample::default()
        }],
    };
    outcome
}

/// Damage in one object, another that could not be read.
pub(super) fn damaged_with_gap() -> Outcome {
    let mut outcome = by_manifest();
    outcome.books = Books {
        objects: ObjectBook { listed: 4, read: 2, skipped: [0, 0, 0], gaps: 2 },
        bytes: ByteBook { decoded: 760, records: 624, separators: 8, malformed: 128 },
        produced: ProducedBook { produced: 10, delivered: 8, missing: 2, ..Default::default() },
        found: FoundBook { found: 8, delivered: 8, ..FoundBook::default() },
    };
    outcome.differences.missing = Class {
        records: 2,
        identities: 2,
        samples: vec![Sample {
            produced: 1,
            found: 0,
            excerpt: RECORD.as_bytes().to_vec(),
            produced_at: vec![place("produced.ndjson", 0)],
            found_at: Vec::new(),
            ..Sample::default()
        }],
    };
    outcome.malformed = vec![
        span(8, 312, 40, 352, Damage::CutAtEnd),
        span(9, 0, 76, 30, Damage::ControlCharacter(0)),
        span(9, 1_234, 12, 1_240, Damage::UnexpectedByte(b'}')),
    ];
    outcome.malformed_spans = 3;
    outcome.recovered = 5;
    outcome.gaps = vec![
        gap(10, 2048, GapReason::AccessDenied("s3:GetObject is not allowed".to_owned())),
        gap(11, 3 << 20, GapReason::Length { expected: 3 << 20, got: 1_000_000 }),
    ];
    outcome
}

/// A record that the data stream keeps.
fn in_the_stream(produced: u64, found: u64) -> Class {
    let origin = Origin {
        shard_id: Some("shardId-000000000001".to_owned()),
        sequence_number: Some("49594985063846574523845234523452345234523456789013".to_owned()),
        sub_sequence_number: Some(3),
        partition_key: Some("user\u{202e}7".to_owned()),
        arrival: Some("2023-05-04T08:30:21.351Z".parse().unwrap()),
    };
    let sample = Sample {
        produced,
        found,
        excerpt: RECORD.as_bytes().to_vec(),
        produced_at: vec![place("data stream orders", 4_321)],
        origin: Some(origin),
        ..Sample::default()
    };
    Class { records: 1, identities: 1, samples: vec![sample] }
}

fn span(hour: u32, offset: u64, len: u64, error_offset: u64, damage: Damage) -> Malformed {
    Malformed { key: key(hour), offset, len, error_offset, damage }
}

fn note(code: &'static str, text: &str) -> Note {
    Note { code, text: text.to_owned() }
}

fn gap(hour: u32, size: u64, reason: GapReason) -> Gap {
    Gap { key: key(hour), size, reason }
}

/// Records were expected, and there is nothing.
pub(super) fn empty_prefix() -> Outcome {
    let mut outcome = by_manifest();
    outcome.expectation = "a count of 10".to_owned();
    outcome.matching = "count".to_owned();
    outcome.books = Books {
        produced: ProducedBook { produced: 10, missing: 10, ..ProducedBook::default() },
        ..Books::default()
    };
    outcome.formats = Formats::default();
    outcome.notes = vec![
        note("empty", "there is no object under s3://demo/firehose/"),
        note("identity-not-checked", "only the number was checked"),
    ];
    outcome
}

/// Large numbers, every kind of finding, foreign text that is out for trouble.
pub(super) fn everything() -> Outcome {
    let mut outcome = damaged_with_gap();
    outcome.location = "s3://demo/\u{202e}firehose/".to_owned();
    outcome.expectation = "manifests a.ndjson, s3://demo/b.ndjson".to_owned();
    outcome.books = Books {
        objects: ObjectBook {
            listed: 98_765_432,
            read: 98_000_000,
            skipped: [3, 765_001, 426],
            gaps: 2,
        },
        bytes: ByteBook {
            decoded: 1_099_511_627_776,
            records: 1_099_511_000_000,
            separators: 627_648,
            malformed: 128,
        },
        produced: ProducedBook {
            produced: 1_234_567_890,
            delivered: 1_234_560_000,
            failed: 90,
            pending: 700,
            missing: 7_000,
            uncertain: 100,
        },
        found: FoundBook {
            found: 1_234_562_001,
            delivered: 1_234_560_000,
            duplicates: 1_000,
            unexpected: 1_001,
        },
    };
    outcome.cached = Some(Cached { objects: 97_000_000, bytes: 549_755_813_888 });
    outcome.differences.failed = failed();
    outcome.differences.pending = in_the_stream(1, 0);
    outcome.differences.repeated = in_the_stream(2, 2);
    outcome.error_output = ErrorOutput {
        objects: 3,
        documents: 91,
        records: 92,
        codes: [("DataFormatConversion.ParseError".to_owned(), 2), ("\u{202e}evil".to_owned(), 90)]
            .into(),
    };
    let lost_and_doubled = lost_and_doubled().differences;
    outcome.differences.missing =
        Class { records: 7_000, identities: 6_999, ..lost_and_doubled.missing };
    outcome.differences.duplicates =
        Class { records: 1_000, identities: 500, ..lost_and_doubled.duplicates };
    outcome.differences.unexpected = unexpected();
    outcome.undecodable = vec![Undecodable {
        key: key(12),
        stored_offset: 1_234,
        decoded: 5_678,
        what: "gzip body is cut".to_owned(),
    }];
    outcome.gaps.push(gap(13, 1, GapReason::Unsupported("snappy-java".to_owned())));
    outcome.gaps.push(gap(14, 9, GapReason::Failed("\x1b[31m503 after 4 attempts".to_owned())));
    outcome.gaps.push(gap(
        15,
        900,
        GapReason::AccessDenied("s3:GetObject is not allowed".to_owned()),
    ));
    outcome.books.objects.gaps = 5;
    outcome.books.objects.read -= 3;
    outcome.formats = Formats(vec![
        (Format::Json, 97_000_000),
        (Format::Lines, 1),
        (Format::Delimited(b"\0|".to_vec()), 2),
    ]);
    outcome.allow = Allow { duplicates: true, unexpected: false, failed: false };
    outcome.notes =
        vec![note("foreign-objects", "426 objects have keys that Firehose does not write")];
    outcome
}

/// Records of error output: one whose error says too much, and one that says nothing.
fn failed() -> Class {
    let failure = |code: &str, message: String, attempts| Failure {
        code: code.to_owned(),
        message,
        attempts,
        arrival: "2026-09-10T05:24:00.448Z".parse().ok(),
    };
    let sample = |excerpt: &[u8], offset, failure| Sample {
        produced: 1,
        failed: 1,
        excerpt: excerpt.to_vec(),
        produced_at: vec![place("a.ndjson", offset * 7)],
        failed_at: vec![place(key(12).replace("2023/05", "processing-failed/2023/05"), offset)],
        failure: Some(failure),
        origin: None,
        ..Sample::default()
    };
    let long = format!("Lambda says \x1b[31m{}", "many words ".repeat(20).trim_end());
    Class {
        records: 90,
        identities: 90,
        samples: vec![
            sample(RECORD.as_bytes(), 0, failure("Lambda.FunctionError", long, Some(4))),
            sample(b"{\"cut\":", 512, failure("\u{202e}evil", String::new(), None)),
        ],
    }
}

/// A record that is longer than its excerpt, and one that is no text at all.
fn unexpected() -> Class {
    let mut long = br#"{"note":"a terminal must not obey this: \u001b","raw":""#.to_vec();
    long.extend_from_slice(b"\x1b]0;gotcha\x07");
    long.resize(200, b'x');
    let sample = |excerpt: Vec<u8>, offset| Sample {
        produced: 0,
        found: 1,
        excerpt,
        produced_at: Vec::new(),
        found_at: vec![place(key(12), offset)],
        ..Sample::default()
    };
    Class {
        records: 1_001,
        identities: 1_001,
        samples: vec![sample(long, 1_000_000), sample(b"=1+1,\xff\xfe".to_vec(), 2_000_000)],
    }
}

fn object(hour: u32, size: u64) -> ObjectRef {
    ObjectRef {
        key: key(hour),
        size,
        modified: format!("2023-05-04T{hour:02}:35:23Z").parse().ok(),
        etag: Some("\"9bb58f26192e4ba00f01e2e7b136bbd8\"".to_owned()),
        storage_class: Some("STANDARD".to_owned()),
    }
}

fn listed(hour: u32, size: u64) -> Listed {
    let name = KeyName {
        prefix: format!("firehose/2023/05/04/{hour:02}/"),
        delivery_stream: STREAM.to_owned(),
        version: 1,
        arrival: format!("2023-05-04T{hour:02}:30:21").parse().expect("a time"),
        tail: "959487e4-754a-46e0-9b2d-f8cf1ce80000".to_owned(),
        extension: ".gz".to_owned(),
    };
    Listed { object: object(hour, size), site: 0, name: Some(name), skip: None, contents: None }
}

/// Three objects, one of them foreign, a folder marker, and two silent hours.
pub(super) fn listing() -> Listing {
    let mut foreign = listed(9, 1_536);
    foreign.object.key = "firehose/notes, or =formulas\u{7}.txt".to_owned();
    foreign.name = None;
    let mut folder = listed(7, 0);
    folder.object.key = "firehose/2023/".to_owned();
    folder.name = None;
    folder.skip = Some(SkipReason::FolderMarker);
    let time = |text: &str| text.parse().expect("a time");
    Listing {
        location: "s3://demo/firehose/".to_owned(),
        objects: vec![folder, listed(8, 780), listed(12, 5 << 20), foreign],
        book: ObjectBook { listed: 4, read: 3, skipped: [1, 0, 0], gaps: 0 },
        list_requests: 1,
        silent_hours: vec![(time("2023-05-04T09:00"), time("2023-05-04T12:00"))],
        keys: Layout::infer("firehose/", &object(8, 0).key)
            .map(|layout| Scheme::seen(layout, &TimeZone::UTC)),
        malformed: Vec::new(),
        undecodable: Vec::new(),
        gaps: Vec::new(),
        notes: Vec::new(),
    }
}

/// The same, read: with damage in one object and another that could not be had.
pub(super) fn listing_with_records() -> Listing {
    let mut listing = listing();
    let contents = |records, malformed| Contents {
        encoding: Encoding::Gzip,
        layered: None,
        misdeclared: None,
        format: Format::Json,
        records,
        recovered: 0,
        bytes: ByteBook {
            decoded: records * 78 + malformed,
            records: records * 78,
            separators: 0,
            malformed,
        },
        malformed_spans: u64::from(malformed > 0),
        error_documents: None,
    };
    listing.objects[1].contents = Some(contents(10, 0));
    listing.objects[2].contents = Some(contents(123_456, 40));
    listing.malformed = vec![span(12, 312, 40, 352, Damage::CutAtEnd)];
    listing.gaps =
        vec![Gap { key: "firehose/notes.txt".to_owned(), size: 1_536, reason: GapReason::Deleted }];
    listing.book = ObjectBook { listed: 4, read: 2, skipped: [1, 0, 0], gaps: 1 };
    listing
}

/// A listing of many small objects.
pub(super) fn long_listing(objects: u32) -> Listing {
    let mut listing = listing();
    listing.silent_hours.clear();
    listing.objects =
        (0..objects).map(|index| listed(index % 24, 1_000 + u64::from(index))).collect();
    listing.book =
        ObjectBook { listed: objects.into(), read: objects.into(), ..ObjectBook::default() };
    listing
}

/// A dump that met a cut record and an archived object.
pub(super) fn dump() -> DumpOutcome {
    DumpOutcome {
        location: "s3://demo/firehose/".to_owned(),
        objects: ObjectBook { listed: 2, read: 1, skipped: [0; 3], gaps: 1 },
        bytes: ByteBook { decoded: 196, records: 156, separators: 0, malformed: 40 },
        records: 2,
        recovered: 1,
        error_output: ErrorOutput::default(),
        malformed: vec![span(8, 78, 40, 118, Damage::NoBoundary(b'{'))],
        malformed_spans: 1,
        closed: false,
        undecodable: Vec::new(),
        gaps: vec![gap(9, 4_096, GapReason::Archived("GLACIER".to_owned()))],
        formats: Formats(vec![(Format::Json, 1)]),
        notes: Vec::new(),
    }
}
