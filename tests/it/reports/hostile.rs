//! Whatever is in keys, records and messages: nothing of it steers a terminal, in any table, and no cell
//! of CSV is a formula.

use fhcheck::error::{Error, ErrorKind};
use fhcheck::outcome::{GapReason, Outcome};
use fhcheck::produce::Produced;
use fhcheck::report::{self, Form, screen, table};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::{listed, reconciled, samples, table as layout};

/// Text with what terminals obey, what hides, and what spreadsheets evaluate.
fn hostile() -> impl Strategy<Value = String> {
    let characters = prop_oneof![
        4 => prop::char::range('\0', '\u{9f}'),
        2 => prop::sample::select(vec![
            '\u{1b}', '\u{9b}', '\u{7}', '\u{8}', '\r', '\n', '\t', '\u{202e}', '\u{2066}', '\u{200f}',
            '\u{200b}', '\u{feff}', '\u{2028}', '\u{ad}', '\u{e0041}', '=', '+', '-', '@', '＝', ',', '"',
        ]),
        1 => any::<char>(),
    ];
    prop::collection::vec(characters, 0..40).prop_map(|text| text.into_iter().collect())
}

/// What no screen may get. `line_ends` are those of the report itself.
fn steers(text: &str, line_ends: &[char]) -> Option<char> {
    let hidden = |c: char| {
        matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
        )
    };
    text.chars().find(|&c| (c.is_control() && !line_ends.contains(&c)) || hidden(c))
}

/// The same, with every text of somebody else replaced.
fn spoilt(mut outcome: Outcome, text: &str) -> Outcome {
    outcome.location = text.to_owned();
    let differences = &mut outcome.differences;
    for class in [
        &mut differences.failed,
        &mut differences.missing,
        &mut differences.duplicates,
        &mut differences.unexpected,
    ] {
        for sample in &mut class.samples {
            sample.excerpt = text.as_bytes().to_vec();
            let places = sample.found_at.iter_mut().chain(&mut sample.produced_at);
            for place in places.chain(&mut sample.failed_at) {
                text.clone_into(&mut place.key);
            }
            if let Some(failure) = &mut sample.failure {
                text.clone_into(&mut failure.code);
            }
        }
    }
    outcome.malformed.iter_mut().for_each(|span| text.clone_into(&mut span.key));
    for gap in &mut outcome.gaps {
        text.clone_into(&mut gap.key);
        gap.reason = GapReason::Failed(text.to_owned());
    }
    for object in &mut outcome.undecodable {
        text.clone_into(&mut object.key);
        text.clone_into(&mut object.what);
    }
    outcome
}

fn cells(csv: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    let mut rest = csv.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '"' if quoted && rest.next_if_eq(&'"').is_some() => cells.last_mut().unwrap().push('"'),
            '"' => quoted = !quoted,
            ',' | '\n' | '\r' if !quoted => cells.push(String::new()),
            character => cells.last_mut().unwrap().push(character),
        }
    }
    cells
}

fn is_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '@', '＝', '\t', '\r']) || cell.starts_with('-') && cell.len() > 1
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        rng_seed: RngSeed::Fixed(2),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn nothing_foreign_steers_a_terminal(text in hostile(), width in 40_usize..200) {
        let mut listing = samples::listing_with_records();
        listing.location.clone_from(&text);
        for listed in &mut listing.objects {
            listed.object.key.clone_from(&text);
            if let Some(name) = &mut listed.name {
                name.delivery_stream.clone_from(&text);
            }
        }
        for gap in &mut listing.gaps {
            gap.key.clone_from(&text);
            gap.reason = GapReason::Failed(text.clone());
        }
        let outcomes = [samples::everything(), samples::damaged_with_gap(), samples::empty_prefix()];
        let outcomes = outcomes.map(|outcome| spoilt(outcome, &text));
        let mut shown = vec![listed(&listing, layout(width, false)), screen::text(&text).into_owned()];
        shown.extend(outcomes.iter().map(|outcome| reconciled(outcome, layout(width, false))));
        let mut summary = Vec::new();
        let mut dump = samples::dump();
        dump.gaps.iter_mut().for_each(|gap| gap.key.clone_from(&text));
        let Form::Table(page) = layout(width, false) else { unreachable!() };
        table::dump(&dump, page, &mut summary).unwrap();
        shown.push(String::from_utf8(summary).unwrap());
        let made = Produced {
            target: text.clone(),
            manifests: vec![text.clone().into()],
            tally: Default::default(),
            failure: Some(Error::new(ErrorKind::Service, text.clone())),
        };
        let mut out = Vec::new();
        report::produce(&made, layout(width, false), &mut out).unwrap();
        shown.push(String::from_utf8(out).unwrap());
        for shown in &shown {
            prop_assert_eq!(steers(shown, &['\n']), None, "{:?}", shown);
        }
        let mut csv = vec![listed(&listing, Form::Csv)];
        csv.extend(outcomes.iter().map(|outcome| reconciled(outcome, Form::Csv)));
        for csv in &csv {
            prop_assert_eq!(steers(csv, &['\r', '\n']), None, "{:?}", csv);
            let formula = cells(csv).into_iter().find(|cell| is_formula(cell));
            prop_assert_eq!(formula, None);
        }
    }
}

#[test]
fn the_test_above_sees_what_steers() {
    assert_eq!(steers("a\u{1b}[1m", &['\n']), Some('\u{1b}'));
    assert_eq!(steers("a\u{202e}\n", &['\n']), Some('\u{202e}'));
    assert!(cells("x,\"=1,2\"\r\n").iter().any(|cell| is_formula(cell)));
}
