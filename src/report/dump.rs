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
pub struct Writer<'a> {
    form: Records,
    out: &'a mut (dyn Write + Send),
    rejects: Option<&'a mut (dyn Write + Send)>,
    begun: bool,
    rejected: bool,
}

impl std::fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("form", &self.form).finish_non_exhaustive()
    }
}

impl<'a> Writer<'a> {
    /// Records go to `out`, malformed bytes to `rejects`.
    pub fn new(
        form: Records,
        out: &'a mut (dyn Write + Send + 'a),
        rejects: Option<&'a mut (dyn Write + Send + 'a)>,
    ) -> Self {
        Self { form, out, rejects, begun: false, rejected: false }
    }

    /// Whether malformed bytes have come so far.
    pub fn has_rejected(&self) -> bool {
        self.rejected
    }

    /// Writes what stands before the first record, once.
    fn begin(&mut self) -> io::Result<()> {
        if self.begun {
            return Ok(());
        }
        self.begun = true;
        match self.form {
            Records::Csv => csv::dump_header(self.out),
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
    pub fn finish(mut self, outcome: &DumpOutcome) -> io::Result<()> {
        self.begin()?;
        match self.form {
            Records::Json => {
                // The rest of the document stands in the braces of an object of its own.
                let rest = serde_json::to_string(&model::Dump::new(outcome))?;
                writeln!(self.out, "\n],{}", &rest[1..])?;
            }
            Records::Ndjson => {
                json::dump_trouble(outcome, self.out)?;
                json::typed("summary", model::DumpSummary::new(outcome), self.out)?;
            }
            Records::Lines | Records::Raw | Records::Origin | Records::Csv => {}
        }
        self.out.flush()?;
        self.rejects.map_or(Ok(()), |rejects| rejects.flush())
    }
}

impl DumpSink for Writer<'_> {
    fn record(&mut self, record: Dumped<'_>) -> io::Result<()> {
        let first = !self.begun;
        self.begin()?;
        match self.form {
            Records::Lines => {
                self.out.write_all(record.bytes)?;
                self.out.write_all(b"\n")
            }
            Records::Raw => self.out.write_all(record.bytes),
            Records::Origin => json::line(&Record::from(&record), self.out),
            Records::Ndjson => json::typed("record", Record::from(&record), self.out),
            Records::Json => {
                self.out.write_all(if first { b"\n" } else { b",\n" })?;
                Ok(serde_json::to_writer(&mut *self.out, &Record::from(&record))?)
            }
            Records::Csv => csv::dumped(&record, self.out),
        }
    }

    fn rejected(&mut self, _key: &str, _offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.rejected = true;
        self.rejects.as_mut().map_or(Ok(()), |rejects| rejects.write_all(bytes))
    }
}
