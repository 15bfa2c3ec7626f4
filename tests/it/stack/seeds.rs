//! Stacks by seed, with trouble by the same seed: one that comes up is said to be up, one that does not is
//! explained, everything that happens to it is told once; and it comes to an end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fhcheck::error::Error;
use fhcheck::observe::{Event, Observer};
use fhcheck::stack::{Change, Stack, Status, Wanted};
use futures::future::join_all;

use super::cloud::{Cloud, Lasting};
use crate::hostile::dice::Dice;
use crate::hostile::run::Connection;
use crate::served::Served;

/// Stacks that are made at once: waiting is all that is done.
const STACKS: u64 = 48;
/// Longer than any of it takes, and far shorter than for ever.
const PATIENCE: Duration = Duration::from_secs(240);

/// What is told of resources: path and state, in order.
#[derive(Default)]
struct Heard(Mutex<Vec<(String, String)>>);

impl Observer for Heard {
    fn on(&self, event: Event<'_>) {
        if let Event::Resource { path, state, .. } = event {
            self.0.lock().unwrap().push((path.to_owned(), state.to_owned()));
        }
    }
}

/// What makes the stack end in an error, and what is said of it.
fn complaint(cloud: &Cloud) -> Option<String> {
    let call = "cloudformation:DescribeStackEvents on stack orders";
    Some(match (cloud.lasting, cloud.fails) {
        (Some(Lasting::ChangeSet), _) => "cannot be changed so: S3 error: Access Denied".to_owned(),
        (Some(Lasting::EventsDenied), _) => format!("access denied: {call}"),
        (Some(Lasting::EventsRepeat), _) => format!("{call} failed: the same page is named twice"),
        (Some(Lasting::EventsEndless), _) => format!("{call} failed: one page after the other"),
        (_, Some(fails)) => format!(
            "stack orders could not be created: Bucket/Policy{fails} (AWS::S3::BucketPolicy): It is \
             locked; it is now in ROLLBACK_COMPLETE"
        ),
        (_, None) => return None,
    })
}

fn check_status(status: Result<Status, Error>, cloud: &Cloud, context: &str) {
    match (status, cloud.lasting) {
        (Err(error), Some(Lasting::ResourcesRepeat)) => {
            let call = "cloudformation:ListStackResources on stack orders";
            let said = format!("{call} failed: the same page is named twice");
            assert!(error.to_string().contains(&said), "{context}: {error}");
        }
        (Ok(status), lasting) if lasting != Some(Lasting::ResourcesRepeat) => {
            assert!(status.good && status.unwell.is_empty(), "{context}: {status:?}");
        }
        (answer, _) => panic!("{context}: {answer:?}"),
    }
}

/// Makes the stack of a seed; whether it came up.
async fn run(seed: u64) -> bool {
    let cloud = Arc::new(Cloud::new(seed));
    let context = format!("seed {seed}: {:?}, {:?}", cloud.lasting, cloud.fails);
    let served = Arc::clone(&cloud);
    let server = Served::start(Box::new(move |request| served.answer(request))).await;
    let Connection(aws) = Connection::to(&server.url()).await;
    let heard = Heard::default();
    let stack = Stack::new(&aws, "orders", &heard).unwrap();
    let wanted = Wanted { token: Dice::new(seed, "token").bits(), ..Wanted::default() };
    let up = stack.up(&wanted).await;
    let told: Vec<_> = cloud.moments.iter().filter_map(|moment| moment.told()).collect();
    match (up, complaint(&cloud)) {
        (Ok(change), None) => {
            assert_eq!(change, Change::Created, "{context}");
            assert_eq!(*heard.0.lock().unwrap(), told, "{context}");
            check_status(stack.status().await, &cloud, &context);
            true
        }
        (Err(error), Some(said)) => {
            assert!(error.to_string().contains(&said), "{context}: {error}");
            let heard = heard.0.lock().unwrap();
            assert!(heard.is_empty() || *heard == told, "{context}: {heard:?}");
            false
        }
        (up, _) => panic!("{context}: {up:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_becomes_of_a_stack_is_told_whatever_cloudformation_does() {
    let stacks = (0..STACKS).map(|seed| async move {
        let run = tokio::time::timeout(PATIENCE, run(seed)).await;
        run.unwrap_or_else(|_| panic!("seed {seed} does not come to an end"))
    });
    let up = join_all(stacks).await.into_iter().filter(|up| *up).count() as u64;
    println!("{STACKS} stacks, {up} of them came up");
    assert!(up > STACKS / 4 && up < STACKS, "{up} of {STACKS}");
}
