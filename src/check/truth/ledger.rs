//! fhcheck's own manifests: each put and its answer, or what a data stream held.

use jiff::Timestamp;

use super::Demand;
use super::read::{Clock, Reading};
use crate::expect::manifest::{Answer, Kind, Line, Read};
use crate::fingerprint::Identity;
use crate::outcome::Origin;

/// What the lines so far come to.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    kind: Option<Kind>,
    /// Records by their number.
    planned: Vec<Planned>,
    /// The identities of all of them, in their order.
    identities: Vec<Identity>,
    /// Records that a snapshot named, and how many its end says they are.
    read: u64,
    end: Option<u64>,
}

/// A record that was to be put, and what became of it.
#[derive(Debug, Clone, Default)]
struct Planned {
    offset: u64,
    /// How many records its data holds.
    values: u32,
    puts: u32,
    acknowledged: u32,
    rejected: u32,
    last_put: Option<Timestamp>,
}

impl Ledger {
    /// Takes one line.
    pub(super) fn take(
        &mut self,
        line: Line<'_>,
        offset: u64,
        reading: &mut Reading<'_>,
    ) -> Result<(), String> {
        match (self.kind, line) {
            (None, Line::Header(header)) => self.kind = Some(header.kind),
            // Put together from several.
            (Some(kind), Line::Header(header)) if kind == header.kind => {
                return Err("a second manifest begins here; give each in a file of its own".into());
            }
            (Some(Kind::Ledger), Line::Record { number, partition_key, data }) => {
                if number != self.planned.len() as u64 {
                    return Err(format!("record {number} follows {} records", self.planned.len()));
                }
                let identities = reading.data(&data, offset);
                let values = u32::try_from(identities.len()).expect("a put is small");
                self.identities.extend(identities);
                self.planned.push(Planned { offset, values, ..Planned::default() });
                if let Some(key) = partition_key {
                    reading.keyed(offset, &key);
                }
            }
            (Some(Kind::Ledger), Line::Put { numbers, at }) => {
                for number in numbers {
                    let planned = self.planned(number)?;
                    planned.puts += 1;
                    planned.last_put = Some(at);
                }
            }
            (Some(Kind::Ledger), Line::Answers(answers)) => {
                for answer in &answers {
                    self.answer(answer, reading)?;
                }
            }
            (Some(Kind::Snapshot), Line::Read(read)) if self.end.is_none() => {
                self.read(&read, offset, reading);
            }
            (Some(Kind::Snapshot), Line::End { records }) if self.end.is_none() => {
                self.end = Some(records);
            }
            _ => return Err("a line that does not belong here".to_owned()),
        }
        Ok(())
    }

    /// Whether its last line may be cut.
    pub(super) fn may_be_torn(&self) -> bool {
        self.kind == Some(Kind::Ledger)
    }

    fn planned(&mut self, number: u64) -> Result<&mut Planned, String> {
        let index = usize::try_from(number).ok();
        let planned = index.and_then(|index| self.planned.get_mut(index));
        planned.ok_or_else(|| format!("there is no record {number} before this line"))
    }

    fn answer(&mut self, answer: &Answer, reading: &mut Reading<'_>) -> Result<(), String> {
        let planned = self.planned(answer.record)?;
        if answer.is_acknowledged() {
            planned.acknowledged += 1;
        } else {
            planned.rejected += 1;
        }
        if planned.acknowledged + planned.rejected > planned.puts {
            return Err(format!("record {} has more answers than puts", answer.record));
        }
        let offset = planned.offset;
        if answer.sequence_number.is_some() {
            reading.remarks.sequenced = true;
            reading.origin(offset, || Origin {
                shard_id: answer.shard_id.clone(),
                sequence_number: answer.sequence_number.clone(),
                ..Origin::default()
            });
        }
        Ok(())
    }

    fn read(&mut self, read: &Read<'_>, offset: u64, reading: &mut Reading<'_>) {
        self.read += 1;
        if reading.is_said_elsewhere(read.arrival) {
            return;
        }
        reading.remarks.sequenced = true;
        let demand = reading.demanded(read.arrival, Clock::Stream);
        for identity in reading.data(&read.data, offset) {
            reading.demand(offset, identity, demand);
        }
        reading.origin(offset, || Origin {
            shard_id: Some(read.shard_id.clone().into_owned()),
            sequence_number: Some(read.sequence_number.clone().into_owned()),
            sub_sequence_number: read.sub_sequence_number,
            partition_key: Some(read.partition_key.clone().into_owned()),
            arrival: Some(read.arrival),
        });
    }

    /// What all lines come to.
    pub(super) fn finish(self, len: u64, reading: &mut Reading<'_>) -> Result<(), String> {
        if self.kind == Some(Kind::Snapshot) {
            return match self.end {
                Some(end) if end == self.read => Ok(()),
                Some(end) => {
                    Err(format!("it says it holds {end} records, and holds {}", self.read))
                }
                None => Err(format!("at byte {len}: it is cut: a snapshot says where it ends")),
            };
        }
        let mut identities = self.identities.iter();
        for planned in &self.planned {
            let values = identities.by_ref().take(planned.values as usize);
            let demands = planned.demands(reading);
            if demands.iter().all(|(_, times)| *times == 0) {
                reading.remarks.never_put += 1;
            }
            for &identity in values {
                for (demand, times) in demands {
                    for _ in 0..times {
                        reading.demand(planned.offset, identity, demand);
                    }
                }
            }
        }
        Ok(())
    }
}

impl Planned {
    /// What is demanded, and how many times: of puts that were acknowledged, and of those that had no
    /// answer.
    fn demands(&self, reading: &Reading<'_>) -> [(Demand, u32); 2] {
        let demand =
            self.last_put.map_or(Demand::Uncertain, |at| reading.demanded(at, Clock::Producer));
        let unanswered = self.puts - self.acknowledged - self.rejected;
        let perhaps = if demand == Demand::Outside { demand } else { Demand::Uncertain };
        [(demand, self.acknowledged), (perhaps, unanswered)]
    }
}
