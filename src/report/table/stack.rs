//! A stack for people.

use std::io;

use super::{Page, Tone, text};
use crate::exit;
use crate::report::screen;
use crate::report::stack::Report;

pub(super) fn write(report: &Report<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let tone = if report.exit_code == exit::RECONCILED { Tone::Good } else { Tone::Bad };
    let state = screen::text(report.state);
    let change = report.change.map(|change| format!(", {change}")).unwrap_or_default();
    let line = format!("{}{change}", screen::text(report.name));
    page.labelled(tone, &state, &line)?;
    if let Some(reason) = report.reason {
        page.labelled(Tone::Dim, "  because", &screen::text(reason))?;
    }
    for resource in &report.unwell {
        let what = format!("{} ({}) is in {}", resource.resource, resource.kind, resource.state);
        let why = resource.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        page.labelled(Tone::Bad, "  not well", &screen::text(&format!("{what}{why}")))?;
    }
    if !report.different_templates.is_empty() {
        let names = report.different_templates.join(", ");
        let line = format!("{names}: deployed otherwise than this fhcheck has it");
        page.labelled(Tone::Unsure, "  templates differ", &line)?;
    }
    if !report.outputs.is_empty() {
        page.blank()?;
    }
    let columns = report.outputs.keys().map(|name| text::width(name)).max().unwrap_or(0);
    for (name, value) in report.outputs {
        let label = format!("  {}", text::left(&screen::text(name), columns));
        page.labelled(Tone::Dim, &label, &screen::text(value))?;
    }
    next(report, page)
}

/// What can be done with it.
fn next(report: &Report<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let name = screen::text(report.name);
    if !report.unwell.is_empty() || !report.state.ends_with("_COMPLETE") {
        return Ok(());
    }
    let text = match report.outputs.get("StreamName") {
        _ if !report.different_templates.is_empty() => format!("fhcheck stack up {name}"),
        Some(stream) => format!("fhcheck produce --stream {}", screen::text(stream)),
        None => return Ok(()),
    };
    page.section(Tone::Strong, "Next", &text)
}
