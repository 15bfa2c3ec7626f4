//! Parquet and ORC files to rows, a row to a JSON record: what record format conversion made of JSON
//! is made JSON again.
//!
//! A row is one line of compact JSON with the members in the order of the schema. What a value is
//! spelled like stands in `docs/semantics.md`. A member that is null is left out: a converter writes
//! null for what a record did not have.
//!
//! Files are read row group by row group (Parquet) or stripe by stripe (ORC); what is in memory is
//! bounded whatever a file says of itself. Neither reader trusts a length before it has seen it.

mod guard;
mod orc;
mod parquet;
#[cfg(test)]
mod tests;
mod text;

pub use guard::is_guarded;

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::limits::{RECORD_BYTES_MAX, ROWS_CHUNK_BYTES};
use crate::outcome::GapReason;
use crate::source::Pieces;

/// Which kind of columnar file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Apache Parquet.
    Parquet,
    /// Apache ORC.
    Orc,
}

/// A place where a file does not decode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// Where, in the stored bytes: where the footer, row group or stripe begins.
    pub stored_offset: u64,
    /// What is wrong.
    pub what: String,
}

/// Why there is no reading on.
#[derive(Debug)]
enum Trouble {
    /// The file is damaged here.
    Damaged(String),
    /// It is not, and will not be read.
    Refused(GapReason),
    /// The body cannot be read.
    Body(io::Error),
}

type Result<T, E = Trouble> = std::result::Result<T, E>;

fn damaged<T>(what: impl fmt::Display) -> Result<T> {
    Err(Trouble::Damaged(what.to_string()))
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Body(error)
    }
}

impl From<GapReason> for Trouble {
    fn from(reason: GapReason) -> Self {
        Self::Refused(reason)
    }
}

impl From<Trouble> for GapReason {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Body(error) => Self::Failed(format!("body could not be read: {error}")),
            Trouble::Refused(reason) => reason,
            Trouble::Damaged(what) => Self::Failed(what),
        }
    }
}

/// The rows of a file as lines of JSON.
#[derive(Debug)]
pub struct Rows {
    file: Option<File>,
    columns: Vec<String>,
    flaws: Vec<Flaw>,
}

#[derive(Debug)]
enum File {
    Parquet(parquet::Parquet),
    Orc(orc::Orc),
}

impl Rows {
    /// Reads the footer of a file. One whose footer is damaged has a flaw, and no rows.
    ///
    /// # Errors
    /// [`GapReason::Unsupported`] for what is recognised and not read, [`GapReason::TooLarge`] for
    /// what asks for more memory than it may have, [`GapReason::Failed`] when the body cannot be read.
    pub fn open(kind: Kind, body: Arc<Pieces>) -> Result<Self, GapReason> {
        let stored_offset = body.len();
        let opened = match kind {
            Kind::Parquet => parquet::Parquet::open(body).map(File::Parquet),
            Kind::Orc => orc::Orc::open(body).map(File::Orc),
        };
        match opened {
            Ok(file) => {
                let columns = match &file {
                    File::Parquet(file) => file.columns(),
                    File::Orc(file) => file.columns(),
                };
                Ok(Self { file: Some(file), columns, flaws: Vec::new() })
            }
            Err(Trouble::Damaged(what)) => {
                let flaws = vec![Flaw { stored_offset, what }];
                Ok(Self { file: None, columns: Vec::new(), flaws })
            }
            Err(trouble) => Err(trouble.into()),
        }
    }

    /// The names of the columns, in the order of the schema.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Appends lines, about as many as [`ROWS_CHUNK_BYTES`] hold; whether there was a row left.
    ///
    /// # Errors
    /// As for [`Rows::open`].
    pub fn read(&mut self, out: &mut Vec<u8>) -> Result<bool, GapReason> {
        let before = out.len();
        while out.len() - before < ROWS_CHUNK_BYTES {
            let more = match &mut self.file {
                Some(File::Parquet(file)) => file.read(out, &mut self.flaws)?,
                Some(File::Orc(file)) => file.read(out, &mut self.flaws)?,
                None => false,
            };
            if !more {
                self.file = None;
                break;
            }
        }
        Ok(out.len() > before)
    }

    /// What was wrong since this was last asked for.
    pub fn take_flaws(&mut self) -> Vec<Flaw> {
        std::mem::take(&mut self.flaws)
    }
}

/// Refuses a row that is larger than any record.
fn check_row(len: usize) -> Result<()> {
    if len > RECORD_BYTES_MAX {
        return Err(Trouble::Refused(GapReason::TooLarge(format!(
            "a row is larger than {RECORD_BYTES_MAX} bytes as JSON"
        ))));
    }
    Ok(())
}

/// Refuses what would take more memory than a file may have.
fn too_much(what: impl fmt::Display) -> Trouble {
    Trouble::Refused(GapReason::TooLarge(format!("{what}: more memory than a file may have")))
}
