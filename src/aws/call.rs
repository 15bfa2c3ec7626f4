//! A call to a service other than S3, and what its failure means to the user: the action, the
//! resource, and the permission that it takes.

use crate::error::{Error, ErrorKind};

use super::failure::{Cause, Failure, elsewhere};

/// What was asked of a service, for messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    /// The action, as policies name it: `kinesis:ListShards`.
    pub(crate) action: &'a str,
    /// What kind of thing was asked for: `data stream`, `delivery stream`, `stack`.
    pub(crate) kind: &'a str,
    /// Its name.
    pub(crate) name: &'a str,
    /// The address of the service, where it is not AWS itself.
    pub(crate) endpoint: Option<&'a str>,
    /// The region that was asked.
    pub(crate) region: &'a str,
}

impl Call<'_> {
    /// The error that a failure of this call ends a run with.
    pub(crate) fn failed(&self, failure: Failure) -> Error {
        let Self { action, kind, name, endpoint, region } = *self;
        let service = endpoint.unwrap_or("AWS");
        let (what, hint) = match failure.cause() {
            Cause::Denied => (
                (ErrorKind::AccessDenied, format!("access denied: {action} on {kind} {name}")),
                Some(format!("the credentials need {action} on {kind} {name}")),
            ),
            Cause::Encryption => (
                (ErrorKind::AccessDenied, format!("{action} on {kind} {name} cannot use its key")),
                Some(
                    "the credentials need the KMS key that encrypts it; the answer says which \
                      action"
                        .to_owned(),
                ),
            ),
            Cause::NoSuchResource | Cause::NoSuchBucket => (
                (ErrorKind::NotFound, format!("there is no {kind} named {name} in {region}")),
                Some("check the spelling, --region, and the account (--profile)".to_owned()),
            ),
            Cause::Exists => (
                (ErrorKind::Service, format!("there is a {kind} named {name} already")),
                Some("somebody else has it, or has made it meanwhile".to_owned()),
            ),
            Cause::Invalid => (
                (ErrorKind::Usage, format!("{action} on {kind} {name} is refused")),
                Some("nothing was changed; the answer says what is wrong".to_owned()),
            ),
            Cause::Region => (
                (ErrorKind::WrongRegion, elsewhere(failure.named(), name, region)),
                Some(format!("it must be in {region}")),
            ),
            Cause::Throttled => (
                (ErrorKind::Service, format!("{action} on {kind} {name} is throttled")),
                Some("run again later, or slower".to_owned()),
            ),
            Cause::Unreachable | Cause::Timeout => {
                let verb = match failure.cause() {
                    Cause::Timeout => "does not answer",
                    _ => "cannot be reached",
                };
                let hint = match endpoint {
                    Some(_) => "check --endpoint-url, and that the server runs",
                    None => "check the network, and the region's name",
                };
                let what = format!("{service} {verb}: {action} on {kind} {name}");
                ((ErrorKind::Unreachable, what), Some(hint.to_owned()))
            }
            _ => match failure.credentials(service) {
                Some((kind, what, hint)) => ((kind, what), Some(hint.to_owned())),
                None => ((ErrorKind::Service, format!("{action} on {kind} {name} failed")), None),
            },
        };
        failure.into_error_of(what, hint)
    }
}
