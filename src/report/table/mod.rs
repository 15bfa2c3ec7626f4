//! Reports for people: laid out for a width, in colour or without.

mod books;
mod estimate;
mod list;
mod next;
mod produce;
mod reconcile;
mod stack;
mod text;
mod trace;
mod trouble;
mod verdict;

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::model;
use crate::check::{DumpOutcome, Listing};
use crate::outcome::{Note, Outcome};
use crate::produce::Produced;

/// What a table is laid out for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Columns; [`Layout::UNBOUNDED`] where nothing needs to be shortened.
    pub width: usize,
    /// Whether to use colour.
    pub color: bool,
    /// How many findings of a kind to show.
    pub samples: usize,
}

impl Layout {
    /// A width that everything fits into: what reads the report is no screen.
    pub const UNBOUNDED: usize = usize::MAX;
    /// No layout is narrower than this.
    const NARROWEST: usize = 40;
}

/// Writes a listing.
///
/// # Errors
/// When `out` does not take it.
pub fn list(listing: &Listing, layout: Layout, out: &mut dyn Write) -> io::Result<()> {
    list::write(listing, &mut Page::new(layout, out))
}

/// Writes a reconciliation.
///
/// # Errors
/// When `out` does not take it.
pub fn reconcile(outcome: &Outcome, layout: Layout, out: &mut dyn Write) -> io::Result<()> {
    reconcile::write(outcome, &mut Page::new(layout, out))
}

/// Writes what reading would take.
pub(super) fn estimate(
    estimate: &model::Estimate<'_>,
    layout: Layout,
    out: &mut dyn Write,
) -> io::Result<()> {
    estimate::write(estimate, &mut Page::new(layout, out))
}

/// Writes what a stack is like.
pub(super) fn stack(
    report: &super::stack::Report<'_>,
    layout: Layout,
    out: &mut dyn Write,
) -> io::Result<()> {
    stack::write(report, &mut Page::new(layout, out))
}

/// Writes what a producer came to.
pub(super) fn produce(produced: &Produced, layout: Layout, out: &mut dyn Write) -> io::Result<()> {
    produce::write(produced, &mut Page::new(layout, out))
}

/// Writes a walk along the pipeline.
pub(super) fn trace(
    report: &super::trace::Report<'_>,
    layout: Layout,
    out: &mut dyn Write,
) -> io::Result<()> {
    trace::write(report, &mut Page::new(layout, out))
}

/// Writes what was wrong with a dump, and how much it gave out.
///
/// # Errors
/// When `out` does not take it.
pub fn dump(outcome: &DumpOutcome, layout: Layout, out: &mut dyn Write) -> io::Result<()> {
    let page = &mut Page::new(layout, out);
    let trouble = trouble::Trouble::of_dump(outcome);
    verdict::write_dump(outcome, page)?;
    trouble.write(page)?;
    page.notes(&outcome.notes)
}

/// Codes of notes that a table says elsewhere, and better: with the verdict, or as advice.
const SAID_ELSEWHERE: [&str; 3] = ["empty", "identity-not-checked", "missing-may-be-malformed"];

/// What a piece of text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tone {
    Plain,
    /// Worth less attention than the rest.
    Dim,
    /// A heading.
    Strong,
    Good,
    Bad,
    Unsure,
}

impl Tone {
    fn style(self) -> Style {
        let style = Style::new();
        match self {
            Self::Plain => style,
            Self::Dim => style.dimmed(),
            Self::Strong => style.bold(),
            Self::Good => AnsiColor::Green.on_default().bold(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Unsure => AnsiColor::Yellow.on_default().bold(),
        }
    }
}

/// A report under way: where it goes, and what it is laid out for.
struct Page<'a> {
    out: &'a mut dyn Write,
    layout: Layout,
    /// Whether a key had to be shortened.
    shortened: bool,
}

impl<'a> Page<'a> {
    fn new(layout: Layout, out: &'a mut dyn Write) -> Self {
        let layout = Layout { width: layout.width.max(Layout::NARROWEST), ..layout };
        Self { out, layout, shortened: false }
    }

    /// Text with the colour of its tone.
    fn paint(&self, tone: Tone, text: &str) -> String {
        if self.layout.color && tone != Tone::Plain {
            let style = tone.style();
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    fn line(&mut self, line: &str) -> io::Result<()> {
        self.out.write_all(line.trim_end().as_bytes())?;
        self.out.write_all(b"\n")
    }

    fn blank(&mut self) -> io::Result<()> {
        self.out.write_all(b"\n")
    }

    /// A label and a text beside it, which wraps behind the label and stays there.
    fn labelled(&mut self, tone: Tone, label: &str, text: &str) -> io::Result<()> {
        let indent = text::width(label) + 2;
        let lines = text::wrap(text, self.layout.width.saturating_sub(indent));
        let mut lead = self.paint(tone, label) + "  ";
        for line in lines {
            self.line(&format!("{lead}{line}"))?;
            lead = " ".repeat(indent);
        }
        Ok(())
    }

    /// A section's heading, with a blank line before it.
    fn section(&mut self, tone: Tone, title: &str, text: &str) -> io::Result<()> {
        self.blank()?;
        self.labelled(tone, title, text)
    }

    /// Foreign text on as many lines as it takes, broken anywhere.
    fn verbatim(&mut self, indent: usize, text: &str) -> io::Result<()> {
        for line in text::chop(text, self.layout.width.saturating_sub(indent)) {
            self.line(&format!("{:indent$}{line}", ""))?;
        }
        Ok(())
    }

    /// A key as it fits into what is left of a line; its middle gives way.
    fn key(&mut self, key: &str, taken: usize) -> String {
        let shown = super::screen::text(key);
        let short = text::shorten(&shown, self.layout.width.saturating_sub(taken));
        self.shortened |= short.len() != shown.len();
        short.into_owned()
    }

    fn notes(&mut self, notes: &[Note]) -> io::Result<()> {
        let notes = notes.iter().filter(|note| !SAID_ELSEWHERE.contains(&note.code));
        for (index, note) in notes.enumerate() {
            if index == 0 {
                self.blank()?;
            }
            self.labelled(Tone::Strong, "Note", &super::screen::text(&note.text))?;
        }
        Ok(())
    }
}
