//! `docs/report.v1.schema.json` describes what is written, all of it and nothing else.

use std::collections::BTreeSet;

use fhcheck::report::Form;
use fhcheck::report::dump::Records;
use serde_json::{Value, json};

use super::stack::stacks;
use super::trace::traced;
use super::{dumped_text, estimated, listed, listings, outcomes, produced, reconciled};

fn schema() -> Value {
    let text = include_str!("../../../docs/report.v1.schema.json");
    serde_json::from_str(text).expect("the schema is JSON")
}

/// Documents of every report, then lines of every report.
fn outputs() -> (Vec<String>, Vec<String>) {
    let mut documents =
        vec![dumped_text(Records::Json), estimated(true, Form::Json), estimated(false, Form::Json)];
    let mut lines = vec![dumped_text(Records::Ndjson), estimated(true, Form::Ndjson)];
    documents.extend(stacks(Form::Json));
    documents.extend(traced(Form::Json));
    lines.extend(traced(Form::Ndjson));
    documents.extend([true, false].map(|whole| produced(whole, Form::Json)));
    lines.push(produced(true, Form::Ndjson));
    for (_, outcome) in outcomes() {
        documents.push(reconciled(&outcome, Form::Json));
        lines.push(reconciled(&outcome, Form::Ndjson));
    }
    for (_, listing) in listings() {
        documents.push(listed(&listing, Form::Json));
        lines.push(listed(&listing, Form::Ndjson));
    }
    let lines = lines.iter().flat_map(|text| text.lines()).map(str::to_owned).collect();
    (documents, lines)
}

#[test]
fn everything_written_is_described() {
    let schema = schema();
    jsonschema::meta::validate(&schema).expect("the schema is one");
    let validator = jsonschema::validator_for(&schema).expect("the schema compiles");
    let (documents, lines) = outputs();
    for text in documents.iter().chain(&lines) {
        let value: Value = serde_json::from_str(text).expect("output is JSON");
        if let Err(error) = validator.validate(&value) {
            panic!("{error} at {}\n{text}", error.instance_path());
        }
    }
}

#[test]
fn every_kind_of_line_is_among_them_and_the_summary_comes_last() {
    let kinds: BTreeSet<String> = outputs()
        .1
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).expect("output is JSON"))
        .filter_map(|value| value["type"].as_str().map(str::to_owned))
        .collect();
    let expected = [
        "duplicate",
        "failed",
        "gap",
        "identical",
        "malformed",
        "missing",
        "note",
        "object",
        "pending",
        "period",
        "record",
        "repeated",
        "summary",
        "undecodable",
        "unexpected",
    ];
    assert_eq!(kinds, expected.map(str::to_owned).into());
    for (_, outcome) in outcomes() {
        let text = reconciled(&outcome, Form::Ndjson);
        let last: Value = serde_json::from_str(text.lines().last().expect("lines")).expect("JSON");
        assert_eq!(last["type"], "summary");
        assert!(last["verdict"].is_string() && last["exit_code"].is_u64());
    }
}

/// The schema would notice: a member too many, one that is gone, a wrong version.
#[test]
fn the_schema_is_strict() {
    let validator = jsonschema::validator_for(&schema()).expect("the schema compiles");
    let (documents, lines) = outputs();
    for text in documents.iter().chain(&lines) {
        let value: Value = serde_json::from_str(text).expect("output is JSON");
        let mut more = value.clone();
        more["surprise"] = json!(1);
        assert!(!validator.is_valid(&more), "a member too many passes: {text}");
        let members = value.as_object().expect("an object");
        for member in members.keys() {
            let mut fewer = members.clone();
            fewer.remove(member);
            let optional = ["excerpt", "excerpt_base64"].contains(&member.as_str());
            assert!(optional || !validator.is_valid(&fewer.into()), "{member} may go from {text}");
        }
    }
}
