//! Sides without rows, or with those that differ: what they come to is what they come to with all of them.

use super::*;

/// A side that took its rows in all the ways there are: one by one, from sides that keep the same, and from
/// those that keep all.
fn in_all_ways(rows: &[Row], storage: &Arc<Storage>, wanted: &Wanted) -> Side {
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
    put: [&[Row]; 2],
    stored: [&[Row]; 2],
    storage: &Arc<Storage>,
    kept: Kept,
) -> (usize, Differences) {
    let mut wanted = Wanted::none();
    for round in 1.. {
        let [sure, recent] = put.map(|rows| in_all_ways(rows, storage, &wanted));
        let produced = Produced { sure, recent, ..Produced::new(storage) };
        let clean = in_all_ways(stored[0], storage, &wanted);
        let found = Found { clean, recovered: side(stored[1], storage), ..Found::new(storage) };
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
    #![proptest_config(cases(64))]

    #[test]
    fn rows_of_what_differs_suffice(
        put in [rows(0), rows(1)],
        stored in [rows(4), rows(5)],
        memory in memory(),
        repeated: bool,
    ) {
        let storage = storage(memory);
        let kept = Kept { samples: 9, repeated, strangers: true };
        let [put, stored] = [&put, &stored].map(|rows| rows.each_ref().map(Vec::as_slice));
        let (count, result) = rounds(put, stored, &storage, kept);
        let mut expected = naive([put[0], put[1], &[], &[], stored[0], stored[1], &[]], repeated);
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
    let kept = Kept { samples: 1, repeated: false, strangers: false };
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
    found.clean.push(rows[7]).unwrap();
    let odd = compare(&produced(), &found, kept, 2).unwrap();
    assert_eq!(odd.lacking, [rows[7].bucket()]);
    assert_eq!((storage.held(), storage.spilled()), (0, 0), "no row was kept");
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
    for wanted in [Wanted::none(), Wanted::these(&[rows[3].bucket()])] {
        assert!(all.are_those_of(&produced(&rows, &wanted)));
        assert!(!all.are_those_of(&produced(&rows[1..], &wanted)));
        let recent = Produced { recent: produced(&rows, &wanted).sure, ..Produced::new(&storage) };
        assert!(all.are_those_of(&recent), "it is said of all together");
    }
}
