//! The same through the command itself, which waits as long as it waits for AWS.

use std::fs;
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use fhcheck::outcome::Verdict;

use super::faults::Plan;
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
