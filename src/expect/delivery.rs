//! What a delivery stream says of itself: where it delivers to, how, and since when.

use aws_sdk_firehose::types::{
    BufferingHints, CompressionFormat, DeliveryStreamDescription, DestinationDescription,
    SourceDescription,
};
use jiff::Timestamp;

use crate::aws::{Aws, Call, Failure};
use crate::error::{Error, ErrorKind, Result};

/// A delivery stream with a destination in S3 (`DeliveryStreamDescription` and
/// `ExtendedS3DestinationDescription` of the Firehose API).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// `DeliveryStreamName`.
    pub name: String,
    /// The bucket, by its name.
    pub bucket: String,
    /// `Prefix`, as it was written; empty where there is none.
    pub prefix: String,
    /// `ErrorOutputPrefix`, as it was written.
    pub error_output_prefix: Option<String>,
    /// `CompressionFormat`.
    pub compression: String,
    /// `CustomTimeZone`; `None` is UTC.
    pub zone: Option<String>,
    /// `IntervalInSeconds` of `BufferingHints`.
    pub buffering_seconds: Option<u64>,
    /// The name of the data stream that it reads; `None` where records are put to it directly.
    pub stream: Option<String>,
    /// `DeliveryStartTimestamp`: it reads what arrived in the data stream since.
    pub start: Option<Timestamp>,
}

/// Asks Firehose for it.
///
/// # Errors
/// When there is none of that name, it may not be asked for, or it does not deliver to S3.
pub async fn describe(aws: &Aws, name: &str) -> Result<Delivery> {
    let call = Call {
        action: "firehose:DescribeDeliveryStream",
        kind: "delivery stream",
        name,
        endpoint: aws.endpoint_url(),
        region: aws.region(),
    };
    let request = aws.firehose().describe_delivery_stream().delivery_stream_name(name);
    let answer = request.send().await.map_err(|error| call.failed(Failure::of(error)))?;
    let description = answer.delivery_stream_description.ok_or_else(|| {
        Error::new(ErrorKind::Service, format!("Firehose does not describe {name}"))
    })?;
    read(name, &description)
}

fn read(name: &str, description: &DeliveryStreamDescription) -> Result<Delivery> {
    let destination = description.destinations.first().and_then(Destination::of);
    let destination = destination.ok_or_else(|| {
        let message = format!("delivery stream {name} does not deliver to S3");
        Error::new(ErrorKind::Usage, message)
            .hint("name the location where its backup or error output is, s3://BUCKET/PREFIX")
    })?;
    let source =
        description.source.as_ref().and_then(SourceDescription::kinesis_stream_source_description);
    let stream = source.and_then(|source| source.kinesis_stream_arn.as_deref());
    let start = source.and_then(|source| source.delivery_start_timestamp.as_ref());
    Ok(Delivery {
        name: name.to_owned(),
        bucket: last(destination.bucket_arn, ':').to_owned(),
        prefix: destination.prefix.unwrap_or_default().to_owned(),
        error_output_prefix: destination.error_output_prefix.map(str::to_owned),
        compression: destination.compression.as_str().to_owned(),
        zone: destination.zone.filter(|zone| !zone.is_empty()).map(str::to_owned),
        buffering_seconds: destination
            .hints
            .and_then(|hints| hints.interval_in_seconds)
            .and_then(|seconds| u64::try_from(seconds).ok()),
        stream: stream.map(|arn| last(arn, '/').to_owned()),
        start: start.and_then(|at| Timestamp::new(at.secs(), 0).ok()),
    })
}

/// What stands behind the last of these characters: an ARN ends with a name.
fn last(arn: &str, behind: char) -> &str {
    arn.rsplit(behind).next().unwrap_or(arn)
}

/// The parts of a destination that matter here, from either of its two descriptions.
struct Destination<'a> {
    bucket_arn: &'a str,
    prefix: Option<&'a str>,
    error_output_prefix: Option<&'a str>,
    compression: &'a CompressionFormat,
    zone: Option<&'a str>,
    hints: Option<&'a BufferingHints>,
}

impl<'a> Destination<'a> {
    fn of(description: &'a DestinationDescription) -> Option<Self> {
        if let Some(s3) = &description.extended_s3_destination_description {
            return Some(Self {
                bucket_arn: &s3.bucket_arn,
                prefix: s3.prefix.as_deref(),
                error_output_prefix: s3.error_output_prefix.as_deref(),
                compression: &s3.compression_format,
                zone: s3.custom_time_zone.as_deref(),
                hints: s3.buffering_hints.as_ref(),
            });
        }
        let s3 = description.s3_destination_description.as_ref()?;
        Some(Self {
            bucket_arn: &s3.bucket_arn,
            prefix: s3.prefix.as_deref(),
            error_output_prefix: s3.error_output_prefix.as_deref(),
            compression: &s3.compression_format,
            zone: None,
            hints: s3.buffering_hints.as_ref(),
        })
    }
}

impl Delivery {
    /// What the keys of all its data objects begin with: its prefix up to the first expression.
    pub fn data_prefix(&self) -> &str {
        literal(&self.prefix)
    }

    /// What the keys of its error output begin with: a prefix where that says it, one for each type
    /// of error that an S3 destination has where the type comes first.
    ///
    /// The types are those of "Amazon S3 object name format" and "Decompress CloudWatch Logs" in
    /// the Amazon Data Firehose developer guide; the set is open.
    pub fn error_prefixes(&self) -> Vec<String> {
        const TYPE: &str = "!{firehose:error-output-type}";
        const TYPES: [&str; 3] =
            ["processing-failed", "format-conversion-failed", "decompression-failed"];
        let Some(prefix) = self.error_output_prefix.as_deref() else { return Vec::new() };
        match literal(prefix) {
            "" if prefix.starts_with(TYPE) => TYPES.map(str::to_owned).to_vec(),
            "" => Vec::new(),
            literal => vec![literal.to_owned()],
        }
    }
}

fn literal(prefix: &str) -> &str {
    prefix.split_once("!{").map_or(prefix, |(literal, _)| literal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(prefix: &str, error_output_prefix: Option<&str>) -> Delivery {
        Delivery {
            name: "orders".into(),
            bucket: "bucket".into(),
            prefix: prefix.into(),
            error_output_prefix: error_output_prefix.map(str::to_owned),
            compression: "UNCOMPRESSED".into(),
            zone: None,
            buffering_seconds: Some(300),
            stream: None,
            start: None,
        }
    }

    #[test]
    fn prefixes_are_literal_up_to_their_first_expression() {
        assert_eq!(delivery("firehose/", None).data_prefix(), "firehose/");
        assert_eq!(delivery("a/!{timestamp:yyyy}/b", None).data_prefix(), "a/");
        assert_eq!(delivery("", None).data_prefix(), "");
    }

    #[test]
    fn error_output_is_looked_for_where_it_can_be() {
        let prefixes = |prefix| delivery("", prefix).error_prefixes();
        assert_eq!(prefixes(None), Vec::<String>::new());
        assert_eq!(prefixes(Some("errors/!{firehose:error-output-type}/")), ["errors/"]);
        let types = prefixes(Some("!{firehose:error-output-type}/!{timestamp:yyyy}/"));
        assert_eq!(types.len(), 3);
        assert_eq!(types[0], "processing-failed");
        assert_eq!(prefixes(Some("!{firehose:random-string}/")), Vec::<String>::new());
    }
}
