//! Did every record make it? fhcheck reads what Amazon Data Firehose wrote to S3, takes its records
//! apart, and compares them with what was produced.
//!
//! [`check::Run`] is the control flow over a [`source::Source`] and a [`plan::ReadPlan`];
//! [`outcome::Outcome`] is what it comes to, and [`exit::code`] what that means to a shell. The rooms
//! between are useful alone: [`split::split`] finds records in damaged JSON, [`naming::parse`] reads a
//! key, [`simulate::run`] writes what Firehose would write.
//!
//! The library prints nothing and reads neither environment nor clock. `docs/architecture.md` says who
//! may know whom, `docs/semantics.md` what an answer means.

#[cfg(feature = "aws")]
pub mod aws;
mod base64;
pub mod cache;
pub mod check;
#[cfg(all(feature = "cli", feature = "aws"))]
pub mod cli;
#[cfg(feature = "columnar")]
pub mod columnar;
pub mod decode;
#[cfg(feature = "aws")]
pub mod endpoint;
pub mod error;
mod escapes;
pub mod exit;
pub mod expect;
pub mod failed;
pub mod fingerprint;
pub mod limits;
pub mod naming;
pub mod observe;
pub mod outcome;
pub mod plan;
pub mod produce;
pub mod reconcile;
pub mod report;
pub mod simulate;
pub mod source;
pub mod split;
#[cfg(feature = "aws")]
pub mod stack;
pub mod stop;
pub mod trace;

#[cfg(test)]
mod tests {
    use proptest::prelude::ProptestConfig;
    use proptest::test_runner::RngSeed;

    /// So many cases of a property, the same in every run.
    pub(crate) fn cases(cases: u32) -> ProptestConfig {
        let rng_seed = RngSeed::Fixed(2);
        ProptestConfig { cases, rng_seed, failure_persistence: None, ..ProptestConfig::default() }
    }
}
