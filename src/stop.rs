//! How a run is asked to end early, by whoever watches for Ctrl-C.

use tokio::sync::watch;

use crate::error::{Error, ErrorKind};

/// What a run ends with that was asked to end before there was anything to say.
pub fn before_a_result() -> Error {
    Error::new(ErrorKind::Io, "interrupted before there was a result")
}

/// Asks for an end: nothing new is begun, and what is under way is brought to a result.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Asked by sending `true`.
    pub fn new(receiver: watch::Receiver<bool>) -> Self {
        Self(receiver)
    }

    /// Nobody asks.
    pub fn never() -> Self {
        Self(watch::channel(false).1)
    }

    /// Whether it was asked.
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Comes back when it is asked, and never where nobody can ask any more.
    pub async fn asked(&self) {
        if self.0.clone().wait_for(|asked| *asked).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
