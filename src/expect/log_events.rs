//! Subscription records of CloudWatch Logs: which log events one holds.
//!
//! CloudWatch Logs puts log events to a stream in batches, each batch a JSON object, and now and then a
//! control message that tells whether the destination can be reached ("Using CloudWatch Logs
//! subscription filters", Amazon CloudWatch Logs user guide).

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::escapes::unescape;

/// What a record turns out to be.
#[derive(Debug, Clone)]
pub enum Opened<'a> {
    /// No subscription record.
    Plain,
    /// A `CONTROL_MESSAGE`: there is no record in it.
    Control,
    /// A `DATA_MESSAGE`, and the messages of its log events.
    Data(Vec<Message<'a>>),
    /// It is named like a subscription record, and its log events cannot be read.
    Damaged,
}

/// The message of one log event.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a>(&'a str);

/// The members that make a subscription record.
const NAMES: [&[u8]; 3] = [b"\"messageType\"", b"\"logGroup\"", b"\"logEvents\""];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(borrow)]
    message_type: Option<&'a RawValue>,
    #[serde(borrow)]
    log_group: Option<&'a RawValue>,
    #[serde(borrow)]
    log_events: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    message: &'a RawValue,
}

/// Whether a record is named like a subscription record, as far as a look can tell.
pub fn is_named(record: &[u8]) -> bool {
    let named = |name: &&[u8]| memchr::memmem::find(record, name).is_some();
    record.first() == Some(&b'{') && NAMES.iter().all(named)
}

/// Looks at a record, which is one JSON value.
pub fn open(record: &[u8]) -> Opened<'_> {
    if !is_named(record) {
        return Opened::Plain;
    }
    match serde_json::from_slice(record) {
        Ok(Envelope { message_type: Some(kind), log_group: Some(_), log_events: Some(events) }) => {
            match kind.get() {
                "\"CONTROL_MESSAGE\"" => Opened::Control,
                "\"DATA_MESSAGE\"" => messages(events).map_or(Opened::Damaged, Opened::Data),
                _ => Opened::Damaged,
            }
        }
        // They are named somewhere else in it.
        Ok(_) => Opened::Plain,
        Err(_) => Opened::Damaged,
    }
}

fn messages(events: &RawValue) -> Option<Vec<Message<'_>>> {
    let events: Vec<Event<'_>> = serde_json::from_str(events.get()).ok()?;
    events.into_iter().map(|event| Message::of(event.message.get())).collect()
}

impl<'a> Message<'a> {
    fn of(value: &'a str) -> Option<Self> {
        value.strip_prefix('"')?.strip_suffix('"').map(Self)
    }

    /// Where its first byte stands in the record that it was opened from.
    pub fn offset_in(self, record: &[u8]) -> usize {
        self.0.as_ptr().addr() - record.as_ptr().addr()
    }

    /// What it says: as it stands where nothing in it is escaped, else in `text`.
    pub fn text<'t>(self, text: &'t mut Vec<u8>) -> &'t [u8]
    where
        'a: 't,
    {
        let escaped = self.0.as_bytes();
        if memchr::memchr(b'\\', escaped).is_none() {
            return escaped;
        }
        text.clear();
        unescape(escaped, text);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(record: &str) -> Option<Vec<(usize, String)>> {
        let Opened::Data(messages) = open(record.as_bytes()) else { return None };
        let mut text = Vec::new();
        let mut read = |message: Message<'_>| {
            let at = message.offset_in(record.as_bytes());
            (at, String::from_utf8_lossy(message.text(&mut text)).into_owned())
        };
        Some(messages.into_iter().map(&mut read).collect())
    }

    /// The example of the user guide, shortened.
    #[test]
    fn the_messages_of_a_data_message_are_read_where_they_stand() {
        let record = r#"{"owner":"111111111111","logGroup":"CloudTrail/logs","logStream":"s","subscriptionFilters":["Destination"],"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","timestamp":1432826855000,"message":"{\"eventVersion\":\"1.03\"}"},{"id":"2","timestamp":1432826855000,"message":"plain \ud83d\ude00"}]}"#;
        let texts = texts(record).unwrap();
        let [(first, one), (second, other)] = &texts[..] else { panic!("{texts:?}") };
        assert_eq!((one.as_str(), other.as_str()), ("{\"eventVersion\":\"1.03\"}", "plain 😀"));
        assert!(record[*first..].starts_with("{\\\"eventVersion"), "{first}");
        assert!(record[*second..].starts_with("plain"), "{second}");
    }

    #[test]
    fn what_holds_no_log_events_is_told_from_what_is_damaged() {
        let record = |kind: &str, events: &str| {
            format!(r#"{{"messageType":{kind},"logGroup":"","logEvents":{events}}}"#)
        };
        let open = |kind: &str, events: &str| match open(record(kind, events).as_bytes()) {
            Opened::Plain => "plain",
            Opened::Control => "control",
            Opened::Data(_) => "data",
            Opened::Damaged => "damaged",
        };
        let control = r#"[{"id":"","timestamp":1,"message":"CWL CONTROL MESSAGE"}]"#;
        assert_eq!(open("\"CONTROL_MESSAGE\"", control), "control");
        assert_eq!(open("\"DATA_MESSAGE\"", "[]"), "data");
        let wrong = ["7", "{}", "[7]", "[{\"id\":\"1\"}]", "[{\"message\":7}]"];
        for events in wrong {
            assert_eq!(open("\"DATA_MESSAGE\"", events), "damaged", "{events}");
        }
        assert_eq!(open("\"OTHER\"", control), "damaged");
        let inside = r#"{"detail":{"messageType":"DATA_MESSAGE","logGroup":"","logEvents":[]}}"#;
        assert!(matches!(super::open(inside.as_bytes()), Opened::Plain));
        assert!(matches!(super::open(b"{\"a\":1}"), Opened::Plain));
    }
}
