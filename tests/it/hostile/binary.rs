//! The same through the command itself, which waits as long as it waits for AWS.

use std::fs;
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use fhcheck::outcome::Verdict;

use super::faults::{Get, Left, Plan};
use super::server::Server;
use super::world::World;

/// Worlds that are given to the command.
const WORLDS: usize = 8;

fn reconcile(url: &str, bucket: &str, world: &World) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("produced.ndjson");
    fs::write(&manifest, &world.manifest).unwrap();
    Command::new(cargo_bin("fhcheck"))
        .args(["--endpoint-url", url, "reconcile", &format!("s3://{bucket}/"), "--manifest"])
        .arg(&manifest)
        .envs([("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "secret")])
        .envs([("AWS_CONFIG_FILE", "/dev/null"), ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")])
        // Whoever has turned checksums off for all of AWS has them all the same.
        .env("AWS_RESPONSE_CHECKSUM_VALIDATION", "when_required")
        .env("AWS_REGION", "us-east-1")
        .env_remove("AWS_PROFILE")
        .env_remove("AWS_SESSION_TOKEN")
        .output()
        .unwrap()
}

/// Its exit code says what is true, or that nothing could be said.
async fn check(server: &Server, seed: u64, plan: Plan) {
    let world = World::of(seed);
    let (bucket, passes) = (format!("command-{seed}"), plan.passes);
    let context = format!("seed {seed}: {}\n{plan:?}", world.what);
    let truth = match world.truth.expected.verdict {
        Verdict::Reconciled => 0,
        _ => 1,
    };
    server.add(&bucket, world.objects.clone(), plan);
    let (url, name) = (server.url(), bucket.clone());
    let output = tokio::task::spawn_blocking(move || reconcile(&url, &name, &world)).await.unwrap();
    let struck = server.take(&bucket).struck;
    let code = output.status.code().unwrap();
    let right = code == truth || (code == 2 && !passes);
    assert!(right, "{code}, not {truth}: {context}\n{struck:?}\n{output:?}");
    assert!(code != 2 || !output.stderr.is_empty() || !output.stdout.is_empty(), "{context}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_exit_code_is_right_or_2() {
    let server = Server::start().await;
    let worlds = (0..).filter_map(|seed| {
        let world = World::of(seed);
        let plan = Plan::of(seed, world.objects.keys().map(String::as_str));
        let hostile = !plan.gets.is_empty() && !plan.stalls();
        hostile.then_some((seed, plan))
    });
    let runs = worlds.take(WORLDS).map(|(seed, plan)| check(&server, seed, plan));
    futures::future::join_all(runs).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_with_another_checksum_is_never_the_object() {
    let server = Server::start().await;
    let world = World::of(0);
    let garbled = |key: &String| (key.clone(), Left::lasting(Get::Garbled));
    let gets = world.objects.keys().map(garbled).collect();
    server.add("garbled", world.objects.clone(), Plan { gets, page: 1000, ..Plan::default() });
    let url = server.url();
    let run = move || reconcile(&url, "garbled", &world);
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(said.contains("hecksum"), "{said}");
}
