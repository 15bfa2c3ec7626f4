//! Why something done to a stack failed: the first failure of the innermost stack.

use std::collections::HashSet;

use super::watch::Moment;
use super::{Found, Stack};
use crate::error::{Error, ErrorKind, Result};

impl Stack<'_> {
    /// The error that a stack ends a run with that did not come to a good end. `verb` is what was to
    /// be done: `create`, `update`, `delete`.
    pub(super) async fn explained(&self, verb: &str, found: &Found) -> Error {
        let Self { name, .. } = self;
        let what = format!("stack {name} could not be {verb}d");
        let state = &found.state.0;
        let message = match self.first_failure(&found.id).await {
            Ok(Some(failed)) => format!("{what}: {failed}; it is now in {state}"),
            Ok(None) => match &found.reason {
                Some(reason) => format!("{what}: {reason}; it is now in {state}"),
                None => format!("{what}; it is now in {state}"),
            },
            Err(error) => format!("{what}; it is now in {state}, and why cannot be read: {error}"),
        };
        Error::new(ErrorKind::Service, message).hint(advice(name, state))
    }

    /// The failure that all others follow from, as a line.
    async fn first_failure(&self, id: &str) -> Result<Option<String>> {
        let (mut id, mut path, mut line) = (id.to_owned(), String::new(), None);
        let mut seen = HashSet::new();
        while seen.insert(id.clone()) {
            let events = self.events(&id, &HashSet::new()).await;
            let events = events.map_err(|unseen| self.unseen(unseen))?;
            let Some(failed) = first_failed(&events) else { break };
            path = if path.is_empty() {
                failed.resource.clone()
            } else {
                format!("{path}/{}", failed.resource)
            };
            let reason = failed.reason.as_deref().unwrap_or("no reason is given");
            let reason = reason.trim().trim_end_matches('.');
            line = Some(format!("{path} ({}): {reason}", failed.kind));
            match failed.nested() {
                Some(nested) => id = nested.to_owned(),
                None => break,
            }
        }
        Ok(line)
    }
}

/// The earliest failure since the last thing was begun that has one. Events come newest first: what
/// a rollback did lies before the failure, and what an earlier update did behind it.
fn first_failed(events: &[Moment]) -> Option<&Moment> {
    let mut first = None;
    for event in events {
        let begins = ["CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"];
        if event.own && first.is_some() && begins.contains(&event.state.as_str()) {
            break;
        }
        if event.state.ends_with("_FAILED") && !event.own {
            first = Some(event);
        }
    }
    first
}

/// What to do about a stack in that state.
pub(super) fn advice(name: &str, state: &str) -> String {
    match state {
        "ROLLBACK_COMPLETE" => {
            format!("nothing of it is left; mend the cause and run `fhcheck stack up {name}` again")
        }
        "UPDATE_ROLLBACK_COMPLETE" => format!(
            "it is as it was before; mend the cause and run `fhcheck stack up {name}` again"
        ),
        "UPDATE_ROLLBACK_FAILED" => format!(
            "mend the cause, run `aws cloudformation continue-update-rollback --stack-name {name}`, \
             and then this again"
        ),
        "DELETE_FAILED" => {
            format!("mend the cause and run `fhcheck stack down {name}` again")
        }
        _ => format!(
            "`fhcheck stack status {name}` shows what is not well; `fhcheck stack down {name}` \
             removes it all"
        ),
    }
}
