//! Verdict to exit code: a published part of the interface, after diff(1).

use crate::outcome::Verdict;

/// Every record is accounted for.
pub const RECONCILED: u8 = 0;
/// What is stored differs from what was expected, or stored data is damaged.
pub const DISCREPANT: u8 = 1;
/// Something could not be read, or the run failed; usage errors included.
pub const INCONCLUSIVE: u8 = 2;

/// The exit code of a verdict.
pub fn code(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Reconciled => RECONCILED,
        Verdict::Discrepant => DISCREPANT,
        Verdict::Inconclusive => INCONCLUSIVE,
    }
}
