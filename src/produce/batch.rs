//! Records to requests, within the limits of the request: in number and in bytes.

use std::collections::VecDeque;
use std::iter::Peekable;

use super::records::Record;
use crate::error::Result;

/// What one request takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// Records.
    pub(super) records: usize,
    /// Bytes of all records, partition keys included.
    pub(super) bytes: usize,
    /// Bytes of one record, its partition key included.
    pub(super) record_bytes: usize,
}

/// Records that wait to be put: those to put again first, then fresh ones.
pub(super) struct Queue<I: Iterator> {
    again: VecDeque<Record>,
    fresh: Peekable<I>,
}

impl<I: Iterator<Item = Result<Record>>> Queue<I> {
    pub(super) fn new(fresh: I) -> Self {
        Self { again: VecDeque::new(), fresh: fresh.peekable() }
    }

    /// Whether none is left.
    pub(super) fn is_empty(&mut self) -> bool {
        self.again.is_empty() && self.fresh.peek().is_none()
    }

    /// Takes a record back that was not acknowledged.
    pub(super) fn put_again(&mut self, record: Record) {
        self.again.push_back(record);
    }

    /// The records of the next request: as many as fit. None at the end.
    ///
    /// # Errors
    /// When a fresh record cannot be had. Those before it are lost here, and none of them was put.
    pub(super) fn next_batch(&mut self, limits: Limits) -> Result<Vec<Record>> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < limits.records {
            let next = match self.again.pop_front() {
                Some(record) => Some(record),
                None => self.fresh.next().transpose()?,
            };
            let Some(record) = next else { break };
            if !batch.is_empty() && bytes + record.size() > limits.bytes {
                self.again.push_front(record);
                break;
            }
            bytes += record.size();
            batch.push(record);
        }
        Ok(batch)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::{Limits, Queue};
    use crate::error::Result;
    use crate::produce::records::Record;
    use crate::tests::cases;

    const LIMITS: Limits = Limits { records: 5, bytes: 100, record_bytes: 40 };

    fn record(number: u64, size: usize) -> Record {
        let key = (size > 3).then(|| "key".to_owned());
        let data = Bytes::from(vec![b'x'; size - key.as_ref().map_or(0, String::len)]);
        Record { number, key, data, recorded: false, put: false }
    }

    proptest! {
        #![proptest_config(cases(500))]

        /// Every request is within both limits, none could have taken the record that begins the
        /// next one, and each record is in as many as it was put.
        #[test]
        fn requests_are_as_large_as_they_may_be(
            sizes in prop::collection::vec(1..=LIMITS.record_bytes, 0..60),
            again in prop::collection::vec(any::<bool>(), 0..200),
        ) {
            let all: Vec<_> = (0..).zip(&sizes).map(|(number, size)| record(number, *size)).collect();
            let mut queue = Queue::new(all.iter().cloned().map(Ok as fn(_) -> Result<_>));
            let (mut again, mut expected, mut seen) = (again.into_iter(), sizes.len(), Vec::new());
            let mut before: Option<(usize, usize)> = None;
            loop {
                let batch = queue.next_batch(LIMITS).unwrap();
                let Some(first) = batch.first() else { break };
                let bytes: usize = batch.iter().map(Record::size).sum();
                prop_assert!(batch.len() <= LIMITS.records && bytes <= LIMITS.bytes);
                if let Some((records, bytes)) = before {
                    let full = records == LIMITS.records || bytes + first.size() > LIMITS.bytes;
                    prop_assert!(full, "{} would have fitted", first.number);
                }
                before = Some((batch.len(), bytes));
                for record in batch {
                    seen.push(record.number);
                    if again.next() == Some(true) {
                        expected += 1;
                        queue.put_again(record);
                        before = None;
                    }
                }
            }
            prop_assert_eq!(seen.len(), expected);
            seen.sort_unstable();
            seen.dedup();
            prop_assert_eq!(seen.len(), sizes.len());
        }
    }
}
