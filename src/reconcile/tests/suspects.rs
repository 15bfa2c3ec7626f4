//! Sides of which only traces are kept: what they come to once rows of the suspects are, is what they come to with
//! all rows.

use super::*;

/// Keeps rows of suspects, as somebody does who looks at each.
fn keep(side: &mut Side, suspects: &[Trace], rows: &[Row]) {
    let is_one = |row: &&Row| suspects.iter().any(|suspect| suspect.place == row.place());
    let kept: Vec<_> = rows.iter().filter(is_one).copied().collect();
    assert_eq!(kept.len(), suspects.len(), "each stands for a record");
    side.keep(&kept).unwrap();
}

/// What both come to after a look at the suspects, and how many those are; `None` where there is more to read.
fn with_suspects(
    put: &[Vec<Row>; 4],
    stored: &[Vec<Row>; 3],
    kept: Kept,
) -> Option<(usize, Differences)> {
    let (storage, traces) = (storage(u64::MAX), Wanted::traces());
    let (mut produced, mut found) = both(put, stored, &storage);
    produced.sure = wanted::in_all_ways(&put[0], &storage, &traces);
    found.clean = wanted::in_all_ways(&stored[0], &storage, &traces);
    let first = compare(&produced, &found, kept, 2).unwrap();
    let Some(suspects) = first.suspects else {
        return first.lacking.is_empty().then_some((0, first));
    };
    assert!(!first.lacking.is_empty());
    keep(&mut produced.sure, &suspects.produced, &put[0]);
    keep(&mut found.clean, &suspects.found, &stored[0]);
    storage.forget_traces();
    let kept = Kept { suspects: true, ..kept };
    let second = compare(&produced, &found, kept, 2).unwrap();
    assert_eq!(second.suspects, None, "there is one look");
    let count = suspects.produced.len() + suspects.found.len();
    second.lacking.is_empty().then_some((count, second))
}

/// Each record at a place of its own, on a side.
fn placed(rows: &[Row], side: u64) -> Vec<Row> {
    let place = |(number, row): (usize, &Row)| {
        Row::new(row.identity(), Place::new(side * 100 + number as u64 % 3, number as u64))
    };
    rows.iter().enumerate().map(place).collect()
}

/// The same records, no two of which begin alike that differ.
fn apart(rows: &mut [Row]) {
    const ODD: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
    for row in rows {
        *row = Row::new(row.identity().wrapping_mul(ODD), row.place());
    }
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn rows_of_suspects_suffice(
        put in [rows(0), rows(1), rows(2), rows(3)],
        stored in [rows(4), rows(5), rows(6)],
        even: bool,
        others in 0..3_usize,
        moved in 0..40_usize,
        begin_alike: bool,
    ) {
        let (mut put, mut stored) = (put, stored);
        if !begin_alike {
            put.iter_mut().chain(&mut stored).for_each(|rows| apart(rows));
        }
        if even {
            stored[0] = put[0].iter().chain(&put[1]).copied().collect();
            stored[0].truncate(stored[0].len().saturating_sub(others));
            let moved = moved % (put[0].len() + 1);
            stored[0].extend(put[0].get(moved).copied());
        }
        put[0] = placed(&put[0], 1);
        stored[0] = placed(&stored[0], 2);
        let kept = Kept { samples: 9, repeated: false, strangers: true, suspects: false };
        let all = [&put[0], &put[1], &put[2], &put[3], &stored[0], &stored[1], &stored[2]];
        let mut expected = naive(all.map(Vec::as_slice), false);
        for class in CLASSES {
            tally(&mut expected, class).groups.truncate(9);
        }
        match with_suspects(&put, &stored, kept) {
            Some((_, result)) => prop_assert_eq!(result, expected),
            // Then everything is read again.
            None => prop_assert!(begin_alike),
        }
    }
}

#[test]
fn suspects_are_few_among_many() {
    let rows = many(50_000);
    let mut stored = placed(&rows, 2);
    stored.drain(100..140);
    stored.extend(rows[7_000..7_030].iter().map(|row| Row::new(row.identity(), Place::new(9, 5))));
    let put = [placed(&rows, 1), vec![], vec![], vec![]];
    let kept = Kept { samples: 99, repeated: false, strangers: true, suspects: false };
    let (count, result) = with_suspects(&put, &[stored, vec![], vec![]], kept).unwrap();
    assert_eq!((result.missing.records, result.duplicates.records), (40, 30));
    // Those that are lost, and each of the others three times.
    assert_eq!(count, 40 + 3 * 30);
}

#[test]
fn a_stranger_that_begins_like_a_lost_record_is_not_taken_for_it() {
    let rows = many(1000);
    let mut stored = placed(&rows, 2);
    stored[7] = Row::new(rows[7].identity() ^ 1, stored[7].place());
    let put = [placed(&rows, 1), vec![], vec![], vec![]];
    let kept = Kept { samples: 9, repeated: false, strangers: true, suspects: false };
    assert_eq!(with_suspects(&put, &[stored, vec![], vec![]], kept), None, "the sums tell");
}

#[test]
fn a_record_that_is_taken_for_another_is_found_out() {
    let (storage, rows, traces) = (storage(u64::MAX), many(1000), Wanted::traces());
    let stored = placed(&rows[1..], 2);
    let sure = wanted::in_all_ways(&rows, &storage, &traces);
    let mut produced = Produced { sure, ..Produced::new(&storage) };
    let clean = wanted::in_all_ways(&stored, &storage, &traces);
    let mut found = Found { clean, ..Found::new(&storage) };
    let kept = Kept { samples: 9, repeated: false, strangers: true, suspects: true };
    produced.sure.keep(&rows[..1]).unwrap();
    assert!(compare(&produced, &found, kept, 2).unwrap().lacking.is_empty());
    found.clean.keep(&[Row::new(rows[0].identity(), stored[5].place())]).unwrap();
    let taken = compare(&produced, &found, kept, 2).unwrap();
    assert_eq!(
        taken.lacking,
        [Uneven { bucket: rows[0].bucket(), only: Some(rows[0].identity()) }]
    );
}

#[test]
fn where_records_are_told_apart_that_are_equal_suspects_do_not_suffice() {
    let rows = many(1000);
    let (put, stored) = (placed(&rows, 1), placed(&rows[1..], 2));
    let kept = Kept { samples: 9, repeated: true, strangers: false, suspects: false };
    let all = [put, vec![], vec![], vec![]];
    assert_eq!(with_suspects(&all, &[stored, vec![], vec![]], kept), None);
}
