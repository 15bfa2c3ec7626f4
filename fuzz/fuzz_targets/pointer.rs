//! JSON Pointers: a pointer on the first line finds in the rest what serde_json finds there.
#![no_main]

use fhcheck::fingerprint::Pointer;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Some(end) = data.iter().position(|&byte| byte == b'\n') else { return };
    let (text, record) = (&data[..end], &data[end + 1..]);
    let Ok(text) = std::str::from_utf8(text) else { return };
    let Ok(pointer) = Pointer::parse(text) else { return };
    assert_eq!(pointer.to_string(), text);
    let Ok(value) = serde_json::from_slice::<Value>(record) else { return };
    let found = pointer.find(record).map(|found| serde_json::from_slice(found).expect("JSON"));
    assert_eq!(found.as_ref(), value.pointer(text));
});
