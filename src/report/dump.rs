//! Records on their way out, in the form that was asked for.

use std::io::{self, Write};

use super::model::{self, Record};
use super::{csv, json};
use crate::check::{DumpOutcome, DumpSink, Dumped};

/// How records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Records {
    /// The record's bytes and a line break.
    Lines,
    /// The record's bytes and nothing else.
    Raw,
    /// A JSON object a line: the record and where it comes from.
    Origin,
    /// Like [`Records::Origin`], each line with its type, findings and the summary after them.
    Ndjson,
    /// One JSON document.
    Json,
    /// A row a record.
    Csv,
}

/// Writes records to one place and malformed bytes to another.
#[derive(Debug)]
pub struct Writer<W> {
    form: Records,
    out: W,
    rejects: Option<W>,
    begun: bool,
}

impl<W: Write> Writer<W> {
    /// Records go to `out`, malformed bytes to `rejects`.
    pub fn new(form: Records, out: W, rejects: Option<W>) -> Self {
        Self { form, out, rejects, begun: false }
    }

    /// Writes what stands before the first record, once.
    fn begin(&mut self) -> io::Result<()> {
        if self.begun {
            return Ok(());
        }
        self.begun = true;
        match self.form {
            Records::Csv => csv::dump_header(&mut self.out),
            Records::Json => {
                write!(self.out, r#"{{"report":"fhcheck.dump","version":1,"records":["#)
            }
            Records::Lines | Records::Raw | Records::Origin | Records::Ndjson => Ok(()),
        }
    }

    /// Writes what stands after the last record.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(&mut self, outcome: &DumpOutcome) -> io::Result<()> {
        self.begin()?;
        match self.form {
            Records::Json => {
                // The rest of the document stands in the braces of an object of its own.
                let rest = serde_json::to_string(&model::Dump::new(outcome))?;
                writeln!(self.out, "\n],{}", &rest[1..])?;
            }
            Records::Ndjson => {
                json::dump_trouble(outcome, &mut self.out)?;
                json::typed("summary", model::DumpSummary::new(outcome), &mut self.out)?;
            }
            Records::Lines | Records::Raw | Records::Origin | Records::Csv => {}
        }
        self.out.flush()
    }

    /// Gives the two places back.
    pub fn into_parts(self) -> (W, Option<W>) {
        (self.out, self.rejects)
    }
}

impl<W: Write + Send> DumpSink for Writer<W> {
    fn record(&mut self, record: Dumped<'_>) -> io::Result<()> {
        let first = !self.begun;
        self.begin()?;
        match self.form {
            Records::Lines => {
                self.out.write_all(record.bytes)?;
                self.out.write_all(b"\n")
            }
            Records::Raw => self.out.write_all(record.bytes),
            Records::Origin => json::line(&Record::from(&record), &mut self.out),
            Records::Ndjson => json::typed("record", Record::from(&record), &mut self.out),
            Records::Json => {
                self.out.write_all(if first { b"\n" } else { b",\n" })?;
                Ok(serde_json::to_writer(&mut self.out, &Record::from(&record))?)
            }
            Records::Csv => csv::dumped(&record, &mut self.out),
        }
    }

    fn joins(&self) -> bool {
        self.form == Records::Raw
    }

    fn rejected(&mut self, _key: &str, _offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.rejects.as_mut().map_or(Ok(()), |rejects| rejects.write_all(bytes))
    }
}
