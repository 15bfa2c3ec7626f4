//! What a stack is like: its state, its resources, its templates, its outputs.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::types::{ResourceStatus, StackResourceSummary};

use super::templates::{NESTED, ROOT};
use super::{NESTED_STACK, Stack};
use crate::aws::Pages;
use crate::error::Result;

const LIST: &str = "ListStackResources";

/// A stack as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Its id, an ARN.
    pub id: String,
    /// Its state, as CloudFormation spells it.
    pub state: String,
    /// Why it is in that state, where CloudFormation says so.
    pub reason: Option<String>,
    /// Whether the last thing that was done to it went well.
    pub good: bool,
    /// Its resources, and those of the stacks nested in it, that are not well.
    pub unwell: Vec<Resource>,
    /// Names of templates that are deployed otherwise than this binary has them.
    pub different: Vec<&'static str>,
    /// What it says of itself, by name.
    pub outputs: BTreeMap<String, String>,
}

/// A resource of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its name, after those of the nested stacks that it is in: `Delivery/Stream`.
    pub path: String,
    /// Its type: `AWS::Kinesis::Stream`.
    pub kind: String,
    /// What it is called where it lives; for a nested stack its id.
    pub physical: String,
    /// Its state, as CloudFormation spells it.
    pub state: String,
    /// Why it is in that state, where CloudFormation says so.
    pub reason: Option<String>,
}

impl Resource {
    fn of(summary: &StackResourceSummary, inside: &str) -> Self {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Self {
            path: format!("{inside}{}", text(summary.logical_resource_id())),
            kind: text(summary.resource_type()),
            physical: text(summary.physical_resource_id()),
            state: text(summary.resource_status().map(ResourceStatus::as_str)),
            reason: summary
                .resource_status_reason()
                .filter(|text| !text.is_empty())
                .map(str::to_owned),
        }
    }

    fn is_well(&self) -> bool {
        self.state.ends_with("_COMPLETE")
    }

    /// Whether it is there, or may be.
    pub(super) fn is_there(&self) -> bool {
        self.state != "DELETE_COMPLETE" && !self.physical.is_empty()
    }
}

impl Stack<'_> {
    /// Looks at the stack. Nothing is changed, and nothing is waited for.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::NotFound`] when it is not there, and whatever keeps it from being
    /// looked at.
    pub async fn status(&self) -> Result<Status> {
        let found = self.ours().await?.ok_or_else(|| self.absent())?;
        let (mut resources, mut different) = (Vec::new(), Vec::new());
        if !found.state.is_review() {
            resources = self.resources(&found.id).await?;
            if self.template_of(&found.id).await?.trim_end() != ROOT.text.trim_end() {
                different.push(ROOT.name);
            }
            for template in NESTED {
                let nested = resources.iter().find(|resource| {
                    resource.kind == NESTED_STACK
                        && resource.is_there()
                        && resource.path.eq_ignore_ascii_case(template.name)
                });
                let Some(nested) = nested else { continue };
                let deployed = self.template_of(&nested.physical).await?;
                if deployed.trim_end() != template.text.trim_end() {
                    different.push(template.name);
                }
            }
        }
        Ok(Status {
            good: found.state.is_good(),
            id: found.id,
            state: found.state.0,
            reason: found.reason,
            unwell: resources.into_iter().filter(|resource| !resource.is_well()).collect(),
            different,
            outputs: found.outputs,
        })
    }

    /// The resources of a stack by its id, and of those nested in it.
    pub(super) async fn resources(&self, id: &str) -> Result<Vec<Resource>> {
        let mut found = Vec::new();
        let mut stacks = vec![(id.to_owned(), String::new())];
        while let Some((id, inside)) = stacks.pop() {
            let (mut pages, mut token) = (Pages::default(), None);
            loop {
                let asked = self.cloudformation.list_stack_resources().stack_name(&id);
                let page = asked.set_next_token(token).send().await;
                let page = page.map_err(|error| self.failed(LIST, error))?;
                for summary in page.stack_resource_summaries() {
                    let resource = Resource::of(summary, &inside);
                    if resource.kind == NESTED_STACK && resource.is_there() {
                        stacks.push((resource.physical.clone(), format!("{}/", resource.path)));
                    }
                    found.push(resource);
                }
                let items = page.stack_resource_summaries().len();
                let next = pages.next(items, page.next_token());
                token = next.map_err(|what| self.nonsense(LIST, what))?;
                if token.is_none() {
                    break;
                }
            }
        }
        found.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(found)
    }
}
