//! The whole story on one machine: produce, deliver, list, dump, reconcile, as one would type it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anstyle::Style;

use super::output::Output;
use super::request::Demo;
use super::wire;
use crate::check::{DumpSink, Dumped, Run, Wanted};
use crate::error::Result;
use crate::fingerprint::Policy;
use crate::observe::Silent;
use crate::outcome::{Allow, Verdict};
use crate::plan::{Expectation, Foreign, ReadPlan, ReconcilePlan, Window};
use crate::report::units::{count, counted};
use crate::report::{self, Form, screen};
use crate::split::FormatChoice;

/// Records that the demo shows.
const RECORDS_SHOWN: usize = 10;

/// Tells the story, and gives its verdict.
pub(super) async fn run(demo: &Demo, mut output: Output) -> Result<Verdict> {
    let stage = wire::stage(demo).await?;
    let read = ReadPlan {
        prefix: None,
        location: stage.location.clone(),
        window: Window::default(),
        zone: jiff::tz::TimeZone::UTC,
        foreign: Foreign::Read,
        format: FormatChoice::Detect,
        base64: false,
        limits: demo.limits,
    };
    let form = Form::Table(demo.layout);
    let story = Story { demo, endpoint_url: &stage.endpoint_url };

    let samples = demo.layout.samples;
    let run = Run::new(Arc::clone(&stage.source), read.clone(), Arc::new(Silent));
    let listing = run.list(true, samples).await?;
    let records = FirstRecords::default();
    let dumped = run.dump(Box::new(records.clone()), Wanted::Data, samples).await?;
    let plan = ReconcilePlan {
        read,
        expectation: Expectation::Manifest(Vec::new()),
        policy: Policy::Raw,
        allow: Allow::default(),
        samples,
        delivery_start: None,
        young: None,
        memory: demo.memory.clone(),
        seed: demo.identity_seed,
    };
    let manifest = stage.manifest.name.clone();
    let compare = format!("reconcile {} --manifest {manifest}", stage.location);
    let outcome = run.reconcile(&plan, vec![stage.manifest]).await?;

    let mut tell = || -> io::Result<()> {
        story.opening(&mut output)?;
        story.command(&format!("list {} --records", stage.location), &mut output)?;
        report::list(&listing, form, &mut output)?;
        story.command(&format!("dump {}", stage.location), &mut output)?;
        records.show(dumped.records, &mut output)?;
        story.command(&compare, &mut output)?;
        report::reconcile(&outcome, form, &mut output)
    };
    let told = tell();
    output.finish(told)?;
    Ok(outcome.verdict())
}

/// What the reports do not say themselves.
struct Story<'a> {
    demo: &'a Demo,
    endpoint_url: &'a str,
}

impl Story<'_> {
    fn opening(&self, out: &mut dyn Write) -> io::Result<()> {
        let demo = self.demo;
        let records = counted(demo.count, "record was", "records were");
        writeln!(out, "{records} produced, and a delivery stream wrote to a bucket on this")?;
        writeln!(out, "machine, which is read over HTTP at {}.", self.endpoint_url)?;
        if !demo.faults.is_empty() {
            writeln!(out, "It was told to go wrong: {}.", screen::text(&demo.faults))?;
        }
        Ok(())
    }

    fn command(&self, command: &str, out: &mut dyn Write) -> io::Result<()> {
        let style = if self.demo.layout.color { Style::new().bold() } else { Style::new() };
        let command = screen::text(command);
        writeln!(out, "\n{style}$ fhcheck {command}{style:#}")
    }
}

/// Keeps the first records.
#[derive(Clone, Default)]
struct FirstRecords(Arc<Mutex<Vec<Vec<u8>>>>);

impl FirstRecords {
    fn kept(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, total: u64, out: &mut dyn Write) -> io::Result<()> {
        let kept = self.kept();
        for record in kept.iter() {
            writeln!(out, "{}", screen::bytes(record))?;
        }
        match total.saturating_sub(kept.len() as u64) {
            0 => Ok(()),
            more => writeln!(out, "... and {} more", count(more)),
        }
    }
}

impl DumpSink for FirstRecords {
    fn record(&mut self, record: Dumped<'_>) -> io::Result<()> {
        let mut kept = self.kept();
        if kept.len() < RECORDS_SHOWN {
            kept.push(record.bytes.to_vec());
        }
        Ok(())
    }

    fn rejected(&mut self, _: &str, _: u64, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}
