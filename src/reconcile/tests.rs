//! The comparison against its dull twin: two maps, one identity at a time.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::fingerprint::Identity;
use crate::tests::cases;

/// What [`compare`] does, without partitions, threads or order.
fn naive(all: [&[Row]; 4]) -> Result {
    let mut sides: BTreeMap<Identity, [Vec<Place>; 4]> = BTreeMap::new();
    for (side, rows) in all.into_iter().enumerate() {
        for row in rows {
            sides.entry(row.identity()).or_default()[side].push(row.place());
        }
    }
    let mut result = Result::default();
    for [mut produced_at, clean, recovered, mut failed_at] in sides.into_values() {
        produced_at.sort();
        failed_at.sort();
        let mut found_at = clean;
        if produced_at.is_empty() {
            result.unproven.extend(recovered);
        } else {
            result.recovered += recovered.len() as u64;
            found_at.extend(recovered);
        }
        found_at.sort();
        let (p, d) = (produced_at.len(), found_at.len());
        result.delivered += p.min(d) as u64;
        result.found += d as u64;
        let x = failed_at.len();
        if p == d {
            continue;
        }
        let shown_at = if p > d { produced_at[0] } else { found_at[p] };
        for places in [&mut produced_at, &mut found_at, &mut failed_at] {
            places.truncate(crate::limits::PLACES_SHOWN);
        }
        let group = Group {
            shown_at,
            produced: p as u64,
            found: d as u64,
            failed: x as u64,
            produced_at,
            found_at,
            failed_at,
        };
        let add = |tally: &mut Tally, records: usize| {
            tally.records += records as u64;
            tally.identities += 1;
            tally.groups.push(group.clone());
        };
        match (p, d) {
            (0, _) => add(&mut result.unexpected, d),
            _ if d > p => add(&mut result.duplicates, d - p),
            _ if x == 0 => add(&mut result.missing, p - d),
            _ if x >= p - d => add(&mut result.failed, p - d),
            _ => {
                add(&mut result.failed, x);
                add(&mut result.missing, p - d - x);
            }
        }
    }
    for tally in tallies(&mut result) {
        tally.groups.sort_by_key(|group| group.shown_at);
    }
    result.unproven.sort();
    result
}

fn tallies(result: &mut Result) -> [&mut Tally; 4] {
    let Result { failed, missing, duplicates, unexpected, .. } = result;
    [failed, missing, duplicates, unexpected]
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
        produced in rows(0),
        clean in rows(1),
        recovered in rows(2),
        failed in rows(3),
        workers in 1..4_usize,
        samples in 0..8_usize,
    ) {
        let found = Found {
            clean: side(&clean),
            recovered: side(&recovered),
            failed: side(&failed),
        };
        let result = compare(side(&produced), found, samples, workers);
        let mut expected = naive([&produced, &clean, &recovered, &failed]);
        for tally in tallies(&mut expected) {
            tally.groups.truncate(samples);
        }
        let short = result.failed.records + result.missing.records;
        prop_assert_eq!(result.delivered + short, produced.len() as u64);
        prop_assert_eq!(result, expected);
    }

    #[test]
    fn sides_merge(one in rows(0), other in rows(1)) {
        let mut merged = side(&one);
        merged.merge(side(&other));
        prop_assert_eq!(merged.records(), (one.len() + other.len()) as u64);
        let found = Found { clean: merged, ..Found::default() };
        let both = [one, other].concat();
        prop_assert_eq!(compare(side(&both), found, 9, 2).delivered, both.len() as u64);
    }
}

#[test]
fn chunks_hold_what_is_put_into_them() {
    let rows: Vec<_> =
        (0..5000).map(|n: u64| Row::new(u128::from(n % 3), Place::new(1, n))).collect();
    let result = compare(side(&rows), Found { clean: side(&rows), ..Found::default() }, 1, 2);
    assert_eq!((result.delivered, result.found), (5000, 5000));
}
