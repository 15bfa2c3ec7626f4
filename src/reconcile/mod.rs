//! Two multisets of identities to their differences, in bounded memory.
//!
//! Each side keeps 24 bytes a record, spread over partitions by identity. Every partition has digests that
//! do not depend on order: where they are equal on both sides, no row is looked at. What does not fit into
//! memory is written to temporary files, a block for each partition, and compared a partition at a time.
//! Whoever can read the records again may keep digests alone, and rows where those differ.
//! Sides are mergeable, and partitions are independent: nothing here needs all records, or all objects, in
//! one place. It knows identities and places, and nothing of JSON, S3 or compression.

mod count;
mod diff;
mod digest;
mod pile;
mod rows;
mod side;
mod storage;
mod suspects;
#[cfg(test)]
mod tests;
mod together;
mod traces;
mod walk;
mod wanted;

pub use count::{all, repeats};
pub use diff::{Differences, Found, Group, GroupClass, Kept, Produced, Tally, compare};
pub use pile::Pile;
pub use rows::{Place, Row};
pub use side::Side;
pub use storage::{Packed, Spool, Storage, bytes_at};
pub use suspects::Suspects;
pub use traces::{Mark, Trace};
pub use wanted::{Uneven, Wanted};
