//! Records that are not what most pipelines deliver, told by the first one of an object: what to know
//! before they are counted or compared.

use std::collections::BTreeMap;

use super::notes::objects;
use crate::base64;
use crate::expect::log_events;
use crate::outcome::Note;
use crate::split::Tally;

/// What the records of an object are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Peculiar {
    /// Subscription records of CloudWatch Logs: each holds several log events.
    CloudWatchLogs,
    /// Lines that Lambda logs, which CloudWatch Logs alone passes on.
    LogMessages,
    /// Text in base64 that stands for JSON, for something compressed, or for a KPL aggregate.
    Base64,
    /// What such text stood for: it was decoded, as was asked.
    Decoded,
}

/// How the lines begin that Lambda logs of each invocation ("Working with Lambda function logs", AWS
/// Lambda developer guide), and what a control message says of itself.
const LOG_LINES: [&[u8]; 5] = [
    b"START RequestId: ",
    b"END RequestId: ",
    b"REPORT RequestId: ",
    b"INIT_START Runtime Version: ",
    b"CWL CONTROL MESSAGE: ",
];
/// Shorter text may be base64 by chance.
const BASE64_MIN: usize = 16;
/// So many letters of it tell what it stands for.
const BASE64_LOOK: usize = 64;
/// How what is encoded begins: an object, gzip, an aggregate.
const ENCODED: [&[u8]; 3] = [b"{", b"\x1f\x8b", b"\xf3\x89\x9a\xc2"];

impl Peculiar {
    /// What a record is, if it is peculiar.
    pub(super) fn of(record: &[u8]) -> Option<Self> {
        match record.first()? {
            b'{' => log_events::is_named(record).then_some(Self::CloudWatchLogs),
            _ if LOG_LINES.iter().any(|begin| record.starts_with(begin)) => Some(Self::LogMessages),
            _ => is_base64(record).then_some(Self::Base64),
        }
    }

    /// What stands for it where it is kept.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::CloudWatchLogs => 0,
            Self::LogMessages => 1,
            Self::Base64 => 2,
            Self::Decoded => 3,
        }
    }

    /// What a code stands for.
    pub(super) fn of_code(code: u8) -> Option<Self> {
        let all = [Self::CloudWatchLogs, Self::LogMessages, Self::Base64, Self::Decoded];
        all.into_iter().find(|peculiar| peculiar.code() == code)
    }

    fn note(self, count: u64) -> Note {
        let objects = objects(count);
        let (code, text) = match self {
            Self::CloudWatchLogs => (
                "cloudwatch-logs",
                format!(
                    "subscription records of CloudWatch Logs in {objects}: each is counted as one \
                     record, however many log events it holds (--split log-events takes them apart)"
                ),
            ),
            Self::LogMessages => (
                "log-messages",
                format!(
                    "messages of log events in {objects}, as message extraction leaves them: each \
                     line is counted as a record, and a message may have had several"
                ),
            ),
            Self::Base64 => (
                "base64-text",
                format!(
                    "base64 text in {objects}: a producer or a transformation encoded what is \
                     encoded already; it is compared as it stands (--base64 decodes it)"
                ),
            ),
            Self::Decoded => {
                ("base64-decoded", format!("base64 text in {objects} was decoded, as was asked"))
            }
        };
        Note { code, text }
    }
}

/// Whether a record is base64 text, or several glued together, and the first stands for something.
fn is_base64(record: &[u8]) -> bool {
    let letters = |byte: &&u8| base64::sextet(**byte).is_some();
    if record.len() < BASE64_MIN || !record.iter().all(|byte| *byte == b'=' || letters(&byte)) {
        return false;
    }
    let len = record.iter().take(BASE64_LOOK).take_while(letters).count();
    let whole = std::str::from_utf8(&record[..len / 4 * 4]).ok().and_then(base64::decode);
    whole.is_some_and(|decoded| ENCODED.iter().any(|begin| decoded.starts_with(begin)))
}

/// What was peculiar about the objects of a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Peculiarities {
    objects: BTreeMap<Peculiar, u64>,
    control_messages: u64,
}

impl Peculiarities {
    /// Adds an object.
    pub(super) fn add(&mut self, peculiar: Option<Peculiar>, decoded: bool, tally: &Tally) {
        for peculiar in peculiar.into_iter().chain(decoded.then_some(Peculiar::Decoded)) {
            *self.objects.entry(peculiar).or_default() += 1;
        }
        self.control_messages += tally.control_messages;
    }

    /// Says so.
    pub(super) fn notes(&self) -> impl Iterator<Item = Note> + '_ {
        let control = (self.control_messages > 0).then(|| Note {
            code: "control-messages",
            text: format!(
                "CloudWatch Logs put {} to see whether they arrive; there is no record in them",
                match self.control_messages {
                    1 => "1 control message".to_owned(),
                    more => format!("{more} control messages"),
                }
            ),
        });
        self.objects.iter().map(|(peculiar, count)| peculiar.note(*count)).chain(control)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_peculiar_is_told_by_a_record() {
        let logs = br#"{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logEvents":[]}"#;
        assert_eq!(Peculiar::of(logs), Some(Peculiar::CloudWatchLogs));
        let encoded = base64::encode(br#"{"ticker": "AMZN"}"#);
        assert_eq!(Peculiar::of(encoded.as_bytes()), Some(Peculiar::Base64));
        let glued = encoded.repeat(3);
        assert_eq!(Peculiar::of(glued.as_bytes()), Some(Peculiar::Base64));
        let line = b"START RequestId: 8f5a Version: $LATEST";
        assert_eq!(Peculiar::of(line), Some(Peculiar::LogMessages));
        for plain in ["{\"a\":1}", "", "hello", "aGVsbG8gd29ybGQgYW5k", "{\"logEvents\":[]}"] {
            assert_eq!(Peculiar::of(plain.as_bytes()), None, "{plain}");
        }
    }
}
