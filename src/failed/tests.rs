//! Documents as they were seen, as they are documented, and as they could not be.

use std::io::Write;

use super::*;
use crate::base64;
use crate::split::{Damage, FormatChoice};

/// A document with this raw data.
fn document(raw: &[u8]) -> Document {
    let raw = base64::encode(raw);
    let json = format!(r#"{{"rawData":"{raw}","errorCode":"X.Y","attemptsMade":1}}"#);
    Document::read(json.as_bytes()).expect("an error document")
}

fn records_of(document: &Document) -> Result<Vec<String>, Damage> {
    let mut records = Vec::new();
    let take = |record: &[u8]| records.push(String::from_utf8_lossy(record).into_owned());
    let count = document.records(&FormatChoice::Detect, false, take)?;
    assert_eq!(count, records.len() as u64);
    Ok(records)
}

fn records(raw: &[u8]) -> Result<Vec<String>, Damage> {
    records_of(&document(raw))
}

/// As observed in September 2026, with `lambdaARN` in capitals.
#[test]
fn a_document_of_a_transformation_is_read() {
    let document = Document::read(
        br#"{"rawData":"RkFJTCB0aGlzIG9uZQo=","errorCode":"Lambda.ProcessingFailedStatus",
        "errorMessage":"ProcessingFailed status set for record","attemptsMade":1,
        "arrivalTimestamp":1789014240448,"attemptEndingTimestamp":1789014301529,
        "lambdaARN":"arn:aws:lambda:us-west-2:123456789012:function:f:$LATEST"}"#,
    )
    .unwrap();
    assert_eq!(document.code, "Lambda.ProcessingFailedStatus");
    assert_eq!(document.message, "ProcessingFailed status set for record");
    assert_eq!((document.attempts, document.arrival), (Some(1), Some(1_789_014_240_448)));
    assert_eq!(records_of(&document).unwrap(), ["FAIL this one"]);
}

/// As "Convert input record format" documents it: other names, and members of its own.
#[test]
fn a_document_of_a_conversion_is_read() {
    let document = Document::read(
        br#"{"attemptsMade":1,"arrivalTimestamp":1690000000000,
        "lastErrorCode":"DataFormatConversion.ParseError","lastErrorMessage":"Encountered x",
        "attemptEndingTimestamp":1690000060000,"rawData":"eyJhIjo=","sequenceNumber":"4957",
        "subSequenceNumber":0,"dataCatalogTable":{"databaseName":"d","tableName":"t"}}"#,
    )
    .unwrap();
    assert_eq!(document.code, "DataFormatConversion.ParseError");
    assert_eq!(document.message, "Encountered x");
    assert_eq!(records_of(&document).unwrap(), ["{\"a\":"], "what is no JSON is a record too");
}

#[test]
fn members_are_found_in_any_case_and_order() {
    for text in [
        r#"{"ErrorCode":"E","RAWDATA":"","AttemptsMade":"3"}"#,
        r#"{"EventId":"1.2","arrivalTimestamp":5,"errorcode":"E","rawdata":""}"#,
        r#"{"esDocumentId":"x","LastErrorCode":"E","rawData":"","attemptsMade":null}"#,
    ] {
        assert_eq!(Document::read(text.as_bytes()).expect(text).code, "E");
    }
}

#[test]
fn what_lacks_a_member_is_no_error_document() {
    for text in [
        r#"{"errorCode":"E","attemptsMade":1}"#,
        r#"{"rawData":"","attemptsMade":1}"#,
        r#"{"rawData":"","errorCode":"E"}"#,
        r#"{"rawData":7,"errorCode":"E","attemptsMade":1}"#,
        r#"[{"rawData":"","errorCode":"E","attemptsMade":1}]"#,
        r#"{"rawData":"","errorCode":"E","attemptsMade":1"#,
        "rawData errorCode attemptsMade",
    ] {
        assert_eq!(Document::read(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn raw_data_is_split_as_content_is() {
    assert_eq!(records(b"{\"a\":1}{\"a\":2}\n").unwrap(), ["{\"a\":1}", "{\"a\":2}"]);
    assert_eq!(records(b"one line\n").unwrap(), ["one line"]);
    assert_eq!(records(b"").unwrap(), [""; 0]);
    assert_eq!(records(b" \n").unwrap(), [""; 0]);
    assert_eq!(records(b"{\"a\":1}{\"a\": ").unwrap(), ["{\"a\":1}{\"a\":"]);
}

#[test]
fn compressed_raw_data_is_inflated() {
    let gzip = |content: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    };
    let body = gzip(b"{\"messageType\":\"DATA_MESSAGE\"}");
    assert_eq!(records(&body).unwrap(), ["{\"messageType\":\"DATA_MESSAGE\"}"]);
    assert_eq!(records(&body[..body.len() - 9]).unwrap_err(), Damage::RawDataUndecodable);
    let zeros = gzip(&vec![b' '; 101 << 20]);
    assert_eq!(records(&zeros).unwrap_err(), Damage::RawDataUndecodable, "a bomb");
    let framed = b"\xff\x06\0\0sNaPpY\n\x01";
    assert_eq!(records(framed).unwrap().len(), 1, "not read, and so one record");
    let columnar = b"PAR1\x15\x04\n\x15PAR1";
    assert_eq!(records(columnar).unwrap().len(), 1, "a file of rows, put as one record");
}

#[test]
fn raw_data_that_is_no_base64_is_damage() {
    let text = br#"{"rawData":"RkFJT!==","errorCode":"E","attemptsMade":1}"#;
    let document = Document::read(text).unwrap();
    assert_eq!(records_of(&document).unwrap_err(), Damage::RawDataNotBase64);
}

#[test]
fn a_key_hints_at_error_output_by_its_folder() {
    for key in [
        "firehose/processing-failed/2026/07/13/14/s-1-2026-07-13-14-00-00-x",
        "format-conversion-failed/x",
        "FHsplunk-failed/2026/x",
        "AmazonOpenSearchService_failed/x",
    ] {
        assert!(is_hinted(key), "{key}");
    }
    for key in ["firehose/2026/07/13/14/jobs-failed", "failed/x", "processing-failed-not/x", ""] {
        assert!(!is_hinted(key), "{key}");
    }
}

/// A record may have failed for the very strings that are in its document.
#[test]
fn strings_that_are_no_text_and_depth_make_it_no_less_a_document() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let json = format!(
        r#"{{"rawData":"eyJhIjoxfQ\u003d\u003d","errorCode":"X.Y","errorMessage":"near \ud800",
        "\udfff":1,"attemptsMade":"2","arrivalTimestamp":1.5,"deep":{deep}}}"#
    );
    let document = Document::read(json.as_bytes()).expect("an error document");
    assert!(document.message.starts_with("near "), "{}", document.message);
    assert_eq!((document.attempts, document.arrival), (Some(2), None));
    assert_eq!(records_of(&document).unwrap(), ["{\"a\":1}"]);
    let lone = br#"{"rawData":"\ud800","errorCode":"X.Y","attemptsMade":1}"#;
    let document = Document::read(lone).expect("an error document");
    assert_eq!(records_of(&document), Err(Damage::RawDataNotBase64));
}
