//! What the answer of the stack's function demands.

use super::Demand;
use super::read::Reading;
use crate::expect::function;
use crate::outcome::Origin;

/// Reads one of its JSON objects.
pub(super) fn read(object: &[u8], offset: u64, reading: &mut Reading<'_>) -> Result<(), String> {
    let answer = function::read(object)?;
    reading.remarks.sequenced = true;
    for record in &answer.rejected {
        for identity in reading.data(record.as_bytes(), offset) {
            reading.demand(offset, identity, Demand::Uncertain);
        }
    }
    reading.remarks.unanswered += answer.unanswered;
    for record in answer.records.iter().chain(&answer.acknowledged) {
        for identity in reading.data(record.record.as_bytes(), offset) {
            reading.demand(offset, identity, Demand::Sure(None));
        }
        // Only what was seen just now has no origin yet, though all stand at one offset.
        reading.origin(offset, || Origin {
            shard_id: Some(record.shard_id.clone().into_owned()),
            sequence_number: Some(record.sequence_number.clone().into_owned()),
            partition_key: Some(record.partition_key.clone().into_owned()),
            ..Origin::default()
        });
    }
    Ok(())
}
