//! What a stack is like, for people and machines.

use std::collections::BTreeMap;

use fhcheck::report::stack::{Report, Unwell};
use fhcheck::report::{self, Form};

/// One that has just been made, and one that is not well.
pub(super) fn stacks(form: Form) -> [String; 2] {
    let pairs = [("Location", "s3://orders-bucket/firehose/"), ("StreamName", "orders")];
    let outputs: BTreeMap<_, _> =
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let none = BTreeMap::new();
    let made = Report {
        name: "orders",
        id: "arn:aws:cloudformation:eu-west-1:123456789012:stack/orders/1",
        state: "CREATE_COMPLETE",
        reason: None,
        exit_code: 0,
        change: Some("created"),
        unwell: Vec::new(),
        different_templates: &[],
        outputs: &outputs,
    };
    let unwell = Unwell {
        resource: "Delivery/Stream",
        kind: "AWS::Kinesis::Stream",
        state: "UPDATE_FAILED",
        reason: Some("the limit of shards\x1b[2J is reached"),
    };
    let broken = Report {
        state: "UPDATE_ROLLBACK_FAILED",
        reason: Some("The following resource(s) failed to update: [Delivery]."),
        exit_code: 1,
        change: None,
        unwell: vec![unwell],
        different_templates: &["root", "delivery"],
        outputs: &none,
        ..made.clone()
    };
    [made, broken].map(|stack| {
        let mut out = Vec::new();
        report::stack(&stack, form, &mut out).expect("a vector takes it");
        String::from_utf8(out).expect("reports are text")
    })
}
