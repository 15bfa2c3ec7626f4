//! A listing for people: a row for each object, then what they add up to.
//!
//! One pass measures the columns, a second writes the rows, so that a long listing costs no more
//! memory than a short one. A column that says the same in every row is said once, below.

use std::io;

use jiff::Timestamp;
use jiff::civil::DateTime;

use super::trouble::{Trouble, only_first};
use super::{Page, Tone, reconcile, text, verdict};
use crate::check::{Listed, Listing};
use crate::failed;
use crate::limits;
use crate::outcome::SkipReason;
use crate::report::units::{count, counted, exact_size, size};
use crate::report::{Totals, screen};

/// Small objects are worth a word from this many objects on.
const SMALL_OBJECTS_MATTER: u64 = 100;
/// Keys keep at least this many columns; other columns make way for them.
const KEY_WIDTH_MIN: usize = 48;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Size,
    Records,
    Encoding,
    Arrival,
    Modified,
    Stream,
}

impl Column {
    /// In the order in which they stand.
    const ALL: [Self; 6] =
        [Self::Size, Self::Records, Self::Encoding, Self::Arrival, Self::Modified, Self::Stream];
    /// In the order in which they make way for keys; those not named never do.
    const GIVING_WAY: [Self; 3] = [Self::Modified, Self::Stream, Self::Encoding];

    fn title(self) -> &'static str {
        match self {
            Self::Size => "SIZE",
            Self::Records => "RECORDS",
            Self::Encoding => "ENCODING",
            Self::Arrival => "FIRST ARRIVAL",
            Self::Modified => "MODIFIED UTC",
            Self::Stream => "STREAM",
        }
    }

    /// Whether it is said below the rows where they all say the same.
    fn is_said_once(self) -> bool {
        matches!(self, Self::Encoding | Self::Stream)
    }

    fn is_number(self) -> bool {
        matches!(self, Self::Size | Self::Records)
    }

    fn cell(self, listed: &Listed) -> String {
        let contents = listed.contents.as_ref();
        let name = listed.name.as_ref();
        match self {
            Self::Size => size(listed.object.size),
            Self::Records => contents.map_or(String::new(), |contents| count(contents.records)),
            Self::Encoding => {
                contents.map_or(String::new(), |contents| contents.encoding.to_string())
            }
            Self::Arrival => name.map_or(String::new(), |name| local(name.arrival)),
            Self::Modified => listed.object.modified.map_or(String::new(), utc),
            Self::Stream => name.map_or(String::new(), |name| {
                format!("{} v{}", screen::text(&name.delivery_stream), name.version)
            }),
        }
    }
}

/// What is special about an object, as it stands behind its key.
fn mark(listed: &Listed) -> &'static str {
    let errors = listed.contents.as_ref().map(|contents| contents.error_documents.is_some());
    let hinted = || failed::is_hinted(&listed.object.key);
    match listed.skip {
        Some(SkipReason::FolderMarker) => "  (folder marker)",
        Some(SkipReason::OutsideWindow) => "  (outside the window)",
        Some(SkipReason::Foreign) => "  (foreign, skipped)",
        None if errors == Some(true) => "  (error output)",
        None if errors.is_none() && hinted() => "  (error output?)",
        None if listed.name.is_none() => "  (foreign)",
        None => "",
    }
}

fn local(time: DateTime) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn utc(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

pub(super) fn write(listing: &Listing, page: &mut Page<'_>) -> io::Result<()> {
    let totals = Totals::of(listing);
    if listing.objects.is_empty() {
        let location = screen::text(&listing.location).into_owned();
        page.labelled(Tone::Strong, "No objects", &format!("under {location}"))?;
    } else {
        let table = Measured::of(listing, page.layout.width);
        table.write(listing, page)?;
        page.blank()?;
        table.write_below(listing, &totals, page)?;
    }
    write_silence(listing, page)?;
    reconcile::write_skipped(&listing.book.skipped, page)?;
    if listing.verdict() != crate::outcome::Verdict::Reconciled {
        page.blank()?;
        verdict::write_list(listing, &totals, page)?;
    }
    Trouble::of_list(listing, &totals).write(page)?;
    page.notes(&listing.notes)?;
    write_small(&totals, page)
}

/// One column over the whole listing.
#[derive(Default)]
struct Extent {
    /// Its widest cell.
    width: usize,
    /// What its cells say, as long as they all say the same. Empty ones say nothing.
    same: Option<String>,
    differ: bool,
}

impl Extent {
    fn add(&mut self, cell: String) {
        self.width = self.width.max(text::width(&cell));
        match &self.same {
            _ if cell.is_empty() || self.differ => {}
            None => self.same = Some(cell),
            Some(same) => self.differ = *same != cell,
        }
    }
}

/// The columns that are shown, and how wide they are.
struct Measured {
    shown: Vec<(Column, usize)>,
    /// Columns that say the same in every row, and what they say.
    once: Vec<(Column, String)>,
    /// Columns that there was no room for.
    left_out: Vec<Column>,
}

impl Measured {
    fn of(listing: &Listing, page_width: usize) -> Self {
        let mut extents = Column::ALL.map(|column| (column, Extent::default()));
        let mut key_width = 0;
        for listed in &listing.objects {
            let key = text::width(&screen::text(&listed.object.key));
            key_width = key_width.max(key + mark(listed).len());
            for (column, extent) in &mut extents {
                extent.add(column.cell(listed));
            }
        }
        let mut measured = Self { shown: Vec::new(), once: Vec::new(), left_out: Vec::new() };
        for (column, extent) in extents {
            match extent.same {
                None => {}
                Some(same) if column.is_said_once() && !extent.differ => {
                    measured.once.push((column, same));
                }
                Some(_) => {
                    measured.shown.push((column, extent.width.max(column.title().len())));
                }
            }
        }
        measured.make_way(page_width, key_width.min(KEY_WIDTH_MIN));
        measured
    }

    /// Leaves columns out until keys have room.
    fn make_way(&mut self, page_width: usize, key_width: usize) {
        for column in Column::GIVING_WAY {
            if self.taken().saturating_add(key_width) <= page_width {
                return;
            }
            let before = self.shown.len();
            self.shown.retain(|(shown, _)| *shown != column);
            if self.shown.len() < before {
                self.left_out.push(column);
            }
        }
    }

    fn taken(&self) -> usize {
        self.shown.iter().map(|(_, width)| width + 2).sum()
    }

    fn write(&self, listing: &Listing, page: &mut Page<'_>) -> io::Result<()> {
        let titles = self.row(|column| column.title().to_owned()) + "KEY";
        let titles = page.paint(Tone::Dim, &titles);
        page.line(&titles)?;
        let taken = self.taken();
        for listed in &listing.objects {
            let cells = self.row(|column| column.cell(listed));
            let mark = mark(listed);
            let key = page.key(&listed.object.key, taken + mark.len());
            let row = if listed.skip.is_some() {
                page.paint(Tone::Dim, &format!("{cells}{key}{mark}"))
            } else {
                format!("{cells}{key}{}", page.paint(Tone::Dim, mark))
            };
            page.line(&row)?;
        }
        Ok(())
    }

    fn row(&self, cell: impl Fn(Column) -> String) -> String {
        let mut row = String::new();
        for (column, width) in &self.shown {
            let cell = cell(*column);
            let fill = if column.is_number() { text::right } else { text::left };
            row.push_str(&fill(&cell, *width));
            row.push_str("  ");
        }
        row
    }

    /// What the objects add up to, what every row would have said, and what no row could say.
    fn write_below(
        &self,
        listing: &Listing,
        totals: &Totals,
        page: &mut Page<'_>,
    ) -> io::Result<()> {
        let mut text = counted(totals.objects, "object", "objects");
        text.push_str(&format!(", {}", exact_size(totals.bytes)));
        if let Some(records) = totals.records {
            text.push_str(&format!(", {}", counted(records, "record", "records")));
        }
        text.push_str(&format!(" in {}", screen::text(&listing.location)));
        page.labelled(Tone::Strong, "Total   ", &text)?;
        for (column, cell) in &self.once {
            let label = if *column == Column::Stream { "Stream  " } else { "Encoding" };
            page.labelled(Tone::Strong, label, cell)?;
        }
        if let Some(keys) = &listing.keys {
            page.labelled(Tone::Strong, "Keys    ", &screen::text(&keys.to_string()))?;
        }
        let mut hidden: Vec<_> =
            page.shortened.then(|| "whole keys".to_owned()).into_iter().collect();
        hidden.extend(self.left_out.iter().map(|column| column.title().to_lowercase()));
        if hidden.is_empty() {
            return Ok(());
        }
        let text = format!("{}: too wide for this screen; see --format csv", hidden.join(", "));
        page.labelled(Tone::Dim, "Not here", &text)
    }
}

fn write_silence(listing: &Listing, page: &mut Page<'_>) -> io::Result<()> {
    if listing.silent_hours.is_empty() {
        return Ok(());
    }
    let total = listing.silent_hours.len();
    let shown = total.min(page.layout.samples);
    let more = only_first(shown as u64, total as u64);
    page.section(Tone::Strong, "Silent", &format!("hours in which no object begins{more}"))?;
    for (from, to) in &listing.silent_hours[..shown] {
        let format = "%Y-%m-%d %H:%M";
        page.line(&format!("  {} to {}", from.strftime(format), to.strftime(format)))?;
    }
    Ok(())
}

/// Small objects make a reader pay for requests.
fn write_small(totals: &Totals, page: &mut Page<'_>) -> io::Result<()> {
    if totals.objects < SMALL_OBJECTS_MATTER || totals.small * 2 <= totals.objects {
        return Ok(());
    }
    let text = format!(
        "{} of {} objects are smaller than {}: reading them costs more in requests than in bytes; \
         larger buffering hints of the delivery stream make fewer of them",
        count(totals.small),
        count(totals.objects),
        size(limits::SMALL_OBJECT_BYTES),
    );
    page.section(Tone::Strong, "Hint", &text)
}
