//! Keys, prefixes and faults as text: never a panic, and what was read can be written again. A key that a
//! prefix makes parses back, and no window that it is in leaves it out.
#![no_main]

use fhcheck::naming::layout::{self, Layout};
use fhcheck::naming::prefix::{Prefix, RANDOM_LEN, Values};
use fhcheck::naming::scheme::Scheme;
use fhcheck::naming::{self, KeyName};
use fhcheck::plan::Window;
use fhcheck::simulate::Faults;
use fhcheck::source::KeyRange;
use jiff::tz::{self, TimeZone};
use jiff::{SignedDuration, Timestamp};
use libfuzzer_sys::fuzz_target;

const UUID: &str = "0c9b1f3e-5d0a-4a57-9a0e-2f6a4c1b7d10";
/// Seconds from 1970 to this century, whose years two digits tell; a day more, for zones.
const CENTURY: i64 = 946_684_800 + DAY;
/// Seconds that are taken of it.
const YEARS: i64 = 36_000 * DAY;
const DAY: i64 = 86_400;

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

/// The ranges of a window are in order and apart, and hold the key if the window does.
fn assert_found(key: &str, name: &KeyName, layout: &Layout, window: &Window, zone: &TimeZone) {
    for location in ["", key.split('/').next().unwrap_or_default()] {
        if !layout.is_under(location) {
            continue;
        }
        let ranges = layout::ranges(location, Some(layout), window, zone);
        for pair in ranges.windows(2) {
            assert!(pair[0].stop_before.is_some() && pair[0].stop_before <= pair[1].start_after);
        }
        let holds = |ranges: &[KeyRange]| ranges.iter().any(|range| range.contains(key));
        let found = holds(&ranges);
        assert!(
            !layout.fits(key, name) || !naming::in_window(name, window, zone) || found,
            "{key}"
        );
        let left_out: Vec<_> = layout::left_out(location, &ranges).collect();
        assert!(!(found && holds(&left_out)), "{key} is listed and left out");
    }
}

/// The key that a prefix makes of a record that arrived then.
fn assert_made(prefix: &Prefix, arrival: Timestamp, window: &Window, zone: &TimeZone) {
    let mut values = Values {
        random: &mut || "x".repeat(RANDOM_LEN),
        partition_key: &mut |id| format!("{id}=7"),
        error_type: "processing-failed",
    };
    let Ok(evaluated) = prefix.evaluate(arrival, zone, &mut values) else { return };
    let object = naming::object_name("orders", 1, arrival, zone, UUID, ".gz");
    let key = format!("{evaluated}{object}");
    let name = naming::parse(&key).expect("it is a key of Firehose's");
    assert_eq!((name.version, name.tail.as_str(), name.extension.as_str()), (1, UUID, ".gz"));
    assert_eq!(name.arrival, zone.to_datetime(arrival));
    assert_eq!(format!("{}{}", name.prefix, name.delivery_stream), format!("{evaluated}orders"));
    if let Ok(layout) = Layout::of(prefix) {
        assert!(layout.is_at_home(&key, &name), "{key} in {layout}");
        let (begin, end) = layout.span(&key).expect("it is of the layout");
        assert!((begin..=end).contains(&name.arrival), "{key} in {layout}");
        assert_found(&key, &name, &layout, window, zone);
    }
    if let Some(layout) = Layout::infer("", &key) {
        assert!(layout.fits(&key, &name), "{key} in {layout}");
        assert_found(&key, &name, &layout, window, zone);
    }
}

/// Clocks that are never changed, by a quarter of an hour; and clocks that are.
fn zone(byte: i8) -> TimeZone {
    if byte == i8::MAX {
        return TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a rule of POSIX");
    }
    let offset = tz::Offset::from_seconds(i32::from(byte).clamp(-56, 56) * 900);
    TimeZone::fixed(offset.expect("half a day and a bit"))
}

/// A window about an arrival, open where its end says nothing.
fn window(arrival: Timestamp, [since, until]: [i16; 2]) -> Window {
    let minutes = |minutes: i16| {
        let away = SignedDuration::from_mins(minutes.into());
        (minutes != i16::MIN).then(|| arrival.saturating_add(away).expect("minutes are small"))
    };
    Window { since: minutes(since), until: minutes(until) }
}

fuzz_target!(|input: (u32, i8, [i16; 2], &str)| {
    let (arrival, clocks, edges, text) = input;
    let arrival = CENTURY + i64::from(arrival) % YEARS;
    let arrival = Timestamp::new(arrival, 0).expect("a second of this century");
    let (zone, window) = (zone(clocks), window(arrival, edges));
    let name = naming::parse(text);
    if let Some(rendered) = name.as_ref().and_then(render) {
        assert_eq!(naming::parse(&rendered), name, "{rendered}");
    }
    naming::suggested_encoding(text);
    if let (Some(name), Some(layout)) = (&name, Layout::infer("", text)) {
        assert!(layout.fits(text, name), "{text} in {layout}");
        assert_found(text, name, &layout, &window, &zone);
    }
    // A prefix, and a key that it may not have made.
    let (prefix, key) = text.split_once('\n').unwrap_or((text, text));
    if let Ok(prefix) = Prefix::parse(prefix) {
        assert!(!Scheme::configured(&prefix, &zone).to_string().is_empty());
        assert_made(&prefix, arrival, &window, &zone);
        if let (Some(name), Ok(layout)) = (naming::parse(key), Layout::of(&prefix)) {
            assert_found(key, &name, &layout, &window, &zone);
        }
    }
    if let Ok(faults) = text.parse::<Faults>() {
        assert_eq!(faults.to_string().parse::<Faults>().ok(), Some(faults));
    }
});
