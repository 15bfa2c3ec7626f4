//! What may be typed: subcommands and options as clap knows them, still text where they have a
//! grammar of their own. What it means is decided in [`super::lower`].

mod make;
mod produce;
mod read;
mod snapshot;
mod stack;
mod trace;

pub use make::{CompletionsArgs, CompressionArg, DemoArgs, ManArgs, SimulateArgs, WrapArg};
pub use produce::ProduceArgs;
pub use read::{
    AllowArg, DumpArgs, ForeignArg, ListArgs, OutputArgs, ReadArgs, ReconcileArgs, SplitArg,
};
pub use snapshot::SnapshotArgs;
pub use stack::{
    StackCommand, StackDownArgs, StackFormatArg, StackPrintArgs, StackStatusArgs, StackUpArgs,
};
pub use trace::{PeriodArg, TraceArgs};

use clap::{ArgAction, Args as ClapArgs, Parser, Subcommand, ValueEnum};

/// What every help text ends with where a verdict is given.
const EXIT_CODES: &str = "\
Exit codes, after diff(1):
  0  reconciled: every record is accounted for, nothing is damaged
  1  discrepant: records missing, failed, doubled or unexpected, or data damaged
  2  inconclusive: something could not be read; or the run failed";

/// The command line.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "fhcheck",
    version,
    about = "Did every record make it through Amazon Data Firehose to S3?",
    long_about = "Did every record make it through Amazon Data Firehose to S3?\n\n\
        fhcheck lists what a delivery stream wrote, takes its records apart, and compares them, \
        one by one, with what was produced.",
    after_help = with_codes("\
Examples:
  fhcheck demo                                see it work, without an account
  fhcheck list s3://BUCKET                    what is stored under firehose/
  fhcheck dump s3://BUCKET -o records.ndjson  every record, one a line
  fhcheck reconcile s3://BUCKET --expected 10
                                              is the number right?
  fhcheck reconcile s3://BUCKET --manifest sent.ndjson
                                              are these the records?"),
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub struct Args {
    /// What holds for every command.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// List the objects: size, time of first arrival, delivery stream; with --records, what is in
    /// them
    #[command(after_help = with_codes("\
Examples:
  fhcheck list s3://BUCKET/firehose/ --since 2h
  fhcheck list ./downloaded --records --format csv"))]
    List(ListArgs),
    /// Write every record, one a line, bytes unchanged
    #[command(after_help = with_codes("\
Examples:
  fhcheck dump s3://BUCKET -o records.ndjson --rejects rejects.bin
  fhcheck dump s3://BUCKET --with-origin | jq .key"))]
    Dump(DumpArgs),
    /// Compare what is stored with what was produced
    #[command(after_help = with_codes("\
Examples:
  fhcheck reconcile s3://BUCKET --expected 10
  fhcheck reconcile s3://BUCKET --manifest produced.ndjson
  fhcheck reconcile s3://BUCKET --manifest sent.ndjson --match key=/id"))]
    Reconcile(ReconcileArgs),
    /// Keep what a data stream holds, for `reconcile --manifest`, before retention drops it
    #[command(after_help = "\
Examples:
  fhcheck snapshot --stream orders -o orders.snapshot --since 2h
  fhcheck snapshot --stream orders -o orders.snapshot --dry-run

Exit codes:
  0  the snapshot holds all that arrived in the window
  2  retention has taken a part of the window; or the run failed")]
    Snapshot(SnapshotArgs),
    /// Put records on a stream, and write down what became of each
    #[command(after_help = "\
Examples:
  fhcheck produce --stream orders --count 1000
  fhcheck produce --delivery-stream orders --input sent.ndjson --rate 100
  fhcheck produce --resume fhcheck-orders-20260704T093000Z.ndjson

Exit codes:
  0  every record was acknowledged
  2  not every record was; --resume goes on")]
    Produce(ProduceArgs),
    /// Walk the pipeline by its numbers: producer, stream, Firehose, objects; which hop loses?
    #[command(after_help = "\
Examples:
  fhcheck trace --delivery-stream orders --produced 10
  fhcheck trace --delivery-stream orders --manifest sent.ndjson --since 6h --period 5m

Exit codes:
  0  the numbers agree at every hop, which does not prove that the records do
  1  the number drops at a hop, or stored data is damaged
  2  a number is not known or may still change; or the run failed")]
    Trace(TraceArgs),
    /// Write what Firehose would write, with faults as you like, and the truth beside it
    #[command(after_help = "\
Examples:
  fhcheck simulate ./out --count 1000 --compression gzip
  fhcheck simulate ./out --fault lose=1,duplicate=1 --seed 7
  fhcheck simulate --stream orders --to s3://BUCKET/firehose/")]
    Simulate(SimulateArgs),
    /// Show the whole story on this machine: produce, deliver, list, dump, reconcile
    #[command(after_help = with_codes("\
Examples:
  fhcheck demo
  fhcheck demo --fault lose=1,duplicate=1"))]
    Demo(DemoArgs),
    /// Bring the pipeline up, look at it, take it down: Lambda, data stream, Firehose, bucket
    #[command(
        subcommand,
        disable_help_subcommand = true,
        after_help = "\
Examples:
  fhcheck stack up
  fhcheck stack up orders --parameter CompressionFormat=GZIP
  fhcheck stack status orders --format json
  fhcheck stack down orders --yes"
    )]
    Stack(StackCommand),
    /// Print a completion script for a shell
    #[command(after_help = "\
Example:
  fhcheck completions bash > ~/.local/share/bash-completion/completions/fhcheck")]
    Completions(CompletionsArgs),
    /// Print the manual page
    #[command(after_help = "\
Examples:
  fhcheck man | man -l -
  fhcheck man --out /usr/local/share/man/man1")]
    Man(ManArgs),
}

fn with_codes(examples: &str) -> String {
    format!("{examples}\n\n{EXIT_CODES}")
}

/// What holds for every command.
#[derive(Debug, Clone, ClapArgs)]
pub struct GlobalArgs {
    /// Named profile of the AWS configuration
    #[arg(long, global = true, value_name = "NAME", help_heading = "AWS")]
    pub profile: Option<String>,
    /// Region of the bucket
    #[arg(long, global = true, value_name = "REGION", help_heading = "AWS")]
    pub region: Option<String>,
    /// Speak to this endpoint instead of AWS
    #[arg(long, global = true, value_name = "URL", help_heading = "AWS")]
    pub endpoint_url: Option<String>,
    /// Put the bucket into the path of a request, not into its host name
    #[arg(long, global = true, help_heading = "AWS")]
    pub path_style: bool,
    /// No progress, no summary of trouble on stderr; errors still show
    #[arg(long, short, global = true, help_heading = "Terminal")]
    pub quiet: bool,
    /// Say what is done, on stderr; twice for more
    #[arg(
        short,
        long,
        global = true,
        action = ArgAction::Count,
        conflicts_with = "quiet",
        help_heading = "Terminal"
    )]
    pub verbose: u8,
    /// Use colour; NO_COLOR is respected
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Terminal"
    )]
    pub color: ColorArg,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorArg {
    /// On a terminal.
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// What a report looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FormatArg {
    /// For people.
    Table,
    /// One document.
    Json,
    /// A document a line, the summary last.
    Ndjson,
    /// A row for each object, finding or record.
    Csv,
}
