//! What a user reads when S3 says no, and what becomes of bodies that do not arrive: through the
//! real SDK, over real HTTP.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use fhcheck::aws::{Aws, Settings};
use fhcheck::endpoint::{ACCESS_KEY, Endpoint, Fault, SECRET_KEY};
use fhcheck::error::{Error, ErrorKind};
use fhcheck::limits::{EMPTY_PAGES_MAX, FETCH_ATTEMPTS};
use fhcheck::outcome::GapReason;
use fhcheck::source::s3::S3;
use fhcheck::source::{Body, KeyRange, ObjectRef, Source};
use futures::TryStreamExt;

use crate::support::{Script, connect, reply, s3_error};

/// Lists all of a bucket named `bucket`.
async fn list(aws: &Aws) -> Result<Vec<ObjectRef>, Error> {
    let range = KeyRange::all("firehose/");
    S3::new(aws, "bucket").list(&range).try_collect().await
}

/// What a user reads of an error, with what differs from run to run taken out.
fn shown(error: &Error) -> String {
    let text = format!("{:?}: {error}\nhint: {}", error.kind(), error.advice().unwrap_or("-"));
    let (before, after) = match text.split_once("127.0.0.1:") {
        Some((before, after)) => (before, after.trim_start_matches(|c: char| c.is_ascii_digit())),
        None => return text,
    };
    format!("{before}[address]{after}")
}

/// What a listing shows that is answered with these replies.
async fn shown_after(replies: &[String]) -> String {
    let script = Script::start(replies.to_vec()).await;
    let aws = Aws::with_key(&script.url(), ACCESS_KEY, SECRET_KEY);
    shown(&list(&aws).await.unwrap_err())
}

fn object(key: &str, size: u64) -> ObjectRef {
    let key = key.into();
    ObjectRef { key, size, modified: None, etag: None, storage_class: None }
}

/// A listing of some keys, with a token for the next page.
fn page(keys: &[&str], next: Option<&str>) -> String {
    let contents: String = keys
        .iter()
        .map(|key| format!("<Contents><Key>{key}</Key><Size>1</Size></Contents>"))
        .collect();
    let token = next.map(|next| format!("<NextContinuationToken>{next}</NextContinuationToken>"));
    let body = format!(
        "<ListBucketResult><IsTruncated>{}</IsTruncated>{}{contents}</ListBucketResult>",
        next.is_some(),
        token.unwrap_or_default(),
    );
    reply("200 OK", "content-type: application/xml\r\n", &body)
}

#[tokio::test]
async fn a_bucket_that_does_not_exist() {
    let endpoint = Endpoint::start().await.unwrap();
    let error = list(&connect(&endpoint)).await.unwrap_err();
    insta::assert_snapshot!(shown(&error), @r"
    NotFound: there is no bucket named bucket: NoSuchBucket: No such bucket: bucket (HTTP 404)
    hint: check the spelling, the account (--profile), and --endpoint-url if it is not AWS's
    ");
}

#[tokio::test]
async fn no_right_to_list() {
    let endpoint = Endpoint::start().await.unwrap();
    endpoint.create_bucket("bucket");
    endpoint.deny_list("bucket");
    let error = list(&connect(&endpoint)).await.unwrap_err();
    insta::assert_snapshot!(shown(&error), @r"
    AccessDenied: access denied listing s3://bucket/firehose/: AccessDenied: Access Denied (HTTP 403)
    hint: the credentials need s3:ListBucket on arn:aws:s3:::bucket
    ");
}

#[tokio::test]
async fn nobody_listens() {
    let endpoint = Endpoint::start().await.unwrap();
    let aws = connect(&endpoint);
    drop(endpoint);
    // The port is free as soon as the server's task is gone.
    tokio::task::yield_now().await;
    let error = list(&aws).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().starts_with("cannot reach http://127.0.0.1:"), "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
    assert_eq!(error.advice(), Some("check --endpoint-url, and that the server runs"));
}

#[tokio::test]
async fn a_host_that_does_not_exist() {
    // The innermost cause is worded by the system; RFC 6761 has `.invalid` never resolve.
    let aws = Aws::with_key("http://s3.invalid", ACCESS_KEY, SECRET_KEY);
    let error = list(&aws).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().starts_with("cannot reach http://s3.invalid: "), "{error}");
    assert_eq!(error.advice(), Some("check --endpoint-url, and that the server runs"));
}

#[tokio::test]
async fn an_unknown_access_key() {
    let endpoint = Endpoint::start().await.unwrap();
    let error = list(&Aws::with_key(&endpoint.url(), "nobody", SECRET_KEY)).await.unwrap_err();
    insta::assert_snapshot!(shown(&error), @r"
    Credentials: http://[address] does not know the access key: InvalidAccessKeyId: The access key does not exist (HTTP 403)
    hint: check AWS_ACCESS_KEY_ID or the profile, and --endpoint-url
    ");
}

#[tokio::test]
async fn a_secret_key_that_does_not_fit() {
    let endpoint = Endpoint::start().await.unwrap();
    let error = list(&Aws::with_key(&endpoint.url(), ACCESS_KEY, "wrong")).await.unwrap_err();
    insta::assert_snapshot!(shown(&error), @r"
    Credentials: the secret key does not fit the access key: SignatureDoesNotMatch (HTTP 403)
    hint: check AWS_SECRET_ACCESS_KEY or the profile
    ");
}

#[tokio::test]
async fn an_expired_token() {
    let expired = s3_error("400 Bad Request", "", "ExpiredToken", "The token has expired.");
    insta::assert_snapshot!(shown_after(&[expired]).await, @r"
    Credentials: the AWS credentials have expired: ExpiredToken: The token has expired (HTTP 400, request REQUEST1)
    hint: get new ones, with `aws sso login` for instance, and run again
    ");
}

#[tokio::test]
async fn a_clock_that_is_wrong() {
    let skewed = s3_error("403 Forbidden", "", "RequestTimeTooSkewed", "Too far apart.");
    insta::assert_snapshot!(shown_after(&[skewed]).await, @r"
    Credentials: the clock of this machine is wrong: RequestTimeTooSkewed: Too far apart (HTTP 403, request REQUEST1)
    hint: set it: a request is refused when it is more than 15 minutes off
    ");
}

#[tokio::test]
async fn another_region_in_a_header() {
    let headers = "x-amz-bucket-region: eu-west-1\r\n";
    let redirect =
        s3_error("301 Moved Permanently", headers, "PermanentRedirect", "Use another endpoint.");
    insta::assert_snapshot!(shown_after(&[redirect]).await, @r"
    WrongRegion: bucket bucket is in eu-west-1, not in us-east-1: PermanentRedirect: Use another endpoint (HTTP 301, request REQUEST1)
    hint: run again with --region eu-west-1
    ");
}

#[tokio::test]
async fn another_region_in_the_body() {
    let body = "<Error><Code>AuthorizationHeaderMalformed</Code>\
        <Message>The region 'us-east-1' is wrong</Message><Region>eu-central-1</Region></Error>";
    let answer = reply("400 Bad Request", "x-amz-request-id: REQUEST1\r\n", body);
    insta::assert_snapshot!(shown_after(&[answer]).await, @r"
    WrongRegion: bucket bucket is in eu-central-1, not in us-east-1: AuthorizationHeaderMalformed: The region 'us-east-1' is wrong (HTTP 400, request REQUEST1)
    hint: run again with --region eu-central-1
    ");
}

#[tokio::test]
async fn another_region_that_is_not_named() {
    let wrong = s3_error("400 Bad Request", "", "IllegalLocationConstraintException", "Wrong.");
    insta::assert_snapshot!(shown_after(&[wrong]).await, @r"
    WrongRegion: bucket bucket is not in us-east-1: IllegalLocationConstraintException: Wrong (HTTP 400, request REQUEST1)
    hint: name the bucket's region with --region
    ");
}

#[tokio::test]
async fn a_web_page_instead_of_s3() {
    let html = "<!DOCTYPE html><html><body>Welcome</body></html>";
    for status in ["200 OK", "404 Not Found", "403 Forbidden"] {
        let answer = reply(status, "content-type: text/html\r\n", html);
        let text = shown_after(&[answer]).await;
        assert!(text.starts_with("Unreachable: what answers at http://"), "{status}: {text}");
        assert!(text.contains("hint: --endpoint-url must be the address of an S3 API"), "{text}");
    }
    let empty = shown_after(&[reply("200 OK", "", "")]).await;
    assert!(empty.starts_with("Unreachable: what answers at http://"), "{empty}");
}

#[tokio::test]
async fn throttled_for_good() {
    let slow = s3_error("503 Slow Down", "", "SlowDown", "Please reduce your request rate.");
    insta::assert_snapshot!(shown_after(&[slow]).await, @r"
    Service: http://[address] is refusing requests: SlowDown: Please reduce your request rate (HTTP 503, request REQUEST1)
    hint: run again later
    ");
}

#[tokio::test]
async fn throttled_at_first() {
    let slow = s3_error("503 Slow Down", "", "SlowDown", "Please reduce your request rate.");
    let script = Script::start(vec![slow.clone(), slow, page(&["firehose/a"], None)]).await;
    let aws = Aws::with_key(&script.url(), ACCESS_KEY, SECRET_KEY);
    assert_eq!(list(&aws).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_listing_that_turns_in_circles() {
    let pages = [page(&["firehose/a"], Some("t")), page(&["firehose/b"], Some("t"))];
    insta::assert_snapshot!(shown_after(&pages).await, @r"
    Service: the listing of s3://bucket/firehose/ cannot be trusted: the same continuation token twice
    hint: -
    ");
}

#[tokio::test]
async fn a_page_that_names_another_one_is_not_the_last() {
    let body = "<ListBucketResult><IsTruncated>false</IsTruncated>\
        <NextContinuationToken>t</NextContinuationToken>\
        <Contents><Key>firehose/a</Key><Size>1</Size></Contents></ListBucketResult>";
    let first = reply("200 OK", "content-type: application/xml\r\n", body);
    let script = Script::start(vec![first, page(&["firehose/b"], None)]).await;
    let aws = Aws::with_key(&script.url(), ACCESS_KEY, SECRET_KEY);
    assert_eq!(list(&aws).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_listing_of_empty_pages_comes_to_an_end() {
    let pages: Vec<_> =
        (0..=EMPTY_PAGES_MAX).map(|number| page(&[], Some(&format!("t{number}")))).collect();
    insta::assert_snapshot!(shown_after(&pages).await, @r"
    Service: the listing of s3://bucket/firehose/ cannot be trusted: one page after the other without a key
    hint: -
    ");
}

#[tokio::test]
async fn a_page_whose_document_is_cut_is_not_a_shorter_page() {
    let body = "<ListBucketResult><IsTruncated>false</IsTruncated>\
        <Contents><Key>firehose/a</Key><Size>1</Size></Contents>";
    let cut = reply("200 OK", "content-type: application/xml\r\n", body);
    insta::assert_snapshot!(shown_after(&[cut]).await, @r"
    Unreachable: what answers at http://[address] is not S3: a page of 106 bytes that does not end (HTTP 200)
    hint: --endpoint-url must be the address of an S3 API, not of a web page
    ");
}

#[tokio::test]
async fn a_page_that_is_broken_in_the_middle_is_not_a_shorter_page() {
    let body = "<ListBucketResult><IsTruncated>false</IsTruncated>\
        <Contents><Key>firehose/a</Key><Size>1</Size></Contents><<>\
        <Contents><Key>firehose/b</Key><Size>1</Size></Contents></ListBucketResult>";
    let broken = reply("200 OK", "content-type: application/xml\r\n", body);
    insta::assert_snapshot!(shown_after(&[broken]).await, @r"
    Unreachable: what answers at http://[address] is not S3: a page of 2 keys of which 1 can be read (HTTP 200)
    hint: --endpoint-url must be the address of an S3 API, not of a web page
    ");
}

#[tokio::test]
async fn a_listing_that_is_not_sorted() {
    insta::assert_snapshot!(shown_after(&[page(&["firehose/b", "firehose/a"], None)]).await, @r"
    Service: the listing of s3://bucket/firehose/ cannot be trusted: keys that are not in the order of their bytes
    hint: some stores sort otherwise, S3 Express among them: narrow the prefix
    ");
}

#[tokio::test]
async fn a_page_is_not_sorted_either_where_a_range_ends_in_it() {
    let script = Script::start(vec![page(&["firehose/c", "firehose/a"], None)]).await;
    let aws = Aws::with_key(&script.url(), ACCESS_KEY, SECRET_KEY);
    let range = KeyRange { stop_before: Some("firehose/b".into()), ..KeyRange::all("firehose/") };
    let listed: Result<Vec<ObjectRef>, Error> =
        S3::new(&aws, "bucket").list(&range).try_collect().await;
    let error = listed.unwrap_err();
    assert!(error.to_string().contains("keys that are not in the order"), "{error}");
}

#[tokio::test]
async fn no_credentials() {
    #[derive(Debug)]
    struct None;
    impl ProvideCredentials for None {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::ready(Err(CredentialsError::not_loaded("nowhere")))
        }
    }
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(None));
    let error = list(&Aws::from_config(config.build())).await.unwrap_err();
    insta::assert_snapshot!(shown(&error), @r"
    Credentials: no AWS credentials found
    hint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile with --profile, or run `aws configure`
    ");
}

#[tokio::test]
async fn a_profile_that_does_not_exist() {
    let settings = Settings { profile: Some("fhcheck-nowhere".into()), ..Settings::default() };
    insta::assert_snapshot!(shown(&Aws::load(&settings).await.unwrap_err()), @r"
    Credentials: there is no AWS profile named fhcheck-nowhere
    hint: `aws configure list-profiles` shows those there are
    ");
}

/// An endpoint with one object of 100,000 bytes, and what its listing says of it.
async fn one_object() -> (Endpoint, S3, ObjectRef) {
    let endpoint = Endpoint::start().await.unwrap();
    endpoint.put("bucket", "firehose/x", vec![7; 100_000], None);
    let aws = connect(&endpoint);
    let object = list(&aws).await.unwrap().remove(0);
    (endpoint, S3::new(&aws, "bucket"), object)
}

async fn fetch_with(fault: Fault, times: u32) -> (Result<Body, GapReason>, u64) {
    let (endpoint, source, object) = one_object().await;
    endpoint.fault("bucket", "firehose/x", fault, times);
    let body = source.fetch(&object).await;
    (body, source.requests().get)
}

#[tokio::test]
async fn a_body_that_is_cut_each_time_is_a_gap() {
    let (body, attempts) = fetch_with(Fault::Cut(60_000), u32::MAX).await;
    let Err(GapReason::Length { expected: 100_000, got }) = body else { panic!("{body:?}") };
    assert!(got <= 60_000, "{got}");
    assert_eq!(attempts, u64::from(FETCH_ATTEMPTS));
}

#[tokio::test]
async fn a_body_that_is_cut_once_arrives() {
    let (body, attempts) = fetch_with(Fault::Cut(60_000), 1).await;
    assert_eq!((body.unwrap().len(), attempts), (100_000, 2));
}

#[tokio::test]
async fn a_body_that_is_throttled_at_first_arrives() {
    let (body, attempts) = fetch_with(Fault::Busy, FETCH_ATTEMPTS - 1).await;
    assert_eq!((body.unwrap().len(), attempts), (100_000, u64::from(FETCH_ATTEMPTS)));
}

#[tokio::test]
async fn a_body_with_another_checksum_is_a_gap() {
    let (body, attempts) = fetch_with(Fault::Garble, u32::MAX).await;
    assert!(matches!(&body, Err(GapReason::Checksum(_))), "{body:?}");
    assert_eq!(attempts, u64::from(FETCH_ATTEMPTS));
}

#[tokio::test]
async fn an_object_that_may_not_be_read_is_a_gap_that_names_the_right() {
    let (body, attempts) = fetch_with(Fault::Deny, u32::MAX).await;
    insta::assert_snapshot!(body.unwrap_err(), @"access denied: s3:GetObject on arn:aws:s3:::bucket/* is needed (AccessDenied: Access Denied (HTTP 403))");
    assert_eq!(attempts, 1, "asking again does not help");
}

#[tokio::test]
async fn an_object_whose_key_may_not_be_used_is_a_gap_that_names_the_right() {
    let message = "User u is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:k";
    let denied = s3_error("403 Forbidden", "", "AccessDenied", message);
    let script = Script::start(vec![denied]).await;
    let source = S3::new(&Aws::with_key(&script.url(), ACCESS_KEY, SECRET_KEY), "bucket");
    insta::assert_snapshot!(source.fetch(&object("x", 1)).await.unwrap_err(), @"access denied: kms:Decrypt on the key that encrypts it is needed (AccessDenied: User u is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:k (HTTP 403, request REQUEST1))");
}

#[tokio::test]
async fn an_archived_object_is_a_gap_that_names_the_class() {
    let (endpoint, source, _) = one_object().await;
    endpoint.set_storage_class("bucket", "firehose/x", "DEEP_ARCHIVE");
    let object = list(&connect(&endpoint)).await.unwrap().remove(0);
    let gap = source.fetch(&object).await.unwrap_err();
    assert_eq!(gap, GapReason::Archived("DEEP_ARCHIVE".into()));
}

#[tokio::test]
async fn an_object_of_another_length_than_listed_is_a_gap() {
    let (_endpoint, source, object) = one_object().await;
    let listed = ObjectRef { size: 99_999, ..object };
    let gap = source.fetch(&listed).await.unwrap_err();
    assert_eq!(gap, GapReason::Length { expected: 99_999, got: 100_000 });
}

#[tokio::test]
async fn a_body_that_does_not_say_of_which_version_it_is_is_a_gap() {
    let script = Script::start(vec![reply("200 OK", "", "x")]).await;
    let source = S3::new(&Aws::with_key(&script.url(), ACCESS_KEY, SECRET_KEY), "bucket");
    let listed = ObjectRef { etag: Some("\"e\"".into()), ..object("x", 1) };
    insta::assert_snapshot!(source.fetch(&listed).await.unwrap_err(), @"the answer does not say of which version it is (no ETag), after 4 attempts");
    // Where the listing says nothing of versions either, there is nothing to compare.
    assert_eq!(source.fetch(&object("x", 1)).await.unwrap().len(), 1);
}
