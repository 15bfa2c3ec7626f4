//! One document of error output: what is in it, and the records that it is about.

use std::fmt;
use std::str::FromStr;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::base64;
use crate::decode::{self, Undone};
use crate::escapes::unescape;
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
        let members: Members<'_> = serde_json::from_slice(record).ok()?;
        let raw_data = members.raw_data.and_then(string)?;
        let code = text(members.code.or(members.last_code)?);
        let message = members.message.or(members.last_message).map(text).unwrap_or_default();
        members.attempts.or(members.arrival)?;
        let (attempts, arrival) =
            (members.attempts.and_then(number), members.arrival.and_then(number));
        Some(Self { code, message, attempts, arrival, raw_data })
    }

    /// Hands out the records that Firehose could not deliver, and says how many they are: several
    /// where several values were put as one record, none where there is nothing but blanks.
    ///
    /// Compressed raw data is inflated, as an object's content is, and with `decode_text` base64 text in
    /// it is decoded. Raw data that does not split whole is one record as it is: often that is the very
    /// reason why it was not delivered.
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

/// The members that are looked at, as they stand: whatever else is in a document, however deep, and whatever
/// its strings hold, it is one. Of members with the same name the last counts.
#[derive(Default)]
struct Members<'a> {
    raw_data: Option<&'a RawValue>,
    code: Option<&'a RawValue>,
    last_code: Option<&'a RawValue>,
    message: Option<&'a RawValue>,
    last_message: Option<&'a RawValue>,
    attempts: Option<&'a RawValue>,
    arrival: Option<&'a RawValue>,
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an error document")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Members::default();
                while let Some(Name(name)) = map.next_key()? {
                    let value = map.next_value()?;
                    let slot = match name.as_slice() {
                        b"rawdata" => &mut members.raw_data,
                        b"errorcode" => &mut members.code,
                        b"lasterrorcode" => &mut members.last_code,
                        b"errormessage" => &mut members.message,
                        b"lasterrormessage" => &mut members.last_message,
                        b"attemptsmade" => &mut members.attempts,
                        b"arrivaltimestamp" => &mut members.arrival,
                        _ => continue,
                    };
                    *slot = Some(value);
                }
                Ok(members)
            }
        }
        from.deserialize_map(All)
    }
}

/// A member's name in lower case. As bytes, since not every string of JSON is text.
struct Name(Vec<u8>);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_bytes<E>(self, name: &[u8]) -> Result<Name, E> {
                Ok(Name(name.to_ascii_lowercase()))
            }
        }
        from.deserialize_bytes(Bytes)
    }
}

/// What a string says. What is no UTF-8 once it is unescaped is replaced.
fn string(value: &RawValue) -> Option<String> {
    let escaped = value.get().strip_prefix('"')?.strip_suffix('"')?;
    let mut text = Vec::with_capacity(escaped.len());
    unescape(escaped.as_bytes(), &mut text);
    Some(String::from_utf8_lossy(&text).into_owned())
}

fn text(value: &RawValue) -> String {
    match value.get() {
        "null" => String::new(),
        other => string(value).unwrap_or_else(|| other.to_owned()),
    }
}

fn number<T: FromStr>(value: &RawValue) -> Option<T> {
    string(value).as_deref().unwrap_or(value.get()).parse().ok()
}
