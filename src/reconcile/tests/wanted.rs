//! Sides without rows, or with those that differ: what they come to is what they come to with all of them.

use super::*;

/// A side that took its rows in all the ways there are: one by one, from sides that keep the same, and from
/// those that keep all.
pub(super) fn in_all_ways(rows: &[Row], storage: &Arc<Storage>, wanted: &Wanted) -> Side {
    let third = rows.len().div_ceil(3).max(1);
    let mut all = Side::new(storage).keeping(wanted);
    for (way, rows) in rows.chunks(third).enumerate() {
        let mut other = match way {
            0 => Side::staging(storage),
            _ => Side::staging(storage).keeping(wanted),
        };
        if way == 2 {
            rows.iter().try_for_each(|&row| all.push(row)).unwrap();
        } else {
            other.extend(rows).unwrap();
            all.merge(other).unwrap();
        }
    }
    all
}

/// Rounds that it takes until there are rows of all that differs, and what it comes to.
fn rounds(
    put: &[Vec<Row>; 4],
    stored: &[Vec<Row>; 3],
    storage: &Arc<Storage>,
    kept: Kept,
) -> (usize, Differences) {
    let mut wanted = Wanted::none();
    for round in 1..5 {
        let (mut produced, mut found) = both(put, stored, storage);
        produced.sure = in_all_ways(&put[0], storage, &wanted);
        produced.recent = in_all_ways(&put[1], storage, &wanted);
        found.clean = in_all_ways(&stored[0], storage, &wanted);
        let result = compare(&produced, &found, kept, 2).unwrap();
        if result.lacking.is_empty() {
            return (round, result);
        }
        assert!(!produced.keeps_all() || !found.clean.keeps_all());
        wanted = Wanted::these(&result.lacking);
    }
    unreachable!("it has an end")
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn rows_of_what_differs_suffice(
        put in [rows(0), rows(1), rows(2), rows(3)],
        stored in [rows(4), rows(5), rows(6)],
        memory in memory(),
        repeated: bool,
        // What was put is what is stored, but for some records, and for so many others.
        even: bool,
        others in 0..3_usize,
        moved in 0..40_usize,
    ) {
        let (mut put, mut stored) = (put, stored);
        if even {
            stored[0] = put[0].iter().chain(&put[1]).enumerate().map(|(n, row)| {
                Row::new(row.identity(), Place::new(4, n as u64))
            }).collect();
            stored[0].truncate(stored[0].len().saturating_sub(others));
            let moved = moved % (put[0].len() + 1);
            stored[0].extend(put[0].get(moved).map(|row| Row::new(row.identity(), Place::new(5, 1))));
            put[2].truncate(others);
            stored[1].truncate(others / 2);
        }
        let storage = storage(memory);
        let kept = Kept { samples: 9, repeated, strangers: true, suspects: false };
        let (count, result) = rounds(&put, &stored, &storage, kept);
        let all = [&put[0], &put[1], &put[2], &put[3], &stored[0], &stored[1], &stored[2]];
        let mut expected = naive(all.map(Vec::as_slice), repeated);
        for class in CLASSES {
            tally(&mut expected, class).groups.truncate(9);
        }
        prop_assert_eq!(result, expected);
        prop_assert!(count <= 2);
    }
}

#[test]
fn what_is_even_takes_no_rows() {
    let storage = storage(0);
    let rows = many(9_000);
    let kept = Kept { samples: 1, repeated: false, strangers: false, suspects: false };
    let none = Wanted::none();
    let produced = || {
        let mut pile = Pile::new(&storage, &none);
        pile.extend(&rows);
        assert_eq!(pile.len(), 9_000);
        let mut sure = Side::new(&storage).keeping(&none);
        pile.give(&mut sure).unwrap();
        Produced { sure, ..Produced::new(&storage) }
    };
    let mut found = Found { clean: Side::new(&storage).keeping(&none), ..Found::new(&storage) };
    found.clean.extend(&rows).unwrap();
    let even = compare(&produced(), &found, kept, 2).unwrap();
    assert_eq!((even.produced, even.delivered, even.found), (9_000, 9_000, 9_000));
    assert!(even.lacking.is_empty() && !found.clean.keeps_all());
    let with_rows = compare(&must(&rows, &self::storage(u64::MAX)), &found, kept, 2).unwrap();
    assert_eq!(with_rows, even, "nor where one side has them");
    found.clean.push(rows[7]).unwrap();
    let odd = compare(&produced(), &found, kept, 2).unwrap();
    let only = Some(rows[7].identity());
    assert_eq!(odd.lacking, [Uneven { bucket: rows[7].bucket(), only }]);
    assert_eq!((storage.held(), storage.spilled()), (0, 0), "no row was kept");
}

#[test]
fn rows_that_are_not_wanted_are_given_up() {
    let (storage, rows) = (storage(u64::MAX), many(9_000));
    let wanted = Wanted::these(&[Uneven { bucket: rows[7].bucket(), only: None }]);
    let held = |side: &Side| {
        let mut held = Vec::new();
        side.visit(|&row| {
            held.push(row);
            Ok(())
        })
        .unwrap();
        held.sort_unstable();
        held
    };
    let wants = |row: &&Row| row.bucket() == rows[7].bucket();
    let mut expected: Vec<_> = rows.iter().filter(wants).copied().collect();
    expected.sort_unstable();
    let narrow = || {
        let mut narrow = Side::staging(&storage).keeping(&wanted);
        narrow.extend(&rows[..4_000]).unwrap();
        narrow
    };
    let mut all = side(&rows[4_000..], &storage);
    all.merge(narrow()).unwrap();
    let mut other = narrow();
    other.merge(side(&rows[4_000..], &storage)).unwrap();
    for side in [all, other] {
        assert_eq!((side.records(), held(&side)), (9_000, expected.clone()));
        assert_eq!(side.total(), self::side(&rows, &storage).total());
    }
}

#[test]
fn what_is_recovered_may_be_of_what_was_left_out() {
    let (storage, rows) = (storage(u64::MAX), many(9_000));
    let same = |row: &&Row| row.bucket() == rows[7].bucket();
    let [one, other] = [0, 1].map(|at| *rows.iter().filter(same).nth(at).unwrap());
    let only = Uneven { bucket: one.bucket(), only: Some(one.identity()) };
    let wanted = Wanted::these(&[only]);
    let produced =
        Produced { sure: in_all_ways(&rows, &storage, &wanted), ..Produced::new(&storage) };
    let clean = in_all_ways(&rows, &storage, &wanted);
    let recovered = side(&[other], &storage);
    let found = Found { clean, recovered, ..Found::new(&storage) };
    let kept = Kept { samples: 1, repeated: false, strangers: false, suspects: false };
    let result = compare(&produced, &found, kept, 2).unwrap();
    assert_eq!(result.lacking, [Uneven { bucket: one.bucket(), only: None }]);
}

#[test]
fn totals_tell_records_apart_whatever_rows_are_kept() {
    let storage = storage(u64::MAX);
    let rows = many(100);
    let produced = |rows: &[Row], wanted: &Wanted| Produced {
        sure: in_all_ways(rows, &storage, wanted),
        ..Produced::new(&storage)
    };
    let all = produced(&rows, &Wanted::all());
    let some = Uneven { bucket: rows[3].bucket(), only: None };
    for wanted in [Wanted::none(), Wanted::these(&[some])] {
        assert!(all.are_those_of(&produced(&rows, &wanted)));
        assert!(!all.are_those_of(&produced(&rows[1..], &wanted)));
        let recent = Produced { recent: produced(&rows, &wanted).sure, ..Produced::new(&storage) };
        assert!(all.are_those_of(&recent), "it is said of all together");
    }
}
