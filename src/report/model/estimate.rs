//! An estimate's shapes.

use serde::Serialize;

use super::Cached;

/// What reading would take, and cost.
#[derive(Serialize)]
pub(crate) struct Estimate<'a> {
    pub(crate) report: &'static str,
    pub(crate) version: u32,
    pub(crate) location: &'a str,
    pub(crate) objects: u64,
    pub(crate) bytes: u64,
    pub(crate) list_requests: u64,
    pub(crate) get_requests: u64,
    /// Null without a cache.
    pub(crate) cached: Option<Cached>,
    /// Absent for files on this machine.
    pub(crate) cost: Option<Cost>,
}

/// Costs in billionths of a US dollar, so that they are whole numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Cost {
    pub(crate) requests_nano_usd: u64,
    pub(crate) transfer_out_nano_usd: u64,
}
