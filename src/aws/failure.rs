//! What went wrong with a request, told by types and codes and never by the wording of a message.

use std::error::Error as StdError;

use aws_config::imds::client::error::ImdsError;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::error::{Error, ErrorKind};
use crate::outcome::GapReason;

/// What was asked, for messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// The bucket's name.
    pub(crate) bucket: &'a str,
    /// What was to be listed, as the user writes it: `s3://bucket/prefix`.
    pub(crate) location: &'a str,
    /// The address of the service, where it is not AWS itself.
    pub(crate) endpoint: Option<&'a str>,
    /// The region that was asked.
    pub(crate) region: &'a str,
}

/// Why a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    NoCredentials,
    CredentialsBroken,
    Expired,
    UnknownKey,
    Signature,
    Clock,
    Denied,
    Encryption,
    NoSuchBucket,
    NoSuchKey,
    NoSuchResource,
    Exists,
    Invalid,
    Changed,
    Archived,
    Region,
    Unreachable,
    Timeout,
    NotS3,
    Throttled,
    Server,
    Request,
    Other,
}

/// A failed request.
#[derive(Debug)]
pub(crate) struct Failure {
    cause: Cause,
    /// The error code of the answer, where it has one.
    code: Option<String>,
    /// The HTTP status of the answer, where there is one.
    status: Option<u16>,
    /// Code, message, status and request id, or the innermost cause.
    detail: String,
    /// The region that the answer names, or the storage class.
    named: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Failure {
    /// Finds out what went wrong.
    pub(crate) fn of<E>(error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let cause = match &error {
            SdkError::ServiceError(service) => by_answer(service.err().code(), service.raw()),
            SdkError::ResponseError(response) if response.raw().body().bytes().is_some() => {
                Cause::NotS3
            }
            SdkError::ResponseError(_) => Cause::Server,
            SdkError::TimeoutError(_) => Cause::Timeout,
            SdkError::DispatchFailure(failure) => by_credentials(&error).unwrap_or({
                if failure.is_timeout() { Cause::Timeout } else { Cause::Unreachable }
            }),
            _ => by_credentials(&error).unwrap_or(Cause::Request),
        };
        let named = match (cause, error.raw_response()) {
            (Cause::Region, Some(answer)) => answer
                .headers()
                .get("x-amz-bucket-region")
                .map(str::to_owned)
                .or_else(|| element(answer, "Region")),
            (Cause::Archived, Some(answer)) => element(answer, "StorageClass"),
            _ => None,
        };
        let code = match &error {
            SdkError::ServiceError(service) => service.err().code().map(str::to_owned),
            _ => None,
        };
        let status = error.raw_response().map(|answer| answer.status().as_u16());
        Self { cause, code, status, detail: detail(&error), named, source: Some(error.into()) }
    }

    /// An answer with status 200 that cannot be right.
    pub(crate) fn nonsense(detail: &str) -> Self {
        let cause = Cause::NotS3;
        let detail = detail.into();
        Self { cause, code: None, status: None, detail, named: None, source: None }
    }

    /// Whether the same request may succeed a moment later.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self.cause, Cause::Unreachable | Cause::Timeout | Cause::Throttled | Cause::Server)
    }

    /// The region that the answer names.
    pub(super) fn named(&self) -> &Option<String> {
        &self.named
    }

    pub(super) fn cause(&self) -> Cause {
        self.cause
    }

    /// The error code of the answer, where it has one.
    pub(crate) fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// The HTTP status of the answer, where there is one.
    pub(crate) fn status(&self) -> Option<u16> {
        self.status
    }

    /// Code, message, status and request id, or the innermost cause.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// Whether the service asks for fewer requests.
    pub(crate) fn is_throttling(&self) -> bool {
        self.cause == Cause::Throttled
    }

    /// Whether the service may have done what was asked all the same: it gave no answer, or one
    /// that says that it broke, or one that cannot be read.
    pub(crate) fn is_uncertain(&self) -> bool {
        matches!(self.cause, Cause::Timeout | Cause::Server | Cause::Unreachable | Cause::NotS3)
            || self.status.is_some_and(|status| status >= 500)
    }

    /// What is wrong with the credentials, if that is it, and what to do about it.
    pub(super) fn credentials(&self, service: &str) -> Option<(ErrorKind, String, &'static str)> {
        let what = match self.cause {
            Cause::NoCredentials => "no AWS credentials found".into(),
            Cause::CredentialsBroken => "the AWS credentials cannot be loaded".into(),
            Cause::Expired => "the AWS credentials have expired".into(),
            Cause::UnknownKey => format!("{service} does not know the access key"),
            Cause::Signature => "the secret key does not fit the access key".into(),
            Cause::Clock => "the clock of this machine is wrong".to_owned(),
            _ => return None,
        };
        Some((ErrorKind::Credentials, what, credentials_advice(self.cause)?))
    }

    pub(super) fn into_error_of(self, what: (ErrorKind, String), hint: Option<String>) -> Error {
        let (kind, what) = what;
        let error = match self.cause {
            // Its detail is whatever the last of many places said.
            Cause::NoCredentials => Error::new(kind, what),
            _ => Error::new(kind, format!("{what}: {}", self.detail)),
        };
        let error = match hint {
            Some(hint) => error.hint(hint),
            None => error,
        };
        match self.source {
            Some(source) => error.caused_by(source),
            None => error,
        }
    }

    /// The failure of a listing, as the error that ends the run.
    pub(crate) fn into_error(self, asked: Asked<'_>) -> Error {
        let Asked { bucket, location, endpoint, region } = asked;
        let service = endpoint.unwrap_or("AWS");
        if let Some((kind, what, hint)) = self.credentials(service) {
            return self.into_error_of((kind, what), Some(hint.to_owned()));
        }
        let (kind, what) = match self.cause {
            Cause::Denied => (ErrorKind::AccessDenied, format!("access denied listing {location}")),
            Cause::NoSuchBucket => {
                (ErrorKind::NotFound, format!("there is no bucket named {bucket}"))
            }
            Cause::Region => (ErrorKind::WrongRegion, elsewhere(&self.named, bucket, region)),
            Cause::Unreachable => (ErrorKind::Unreachable, format!("cannot reach {service}")),
            Cause::Timeout => (ErrorKind::Unreachable, format!("{service} does not answer")),
            Cause::NotS3 => {
                (ErrorKind::Unreachable, format!("what answers at {service} is not S3"))
            }
            Cause::Throttled => (ErrorKind::Service, format!("{service} is refusing requests")),
            Cause::Request => (ErrorKind::Usage, format!("{location} cannot be asked for")),
            _ => (ErrorKind::Service, format!("listing {location} failed")),
        };
        let hint = advice(self.cause, &self.named, asked);
        self.into_error_of((kind, what), hint)
    }

    /// The failure of a fetch, as the reason of a gap.
    pub(crate) fn into_gap(self, listed_class: Option<&str>, bucket: &str) -> GapReason {
        let detail = self.detail;
        match self.cause {
            Cause::Changed => GapReason::Replaced,
            Cause::NoSuchKey => GapReason::Deleted,
            Cause::Archived => GapReason::Archived(
                self.named.as_deref().or(listed_class).unwrap_or("unknown").to_owned(),
            ),
            Cause::Denied => GapReason::AccessDenied(format!(
                "s3:GetObject on arn:aws:s3:::{bucket}/* is needed ({detail})"
            )),
            Cause::Encryption => GapReason::AccessDenied(format!(
                "kms:Decrypt on the key that encrypts it is needed ({detail})"
            )),
            Cause::Expired => GapReason::Failed(format!("the credentials have expired: {detail}")),
            _ => GapReason::Failed(detail),
        }
    }
}

/// What the user can do about it.
fn advice(cause: Cause, named: &Option<String>, asked: Asked<'_>) -> Option<String> {
    let hint = match cause {
        Cause::Denied => {
            let arn = format!("arn:aws:s3:::{}", asked.bucket);
            return Some(format!("the credentials need s3:ListBucket on {arn}"));
        }
        Cause::NoSuchBucket => {
            "check the spelling, the account (--profile), and --endpoint-url if it is not AWS's"
        }
        Cause::Region => match named {
            Some(region) => return Some(format!("run again with --region {region}")),
            None => "name the bucket's region with --region",
        },
        Cause::Unreachable | Cause::Timeout if asked.endpoint.is_some() => {
            "check --endpoint-url, and that the server runs"
        }
        Cause::Unreachable | Cause::Timeout => "check the network, and the region's name",
        Cause::NotS3 => "--endpoint-url must be the address of an S3 API, not of a web page",
        Cause::Throttled => "run again later",
        Cause::Request => "check the bucket's name and --endpoint-url",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn credentials_advice(cause: Cause) -> Option<&'static str> {
    Some(match cause {
        Cause::NoCredentials => {
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile with --profile, or \
             run `aws configure`"
        }
        Cause::CredentialsBroken => "check the profile, and log in again where it needs a login",
        Cause::Expired => "get new ones, with `aws sso login` for instance, and run again",
        Cause::UnknownKey => "check AWS_ACCESS_KEY_ID or the profile, and --endpoint-url",
        Cause::Signature => "check AWS_SECRET_ACCESS_KEY or the profile",
        Cause::Clock => "set it: a request is refused when it is more than 15 minutes off",
        _ => return None,
    })
}

/// What is said of a bucket in another region.
pub(super) fn elsewhere(named: &Option<String>, bucket: &str, region: &str) -> String {
    match named {
        Some(right) => format!("bucket {bucket} is in {right}, not in {region}"),
        None => format!("bucket {bucket} is not in {region}"),
    }
}

/// By the error code, or by the status where the answer has none ("Error responses", Amazon S3 API
/// reference).
fn by_answer(code: Option<&str>, answer: &HttpResponse) -> Cause {
    let status = answer.status().as_u16();
    let Some(code) = code else { return by_status(status, answer) };
    match code {
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => Cause::Expired,
        "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "InvalidToken"
        | "NotSignedUp"
        | "UnrecognizedClientException" => Cause::UnknownKey,
        "InvalidSignatureException" | "SignatureDoesNotMatch" => Cause::Signature,
        "RequestTimeTooSkewed" => Cause::Clock,
        "AccessDenied" if names_kms(answer) => Cause::Encryption,
        "AccessDenied"
        | "AccessDeniedException"
        | "AllAccessDisabled"
        | "UnauthorizedOperation" => Cause::Denied,
        "NoSuchBucket" => Cause::NoSuchBucket,
        "NoSuchKey" => Cause::NoSuchKey,
        "ResourceNotFoundException" => Cause::NoSuchResource,
        "AlreadyExistsException" | "BucketAlreadyExists" => Cause::Exists,
        "InsufficientCapabilitiesException" | "ValidationError" | "ValidationException" => {
            Cause::Invalid
        }
        "PreconditionFailed" => Cause::Changed,
        "InvalidObjectState" => Cause::Archived,
        "PermanentRedirect"
        | "TemporaryRedirect"
        | "Redirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => Cause::Region,
        "SlowDown"
        | "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "LimitExceededException"
        | "KMSThrottlingException"
        | "ProvisionedThroughputExceededException"
        | "RequestLimitExceeded"
        | "TooManyRequests"
        | "TooManyRequestsException"
        | "ServiceUnavailable"
        | "ServiceUnavailableException" => Cause::Throttled,
        "InternalError" | "InternalFailure" | "RequestTimeout" => Cause::Server,
        "InvalidBucketName" => Cause::Request,
        code if code.starts_with("KMS") => Cause::Encryption,
        _ if status >= 500 => Cause::Server,
        _ => Cause::Other,
    }
}

fn by_status(status: u16, answer: &HttpResponse) -> Cause {
    match status {
        412 => Cause::Changed,
        429 | 503 => Cause::Throttled,
        500.. => Cause::Server,
        _ if answer.headers().get("x-amz-bucket-region").is_some() => Cause::Region,
        // S3 gives a code with every error that has a body.
        _ => Cause::NotS3,
    }
}

/// S3 denies an object whose key it may not use with the code of any other denial; only the action
/// that it names tells the two apart.
fn names_kms(answer: &HttpResponse) -> bool {
    element(answer, "Message").is_some_and(|message| message.contains("kms:"))
}

/// Whether it failed before anything was sent, for want of credentials. The instance metadata
/// service is asked last: where it fails, there was nothing before it either.
fn by_credentials(error: &(dyn StdError + 'static)) -> Option<Cause> {
    let cause = causes(error).find_map(|cause| cause.downcast_ref::<CredentialsError>())?;
    let nowhere = matches!(cause, CredentialsError::CredentialsNotLoaded(_))
        || causes(cause).any(|cause| cause.is::<ImdsError>());
    Some(if nowhere { Cause::NoCredentials } else { Cause::CredentialsBroken })
}

/// An error and what caused it, outermost first.
pub(crate) fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The text of an element of an XML error document that the SDK does not hand over.
fn element(answer: &HttpResponse, name: &str) -> Option<String> {
    let body = std::str::from_utf8(answer.body().bytes()?).ok()?;
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once("</")?;
    Some(text.to_owned())
}

fn detail<E>(error: &SdkError<E, HttpResponse>) -> String
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    let innermost = || causes(error).last().map(ToString::to_string).unwrap_or_default();
    let Some(answer) = error.raw_response() else { return innermost() };
    let (code, message) = match error {
        SdkError::ServiceError(service) => (service.err().code(), service.err().message()),
        _ => (None, None),
    };
    let said = match (code, message) {
        (Some(code), Some(message)) => format!("{code}: {}", message.trim_end_matches('.')),
        (Some(code), None) => code.to_owned(),
        (None, _) if matches!(error, SdkError::ServiceError(_)) => "no error code".to_owned(),
        (None, _) => innermost(),
    };
    let id = error.request_id().map(|id| format!(", request {id}")).unwrap_or_default();
    format!("{said} (HTTP {}{id})", answer.status().as_u16())
}
