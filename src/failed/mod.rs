//! Error output: the documents in which Firehose keeps what it could not deliver, and why.
//!
//! What is error output is told by its content. The folder it lies in is named after the kind of
//! error, and there are more kinds than any page lists. How the members are spelled depends on the
//! kind and on when the document was written; so they are found in any case and any order.

mod document;
#[cfg(test)]
mod tests;

pub use document::Document;

/// Folders of error output end like this: `processing-failed`, `format-conversion-failed`,
/// `splunk-failed`, `AmazonOpenSearchService_failed` ("Understand custom prefixes for Amazon S3
/// objects", Amazon Data Firehose developer guide).
const FOLDER_ENDS: [&str; 2] = ["-failed", "_failed"];

/// Whether an object is error output by its key. Only its content tells for sure.
pub fn is_hinted(key: &str) -> bool {
    let mut folders = key.split('/').rev().skip(1);
    folders.any(|folder| FOLDER_ENDS.iter().any(|end| folder.ends_with(end)))
}
