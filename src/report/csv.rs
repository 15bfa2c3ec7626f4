//! Reports as CSV (RFC 4180): a header, then a row for each object, finding or record.
//!
//! A spreadsheet takes a cell that begins with `=` for a formula, whoever wrote it. Such cells get
//! an apostrophe before them, and what steers a terminal is escaped; the exact text is in the JSON
//! report. Only records of a dump are text as it is.

use std::io::{self, Write};

use super::model::{self, skip_name};
use super::screen;
use super::trace::{self, Row};
use crate::base64;
use crate::check::{Dumped, Listed, Listing};
use crate::outcome::{Class, Outcome, Place, Sample};
use crate::produce::Produced;
use crate::trace::hops::Walk;

/// A cell.
enum Cell<'a> {
    Text(&'a str),
    /// As it is, but for what makes it a formula.
    Exact(&'a str),
    Number(u64),
    Empty,
}

impl<'a> Cell<'a> {
    fn text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Empty, Self::Text)
    }

    fn number(number: Option<u64>) -> Self {
        number.map_or(Self::Empty, Self::Number)
    }
}

fn row(cells: &[Cell<'_>], out: &mut dyn Write) -> io::Result<()> {
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        match cell {
            Cell::Text(text) => write_text(text, &screen::text(text), out)?,
            Cell::Exact(text) => write_text(text, text, out)?,
            Cell::Number(number) => write!(out, "{number}")?,
            Cell::Empty => {}
        }
    }
    out.write_all(b"\r\n")
}

fn header(names: &[&str], out: &mut dyn Write) -> io::Result<()> {
    let cells: Vec<_> = names.iter().map(|name| Cell::Text(name)).collect();
    row(&cells, out)
}

/// Writes a text as it is shown.
fn write_text(text: &str, shown: &str, out: &mut dyn Write) -> io::Result<()> {
    let guard = if is_formula(text) { "'" } else { "" };
    if shown.contains([',', '"', '\r', '\n']) {
        write!(out, "\"{guard}{}\"", shown.replace('"', "\"\""))
    } else {
        write!(out, "{guard}{shown}")
    }
}

/// Whether a spreadsheet could take the text for a formula: by its first character, by the wide
/// forms of it that some of them accept, or by a control character that they strip first.
fn is_formula(text: &str) -> bool {
    let first = text.chars().next();
    first.is_some_and(|first| {
        matches!(first, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠') || first.is_control()
    })
}

/// One row.
pub(super) fn produce(produced: &Produced, out: &mut dyn Write) -> io::Result<()> {
    header(
        &[
            "target",
            "records",
            "put",
            "acknowledged",
            "retried",
            "rejected",
            "uncertain",
            "manifest",
        ],
        out,
    )?;
    let tally = &produced.tally;
    let manifest = produced.manifests.first().map(|path| path.display().to_string());
    let numbers = [
        tally.records,
        tally.put,
        tally.acknowledged,
        tally.retried(),
        tally.rejected,
        tally.uncertain,
    ];
    let mut cells = vec![Cell::Text(&produced.target)];
    cells.extend(numbers.map(Cell::Number));
    cells.push(Cell::text(manifest.as_deref()));
    row(&cells, out)
}

/// A row for each period.
pub(super) fn trace(walk: &Walk, out: &mut dyn Write) -> io::Result<()> {
    header(&["start", "incoming", "read", "delivered", "objects", "error_output"], out)?;
    trace::rows(walk).try_for_each(|period: Row| {
        let numbers =
            [period.incoming, period.read, period.delivered, period.objects, period.error_output];
        let mut cells = vec![Cell::Text(&period.start)];
        cells.extend(numbers.map(Cell::number));
        row(&cells, out)
    })
}

/// A row for each object.
pub(super) fn list(listing: &Listing, out: &mut dyn Write) -> io::Result<()> {
    header(
        &[
            "key",
            "size",
            "modified",
            "arrival",
            "delivery_stream",
            "version",
            "storage_class",
            "skip",
            "encoding",
            "format",
            "records",
            "recovered",
            "malformed_spans",
            "malformed_bytes",
            "error_documents",
        ],
        out,
    )?;
    listing.objects.iter().try_for_each(|listed| object(listed, out))
}

fn object(listed: &Listed, out: &mut dyn Write) -> io::Result<()> {
    let (object, name, contents) = (&listed.object, &listed.name, &listed.contents);
    let modified = object.modified.map(|modified| modified.to_string());
    let arrival = name.as_ref().map(|name| name.arrival.to_string());
    let format = contents.as_ref().map(|contents| contents.format.to_string());
    row(
        &[
            Cell::Text(&object.key),
            Cell::Number(object.size),
            Cell::text(modified.as_deref()),
            Cell::text(arrival.as_deref()),
            Cell::text(name.as_ref().map(|name| name.delivery_stream.as_str())),
            Cell::number(name.as_ref().map(|name| name.version)),
            Cell::text(object.storage_class.as_deref()),
            Cell::text(listed.skip.map(skip_name)),
            Cell::text(contents.as_ref().map(|contents| contents.encoding.as_str())),
            Cell::text(format.as_deref()),
            Cell::number(contents.as_ref().map(|contents| contents.records)),
            Cell::number(contents.as_ref().map(|contents| contents.recovered)),
            Cell::number(contents.as_ref().map(|contents| contents.malformed_spans)),
            Cell::number(contents.as_ref().map(|contents| contents.bytes.malformed)),
            Cell::number(contents.as_ref().and_then(|contents| contents.error_documents)),
        ],
        out,
    )
}

/// A finding or a gap on its way into a row.
#[derive(Default)]
struct Finding<'a> {
    kind: &'static str,
    key: Option<&'a str>,
    offset: Option<u64>,
    length: Option<u64>,
    reason: Option<String>,
    sample: Option<&'a Sample>,
}

/// A row for each finding and gap; the place is the first one.
pub(super) fn reconcile(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    header(
        &[
            "finding",
            "key",
            "offset",
            "length",
            "reason",
            "produced",
            "found",
            "manifest",
            "manifest_offset",
            "excerpt",
        ],
        out,
    )?;
    let differences = &outcome.differences;
    let classes: [(&'static str, &Class); 7] = [
        ("failed", &differences.failed),
        ("pending", &differences.pending),
        ("missing", &differences.missing),
        ("duplicate", &differences.duplicates),
        ("unexpected", &differences.unexpected),
        ("repeated", &differences.repeated),
        ("identical", &differences.identical),
    ];
    for (kind, class) in classes {
        for sample in &class.samples {
            let failure = sample.failure.as_ref().filter(|_| kind == "failed");
            let place = if failure.is_some() { &sample.failed_at } else { &sample.found_at };
            let (key, offset) = split(place.first());
            let reason = failure.map(|failure| screen::text(&failure.to_string()).into_owned());
            let sample = Some(sample);
            finding(Finding { kind, key, offset, reason, sample, ..Finding::default() }, out)?;
        }
    }
    for span in &outcome.malformed {
        let reason = Some(format!("{}: {}", span.damage.code(), span.damage));
        let (key, offset, length) = (Some(&*span.key), Some(span.offset), Some(span.len));
        let kind = "malformed";
        finding(Finding { kind, key, offset, length, reason, sample: None }, out)?;
    }
    for object in &outcome.undecodable {
        let (key, offset) = (Some(&*object.key), Some(object.stored_offset));
        let reason = Some(screen::text(&object.what).into_owned());
        let kind = "undecodable";
        finding(Finding { kind, key, offset, reason, ..Finding::default() }, out)?;
    }
    for gap in &outcome.gaps {
        let (key, length) = (Some(&*gap.key), Some(gap.size));
        let text = format!("{}: {}", gap.reason.code(), gap.reason);
        let reason = Some(screen::text(&text).into_owned());
        finding(Finding { kind: "gap", key, length, reason, ..Finding::default() }, out)?;
    }
    Ok(())
}

fn finding(finding: Finding<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Finding { kind, key, offset, length, reason, sample } = finding;
    let (manifest, manifest_offset) = split(sample.and_then(|sample| sample.produced_at.first()));
    let excerpt = sample.map(|sample| screen::excerpt(&sample.excerpt));
    row(
        &[
            Cell::Text(kind),
            Cell::text(key),
            Cell::number(offset),
            Cell::number(length),
            Cell::text(reason.as_deref()),
            Cell::number(sample.map(|sample| sample.produced)),
            Cell::number(sample.map(|sample| sample.found)),
            Cell::text(manifest),
            Cell::number(manifest_offset),
            Cell::text(excerpt.as_deref()),
        ],
        out,
    )
}

fn split(place: Option<&Place>) -> (Option<&str>, Option<u64>) {
    (place.map(|place| place.key.as_str()), place.map(|place| place.offset))
}

/// The header of a dump's rows.
pub(super) fn dump_header(out: &mut dyn Write) -> io::Result<()> {
    header(&["key", "offset", "index", "recovered", "record", "record_base64"], out)
}

/// A row for one record: its text, or base64 where it is no text.
pub(super) fn dumped(dumped: &Dumped<'_>, out: &mut dyn Write) -> io::Result<()> {
    let text = std::str::from_utf8(dumped.bytes).ok();
    let encoded = text.is_none().then(|| base64::encode(dumped.bytes));
    row(
        &[
            Cell::Text(dumped.key),
            Cell::Number(dumped.offset),
            Cell::Number(dumped.index),
            Cell::Text(if dumped.recovered { "true" } else { "false" }),
            text.map_or(Cell::Empty, Cell::Exact),
            Cell::text(encoded.as_deref()),
        ],
        out,
    )
}

/// One row.
pub(super) fn estimate(estimate: &model::Estimate<'_>, out: &mut dyn Write) -> io::Result<()> {
    header(
        &[
            "location",
            "objects",
            "bytes",
            "list_requests",
            "get_requests",
            "requests_nano_usd",
            "transfer_out_nano_usd",
        ],
        out,
    )?;
    row(
        &[
            Cell::Text(estimate.location),
            Cell::Number(estimate.objects),
            Cell::Number(estimate.bytes),
            Cell::Number(estimate.list_requests),
            Cell::Number(estimate.get_requests),
            Cell::number(estimate.cost.map(|cost| cost.requests_nano_usd)),
            Cell::number(estimate.cost.map(|cost| cost.transfer_out_nano_usd)),
        ],
        out,
    )
}

#[cfg(test)]
mod tests {
    use super::{Cell, row};

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        row(&[Cell::Text(text), Cell::Number(7), Cell::Empty], &mut out)
            .expect("a vector takes it");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_cell_that_would_be_a_formula_is_not_one() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\u{1}=1", "＝1"] {
            let line = written(formula);
            let cell = line.trim_start_matches('"');
            assert!(cell.starts_with('\''), "{formula:?} is written as {line:?}");
        }
        assert_eq!(written("=cmd|' /C calc'!A0"), "'=cmd|' /C calc'!A0,7,\r\n");
    }

    #[test]
    fn what_separates_cells_and_rows_is_quoted() {
        assert_eq!(written("plain"), "plain,7,\r\n");
        assert_eq!(written("a,b"), "\"a,b\",7,\r\n");
        assert_eq!(written("say \"hi\""), "\"say \"\"hi\"\"\",7,\r\n");
        let mut out = Vec::new();
        row(&[Cell::Exact("two\nlines")], &mut out).expect("a vector takes it");
        assert_eq!(out, b"\"two\nlines\"\r\n");
    }

    #[test]
    fn what_steers_a_terminal_is_escaped() {
        assert_eq!(written("two\nlines\u{202e}"), "two\\nlines\\u{202e},7,\r\n");
    }
}
