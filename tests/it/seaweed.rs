//! An independent S3 server keeps the same promises, and tells one story from list to content.

use std::io::Read;

use fhcheck::source::s3::S3;
use fhcheck::source::{KeyRange, ObjectRef, Source};
use futures::TryStreamExt;

use crate::conformance::suite;
use crate::support::SEAWEED;

suite!(promises, seaweed(false));

#[tokio::test]
async fn an_object_as_firehose_writes_it_is_listed_and_fetched() {
    const KEY: &str =
        "firehose/2026/01/02/03/s-1-2026-01-02-03-04-05-0a1b2c3d-0000-4000-8000-0123456789ab.gz";
    let stored = b"\x1f\x8bnot really gzip, and none of the source's business";
    let (aws, bucket) = (SEAWEED.aws(), "story");
    let client = aws.s3();
    client.create_bucket().bucket(bucket).send().await.unwrap();
    let put = client.put_object().bucket(bucket).key(KEY).content_encoding("gzip");
    put.body(stored.to_vec().into()).send().await.unwrap();

    let source = S3::new(&aws, bucket);
    let range = KeyRange::all("firehose/");
    let objects: Vec<ObjectRef> = source.list(&range).try_collect().await.unwrap();
    let [object] = &objects[..] else { panic!("{objects:?}") };
    assert_eq!((object.key.as_str(), object.size), (KEY, stored.len() as u64));
    let body = source.fetch(object).await.unwrap();
    assert_eq!(body.content_encoding.as_deref(), Some("gzip"));
    let mut content = Vec::new();
    body.into_reader().read_to_end(&mut content).unwrap();
    assert_eq!(content, stored);
    assert_eq!((source.requests().list, source.requests().get), (1, 1));
}

#[tokio::test]
async fn a_large_object_comes_in_pieces() {
    let (aws, bucket) = (SEAWEED.aws(), "large");
    let client = aws.s3();
    client.create_bucket().bucket(bucket).send().await.unwrap();
    // More than a chunk of SeaweedFS, which has 8 MiB.
    let stored: Vec<u8> = (0..=250).cycle().take((20 << 20) + 77).collect();
    let put = client.put_object().bucket(bucket).key("firehose/x").content_encoding("gzip");
    put.body(stored.clone().into()).send().await.unwrap();

    let source = S3::new(&aws, bucket).ranges(1 << 20, 3 << 20);
    let range = KeyRange::all("firehose/");
    let objects: Vec<ObjectRef> = source.list(&range).try_collect().await.unwrap();
    let body = source.fetch(&objects[0]).await.unwrap();
    assert_eq!(body.content_encoding.as_deref(), Some("gzip"));
    let mut content = Vec::new();
    body.into_reader().read_to_end(&mut content).unwrap();
    assert!(content == stored, "the content is another one");
    assert_eq!(source.requests().get, 1 + 7);
    assert_eq!(source.requests_of(&objects[0]), 1 + 7);
}
