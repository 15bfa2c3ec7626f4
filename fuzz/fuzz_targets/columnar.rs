//! Parquet and ORC files, as they are and with bytes changed: no panic that is not caught, lines of
//! JSON, and no more than a file may have.
#![no_main]

use std::io::Read;
use std::sync::Once;

use fhcheck::columnar::is_guarded;
use fhcheck::decode;
use fhcheck::source::Body;
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

/// Largest content, in bytes.
const LIMIT: u64 = 1 << 20;

/// libFuzzer takes every panic for the end, also one that is caught.
fn hush_caught_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !is_guarded() {
                hook(panic);
            }
        }));
    });
}

fn read(stored: Vec<u8>) {
    let Ok(mut content) = decode::open(Body::from_bytes(stored), None, LIMIT) else { return };
    if !content.encoding().is_columnar() {
        return;
    }
    let mut lines = Vec::new();
    let read = content.read_to_end(&mut lines);
    let finished = content.finish();
    assert_eq!(read.is_err(), finished.is_err(), "who reads is told of every failure");
    if finished.is_err() {
        return;
    }
    assert!(lines.len() as u64 <= LIMIT);
    assert!(lines.is_empty() || lines.ends_with(b"\n"), "rows are whole");
    for line in lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        let line: Result<&RawValue, _> = serde_json::from_slice(line);
        assert!(line.is_ok(), "a row is JSON: {line:?}");
    }
}

fuzz_target!(|stored: &[u8]| {
    hush_caught_panics();
    read(stored.to_vec());
});
