//! Error output: records that a transformation refused, as Firehose keeps them.
//!
//! The folder is where the console's default puts it: the prefix, the kind of error, the hour of
//! arrival. With expressions in the prefix, an error prefix must be given; it is the kind alone then.

use jiff::Timestamp;

use super::Spec;
use crate::base64;
use crate::error::Result;
use crate::naming::prefix::{Prefix, Role};

/// The kind of error (`!{firehose:error-output-type}`) of a failed transformation.
pub(super) const KIND: &str = "processing-failed";
/// What its documents say.
pub(super) const CODE: &str = "Lambda.ProcessingFailedStatus";
const MESSAGE: &str = "ProcessingFailed status set for record";
const LAMBDA: &str = "arn:aws:lambda:us-east-1:123456789012:function:transform:$LATEST";
/// How long after its arrival a record is given up, in milliseconds.
const ATTEMPT_MILLIS: i64 = 60_000;

/// A record that failed.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) index: u64,
    pub(super) record: Vec<u8>,
    pub(super) arrival: Timestamp,
}

impl Refused {
    /// Its document, with members as they were seen in September 2026, about what was put.
    pub(super) fn document(&self, put: &[u8]) -> String {
        let raw = base64::encode(put);
        let arrival = self.arrival.as_millisecond();
        let ended = arrival + ATTEMPT_MILLIS;
        format!(
            r#"{{"rawData":"{raw}","errorCode":"{CODE}","errorMessage":"{MESSAGE}","attemptsMade":1,"arrivalTimestamp":{arrival},"attemptEndingTimestamp":{ended},"lambdaARN":"{LAMBDA}"}}"#
        )
    }
}

/// The prefix of error output: as it was given, beside the data, or below its prefix.
pub(super) fn prefix(spec: &Spec) -> Result<Prefix> {
    if !spec.error_prefix.is_empty() {
        return Prefix::for_evaluation(&spec.error_prefix, Role::ErrorOutput);
    }
    let data = if spec.prefix.contains("!{") { "" } else { &spec.prefix };
    Prefix::parse(&format!("{data}{KIND}/"))
}
