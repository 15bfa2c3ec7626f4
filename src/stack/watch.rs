//! Waits for what is done to a stack, and tells its events and those of the stacks nested in it.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use aws_sdk_cloudformation::primitives::DateTime;
use aws_sdk_cloudformation::types::{ResourceStatus, StackEvent};

use super::{Found, NESTED_STACK, Stack, State, is_absent};
use crate::aws::{Failure, Pages};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{STACK_LOOK, STACK_LOOK_MAX, STACK_LOOKS_FAILED, STACK_WAIT_MAX};
use crate::observe::Event;

const EVENTS: &str = "DescribeStackEvents";

/// What was seen, or what could not be asked and why.
pub(super) type Seen<T> = Result<T, (&'static str, Failure)>;

/// One event of a stack.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    id: String,
    at: DateTime,
    /// The resource's name in its template; the stack's own name for the stack itself.
    pub(super) resource: String,
    /// What CloudFormation calls it where it lives; for a nested stack its id.
    pub(super) physical: String,
    /// Its type.
    pub(super) kind: String,
    pub(super) state: String,
    pub(super) reason: Option<String>,
    /// Whether it is about the stack whose events these are.
    pub(super) own: bool,
}

impl From<&StackEvent> for Moment {
    fn from(event: &StackEvent) -> Self {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let own = event.physical_resource_id().is_some_and(|id| Some(id) == event.stack_id());
        Self {
            id: text(event.event_id()),
            at: event.timestamp().copied().unwrap_or(DateTime::from_secs(0)),
            resource: text(event.logical_resource_id()),
            physical: text(event.physical_resource_id()),
            kind: text(event.resource_type()),
            state: text(event.resource_status().map(ResourceStatus::as_str)),
            reason: event
                .resource_status_reason()
                .filter(|text| !text.is_empty())
                .map(str::to_owned),
            own,
        }
    }
}

impl Moment {
    /// The id of the nested stack that it is about.
    pub(super) fn nested(&self) -> Option<&str> {
        let nested = self.kind == NESTED_STACK && !self.own && !self.physical.is_empty();
        nested.then_some(self.physical.as_str())
    }
}

impl Stack<'_> {
    /// The events of a stack by its id, newest first, up to one that is known. None where it has
    /// been gone for so long that nobody knows of it.
    pub(super) async fn events(&self, id: &str, known: &HashSet<String>) -> Seen<Vec<Moment>> {
        let (mut found, mut pages, mut token) = (Vec::new(), Pages::default(), None);
        loop {
            let asked = self.cloudformation.describe_stack_events().stack_name(id);
            let page = match asked.set_next_token(token).send().await {
                Ok(page) => page,
                Err(error) if is_absent(&error) => return Ok(found),
                Err(error) => return Err((EVENTS, Failure::of(error))),
            };
            for event in page.stack_events() {
                let moment = Moment::from(event);
                if known.contains(&moment.id) {
                    return Ok(found);
                }
                found.push(moment);
            }
            let next = pages.next(page.stack_events().len(), page.next_token());
            token = next.map_err(|what| (EVENTS, Failure::nonsense(what)))?;
            if token.is_none() {
                return Ok(found);
            }
        }
    }

    /// The error that a look which failed ends the run with.
    pub(super) fn unseen(&self, (action, failure): (&str, Failure)) -> Error {
        self.call(&format!("cloudformation:{action}"), "stack", self.name, failure)
    }

    /// The stack by its name, when nothing is under way any more.
    pub(super) async fn settled(&self) -> Result<Option<Found>> {
        let Some(found) = self.ours().await? else { return Ok(None) };
        if !found.state.is_moving() {
            return Ok(Some(found));
        }
        let text = format!("stack {} is in {} already; waiting for that", self.name, found.state.0);
        self.observer.on(Event::Step { text: &text });
        let mut watch = Watch::of(self, &found.id).await?;
        watch.begun = true;
        watch.wait().await
    }
}

/// Sees what happens to a stack from some moment on.
pub(super) struct Watch<'a> {
    stack: &'a Stack<'a>,
    id: String,
    /// Ids of the events that have been told, or happened before.
    known: HashSet<String>,
    /// The stack and those nested in it by their ids, each with the path of its resources.
    paths: BTreeMap<String, String>,
    /// Whether something has begun: before that, the state is that of the time before.
    begun: bool,
}

impl<'a> Watch<'a> {
    /// From now on.
    pub(super) async fn of(stack: &'a Stack<'a>, id: &str) -> Result<Self> {
        let paths = BTreeMap::from([(id.to_owned(), String::new())]);
        let mut watch =
            Self { stack, id: id.to_owned(), known: HashSet::new(), paths, begun: false };
        watch.news().await.map_err(|unseen| stack.unseen(unseen))?;
        watch.begun = false;
        Ok(watch)
    }

    /// Waits until nothing is under way. None when the stack is gone.
    pub(super) async fn wait(mut self) -> Result<Option<Found>> {
        let name = self.stack.name;
        let waited = tokio::time::timeout(STACK_WAIT_MAX, self.look()).await;
        waited.unwrap_or_else(|_| {
            let hours = STACK_WAIT_MAX.as_secs() / 3600;
            let message = format!("stack {name} has not come to an end for {hours} hours");
            Err(Error::new(ErrorKind::Limit, message)
                .hint("run the same again: it will be waited for"))
        })
    }

    async fn look(&mut self) -> Result<Option<Found>> {
        let (mut pause, mut failed) = (STACK_LOOK, 0);
        loop {
            tokio::time::sleep(pause).await;
            pause = pause.mul_f32(1.5).min(STACK_LOOK_MAX);
            match self.glance().await {
                Ok(found) => {
                    failed = 0;
                    let state = found.as_ref().map(|found| &found.state);
                    if state.is_none_or(State::is_gone) {
                        return Ok(None);
                    }
                    if self.begun && !state.is_some_and(State::is_moving) {
                        return Ok(found);
                    }
                }
                // What is under way goes on, whether or not it can be seen for a while.
                Err((action, failure)) if failure.is_transient() && failed < STACK_LOOKS_FAILED => {
                    failed += 1;
                    pause = STACK_LOOK_MAX;
                    tracing::debug!(action, failed, detail = failure.detail(), "looking again");
                }
                Err(unseen) => return Err(self.stack.unseen(unseen)),
            }
        }
    }

    /// Tells what has happened. The state is asked first: when it is an end, the events that led to
    /// it are there to be told.
    async fn glance(&mut self) -> Seen<Option<Found>> {
        let request = self.stack.cloudformation.describe_stacks().stack_name(&self.id);
        let found = match request.send().await {
            Ok(answer) => answer.stacks().first().map(Found::from),
            Err(error) if is_absent(&error) => None,
            Err(error) => return Err(("DescribeStacks", Failure::of(error))),
        };
        for (path, moment) in self.news().await? {
            self.tell(&path, &moment);
        }
        Ok(found)
    }

    /// What has happened since the last time, in order, each with the path of its stack.
    async fn news(&mut self) -> Seen<Vec<(String, Moment)>> {
        let mut news = Vec::new();
        let mut asked = HashSet::new();
        loop {
            let next = self.paths.iter().find(|(id, _)| !asked.contains(*id));
            let Some((id, path)) = next.map(|(id, path)| (id.clone(), path.clone())) else { break };
            for moment in self.stack.events(&id, &self.known).await? {
                if let Some(nested) = moment.nested() {
                    let inside = format!("{path}{}/", moment.resource);
                    self.paths.insert(nested.to_owned(), inside);
                }
                self.begun |= moment.own && id == self.id;
                news.push((path.clone(), moment));
            }
            asked.insert(id);
        }
        self.known.extend(news.iter().map(|(_, moment)| moment.id.clone()));
        // Newest first in each stack; two events of a moment stay in their order.
        news.reverse();
        news.sort_by_key(|(_, moment)| moment.at);
        Ok(news)
    }

    fn tell(&self, path: &str, moment: &Moment) {
        // What a nested stack says of itself, the one around it says too.
        if moment.own && !path.is_empty() {
            return;
        }
        self.stack.observer.on(Event::Resource {
            path: &format!("{path}{}", moment.resource),
            kind: &moment.kind,
            state: &moment.state,
            reason: moment.reason.as_deref(),
        });
    }
}

/// Waits a little before the next look at something that takes seconds.
pub(super) async fn pause(looks: u32) {
    let pause = STACK_LOOK.saturating_mul(looks).max(Duration::from_millis(100));
    tokio::time::sleep(pause.min(STACK_LOOK_MAX)).await;
}
