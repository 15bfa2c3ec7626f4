//! Every folder of `fixtures/` is a test, as a local directory and as a prefix of a bucket.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fhcheck::cache::Cache;
use fhcheck::check::{Manifest, Run};
use fhcheck::endpoint::Endpoint;
use fhcheck::fingerprint::{Pointer, Policy};
use fhcheck::observe::Silent;
use fhcheck::outcome::{Cached, Differences, Outcome, Verdict};
use fhcheck::plan::{Expectation, Location, ReconcilePlan};
use fhcheck::source::local::Local;
use fhcheck::source::s3::S3;
use fhcheck::source::{KeyRange, Source};
use jiff::Timestamp;
use serde::Deserialize;

use crate::support;

/// `expected.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// Why the folder is here; for people.
    #[serde(rename = "why")]
    _why: String,
    #[serde(rename = "match", default)]
    matching: Option<String>,
    #[serde(default)]
    count: Option<u64>,
    verdict: String,
    records: u64,
    delivered: u64,
    #[serde(default)]
    failed: u64,
    #[serde(default)]
    error_documents: u64,
    #[serde(default)]
    recovered: u64,
    #[serde(default)]
    missing: u64,
    #[serde(default)]
    duplicates: u64,
    #[serde(default)]
    unexpected: u64,
    #[serde(default)]
    identical: u64,
    #[serde(default)]
    undecodable: usize,
    #[serde(default)]
    malformed: Vec<Span>,
    #[serde(default)]
    malformed_spans: Option<u64>,
    #[serde(default)]
    gaps: Vec<Gap>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Span {
    key: String,
    offset: u64,
    len: u64,
    damage: String,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Gap {
    key: String,
    reason: String,
}

impl Expected {
    fn verdict(&self) -> Verdict {
        match self.verdict.as_str() {
            "reconciled" => Verdict::Reconciled,
            "discrepant" => Verdict::Discrepant,
            "inconclusive" => Verdict::Inconclusive,
            other => panic!("no such verdict: {other}"),
        }
    }

    fn policy(&self) -> Policy {
        match self.matching.as_deref() {
            None | Some("raw") => Policy::Raw,
            Some("json") => Policy::Json,
            Some(keys) => {
                let keys = keys.strip_prefix("key=").expect("raw, json or key=…");
                Policy::Key(keys.split(',').map(|key| Pointer::parse(key).unwrap()).collect())
            }
        }
    }

    fn check(&self, folder: &str, outcome: &Outcome) {
        let seen = outcome.gaps.iter();
        let gaps: Vec<_> = seen
            .map(|gap| Gap { key: gap.key.clone(), reason: gap.reason.code().into() })
            .collect();
        assert_eq!(gaps, self.gaps, "{folder}: gaps");
        let seen = outcome.malformed.iter();
        let malformed: Vec<_> = seen
            .map(|span| Span {
                key: span.key.clone(),
                offset: span.offset,
                len: span.len,
                damage: span.damage.code().into(),
            })
            .collect();
        match self.malformed_spans {
            Some(spans) => assert_eq!(outcome.malformed_spans, spans, "{folder}: {malformed:#?}"),
            None => assert_eq!(malformed, self.malformed, "{folder}: malformed"),
        }
        let differences = &outcome.differences;
        let numbers = [
            ("records", self.records, outcome.books.found.found),
            ("delivered", self.delivered, outcome.books.produced.delivered),
            ("failed", self.failed, outcome.books.produced.failed),
            ("error documents", self.error_documents, outcome.error_output.documents),
            ("recovered", self.recovered, outcome.recovered),
            ("missing", self.missing, outcome.books.produced.missing),
            ("duplicates", self.duplicates, outcome.books.found.duplicates),
            ("unexpected", self.unexpected, outcome.books.found.unexpected),
            ("identical", self.identical, differences.identical.records),
            ("undecodable", self.undecodable as u64, outcome.undecodable.len() as u64),
        ];
        for (what, expected, seen) in numbers {
            assert_eq!(expected, seen, "{folder}: {what}\n{outcome:#?}");
        }
        for sample in &differences.failed.samples {
            let failure = sample.failure.as_ref().expect("a failure has a reason");
            assert!(!failure.code.is_empty() && failure.attempts == Some(1), "{folder}");
            assert!(!sample.failed_at.is_empty() && !sample.excerpt.is_empty(), "{folder}");
        }
        let Differences { failed, missing, duplicates, unexpected, .. } = differences;
        for class in [failed, missing, duplicates, unexpected] {
            let named = self.count.is_some() || class.samples.len() as u64 == class.identities;
            assert!(named, "{folder}: every finding has a name");
            assert!(class.samples.iter().all(|sample| !sample.excerpt.is_empty()), "{folder}");
        }
        assert_eq!(outcome.verdict(), self.verdict(), "{folder}: {outcome:#?}");
    }
}

/// A first and a second run with a cache say what one without a cache does, and what came from it: all of
/// it that is undamaged data.
fn same_from_cache(without: &Outcome, first: Outcome, second: Outcome) {
    let read = without.books.objects.read;
    let clean = without.malformed_spans == 0
        && without.recovered == 0
        && without.undecodable.is_empty()
        && without.error_output.objects == 0;
    let known = second.cached.unwrap().objects;
    assert_eq!(known == read, clean, "{known} of {read} objects\n{without:#?}");
    assert_eq!(first.cached, Some(Cached::default()));
    for with in [first, second] {
        assert_eq!(Outcome { cached: None, ..with }, *without);
    }
}

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let entries = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    assert!(folders.len() >= 30, "the fixtures are there");
    folders
}

fn expected(folder: &Path) -> Expected {
    let text = std::fs::read_to_string(folder.join("expected.json")).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
}

async fn reconcile(
    folder: &Path,
    expected: &Expected,
    source: Arc<dyn Source>,
    location: Location,
    cache: Option<&Path>,
) -> Outcome {
    let manifest = folder.join("produced.ndjson");
    let (expectation, manifests) = match expected.count {
        Some(count) => (Expectation::Count(count), vec![]),
        None => {
            let source = Arc::new(Local::open(&manifest).unwrap());
            let range = KeyRange::all("");
            let named = Manifest {
                name: "produced.ndjson".into(),
                source,
                range,
                gaps: Vec::new(),
                arrived: Default::default(),
            };
            (Expectation::Manifest(vec![Location::Local(manifest)]), vec![named])
        }
    };
    let read = support::read_plan(location);
    let plan = ReconcilePlan {
        delivery_start: None,
        young: None,
        read: read.clone(),
        expectation,
        policy: expected.policy(),
        allow: Default::default(),
        samples: 100,
        memory: support::memory(),
        seed: 42,
    };
    let mut run = Run::new(source, read, Arc::new(Silent));
    if let Some(folder) = cache {
        run.set_cache(folder, Cache::open(folder, 43, Timestamp::UNIX_EPOCH));
    }
    run.reconcile(&plan, manifests).await.unwrap()
}

#[tokio::test]
async fn every_fixture_is_judged_right_as_a_directory() {
    let empty = tempfile::tempdir().unwrap();
    for folder in folders() {
        let expected = expected(&folder);
        let delivered = Some(folder.join("delivered")).filter(|path| path.exists());
        let path = delivered.unwrap_or_else(|| empty.path().to_owned());
        let source = Arc::new(Local::open(&path).unwrap());
        let outcome = reconcile(&folder, &expected, source, Location::Local(path), None).await;
        expected.check(&folder.display().to_string(), &outcome);
    }
}

#[tokio::test]
async fn every_fixture_is_judged_the_same_as_a_bucket() {
    let endpoint = Endpoint::start().await.unwrap();
    let cache = tempfile::tempdir().unwrap();
    for folder in folders() {
        let expected = expected(&folder);
        let bucket = folder.file_name().unwrap().to_str().unwrap();
        endpoint.create_bucket(bucket);
        for (key, bytes) in support::files(&folder.join("delivered")) {
            endpoint.put(bucket, &format!("firehose/{key}"), bytes, None);
        }
        let source: Arc<dyn Source> = Arc::new(S3::new(&support::connect(&endpoint), bucket));
        let location = Location::S3 { bucket: bucket.into(), prefix: "firehose/".into() };
        let read =
            |cache| reconcile(&folder, &expected, Arc::clone(&source), location.clone(), cache);
        let mut outcome = read(None).await;
        same_from_cache(&outcome, read(Some(cache.path())).await, read(Some(cache.path())).await);
        // Keys are whole in a bucket, and relative in a directory.
        for malformed in &mut outcome.malformed {
            malformed.key = malformed.key.strip_prefix("firehose/").unwrap().into();
        }
        for gap in &mut outcome.gaps {
            gap.key = gap.key.strip_prefix("firehose/").unwrap().into();
        }
        expected.check(&folder.display().to_string(), &outcome);
    }
}
