//! Records that are not what most pipelines deliver, told by the first one of an object: what to know
//! before they are counted or compared.

use crate::base64;
use crate::outcome::Note;

/// What the records of an object are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Peculiar {
    /// Subscription records of CloudWatch Logs: each holds several log events.
    CloudWatchLogs,
    /// Text in base64 that stands for JSON, for something compressed, or for a KPL aggregate.
    Base64,
}

/// A record of CloudWatch Logs names these ("Using CloudWatch Logs subscription filters", Amazon
/// CloudWatch Logs user guide).
const CLOUDWATCH: [&[u8]; 3] = [b"\"messageType\"", b"\"logGroup\"", b"\"logEvents\""];
/// Shorter text may be base64 by chance.
const BASE64_MIN: usize = 16;
/// How what is encoded begins: an object, gzip, an aggregate.
const ENCODED: [&[u8]; 3] = [b"{", b"\x1f\x8b", b"\xf3\x89\x9a\xc2"];

impl Peculiar {
    /// What a record is, if it is peculiar.
    pub(super) fn of(record: &[u8]) -> Option<Self> {
        match record.first()? {
            b'{' => {
                let named = |name: &&[u8]| memchr::memmem::find(record, name).is_some();
                CLOUDWATCH.iter().all(named).then_some(Self::CloudWatchLogs)
            }
            _ if record.len() < BASE64_MIN => None,
            _ => {
                let decoded = base64::decode(std::str::from_utf8(record).ok()?)?;
                let encoded = ENCODED.iter().any(|begin| decoded.starts_with(begin));
                encoded.then_some(Self::Base64)
            }
        }
    }

    /// Says so of so many objects.
    pub(super) fn note(self, objects: u64) -> Note {
        Note { code: self.code(), text: format!("{objects} objects {}", self.text()) }
    }

    fn code(self) -> &'static str {
        match self {
            Self::CloudWatchLogs => "cloudwatch-logs",
            Self::Base64 => "base64-text",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::CloudWatchLogs => {
                "hold subscription records of CloudWatch Logs: each is counted as one record, \
                 however many log events it holds"
            }
            Self::Base64 => {
                "hold base64 text: a producer encoded what the SDK encodes itself; it is compared \
                 as it stands"
            }
        }
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
        for plain in ["{\"a\":1}", "", "hello", "aGVsbG8gd29ybGQgYW5k", "{\"logEvents\":[]}"] {
            assert_eq!(Peculiar::of(plain.as_bytes()), None, "{plain}");
        }
    }
}
