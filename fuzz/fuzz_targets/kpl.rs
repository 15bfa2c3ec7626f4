//! Aggregates of the Kinesis Producer Library: never a panic, and what comes apart can be put
//! together again.
#![no_main]

use fhcheck::expect::kpl::{self, Opened, Record};
use libfuzzer_sys::fuzz_target;
use md5::{Digest, Md5};

fn come_apart(bytes: &[u8]) {
    let Opened::Aggregate(aggregate) = kpl::open(bytes) else { return };
    let records: Vec<Record<'_>> = aggregate.records().collect();
    assert!(!records.is_empty(), "a record does not vanish");
    let again = kpl::aggregate(records.iter().copied());
    let Opened::Aggregate(aggregate) = kpl::open(&again) else { panic!("it was just written") };
    assert_eq!(aggregate.records().collect::<Vec<_>>(), records);
}

fuzz_target!(|data: &[u8]| {
    come_apart(data);
    // No input finds an MD5 by chance.
    come_apart(&[b"\xf3\x89\x9a\xc2", data, &Md5::digest(data)[..]].concat());
});
