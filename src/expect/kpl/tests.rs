//! Aggregates: taken apart, put together, and damaged.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::base64;
use crate::tests::cases;

/// Made by another encoder: `fixtures/ENCODERS.md` says which, and how.
const KEYS: &str = "\
    84mawgoBYQoBYgoCw7wSATcSJzM0MDI4MjM2NjkyMDkzODQ2MzQ2MzM3NDYwNzQzMTc2ODIxMTQ1NRoLCAAaB3si\
    biI6MX0aCwgBGgd7Im4iOjJ9Gg0IABAAGgd7Im4iOjN9GgYIAhABGgCzBUw28n3hSTXNK0crgcwi";
/// A key and data whose lengths take two bytes.
const LONG: &str = "\
    84mawgrIAWtra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tr\
    a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tr\
    a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tr\
    a2tra2tra2trGoUCCAAagAIAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8w\
    MTIzNDU2Nzg5Ojs8PT4/QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl9gYWJjZGVmZ2hpamtsbW5vcHFy\
    c3R1dnd4eXp7fH1+f4CBgoOEhYaHiImKi4yNjo+QkZKTlJWWl5iZmpucnZ6foKGio6SlpqeoqaqrrK2ur7CxsrO0\
    tba3uLm6u7y9vr/AwcLDxMXGx8jJysvMzc7P0NHS09TV1tfY2drb3N3e3+Dh4uPk5ebn6Onq6+zt7u/w8fLz9PX2\
    9/j5+vv8/f7/GgYIABoCAP+OzbfzcokR+CKB7fh4J/CK";

fn taken_apart(bytes: &[u8]) -> Vec<Record<'_>> {
    match open(bytes) {
        Opened::Aggregate(aggregate) => aggregate.records().collect(),
        other => panic!("it became {other:?}"),
    }
}

fn damage(bytes: &[u8]) -> Damage {
    match open(bytes) {
        Opened::Damaged(damage) => damage,
        other => panic!("it became {other:?}"),
    }
}

/// A message as an aggregate whose checksum is right.
fn sealed(message: &[u8]) -> Vec<u8> {
    [&MAGIC, message, &Md5::digest(message)[..]].concat()
}

fn record<'a>(key: &'a str, hash: Option<&'a str>, data: &'a [u8]) -> Record<'a> {
    Record { partition_key: key, explicit_hash_key: hash, data }
}

#[test]
fn what_another_encoder_wrote_is_read() {
    let bytes = base64::decode(KEYS).unwrap();
    let records = [
        record("a", None, br#"{"n":1}"#),
        record("b", None, br#"{"n":2}"#),
        record("a", Some("7"), br#"{"n":3}"#),
        record("\u{fc}", Some("340282366920938463463374607431768211455"), b""),
    ];
    assert_eq!(taken_apart(&bytes), records);

    let bytes = base64::decode(LONG).unwrap();
    let (key, data) = ("k".repeat(200), (0..=255).collect::<Vec<u8>>());
    let records = [record(&key, None, &data), record(&key, None, b"\x00\xff")];
    assert_eq!(taken_apart(&bytes), records);
    assert_eq!(aggregate(records), bytes, "both put the tables first");
}

#[test]
fn what_does_not_begin_like_one_is_plain() {
    for bytes in [&b""[..], b"{}", &MAGIC[..3], b"\xf3\x89\x9a\xc3"] {
        assert!(matches!(open(bytes), Opened::Plain), "{bytes:?}");
    }
}

#[test]
fn damage_is_named() {
    let whole = base64::decode(KEYS).unwrap();
    assert_eq!(damage(&whole[..MAGIC.len() + 15]), Damage::Cut);
    assert_eq!(damage(&whole[..whole.len() - 1]), Damage::Checksum);
    for (message, expected) in [
        (&b""[..], Damage::Empty),
        // A table, and no record.
        (b"\x0a\x01a", Damage::Empty),
        // A length beyond the end, a group, a field 0, a number of eleven bytes, one beyond 64 bits.
        (b"\x1a\x7f", Damage::Protobuf),
        (b"\x0b\x0c", Damage::Protobuf),
        (b"\x00\x00", Damage::Protobuf),
        (b"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", Damage::Protobuf),
        (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", Damage::Protobuf),
        (b"\x0a\x01\xff", Damage::Key),
        // No data, no key, a key that is not in the table, a hash key that is not.
        (b"\x0a\x01a\x1a\x02\x08\x00", Damage::Record),
        (b"\x0a\x01a\x1a\x03\x1a\x01x", Damage::Record),
        (b"\x0a\x01a\x1a\x05\x08\x01\x1a\x01x", Damage::Record),
        (b"\x0a\x01a\x1a\x07\x08\x00\x10\x00\x1a\x01x", Damage::Record),
    ] {
        assert_eq!(damage(&sealed(message)), expected, "{message:?}");
    }
}

#[test]
fn fields_may_come_in_any_order_and_be_of_later_versions() {
    // Data, a tag, a fixed number and the key's index; then a later field, then the table.
    let bytes =
        sealed(b"\x1a\x0f\x1a\x01x\x22\x03\x0a\x01t\x2d\x01\x02\x03\x04\x08\x00\x30\x05\x0a\x01a");
    assert_eq!(taken_apart(&bytes), [record("a", None, b"x")]);
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn what_is_put_together_comes_apart(
        rows in vec(("[a-c\u{fc}]{0,3}", proptest::option::of("[0-9]{1,3}"), vec(any::<u8>(), 0..200)), 1..20),
    ) {
        let records: Vec<_> =
            rows.iter().map(|(key, hash, data)| record(key, hash.as_deref(), data)).collect();
        let bytes = aggregate(records.iter().copied());
        prop_assert_eq!(taken_apart(&bytes), records);
    }

    #[test]
    fn a_changed_byte_is_seen(data in vec(any::<u8>(), 0..50), at in any::<prop::sample::Index>(), flip in 1..=255_u8) {
        let mut bytes = aggregate([record("a", None, &data)]);
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        prop_assert!(!matches!(open(&bytes), Opened::Aggregate(_)));
    }

    #[test]
    fn any_message_is_read_or_refused(message in vec(any::<u8>(), 0..100)) {
        if let Opened::Aggregate(aggregate) = open(&sealed(&message)) {
            prop_assert!(aggregate.records().count() > 0);
        }
    }
}
