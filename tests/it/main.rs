//! What users rely on, from the outside. One binary, a module a topic.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, and so do its helpers")]

// The object of the original pipeline, from a directory and from a bucket.
mod article;
// What is kept for the next run: what that reads, and what it never believes.
mod cache;
// What the documentation says and no other topic holds.
mod claims;
// The command line as people and scripts meet it.
mod cli;
// What is listed, what of it is read, and how many requests that takes.
mod catalog;
// A data stream as the truth.
mod stream;
// What every source promises, asked of each of them.
mod columnar;
mod conformance;
// Seeded damage: no value comes out that was not put in.
mod damage;
// Records from memory, and from files.
mod dump;
// An AWS on this machine.
mod emulator;
// An object of a gibibyte.
mod inflated;
// CBOR, as CloudWatch speaks it.
mod cbor;
// A data stream and a delivery stream that go wrong as told.
mod fake_stream;
// JSONTestSuite: what is valid, what is not, and what is left open.
mod json_suite;
// Every folder of fixtures/, as a directory and as a bucket.
mod fixtures;
// Worlds by seed, read from a hostile endpoint.
mod hostile;
// Killed in the middle: the next run is right.
mod killed;
// What manifests say: of a producer, of a function, of a data stream; and error output elsewhere.
mod manifest;
// Bounded memory, and runs that are interrupted.
#[cfg(unix)]
mod memory;
// The producer, against streams that go wrong.
mod produce;
// Large objects, got in pieces.
mod ranged;
// What reports look like, and that machines can rely on them.
mod reports;
// What a user reads when S3 says no, and what becomes of bodies that do not arrive.
mod s3_errors;
// An independent S3 server: the same promises, and one story.
mod seaweed;
// Every encoding, every separator, every fault.
mod matrix;
// What docs/security.md promises.
mod security;
// Seeded worlds with known truth.
mod simulation;
// A server that answers as a test says.
mod served;
// Servers by other people, and how they are started.
mod servers;
// `simulate` in the place of Firehose, between a data stream and a bucket.
mod stand_in;
// The stack, brought up, looked at and taken down.
mod stack;
// The whole story against an AWS on this machine.
mod story;
// The stack's templates: linted, deployed, and their function run.
mod templates;
// Worlds of objects, a scripted server, a real one.
mod support;
// The walk along the pipeline, by numbers of an emulated CloudWatch.
mod trace;
// Records that are in something else.
mod wrapped;
