//! Record to identity: 128 bits that are equal when two records are the same under a policy.

/// When two records are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Policy {
    /// Their bytes are.
    Raw,
    /// They are equal JSON values.
    Json,
    /// The values at these JSON Pointers (RFC 6901) are equal JSON values.
    Key(Vec<String>),
}
