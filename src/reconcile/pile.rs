//! The records of one object, until it is known that they count.

use std::sync::Arc;

use super::rows::Row;
use super::side::Side;
use super::storage::Storage;
use super::wanted::Wanted;
use crate::error::{Error, Result};

/// So many records are kept as they come. Most objects of a quiet stream have no more, and a side of
/// their own would cost more than they are.
const FEW: usize = 4096;

/// Records in no order, which a [`Side`] can take at once.
#[derive(Debug)]
pub struct Pile {
    storage: Arc<Storage>,
    wanted: Wanted,
    few: Vec<Row>,
    many: Option<Side>,
    /// Why it is not complete.
    failure: Option<Error>,
}

impl Pile {
    /// An empty one, which keeps rows of these once they are many.
    pub fn new(storage: &Arc<Storage>, wanted: &Wanted) -> Self {
        let (storage, wanted) = (Arc::clone(storage), wanted.clone());
        Self { storage, wanted, few: Vec::new(), many: None, failure: None }
    }

    /// How many records there are.
    pub fn len(&self) -> u64 {
        self.few.len() as u64 + self.many.as_ref().map_or(0, Side::records)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a record. Whether it could be kept is said when all are asked for.
    #[inline]
    pub fn push(&mut self, row: Row) {
        self.few.push(row);
        if self.few.len() == FEW {
            let few = std::mem::take(&mut self.few);
            self.spread(&few);
            self.few = few;
            self.few.clear();
        }
    }

    /// Adds records.
    pub fn extend(&mut self, rows: &[Row]) {
        if self.few.len() + rows.len() < FEW {
            self.few.extend_from_slice(rows);
        } else {
            self.spread(rows);
        }
    }

    fn spread(&mut self, rows: &[Row]) {
        let (storage, wanted) = (&self.storage, &self.wanted);
        let many = self.many.get_or_insert_with(|| Side::staging(storage).keeping(wanted));
        if let Err(error) = many.extend(rows) {
            self.failure.get_or_insert(error);
        }
    }

    /// Shows all records, where it keeps all rows.
    ///
    /// # Errors
    /// When not all could be kept, or one of them is not taken.
    pub fn visit(&self, mut take: impl FnMut(&Row) -> Result<()>) -> Result<()> {
        if let Some(failure) = &self.failure {
            return Err(Error::new(failure.kind(), failure.to_string()));
        }
        self.few.iter().try_for_each(&mut take)?;
        self.many.as_ref().map_or(Ok(()), |many| many.visit(&mut take))
    }

    /// Hands all records to a side.
    ///
    /// # Errors
    /// When not all could be kept, here or there.
    pub fn give(self, side: &mut Side) -> Result<()> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        if let Some(many) = self.many {
            side.merge(many)?;
        }
        side.extend(&self.few)
    }
}
