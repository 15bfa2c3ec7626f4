//! The integration tests, one module a topic.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, and so do its helpers")]

// What every source promises, asked of each of them.
mod conformance;
// What a user reads when S3 says no, and what becomes of bodies that do not arrive.
mod s3_errors;
// An independent S3 server: the same promises, and one story.
mod seaweed;
// Worlds of objects, a scripted server, a real one.
mod support;
