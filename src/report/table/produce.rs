//! What a producer came to, for people.

use std::io;

use super::{Page, Tone};
use crate::produce::Produced;
use crate::report::screen;
use crate::report::units::{count, counted};

pub(super) fn write(produced: &Produced, page: &mut Page<'_>) -> io::Result<()> {
    let tally = &produced.tally;
    let (tone, label) = match produced.failure {
        None => (Tone::Good, "PRODUCED"),
        Some(_) => (Tone::Unsure, "NOT ALL PRODUCED"),
    };
    let (done, all) = (count(tally.acknowledged), counted(tally.records, "record", "records"));
    let target = screen::text(&produced.target);
    page.labelled(tone, label, &format!("{done} of {all} acknowledged by {target}"))?;
    page.blank()?;
    let puts = match tally.retried() {
        0 => counted(tally.puts, "put", "puts"),
        retried => format!(
            "{}, {} of them of records that had been put before",
            counted(tally.puts, "put", "puts"),
            count(retried)
        ),
    };
    page.labelled(Tone::Dim, "  puts        ", &puts)?;
    page.labelled(Tone::Dim, "  acknowledged", &count(tally.acknowledged))?;
    page.labelled(Tone::Dim, "  rejected    ", &count(tally.rejected))?;
    let uncertain = match tally.uncertain {
        0 => "0".to_owned(),
        puts => {
            format!("{}: no answer came, so each of these may be in the stream too", count(puts))
        }
    };
    page.labelled(Tone::Dim, "  uncertain   ", &uncertain)?;
    for manifest in &produced.manifests {
        page.labelled(Tone::Dim, "  manifest    ", &screen::text(&manifest.display().to_string()))?;
    }
    if produced.failure.is_none() && !produced.manifests.is_empty() {
        let manifests = produced.manifests.iter();
        let manifests: String = manifests
            .map(|path| format!(" --manifest {}", screen::text(&path.display().to_string())))
            .collect();
        page.section(Tone::Strong, "Next", &next(&produced.target, &manifests))?;
    }
    Ok(())
}

/// The command that compares with what was delivered. Where records went to a data stream, nobody
/// here knows which delivery stream reads it.
fn next(target: &str, manifests: &str) -> String {
    match target.strip_prefix("delivery stream ") {
        Some(name) => {
            format!("fhcheck reconcile --delivery-stream {}{manifests}", screen::text(name))
        }
        None => format!(
            "fhcheck reconcile{manifests}, with --delivery-stream and the name of the one that reads \
             {}, or the location that it delivers to",
            screen::text(target),
        ),
    }
}
