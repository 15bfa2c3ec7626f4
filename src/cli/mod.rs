//! The terminal: what was typed becomes a plan, the plan is run, its outcome is shown.
//!
//! Environment, clock, terminal and signals are known here and nowhere else.

pub mod args;
mod demo;
mod dump;
pub mod env;
pub mod lower;
mod manual;
pub mod output;
mod produce;
mod progress;
mod reconcile;
pub mod request;
pub mod run;
mod simulate;
mod snapshot;
mod stack;
mod trace;
mod truth;
mod watched;
mod wire;
