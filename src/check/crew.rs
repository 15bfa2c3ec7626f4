//! The worker threads of a run: how many there are, and who may have more than one.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

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
