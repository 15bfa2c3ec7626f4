//! The four equations, one below the other.

use std::io;

use super::{Page, Tone, text};
use crate::outcome::{Allow, Books, Outcome};
use crate::report::identity_checked;
use crate::report::units::count;

/// A number and what it counts.
struct Term {
    number: u64,
    word: &'static str,
    tone: Tone,
}

/// A term that is dim when there is nothing of it.
fn term(number: u64, one: &'static str, many: &'static str, tone: Tone) -> Term {
    let word = if number == 1 { one } else { many };
    Term { number, word, tone: if number == 0 { Tone::Dim } else { tone } }
}

/// What is found wrong, unless it was declared to be fine.
fn finding(allowed: bool) -> Tone {
    if allowed { Tone::Plain } else { Tone::Bad }
}

/// A sum, then what it is the sum of.
type Equation = Vec<Term>;

fn equations(outcome: &Outcome) -> Vec<Equation> {
    let Books { objects, bytes, produced, found } = &outcome.books;
    let allow = &outcome.allow;
    let plain = |number, word| term(number, word, word, Tone::Plain);
    let produced_word = if identity_checked(outcome) { "produced" } else { "expected" };
    let mut records = vec![
        plain(produced.produced, produced_word),
        plain(produced.delivered, "delivered"),
        term(produced.missing, "missing", "missing", Tone::Bad),
    ];
    records.extend(rarely(produced.failed, "failed", finding(allow.failed)));
    records.extend(rarely(produced.pending, "pending", Tone::Plain));
    records.extend(rarely(produced.uncertain, "uncertain", Tone::Plain));
    vec![
        vec![
            term(objects.listed, "object", "objects", Tone::Plain),
            plain(objects.read, "read"),
            plain(objects.skipped_total(), "skipped"),
            term(objects.gaps, "unread", "unread", Tone::Unsure),
        ],
        vec![
            term(bytes.decoded, "byte", "bytes", Tone::Plain),
            plain(bytes.records, "in records"),
            term(bytes.separators, "separator", "separators", Tone::Plain),
            term(bytes.malformed, "malformed", "malformed", Tone::Bad),
        ],
        records,
        found_equation(found, *allow),
    ]
}

fn found_equation(found: &crate::outcome::FoundBook, allow: Allow) -> Equation {
    vec![
        term(found.found, "found", "found", Tone::Plain),
        term(found.delivered, "delivered", "delivered", Tone::Plain),
        term(found.duplicates, "duplicate", "duplicates", finding(allow.duplicates)),
        term(found.unexpected, "unexpected", "unexpected", finding(allow.unexpected)),
    ]
}

/// A term that most runs do not have.
fn rarely(number: u64, word: &'static str, tone: Tone) -> Option<Term> {
    (number > 0).then(|| term(number, word, word, tone))
}

/// What stands before the first and between the other terms.
fn joint(index: usize) -> &'static str {
    match index {
        0 => "  ",
        1 => "  =  ",
        _ => "  +  ",
    }
}

/// Writes the equations: in columns where the width allows, else one by one, wrapped at their
/// plus signs.
pub(super) fn write(outcome: &Outcome, page: &mut Page<'_>) -> io::Result<()> {
    let equations = equations(outcome);
    let columns = columns(&equations);
    let aligned: usize = columns
        .iter()
        .enumerate()
        .map(|(index, (number, word))| joint(index).len() + number + 1 + word)
        .sum();
    if aligned <= page.layout.width {
        equations.iter().try_for_each(|equation| write_aligned(equation, &columns, page))
    } else {
        equations.iter().try_for_each(|equation| write_wrapped(equation, page))
    }
}

/// For each position, the widest number and the widest word.
fn columns(equations: &[Equation]) -> Vec<(usize, usize)> {
    let positions = equations.iter().map(Vec::len).max().unwrap_or(0);
    let widest = |at: usize, measure: fn(&Term) -> usize| {
        equations.iter().filter_map(|equation| equation.get(at)).map(measure).max().unwrap_or(0)
    };
    (0..positions)
        .map(|at| (widest(at, |t| count(t.number).len()), widest(at, |t| t.word.len())))
        .collect()
}

fn write_aligned(
    equation: &Equation,
    columns: &[(usize, usize)],
    page: &mut Page<'_>,
) -> io::Result<()> {
    let mut line = String::new();
    for (index, (term, (number, word))) in equation.iter().zip(columns).enumerate() {
        let last = index + 1 == equation.len();
        let word = if last { term.word.to_owned() } else { text::left(term.word, *word) };
        let cell = format!("{} {word}", text::right(&count(term.number), *number));
        line.push_str(joint(index));
        line.push_str(&page.paint(term.tone, &cell));
    }
    page.line(&line)
}

fn write_wrapped(equation: &Equation, page: &mut Page<'_>) -> io::Result<()> {
    let (mut line, mut used) = (String::new(), 0);
    for (index, term) in equation.iter().enumerate() {
        let cell = format!("{} {}", count(term.number), term.word);
        let joint = joint(index);
        if used > 0 && used + joint.len() + cell.len() > page.layout.width {
            page.line(&line)?;
            (line, used) = ("    ".to_owned(), 4);
        }
        line.push_str(joint);
        line.push_str(&page.paint(term.tone, &cell));
        used += joint.len() + cell.len();
    }
    page.line(&line)
}
