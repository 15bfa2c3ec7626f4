//! Everything that is tested from outside, one module a topic.

mod cli;
mod reports;
