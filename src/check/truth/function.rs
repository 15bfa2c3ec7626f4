//! What the stack's function returns and logs (`templates/producer.yaml`): which records the data
//! stream acknowledged.

use std::borrow::Cow;

use serde::Deserialize;

use super::Demand;
use super::read::Reading;
use crate::outcome::Origin;

/// The answer of a call, or one line of its log.
#[derive(Debug, Deserialize)]
struct Answer<'a> {
    stream: Cow<'a, str>,
    #[serde(default, borrow)]
    records: Vec<Acknowledged<'a>>,
    /// In the log: the records of one request.
    #[serde(default, borrow)]
    acknowledged: Vec<Acknowledged<'a>>,
    /// In the log, where the function gave up: records that were never put.
    #[serde(default)]
    rejected: Vec<serde::de::IgnoredAny>,
    #[serde(default)]
    unanswered: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Acknowledged<'a> {
    #[serde(borrow)]
    sequence_number: Cow<'a, str>,
    #[serde(borrow)]
    shard_id: Cow<'a, str>,
    #[serde(borrow)]
    partition_key: Cow<'a, str>,
    #[serde(borrow)]
    record: Cow<'a, str>,
}

/// Whether this is what it returns, or logs of records.
pub(super) fn is_answer(object: &[u8]) -> bool {
    let named = |name: &[u8]| memchr::memmem::find(object, name).is_some();
    let lists = named(b"\"records\"") || named(b"\"acknowledged\"") || named(b"\"rejected\"");
    let answer = || serde_json::from_slice::<Answer<'_>>(object).ok();
    lists && answer().is_some_and(|answer| !answer.stream.is_empty())
}

/// Reads one of its JSON objects.
pub(super) fn read(object: &[u8], offset: u64, reading: &mut Reading<'_>) -> Result<(), String> {
    let answer: Answer<'_> = serde_json::from_slice(object)
        .map_err(|error| format!("not what the function returns: {error}"))?;
    reading.remarks.sequenced = true;
    reading.remarks.never_put += answer.rejected.len() as u64;
    reading.remarks.unanswered += answer.unanswered;
    for record in answer.records.iter().chain(&answer.acknowledged) {
        for identity in reading.data(record.record.as_bytes(), offset) {
            reading.demand(offset, identity, Demand::Sure(None));
        }
        // Only what was seen just now has no origin yet, though all stand at one offset.
        reading.origin(offset, || Origin {
            shard_id: Some(record.shard_id.clone().into_owned()),
            sequence_number: Some(record.sequence_number.clone().into_owned()),
            partition_key: Some(record.partition_key.clone().into_owned()),
            ..Origin::default()
        });
    }
    Ok(())
}
