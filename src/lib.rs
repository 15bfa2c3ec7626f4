//! fhcheck.

#[cfg(feature = "aws")]
pub mod aws;
pub mod check;
#[cfg(feature = "cli")]
pub mod cli;
pub mod decode;
pub mod error;
pub mod exit;
pub mod fingerprint;
pub mod limits;
pub mod naming;
pub mod observe;
pub mod outcome;
pub mod plan;
pub mod reconcile;
pub mod report;
pub mod simulate;
pub mod source;
pub mod split;
