//! Manifests: never a panic; a line that is read can be written again; a whole one demands what its lines
//! say, however dully they are counted; and one that is cut anywhere is refused, or true.
#![no_main]

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use fhcheck::check::{Manifest, Run};
use fhcheck::error::{Error, ErrorKind};
use fhcheck::expect::function;
use fhcheck::expect::manifest::{self, BEGINS, Kind, Line};
use fhcheck::fingerprint::Policy;
use fhcheck::limits::RAW_DATA_BYTES_MAX;
use fhcheck::observe::Silent;
use fhcheck::outcome::{Allow, GapReason};
use fhcheck::plan::{
    Expectation, Foreign, Limits, Location, Memory, ReadPlan, ReconcilePlan, Window,
};
use fhcheck::source::{Body, KeyRange, ObjectRef, Source};
use fhcheck::split::{FormatChoice, each_record};
use fhcheck::{decode, error};
use fhcheck_fuzz::LIMIT;
use futures::future::{BoxFuture, FutureExt};
use futures::stream::{self, BoxStream, StreamExt};
use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

/// One object that is a manifest.
struct Only(Vec<u8>);

impl Source for Only {
    fn list<'a>(&'a self, _: &'a KeyRange) -> BoxStream<'a, error::Result<ObjectRef>> {
        let (size, modified) = (self.0.len() as u64, None);
        let key = "manifest".to_owned();
        let object = ObjectRef { key, size, modified, etag: None, storage_class: None };
        stream::iter([Ok(object)]).boxed()
    }

    fn fetch<'a>(&'a self, _: &'a ObjectRef) -> BoxFuture<'a, Result<Body, GapReason>> {
        std::future::ready(Ok(Body::from_bytes(self.0.clone()))).boxed()
    }
}

fn plan() -> ReconcilePlan {
    let nowhere = Location::Local(PathBuf::new());
    let limits = Limits {
        object_bytes: LIMIT,
        total_bytes: None,
        in_flight_bytes: LIMIT,
        requests: 1,
        workers: 1,
    };
    let read = ReadPlan {
        location: nowhere.clone(),
        window: Window::default(),
        zone: TimeZone::UTC,
        prefix: None,
        foreign: Foreign::Read,
        format: FormatChoice::Detect,
        base64: false,
        limits,
    };
    ReconcilePlan {
        read,
        expectation: Expectation::Manifest(vec![nowhere]),
        policy: Policy::Raw,
        allow: Allow::default(),
        samples: 0,
        delivery_start: None,
        young: None,
        memory: Memory { bytes: 1 << 26, overflow: std::env::temp_dir() },
        seed: 7,
    }
}

/// Records that a manifest demands, and those whose puts had no answer.
fn produced(stored: &[u8]) -> Result<(u64, u64), Error> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime =
        RUNTIME.get_or_init(|| Builder::new_current_thread().build().expect("threads can be had"));
    let (source, plan) = (Arc::new(Only(stored.to_vec())), plan());
    let run = Run::new(Arc::clone(&source) as _, plan.read.clone(), Arc::new(Silent));
    let manifest = Manifest {
        name: "manifest".to_owned(),
        source,
        range: KeyRange::all(""),
        gaps: Vec::new(),
        arrived: Window::default(),
    };
    let comparison = runtime.block_on(run.compare(&plan, vec![manifest]));
    comparison.map(|comparison| comparison.produced())
}

fn records_in(data: &[u8]) -> u64 {
    let undone = match decode::undo(data, RAW_DATA_BYTES_MAX, false) {
        decode::Undone::Content(content) => content,
        _ => data.into(),
    };
    each_record(&undone, &FormatChoice::Detect, |_| ())
}

/// The same for a manifest of fhcheck's own, line by line. None where a line cannot stand there, but for
/// the last one of a ledger, where it does not end.
fn dully(text: &[u8]) -> Option<(u64, u64)> {
    let mut lines = text.split_inclusive(|&byte| byte == b'\n');
    let Ok(Line::Header(header)) = manifest::read(lines.next()?.trim_ascii()) else { return None };
    let (mut sure, mut uncertain) = (0, 0);
    // Of each record: how many it is, its puts, its acknowledgements, its rejections.
    let mut fates: Vec<[u64; 4]> = Vec::new();
    let (mut read, mut end) = (0, None);
    let mut lines = lines.filter(|line| !line.trim_ascii().is_empty()).peekable();
    while let Some(line) = lines.next() {
        let line = match manifest::read(line.trim_ascii()) {
            Ok(line) => line,
            Err(_) if header.kind == Kind::Ledger && lines.peek().is_none() => break,
            Err(_) => return None,
        };
        match (header.kind, line) {
            (Kind::Ledger, Line::Record { number, data, .. }) if number == fates.len() as u64 => {
                fates.push([records_in(&data), 0, 0, 0]);
            }
            (Kind::Ledger, Line::Put { numbers, .. }) => {
                for number in numbers {
                    fates.get_mut(usize::try_from(number).ok()?)?[1] += 1;
                }
            }
            (Kind::Ledger, Line::Answers(answers)) => {
                for answer in answers {
                    let fate = fates.get_mut(usize::try_from(answer.record).ok()?)?;
                    fate[if answer.is_acknowledged() { 2 } else { 3 }] += 1;
                    if fate[2] + fate[3] > fate[1] {
                        return None;
                    }
                }
            }
            (Kind::Snapshot, Line::Read(line)) if end.is_none() => {
                read += 1;
                sure += records_in(&line.data);
            }
            (Kind::Snapshot, Line::End { records }) if end.is_none() => end = Some(records),
            _ => return None,
        }
    }
    for [records, puts, acknowledged, rejected] in fates {
        sure += records * acknowledged;
        uncertain += records * (puts - acknowledged - rejected);
    }
    (header.kind == Kind::Ledger || end == Some(read)).then_some((sure, uncertain))
}

fn read_lines(stored: &[u8]) {
    for line in stored.split(|&byte| byte == b'\n') {
        let Ok(line) = manifest::read(line) else { continue };
        let mut written = Vec::new();
        manifest::write(&line, &mut written).expect("memory takes everything");
        assert_eq!(manifest::read(&written).as_ref(), Ok(&line));
    }
    if function::is_answer(stored) {
        let answer = function::read(stored).expect("it is one");
        assert!(!answer.stream.is_empty());
    }
}

fuzz_target!(|input: (u16, &[u8])| {
    let (cut, stored) = input;
    read_lines(stored);
    let whole = produced(stored);
    if let Err(error) = &whole {
        assert_eq!(error.kind(), ErrorKind::Manifest, "{error}");
    }
    if !stored.starts_with(BEGINS) {
        return;
    }
    assert_eq!(whole.as_ref().ok().copied(), dully(stored), "{:?}", whole.err());
    let cut = &stored[..usize::from(cut) % (stored.len() + 1)];
    if cut.starts_with(BEGINS) {
        assert_eq!(produced(cut).ok(), dully(cut));
    }
});
