//! A walk along the pipeline, for people: a column for each place, a row for each period in which
//! anything was counted, and then what the totals come to.

use std::io;

use super::trouble::Trouble;
use super::{Page, Tone, text};
use crate::outcome::Verdict;
use crate::report::trace::Report;
use crate::report::units::{count, counted};
use crate::report::{Totals, screen};
use crate::trace::Series;
use crate::trace::hops::{Hop, Reason, Stage, Standing, Walk};

/// What counts prove, and what they do not.
const PROVES: &str = "Counts can hide a loss: one record lost and one doubled cancel. Only comparing \
    records, one by one, proves that all are there.";

/// What stands where there is no data point.
const NONE: &str = "–";

pub(super) fn write(report: &Report<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let walk = report.walk;
    // Numbers that agree reconcile nothing.
    let (tone, name) = match report.verdict() {
        Verdict::Reconciled => (Tone::Good, "AGREES"),
        Verdict::Discrepant => (Tone::Bad, "DISCREPANT"),
        Verdict::Inconclusive => (Tone::Unsure, "INCONCLUSIVE"),
    };
    page.labelled(tone, name, &headline(report))?;
    page.blank()?;
    about(report, page)?;
    page.blank()?;
    table(walk, page)?;
    page.blank()?;
    for hop in &walk.hops {
        write_hop(hop, page)?;
    }
    signals(report, page)?;
    Trouble::of_list(report.listing, &Totals::of(report.listing)).write(page)?;
    page.notes(&report.listing.notes)?;
    next(report, page)
}

/// The hop where the number drops, or what is not known.
fn headline(report: &Report<'_>) -> String {
    let walk = report.walk;
    let drops: Vec<_> =
        walk.hops.iter().filter(|hop| hop.standing == Standing::Drops).map(dropped).collect();
    if !drops.is_empty() {
        return drops.join("; ");
    }
    match report.verdict() {
        Verdict::Reconciled => {
            let records = walk.total(Stage::Objects).unwrap_or(0);
            format!("the numbers agree at every hop: {}", counted(records, "record", "records"))
        }
        Verdict::Discrepant => "the numbers agree, but stored data is damaged".to_owned(),
        Verdict::Inconclusive => {
            let open = walk.hops.iter().filter(|hop| hop.standing != Standing::Agrees);
            let open: Vec<_> = open.map(short).collect();
            if open.is_empty() {
                "the numbers agree, but not every object could be read".to_owned()
            } else {
                open.join("; ")
            }
        }
    }
}

fn dropped(hop: &Hop) -> String {
    let records = counted(hop.difference, "record", "records");
    format!("{records} fewer {}", between(hop))
}

fn short(hop: &Hop) -> String {
    match hop.standing {
        Standing::Unknown => {
            let stage = hop.reasons.iter().find_map(|reason| match reason {
                Reason::NoDataPoint(stage) => Some(*stage),
                _ => None,
            });
            format!("no data point for {}", stage.map_or("it", title))
        }
        Standing::Rises => {
            format!("{} more {}", counted(hop.difference, "record", "records"), between(hop))
        }
        _ => format!("{} may still change", between(hop)),
    }
}

fn between(hop: &Hop) -> String {
    format!("from {} to {}", title(hop.from), title(hop.to))
}

/// How people read a place.
fn title(stage: Stage) -> &'static str {
    match stage {
        Stage::Produced => "producer",
        Stage::Incoming => "IncomingRecords",
        Stage::Read => "DataReadFromKinesisStream",
        Stage::Delivered => "DeliveryToS3",
        Stage::Objects => "objects",
    }
}

fn about(report: &Report<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let grid = &report.walk.grid;
    let name = screen::text(report.delivery_stream);
    let streams = match report.stream {
        Some(stream) => format!("data stream {} to delivery stream {name}", screen::text(stream)),
        None => format!("Direct PUT to delivery stream {name}"),
    };
    page.labelled(Tone::Dim, "  streams", &streams)?;
    page.labelled(Tone::Dim, "  objects", &screen::text(&report.listing.location))?;
    let until = grid.until();
    page.labelled(Tone::Dim, "  window ", &format!("{} to {until}", grid.since()))?;
    let how = if report.chosen_period { ", chosen by the window's age and length" } else { "" };
    if grid.is_young() {
        let settled = format!("until {}; later numbers may still change", grid.settled());
        page.labelled(Tone::Dim, "  settled", &settled)?;
    }
    page.labelled(Tone::Dim, "  period ", &format!("{}{how}", grid.period().as_str()))
}

/// A column: what it says above, below, and in each period.
struct Column<'a> {
    title: &'static str,
    series: Option<&'a Series>,
    total: Option<u64>,
}

fn columns(walk: &Walk) -> Vec<Column<'_>> {
    let mut columns = Vec::new();
    for stage in walk.stages() {
        let (title, series) = match stage {
            Stage::Produced => ("PRODUCED", None),
            Stage::Incoming => ("INCOMING", Some(&walk.measured.incoming)),
            Stage::Read => ("READ", walk.measured.read.as_ref()),
            Stage::Delivered => ("DELIVERED", Some(&walk.measured.delivered)),
            Stage::Objects => ("IN OBJECTS", Some(&walk.counted.data)),
        };
        let total = match series {
            Some(series) if stage == Stage::Objects => Some(series.total().unwrap_or(0)),
            Some(series) => series.total(),
            None => walk.total(stage),
        };
        columns.push(Column { title, series, total });
    }
    if let Some(total) = walk.counted.errors.total() {
        let series = Some(&walk.counted.errors);
        columns.push(Column { title: "ERROR OUTPUT", series, total: Some(total) });
    }
    columns
}

fn table(walk: &Walk, page: &mut Page<'_>) -> io::Result<()> {
    let columns = columns(walk);
    let width = |column: &Column<'_>| {
        let total = text::width(&number(column.total));
        text::width(column.title).max(total)
    };
    let line = |label: &str, cell: &dyn Fn(&Column<'_>) -> String| {
        let cells = columns.iter().map(|column| text::right(&cell(column), width(column)));
        let cells: Vec<_> = cells.collect();
        format!("  {}  {}", text::left(label, "2023-05-04 08:30".len()), cells.join("  "))
    };
    let header = line("PERIOD UTC", &|column| column.title.to_owned());
    page.line(&page.paint(Tone::Strong, &header))?;
    let mut quiet = 0;
    for index in 0..walk.grid.periods() {
        let at = |column: &Column<'_>| column.series.and_then(|series| series.0[index]);
        if columns.iter().all(|column| at(column).unwrap_or(0) == 0) {
            quiet += 1;
            continue;
        }
        let start = walk.grid.start(index).strftime("%Y-%m-%d %H:%M").to_string();
        let cell = |column: &Column<'_>| match column.series {
            None => String::new(),
            Some(_) => number(at(column)),
        };
        page.line(&line(&start, &cell))?;
    }
    page.line(&page.paint(Tone::Strong, &line("total", &|column| number(column.total))))?;
    let mut said = Vec::new();
    if quiet > 0 {
        said.push(format!("{} without a record left out", counted(quiet, "period", "periods")));
    }
    let metrics = columns.iter().filter(|column| !column.title.ends_with("OBJECTS"));
    if metrics.filter_map(|column| column.series).any(|series| series.silent() > 0) {
        said.push(format!("{NONE} is no data point, which is not zero"));
    }
    if !said.is_empty() {
        page.labelled(Tone::Plain, "", &said.join("; "))?;
    }
    Ok(())
}

fn number(number: Option<u64>) -> String {
    number.map_or_else(|| NONE.to_owned(), count)
}

fn write_hop(hop: &Hop, page: &mut Page<'_>) -> io::Result<()> {
    let (tone, label) = match hop.standing {
        Standing::Agrees => (Tone::Good, "  ok     "),
        Standing::Drops => (Tone::Bad, "  DROPS  "),
        Standing::Rises => (Tone::Unsure, "  rises  "),
        Standing::Unsettled => (Tone::Unsure, "  open   "),
        Standing::Unknown => (Tone::Unsure, "  unknown"),
    };
    let by = match hop.difference {
        0 => String::new(),
        _ if hop.standing == Standing::Agrees => String::new(),
        records => format!(" by {}", count(records)),
    };
    let mut line = format!("{} to {}{by}", title(hop.from), title(hop.to));
    let reasons: Vec<_> = hop.reasons.iter().map(ToString::to_string).collect();
    if !reasons.is_empty() {
        line = format!("{line}: {}", reasons.join("; "));
    }
    page.labelled(tone, label, &line)
}

fn signals(report: &Report<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let there = report.walk.measured.signals.iter().filter_map(|signal| {
        let value = signal.value?;
        let (unit, how) = match signal.statistic {
            "Average" => (" %", "average"),
            "Maximum" => ("", "latest maximum"),
            _ => ("", "sum"),
        };
        Some(format!("{} {}{unit} ({how})", signal.metric, count(value)))
    });
    let there: Vec<_> = there.collect();
    if there.is_empty() {
        return Ok(());
    }
    page.section(Tone::Dim, "  also", &there.join(", "))
}

fn next(report: &Report<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let name = screen::text(report.delivery_stream);
    let truth = if report.stream.is_some() { "--stream" } else { "--manifest FILE" };
    let since = report.walk.grid.since();
    page.section(Tone::Strong, "Note", PROVES)?;
    page.labelled(
        Tone::Strong,
        "Next",
        &format!("fhcheck reconcile --delivery-stream {name} {truth} --since {since}"),
    )
}
