//! The bucket that the nested templates are uploaded to: CloudFormation takes them from S3 only.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};

use super::templates::{self, BASE_URL, NESTED, Template};
use super::{Found, Stack};
use crate::aws::Failure;
use crate::error::{Error, ErrorKind, Result};
use crate::observe::Event;

/// What the keys of templates begin with. The digest of the templates follows: what is there already
/// is what would be uploaded.
pub(super) const PREFIX: &str = "fhcheck/";

/// The region whose buckets are made without naming it ("LocationConstraint" of `CreateBucket`).
const REGION_WITHOUT_NAME: &str = "us-east-1";

/// Where templates are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Home {
    pub(super) bucket: String,
    /// The account, where the bucket is fhcheck's own.
    pub(super) owner: Option<String>,
    /// Where CloudFormation finds the templates: what the parameter says.
    pub(super) base_url: String,
}

/// What a stack's parameter says about where its templates are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) bucket: String,
    pub(super) digest: String,
}

impl Place {
    /// Reads it, where fhcheck wrote it: both styles of URLs, and the digest at the end.
    pub(super) fn of(base_url: &str) -> Option<Self> {
        let (_, rest) = base_url.split_once("://")?;
        let (rest, digest) = rest.rsplit_once('/')?;
        let rest = rest.strip_suffix(PREFIX.trim_end_matches('/'))?.strip_suffix('/')?;
        if !templates::is_digest(digest) {
            return None;
        }
        let bucket = match rest.rsplit_once('/') {
            Some((_, bucket)) => bucket,
            None => rest.split_once(".s3.")?.0,
        };
        Some(Self { bucket: bucket.to_owned(), digest: digest.to_owned() })
    }

    pub(super) fn of_stack(found: &Found) -> Option<Self> {
        Self::of(found.parameters.get(BASE_URL)?)
    }
}

impl Stack<'_> {
    /// Where the templates of this stack go: into the bucket that was given, or that they are in
    /// already, or one of fhcheck's own.
    pub(super) async fn home(&self, given: Option<&str>, found: Option<&Found>) -> Result<Home> {
        let used = found.and_then(Place::of_stack).map(|place| place.bucket);
        let account = match given {
            Some(_) => None,
            None => Some(self.account().await?),
        };
        let own = account.as_deref().map(|account| own_bucket(account, self.aws.region()));
        let bucket = given.map(str::to_owned).or(used).or_else(|| own.clone());
        let bucket = bucket.unwrap_or_default();
        let owner = account.filter(|_| own.as_ref() == Some(&bucket));
        let base_url = base_url(&bucket, self.aws.endpoint_url(), self.aws.region());
        Ok(Home { bucket, owner, base_url })
    }

    /// The account that the credentials belong to. Everybody may ask that; no permission is needed
    /// ("GetCallerIdentity", AWS STS API reference).
    pub(super) async fn account(&self) -> Result<String> {
        let asked = self.aws.sts().get_caller_identity().send().await;
        let identity = asked.map_err(|error| {
            let action = "sts:GetCallerIdentity";
            self.call(action, "account of", "these credentials", Failure::of(error))
        })?;
        identity.account.ok_or_else(|| {
            Error::new(ErrorKind::Service, "sts:GetCallerIdentity does not name an account")
                .hint("name a bucket for the templates with --template-bucket")
        })
    }

    /// Puts the nested templates where they are not yet; makes the bucket if it is fhcheck's own.
    pub(super) async fn upload(&self, home: &Home) -> Result<()> {
        for template in NESTED {
            match self.put(home, template).await {
                Ok(()) => {}
                Err(failure) if failure.code() == Some("NoSuchBucket") && home.owner.is_some() => {
                    self.make(home).await?;
                    let put = self.put(home, template).await;
                    put.map_err(|failure| self.not_put(home, failure))?;
                }
                Err(failure) => return Err(self.not_put(home, failure)),
            }
        }
        Ok(())
    }

    async fn put(&self, home: &Home, template: Template) -> Result<(), Failure> {
        let key = format!("{PREFIX}{}/{}", templates::digest(), template.file());
        let put = self.aws.s3().put_object();
        let put = put
            .bucket(&home.bucket)
            .set_expected_bucket_owner(home.owner.clone())
            .key(&key)
            .content_type("text/yaml")
            .if_none_match("*")
            .body(ByteStream::from_static(template.text.as_bytes()));
        match put.send().await.map_err(Failure::of) {
            Ok(_) => Ok(()),
            // The digest is in the key: what is there is the same.
            Err(failure) if failure.code() == Some("PreconditionFailed") => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    fn not_put(&self, home: &Home, failure: Failure) -> Error {
        self.call("s3:PutObject", "bucket", &home.bucket, failure)
    }

    async fn make(&self, home: &Home) -> Result<()> {
        let text = format!("making bucket {} for the templates", home.bucket);
        self.observer.on(Event::Step { text: &text });
        let region = self.aws.region();
        let elsewhere = (region != REGION_WITHOUT_NAME).then(|| {
            let region = BucketLocationConstraint::from(region);
            CreateBucketConfiguration::builder().location_constraint(region).build()
        });
        let made = self.aws.s3().create_bucket().bucket(&home.bucket);
        match made.set_create_bucket_configuration(elsewhere).send().await.map_err(Failure::of) {
            Ok(_) => Ok(()),
            Err(failure) if failure.code() == Some("BucketAlreadyOwnedByYou") => Ok(()),
            Err(failure) => {
                let taken = failure.code() == Some("BucketAlreadyExists");
                let error = self.call("s3:CreateBucket", "bucket", &home.bucket, failure);
                let hint = "name a bucket of yours with --template-bucket";
                Err(if taken { error.hint(hint) } else { error })
            }
        }
    }
}

/// The bucket that fhcheck makes, one for an account and a region.
pub(super) fn own_bucket(account: &str, region: &str) -> String {
    format!("fhcheck-templates-{account}-{region}")
}

/// Where CloudFormation finds the templates. An endpoint that is not AWS's has the bucket in the
/// path, and so has a bucket with a dot, which no certificate of AWS's fits.
fn base_url(bucket: &str, endpoint: Option<&str>, region: &str) -> String {
    let digest = templates::digest();
    let china = if region.starts_with("cn-") { ".cn" } else { "" };
    match endpoint {
        Some(endpoint) => format!("{}/{bucket}/{PREFIX}{digest}", endpoint.trim_end_matches('/')),
        None if bucket.contains('.') => {
            format!("https://s3.{region}.amazonaws.com{china}/{bucket}/{PREFIX}{digest}")
        }
        None => format!("https://{bucket}.s3.{region}.amazonaws.com{china}/{PREFIX}{digest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, base_url};
    use crate::stack::templates::digest;

    #[test]
    fn a_url_can_be_read_again() {
        let endpoint = Some("http://127.0.0.1:4566/");
        for (bucket, endpoint, region) in [
            ("templates", None, "eu-west-1"),
            ("my.templates", None, "eu-west-1"),
            ("templates", None, "cn-north-1"),
            ("templates", endpoint, "us-east-1"),
        ] {
            let url = base_url(bucket, endpoint, region);
            let place = Place { bucket: bucket.to_owned(), digest: digest() };
            assert_eq!(Place::of(&url), Some(place), "{url}");
        }
    }

    #[test]
    fn templates_that_somebody_else_put_somewhere_are_not_fhchecks() {
        let digest = digest();
        for url in [
            "https://s3.eu-west-1.amazonaws.com/bucket/fhcheck".to_owned(),
            format!("https://s3.eu-west-1.amazonaws.com/bucket/mine/{digest}"),
            format!("https://s3.eu-west-1.amazonaws.com/bucket/notfhcheck/{digest}"),
            format!("fhcheck/{digest}"),
        ] {
            assert_eq!(Place::of(&url), None, "{url}");
        }
    }
}
