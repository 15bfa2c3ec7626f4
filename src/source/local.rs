//! A local directory as a prefix.
