//! Brings a stack up: made or changed through a change set, or left as it is.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::types::{
    Capability, ChangeSetStatus, ChangeSetType, Parameter, Tag, TemplateStage,
};

use super::templates::{self, BASE_URL, ROOT};
use super::watch::{Watch, pause};
use super::{Found, Stack, State};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::CHANGE_SET_LOOKS;
use crate::observe::Event;

/// Reasons of a change set that failed because there is nothing to change; it has no code for that.
const NOTHING_TO_DO: [&str; 2] =
    ["The submitted information didn't contain changes", "No updates are to be performed"];

/// What a stack is wanted to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The bucket for the nested templates; without it, where they are already, or fhcheck's own.
    pub template_bucket: Option<String>,
    /// Parameters of the stack. Those that are not given stay as they are.
    pub parameters: BTreeMap<String, String>,
    /// Tags of the stack, besides those that it has.
    pub tags: BTreeMap<String, String>,
    /// Names the change set: another number for each run.
    pub token: u64,
}

impl Wanted {
    /// # Errors
    /// [`ErrorKind::Usage`] when the stack has no such parameter.
    pub fn check(&self) -> Result<()> {
        let names: Vec<_> = templates::parameters().collect();
        match self.parameters.keys().find(|name| !names.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => {
                let message = format!("the stack has no parameter {name:?}");
                Err(Error::new(ErrorKind::Usage, message)
                    .hint(format!("it has {}", names.join(", "))))
            }
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The stack was not there.
    Created,
    /// It was there, and is different now.
    Updated,
    /// It is as it was.
    Nothing,
}

/// What is asked of CloudFormation. It shows values with a question mark for every character that is
/// not ASCII: what stays as it is must not be read there and handed in again.
struct Request {
    /// Values of parameters; none for one that stays as it is.
    parameters: BTreeMap<String, Option<String>>,
    /// All tags; none when they stay as they are.
    tags: Option<BTreeMap<String, String>>,
}

impl Stack<'_> {
    /// Makes the stack, or changes it, or finds that it is as wanted.
    ///
    /// # Errors
    /// When it does not become so; the stack that is left is named with its state.
    pub async fn up(&self, wanted: &Wanted) -> Result<Change> {
        wanted.check()?;
        let found = self.ready().await?;
        let home = self.home(wanted.template_bucket.as_deref(), found.as_ref()).await?;
        let request = Request::new(wanted, found.as_ref(), &home.base_url);
        if let Some(found) = &found
            && self.is_as(found, &request).await?
        {
            return Ok(Change::Nothing);
        }
        self.upload(&home).await?;
        let change = if found.is_some() { Change::Updated } else { Change::Created };
        let Some((change_set, id)) = self.change_set(change, &request, wanted.token).await? else {
            return Ok(Change::Nothing);
        };
        self.execute(change, &change_set, &id, wanted.token).await?;
        Ok(change)
    }

    /// The stack, if it is there and can be changed; none if it can be made.
    async fn ready(&self) -> Result<Option<Found>> {
        let Some(found) = self.settled().await? else { return Ok(None) };
        match &found.state {
            state if state.takes_updates() => Ok(Some(found)),
            // Another change set is made; executing one deletes the others.
            state if state.is_review() => Ok(None),
            state if state.is_undone() => {
                let text = format!(
                    "the creation of stack {} was undone; what is left of it is deleted, and it is \
                     created again",
                    self.name
                );
                self.observer.on(Event::Step { text: &text });
                self.delete(&found.id).await?;
                Ok(None)
            }
            State(state) => {
                let message = format!("stack {} is in {state}, and cannot be changed", self.name);
                let hint = super::explain::advice(self.name, state);
                Err(Error::new(ErrorKind::Service, message).hint(hint))
            }
        }
    }

    /// Whether there is nothing to do. CloudFormation cannot tell: it takes every nested stack for
    /// one that may change. The digest in the URL of the templates stands for their text.
    async fn is_as(&self, found: &Found, request: &Request) -> Result<bool> {
        let same = found.state.is_good()
            && request.tags.is_none()
            && request.parameters.values().all(Option::is_none)
            && request.parameters.len() == found.parameters.len();
        Ok(same && self.template_of(&found.id).await?.trim_end() == ROOT.text.trim_end())
    }

    /// The template that a stack was made from, as it was handed in.
    pub(super) async fn template_of(&self, id: &str) -> Result<String> {
        let asked = self.cloudformation.get_template().stack_name(id);
        let answer = asked.template_stage(TemplateStage::Original).send().await;
        let answer = answer.map_err(|error| self.failed("GetTemplate", error))?;
        Ok(answer.template_body.unwrap_or_default())
    }

    /// Makes a change set and waits for it: its id, and the stack's. None when there is nothing to
    /// change.
    async fn change_set(
        &self,
        change: Change,
        request: &Request,
        token: u64,
    ) -> Result<Option<(String, String)>> {
        let kind = match change {
            Change::Created => ChangeSetType::Create,
            Change::Updated | Change::Nothing => ChangeSetType::Update,
        };
        let asked = self.cloudformation.create_change_set();
        let answer = asked
            .stack_name(self.name)
            .change_set_name(name_of(token))
            // A name is taken once; who asks again after an answer that got lost has to say so.
            .client_token(name_of(token))
            .change_set_type(kind)
            .template_body(ROOT.text)
            .set_parameters(Some(request.parameters()))
            .set_tags(request.tags())
            .capabilities(Capability::CapabilityIam)
            .send()
            .await
            .map_err(|error| self.failed("CreateChangeSet", error))?;
        let id = answer.id.unwrap_or_default();
        let stack_id = answer.stack_id.unwrap_or_default();
        let Err(reason) = self.change_set_made(&id).await? else {
            return Ok(Some((id, stack_id)));
        };
        // What cannot be executed is of no use. Where it stays, the next one does not mind.
        let _ = self.cloudformation.delete_change_set().change_set_name(&id).send().await;
        if NOTHING_TO_DO.iter().any(|nothing| reason.starts_with(nothing)) {
            return Ok(None);
        }
        if change == Change::Created {
            let _ = self.cloudformation.delete_stack().stack_name(&stack_id).send().await;
        }
        let message = format!("stack {} cannot be changed so: {reason}", self.name);
        Err(Error::new(ErrorKind::Service, message).hint("nothing was changed"))
    }

    /// Waits until a change set is there, or has failed for a reason.
    async fn change_set_made(&self, id: &str) -> Result<Result<(), String>> {
        for looks in 0..CHANGE_SET_LOOKS {
            let asked = self.cloudformation.describe_change_set().change_set_name(id).send().await;
            let answer = asked.map_err(|error| self.failed("DescribeChangeSet", error))?;
            match answer.status() {
                Some(ChangeSetStatus::CreateComplete) => return Ok(Ok(())),
                Some(ChangeSetStatus::Failed) => {
                    return Ok(Err(answer.status_reason.unwrap_or_default()));
                }
                _ => pause(looks).await,
            }
        }
        let message = format!("the change set for stack {} does not get ready", self.name);
        Err(Error::new(ErrorKind::Limit, message).hint("run the same again"))
    }

    async fn execute(
        &self,
        change: Change,
        change_set: &str,
        stack_id: &str,
        token: u64,
    ) -> Result<()> {
        let watch = Watch::of(self, stack_id).await?;
        let asked = self.cloudformation.execute_change_set().change_set_name(change_set);
        let executed = asked.client_request_token(name_of(token)).send().await;
        executed.map_err(|error| self.failed("ExecuteChangeSet", error))?;
        let verb = if change == Change::Created { "create" } else { "update" };
        match watch.wait().await? {
            Some(found) if found.state.is_good() => Ok(()),
            Some(found) => Err(self.explained(verb, &found).await),
            None => {
                let message = format!("stack {} was deleted while it was {verb}d", self.name);
                Err(Error::new(ErrorKind::Service, message).hint("run the same again"))
            }
        }
    }
}

fn name_of(token: u64) -> String {
    format!("fhcheck-{token:016x}")
}

impl Request {
    /// What is not given stays as it is, or is as the template says.
    fn new(wanted: &Wanted, found: Option<&Found>, base_url: &str) -> Self {
        let mut given = wanted.parameters.clone();
        given.insert(BASE_URL.to_owned(), base_url.to_owned());
        let Some(found) = found else {
            let parameters = given.into_iter().map(|(name, value)| (name, Some(value)));
            let tags = Some(wanted.tags.clone()).filter(|tags| !tags.is_empty());
            return Self { parameters: parameters.collect(), tags };
        };
        let known =
            |name: &String| name == BASE_URL || templates::parameters().any(|it| it == name);
        let kept = found.parameters.keys().filter(|name| known(name));
        let mut parameters: BTreeMap<_, _> = kept.map(|name| (name.clone(), None)).collect();
        let changed =
            given.into_iter().filter(|(name, value)| found.parameters.get(name) != Some(value));
        parameters.extend(changed.map(|(name, value)| (name, Some(value))));
        let mut tags = found.tags.clone();
        tags.extend(wanted.tags.clone());
        Self { parameters, tags: Some(tags).filter(|tags| *tags != found.tags) }
    }

    fn parameters(&self) -> Vec<Parameter> {
        let each = self.parameters.iter();
        each.map(|(name, value)| {
            let parameter = Parameter::builder().parameter_key(name);
            match value {
                Some(value) => parameter.parameter_value(value).build(),
                None => parameter.use_previous_value(true).build(),
            }
        })
        .collect()
    }

    fn tags(&self) -> Option<Vec<Tag>> {
        let each = self.tags.as_ref()?.iter();
        Some(each.map(|(key, value)| Tag::builder().key(key).value(value).build()).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{Found, State};
    use super::{Request, Wanted};

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_is_not_given_stays_as_it_is() {
        let found = Found {
            id: "id".to_owned(),
            state: State("CREATE_COMPLETE".to_owned()),
            reason: None,
            parameters: map(&[
                ("ShardCount", "4"),
                ("Delimiter", "yes"),
                ("OfOlderTemplates", "1"),
            ]),
            tags: map(&[("team", "orders"), ("stage", "test")]),
            outputs: BTreeMap::new(),
        };
        let wanted = Wanted {
            parameters: map(&[("ShardCount", "2")]),
            tags: map(&[("stage", "live")]),
            ..Wanted::default()
        };
        let request = Request::new(&wanted, Some(&found), "https://x");
        let sent: Vec<_> = request.parameters.iter().collect();
        let sent: Vec<_> =
            sent.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
        let url = ("TemplateBaseUrl", Some("https://x"));
        assert_eq!(sent, [("Delimiter", None), ("ShardCount", Some("2")), url]);
        assert_eq!(request.tags, Some(map(&[("team", "orders"), ("stage", "live")])));

        let same = Wanted { parameters: map(&[("ShardCount", "4")]), ..Wanted::default() };
        let request = Request::new(&same, Some(&found), "https://x");
        assert_eq!(request.parameters["ShardCount"], None);
        assert_eq!(request.tags, None);
    }

    #[test]
    fn a_parameter_that_there_is_not_is_named_before_anything_is_asked() {
        let wanted = Wanted { parameters: map(&[("Shards", "2")]), ..Wanted::default() };
        let error = wanted.check().expect_err("no such parameter");
        assert!(error.to_string().contains("Shards"), "{error}");
        assert!(error.advice().is_some_and(|hint| hint.contains("ShardCount")));
        let hidden = Wanted { parameters: map(&[("TemplateBaseUrl", "x")]), ..Wanted::default() };
        assert!(hidden.check().is_err(), "fhcheck says where the templates are");
    }
}
