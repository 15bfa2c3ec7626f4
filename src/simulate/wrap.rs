//! Records in what a producer, or something before Firehose, puts them into.

use std::ops::Range;

use super::pack::{Buffer, Mark, Piece};
use crate::base64;
use crate::error::{Error, ErrorKind, Result};
use crate::expect::kpl;

/// What records are in when Firehose gets them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Wrapping {
    /// Nothing.
    #[default]
    None,
    /// Base64 text, each record by itself.
    Base64,
    /// Subscription records of CloudWatch Logs, several records in each; a control message comes before
    /// those of an object.
    LogEvents,
    /// Aggregates of the Kinesis Producer Library, several records in each.
    Kpl,
}

/// Records in one wrapping, at most: those that something happens to are alone in theirs.
const TOGETHER: usize = 3;

const CONTROL: &str = r#"{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logStream":"","subscriptionFilters":[],"logEvents":[{"id":"","timestamp":1683189021351,"message":"CWL CONTROL MESSAGE: Checking health of destination Firehose."}]}"#;
const DATA: &str = r#"{"messageType":"DATA_MESSAGE","owner":"123456789012","logGroup":"/aws/lambda/orders","logStream":"2023/05/04/[$LATEST]0c9b1f3e5d0a4a57","subscriptionFilters":["all"],"logEvents":["#;

impl Wrapping {
    /// One record by itself.
    pub(super) fn one(self, record: &[u8]) -> Result<Vec<u8>> {
        let (mut out, data) = (Vec::new(), 0..record.len());
        self.append(record, &[data], &mut out)?;
        Ok(out)
    }

    /// Puts the records of a buffer into wrappings. The last record is alone in its if it is to be cut.
    pub(super) fn wrap(self, buffer: &mut Buffer, delimiter: &[u8], cut: bool) -> Result<()> {
        if self == Self::None {
            return Ok(());
        }
        let content = std::mem::take(&mut buffer.content);
        let records = records(&buffer.ends, delimiter.len());
        let alone = |at: usize| {
            let offset = records[at].start;
            let marked = buffer.marks.iter().any(|mark| mark.offset == offset);
            marked || (cut && at + 1 == records.len())
        };
        let (mut out, mut ends) = (Vec::with_capacity(content.len() * 2), Vec::new());
        if self == Self::LogEvents {
            out.extend_from_slice(CONTROL.as_bytes());
            ends.push(out.len());
        }
        let mut places = Vec::new();
        let mut at = 0;
        while at < records.len() {
            let most = if self == Self::Base64 || alone(at) { 1 } else { TOGETHER };
            let rest = &records[at..];
            let count = 1 + (1..most.min(rest.len())).take_while(|&next| !alone(at + next)).count();
            if !ends.is_empty() {
                out.extend_from_slice(delimiter);
            }
            let begun = out.len();
            let held = self.append(&content, &rest[..count], &mut out)?;
            let unit = Piece { start: begun, end: out.len() };
            places.extend(rest[..count].iter().map(|data| (data.start, unit, held)));
            ends.push(out.len());
            at += count;
        }
        let place = |mark: &mut Mark| {
            let found = places.binary_search_by_key(&mark.offset, |(offset, ..)| *offset);
            if let Some(&(_, unit, held)) = found.ok().and_then(|at| places.get(at)) {
                (mark.stored, mark.held) = (unit, held);
            }
        };
        buffer.marks.iter_mut().for_each(place);
        buffer.last.iter_mut().for_each(place);
        (buffer.produced, buffer.content, buffer.ends) = (content, out, ends);
        Ok(())
    }

    /// Appends records of the content in one wrapping, and says where the data of the first begins and
    /// that of the last ends.
    fn append(self, content: &[u8], records: &[Range<usize>], out: &mut Vec<u8>) -> Result<Piece> {
        let begun = out.len();
        let data = records.iter().map(|record| &content[record.clone()]);
        match self {
            Self::None => data.for_each(|data| out.extend_from_slice(data)),
            Self::Base64 => {
                data.for_each(|data| out.extend_from_slice(base64::encode(data).as_bytes()));
            }
            Self::LogEvents => return log_events(data, out),
            Self::Kpl => {
                let record =
                    |data| kpl::Record { partition_key: "orders", explicit_hash_key: None, data };
                out.extend_from_slice(&kpl::aggregate(data.map(record)));
                // Behind the magic number, and before the checksum.
                let (start, end) = (begun + kpl::MAGIC.len(), out.len() - kpl::CHECKSUM_BYTES);
                return Ok(Piece { start, end });
            }
        }
        Ok(Piece { start: begun, end: out.len() })
    }
}

fn log_events<'a>(records: impl Iterator<Item = &'a [u8]>, out: &mut Vec<u8>) -> Result<Piece> {
    out.extend_from_slice(DATA.as_bytes());
    let begun = out.len();
    for (number, record) in records.enumerate() {
        let text = std::str::from_utf8(record).ok().map(serde_json::to_string);
        let Some(Ok(text)) = text else {
            return Err(Error::new(ErrorKind::Usage, "a record that is no text, as a log event")
                .hint("CloudWatch Logs takes UTF-8 only"));
        };
        let comma = if number == 0 { "" } else { "," };
        let event = format!(r#"{comma}{{"id":"{number:056}","timestamp":1683189021351,"message":"#);
        out.extend_from_slice(event.as_bytes());
        out.extend_from_slice(text.as_bytes());
        out.push(b'}');
    }
    let end = out.len();
    out.extend_from_slice(b"]}");
    Ok(Piece { start: begun, end })
}

/// Where the records stand whose ends these are, with a delimiter of so many bytes between them.
fn records(ends: &[usize], delimiter: usize) -> Vec<Range<usize>> {
    let starts = ends.iter().map(|end| end + delimiter);
    std::iter::once(0).chain(starts).zip(ends).map(|(start, &end)| start..end).collect()
}
