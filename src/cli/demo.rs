//! The whole story on one machine: produce, deliver, list, dump, reconcile, as one would type it.

use std::io::{self, Write};

use anstyle::Style;

use super::output::Output;
use super::request::Demo;
use super::wire;
use crate::check::{self, DumpSink, Dumped};
use crate::error::Result;
use crate::fingerprint::Policy;
use crate::observe::Silent;
use crate::outcome::{Allow, Verdict};
use crate::plan::{Expectation, Foreign, ReadPlan, ReconcilePlan, Window};
use crate::report::units::{count, counted};
use crate::report::{self, Form, screen};
use crate::split::FormatChoice;

/// Records that the demo shows.
const RECORDS_SHOWN: u64 = 10;

/// Tells the story, and gives its verdict.
pub(super) async fn run(demo: &Demo, mut output: Output) -> Result<Verdict> {
    let stage = wire::stage(demo).await?;
    let read = ReadPlan {
        location: stage.location.clone(),
        window: Window::default(),
        zone: jiff::tz::TimeZone::UTC,
        foreign: Foreign::Read,
        format: FormatChoice::Detect,
        limits: demo.limits,
    };
    let form = Form::Table(demo.layout);
    let story = Story { demo, stage: &stage };

    let listing = check::list(&*stage.source, &read, true, demo.layout.samples, &Silent).await?;
    let mut records = FirstRecords::default();
    let dumped = check::dump(&*stage.source, &read, &mut records, &Silent).await?;
    let plan = ReconcilePlan {
        read: read.clone(),
        expectation: Expectation::Manifest(vec![stage.manifest.clone()]),
        policy: Policy::Raw,
        allow: Allow::default(),
        samples: demo.layout.samples,
        seed: demo.identity_seed,
    };
    let manifests = std::slice::from_ref(&stage.manifest_source);
    let outcome = check::reconcile(&*stage.source, manifests, &plan, &Silent).await?;

    let mut tell = || -> io::Result<()> {
        story.opening(&mut output)?;
        story.command(&format!("list {} --records", stage.location), &mut output)?;
        report::list(&listing, form, &mut output)?;
        story.command(&format!("dump {}", stage.location), &mut output)?;
        records.show(dumped.records, &mut output)?;
        let compare = format!("reconcile {} --manifest {}", stage.location, stage.manifest);
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
    stage: &'a wire::Stage,
}

impl Story<'_> {
    fn opening(&self, out: &mut dyn Write) -> io::Result<()> {
        let demo = self.demo;
        let records = counted(demo.count, "record was", "records were");
        writeln!(out, "{records} produced and delivered to a bucket on this machine,")?;
        writeln!(out, "which is read over HTTP at {}.", self.stage.endpoint_url)?;
        if !demo.faults.is_empty() {
            writeln!(out, "On the way: {}.", screen::text(&demo.faults))?;
        }
        Ok(())
    }

    fn command(&self, command: &str, out: &mut dyn Write) -> io::Result<()> {
        let style = if self.demo.layout.color { Style::new().bold() } else { Style::new() };
        let command = screen::text(command);
        writeln!(out, "\n{style}$ fhcheck {command}{style:#}")
    }
}

/// Keeps the first records and counts on.
#[derive(Default)]
struct FirstRecords {
    kept: Vec<Vec<u8>>,
}

impl DumpSink for FirstRecords {
    fn record(&mut self, record: Dumped<'_>) -> io::Result<()> {
        if (self.kept.len() as u64) < RECORDS_SHOWN {
            self.kept.push(record.bytes.to_vec());
        }
        Ok(())
    }

    fn rejected(&mut self, _: &str, _: u64, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

impl FirstRecords {
    fn show(&self, total: u64, out: &mut dyn Write) -> io::Result<()> {
        for record in &self.kept {
            writeln!(out, "{}", screen::bytes(record))?;
        }
        match total.saturating_sub(self.kept.len() as u64) {
            0 => Ok(()),
            more => writeln!(out, "... and {} more", count(more)),
        }
    }
}
