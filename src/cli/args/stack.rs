//! Options of `stack`: up, status, down, print.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// The stack of those who name none.
const NAME: &str = "fhcheck";

/// What to do with the stack.
#[derive(Debug, Clone, Subcommand)]
pub enum StackCommand {
    /// Make the stack, or change it; run again, it changes nothing
    ///
    /// Templates go to a bucket, the stack is made or changed through a change set, and its events
    /// are told on stderr as they come. Begun and interrupted, run it again: it picks up what is
    /// under way.
    Up(StackUpArgs),
    /// Say what the stack is like: its state, what is not well, its outputs
    ///
    /// Exit code 0: it is up, and made from the templates of this fhcheck. 1: something is not well,
    /// or the templates are others. 2: it is not there, or cannot be asked.
    Status(StackStatusArgs),
    /// Empty the bucket and delete the stack, after asking
    ///
    /// Every version of every object in the stack's bucket is deleted, then the stack, then what
    /// `up` has uploaded. A stack that is not there is down.
    Down(StackDownArgs),
    /// Print the templates, to deploy them by hand
    Print(StackPrintArgs),
}

/// Options of `stack up`.
#[derive(Debug, Clone, Args)]
pub struct StackUpArgs {
    /// Name of the stack, and of the data stream, the delivery stream and the function in it
    #[arg(value_name = "NAME", default_value = NAME)]
    pub name: String,
    /// A parameter of the stack, as ShardCount=2; those that are not given stay as they are
    #[arg(long, short, value_name = "KEY=VALUE")]
    pub parameter: Vec<String>,
    /// A tag of the stack and everything in it
    #[arg(long, value_name = "KEY=VALUE")]
    pub tag: Vec<String>,
    /// Upload the templates to this bucket; without it, to one that is made for them
    #[arg(long, value_name = "BUCKET")]
    pub template_bucket: Option<String>,
    /// What the result looks like
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table")]
    pub format: StackFormatArg,
}

/// Options of `stack status`.
#[derive(Debug, Clone, Args)]
pub struct StackStatusArgs {
    /// Name of the stack
    #[arg(value_name = "NAME", default_value = NAME)]
    pub name: String,
    /// What the result looks like
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table")]
    pub format: StackFormatArg,
}

/// Options of `stack down`.
#[derive(Debug, Clone, Args)]
pub struct StackDownArgs {
    /// Name of the stack
    #[arg(value_name = "NAME", default_value = NAME)]
    pub name: String,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

/// Options of `stack print`.
#[derive(Debug, Clone, Args)]
pub struct StackPrintArgs {
    /// Which template; without it, all of them
    #[arg(value_name = "TEMPLATE", value_parser = ["root", "bucket", "delivery", "producer"])]
    pub template: Option<String>,
    /// Write them into this directory, each to its file
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// What a report on a stack looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StackFormatArg {
    /// For people.
    Table,
    /// One document.
    Json,
}
