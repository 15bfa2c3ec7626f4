//! The comparison against its dull twin: two maps, one identity at a time.

use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;

use super::GroupClass::{Duplicate, Failed, Missing, Pending, Repeated, Unexpected};
use super::*;
use crate::fingerprint::Identity;
use crate::limits::PLACES_SHOWN;
use crate::tests::cases;

/// What [`compare`] does, without partitions, threads or sums: records take each other's places one
/// by one.
fn naive(all: [&[Row]; 7]) -> Result {
    let mut sides: BTreeMap<Identity, [Vec<Place>; 7]> = BTreeMap::new();
    for (side, rows) in all.into_iter().enumerate() {
        for row in rows {
            sides.entry(row.identity()).or_default()[side].push(row.place());
        }
    }
    let mut result = Result::default();
    for (identity, sides) in sides {
        let [sure, recent, uncertain, outside, clean, recovered, mut failed_at] = sides;
        let kinds = [(&sure, 's'), (&recent, 'r'), (&uncertain, 'u'), (&outside, 'o')];
        let mut waiting: VecDeque<char> =
            kinds.iter().flat_map(|(places, kind)| places.iter().map(|_| *kind)).collect();
        let mut produced_at: Vec<Place> = kinds.into_iter().flat_map(|(p, _)| p.clone()).collect();
        let mut found_at = clean;
        if produced_at.is_empty() {
            result.unproven.extend(recovered);
        } else {
            result.recovered += recovered.len() as u64;
            found_at.extend(recovered);
        }
        for places in [&mut produced_at, &mut found_at, &mut failed_at] {
            places.sort();
        }
        let surplus = if produced_at.is_empty() { Unexpected } else { Duplicate };
        let mut counts = [(Failed, 0), (Pending, 0), (Missing, 0), (surplus, 0), (Repeated, 0)];
        for _ in &found_at {
            result.found += 1;
            match waiting.pop_front() {
                Some(_) => {
                    (result.produced, result.delivered) =
                        (result.produced + 1, result.delivered + 1)
                }
                None => counts[3].1 += 1,
            }
        }
        let mut documents = failed_at.len();
        while let Some(kind @ ('s' | 'r' | 'u')) = waiting.pop_front() {
            result.produced += 1;
            match kind {
                _ if documents > 0 => (documents, counts[0].1) = (documents - 1, counts[0].1 + 1),
                's' => counts[2].1 += 1,
                'r' => counts[1].1 += 1,
                _ => result.uncertain += 1,
            }
        }
        counts[4].1 = (sure.len() + recent.len()).saturating_sub(1) as u64;
        for (class, records) in counts.into_iter().filter(|(_, records)| *records > 0) {
            let shown_at = match class {
                Failed | Pending | Missing => produced_at[0],
                Repeated => produced_at[1],
                Duplicate | Unexpected => found_at[produced_at.len()],
            };
            let first = |places: &[Place]| places.iter().take(PLACES_SHOWN).copied().collect();
            let group = Group {
                identity,
                shown_at,
                produced: produced_at.len() as u64,
                found: found_at.len() as u64,
                failed: failed_at.len() as u64,
                produced_at: first(&produced_at),
                found_at: first(&found_at),
                failed_at: first(&failed_at),
            };
            let tally = tally(&mut result, class);
            tally.records += records;
            tally.identities += 1;
            tally.groups.push(group);
        }
    }
    for class in CLASSES {
        tally(&mut result, class).groups.sort_by_key(|group| group.shown_at);
    }
    result.unproven.sort();
    result
}

const CLASSES: [GroupClass; 6] = [Failed, Pending, Missing, Duplicate, Unexpected, Repeated];

fn tally(result: &mut Result, class: GroupClass) -> &mut Tally {
    match class {
        Failed => &mut result.failed,
        Pending => &mut result.pending,
        Missing => &mut result.missing,
        Duplicate => &mut result.duplicates,
        Unexpected => &mut result.unexpected,
        Repeated => &mut result.repeated,
    }
}

/// Rows of few identities, in few and in many partitions; every row has a place of its own.
fn rows(object: u64) -> impl Strategy<Value = Vec<Row>> {
    let identity = prop_oneof![0..6_u128, (0..40_u128).prop_map(|id| id << 120)];
    prop::collection::vec(identity, 0..60).prop_map(move |identities| {
        let places = (0..).map(|offset| Place::new(object, offset * 7));
        identities
            .into_iter()
            .zip(places)
            .map(|(identity, place)| Row::new(identity, place))
            .collect()
    })
}

fn side(rows: &[Row]) -> Side {
    let mut side = Side::default();
    side.commit(rows.iter().copied());
    side
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn comparing_agrees_with_its_dull_twin(
        put in [rows(0), rows(1), rows(2), rows(3)],
        stored in [rows(4), rows(5), rows(6)],
        workers in 1..4_usize,
        samples in 0..8_usize,
    ) {
        let [sure, recent, uncertain, outside] = put.each_ref().map(|rows| side(rows));
        let produced = Produced { sure, recent, uncertain, outside };
        let [clean, recovered, failed] = stored.each_ref().map(|rows| side(rows));
        let found = Found { clean, recovered, failed };
        let result = compare(&produced, &found, samples, workers);
        let all = [&put[0], &put[1], &put[2], &put[3], &stored[0], &stored[1], &stored[2]];
        let mut expected = naive(all.map(Vec::as_slice));
        for class in CLASSES {
            tally(&mut expected, class).groups.truncate(samples);
        }
        let short = result.failed.records + result.pending.records + result.missing.records;
        prop_assert_eq!(result.delivered + short + result.uncertain, result.produced);
        let demanded = put[..3].iter().map(|rows| rows.len() as u64).sum::<u64>();
        prop_assert!(result.produced >= demanded);
        prop_assert_eq!(result, expected);
    }

    #[test]
    fn sides_merge(one in rows(0), other in rows(1)) {
        let mut merged = side(&one);
        merged.merge(side(&other));
        prop_assert_eq!(merged.records(), (one.len() + other.len()) as u64);
        let found = Found { clean: merged, ..Found::default() };
        let both = [one, other].concat();
        prop_assert_eq!(compare(&must(&both), &found, 9, 2).delivered, both.len() as u64);
    }
}

fn must(rows: &[Row]) -> Produced {
    Produced { sure: side(rows), ..Produced::default() }
}

#[test]
fn chunks_hold_what_is_put_into_them() {
    let rows: Vec<_> =
        (0..5000).map(|n: u64| Row::new(u128::from(n % 3), Place::new(1, n))).collect();
    let found = Found { clean: side(&rows), ..Found::default() };
    let result = compare(&must(&rows), &found, 1, 2);
    assert_eq!((result.delivered, result.found, result.repeated.records), (5000, 5000, 4997));
}
