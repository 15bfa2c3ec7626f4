//! One document of error output: what is in it, and the records that it is about.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::base64;
use crate::decode::{self, Undone};
use crate::limits::RAW_DATA_BYTES_MAX;
use crate::split::{self, Damage, FormatChoice};

/// An error document. Members that are not named here are passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// `errorCode`, or `lastErrorCode` in documents of record format conversion:
    /// `Lambda.FunctionError`, say. The set is open.
    pub code: String,
    /// `errorMessage` or `lastErrorMessage`; empty where there is none.
    pub message: String,
    /// `attemptsMade`.
    pub attempts: Option<u64>,
    /// `arrivalTimestamp`: when Firehose received the record, in milliseconds since 1970.
    pub arrival: Option<i64>,
    /// `rawData` as it stands, in base64.
    raw_data: String,
}

impl Document {
    /// Reads a record. `None`: it is no error document. It is one when it is a JSON object with the
    /// text `rawData`, an error code, and the attempts made or the time of arrival.
    pub fn read(record: &[u8]) -> Option<Self> {
        let object: Map<String, Value> = serde_json::from_slice(record).ok()?;
        let members = object.into_iter().map(|(key, value)| (key.to_ascii_lowercase(), value));
        let mut members: HashMap<String, Value> = members.collect();
        let Some(Value::String(raw_data)) = members.remove("rawdata") else { return None };
        let mut either = |one, other| members.remove(one).or_else(|| members.remove(other));
        let code = text(either("errorcode", "lasterrorcode")?);
        let message = either("errormessage", "lasterrormessage").map(text).unwrap_or_default();
        let (attempts, arrival) =
            (members.remove("attemptsmade"), members.remove("arrivaltimestamp"));
        if attempts.is_none() && arrival.is_none() {
            return None;
        }
        let (attempts, arrival) = (attempts.and_then(number), arrival.and_then(number));
        Some(Self { code, message, attempts, arrival, raw_data })
    }

    /// Hands out the records that Firehose could not deliver, and says how many they are: several
    /// where several values were put as one record, none where there is nothing but blanks.
    ///
    /// Compressed raw data is inflated, as an object's content is, and text in base64 decoded where that is asked for. Raw
    /// data that does not split
    /// whole is one record as it is: often that is the very reason why it was not delivered.
    ///
    /// # Errors
    /// When the raw data is no base64, or is compressed and does not inflate.
    pub fn records(
        &self,
        choice: &FormatChoice,
        decode_text: bool,
        mut take: impl FnMut(&[u8]),
    ) -> Result<u64, Damage> {
        let raw = base64::decode(&self.raw_data).ok_or(Damage::RawDataNotBase64)?;
        match decode::undo(&raw, RAW_DATA_BYTES_MAX, decode_text) {
            Undone::Content(content) => Ok(split::each_record(&content, choice, take)),
            // What is not read is no blank, and one record.
            Undone::Kept => {
                take(raw.trim_ascii());
                Ok(1)
            }
            Undone::Damaged => Err(Damage::RawDataUndecodable),
        }
    }
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn number<T: TryFrom<i64> + std::str::FromStr>(value: Value) -> Option<T> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => T::try_from(other.as_i64()?).ok(),
    }
}
