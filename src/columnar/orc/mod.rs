//! ORC: postscript and footer, then stripes, a row at a time.
//!
//! This reader is ours because a damaged block must not end the process, nor a small one take all its
//! memory. Every stream of a stripe holds one compression block at a time. A stripe that is damaged
//! ends there, and the next is read.

mod column;
mod footer;
mod proto;
mod runs;
mod stream;
mod stripe;

use std::sync::Arc;

use super::{Flaw, Result, Trouble, check_row};
use crate::outcome::GapReason;
use crate::source::Pieces;
use column::Column;
use footer::Footer;

/// An ORC file whose footer is read.
#[derive(Debug)]
pub(super) struct Orc {
    body: Arc<Pieces>,
    footer: Footer,
    /// The stripe that is read, or read next.
    stripe: usize,
    rows: Option<Column>,
    /// Rows of the stripe that are written.
    done: u64,
}

/// The kind of the root: a row is a structure.
const STRUCT: u64 = 12;

impl Orc {
    pub(super) fn open(body: Arc<Pieces>) -> Result<Self> {
        let footer = Footer::read(&body)?;
        if footer.types.first().map(|root| root.kind) != Some(STRUCT) {
            let what = "orc whose rows are no structures".into();
            return Err(GapReason::Unsupported(what).into());
        }
        stripe::check(&footer)?;
        Ok(Self { body, footer, stripe: 0, rows: None, done: 0 })
    }

    pub(super) fn columns(&self) -> Vec<String> {
        self.footer.types.first().map_or_else(Vec::new, |root| root.names.clone())
    }

    /// Appends a row; false at the end.
    pub(super) fn read(&mut self, out: &mut Vec<u8>, flaws: &mut Vec<Flaw>) -> Result<bool> {
        while self.stripe < self.footer.stripes.len() {
            let start = out.len();
            match self.read_row(out) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(Trouble::Damaged(what)) => {
                    out.truncate(start);
                    flaws.push(self.flaw(&what));
                }
                Err(trouble) => return Err(trouble),
            }
            self.stripe += 1;
            (self.rows, self.done) = (None, 0);
        }
        Ok(false)
    }

    fn flaw(&self, what: &str) -> Flaw {
        let info = self.footer.stripes[self.stripe];
        let (number, done, rows) = (self.stripe + 1, self.done, info.rows);
        Flaw {
            stored_offset: info.offset.min(self.body.len()),
            what: format!(
                "orc stripe {number} is damaged: {done} of its {rows} rows are read: {what}"
            ),
        }
    }

    /// Appends a row of a stripe; false at its end.
    fn read_row(&mut self, out: &mut Vec<u8>) -> Result<bool> {
        let info = self.footer.stripes[self.stripe];
        if self.done == info.rows {
            return Ok(false);
        }
        let row = match &mut self.rows {
            Some(row) => row,
            rows => rows.insert(stripe::open(&self.body, &self.footer, info)?),
        };
        let start = out.len();
        // A row that is null is one without members.
        if row.is_null()? {
            out.extend_from_slice(b"{}");
        } else {
            row.values.write(out)?;
        }
        check_row(out.len() - start)?;
        out.push(b'\n');
        self.done += 1;
        Ok(true)
    }
}
