//! What is wrong with stored data and what could not be read: spans, objects, gaps.

use std::collections::BTreeMap;
use std::io;

use super::{Page, Tone, text};
use crate::check::{DumpOutcome, Listing};
use crate::outcome::{Gap, Malformed, Outcome, Undecodable};
use crate::report::units::{count, counted, exact_size, size};
use crate::report::{Totals, screen};

/// Damage and gaps, whichever run found them.
pub(super) struct Trouble<'a> {
    malformed: &'a [Malformed],
    spans: u64,
    bytes: u64,
    recovered: u64,
    undecodable: &'a [Undecodable],
    gaps: &'a [Gap],
}

impl<'a> Trouble<'a> {
    pub(super) fn of(outcome: &'a Outcome) -> Self {
        Self {
            malformed: &outcome.malformed,
            spans: outcome.malformed_spans,
            bytes: outcome.books.bytes.malformed,
            recovered: outcome.recovered,
            undecodable: &outcome.undecodable,
            gaps: &outcome.gaps,
        }
    }

    pub(super) fn of_list(listing: &'a Listing, totals: &Totals) -> Self {
        Self {
            malformed: &listing.malformed,
            spans: totals.malformed_spans,
            bytes: totals.malformed_bytes,
            recovered: totals.recovered,
            undecodable: &listing.undecodable,
            gaps: &listing.gaps,
        }
    }

    pub(super) fn of_dump(outcome: &'a DumpOutcome) -> Self {
        Self {
            malformed: &outcome.malformed,
            spans: outcome.malformed_spans,
            bytes: outcome.bytes.malformed,
            recovered: outcome.recovered,
            undecodable: &outcome.undecodable,
            gaps: &outcome.gaps,
        }
    }

    pub(super) fn write(&self, page: &mut Page<'_>) -> io::Result<()> {
        self.write_malformed(page)?;
        self.write_undecodable(page)?;
        self.write_gaps(page)
    }

    /// The spans below the key of their object.
    fn write_malformed(&self, page: &mut Page<'_>) -> io::Result<()> {
        if self.spans == 0 {
            return Ok(());
        }
        let shown = self.malformed.len().min(page.layout.samples);
        let mut heading =
            format!("{} in {}", exact_size(self.bytes), counted(self.spans, "span", "spans"));
        if self.recovered > 0 {
            let recovered = counted(self.recovered, "record", "records");
            heading.push_str(&format!("; {recovered} recovered behind damage"));
        }
        heading.push_str(&only_first(shown as u64, self.spans));
        page.section(Tone::Bad, "Malformed", &heading)?;
        let spans = &self.malformed[..shown];
        let offset = widest(spans.iter().map(|span| count(span.offset)));
        let length = widest(spans.iter().map(|span| counted(span.len, "byte", "bytes")));
        for object in spans.chunk_by(|a, b| a.key == b.key) {
            let key = page.key(&object[0].key, 2);
            page.line(&format!("  {key}"))?;
            for span in object {
                let at = text::left(&count(span.offset), offset);
                let len = text::right(&counted(span.len, "byte", "bytes"), length);
                let lead = format!("    @ {at}  {len}");
                page.labelled(Tone::Plain, &lead, &reason(span))?;
            }
        }
        Ok(())
    }

    fn write_undecodable(&self, page: &mut Page<'_>) -> io::Result<()> {
        if self.undecodable.is_empty() {
            return Ok(());
        }
        let total = self.undecodable.len() as u64;
        let shown = self.undecodable.len().min(page.layout.samples);
        let mut heading = counted(total, "object does", "objects do") + " not decode whole";
        heading.push_str(&only_first(shown as u64, total));
        page.section(Tone::Bad, "Damaged", &heading)?;
        for object in &self.undecodable[..shown] {
            let key = page.key(&object.key, 2);
            page.line(&format!("  {key}"))?;
            let text = format!(
                "{} at stored byte {}; {} of content before it were read",
                screen::text(&object.what),
                count(object.stored_offset),
                counted(object.decoded, "byte", "bytes"),
            );
            page.labelled(Tone::Plain, "  ", &text)?;
        }
        Ok(())
    }

    /// The gaps below their reason: one missing right can hide thousands of objects.
    fn write_gaps(&self, page: &mut Page<'_>) -> io::Result<()> {
        if self.gaps.is_empty() {
            return Ok(());
        }
        let mut reasons: BTreeMap<(&str, String), Vec<&Gap>> = BTreeMap::new();
        for gap in self.gaps {
            reasons.entry((gap.reason.code(), gap.reason.to_string())).or_default().push(gap);
        }
        let bytes = self.gaps.iter().map(|gap| gap.size).sum();
        let objects = counted(self.gaps.len() as u64, "object", "objects");
        page.section(Tone::Unsure, "Unread", &format!("{objects}, {}", size(bytes)))?;
        let several = reasons.len() > 1;
        for ((_, reason), gaps) in reasons {
            let mut text = screen::text(&reason).into_owned();
            let shown = gaps.len().min(page.layout.samples);
            if several && gaps.len() > 1 {
                text.push_str(&format!(" ({})", counted(gaps.len() as u64, "object", "objects")));
            }
            text.push_str(&only_first(shown as u64, gaps.len() as u64));
            page.labelled(Tone::Plain, "", &text)?;
            let widest = widest(gaps[..shown].iter().map(|gap| size(gap.size)));
            for gap in &gaps[..shown] {
                let key = page.key(&gap.key, 4 + widest + 2);
                let size = text::right(&size(gap.size), widest);
                page.line(&format!("    {size}  {key}"))?;
            }
        }
        Ok(())
    }
}

/// "; the first 10 are shown", where there are more.
pub(super) fn only_first(shown: u64, total: u64) -> String {
    match shown {
        all if all == total => String::new(),
        0 => String::new(),
        1 => "; the first is shown".to_owned(),
        some => format!("; the first {} are shown", count(some)),
    }
}

fn widest(texts: impl Iterator<Item = String>) -> usize {
    texts.map(|text| text::width(&text)).max().unwrap_or(0)
}

/// What was wrong, and where, unless it is where the span begins or ends anyway.
fn reason(span: &Malformed) -> String {
    let at = span.error_offset;
    if at == span.offset || at == span.offset + span.len {
        span.damage.to_string()
    } else {
        format!("{}, at {}", span.damage, count(at))
    }
}
