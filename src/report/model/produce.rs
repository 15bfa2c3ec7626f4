//! A producer's shapes.

use serde::Serialize;

use super::VERSION;
use crate::exit;
use crate::produce::Produced;

/// What a producer came to.
#[derive(Serialize)]
pub(crate) struct Produce<'a> {
    report: &'static str,
    version: u32,
    exit_code: u8,
    target: &'a str,
    /// In records: acknowledged + not_acknowledged.
    records: u64,
    acknowledged: u64,
    not_acknowledged: u64,
    /// In records: those that were put at least once.
    put: u64,
    /// In puts: acknowledged + rejected + uncertain.
    puts: u64,
    retried: u64,
    rejected: u64,
    uncertain: u64,
    manifests: Vec<String>,
    /// Why not all were acknowledged; null where all were.
    error: Option<String>,
}

impl<'a> Produce<'a> {
    pub(crate) fn new(produced: &'a Produced) -> Self {
        let tally = &produced.tally;
        let failed = produced.failure.is_some();
        Self {
            report: "fhcheck.produce",
            version: VERSION,
            exit_code: if failed { exit::INCONCLUSIVE } else { exit::RECONCILED },
            target: &produced.target,
            records: tally.records,
            acknowledged: tally.acknowledged,
            not_acknowledged: tally.left(),
            put: tally.put,
            puts: tally.puts,
            retried: tally.retried(),
            rejected: tally.rejected,
            uncertain: tally.uncertain,
            manifests: produced.manifests.iter().map(|path| path.display().to_string()).collect(),
            error: produced.failure.as_ref().map(ToString::to_string),
        }
    }
}
