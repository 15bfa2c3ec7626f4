//! Entries of a cache: never a panic, and what is taken is, byte by byte, what would be written.
#![no_main]

use fhcheck::cache::{self, Facts, Key, Row, Terms, Version, Writer};
use fhcheck::fingerprint::Policy;
use fhcheck::split::FormatChoice;
use libfuzzer_sys::fuzz_target;
use xxhash_rust::xxh3::xxh3_128_with_seed;

const SEED: u64 = 7;

fn key() -> Key {
    let terms = Terms::new(&Policy::Raw, &FormatChoice::Detect, false, 1 << 30);
    let version = Version { place: "p", key: "k", size: 1, etag: "e", modified: None };
    Key::new(&terms, &version)
}

fn write(facts: &Facts, rows: &[Row]) -> Vec<u8> {
    let mut written = Vec::new();
    let mut writer = Writer::begin(&mut written, &key(), SEED, facts).expect("it was read");
    rows.iter().for_each(|row| writer.push(*row).expect("a vector takes it"));
    writer.finish().expect("it has its rows");
    written
}

fn read(entry: &[u8]) {
    let mut rows = Vec::new();
    let read = cache::read(entry, entry.len() as u64, &key(), SEED, |row| rows.push(row));
    if let Some(facts) = read {
        facts.tally.bytes.assert_balanced();
        assert_eq!(write(&facts, &rows), entry);
    }
}

fuzz_target!(|data: &[u8]| {
    read(data);
    // No input finds a checksum by chance.
    let mut entry = [key().opening(), data].concat();
    let checksum = xxh3_128_with_seed(&entry, SEED);
    entry.extend(checksum.to_le_bytes());
    read(&entry);
});
