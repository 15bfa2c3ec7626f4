//! Columnar files as content: the rows of a Parquet or ORC file, each a line.
//!
//! Without the cargo feature `columnar` there are none, and such a file is a gap.

use super::{Damaged, Encoding};
use crate::outcome::GapReason;
use crate::source::Body;

/// The content of a columnar file.
#[derive(Debug)]
pub(super) struct Rows {
    #[cfg(feature = "columnar")]
    rows: crate::columnar::Rows,
    text: Vec<u8>,
    at: usize,
    damage: Vec<Damaged>,
}

#[cfg(feature = "columnar")]
impl Rows {
    pub(super) fn open(body: Body, encoding: Encoding) -> Result<Self, GapReason> {
        use crate::columnar::{self, Kind};
        let kind = if encoding == Encoding::Orc { Kind::Orc } else { Kind::Parquet };
        let unread = |error| GapReason::Failed(format!("body could not be read: {error}"));
        let pieces = body.into_pieces().map_err(unread)?;
        let rows = columnar::Rows::open(kind, pieces.into())?;
        let mut rows = Self { rows, text: Vec::new(), at: 0, damage: Vec::new() };
        rows.note_damage();
        Ok(rows)
    }

    pub(super) fn columns(&self) -> &[String] {
        self.rows.columns()
    }

    fn fill(&mut self) -> Result<(), GapReason> {
        self.text.clear();
        self.at = 0;
        self.rows.read(&mut self.text)?;
        self.note_damage();
        Ok(())
    }

    /// No checksum vouches for any row.
    fn note_damage(&mut self) {
        let flaws = self.rows.take_flaws().into_iter();
        self.damage.extend(flaws.map(|flaw| Damaged {
            stored_offset: flaw.stored_offset,
            doubtful_from: 0,
            what: flaw.what,
        }));
    }
}

#[cfg(not(feature = "columnar"))]
impl Rows {
    pub(super) fn open(_: Body, encoding: Encoding) -> Result<Self, GapReason> {
        let what = format!("{encoding} (without the cargo feature `columnar`)");
        Err(GapReason::Unsupported(what))
    }

    pub(super) fn columns(&self) -> &[String] {
        &[]
    }

    fn fill(&mut self) -> Result<(), GapReason> {
        Ok(())
    }
}

impl Rows {
    pub(super) fn read(&mut self, out: &mut [u8]) -> Result<usize, GapReason> {
        if self.at == self.text.len() {
            self.fill()?;
        }
        let count = out.len().min(self.text.len() - self.at);
        out[..count].copy_from_slice(&self.text[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }

    pub(super) fn take_damage(&mut self) -> Vec<Damaged> {
        std::mem::take(&mut self.damage)
    }
}
