//! Streams by seed, with trouble by the same seed: what is read is all that is held, once; or it is said
//! that it is not.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use fhcheck::error::Error;
use fhcheck::expect::stream::Summary;
use futures::future::join_all;

use super::fake::{Came, Fake, Fault, Held, Shard};
use super::{Place, all_data, at, data, held, read, shard, until_noon};
use crate::hostile::dice::Dice;

/// Streams that are read at once: waiting is all that they do.
const STREAMS: u64 = 48;
/// Faults in a row that one kind of call to one shard meets.
const IN_A_ROW: u64 = 2;

const RECORDS: [Fault; 5] = [
    (400, "ExpiredIteratorException", "Iterator expired."),
    (400, "ProvisionedThroughputExceededException", "Rate exceeded for shard"),
    (400, "KMSThrottlingException", "Rate exceeded"),
    (500, "InternalFailure", "Try again."),
    (503, "ServiceUnavailable", "Try again."),
];
const OTHERS: [Fault; 3] = [
    (400, "LimitExceededException", "Rate exceeded"),
    (500, "InternalFailure", "Try again."),
    (503, "ServiceUnavailable", "Try again."),
];
/// What stays as it is, for the records of one shard.
const LASTING: [Fault; 3] = [
    (400, "AccessDeniedException", "No."),
    (400, "ExpiredIteratorException", "Iterator expired."),
    (400, "ResourceNotFoundException", "No such shard."),
];

/// Shards that were split and merged, some of them after they were listed.
fn stream(dice: &mut Dice) -> Held {
    let roots = dice.pick(&[1, 2, 3, 5, 140]);
    let mut shards: Vec<Shard> = Vec::new();
    let mut orphans: Option<Vec<String>> = None;
    for root in 0..roots {
        let records = if roots > 100 { dice.below(4) } else { dice.below(240) };
        let mut parent = shard(&format!("s{root:03}"), usize::try_from(records).unwrap());
        if dice.one_in(3) {
            // Two parents in a row may share a child.
            let children = match orphans.take() {
                Some(children) => children,
                None => {
                    let listed = dice.one_in(2);
                    let ids = (0..=dice.below(2)).map(|child| format!("s{root:03}-{child}"));
                    let ids: Vec<String> = ids.collect();
                    for id in &ids {
                        let records = usize::try_from(dice.below(60)).unwrap();
                        shards.push(Shard { listed, ..shard(id, records) });
                    }
                    if ids.len() == 1 {
                        orphans = Some(ids.clone());
                    }
                    ids
                }
            };
            parent.children = Some(children);
        }
        shards.push(parent);
    }
    let page = dice.pick(&[1, 3, 100]);
    Held { page, empties: dice.one_in(3), ..held(shards) }
}

/// What goes wrong: by kind of call and shard, in the order in which these come.
struct Trouble {
    seed: u64,
    /// The shard whose records cannot be had, and why.
    lasting: Option<(String, Fault)>,
    came: Mutex<HashMap<String, u64>>,
}

impl Trouble {
    fn meets(&self, call: &Came) -> Option<Fault> {
        let iterator = call.body["ShardIterator"].as_str();
        let shard = iterator.and_then(|iterator| iterator.split('/').next());
        let shard = shard.or(call.body["ShardId"].as_str()).unwrap_or_default();
        if let Some((id, fault)) = &self.lasting
            && call.action == "GetRecords"
            && id == shard
        {
            return Some(*fault);
        }
        let place = format!("{} {shard}", call.action);
        let mut came = self.came.lock().unwrap();
        let count = came.entry(place.clone()).or_default();
        *count += 1;
        let mut dice = Dice::new(self.seed, &format!("{place} {count}"));
        if count.is_multiple_of(IN_A_ROW + 1) || !dice.one_in(4) {
            return None;
        }
        Some(match call.action.as_str() {
            "GetRecords" => dice.pick(&RECORDS),
            // Whoever begins a long listing again and again does not get to its end.
            "ListShards" if call.body["NextToken"].is_string() && *count < 20 => {
                (400, "ExpiredNextTokenException", "The token has expired.")
            }
            _ => dice.pick(&OTHERS),
        })
    }
}

/// Reads the stream of a seed; whether all of it came.
async fn run(seed: u64) -> bool {
    let mut dice = Dice::new(seed, "stream");
    let stream = stream(&mut dice);
    let lasting = dice.one_in(4).then(|| {
        let shard = &stream.shards[dice.index(stream.shards.len())];
        (shard.id.clone(), dice.pick(&LASTING))
    });
    let context = format!("seed {seed}: {} shards, {lasting:?}", stream.shards.len());
    let trouble = Trouble { seed, lasting: lasting.clone(), came: Mutex::default() };
    let wanted = all_data(&stream.shards);
    let created = at(stream.created);
    let fake = Fake::start(stream, Box::new(move |call, _| trouble.meets(call))).await;
    let answer: Result<(Summary, BTreeMap<Place, Vec<u8>>), Error> =
        read(&fake.aws(), &until_noon()).await;
    match (answer, lasting) {
        (Ok((_, records)), None) => assert_eq!(data(&records), wanted, "{context}"),
        (Err(error), None) => panic!("{context}: {error}"),
        (Err(_), Some(_)) => return false,
        (Ok((summary, records)), Some(_)) => {
            // A shard that is gone takes what it held with it: the truth is said to begin later.
            let whole = data(&records) == wanted;
            assert!(whole || summary.complete_from > created, "{context}: {summary:?}");
            return whole;
        }
    }
    true
}

#[tokio::test]
async fn what_is_read_is_all_that_is_held_or_it_is_said_to_be_less() {
    let whole = join_all((0..STREAMS).map(run)).await;
    let whole = whole.into_iter().filter(|whole| *whole).count() as u64;
    println!("{STREAMS} streams, {whole} of them read whole");
    assert!(whole > STREAMS / 2 && whole < STREAMS, "{whole} of {STREAMS}");
}
