//! What is to go wrong, how often, and which records it hits.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use super::dice::{Dice, Purpose};
use crate::error::{Error, ErrorKind, Result};

/// How often each fault happens. Every one hits a record or an object of its own.
///
/// Its text is `lose=1,duplicate=1`; empty is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// Records that are never written.
    pub lose: u64,
    /// Records that are written twice: some in one object, some again in a later one.
    pub duplicate: u64,
    /// Objects that end in the middle of their last record.
    pub cut: u64,
    /// Records with some bytes overwritten, so that they are no JSON any more.
    pub garble: u64,
    /// Records that a transformation refuses: they stand in error output.
    pub fail: u64,
    /// Objects that are written hours after they were due, under the key they were due.
    pub late: u64,
}

impl Faults {
    const NAMES: [&str; 6] = ["lose", "duplicate", "cut", "garble", "fail", "late"];

    fn counts(&self) -> [u64; 6] {
        [self.lose, self.duplicate, self.cut, self.garble, self.fail, self.late]
    }

    fn count_mut(&mut self, name: &str) -> Option<&mut u64> {
        Some(match name {
            "lose" => &mut self.lose,
            "duplicate" => &mut self.duplicate,
            "cut" => &mut self.cut,
            "garble" => &mut self.garble,
            "fail" => &mut self.fail,
            "late" => &mut self.late,
            _ => return None,
        })
    }

    /// Faults that hit whole objects.
    pub(super) fn on_objects(&self) -> bool {
        self.cut > 0 || self.late > 0
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut comma = "";
        for (name, count) in Self::NAMES.iter().zip(self.counts()).filter(|(_, count)| *count > 0) {
            write!(f, "{comma}{name}={count}")?;
            comma = ",";
        }
        Ok(())
    }
}

impl FromStr for Faults {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut faults = Self::default();
        let mut seen = HashSet::new();
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let (name, count) = item
                .split_once('=')
                .ok_or_else(|| usage(format!("fault {item:?} has no count")))?;
            let slot = faults
                .count_mut(name)
                .ok_or_else(|| usage(format!("there is no fault {name:?}")))?;
            if !seen.insert(name) {
                return Err(usage(format!("fault {name:?} is given twice")));
            }
            *slot = count
                .parse()
                .map_err(|_| usage(format!("{count:?} is no count for the fault {name:?}")))?;
        }
        Ok(faults)
    }
}

fn usage(message: String) -> Error {
    let names = Faults::NAMES.join(", ");
    Error::new(ErrorKind::Usage, message)
        .hint(format!("write lose=1,duplicate=2; the faults are {names}"))
}

/// What happens to one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hit {
    Lose,
    /// Written twice in one object.
    DuplicateHere,
    /// Written again in a later object, where there is one.
    DuplicateLater,
    Garble,
    /// Written to error output instead.
    Fail,
}

/// Which records are hit, in their order.
#[derive(Debug, Clone)]
pub(super) struct Hits {
    by_index: Vec<(u64, Hit)>,
    next: usize,
}

impl Hits {
    /// Chooses a record of its own for every fault.
    pub(super) fn choose(faults: &Faults, records: u64, seed: u64) -> Result<Self> {
        let mut dice = Dice::new(seed, Purpose::RecordFaults);
        let wanted = [faults.lose, faults.duplicate, faults.garble, faults.fail];
        let sum = wanted.iter().try_fold(0_u64, |sum, &count| sum.checked_add(count));
        let Some(sum) = sum.filter(|&sum| sum <= records) else {
            let message =
                format!("{faults} needs a record for each fault, and there are {records}");
            return Err(Error::new(ErrorKind::Usage, message)
                .hint("ask for fewer faults, or for more records"));
        };
        let victims = sample(&mut dice, records, sum);
        let kinds = (0..faults.lose)
            .map(|_| Hit::Lose)
            .chain((0..faults.garble).map(|_| Hit::Garble))
            .chain((0..faults.duplicate).map(|_| match dice.below(2) {
                0 => Hit::DuplicateHere,
                _ => Hit::DuplicateLater,
            }))
            .chain((0..faults.fail).map(|_| Hit::Fail));
        let mut by_index: Vec<_> = victims.into_iter().zip(kinds).collect();
        by_index.sort_unstable_by_key(|(index, _)| *index);
        Ok(Self { by_index, next: 0 })
    }

    /// What happens to the record with this index. Asked in the order of records.
    pub(super) fn at(&mut self, index: u64) -> Option<Hit> {
        let (_, hit) = self.by_index.get(self.next).filter(|(victim, _)| *victim == index)?;
        self.next += 1;
        Some(*hit)
    }
}

/// `count` different numbers below `bound`, in random order (Floyd's algorithm, then a shuffle).
pub(super) fn sample(dice: &mut Dice, bound: u64, count: u64) -> Vec<u64> {
    let mut seen = HashSet::new();
    let mut chosen = Vec::new();
    for top in bound.saturating_sub(count)..bound {
        let number = dice.below(top + 1);
        if seen.insert(number) {
            chosen.push(number);
        } else {
            seen.insert(top);
            chosen.push(top);
        }
    }
    for at in (1..chosen.len()).rev() {
        chosen.swap(at, dice.index(at + 1));
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_and_written_as_text() {
        let faults: Faults = "lose=1, duplicate=2,late=3".parse().unwrap();
        assert_eq!(faults, Faults { lose: 1, duplicate: 2, late: 3, ..Faults::default() });
        assert_eq!(faults.to_string(), "lose=1,duplicate=2,late=3");
        assert_eq!("".parse::<Faults>().unwrap(), Faults::default());
    }

    #[test]
    fn what_is_no_fault_is_said() {
        for (text, expected) in [
            ("lose", "fault \"lose\" has no count"),
            ("loose=1", "there is no fault \"loose\""),
            ("lose=one", "\"one\" is no count for the fault \"lose\""),
            ("lose=1,lose=2", "fault \"lose\" is given twice"),
        ] {
            assert_eq!(text.parse::<Faults>().unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn a_sample_holds_different_numbers_and_can_be_all() {
        let mut dice = Dice::new(1, Purpose::RecordFaults);
        for (bound, count) in [(10, 10), (10, 3), (1_000_000, 1000), (1, 1), (5, 0)] {
            let mut numbers = sample(&mut dice, bound, count);
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(numbers.len() as u64, count);
            assert!(numbers.iter().all(|&number| number < bound));
        }
    }

    #[test]
    fn more_faults_than_records_is_an_error() {
        let faults = Faults { lose: 2, garble: 2, ..Faults::default() };
        let error = Hits::choose(&faults, 3, 0).unwrap_err();
        let expected = "lose=2,garble=2 needs a record for each fault, and there are 3";
        assert_eq!(error.to_string(), expected);
    }
}
