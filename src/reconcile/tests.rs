//! The comparison against its dull twin: two maps, one identity at a time.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::fingerprint::Identity;
use crate::tests::cases;

/// What [`compare`] does, without partitions, threads or order.
fn naive(produced: &[Row], clean: &[Row], recovered: &[Row]) -> Result {
    let mut sides: BTreeMap<Identity, [Vec<Place>; 3]> = BTreeMap::new();
    for (side, rows) in [produced, clean, recovered].into_iter().enumerate() {
        for row in rows {
            sides.entry(row.identity()).or_default()[side].push(row.place());
        }
    }
    let mut result = Result::default();
    for [mut produced_at, clean, recovered] in sides.into_values() {
        produced_at.sort();
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
        let tally = match (p, d) {
            _ if p == d => continue,
            _ if p > d => &mut result.missing,
            (0, _) => &mut result.unexpected,
            _ => &mut result.duplicates,
        };
        let shown_at = if p > d { produced_at[0] } else { found_at[p] };
        tally.records += p.abs_diff(d) as u64;
        tally.identities += 1;
        produced_at.truncate(crate::limits::PLACES_SHOWN);
        found_at.truncate(crate::limits::PLACES_SHOWN);
        tally.groups.push(Group {
            shown_at,
            produced: p as u64,
            found: d as u64,
            produced_at,
            found_at,
        });
    }
    for tally in [&mut result.missing, &mut result.duplicates, &mut result.unexpected] {
        tally.groups.sort_by_key(|group| group.shown_at);
    }
    result.unproven.sort();
    result
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
        workers in 1..4_usize,
        samples in 0..8_usize,
    ) {
        let found = Found { clean: side(&clean), recovered: side(&recovered) };
        let result = compare(side(&produced), found, samples, workers);
        let mut expected = naive(&produced, &clean, &recovered);
        for tally in [&mut expected.missing, &mut expected.duplicates, &mut expected.unexpected] {
            tally.groups.truncate(samples);
        }
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
