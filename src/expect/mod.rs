//! What should be there: manifests of producers, and what a data stream itself says.

pub mod manifest;
