//! What users rely on, from the outside. One binary, a module a topic.

/// Seeded damage: no value comes out that was not put in.
mod damage;
