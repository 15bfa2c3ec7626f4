//! CloudFormation in this process, by seed: a stack that comes up or does not, event by event, with trouble
//! on the way.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::scripted::{absent, answer, event, in_state, refusal};
use crate::hostile::dice::Dice;
use crate::served::Request;
use crate::support::{reply, s3_error};

const NESTED: &str = "AWS::CloudFormation::Stack";
/// Attempts in a row at one thing that fail: the SDK makes one more.
const IN_A_ROW: u64 = 3;

/// What stays as it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Lasting {
    /// The change set fails, whatever is done.
    ChangeSet,
    /// Events may not be seen.
    EventsDenied,
    /// Pages of events name each other.
    EventsRepeat,
    /// Pages of events without an event, each named otherwise.
    EventsEndless,
    /// Pages of resources name each other.
    ResourcesRepeat,
}

const LASTING: [Lasting; 5] = [
    Lasting::ChangeSet,
    Lasting::EventsDenied,
    Lasting::EventsRepeat,
    Lasting::EventsEndless,
    Lasting::ResourcesRepeat,
];

/// One event: the id of its stack, then resource, type, physical id, state, reason.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    stack: &'static str,
    fields: [String; 5],
}

impl Moment {
    fn root(resource: &str, kind: &str, physical: &str, state: &str, reason: &str) -> Self {
        let fields = [resource, kind, physical, state, reason].map(str::to_owned);
        Self { stack: "root-id", fields }
    }

    fn nested(resource: &str, kind: &str, physical: &str, state: &str, reason: &str) -> Self {
        Self { stack: "nested-id", ..Self::root(resource, kind, physical, state, reason) }
    }

    fn own(&self) -> bool {
        self.fields[2] == self.stack
    }

    /// As it is told: path and state. What a nested stack says of itself is not.
    pub(super) fn told(&self) -> Option<(String, String)> {
        let inside = if self.stack == "root-id" { "" } else { "Bucket/" };
        let told = (format!("{inside}{}", self.fields[0]), self.fields[3].clone());
        (inside.is_empty() || !self.own()).then_some(told)
    }
}

/// A stack of a seed, and how CloudFormation treats whoever makes it.
pub(super) struct Cloud {
    seed: u64,
    pub(super) moments: Vec<Moment>,
    /// The resource that fails in the nested stack, if one does.
    pub(super) fails: Option<usize>,
    pub(super) lasting: Option<Lasting>,
    /// Events, or resources, on a page.
    page: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What a change set was made with.
    made: Option<String>,
    /// Looks at the change set before it is ready.
    looks: u64,
    executed: bool,
    /// Events that have happened.
    happened: usize,
    came: BTreeMap<String, u64>,
}

impl Cloud {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed, "cloud");
        let resources = usize::try_from(dice.between(1, 6)).unwrap();
        let fails = dice.one_in(3).then(|| dice.index(resources));
        let lasting = dice.one_in(3).then(|| dice.pick(&LASTING));
        let page = dice.pick(&[1, 2, 5, 100]);
        let state = Mutex::new(State { looks: dice.below(3), ..State::default() });
        Self { seed, moments: moments(resources, fails), fails, lasting, page, state }
    }

    /// The answer to a request; none where the connection ends.
    pub(super) fn answer(&self, request: &Request) -> Option<Vec<u8>> {
        let form = String::from_utf8_lossy(&request.body);
        let value = |name: &str| {
            let pairs = form.split('&').filter_map(|pair| pair.split_once('='));
            pairs.into_iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value)
        };
        let action = value("Action");
        let mut state = self.state.lock().unwrap();
        let place = format!("{action} {} {}", value("StackName"), value("NextToken"));
        let came = state.came.entry(place.clone()).or_default();
        *came += 1;
        let mut dice = Dice::new(self.seed, &format!("{place} {came}"));
        let trouble = !came.is_multiple_of(IN_A_ROW + 1) && dice.one_in(4);
        let trouble = trouble.then(|| dice.below(5));
        match trouble {
            // S3 is the one that says no action.
            Some(0..3) if action.is_empty() => {
                return Some(s3_error("503 No", "", "SlowDown", "Slower.").into());
            }
            Some(0) => return Some(refusal("400 No", "Throttling", "Rate exceeded").into()),
            Some(1) => return Some(refusal("500 No", "InternalFailure", "Try again.").into()),
            Some(2) => return Some(refusal("503 No", "ServiceUnavailable", "Try again.").into()),
            Some(3) => return None,
            _ => {}
        }
        let answer = match action {
            "GetCallerIdentity" => answer(action, "<Account>123456789012</Account>"),
            "CreateChangeSet" => state.make(value("ClientToken")),
            "DescribeChangeSet" => self.change_set(&mut state),
            "ExecuteChangeSet" => {
                state.executed = true;
                answer(action, "")
            }
            "DescribeStacks" => self.stacks(&mut state, &mut dice),
            "DescribeStackEvents" => self.events(&state, value("StackName"), value("NextToken")),
            "ListStackResources" => self.resources(value("StackName"), value("NextToken")),
            "GetTemplate" => answer(action, "<TemplateBody>another one</TemplateBody>"),
            "DeleteStack" | "DeleteChangeSet" => answer(action, ""),
            // A template that is put.
            "" => reply("200 OK", "", ""),
            other => panic!("nobody should ask for {other}"),
        };
        // It was done, and whoever asked does not know.
        (trouble != Some(4)).then(|| answer.into())
    }

    fn change_set(&self, state: &mut State) -> String {
        let (status, reason) = match (state.looks, self.lasting) {
            (0, Some(Lasting::ChangeSet)) => ("FAILED", "S3 error: Access Denied"),
            (0, _) => ("CREATE_COMPLETE", ""),
            _ => ("CREATE_IN_PROGRESS", ""),
        };
        state.looks = state.looks.saturating_sub(1);
        let body = format!("<Status>{status}</Status><StatusReason>{reason}</StatusReason>");
        answer("DescribeChangeSet", &body)
    }

    /// Each look lets something happen.
    fn stacks(&self, state: &mut State, dice: &mut Dice) -> String {
        if state.made.is_none() {
            return absent();
        }
        if !state.executed {
            return in_state("REVIEW_IN_PROGRESS");
        }
        let most = self.moments.len() as u64;
        let more = usize::try_from(dice.between(1, most.div_ceil(2))).unwrap();
        state.happened = (state.happened + more).min(self.moments.len());
        let happened = self.moments[..state.happened].iter();
        let last = happened.rev().find(|moment| moment.stack == "root-id" && moment.own());
        in_state(last.map_or("REVIEW_IN_PROGRESS", |moment| &moment.fields[3]))
    }

    fn events(&self, state: &State, stack: &str, token: &str) -> String {
        let page = |events: &str, next: &str| {
            let next = match next {
                "" => String::new(),
                next => format!("<NextToken>{next}</NextToken>"),
            };
            let body = format!("<StackEvents>{events}</StackEvents>{next}");
            answer("DescribeStackEvents", &body)
        };
        match self.lasting {
            Some(Lasting::EventsDenied) => {
                let denied = "not authorized to perform: cloudformation:DescribeStackEvents";
                return refusal("403 Forbidden", "AccessDenied", denied);
            }
            Some(Lasting::EventsRepeat) => return page("", if token == "a" { "b" } else { "a" }),
            Some(Lasting::EventsEndless) => return page("", &format!("{token}x")),
            _ => {}
        }
        let happened = self.moments[..state.happened].iter().enumerate();
        let events = happened.filter(|(_, moment)| moment.stack == stack).map(|(at, moment)| {
            let fields = moment.fields.each_ref().map(String::as_str);
            event(stack, fields, at)
        });
        let newest_first: Vec<_> = events.rev().collect();
        let from: usize = token.parse().unwrap_or(0);
        let to = newest_first.len().min(from + self.page);
        let next = if to < newest_first.len() { to.to_string() } else { String::new() };
        page(&newest_first[from..to].concat(), &next)
    }

    /// The last state of each resource.
    fn resources(&self, stack: &str, token: &str) -> String {
        let mut last = BTreeMap::new();
        for moment in self.moments.iter().filter(|moment| moment.stack == stack && !moment.own()) {
            last.insert(&moment.fields[0], moment);
        }
        let members = last.values().map(|Moment { fields: [name, kind, id, state, _], .. }| {
            format!(
                "<member><LogicalResourceId>{name}</LogicalResourceId>\
                 <PhysicalResourceId>{id}</PhysicalResourceId><ResourceType>{kind}</ResourceType>\
                 <ResourceStatus>{state}</ResourceStatus></member>"
            )
        });
        let members: Vec<_> = members.collect();
        let from: usize = token.parse().unwrap_or(0);
        let to = members.len().min(from + self.page);
        let next = match self.lasting {
            Some(Lasting::ResourcesRepeat) => "<NextToken>0</NextToken>".to_owned(),
            _ if to < members.len() => format!("<NextToken>{to}</NextToken>"),
            _ => String::new(),
        };
        let (members, action) = (members[from..to].concat(), "ListStackResources");
        answer(action, &format!("<StackResourceSummaries>{members}</StackResourceSummaries>{next}"))
    }
}

impl State {
    /// A name is taken once; whoever made it and says so is told again.
    fn make(&mut self, token: &str) -> String {
        match &self.made {
            Some(made) if made != token || token.is_empty() => {
                refusal("400 No", "AlreadyExistsException", "ChangeSet exists already")
            }
            _ => {
                self.made = Some(token.to_owned());
                answer("CreateChangeSet", "<Id>set</Id><StackId>root-id</StackId>")
            }
        }
    }
}

/// What happens when a stack is made, in order.
fn moments(resources: usize, fails: Option<usize>) -> Vec<Moment> {
    const POLICY: &str = "AWS::S3::BucketPolicy";
    let (root, nested) = (Moment::root, Moment::nested);
    let mut moments = vec![
        root("orders", NESTED, "root-id", "CREATE_IN_PROGRESS", "User Initiated"),
        root("Bucket", NESTED, "nested-id", "CREATE_IN_PROGRESS", ""),
        nested("orders-Bucket", NESTED, "nested-id", "CREATE_IN_PROGRESS", ""),
    ];
    for resource in 0..fails.map_or(resources, |fails| fails + 1) {
        let name = format!("Policy{resource}");
        moments.push(nested(&name, POLICY, &name, "CREATE_IN_PROGRESS", ""));
        moments.push(match fails == Some(resource) {
            true => nested(&name, POLICY, &name, "CREATE_FAILED", "It is locked."),
            false => nested(&name, POLICY, &name, "CREATE_COMPLETE", ""),
        });
    }
    if fails.is_none() {
        moments.push(nested("orders-Bucket", NESTED, "nested-id", "CREATE_COMPLETE", ""));
        moments.push(root("Bucket", NESTED, "nested-id", "CREATE_COMPLETE", ""));
        moments.push(root("orders", NESTED, "root-id", "CREATE_COMPLETE", ""));
        return moments;
    }
    let (failed, undone) = ("CREATE_FAILED", "ROLLBACK_COMPLETE");
    moments.push(nested("orders-Bucket", NESTED, "nested-id", failed, "Policies failed"));
    moments.push(root("Bucket", NESTED, "nested-id", failed, "Embedded stack failed"));
    moments.push(root("orders", NESTED, "root-id", "ROLLBACK_IN_PROGRESS", "Bucket failed"));
    moments.push(root("Bucket", NESTED, "nested-id", "DELETE_COMPLETE", ""));
    moments.push(root("orders", NESTED, "root-id", undone, ""));
    moments
}
