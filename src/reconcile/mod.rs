//! Two multisets of identities to their differences.
//!
//! Each side keeps 24 bytes a record, spread over partitions by identity. Sides are mergeable, and
//! partitions are independent: nothing here needs all records, or all objects, in one place.
//! It knows identities and places, and nothing of JSON, S3 or compression.

mod diff;
mod rows;
#[cfg(test)]
mod tests;

pub use diff::{Found, Group, GroupClass, Produced, Result, Tally, all, compare, repeats};
pub use rows::{Place, Row, Side};
