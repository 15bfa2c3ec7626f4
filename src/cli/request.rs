//! What a command line means: plans, and what the command line adds to them.

mod simulate;
mod stack;
mod trace;

use std::path::PathBuf;
use std::time::Duration;

use clap_complete::Shell;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::args::ColorArg;
use crate::check::Wanted;
use crate::expect::stream::{Share, StreamRead};
use crate::fingerprint::Policy;
use crate::outcome::Allow;
use crate::plan::{Foreign, Limits, Location, Memory, ReadPlan, Window};
use crate::produce::{Records as ToPut, Target};
use crate::report::Form;
use crate::report::dump::Records;
use crate::report::table::Layout;
use crate::simulate::Compression;
use crate::split::FormatChoice;

pub use simulate::{Simulate, SimulateFrom, SimulateTo};
pub use stack::{Print, Stack, StackDown, StackStatus, StackUp};
pub use trace::{Trace, TraceProduced};

/// What to do.
#[derive(Debug, Clone)]
pub enum Request {
    /// `list`.
    List(List),
    /// `dump`.
    Dump(Dump),
    /// `reconcile`.
    Reconcile(Box<Reconcile>),
    /// `snapshot`.
    Snapshot(Snapshot),
    /// `produce`.
    Produce(Box<Produce>),
    /// `trace`.
    Trace(Box<Trace>),
    /// `simulate`.
    Simulate(Box<Simulate>),
    /// `demo`.
    Demo(Demo),
    /// `stack`.
    Stack(Stack),
    /// `completions`.
    Completions(Shell),
    /// `man`, into a directory where one was given.
    Man(Option<PathBuf>),
}

/// How to reach AWS. What is not given comes from the environment and the AWS configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AwsOptions {
    /// Named profile.
    pub profile: Option<String>,
    /// Region.
    pub region: Option<String>,
    /// Endpoint instead of AWS's.
    pub endpoint_url: Option<String>,
    /// Whether the bucket stands in the path.
    pub path_style: bool,
}

/// How the run talks to whoever started it.
#[derive(Debug, Clone)]
pub struct Session {
    /// How to reach AWS.
    pub aws: AwsOptions,
    /// No progress, no summaries on stderr.
    pub quiet: bool,
    /// How much to say: 0 nothing, 1 what is done, 2 everything.
    pub verbosity: u8,
    /// Whether stderr takes colour.
    pub stderr_color: bool,
    /// When results take colour.
    pub color: ColorArg,
    /// Whether stderr is a terminal, and progress is welcome.
    pub progress: bool,
    /// Whether stdout is a terminal.
    pub stdout_terminal: bool,
    /// Columns of the terminal, where there is one.
    pub width: Option<usize>,
}

impl Session {
    /// The layout of what goes to stderr.
    pub fn stderr_layout(&self, samples: usize) -> Layout {
        let width = self.width.unwrap_or(Layout::UNBOUNDED);
        Layout { width, color: self.stderr_color, samples }
    }
}

/// Where a result goes, and what it looks like.
#[derive(Debug, Clone)]
pub struct Output {
    /// What it looks like.
    pub form: Form,
    /// The file; stdout without one.
    pub file: Option<PathBuf>,
}

/// Where objects are, as far as the command line says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whence {
    /// There.
    Location(Location),
    /// Where this delivery stream delivers to.
    DeliveryStream(String),
    /// Where the delivery stream of this stack delivers to.
    Stack(String),
}

/// What to read: a plan, but for what only AWS knows.
#[derive(Debug, Clone)]
pub struct Read {
    /// Where the objects are.
    pub whence: Whence,
    /// Where error output is besides.
    pub error_output: Vec<Location>,
    /// Which objects, by the time in their keys.
    pub window: Window,
    /// The time zone of the times in keys, where one was given.
    pub zone: Option<TimeZone>,
    /// The delivery stream's prefix, where one was given.
    pub prefix: Option<String>,
    /// Objects with other keys than Firehose's.
    pub foreign: Foreign,
    /// How records are told apart.
    pub format: FormatChoice,
    /// Whether base64 text is decoded first.
    pub base64: bool,
    /// Every cap.
    pub limits: Limits,
}

impl Read {
    /// The plan, with what AWS knows.
    pub fn plan(&self, location: Location, zone: TimeZone, prefix: Option<String>) -> ReadPlan {
        ReadPlan {
            location,
            window: self.window,
            zone,
            prefix: self.prefix.clone().or(prefix),
            foreign: self.foreign,
            format: self.format.clone(),
            base64: self.base64,
            limits: self.limits,
        }
    }
}

/// `list`.
#[derive(Debug, Clone)]
pub struct List {
    /// What to list.
    pub read: Read,
    /// Whether to read the objects and count their records.
    pub records: bool,
    /// Whether to note what other readers will trip over.
    pub lint: bool,
    /// Only estimate.
    pub dry_run: bool,
    /// Where the result goes.
    pub output: Output,
}

/// `dump`.
#[derive(Debug, Clone)]
pub struct Dump {
    /// What to dump.
    pub read: Read,
    /// Which records.
    pub wanted: Wanted,
    /// What records look like.
    pub records: Records,
    /// Where malformed bytes go.
    pub rejects: Option<PathBuf>,
    /// Only estimate.
    pub dry_run: bool,
    /// Where records go; the form is that of an estimate.
    pub output: Output,
}

/// What should be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// So many records.
    Count(u64),
    /// The records of these manifests.
    Manifest(Vec<Location>),
    /// What a data stream holds: this one, or the one that the delivery stream reads.
    Stream {
        /// Its name, where one was given.
        name: Option<String>,
        /// How much of each shard's budget to use.
        share: Share,
    },
}

/// `reconcile`.
#[derive(Debug, Clone)]
pub struct Reconcile {
    /// What to read.
    pub read: Read,
    /// What to compare it with.
    pub expected: Expected,
    /// When two records are the same.
    pub policy: Policy,
    /// Findings that are fine.
    pub allow: Allow,
    /// How many samples to keep of each kind of finding.
    pub samples: usize,
    /// Where what is known of records is kept.
    pub memory: Memory,
    /// Where what objects hold is kept for the next run.
    pub cache: Option<PathBuf>,
    /// Seeds the identities, unless the cache does.
    pub seed: u64,
    /// When the run began.
    pub now: Timestamp,
    /// How long to look again and again.
    pub wait: Option<Duration>,
    /// Only estimate.
    pub dry_run: bool,
    /// Where the result goes.
    pub output: Output,
}

/// `snapshot`.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// What to read.
    pub read: StreamRead,
    /// Where the snapshot goes.
    pub file: PathBuf,
    /// Only estimate.
    pub dry_run: bool,
}

/// `produce`.
#[derive(Debug, Clone)]
pub struct Produce {
    /// Where to.
    pub to: ProduceTo,
    /// Records a second at most.
    pub rate: Option<u64>,
    /// Requests in a row of which nothing is taken, before it gives up.
    pub attempts: u32,
    /// Where the result goes.
    pub output: Output,
}

/// Where `produce` puts records.
#[derive(Debug, Clone)]
pub enum ProduceTo {
    /// On a stream.
    Target {
        /// Which.
        target: Target,
        /// What to put.
        records: ToPut,
        /// The ledger.
        manifest: PathBuf,
    },
    /// Where a function does.
    Function {
        /// Its name.
        function: String,
        /// Records that it is to put.
        count: u64,
        /// The file of its answer.
        manifest: PathBuf,
    },
    /// Nowhere but in a file; stdout without one.
    File {
        /// The file.
        path: Option<PathBuf>,
        /// What to write.
        records: ToPut,
    },
    /// Where it did before.
    Again {
        /// The ledger.
        manifest: PathBuf,
        /// Where the input is now.
        input: Option<PathBuf>,
    },
}

/// `demo`.
#[derive(Debug, Clone)]
pub struct Demo {
    /// Records to produce.
    pub count: u64,
    /// Faults, and how many of each, as typed: `lose=1,duplicate=1`.
    pub faults: String,
    /// The same seed gives the same story.
    pub seed: u64,
    /// How objects are compressed.
    pub compression: Compression,
    /// The layout of the reports.
    pub layout: Layout,
    /// Caps of the runs in it.
    pub limits: crate::plan::Limits,
    /// Where what is known of records is kept.
    pub memory: Memory,
    /// Seeds the identities.
    pub identity_seed: u64,
    /// When the first record arrives.
    pub start: Timestamp,
}
