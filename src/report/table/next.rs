//! What the user can do next, where there is something.

use std::io;

use super::{Page, Tone};
use crate::outcome::{Outcome, SkipReason, Verdict};
use crate::report::{identity_checked, screen};

/// Advice is only good when it is short.
const MOST: usize = 3;

pub(super) fn write(outcome: &Outcome, page: &mut Page<'_>) -> io::Result<()> {
    let mut advice =
        if outcome.verdict() == Verdict::Reconciled { Vec::new() } else { of_findings(outcome) };
    advice.truncate(MOST);
    if !advice.is_empty() || page.shortened {
        page.blank()?;
    }
    let mut label = "Next";
    for text in advice {
        page.labelled(Tone::Strong, label, &text)?;
        label = "    ";
    }
    if page.shortened {
        page.line(
            &page.paint(Tone::Dim, "Some keys are shortened; --format json has them whole."),
        )?;
    }
    Ok(())
}

fn of_findings(outcome: &Outcome) -> Vec<String> {
    let books = &outcome.books;
    let (missing, unexpected) = (books.produced.missing, books.found.unexpected);
    let location = screen::text(&outcome.location);
    let mut advice = Vec::new();
    if books.objects.listed == 0 {
        advice.push(format!(
            "nothing is stored under {location}: check the prefix (s3://BUCKET/ is the whole bucket)"
        ));
    } else if books.objects.read == 0 && books.objects.skipped[outside_window()] > 0 {
        advice.push("every object lies outside the window: widen --since and --until".to_owned());
    }
    if outcome.malformed_spans > 0 {
        let why = if missing > 0 {
            "a missing record may be among the malformed bytes; look at them"
        } else {
            "look at the malformed bytes"
        };
        advice.push(format!(
            "{why}: fhcheck dump {location} -o records.ndjson --rejects rejects.bin"
        ));
    }
    if missing > 0 && unexpected > 0 && identity_checked(outcome) && outcome.matching == "raw" {
        advice.push(
            "if records are changed on their way, compare values: --match json, or the fields \
             that name a record: --match key=/id"
                .to_owned(),
        );
    }
    if !identity_checked(outcome) && (missing > 0 || unexpected > 0) {
        advice.push("to learn which records, give what was produced: --manifest FILE".to_owned());
    }
    if books.produced.pending > 0 {
        advice
            .push("to wait until they are there, or can be called missing: --wait 30m".to_owned());
    } else if missing > 0 && outcome.malformed_spans == 0 && outcome.gaps.is_empty() {
        advice.push(
            "if they were produced less than 15 minutes ago, wait: Firehose may still hold them"
                .to_owned(),
        );
    }
    if books.produced.failed > 0 && !outcome.allow.failed {
        advice.push(format!("to have the failed records: fhcheck dump {location} --failed"));
    }
    if books.found.duplicates > 0 && !outcome.allow.duplicates && missing == 0 {
        advice.push("if copies are fine: --allow duplicates".to_owned());
    }
    advice
}

/// Where [`SkipReason::OutsideWindow`] is counted.
fn outside_window() -> usize {
    SkipReason::ALL.iter().position(|reason| *reason == SkipReason::OutsideWindow).unwrap_or(0)
}
