//! Error documents: never a panic, whatever a document or its raw data holds; and what was put comes out
//! as it would have been delivered.
#![no_main]

use fhcheck::decode::{self, Undone};
use fhcheck::failed::{self, Document};
use fhcheck::limits::RAW_DATA_BYTES_MAX;
use fhcheck::split::{self, Damage, Format, FormatChoice};
use fhcheck_fuzz::base64;
use libfuzzer_sys::fuzz_target;

/// The records of a document, if it says any.
fn records(document: &Document, choice: &FormatChoice, text: bool) -> Result<Vec<Vec<u8>>, Damage> {
    let mut records = Vec::new();
    let count = document.records(choice, text, |record| records.push(record.to_vec()));
    assert!(count.is_ok() || records.is_empty(), "damage gives no record");
    count.map(|count| {
        assert_eq!(count, records.len() as u64);
        records
    })
}

/// The records of what was put, without a document around it.
fn put(raw: &[u8], choice: &FormatChoice, text: bool) -> Result<Vec<Vec<u8>>, Damage> {
    let mut records = Vec::new();
    match decode::undo(raw, RAW_DATA_BYTES_MAX, text) {
        Undone::Content(content) => {
            split::each_record(&content, choice, |record| records.push(record.to_vec()));
        }
        Undone::Kept => records.push(raw.trim_ascii().to_vec()),
        Undone::Damaged => return Err(Damage::RawDataUndecodable),
    }
    Ok(records)
}

fn formats() -> [FormatChoice; 4] {
    let delimited = Format::Delimited(b"||".to_vec());
    let fixed = [Format::Json, Format::Lines, delimited].map(FormatChoice::Fixed);
    let [json, lines, delimited] = fixed;
    [FormatChoice::Detect, json, lines, delimited]
}

fuzz_target!(|data: &[u8]| {
    if let Some(document) = Document::read(data) {
        for choice in &formats() {
            for text in [false, true] {
                let records = records(&document, choice, text);
                assert!(records != Err(Damage::NoErrorDocument), "it was read as one");
            }
        }
    }
    // The same bytes as what a producer put.
    let document = format!(
        r#"{{"attemptsMade":4,"arrivalTimestamp":1683189024123,"errorCode":"Lambda.FunctionError","rawData":"{}"}}"#,
        base64(data)
    );
    let document = Document::read(document.as_bytes()).expect("an error document");
    assert_eq!((document.attempts, document.arrival), (Some(4), Some(1_683_189_024_123)));
    for choice in &formats() {
        for text in [false, true] {
            assert_eq!(records(&document, choice, text), put(data, choice, text));
        }
    }
    failed::is_hinted(&String::from_utf8_lossy(data));
});
