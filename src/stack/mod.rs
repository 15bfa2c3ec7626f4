//! The pipeline as a CloudFormation stack: brought up, looked at, taken down.
//!
//! The templates are inside the binary. The nested ones go to a bucket first, because CloudFormation
//! takes them from nowhere else. Everything here can be interrupted and begun again: what is under
//! way is waited for, and what is there already is not done twice.

mod bucket;
mod change;
mod down;
mod empty;
mod explain;
mod status;
pub mod templates;
mod watch;

use std::collections::BTreeMap;
use std::error::Error as StdError;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudformation::types as sdk;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::aws::{Aws, Call, Failure};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::STACK_NAME_CHARS;
use crate::observe::{Observer, Silent};

pub use change::{Change, Wanted};
pub use down::{Down, Held, Standing};
pub use status::{Resource, Status};

/// The type of a stack that is a resource of another one.
const NESTED_STACK: &str = "AWS::CloudFormation::Stack";

/// A stack of an account and a region, there or not, by its name.
pub struct Stack<'a> {
    aws: &'a Aws,
    cloudformation: Client,
    name: &'a str,
    observer: &'a dyn Observer,
}

impl<'a> Stack<'a> {
    /// The stack of that name. Nothing is asked yet.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] when a stack of these templates cannot have the name.
    pub fn new(aws: &'a Aws, name: &'a str, observer: &'a dyn Observer) -> Result<Self> {
        check_name(name, STACK_NAME_CHARS)?;
        Ok(Self::named(aws, name, observer))
    }

    fn named(aws: &'a Aws, name: &'a str, observer: &'a dyn Observer) -> Self {
        Self { aws, cloudformation: aws.cloudformation(), name, observer }
    }

    /// The stack of that name or id, where there is one.
    async fn find(&self, name: &str) -> Result<Option<Found>> {
        let asked = self.cloudformation.describe_stacks().stack_name(name).send().await;
        match asked {
            Ok(answer) => Ok(answer.stacks().first().map(Found::from)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(self.failed("DescribeStacks", error)),
        }
    }

    /// The stack of that name, which must be one of fhcheck's: another one must not be taken down,
    /// nor updated to something that it never was.
    async fn ours(&self) -> Result<Option<Found>> {
        let found = self.find(self.name).await?;
        if found.as_ref().is_none_or(Found::is_ours) {
            return Ok(found);
        }
        let message = format!("stack {} was not made from fhcheck's templates", self.name);
        Err(Error::new(ErrorKind::Usage, message).hint("nothing was changed; name another stack"))
    }

    /// The error that a failed request of CloudFormation ends the run with.
    fn failed<E>(&self, action: &str, error: SdkError<E, HttpResponse>) -> Error
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        self.call(&format!("cloudformation:{action}"), "stack", self.name, Failure::of(error))
    }

    /// The error that an answer of CloudFormation ends the run with that cannot be right.
    fn nonsense(&self, action: &str, what: &str) -> Error {
        let action = format!("cloudformation:{action}");
        self.call(&action, "stack", self.name, Failure::nonsense(what))
    }

    fn call(&self, action: &str, kind: &str, name: &str, failure: Failure) -> Error {
        let (endpoint, region) = (self.aws.endpoint_url(), self.aws.region());
        Call { action, kind, name, endpoint, region }.failed(failure)
    }

    fn absent(&self) -> Error {
        let Self { name, aws, .. } = self;
        let message = format!("there is no stack named {name} in {}", aws.region());
        Error::new(ErrorKind::NotFound, message).hint(format!(
            "`fhcheck stack up {name}` makes it; or check the spelling, --region, and the account \
             (--profile)"
        ))
    }
}

/// What a stack says of itself under `Outputs`, by name. It may be anybody's.
///
/// # Errors
/// [`ErrorKind::NotFound`] when there is no such stack, and whatever keeps it from being asked.
pub async fn outputs(aws: &Aws, name: &str) -> Result<BTreeMap<String, String>> {
    check_name(name, FOREIGN_NAME_CHARS)?;
    let stack = Stack::named(aws, name, &Silent);
    Ok(stack.find(name).await?.ok_or_else(|| stack.absent())?.outputs)
}

/// Characters that the name of any stack has at most ("StackName" of `CreateStack`).
const FOREIGN_NAME_CHARS: usize = 128;

/// The data stream, the delivery stream and the function can have such a name too.
fn check_name(name: &str, most: usize) -> Result<()> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let letter = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    if letter && name.len() <= most && name.bytes().all(plain) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Usage, format!("{name:?} is no name for a stack")).hint(format!(
        "it begins with a letter and has letters, digits and hyphens, {most} at most"
    )))
}

/// Whether CloudFormation says that there is no such stack. It has no code of its own for that; but
/// of a request that only names a stack, and a name that could be one's, nothing else is invalid.
fn is_absent<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    error.as_service_error().and_then(ProvideErrorMetadata::code) == Some("ValidationError")
}

/// A stack that is there, or was.
#[derive(Debug, Clone)]
struct Found {
    id: String,
    state: State,
    reason: Option<String>,
    parameters: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
    outputs: BTreeMap<String, String>,
}

impl Found {
    /// Whether it was made from these templates, or others with the same purpose. What nobody has
    /// made yet is nobody's.
    fn is_ours(&self) -> bool {
        self.state.is_review() || self.parameters.contains_key(templates::BASE_URL)
    }
}

impl From<&sdk::Stack> for Found {
    fn from(stack: &sdk::Stack) -> Self {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let parameters = stack.parameters().iter();
        let tags = stack.tags().iter();
        let outputs = stack.outputs().iter();
        Self {
            id: text(stack.stack_id()),
            state: State(text(stack.stack_status().map(sdk::StackStatus::as_str))),
            reason: stack.stack_status_reason().filter(|text| !text.is_empty()).map(str::to_owned),
            parameters: parameters
                .map(|each| (text(each.parameter_key()), text(each.parameter_value())))
                .collect(),
            tags: tags.map(|each| (text(each.key()), text(each.value()))).collect(),
            outputs: outputs
                .map(|each| (text(each.output_key()), text(each.output_value())))
                .collect(),
        }
    }
}

/// The state of a stack, as CloudFormation spells it ("StackStatus" of `DescribeStacks`).
#[derive(Debug, Clone, PartialEq, Eq)]
struct State(String);

impl State {
    /// Whether something is under way. A change set that nobody executes is not.
    fn is_moving(&self) -> bool {
        self.0.ends_with("_IN_PROGRESS") && !self.is_review()
    }

    /// Whether there is a change set for a stack, and no more than that.
    fn is_review(&self) -> bool {
        self.0 == "REVIEW_IN_PROGRESS"
    }

    fn is_gone(&self) -> bool {
        self.0 == "DELETE_COMPLETE"
    }

    /// Whether its creation was undone: it holds nothing, and can only be deleted.
    fn is_undone(&self) -> bool {
        self.0 == "ROLLBACK_COMPLETE"
    }

    /// Whether the last thing that was done to it went well.
    fn is_good(&self) -> bool {
        matches!(self.0.as_str(), "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE")
    }

    /// Whether it can be updated.
    fn takes_updates(&self) -> bool {
        self.is_good()
            || matches!(
                self.0.as_str(),
                "UPDATE_ROLLBACK_COMPLETE" | "IMPORT_ROLLBACK_COMPLETE" | "UPDATE_FAILED"
            )
    }
}

#[cfg(test)]
mod tests {
    use super::{State, check_name};

    #[test]
    fn a_name_fits_everything_that_is_called_like_the_stack() {
        for name in ["a", "fhcheck", "Orders-2", &"a".repeat(64)] {
            assert!(check_name(name, 64).is_ok(), "{name}");
        }
        for name in ["", "2nd", "-a", "a_b", "a.b", "größe", &"a".repeat(65)] {
            assert!(check_name(name, 64).is_err(), "{name}");
        }
    }

    #[test]
    fn states_are_what_can_be_done_next() {
        let moving = ["CREATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"];
        let still = ["REVIEW_IN_PROGRESS", "CREATE_COMPLETE", "ROLLBACK_FAILED"];
        assert!(moving.iter().all(|state| State((*state).to_owned()).is_moving()));
        assert!(still.iter().all(|state| !State((*state).to_owned()).is_moving()));
        assert!(State("UPDATE_ROLLBACK_COMPLETE".to_owned()).takes_updates());
        assert!(!State("ROLLBACK_COMPLETE".to_owned()).takes_updates());
    }
}
