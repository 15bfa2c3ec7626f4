//! Record to identity: 128 bits that are equal when two records are the same under a policy.

mod canonical;
mod pointer;

use xxhash_rust::xxh3::xxh3_128_with_seed;

use canonical::Canonical;
pub use pointer::{Pointer, PointerError};

/// When two records are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Policy {
    /// Their bytes are.
    Raw,
    /// They are equal JSON values: key order, blanks, escapes and the spelling of numbers aside.
    /// Repeated keys are kept, and no number goes through a float.
    Json,
    /// The values at these JSON Pointers are equal JSON values.
    Key(Vec<Pointer>),
}

impl Policy {
    /// When two stored records are the same. Where only their number is compared with something, equal
    /// bytes are what can still be said of that.
    pub fn of_stored(&self, by_count: bool) -> &Self {
        if by_count { &Self::Raw } else { self }
    }
}

/// What makes a record the same as another: equal identities mean equal records, but for a chance
/// of about n²/2¹²⁹ among n records.
pub type Identity = u128;

/// Turns records into identities; keeps its scratch space between them.
#[derive(Debug)]
pub struct Fingerprinter {
    policy: Policy,
    seed: u64,
    canonical: Canonical,
    incomplete: u64,
    any_case: bool,
}

/// Keeps the identities of the policies apart.
const TAG_NOT_JSON: u64 = 0x6e6f_7420_6a73_6f6e;
const TAG_KEY: u64 = 0x6b65_7920_7061_7274;
const TAG_KEYLESS: u128 = 0x6162_7365_6e74;

impl Fingerprinter {
    /// For a policy. The seed is the run's: both sides of a comparison must have the same.
    pub fn new(policy: &Policy, seed: u64) -> Self {
        let canonical = Canonical::new(seed);
        Self { policy: policy.clone(), seed, canonical, incomplete: 0, any_case: false }
    }

    /// Finds keys in any case, for records whose keys were written in lower case on their way.
    #[must_use]
    pub fn in_any_case(mut self) -> Self {
        self.any_case = true;
        self
    }

    /// One that comes to the same identities, and has seen no record.
    #[must_use]
    pub fn another(&self) -> Self {
        Self { any_case: self.any_case, ..Self::new(&self.policy, self.seed) }
    }

    /// The identity of a record.
    pub fn identity(&mut self, record: &[u8]) -> Identity {
        match &self.policy {
            Policy::Raw => xxh3_128_with_seed(record, self.seed),
            Policy::Json => match self.canonical.hash(record) {
                Some(identity) => identity,
                None => self.not_json(record),
            },
            Policy::Key(pointers) => {
                if !canonical::is_json(record) {
                    return self.not_json(record);
                }
                let mut identity = u128::from(TAG_KEY);
                for pointer in pointers {
                    let found = if self.any_case {
                        pointer.find_in_any_case(record)
                    } else {
                        pointer.find(record)
                    };
                    let value = found.and_then(|value| self.canonical.hash(value));
                    // Records that lack a key are not the same for that: the whole value counts.
                    let Some(value) = value else { return self.keyless(record) };
                    let mut parts = [0; 32];
                    parts[..16].copy_from_slice(&identity.to_le_bytes());
                    parts[16..].copy_from_slice(&value.to_le_bytes());
                    identity = xxh3_128_with_seed(&parts, self.seed);
                }
                identity
            }
        }
    }

    /// Records so far that are no JSON, or lack one of the keys. They are matched all the same: the
    /// former by their bytes, the latter as whole JSON values.
    pub fn incomplete(&self) -> u64 {
        self.incomplete
    }

    /// The same, and begins to count anew.
    pub fn take_incomplete(&mut self) -> u64 {
        std::mem::take(&mut self.incomplete)
    }

    fn keyless(&mut self, record: &[u8]) -> Identity {
        match self.canonical.hash(record) {
            Some(identity) => {
                self.incomplete += 1;
                identity ^ TAG_KEYLESS
            }
            None => self.not_json(record),
        }
    }

    fn not_json(&mut self, record: &[u8]) -> Identity {
        self.incomplete += 1;
        xxh3_128_with_seed(record, self.seed ^ TAG_NOT_JSON)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(policy: &Policy, record: &str) -> Identity {
        Fingerprinter::new(policy, 7).identity(record.as_bytes())
    }

    #[test]
    fn keys_are_compared_as_values() {
        let policy = Policy::Key(vec![Pointer::parse("/id").unwrap(), "/n/0".parse().unwrap()]);
        let same = identity(&policy, r#"{"id": 1, "n": ["a"], "x": true}"#);
        assert_eq!(identity(&policy, r#"{"n":["\u0061",2],"id":1.0}"#), same);
        assert_ne!(identity(&policy, r#"{"id": 2, "n": ["a"]}"#), same);
        assert_ne!(identity(&policy, r#"{"id": 1, "n": []}"#), same);
    }

    #[test]
    fn what_lacks_a_key_is_counted() {
        let policy = Policy::Key(vec![Pointer::parse("/id").unwrap()]);
        let mut fingerprinter = Fingerprinter::new(&policy, 7);
        for record in [r#"{"id":1}"#, r#"{"x":1}"#, "plain text"] {
            fingerprinter.identity(record.as_bytes());
        }
        assert_eq!(fingerprinter.incomplete(), 2);
        let mut keyless = |record: &str| fingerprinter.identity(record.as_bytes());
        assert_ne!(keyless(r#"{"x":"a"}"#), keyless(r#"{"x":"b"}"#), "a loss must not hide");
        assert_eq!(keyless(r#"{"x":"a"}"#), keyless(r#"{ "x": "a" }"#));
    }

    #[test]
    fn the_seed_is_part_of_an_identity() {
        for policy in [Policy::Raw, Policy::Json] {
            let one = Fingerprinter::new(&policy, 1).identity(b"{}");
            assert_ne!(one, Fingerprinter::new(&policy, 2).identity(b"{}"));
        }
    }
}
