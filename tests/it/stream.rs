//! A data stream as the truth: what is read of it, how it goes wrong, and what that looks like.

pub(crate) mod fake;
mod kinesalite;
mod seeds;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use fhcheck::aws::Aws;
use fhcheck::error::Error;
use fhcheck::expect::kpl;
use fhcheck::expect::manifest::{self, Kind, Line};
use fhcheck::expect::stream::{self, Share, StreamRead, Summary};
use fhcheck::observe::Silent;
use jiff::{SignedDuration, Timestamp, Unit};
use tempfile::TempDir;

use fake::{Came, Fake, Fault, Held, Shard};

/// 2026-07-04T12:00:00Z, in seconds.
const NOON: f64 = 1_783_166_400.0;

fn at(seconds: f64) -> Timestamp {
    Timestamp::from_duration(SignedDuration::from_secs_f64(seconds))
        .unwrap()
        .round(Unit::Millisecond)
        .unwrap()
}

/// Everything up to noon, as fast as a shard can give it.
fn until_noon() -> StreamRead {
    StreamRead {
        stream: "orders".into(),
        from: None,
        to: at(NOON),
        share: Share::percent(100).unwrap(),
        now: at(NOON + 120.0),
    }
}

/// A record a second, the last one a second before noon.
fn shard(id: &str, records: usize) -> Shard {
    let first = NOON - records as f64;
    let record = |n: usize| (first + n as f64, format!("{id} {n}").into_bytes());
    let records = (0..records).map(record).collect();
    Shard { id: id.into(), listed: true, children: None, records }
}

fn held(shards: Vec<Shard>) -> Held {
    Held {
        created: NOON - 1e6,
        retention_hours: 24,
        shards,
        page: 100,
        empties: false,
        loops: false,
    }
}

fn no_fault(_: &Came, _: usize) -> Option<Fault> {
    None
}

/// One record of a snapshot: its shard, its number, its place in an aggregate.
type Place = (String, String, Option<u64>);

/// The records of a snapshot, which must be whole.
fn records(snapshot: &[u8]) -> BTreeMap<Place, Vec<u8>> {
    let mut lines = snapshot.strip_suffix(b"\n").unwrap().split(|&byte| byte == b'\n');
    let Ok(Line::Header(header)) = manifest::read(lines.next().unwrap()) else {
        panic!("no header")
    };
    assert_eq!(header.kind, Kind::Snapshot);
    let Ok(Line::End { records }) = manifest::read(lines.next_back().unwrap()) else {
        panic!("it is not whole")
    };
    let mut found = BTreeMap::new();
    for line in lines {
        let Ok(Line::Read(read)) = manifest::read(line) else { panic!("no record") };
        let place = (read.shard_id.into(), read.sequence_number.into(), read.sub_sequence_number);
        let twice = found.insert(place, read.data.into_owned());
        assert_eq!(twice, None, "no record is there twice");
    }
    assert_eq!(found.len() as u64, records);
    found
}

async fn read(
    aws: &Aws,
    request: &StreamRead,
) -> Result<(Summary, BTreeMap<Place, Vec<u8>>), Error> {
    let mut snapshot = Vec::new();
    let summary = stream::read(aws, request, &mut snapshot, &Silent).await?;
    Ok((summary, records(&snapshot)))
}

/// The data of all records, in the order of shards and numbers.
fn data(records: &BTreeMap<Place, Vec<u8>>) -> Vec<String> {
    let mut data: Vec<_> =
        records.values().map(|data| String::from_utf8(data.clone()).unwrap()).collect();
    data.sort();
    data
}

fn all_data(shards: &[Shard]) -> Vec<String> {
    let records = shards.iter().flat_map(|shard| &shard.records);
    let mut data: Vec<_> =
        records.map(|(_, data)| String::from_utf8(data.clone()).unwrap()).collect();
    data.sort();
    data
}

#[tokio::test]
async fn iterators_expire_and_nothing_is_read_twice() {
    // A single shard: which calls fail then depends on nothing else.
    let shards = vec![shard("a", 251)];
    let fault = |call: &Came, before: usize| {
        let expired = call.action == "GetRecords" && before % 3 != 2;
        expired.then_some((400, "ExpiredIteratorException", "Iterator expired."))
    };
    let fake = Fake::start(held(shards.clone()), Box::new(fault)).await;
    let (summary, records) = read(&fake.aws(), &until_noon()).await.unwrap();
    assert_eq!(data(&records), all_data(&shards));
    assert_eq!(summary.counts.records, 251);
    let renewed = fake.calls("GetShardIterator");
    let behind = renewed.iter().filter(|call| call.body["StartingSequenceNumber"].is_string());
    assert!(behind.count() > 0, "an iterator goes on behind the last record");
}

#[tokio::test]
async fn trouble_that_passes_costs_time_and_no_record() {
    let shards = vec![shard("a", 150)];
    let fault = |call: &Came, before: usize| match (call.action.as_str(), before) {
        ("GetRecords", 0) => {
            Some((400, "ProvisionedThroughputExceededException", "Rate exceeded for shard a"))
        }
        ("GetRecords", 2) => Some((500, "InternalFailure", "")),
        ("ListShards", 0) => Some((400, "LimitExceededException", "Rate exceeded")),
        _ => None,
    };
    let fake = Fake::start(held(shards.clone()), Box::new(fault)).await;
    let (summary, records) = read(&fake.aws(), &until_noon()).await.unwrap();
    assert_eq!(data(&records), all_data(&shards));
    assert_eq!(summary.throttled, 2);
    let calls = ["DescribeStreamSummary", "ListShards", "GetShardIterator", "GetRecords"];
    let calls: usize = calls.iter().map(|action| fake.calls(action).len()).sum();
    assert_eq!(summary.calls, calls as u64);
}

#[tokio::test]
async fn all_pages_are_listed_even_when_one_expires() {
    let shards: Vec<_> = (0..5).map(|n| shard(&format!("shard{n}"), 3)).collect();
    let mut world = held(shards.clone());
    world.page = 2;
    let fault = |call: &Came, before: usize| {
        let expired = call.action == "ListShards" && before == 1;
        expired.then_some((400, "ExpiredNextTokenException", "The token expired."))
    };
    let fake = Fake::start(world, Box::new(fault)).await;
    let (summary, records) = read(&fake.aws(), &until_noon()).await.unwrap();
    assert_eq!(data(&records), all_data(&shards));
    assert_eq!(summary.shards.len(), 5);
    assert!(summary.shards.iter().all(|shard| shard.records == 3 && !shard.closed));
}

/// Page after page of the same shards would be asked for ever.
#[tokio::test]
async fn pages_of_shards_that_come_again_end_the_run() {
    let mut world = held((0..5).map(|n| shard(&format!("s{n}"), 1)).collect());
    (world.page, world.loops) = (2, true);
    let fake = Fake::start(world, Box::new(no_fault)).await;
    let error = read(&fake.aws(), &until_noon()).await.unwrap_err();
    let said = "kinesis:ListShards on data stream orders failed: the same page is named twice";
    assert_eq!(error.to_string(), said);
    assert_eq!(fake.calls("ListShards").len(), 3);
}

/// A parent names its children, and they theirs; only the parent was listed.
#[tokio::test]
async fn children_are_read_and_each_of_them_once() {
    let parent = |id: &str, children: &[&str]| Shard {
        children: Some(children.iter().map(|id| (*id).to_owned()).collect()),
        ..shard(id, 2)
    };
    let unlisted = |id: &str| Shard { listed: false, ..shard(id, 2) };
    let mut shards = vec![parent("a", &["c"]), parent("b", &["c"]), parent("c", &["d", "e"])];
    shards[2].listed = false;
    shards.extend([unlisted("d"), unlisted("e")]);
    let fake = Fake::start(held(shards.clone()), Box::new(no_fault)).await;
    let (summary, records) = read(&fake.aws(), &until_noon()).await.unwrap();
    assert_eq!(data(&records), all_data(&shards));
    let closed: Vec<_> =
        summary.shards.iter().map(|shard| (shard.id.as_str(), shard.closed)).collect();
    assert_eq!(closed, [("a", true), ("b", true), ("c", true), ("d", false), ("e", false)]);
}

#[tokio::test]
async fn a_window_is_read_with_a_little_more_and_not_much_more() {
    // From 11:50 to 11:55; the records are of 11:40 to noon. A late one stands at the very beginning.
    let mut only = shard("a", 1200);
    only.records.insert(0, (NOON - 590.0, Vec::new()));
    only.records.iter_mut().for_each(|(_, data)| data.resize(2000, b' '));
    let request = StreamRead { from: Some(at(NOON - 600.0)), to: at(NOON - 300.0), ..until_noon() };
    let fake = Fake::start(held(vec![only.clone()]), Box::new(no_fault)).await;
    let (summary, records) = read(&fake.aws(), &request).await.unwrap();
    let kept = |from: f64, to: f64| {
        let inside = only.records.iter().filter(|(arrival, _)| (from..to).contains(arrival));
        inside.count()
    };
    let (wanted, most) = (kept(NOON - 600.0, NOON - 300.0), kept(NOON - 660.0, NOON - 240.0));
    assert_eq!((wanted, most), (301, 421));
    assert_eq!(records.len(), most);
    // Reading began with the first record whose arrival fits, and ended soon behind the window.
    assert!(summary.counts.outside >= 500, "{:?}", summary.counts);
    let read = summary.counts.outside + summary.counts.records;
    assert!(read < 1201, "nothing is read from 11:57 on: {read}");
    assert_eq!(summary.complete_from, at(NOON - 600.0));
}

#[tokio::test]
async fn retention_cuts_the_truth_and_it_says_where() {
    let day = 24.0 * 3600.0;
    let horizon = at(NOON + 120.0 - day);
    let fake = Fake::start(held(vec![shard("a", 2)]), Box::new(no_fault)).await;
    let from = |from| StreamRead { from, ..until_noon() };
    let complete = |request| {
        let aws = fake.aws();
        async move { read(&aws, &request).await.unwrap().0.complete_from }
    };
    assert_eq!(complete(from(Some(at(NOON - 60.0)))).await, at(NOON - 60.0));
    // While it is read, the horizon goes on.
    let soon = SignedDuration::from_secs(30);
    for asked in [None, Some(at(NOON - 2.0 * day))] {
        let complete = complete(from(asked)).await;
        assert!(complete >= horizon && complete < horizon + soon, "{asked:?}: {complete}");
    }
    // A stream younger than its retention has lost nothing.
    let young = Held { created: NOON - 3600.0, ..held(vec![shard("a", 2)]) };
    let fake = Fake::start(young, Box::new(no_fault)).await;
    for (asked, complete) in [(None, NOON - 3600.0), (Some(NOON - 2.0 * day), NOON - 2.0 * day)] {
        let (summary, _) = read(&fake.aws(), &from(asked.map(at))).await.unwrap();
        assert_eq!(summary.complete_from, at(complete));
    }
}

/// What retention takes between the listing and the reading of a shard.
#[tokio::test]
async fn a_shard_that_expires_meanwhile_is_a_cut_and_no_error() {
    let fault = |call: &Came, _: usize| {
        let gone = call.action == "GetShardIterator" && call.body["ShardId"] == "a";
        gone.then_some((400, "ResourceNotFoundException", "Shard a does not exist"))
    };
    let shards = vec![shard("a", 2), shard("b", 2)];
    let fake = Fake::start(held(shards), Box::new(fault)).await;
    let (summary, records) = read(&fake.aws(), &until_noon()).await.unwrap();
    assert_eq!(data(&records), ["b 0", "b 1"]);
    let horizon = at(NOON + 120.0 - 24.0 * 3600.0);
    assert!(summary.complete_from > horizon, "{}", summary.complete_from);
    // Records of the last minute cannot have expired: something else is wrong.
    let request = StreamRead { from: Some(at(NOON - 60.0)), ..until_noon() };
    let error = read(&fake.aws(), &request).await.unwrap_err();
    assert!(error.to_string().starts_with("there is no shard named a of"), "{error}");
}

#[tokio::test]
async fn aggregates_are_taken_apart_and_damaged_ones_kept() {
    let inner = |data| kpl::Record { partition_key: "k", explicit_hash_key: None, data };
    let whole = kpl::aggregate([inner(&b"one"[..]), inner(b"two"), inner(b"one")]);
    let mut damaged = whole.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let mut only = shard("a", 3);
    only.records[0].1 = whole;
    only.records[2].1 = damaged.clone();
    let fake = Fake::start(held(vec![only]), Box::new(no_fault)).await;
    let (summary, records) = read(&fake.aws(), &until_noon()).await.unwrap();
    let expected: [(&str, Option<u64>, &[u8]); 5] = [
        ("1", Some(0), b"one"),
        ("1", Some(1), b"two"),
        ("1", Some(2), b"one"),
        ("2", None, b"a 1"),
        ("3", None, &damaged),
    ];
    let found: Vec<_> = records
        .iter()
        .map(|((_, number, place), data)| (number.as_str(), *place, data.as_slice()))
        .collect();
    assert_eq!(found, expected);
    let counts = summary.counts;
    assert_eq!((counts.records, counts.user_records), (3, 5));
    assert_eq!((counts.aggregates, counts.damaged_aggregates), (1, 1));
    assert_eq!(
        (counts.first_arrival, counts.last_arrival),
        (Some(at(NOON - 3.0)), Some(at(NOON - 1.0)),)
    );
}

/// A window that ends later than now: records that come meanwhile are in it.
#[tokio::test]
async fn what_is_still_to_come_is_waited_for() {
    let fake = Fake::start(held(vec![shard("a", 2)]), Box::new(no_fault)).await;
    let request = StreamRead { now: at(NOON - 2.0), ..until_noon() };
    let started = Instant::now();
    read(&fake.aws(), &request).await.unwrap();
    assert!(started.elapsed() >= Duration::from_secs(2), "it asks again until noon is over");
}

#[tokio::test]
async fn a_shard_is_asked_no_more_often_than_its_share() {
    let shards = vec![shard("a", 700), shard("b", 700)];
    let fake = Fake::start(held(shards), Box::new(no_fault)).await;
    let share = Share::percent(80).unwrap();
    read(&fake.aws(), &StreamRead { share, ..until_noon() }).await.unwrap();
    for shard in ["a/", "b/"] {
        let calls = fake.calls("GetRecords");
        let calls = calls
            .iter()
            .filter(|call| call.body["ShardIterator"].as_str().unwrap().starts_with(shard));
        let times: Vec<_> = calls.map(|call| call.at).collect();
        // 80 % of five a second are four. A call may be under way for a moment before it is seen.
        let least = Duration::from_millis(250) * u32::try_from(times.len() - 1).unwrap();
        let took = *times.last().unwrap() - times[0];
        assert!(times.len() >= 2 && took + Duration::from_millis(200) >= least, "{took:?}");
    }
}

/// What a user reads when a call is answered so.
async fn shown(action: &'static str, fault: Fault) -> String {
    let faults = move |call: &Came, _: usize| (call.action == action).then_some(fault);
    let fake = Fake::start(held(vec![shard("shardId-000000000000", 2)]), Box::new(faults)).await;
    let error = read(&fake.aws(), &until_noon()).await.unwrap_err();
    format!("{:?}: {error}\nhint: {}", error.kind(), error.advice().unwrap_or("-"))
}

#[tokio::test]
async fn what_goes_wrong_is_said_with_action_stream_and_permission() {
    let gone = (400, "ResourceNotFoundException", "Stream orders under account 1 not found.");
    insta::assert_snapshot!(shown("DescribeStreamSummary", gone).await);
    let message = "User: arn:aws:iam::1:user/u is not authorized to perform: kinesis:GetRecords";
    insta::assert_snapshot!(shown("GetRecords", (400, "AccessDeniedException", message)).await);
    insta::assert_snapshot!(shown("ListShards", (400, "AccessDeniedException", "No.")).await);
    let expired = (400, "ExpiredTokenException", "The security token included is expired");
    insta::assert_snapshot!(shown("GetShardIterator", expired).await);
    let message = "User u is not authorized to perform: kms:Decrypt on key/1";
    insta::assert_snapshot!(shown("GetRecords", (400, "KMSAccessDeniedException", message)).await);
}

#[tokio::test]
async fn an_empty_window_is_refused_before_anything_is_asked() {
    let fake = Fake::start(held(Vec::new()), Box::new(no_fault)).await;
    for from in [NOON, NOON + 3600.0] {
        let request = StreamRead { from: Some(at(from)), ..until_noon() };
        assert!(read(&fake.aws(), &request).await.is_err());
    }
    assert!(fake.calls("DescribeStreamSummary").is_empty());
}

#[tokio::test]
async fn an_estimate_reads_nothing() {
    let fake = Fake::start(held(vec![shard("a", 2), shard("b", 2)]), Box::new(no_fault)).await;
    let request = StreamRead { from: Some(at(NOON - 3600.0)), ..until_noon() };
    let estimate = stream::estimate(&fake.aws(), &request).await.unwrap();
    assert_eq!((estimate.open, estimate.closed), (2, 0));
    assert_eq!(estimate.bytes_at_most, 7200 << 20);
    // A shard takes half as much a second as it gives out.
    assert_eq!(estimate.at_most, Duration::from_secs(1800));
    assert!(fake.calls("GetRecords").is_empty() && fake.calls("GetShardIterator").is_empty());
}

fn fhcheck(fake: &Fake, folder: &TempDir, words: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::cargo_bin("fhcheck").unwrap();
    let output = command
        .current_dir(folder.path())
        .env("AWS_ACCESS_KEY_ID", "key")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .args(["snapshot", "--stream", "orders", "-o", "orders.snapshot", "--stream-share", "100"])
        .args(["--endpoint-url", &fake.url()])
        .args(words)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_keeps_a_stream_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.snapshot");
    // This command has a clock, and nothing of that day may ever have expired.
    let young = |shards| Held { retention_hours: 1_000_000, ..held(shards) };
    let closed = Shard { children: Some(Vec::new()), ..shard("b", 1) };
    let fake = Fake::start(young(vec![shard("a", 3), closed]), Box::new(no_fault)).await;
    let window = ["--since", "2026-07-04T11:00:00Z", "--until", "2026-07-04T12:00:00Z"];

    let (code, stdout, stderr) = fhcheck(&fake, &folder, &window);
    assert_eq!((code, stdout.as_str()), (Some(0), ""), "{stderr}");
    insta::assert_snapshot!("snapshot", stderr);
    assert_eq!(records(&std::fs::read(&path).unwrap()).len(), 4);
    std::fs::remove_file(&path).unwrap();

    let (code, stdout, stderr) = fhcheck(&fake, &folder, &[&window[..], &["--dry-run"]].concat());
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    insta::assert_snapshot!("snapshot_dry_run", stdout);
    assert!(!path.exists(), "nothing is written");

    // Retention has taken the beginning: the file is there, and the code says that it has a gap.
    let fake = Fake::start(held(vec![shard("a", 3)]), Box::new(no_fault)).await;
    let (code, _, stderr) = fhcheck(&fake, &folder, &["--since", "2020-01-01"]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("are gone"), "{stderr}");
    std::fs::remove_file(&path).unwrap();

    // One that fails on its way leaves no file behind.
    let asked = AtomicUsize::new(0);
    let fault = move |call: &Came, _: usize| {
        let denied = call.action == "GetRecords" && asked.fetch_add(1, Ordering::Relaxed) > 0;
        denied.then_some((400, "AccessDeniedException", "No."))
    };
    let fake = Fake::start(young(vec![shard("a", 300)]), Box::new(fault)).await;
    let (code, _, stderr) = fhcheck(&fake, &folder, &window);
    assert_eq!(code, Some(2));
    assert!(stderr.starts_with("error: access denied: kinesis:GetRecords"), "{stderr}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
