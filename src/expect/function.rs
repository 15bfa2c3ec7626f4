//! What the stack's function returns and logs (`templates/producer.yaml`): which records the data
//! stream acknowledged.

use std::borrow::Cow;

use serde::Deserialize;

/// The answer of a call, or one line of its log.
#[derive(Debug, Deserialize)]
pub struct Answer<'a> {
    /// The data stream.
    pub stream: Cow<'a, str>,
    /// The records of a call.
    #[serde(default, borrow)]
    pub records: Vec<Acknowledged<'a>>,
    /// In the log: the records of one request.
    #[serde(default, borrow)]
    pub acknowledged: Vec<Acknowledged<'a>>,
    /// In the log, where the function gave up: records that were not acknowledged. Puts of them may
    /// have had no answer.
    #[serde(default, borrow)]
    pub rejected: Vec<Cow<'a, str>>,
    /// Records that were put without an answer; nobody knows which.
    #[serde(default)]
    pub unanswered: u64,
}

/// A record that the data stream acknowledged.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Acknowledged<'a> {
    /// `SequenceNumber`.
    #[serde(borrow)]
    pub sequence_number: Cow<'a, str>,
    /// `ShardId`.
    #[serde(borrow)]
    pub shard_id: Cow<'a, str>,
    /// `PartitionKey`.
    #[serde(borrow)]
    pub partition_key: Cow<'a, str>,
    /// The record.
    #[serde(borrow)]
    pub record: Cow<'a, str>,
}

/// Whether this is what it returns, or logs of records.
pub fn is_answer(object: &[u8]) -> bool {
    let named = |name: &[u8]| memchr::memmem::find(object, name).is_some();
    let lists = named(b"\"records\"") || named(b"\"acknowledged\"") || named(b"\"rejected\"");
    let answer = || serde_json::from_slice::<Answer<'_>>(object).ok();
    lists && answer().is_some_and(|answer| !answer.stream.is_empty())
}

/// Reads one of its JSON objects.
///
/// # Errors
/// What is wrong with it, in words.
pub fn read(object: &[u8]) -> Result<Answer<'_>, String> {
    serde_json::from_slice(object)
        .map_err(|error| format!("not what the function returns: {error}"))
}
