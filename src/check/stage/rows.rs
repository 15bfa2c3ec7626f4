//! The records of one object: what they are and where, and which of them are beyond doubt.

use std::sync::Arc;

use crate::decode::Encoding;
use crate::error::{Error, Result};
use crate::fingerprint::Identity;
use crate::reconcile::{Found, Packed, Pile, Place, Row, Spool, Storage, Wanted, bytes_at};
use crate::split::{Record, Standing};

/// The records of one object of data.
#[derive(Debug)]
pub(in crate::check) struct Rows {
    storage: Arc<Storage>,
    /// The number of the object.
    number: u64,
    clean: Pile,
    recovered: Spool<Recovered>,
    /// Of an encoded object, where its clean records are: a checksum that comes behind them may make
    /// recovered ones of them.
    extents: Option<Spool<Extent>>,
    /// Why they are not complete.
    failure: Option<Error>,
}

/// A record that may turn out to be none: its bytes are malformed ones then.
#[derive(Debug, Clone, Copy)]
pub(in crate::check) struct Recovered {
    pub(in crate::check) row: Row,
    pub(in crate::check) len: u32,
}

#[derive(Debug, Clone, Copy)]
struct Extent {
    offset: u64,
    len: u32,
}

fn len(record: &Record<'_>) -> u32 {
    u32::try_from(record.bytes.len()).expect("RECORD_BYTES_MAX fits 32 bits")
}

impl Rows {
    /// None yet, of an object that is encoded so.
    pub(super) fn new(storage: &Arc<Storage>, number: u64, encoding: Encoding) -> Self {
        let is_plain = encoding == Encoding::Plain;
        let extents = (!is_plain).then(|| Spool::new(storage));
        Self { extents, ..Self::beyond_doubt(storage, number, &Wanted::all()) }
    }

    /// None yet, of an object whose clean records are beyond doubt, or are read again. Rows are kept of
    /// these.
    pub(in crate::check) fn beyond_doubt(
        storage: &Arc<Storage>,
        number: u64,
        wanted: &Wanted,
    ) -> Self {
        Self {
            storage: Arc::clone(storage),
            number,
            clean: Pile::new(storage, wanted),
            recovered: Spool::new(storage),
            extents: None,
            failure: None,
        }
    }

    fn row(&self, identity: Identity, offset: u64) -> Row {
        Row::new(identity, Place::new(self.number, offset))
    }

    /// Adds a record.
    #[inline]
    pub(super) fn push(&mut self, record: &Record<'_>, identity: Identity) {
        let row = self.row(identity, record.offset);
        match record.standing {
            Standing::Clean => {
                self.clean.push(row);
                if let Some(extents) = &mut self.extents {
                    extents.push(Extent { offset: record.offset, len: len(record) });
                }
            }
            Standing::Recovered => self.recovered.push(Recovered { row, len: len(record) }),
        }
    }

    /// Adds a clean record of an object whose clean records are beyond doubt.
    pub(in crate::check) fn push_clean(&mut self, identity: Identity, offset: u64) {
        self.clean.push(self.row(identity, offset));
    }

    /// Adds records that another thread has taken, all of the same standing.
    pub(super) fn join(&mut self, taken: &Taken, standing: Standing) {
        match standing {
            Standing::Clean => self.clean.extend(&taken.rows),
            Standing::Recovered => {
                for (&row, &len) in taken.rows.iter().zip(&taken.lens) {
                    self.recovered.push(Recovered { row, len });
                }
            }
        }
    }

    /// Makes recovered records of the clean ones from this offset on, and says how many those are.
    pub(super) fn doubt(&mut self, from: u64) -> u64 {
        self.doubted(from).unwrap_or_else(|error| {
            self.failure = Some(error);
            0
        })
    }

    fn doubted(&mut self, from: u64) -> Result<u64> {
        let Some(extents) = self.extents.take() else { return Ok(0) };
        let mut doubtful = Vec::new();
        extents.each(|extent| {
            doubtful.extend((extent.offset >= from).then_some(extent));
            Ok(())
        })?;
        let none = Pile::new(&self.storage, &Wanted::all());
        let before = std::mem::replace(&mut self.clean, none);
        before.visit(|&row| {
            let offset = row.place().offset();
            match doubtful.binary_search_by_key(&offset, |extent| extent.offset) {
                Ok(at) => self.recovered.push(Recovered { row, len: doubtful[at].len }),
                Err(_) => self.clean.push(row),
            }
            Ok(())
        })?;
        Ok(doubtful.len() as u64)
    }

    /// How many records there are.
    pub(in crate::check) fn len(&self) -> u64 {
        self.clean.len() + self.recovered.len()
    }

    /// Shows the clean records: their identities and offsets.
    ///
    /// # Errors
    /// When not all could be kept, or one of them is not taken.
    pub(in crate::check) fn visit_clean(
        &self,
        mut take: impl FnMut(Identity, u64) -> Result<()>,
    ) -> Result<()> {
        self.clean.visit(|row| take(row.identity(), row.place().offset()))
    }

    /// Hands all records on; `recovered` takes notice of those that may turn out to be none.
    ///
    /// # Errors
    /// When not all could be kept, here or there.
    pub(in crate::check) fn commit(
        self,
        found: &mut Found,
        mut recovered: impl FnMut(&Recovered),
    ) -> Result<()> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        self.clean.give(&mut found.clean)?;
        self.recovered.each(|record| {
            recovered(&record);
            found.recovered.push(record.row)
        })
    }
}

/// Records that another thread takes, without their standing.
#[derive(Debug, Default)]
pub(super) struct Taken {
    rows: Vec<Row>,
    lens: Vec<u32>,
}

impl Taken {
    #[inline]
    pub(super) fn push(&mut self, record: &Record<'_>, identity: Identity, number: u64) {
        self.rows.push(Row::new(identity, Place::new(number, record.offset)));
        self.lens.push(len(record));
    }

    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.lens.clear();
    }
}

impl Packed for Recovered {
    const BYTES: usize = Row::BYTES + 4;

    fn pack(&self, out: &mut [u8]) {
        self.row.pack(&mut out[..Row::BYTES]);
        out[Row::BYTES..].copy_from_slice(&self.len.to_le_bytes());
    }

    fn unpack(bytes: &[u8]) -> Self {
        let len = u32::from_le_bytes(bytes_at(bytes, Row::BYTES));
        Self { row: Row::unpack(bytes), len }
    }
}

impl Packed for Extent {
    const BYTES: usize = 12;

    fn pack(&self, out: &mut [u8]) {
        out[..8].copy_from_slice(&self.offset.to_le_bytes());
        out[8..].copy_from_slice(&self.len.to_le_bytes());
    }

    fn unpack(bytes: &[u8]) -> Self {
        let offset = u64::from_le_bytes(bytes_at(bytes, 0));
        Self { offset, len: u32::from_le_bytes(bytes_at(bytes, 8)) }
    }
}
