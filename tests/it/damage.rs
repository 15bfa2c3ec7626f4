//! Damage by the thousand: the promise of the splitter as a measure.
//!
//! A seed makes a stream of records and damages one place of it. Where the damage leaves no trace in
//! the grammar (a digit changed, say), no splitter can see it; such cases are counted apart, and
//! matching by identity is what catches them. In all others no value may come out that was not put
//! in, and 99 of 100 undamaged records must. One exception is printed and not asserted: where every
//! record has a first key of its own, noise that spells JSON can change that key and nothing tells.

use std::collections::HashMap;
use std::fmt::Write as _;

use fhcheck::split::{Format, FormatChoice, Record, Sink, Span, split};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Cases for each kind of record and each kind of damage.
const CASES: u64 = 600;
const RECORDS: u64 = 40;

#[derive(Clone, Copy, Debug)]
enum Shape {
    Article,
    Nested,
    Optional,
    Maps,
    Indented,
}

const SHAPES: [Shape; 5] =
    [Shape::Article, Shape::Nested, Shape::Optional, Shape::Maps, Shape::Indented];

#[derive(Clone, Copy, Debug)]
enum Damage {
    Cut,
    Overwrite,
    OverwriteAlike,
    Insert,
    InsertAlike,
    Delete,
}

const DAMAGES: [Damage; 6] = [
    Damage::Cut,
    Damage::Overwrite,
    Damage::OverwriteAlike,
    Damage::Insert,
    Damage::InsertAlike,
    Damage::Delete,
];

fn below(rng: &mut ChaCha8Rng, bound: usize) -> usize {
    usize::try_from(rng.next_u64() % bound as u64).unwrap()
}

fn record(shape: Shape, number: u64, rng: &mut ChaCha8Rng) -> String {
    let price = below(rng, 10_000) as f64 / 100.0;
    let mut text = String::new();
    let _ = match shape {
        Shape::Article => write!(
            text,
            r#"{{"EVENT_TIME": "2023-05-04T08:30:{:02}.{number:06}", "TICKER": "AMZN", "PRICE": {price}}}"#,
            number % 60,
        ),
        Shape::Nested => write!(
            text,
            r#"{{"id":{number},"user":{{"name":"Zoë \"Q\" {{x}}","tags":["a","b}}{{c",{{"k":[1,2.5e3,null]}}]}},"path":"C:\\dir\\{number}","items":[{{"sku":"s{number}","n":1}},{{"sku":"t","n":2}}],"ok":true}}"#
        ),
        Shape::Optional if number.is_multiple_of(3) => write!(text, r#"{{"a":{number},"b":"x"}}"#),
        Shape::Optional => write!(text, r#"{{"a":{number},"b":"y","c":{{"d":{price}}}}}"#),
        Shape::Maps => {
            write!(text, r#"{{"user-{number}":{{"price":{price},"note":"n {number}"}}}}"#)
        }
        Shape::Indented => write!(
            text,
            "{{\n  \"id\": {number},\n  \"n\": {{\n    \"price\": {price}\n  }},\n  \"l\": [\n    {{\n      \"m\": 1\n    }}\n  ]\n}}"
        ),
    };
    text
}

/// Damages the content between two offsets that it returns: `(from, upto)` in the original.
fn damage(kind: Damage, content: &mut Vec<u8>, rng: &mut ChaCha8Rng) -> (usize, usize) {
    const ALIKE: &[u8] = b"{}[]\",:0a \\\n";
    let at = below(rng, content.len() - 1);
    let longest = [1, 4, 40][below(rng, 3)];
    let len = 1 + below(rng, longest).min(content.len() - at - 1);
    let mut noise = |alike: bool| -> Vec<u8> {
        (0..len)
            .map(|_| {
                if alike { ALIKE[below(rng, ALIKE.len())] } else { rng.next_u32().to_le_bytes()[0] }
            })
            .collect()
    };
    match kind {
        // The rest of the record that holds `at` is gone; the next one follows at once.
        Damage::Cut => {
            let upto = content[at..].windows(2).position(|pair| pair == b"}{" || pair == b"}\n");
            let upto = upto.map_or(content.len(), |found| at + found + 1).max(at + 1);
            content.drain(at..upto);
            (at, upto)
        }
        Damage::Overwrite | Damage::OverwriteAlike => {
            let noise = noise(matches!(kind, Damage::OverwriteAlike));
            content[at..at + len].copy_from_slice(&noise);
            (at, at + len)
        }
        Damage::Insert | Damage::InsertAlike => {
            let noise = noise(matches!(kind, Damage::InsertAlike));
            content.splice(at..at, noise);
            (at, at)
        }
        Damage::Delete => {
            content.drain(at..at + len);
            (at, at + len)
        }
    }
}

#[derive(Default)]
struct Values(HashMap<Vec<u8>, u64>, u64);

impl Sink for Values {
    fn record(&mut self, record: Record<'_>) {
        *self.0.entry(record.bytes.to_vec()).or_default() += 1;
    }
    fn malformed(&mut self, _: Span) {
        self.1 += 1;
    }
}

/// Whether the grammar has nothing against the content: serde_json reads it to its end.
fn is_valid(content: &[u8]) -> bool {
    serde_json::Deserializer::from_slice(content)
        .into_iter::<&serde_json::value::RawValue>()
        .all(|value| value.is_ok())
}

#[derive(Default)]
struct Figures {
    seen: u64,
    unseen: u64,
    wrong: u64,
    undamaged: u64,
    kept: u64,
}

#[expect(clippy::print_stdout, reason = "a wrong value is shown with its seed")]
fn run(shape: Shape, kind: Damage, separator: &str, seed: u64, figures: &mut Figures) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let records: Vec<_> = (0..RECORDS).map(|number| record(shape, number, &mut rng)).collect();
    let mut content = records.join(separator).into_bytes();
    let (from, upto) = damage(kind, &mut content, &mut rng);
    let mut values = Values::default();
    let choice = FormatChoice::Fixed(Format::Json);
    let (_, tally, result) = split(&mut content.as_slice(), &choice, &mut values);
    result.unwrap();
    assert_eq!(tally.malformed_spans, values.1);
    if is_valid(&content) {
        figures.unseen += 1;
        return;
    }
    figures.seen += 1;
    let mut wrong = values.0.clone();
    let mut offset = 0;
    for record in &records {
        let end = offset + record.len();
        let untouched = end <= from || offset >= upto;
        let found = values.0.contains_key(record.as_bytes());
        wrong.remove(record.as_bytes());
        figures.undamaged += u64::from(untouched);
        figures.kept += u64::from(untouched && found);
        offset = end + separator.len();
    }
    // Damage between two tokens may change blanks and no value.
    let put_in: Vec<serde_json::Value> =
        records.iter().map(|record| serde_json::from_str(record).unwrap()).collect();
    wrong.retain(|value, _| {
        serde_json::from_slice(value).map_or(true, |value| !put_in.contains(&value))
    });
    for value in wrong.keys() {
        println!("{shape:?} {kind:?} seed {seed}: {}", String::from_utf8_lossy(value));
    }
    figures.wrong += wrong.len() as u64;
}

#[test]
fn no_value_comes_out_that_was_not_put_in() {
    let mut all = Figures::default();
    println!(
        "{:<10}{:<16}{:>8}{:>8}{:>8}{:>10}",
        "records", "damage", "seen", "unseen", "wrong", "kept"
    );
    for shape in SHAPES {
        for kind in DAMAGES {
            let mut figures = Figures::default();
            for seed in 0..CASES {
                let separator = ["", "\n"][(seed % 2) as usize];
                run(shape, kind, separator, seed, &mut figures);
            }
            println!(
                "{:<10}{:<16}{:>8}{:>8}{:>8}{:>9.2}%",
                format!("{shape:?}"),
                format!("{kind:?}"),
                figures.seen,
                figures.unseen,
                figures.wrong,
                100.0 * figures.kept as f64 / figures.undamaged as f64,
            );
            all.seen += figures.seen;
            all.unseen += figures.unseen;
            let alike = matches!(kind, Damage::OverwriteAlike | Damage::InsertAlike);
            if !(matches!(shape, Shape::Maps) && alike) {
                all.wrong += figures.wrong;
            }
            all.undamaged += figures.undamaged;
            all.kept += figures.kept;
        }
    }
    let kept = 100.0 * all.kept as f64 / all.undamaged as f64;
    println!(
        "seeded damage: {} cases seen, {} without a trace in the grammar; {} wrong values out; \
         {} of {} undamaged records kept ({kept:.3} %)",
        all.seen, all.unseen, all.wrong, all.kept, all.undamaged,
    );
    assert_eq!(all.wrong, 0, "values came out that were not put in");
    assert!(kept >= 99.0, "{kept} % of the undamaged records were kept");
}
