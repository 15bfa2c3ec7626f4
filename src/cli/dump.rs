//! `dump`: records stream out as they come, what was wrong is said at the end.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::output::{self, Output};
use super::request::{Dump, Session};
use super::watched::Watched;
use crate::check::{DumpOutcome, DumpSink, Dumped, SAID_OF_RECORDS};
use crate::error::{Error, Result};
use crate::outcome::Verdict;
use crate::report::dump::Writer;
use crate::report::table;
use crate::report::units::counted;
use crate::{exit, limits};

/// Samples of a kind that are kept for what is said at the end.
const SAMPLES: usize = limits::SAMPLES_DEFAULT;

pub(super) async fn run(request: Dump, session: &Session) -> Result<u8> {
    let out = Output::open(request.output.file.as_deref())?;
    let rejects = request.rejects.as_deref().map(|path| Output::open(Some(path))).transpose()?;
    // Records that scroll by and a bar that redraws itself do not share a screen.
    let on_screen = session.stdout_terminal && request.output.file.is_none();
    let watched = session.progress && !on_screen;
    let run = Watched::open(&request.read, session, watched).await?;
    if request.dry_run {
        return run.estimate(None, &request.output, out).await;
    }
    let unfinished = [Some(&out), rejects.as_ref()].into_iter().flatten();
    let unfinished = unfinished.filter_map(Output::unfinished).collect();
    let slot = Slot::default();
    let owner = Owner { slot: Arc::clone(&slot), unfinished };
    let filler = Filler { writer: Some(Writer::new(request.records, out, rejects)), slot };
    let outcome = run.run.dump(Box::new(filler), request.wanted, SAMPLES).await?;
    run.progress.clear();
    owner.finish(&outcome)?;
    if !session.quiet {
        say(&outcome, session, watched)?;
    }
    Ok(exit::code(outcome.verdict()))
}

/// What was wrong; and where somebody watches, that nothing was.
fn say(outcome: &DumpOutcome, session: &Session, watched: bool) -> Result<()> {
    if outcome.verdict() != Verdict::Reconciled {
        let mut summary = Vec::new();
        let written = table::dump(outcome, session.stderr_layout(SAMPLES), &mut summary);
        written.map_err(|error| Error::io("stderr", error))?;
        output::say(&String::from_utf8_lossy(&summary));
        return Ok(());
    }
    if watched {
        let objects = counted(outcome.objects.read, "object", "objects");
        let records = counted(outcome.records, "record", "records");
        output::say(&format!("{records} from {objects}\n"));
    }
    for note in outcome.notes.iter().filter(|note| SAID_OF_RECORDS.contains(&note.code)) {
        output::say(&format!("{}\n", note.text));
    }
    Ok(())
}

/// Where the writer is while nobody fills it.
type Slot = Arc<Mutex<Option<Writer<Output>>>>;

/// The writer, for the worker that fills it: its own until it is done, so that a record costs no lock.
struct Filler {
    writer: Option<Writer<Output>>,
    slot: Slot,
}

impl Filler {
    fn writer(&mut self) -> io::Result<&mut Writer<Output>> {
        self.writer.as_mut().ok_or_else(|| io::ErrorKind::BrokenPipe.into())
    }
}

impl DumpSink for Filler {
    fn record(&mut self, record: Dumped<'_>) -> io::Result<()> {
        self.writer()?.record(record)
    }

    fn joins(&self) -> bool {
        self.writer.as_ref().is_some_and(DumpSink::joins)
    }

    fn rejected(&mut self, key: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.writer()?.rejected(key, offset, bytes)
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = self.writer.take();
    }
}

/// The writer, for the run that ends it.
struct Owner {
    slot: Slot,
    unfinished: Vec<PathBuf>,
}

impl Owner {
    fn finish(mut self, outcome: &DumpOutcome) -> Result<()> {
        // From here on files that are not complete go with the writer.
        self.unfinished.clear();
        let writer = self.slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut writer) = writer else { return Ok(()) };
        let written = writer.finish(outcome);
        let (out, rejects) = writer.into_parts();
        out.finish(written)?;
        rejects.map_or(Ok(()), |rejects| rejects.finish(Ok(())))
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // A worker in the middle of an object keeps its files open, but must neither keep the process from
        // ending nor leave them behind.
        self.unfinished.iter().for_each(|file| _ = fs::remove_file(file));
    }
}
