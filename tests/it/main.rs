//! What users rely on, from the outside. One binary, a module a topic.

/// The command line as people and scripts meet it.
mod cli;
/// Seeded damage: no value comes out that was not put in.
mod damage;
/// What reports look like, and that machines can rely on them.
mod reports;
