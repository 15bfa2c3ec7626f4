//! Keys, prefixes and faults as text: never a panic, and what was read can be written again.
#![no_main]

use fhcheck::naming::layout::Layout;
use fhcheck::naming::prefix::Prefix;
use fhcheck::naming::{self, KeyName};
use fhcheck::simulate::Faults;
use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;

fn render(name: &KeyName) -> Option<String> {
    let arrival = name.arrived(&TimeZone::UTC)?;
    let object = naming::object_name(
        &name.delivery_stream,
        name.version,
        arrival,
        &TimeZone::UTC,
        &name.tail,
        &name.extension,
    );
    Some(format!("{}{object}", name.prefix))
}

fuzz_target!(|text: &str| {
    let name = naming::parse(text);
    if let Some(rendered) = name.as_ref().and_then(render) {
        assert_eq!(naming::parse(&rendered), name, "{rendered}");
    }
    naming::suggested_encoding(text);
    Layout::infer("", text);
    let _ = Prefix::parse(text);
    if let Ok(faults) = text.parse::<Faults>() {
        assert_eq!(faults.to_string().parse::<Faults>().ok(), Some(faults));
    }
});
