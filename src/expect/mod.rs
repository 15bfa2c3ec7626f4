//! What should be there: manifests of producers, and what a data stream itself says.

#[cfg(feature = "aws")]
pub mod delivery;
pub mod function;
pub mod kpl;
pub mod log_events;
pub mod manifest;
#[cfg(feature = "aws")]
pub mod stream;
