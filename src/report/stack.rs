//! A stack for people and for machines.

use std::collections::BTreeMap;

use serde::Serialize;

/// What a stack is like.
#[derive(Debug, Clone)]
pub struct Report<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its id, an ARN.
    pub id: &'a str,
    /// Its state, as CloudFormation spells it.
    pub state: &'a str,
    /// Why it is in that state, where that is known.
    pub reason: Option<&'a str>,
    /// What the run ends with: 0 when all of it is well.
    pub exit_code: u8,
    /// What was done to it: `created`, `updated` or `unchanged`; nothing where it was only asked.
    pub change: Option<&'static str>,
    /// Resources that are not well.
    pub unwell: Vec<Unwell<'a>>,
    /// Templates that are deployed otherwise than this binary has them.
    pub different_templates: &'a [&'static str],
    /// What it says of itself, by name.
    pub outputs: &'a BTreeMap<String, String>,
}

/// A resource that is not well.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Unwell<'a> {
    /// Its name, after those of the nested stacks that it is in.
    pub resource: &'a str,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// Its state, as CloudFormation spells it.
    pub state: &'a str,
    /// Why it is in that state, where that is known.
    pub reason: Option<&'a str>,
}

/// The report as a document.
#[derive(Serialize)]
pub(super) struct Document<'a> {
    report: &'static str,
    version: u32,
    exit_code: u8,
    stack: &'a str,
    id: &'a str,
    state: &'a str,
    reason: Option<&'a str>,
    change: Option<&'static str>,
    unwell: &'a [Unwell<'a>],
    different_templates: &'a [&'static str],
    outputs: &'a BTreeMap<String, String>,
}

impl<'a> Document<'a> {
    pub(super) fn new(report: &'a Report<'a>) -> Self {
        Self {
            report: "fhcheck.stack",
            version: 1,
            exit_code: report.exit_code,
            stack: report.name,
            id: report.id,
            state: report.state,
            reason: report.reason,
            change: report.change,
            unwell: &report.unwell,
            different_templates: report.different_templates,
            outputs: report.outputs,
        }
    }
}
