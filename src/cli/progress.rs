//! Progress on stderr, for people: what is being done, how fast, and how long it will take.

use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::observe::{Event, Observer};
use crate::report::units::{count, counted, size};

/// How often a spinner moves.
const TICK: Duration = Duration::from_millis(100);
/// Listed objects between two updates of the line, after the first few: eyes are slower.
const LISTED_STEP: u64 = 100;

/// Shows a run as it goes.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    reading: bool,
    listed: u64,
    listed_bytes: u64,
    objects: u64,
    done: u64,
    records: u64,
    gaps: u64,
    rejected: u64,
}

impl Progress {
    /// Shows nothing unless it is wanted.
    pub(super) fn new(wanted: bool) -> Self {
        let target =
            if wanted { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(spinner());
        bar.set_prefix("listing");
        if wanted {
            bar.enable_steady_tick(TICK);
        }
        Self { bar, state: Mutex::default() }
    }

    /// Takes the line away: what comes next is the result.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    fn spin(&self, what: &'static str, message: String) {
        self.bar.set_style(spinner());
        self.bar.set_prefix(what);
        self.bar.set_message(message);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates below are tested; a bad one would only cost the looks.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

const SPINNER: &str = "{spinner} {prefix}  {msg}";
const READING: &str = "{prefix} {bar:10} {binary_bytes}/{binary_total_bytes}, \
                       {binary_bytes_per_sec}, {eta} left  {wide_msg}";

const PUTTING: &str = "{prefix} {bar:10} {human_pos}/{human_len} records, {per_sec}, {eta} left  \
                       {wide_msg}";

fn spinner() -> ProgressStyle {
    style(SPINNER)
}

impl Observer for Progress {
    fn on(&self, event: Event<'_>) {
        if self.bar.is_hidden() {
            return;
        }
        let Ok(mut state) = self.state.lock() else { return };
        match event {
            Event::Listed { bytes } => {
                state.listed += 1;
                state.listed_bytes += bytes;
                if state.listed < LISTED_STEP || state.listed.is_multiple_of(LISTED_STEP) {
                    self.bar.set_message(state.listing());
                }
            }
            Event::ReadingStarts { objects, bytes } => {
                (state.reading, state.objects) = (true, objects);
                (state.done, state.gaps, state.records) = (0, 0, 0);
                self.bar.set_style(style(READING));
                self.bar.set_prefix("reading");
                self.bar.set_position(0);
                self.bar.set_length(bytes);
                self.bar.reset_eta();
                self.bar.set_message(state.reading());
            }
            Event::Done { bytes, records, .. } => {
                state.done += 1;
                state.records += records;
                self.bar.inc(bytes);
                self.bar.set_message(state.reading());
            }
            Event::Gap { bytes, .. } => {
                state.gaps += 1;
                self.bar.inc(bytes);
                self.bar.set_message(state.reading());
            }
            // While objects are read, their line stays.
            Event::Manifest { records } => {
                if !state.reading || state.done + state.gaps == state.objects {
                    self.spin("reading the manifest", counted(records, "record", "records"));
                }
            }
            Event::Stream { records, bytes, done, shards } => {
                let records = counted(records, "record", "records");
                let shards = format!("{}/{} shards", count(done), count(shards));
                self.spin("reading the stream", format!("{records}, {}, {shards}", size(bytes)));
            }
            Event::Comparing => self.spin("comparing", String::new()),
            Event::PuttingStarts { records } => {
                self.bar.set_style(style(PUTTING));
                self.bar.set_prefix("putting");
                self.bar.set_length(records);
                self.bar.reset_eta();
            }
            Event::Put { acknowledged, rejected } => {
                state.rejected += rejected;
                self.bar.inc(acknowledged);
                self.bar.set_message(state.putting());
            }
            Event::Fetched { .. }
            | Event::Step { .. }
            | Event::Resource { .. }
            | Event::Emptied { .. } => {}
        }
    }
}

impl State {
    fn listing(&self) -> String {
        let objects = counted(self.listed, "object", "objects");
        format!("{objects}, {}", size(self.listed_bytes))
    }

    fn putting(&self) -> String {
        match self.rejected {
            0 => String::new(),
            rejected => format!("{} to put again", counted(rejected, "record", "records")),
        }
    }

    fn reading(&self) -> String {
        let objects = format!("{}/{} objects", count(self.done), count(self.objects));
        match self.gaps {
            0 => objects,
            gaps => format!("{objects}, {} unread", count(gaps)),
        }
    }
}

#[cfg(test)]
mod tests {
    use indicatif::ProgressStyle;

    use super::{PUTTING, READING, SPINNER, State};

    #[test]
    fn templates_are_well_formed() {
        for template in [SPINNER, READING, PUTTING] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn what_could_not_be_read_shows_at_once() {
        let state = State { done: 3, objects: 1_000, gaps: 2, ..State::default() };
        assert_eq!(state.reading(), "3/1,000 objects, 2 unread");
    }
}
