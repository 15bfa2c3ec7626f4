//! Records of a bucket, whose bodies lie in memory, and of the same objects in files, which one thread
//! splits from the beginning: whatever the form, they come out alike.

use std::fs;
use std::process::Output;

use fhcheck::endpoint::Endpoint;
use tempfile::TempDir;

use crate::support;

/// Objects that several threads work at: with nothing between records, with line breaks, and damaged.
fn objects() -> [(&'static str, Vec<u8>); 3] {
    let records = |separator: &str| {
        let record = |number| format!("{{\"number\":{number},\"text\":\"a}}{{b\"}}{separator}");
        (0..150_000).map(record).collect::<String>().into_bytes()
    };
    let (close, mut damaged) = (records(""), records(""));
    damaged.splice(3_000_000..3_000_020, *b"\"");
    [("a-close", close), ("b-lines", records("\n")), ("c-damaged", damaged)]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lies_in_memory_comes_out_as_what_lies_in_files() {
    let (endpoint, folder) = (Endpoint::start().await.unwrap(), TempDir::new().unwrap());
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    for (key, content) in objects() {
        fs::write(data.join(key), &content).unwrap();
        endpoint.put("bucket", key, content, None);
    }
    let dump = |from: &str, words: &[&str]| -> Output {
        let mut command = support::asking(&endpoint.url(), folder.path());
        command.args(["dump", from, "--rejects", "rejects"]).args(words);
        let mut output = command.output().unwrap();
        output.stderr = fs::read(folder.path().join("rejects")).unwrap();
        output
    };
    tokio::task::block_in_place(|| {
        for words in [&["--raw"][..], &["--with-origin"], &[]] {
            let (memory, files) = (dump("s3://bucket/", words), dump("data", words));
            assert_eq!(memory.status.code(), Some(1), "{words:?}");
            assert!(memory == files, "{words:?}");
            assert!(!memory.stderr.is_empty() && memory.stdout.len() > 12_000_000, "{words:?}");
        }
    });
}
