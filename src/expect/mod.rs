//! What should be there: manifests of producers, and what a data stream itself says.

#[cfg(feature = "aws")]
pub mod delivery;
pub mod manifest;
