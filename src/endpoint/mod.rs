//! An S3 endpoint in this process.
