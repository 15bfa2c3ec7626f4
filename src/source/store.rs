//! A bucket to put objects into, never over one that is there.

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;

use crate::aws::{Aws, Call, Failure};
use crate::error::{Error, ErrorKind, Result};

/// A bucket to write to.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    bucket: String,
    endpoint: Option<String>,
    region: String,
}

impl Store {
    /// The bucket of this name, over a connection.
    pub fn new(aws: &Aws, bucket: impl Into<String>) -> Self {
        Self {
            client: aws.s3(),
            bucket: bucket.into(),
            endpoint: aws.endpoint_url().map(str::to_owned),
            region: aws.region().to_owned(),
        }
    }

    /// Stores an object as Firehose does (`PutObject`): as `application/octet-stream`, with the
    /// `Content-Encoding` that was given.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] when there is an object of this key (`IfNoneMatch`); and whatever S3
    /// says that asking again does not mend.
    pub async fn put(&self, key: &str, body: &[u8], content_encoding: Option<&str>) -> Result<()> {
        let put = self.client.put_object().bucket(&self.bucket).key(key);
        let put = put
            .content_type("application/octet-stream")
            .set_content_encoding(content_encoding.map(str::to_owned))
            .if_none_match("*")
            .body(ByteStream::from(body.to_vec()));
        match put.send().await.map_err(Failure::of) {
            Ok(_) => Ok(()),
            Err(failure) if failure.code() == Some("PreconditionFailed") => {
                let message = format!("s3://{}/{key} exists already", self.bucket);
                Err(Error::new(ErrorKind::Usage, message))
            }
            Err(failure) => Err(self.call().failed(failure)),
        }
    }

    fn call(&self) -> Call<'_> {
        Call {
            action: "s3:PutObject",
            kind: "bucket",
            name: &self.bucket,
            endpoint: self.endpoint.as_deref(),
            region: &self.region,
        }
    }
}
