//! The worker threads of a run: how many there are, and who may have more than one.

use std::io;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::decode::{self, Content};
use crate::limits::SHARED_BYTES_MIN;
use crate::outcome::GapReason;
use crate::source::Pieces;
use crate::split::{self, Format, FormatChoice, RandomAccess, Shared, Tally};

/// As many permits as there may be busy threads.
#[derive(Debug, Clone)]
pub(super) struct Crew(Arc<Semaphore>);

/// Threads besides one's own, which nobody else may have as long as this is kept.
#[derive(Debug, Default)]
pub(super) struct Spare {
    pub(super) threads: usize,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Crew {
    pub(super) fn new(workers: usize) -> Self {
        Self(Arc::new(Semaphore::new(workers)))
    }

    /// Waits for a thread.
    pub(super) async fn worker(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0).acquire_owned().await.ok()
    }

    /// All threads that are idle now; none as long as somebody waits for one.
    pub(super) fn spare(&self) -> Spare {
        let threads = self.0.available_permits();
        let permits = u32::try_from(threads).unwrap_or(u32::MAX);
        match Arc::clone(&self.0).try_acquire_many_owned(permits) {
            Ok(permit) => Spare { threads, _permit: Some(permit) },
            Err(_) => Spare::default(),
        }
    }

    /// Splits content of so many stored bytes: with the help of threads that nobody else needs, where it
    /// is worth it.
    ///
    /// # Errors
    /// When it cannot be read to its end.
    pub(super) fn split(
        &self,
        content: &mut Content,
        stored: u64,
        choice: &FormatChoice,
        sink: &mut impl Shared,
    ) -> Result<(Format, Tally), GapReason> {
        let is_large = stored >= SHARED_BYTES_MIN;
        let spare = if is_large { self.spare() } else { Spare::default() };
        let pieces = if is_large { content.take_pieces()? } else { None };
        let (format, tally, ended) = match pieces {
            Some(pieces) => split::split_segments(&pieces, choice, sink, spare.threads),
            None if spare.threads > 0 => {
                decode::ahead(content, |content| split::split(content, choice, sink))
            }
            None => split::split(content, choice, sink),
        };
        if let Err(error) = ended {
            let reason = || GapReason::Failed(format!("body could not be read: {error}"));
            return Err(content.failure().unwrap_or_else(reason));
        }
        Ok((format, tally))
    }
}

impl RandomAccess for Pieces {
    fn len(&self) -> u64 {
        self.len()
    }

    fn at<'a>(&'a self, offset: u64, count: u64, buffer: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
        self.view(offset, count, buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_never_more_threads_than_workers() {
        let crew = Crew::new(4);
        let own = Arc::clone(&crew.0).try_acquire_owned().unwrap();
        let spare = crew.spare();
        assert_eq!(spare.threads, 3);
        assert_eq!(crew.spare().threads, 0);
        drop((spare, own));
        assert_eq!(crew.spare().threads, 4);
    }
}
