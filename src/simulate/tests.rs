//! What a simulated delivery promises: the same request gives the same bytes, buffers respect
//! their limits, and every fault changes exactly what the truth says.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::Read;

use flate2::read::MultiGzDecoder;
use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::naming;
use crate::outcome::Verdict;
use crate::tests::cases;

/// Keeps objects in memory.
#[derive(Debug, Default, PartialEq, Eq)]
struct Memory(BTreeMap<String, (Vec<u8>, Option<String>, Timestamp)>);

impl Destination for Memory {
    fn put(
        &mut self,
        key: &str,
        body: &[u8],
        content_encoding: Option<&str>,
        modified: Timestamp,
    ) -> Result<()> {
        let object = (body.to_vec(), content_encoding.map(str::to_owned), modified);
        assert!(self.0.insert(key.to_owned(), object).is_none(), "{key} is written once");
        Ok(())
    }
}

impl Memory {
    /// The content of an object, as far as it decodes.
    fn content(&self, key: &str) -> (Vec<u8>, bool) {
        let (body, encoding, _) = &self.0[key];
        if encoding.is_none() {
            return (body.clone(), true);
        }
        let mut content = Vec::new();
        let whole = MultiGzDecoder::new(&body[..]).read_to_end(&mut content).is_ok();
        (content, whole)
    }
}

fn spec(faults: &str) -> Spec {
    Spec {
        error_prefix: String::new(),
        delivery_stream: "orders-2026".to_owned(),
        version: 3,
        prefix: "firehose/".to_owned(),
        zone: TimeZone::UTC,
        compression: Compression::Plain,
        wrapping: Wrapping::None,
        gzip_records: false,
        extension: None,
        delimiter: b"\n".to_vec(),
        buffer_bytes: 4096,
        buffer_interval: Duration::from_secs(60),
        seed: 7,
        faults: faults.parse().unwrap(),
    }
}

fn pace(millis: u64) -> Pace {
    let start = "2023-05-04T08:30:21.351077Z".parse().unwrap();
    Pace { start, interval: Duration::from_millis(millis) }
}

struct Delivery {
    objects: Memory,
    manifest: Vec<u8>,
    truth: Truth,
}

fn deliver(spec: &Spec, records: &mut dyn Records) -> Result<Delivery> {
    let (mut objects, mut manifest) = (Memory::default(), Vec::new());
    let truth = run(spec, records, &mut objects, &mut manifest)?;
    Ok(Delivery { objects, manifest, truth })
}

fn articles(count: u64) -> Generated {
    Generated::new(Kind::Article, count, pace(100), 1)
}

/// Checks a delivery whose records hold no line feed and are delimited by one, against its truth.
fn check(spec: &Spec, delivery: &Delivery) {
    let truth = &delivery.truth;
    let mut produced: HashMap<&[u8], i64> = HashMap::new();
    for line in delivery.manifest.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        *produced.entry(line).or_default() += 1;
    }
    let mut found: HashMap<Vec<u8>, i64> = HashMap::new();
    let (mut malformed, mut undecodable, mut content_bytes) = (HashSet::new(), 0, 0);
    for key in delivery.objects.0.keys() {
        let (content, whole) = delivery.objects.content(key);
        undecodable += u64::from(!whole);
        content_bytes += content.len() as u64;
        if truth.failed.iter().any(|failed| failed.at.key == *key) {
            continue;
        }
        for line in content.split(|&byte| byte == b'\n') {
            if serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok() {
                *found.entry(line.to_vec()).or_default() += 1;
            } else {
                malformed.insert(key.clone());
            }
        }
    }
    let delivered: i64 = produced
        .iter()
        .map(|(record, &count)| count.min(found.get(*record).copied().unwrap_or(0)))
        .sum();
    let all_produced: i64 = produced.values().sum();
    let all_found: i64 = found.values().sum();
    let expected = &truth.expected;
    assert_eq!(all_produced.unsigned_abs(), truth.produced);
    assert_eq!(all_found.unsigned_abs(), truth.written);
    assert_eq!(delivered.unsigned_abs(), expected.delivered);
    assert_eq!(truth.produced, expected.delivered + expected.failed + expected.missing);
    assert_eq!(truth.written, expected.delivered + expected.duplicates);
    assert_eq!(malformed.len() as u64, expected.malformed_objects);
    assert_eq!(undecodable, expected.undecodable_objects);
    assert_eq!(content_bytes, truth.content_bytes);
    assert_eq!(delivery.objects.0.len() as u64, truth.objects);
    let stored: usize = delivery.objects.0.values().map(|(body, ..)| body.len()).sum();
    assert_eq!(stored as u64, truth.stored_bytes);
    let faults = &spec.faults;
    let hit = [
        &truth.lost.len(),
        &truth.duplicated.len(),
        &truth.cut.len(),
        &truth.garbled.len(),
        &truth.failed.len(),
        &truth.late.len(),
    ]
    .map(|&len| len as u64);
    let Faults { lose, duplicate, cut, garble, fail, late } = *faults;
    assert_eq!(hit, [lose, duplicate, cut, garble, fail, late]);
    check_places(delivery);
}

/// Checks that each victim stands where the truth says.
fn check_places(delivery: &Delivery) {
    let truth = &delivery.truth;
    let at = |spot: &Spot, len: usize| {
        let offset = usize::try_from(spot.offset).unwrap();
        delivery.objects.content(&spot.key).0[offset..][..len].to_vec()
    };
    for copied in &truth.duplicated {
        assert_ne!(copied.original, copied.copy);
        for spot in [&copied.original, &copied.copy] {
            assert_eq!(at(spot, copied.record.len()), copied.record.as_bytes());
        }
    }
    for damaged in truth.garbled.iter().chain(&truth.cut) {
        let good = usize::try_from(damaged.damage_offset - damaged.at.offset).unwrap();
        assert_eq!(at(&damaged.at, good), damaged.record.as_bytes()[..good]);
    }
    for cut in &truth.cut {
        let content = delivery.objects.content(&cut.at.key).0;
        assert_eq!(content.len() as u64, cut.at.offset + cut.len);
        assert!(cut.len < cut.record.len() as u64);
    }
    for garbled in &truth.garbled {
        let stored = at(&garbled.at, garbled.record.len());
        let changed = stored.iter().zip(garbled.record.as_bytes()).filter(|(a, b)| a != b).count();
        assert!((1..=4).contains(&changed), "{garbled:?}");
    }
    for failed in &truth.failed {
        let (content, _) = delivery.objects.content(&failed.at.key);
        let from = usize::try_from(failed.at.offset).unwrap();
        let document = content[from..].split(|&byte| byte == b'\n').next().unwrap();
        let document: serde_json::Value = serde_json::from_slice(document).unwrap();
        assert_eq!(document["rawData"], crate::base64::encode(failed.record.as_bytes()));
        assert_eq!(document["errorCode"], failed.code);
    }
    for late in &truth.late {
        let modified = delivery.objects.0[&late.key].2;
        let due: Timestamp = late.due.parse().unwrap();
        assert_eq!(modified.to_string(), late.modified);
        assert!(modified.duration_since(due).as_secs() >= 3600);
    }
}

#[test]
fn ten_records_without_faults_are_one_object_like_the_articles() {
    let spec = Spec { delimiter: Vec::new(), ..spec("") };
    let delivery = deliver(&spec, &mut articles(10)).unwrap();
    let (key, (body, encoding, modified)) = delivery.objects.0.first_key_value().unwrap();
    let name = naming::parse(key).unwrap();
    assert_eq!(name.prefix, "firehose/2023/05/04/08/");
    assert_eq!(name.delivery_stream, "orders-2026");
    assert_eq!(name.arrival.to_string(), "2023-05-04T08:30:21");
    assert_eq!((encoding, modified.to_string().as_str()), (&None, "2023-05-04T08:31:21.351077Z"));
    let lines: Vec<u8> = delivery.manifest.iter().copied().filter(|&byte| byte != b'\n').collect();
    assert_eq!(body, &lines);
    assert!(body.starts_with(br#"{"EVENT_TIME": "2023-05-04T08:30:21.351077", "TICKER": ""#));
    assert_eq!(delivery.truth.expected.verdict, Verdict::Reconciled);
    assert_eq!((delivery.truth.objects, delivery.truth.written), (1, 10));
}

#[test]
fn one_lost_and_one_doubled_leave_the_count_right() {
    let delivery = deliver(&spec("lose=1,duplicate=1"), &mut articles(10)).unwrap();
    let truth = &delivery.truth;
    assert_eq!((truth.produced, truth.written, truth.objects), (10, 10, 1));
    assert_eq!((truth.expected.missing, truth.expected.duplicates), (1, 1));
    assert_eq!(truth.expected.verdict, Verdict::Discrepant);
    assert_ne!(truth.lost[0].index, truth.duplicated[0].index);
}

#[test]
fn failed_records_lie_below_the_prefix_by_the_hour_of_their_arrival() {
    let spec = spec("fail=30");
    let mut records = Generated::new(Kind::Article, 400, pace(20_000), 1);
    let delivery = deliver(&spec, &mut records).unwrap();
    check(&spec, &delivery);
    let expected = &delivery.truth.expected;
    assert_eq!((expected.failed, expected.missing), (30, 0));
    assert_eq!(expected.verdict, Verdict::Discrepant);
    let keys: HashSet<_> = delivery.truth.failed.iter().map(|failed| &failed.at.key).collect();
    assert!(keys.len() > 1);
    for key in keys {
        let name = naming::parse(key).unwrap();
        let hour = name.arrival.strftime("%Y/%m/%d/%H");
        assert_eq!(name.prefix, format!("firehose/processing-failed/{hour}/"));
    }
}

#[test]
fn late_objects_are_no_finding() {
    let spec = spec("late=2");
    let delivery = deliver(&spec, &mut articles(2000)).unwrap();
    check(&spec, &delivery);
    assert_eq!(delivery.truth.expected.verdict, Verdict::Reconciled);
}

#[test]
fn duplicates_stand_in_the_same_and_in_later_objects() {
    let delivery = deliver(&spec("duplicate=20"), &mut articles(2000)).unwrap();
    let same = |copied: &&Duplicated| copied.original.key == copied.copy.key;
    let count = delivery.truth.duplicated.iter().filter(same).count();
    assert!((1..20).contains(&count), "{count}");
}

#[test]
fn equal_records_cancel_in_what_is_expected() {
    let records = [&br#"{"a":1}"#[..], br#"{"a":1}"#];
    let mut given = Given::new(records.iter(), pace(10));
    let delivery = deliver(&spec("lose=1,duplicate=1"), &mut given).unwrap();
    assert_eq!(delivery.truth.expected.verdict, Verdict::Reconciled);
    assert_eq!(delivery.truth.expected.delivered, 2);
}

#[test]
fn given_records_are_delivered_as_they_are() {
    let records = ["{\"a\":1}", "[2]", "3", "\"caf\u{e9}\""];
    let mut given = Given::new(records.iter(), pace(10));
    let delivery = deliver(&spec(""), &mut given).unwrap();
    let (body, ..) = delivery.objects.0.values().next().unwrap();
    assert_eq!(body, records.join("\n").as_bytes());
    let mut empty = Given::new(["1", " "].iter(), pace(10));
    let error = deliver(&spec(""), &mut empty).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "record 1 is empty and would leave no trace");
}

#[test]
fn keys_are_as_the_prefixes_say() {
    let spec = Spec {
        prefix:
            "c=!{partitionKeyFromQuery:c}/!{timestamp:yyyy/MM/dd/HH}/!{firehose:random-string}/"
                .to_owned(),
        error_prefix: "e/!{firehose:error-output-type}/!{timestamp:yyyy}/".to_owned(),
        buffer_bytes: 500,
        ..spec("fail=1")
    };
    let delivery = deliver(&spec, &mut articles(200)).unwrap();
    let (errors, data): (Vec<_>, Vec<_>) =
        delivery.objects.0.keys().partition(|key| key.starts_with("e/processing-failed/20"));
    assert_eq!(errors.len(), 1);
    let partitions: BTreeSet<_> = data.iter().filter_map(|key| key.split('/').next()).collect();
    assert_eq!(partitions.into_iter().collect::<Vec<_>>(), ["c=c-0", "c=c-1", "c=c-2", "c=c-3"]);
}

#[test]
fn more_faults_than_can_be_had_is_an_error() {
    let error = |faults: &str| {
        let result = deliver(&spec(faults), &mut articles(10));
        result.map(|_| ()).unwrap_err().to_string()
    };
    assert_eq!(error("lose=11"), "lose=11 needs a record for each fault, and there are 10");
    let expected = "cut=2 needs 2 objects whose end can be cut, and there are 1";
    assert_eq!(error("cut=2"), expected);
    let expected = "late=1 needs 1 objects that are not cut, and there are 0";
    assert_eq!(error("cut=1,late=1"), expected);
}

#[test]
fn what_firehose_would_refuse_is_refused() {
    let wrong = [
        Spec { delivery_stream: "a b".to_owned(), ..spec("") },
        Spec { version: 0, ..spec("") },
        Spec { buffer_interval: Duration::from_secs(901), ..spec("") },
        Spec { prefix: "!{nothing}".to_owned(), ..spec("") },
        Spec { prefix: "!{firehose:error-output-type}".to_owned(), ..spec("") },
        Spec { prefix: "!{timestamp:GG}".to_owned(), ..spec("") },
        Spec { gzip_records: true, ..spec("") },
    ];
    for spec in wrong {
        let error = deliver(&spec, &mut articles(1)).map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(error.advice().is_some());
    }
}

#[test]
fn made_up_records_are_json_different_and_in_order() {
    for (kind, sizes) in [(Kind::Article, 70..90), (Kind::Nested, 800..1400)] {
        let mut records = Generated::new(kind, 2000, pace(0), 3);
        let (mut seen, mut record, mut before) = (HashSet::new(), Vec::new(), None);
        while let Some(arrival) = records.write_next(&mut record).unwrap() {
            assert!(sizes.contains(&record.len()), "{}", record.len());
            assert!(!record.contains(&b'\n'));
            let value: serde_json::Value = serde_json::from_slice(&record).unwrap();
            assert!(value.is_object());
            assert!(Some(arrival) > before);
            before = Some(arrival);
            assert!(seen.insert(record.clone()));
            record.clear();
        }
        assert_eq!(seen.len(), 2000);
    }
}

#[test]
fn a_seed_gives_this_record_for_ever() {
    let mut record = Vec::new();
    Generated::new(Kind::Article, 1, pace(1), 3).write_next(&mut record).unwrap();
    let expected =
        r#"{"EVENT_TIME": "2023-05-04T08:30:21.351077", "TICKER": "INTC", "PRICE": 28.77}"#;
    assert_eq!(std::str::from_utf8(&record).unwrap(), expected);
}

#[test]
fn prices_are_spelled_as_python_does() {
    let mut records = articles(5000);
    let mut record = Vec::new();
    while records.write_next(&mut record).unwrap().is_some() {
        let text = std::str::from_utf8(&record).unwrap();
        let price = text.rsplit(": ").next().unwrap().trim_end_matches('}');
        assert_eq!(price, format!("{:?}", price.parse::<f64>().unwrap()));
        record.clear();
    }
}

#[test]
fn a_directory_holds_data_and_truth_apart() {
    let out = tempfile::tempdir().unwrap();
    let spec = spec("lose=1");
    let truth = to_directory(&spec, &mut articles(10), out.path()).unwrap();
    let text = fs::read(out.path().join(TRUTH)).unwrap();
    assert_eq!(serde_json::from_slice::<Truth>(&text).unwrap(), truth);
    let manifest = fs::read_to_string(out.path().join(MANIFEST)).unwrap();
    assert_eq!(manifest.lines().count(), 10);
    let hour = fs::read_dir(out.path().join("data/firehose/2023/05/04/08")).unwrap();
    assert_eq!(hour.count(), 1);
    let error = to_directory(&spec, &mut articles(10), out.path()).unwrap_err();
    assert!(error.to_string().ends_with("exists already"), "{error}");
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn the_truth_is_what_can_be_found(
        seed in any::<u64>(),
        lose in 0_u64..20, duplicate in 0_u64..20, garble in 0_u64..20,
        cut in 0_u64..3, late in 0_u64..3, fail in 0_u64..20,
        gzip in any::<bool>(),
        buffer_bytes in 200_usize..20_000,
        nested in any::<bool>(),
    ) {
        let faults = Faults { lose, duplicate, cut, garble, fail, late };
        let compression = if gzip { Compression::Gzip } else { Compression::Plain };
        let spec = Spec { faults, compression, buffer_bytes, seed, ..spec("") };
        let kind = if nested { Kind::Nested } else { Kind::Article };
        let mut records = Generated::new(kind, 2000, pace(100), seed);
        check(&spec, &deliver(&spec, &mut records).unwrap());
    }

    #[test]
    fn the_same_request_gives_the_same_bytes_and_faults_change_no_other_record(
        seed in any::<u64>(), gzip in any::<bool>(),
    ) {
        let compression = if gzip { Compression::Gzip } else { Compression::Plain };
        let faults = "lose=2,duplicate=3,cut=1,garble=2,late=1".parse().unwrap();
        let spec = Spec { compression, seed, faults, ..spec("") };
        let one = deliver(&spec, &mut articles(1000)).unwrap();
        let two = deliver(&spec, &mut articles(1000)).unwrap();
        prop_assert_eq!(&one.objects, &two.objects);
        prop_assert_eq!(&one.manifest, &two.manifest);
        prop_assert_eq!(&one.truth, &two.truth);
        let plain = Spec { faults: Faults::default(), ..spec };
        prop_assert_eq!(&one.manifest, &deliver(&plain, &mut articles(1000)).unwrap().manifest);
    }

    #[test]
    fn buffers_respect_size_and_interval(
        seed in any::<u64>(),
        buffer_bytes in 100_usize..3000,
        interval in 0_u64..=900,
        millis in 0_u64..100_000,
        duplicate in 0_u64..10,
    ) {
        let spec = Spec {
            buffer_bytes,
            buffer_interval: Duration::from_secs(interval),
            faults: Faults { duplicate, ..Faults::default() },
            seed,
            ..spec("")
        };
        let mut records = Generated::new(Kind::Article, 500, pace(millis), seed);
        let delivery = deliver(&spec, &mut records).unwrap();
        let copies: HashSet<&str> =
            delivery.truth.duplicated.iter().map(|copied| copied.record.as_str()).collect();
        for (key, (body, _, modified)) in &delivery.objects.0 {
            prop_assert!(body.len() <= buffer_bytes);
            let name = naming::parse(key).unwrap();
            let begun = name.arrived(&spec.zone).unwrap();
            let open = modified.duration_since(begun).as_secs();
            prop_assert!(open <= i64::try_from(interval).unwrap() + 1);
            for line in std::str::from_utf8(body).unwrap().lines() {
                let time: jiff::civil::DateTime = line[16..42].parse().unwrap();
                let arrival = spec.zone.to_timestamp(time).unwrap();
                let own = arrival >= begun && arrival <= *modified;
                prop_assert!(own || copies.contains(line), "{key}: {line}");
            }
        }
    }
}
