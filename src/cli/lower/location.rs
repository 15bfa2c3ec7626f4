//! Text to location: `s3://bucket[/prefix]`, or a path.

use std::path::Path;

use super::usage;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Location;

/// The prefix of a bucket that was named without one.
const PREFIX_DEFAULT: &str = "firehose/";

/// Where objects are. A bucket without a slash means the prefix `firehose/`.
pub(super) fn read(text: &str) -> Result<Location> {
    match bucket(text)? {
        Some((bucket, None)) => Ok(s3(bucket, PREFIX_DEFAULT)),
        Some((bucket, Some(prefix))) => Ok(s3(bucket, prefix)),
        None => local(text),
    }
}

/// Where a manifest is: in a bucket, an object or a prefix must be named.
pub(super) fn manifest(text: &str) -> Result<Location> {
    match bucket(text)? {
        Some((_, None | Some(""))) => Err(usage(format!("{text} names a bucket, not a manifest"))
            .hint("name the object: s3://BUCKET/KEY")),
        Some((bucket, Some(key))) => Ok(s3(bucket, key)),
        None => local(text),
    }
}

/// A bucket to write to, and the prefix where one was given.
pub(super) fn destination(text: &str) -> Result<(&str, Option<&str>)> {
    bucket(text)?.ok_or_else(|| {
        usage(format!("--to {text:?} is no bucket"))
            .hint("write s3://BUCKET/PREFIX; a directory is named without --to")
    })
}

fn s3(bucket: &str, prefix: &str) -> Location {
    Location::S3 { bucket: bucket.to_owned(), prefix: prefix.to_owned() }
}

/// The bucket and what follows its slash; `None` when the text is a path.
fn bucket(text: &str) -> Result<Option<(&str, Option<&str>)>> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return match text.strip_prefix("arn:") {
            Some(_) => {
                Err(usage(format!("{text} is an ARN, not a location"))
                    .hint("write s3://BUCKET/PREFIX"))
            }
            None => Ok(None),
        };
    };
    if scheme != "s3" {
        return Err(usage(format!("{scheme}:// is not a place that fhcheck can read"))
            .hint("write s3://BUCKET/PREFIX, or the path of a directory or file"));
    }
    let (bucket, prefix) = match rest.split_once('/') {
        Some((bucket, prefix)) => (bucket, Some(prefix)),
        None => (rest, None),
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    if bucket.is_empty() || !bucket.bytes().all(plain) {
        return Err(usage(format!("{text:?} names no bucket"))
            .hint("a bucket's name has letters, digits, dots and hyphens: s3://BUCKET/PREFIX"));
    }
    Ok(Some((bucket, prefix)))
}

fn local(text: &str) -> Result<Location> {
    let path = Path::new(text);
    match path.metadata() {
        Ok(_) => Ok(Location::Local(path.to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let error = Error::new(ErrorKind::NotFound, format!("there is no {text:?} here"));
            Err(if text.contains(['/', '\\']) || text.is_empty() {
                error.hint("name a directory, a file, or s3://BUCKET/PREFIX")
            } else {
                error.hint(format!("if that is a bucket, write s3://{text}"))
            })
        }
        Err(error) => Err(Error::io(path.display(), error)),
    }
}
