//! What a user reads when AWS says no, from a server that follows a script.

use super::Said;
use crate::emulator::fhcheck;
use crate::support::{Script, reply, s3_error};

/// An error as CloudFormation and STS write it.
pub(super) fn refusal(status: &str, code: &str, message: &str) -> String {
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>\
         </Error><RequestId>REQUEST1</RequestId></ErrorResponse>"
    );
    reply(status, "content-type: text/xml\r\n", &body)
}

pub(super) fn answer(action: &str, body: &str) -> String {
    let body =
        format!("<{action}Response><{action}Result>{body}</{action}Result></{action}Response>");
    reply("200 OK", "content-type: text/xml\r\n", &body)
}

pub(super) fn absent() -> String {
    refusal("400 Bad Request", "ValidationError", "Stack with id orders does not exist")
}

/// What a command complains of when it gets these replies, one after the other.
async fn told(words: &[&str], replies: Vec<String>) -> String {
    scripted(words, replies).await.complaint()
}

async fn scripted(words: &[&str], replies: Vec<String>) -> Said {
    let script = Script::start(replies).await;
    let mut command = fhcheck(&["stack", "--endpoint-url", &script.url()]);
    command.args(words);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    output.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cloudformation_refuses_is_explained() {
    let status = ["status", "orders"];
    let denied = "User: arn:aws:iam::1:user/me is not authorized to perform: \
                  cloudformation:DescribeStacks on resource: arn";
    insta::assert_snapshot!(told(&status, vec![absent()]).await, @r"
    error: there is no stack named orders in us-east-1
    hint: `fhcheck stack up orders` makes it; or check the spelling, --region, and the account (--profile)
    ");
    let reply = refusal("403 Forbidden", "AccessDenied", denied);
    insta::assert_snapshot!(told(&status, vec![reply]).await, @r"
    error: access denied: cloudformation:DescribeStacks on stack orders: AccessDenied: User: arn:aws:iam::1:user/me is not authorized to perform: cloudformation:DescribeStacks on resource: arn (HTTP 403)
    hint: the credentials need cloudformation:DescribeStacks on stack orders
    ");
    let reply = refusal("403 Forbidden", "ExpiredToken", "The security token is expired");
    insta::assert_snapshot!(told(&status, vec![reply]).await, @r"
    error: the AWS credentials have expired: ExpiredToken: The security token is expired (HTTP 403)
    hint: get new ones, with `aws sso login` for instance, and run again
    ");
    let reply = refusal("400 Bad Request", "Throttling", "Rate exceeded");
    insta::assert_snapshot!(told(&status, vec![reply]).await, @r"
    error: cloudformation:DescribeStacks on stack orders is throttled: Throttling: Rate exceeded (HTTP 400)
    hint: run again later, or slower
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_up_may_not_do_is_named() {
    let up = ["up", "orders"];
    let account = answer("GetCallerIdentity", "<Account>123456789012</Account>");
    let denied = s3_error("403 Forbidden", "", "AccessDenied", "Access Denied");
    let replies = vec![absent(), account.clone(), denied];
    insta::assert_snapshot!(told(&up, replies).await, @r"
    error: access denied: s3:PutObject on bucket fhcheck-templates-123456789012-us-east-1: AccessDenied: Access Denied (HTTP 403)
    hint: the credentials need s3:PutObject on bucket fhcheck-templates-123456789012-us-east-1
    ");

    let taken = s3_error("409 Conflict", "", "BucketAlreadyExists", "It is not available");
    let none = s3_error("404 Not Found", "", "NoSuchBucket", "There is none");
    let replies = vec![absent(), account.clone(), none, taken];
    insta::assert_snapshot!(told(&up, replies).await, @r"
    error: there is a bucket named fhcheck-templates-123456789012-us-east-1 already: BucketAlreadyExists: It is not available (HTTP 409)
    hint: name a bucket of yours with --template-bucket
    ");

    let there = reply("200 OK", "", "");
    let uploaded = vec![absent(), account, there.clone(), there.clone(), there];
    let refused = refusal("403 Forbidden", "AccessDenied", "not authorized");
    let replies = [uploaded.clone(), vec![refused]].concat();
    insta::assert_snapshot!(told(&up, replies).await, @r"
    error: access denied: cloudformation:CreateChangeSet on stack orders: AccessDenied: not authorized (HTTP 403)
    hint: the credentials need cloudformation:CreateChangeSet on stack orders
    ");

    let missing = "Requires capabilities : [CAPABILITY_NAMED_IAM]";
    let refused = refusal("400 Bad Request", "InsufficientCapabilitiesException", missing);
    let replies = [uploaded.clone(), vec![refused]].concat();
    insta::assert_snapshot!(told(&up, replies).await, @r"
    error: cloudformation:CreateChangeSet on stack orders is refused: InsufficientCapabilitiesException: Requires capabilities : [CAPABILITY_NAMED_IAM] (HTTP 400)
    hint: nothing was changed; the answer says what is wrong
    ");

    let made = answer("CreateChangeSet", "<Id>set</Id><StackId>stack</StackId>");
    let failed = "<Status>FAILED</Status><StatusReason>S3 error: Access Denied</StatusReason>";
    let failed = answer("DescribeChangeSet", failed);
    let replies = [uploaded, vec![made, failed, answer("DeleteChangeSet", "")]].concat();
    insta::assert_snapshot!(told(&up, replies).await, @r"
    error: stack orders cannot be changed so: S3 error: Access Denied
    hint: nothing was changed
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_that_nothing_can_be_done_with_says_what_can() {
    let up = async |state: &str| told(&["up", "orders"], vec![in_state(state)]).await;
    insta::assert_snapshot!(up("UPDATE_ROLLBACK_FAILED").await, @r"
    error: stack orders is in UPDATE_ROLLBACK_FAILED, and cannot be changed
    hint: mend the cause, run `aws cloudformation continue-update-rollback --stack-name orders`, and then this again
    ");
    insta::assert_snapshot!(up("CREATE_FAILED").await, @r"
    error: stack orders is in CREATE_FAILED, and cannot be changed
    hint: `fhcheck stack status orders` shows what is not well; `fhcheck stack down orders` removes it all
    ");
    insta::assert_snapshot!(up("DELETE_FAILED").await, @r"
    error: stack orders is in DELETE_FAILED, and cannot be changed
    hint: mend the cause and run `fhcheck stack down orders` again
    ");
}

/// An event of a stack by its id: the resource, its type, its own id, its state, and why; and how many
/// seconds after the first one it was.
pub(super) fn event(
    stack: &str,
    [resource, kind, physical, state, reason]: [&str; 5],
    second: usize,
) -> String {
    let id = format!("{stack}-{resource}-{state}");
    format!(
        "<member><StackId>{stack}</StackId><EventId>{id}</EventId>\
         <LogicalResourceId>{resource}</LogicalResourceId>\
         <PhysicalResourceId>{physical}</PhysicalResourceId><ResourceType>{kind}</ResourceType>\
         <ResourceStatus>{state}</ResourceStatus>\
         <ResourceStatusReason>{reason}</ResourceStatusReason>\
         <Timestamp>2026-01-01T00:00:{second:02}Z</Timestamp></member>"
    )
}

fn events(events: &[String]) -> String {
    answer("DescribeStackEvents", &format!("<StackEvents>{}</StackEvents>", events.concat()))
}

pub(super) fn in_state(state: &str) -> String {
    let body = format!(
        "<Stacks><member><StackName>orders</StackName><StackId>root-id</StackId>\
         <StackStatus>{state}</StackStatus><Parameters><member>\
         <ParameterKey>TemplateBaseUrl</ParameterKey>\
         <ParameterValue>https://x/templates</ParameterValue></member></Parameters>\
         </member></Stacks>"
    );
    answer("DescribeStacks", &body)
}

/// The first failure in the innermost stack; and that a stack which cannot be seen for a while is
/// waited for all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_looked_for_in_nested_stacks() {
    let nested = "AWS::CloudFormation::Stack";
    let root = [
        ["orders", nested, "root-id", "DELETE_FAILED", "The following failed: [Bucket]"],
        ["Bucket", nested, "nested-id", "DELETE_FAILED", "Embedded stack nested-id failed"],
        ["Bucket", nested, "nested-id", "DELETE_IN_PROGRESS", ""],
        ["orders", nested, "root-id", "DELETE_IN_PROGRESS", "User Initiated"],
        ["Bucket", nested, "nested-id", "UPDATE_FAILED", "long ago"],
        ["orders", nested, "root-id", "UPDATE_IN_PROGRESS", "User Initiated"],
    ]
    .map(|each| event("root-id", each, 0));
    let inside = [
        ["orders-Bucket", nested, "nested-id", "DELETE_FAILED", "The following failed: [Bucket]"],
        ["Policy", "AWS::S3::BucketPolicy", "policy", "DELETE_FAILED", "Resource cancelled"],
        ["Bucket", "AWS::S3::Bucket", "bucket", "DELETE_FAILED", "It is locked."],
        ["orders-Bucket", nested, "nested-id", "DELETE_IN_PROGRESS", ""],
    ]
    .map(|each| event("nested-id", each, 0));
    let resources = answer("ListStackResources", "<StackResourceSummaries/>");
    let before = [events(&root[4..]), events(&[])];
    let throttled = refusal("400 Bad Request", "Throttling", "Rate exceeded");
    let replies = [
        vec![in_state("UPDATE_ROLLBACK_COMPLETE"), resources.clone()],
        before.to_vec(),
        vec![answer("DeleteStack", "")],
        // As often as the SDK tries before it gives up.
        vec![throttled; 4],
        vec![in_state("DELETE_FAILED"), events(&root), events(&inside), resources],
        vec![events(&root), events(&inside)],
    ];
    let said = told(&["down", "orders", "--yes"], replies.concat()).await;
    insta::assert_snapshot!(said, @r"
    error: stack orders could not be deleted: Bucket/Bucket (AWS::S3::Bucket): It is locked; it is now in DELETE_FAILED
    hint: mend the cause and run `fhcheck stack down orders` again
    ");
}

/// A stack that has one resource, which is a bucket.
const BUCKET: &str = "<StackResourceSummaries><member>\
    <LogicalResourceId>Bucket</LogicalResourceId><PhysicalResourceId>bucket</PhysicalResourceId>\
    <ResourceType>AWS::S3::Bucket</ResourceType><ResourceStatus>CREATE_COMPLETE</ResourceStatus>\
    </member></StackResourceSummaries>";

/// An answer of S3.
fn s3(body: &str) -> String {
    reply("200 OK", "content-type: application/xml\r\n", body)
}

/// Firehose writes what it had buffered, and the bucket that was emptied holds something again.
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_fills_again_is_emptied_again() {
    let resources = answer("ListStackResources", BUCKET);
    let (nothing, uploads) = (s3("<ListVersionsResult/>"), s3("<ListMultipartUploadsResult/>"));
    let late = "<ListVersionsResult><Version><Key>late</Key><VersionId>null</VersionId></Version>\
                </ListVersionsResult>";
    let nested = "AWS::CloudFormation::Stack";
    let begun = event("root-id", ["orders", nested, "root-id", "DELETE_IN_PROGRESS", ""], 0);
    let deletes = answer("DeleteStack", "");
    let replies = [
        vec![in_state("CREATE_COMPLETE"), resources.clone(), nothing, uploads.clone()],
        vec![events(&[]), deletes.clone(), in_state("DELETE_FAILED"), events(&[begun])],
        vec![resources.clone(), s3(late), resources, s3(late), s3("<DeleteResult/>"), uploads],
        vec![events(&[]), deletes, absent(), events(&[])],
        vec![answer("GetCallerIdentity", "<Account>123456789012</Account>")],
    ];
    let down = scripted(&["down", "orders", "--yes"], replies.concat()).await;
    assert!(down.err.contains("objects came into the bucket meanwhile; once more"), "{}", down.err);
    insta::assert_snapshot!(down.well(), @r"
    stack orders is deleted
    1 object was deleted in its bucket, versions included
    left: the templates at https://x/templates, which fhcheck did not put there
    ");
}

/// One key that may not be deleted does not keep the others, and is named.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_deleted_is_named() {
    let version =
        |key: &str| format!("<Version><Key>{key}</Key><VersionId>1</VersionId></Version>");
    let versions = version("firehose/a") + &version("firehose/b");
    let locked = "<DeleteResult><Error><Key>firehose/b</Key><VersionId>1</VersionId>\
                  <Code>AccessDenied</Code><Message>It is locked</Message></Error></DeleteResult>";
    let replies = vec![
        in_state("CREATE_COMPLETE"),
        answer("ListStackResources", BUCKET),
        s3(&format!("<ListVersionsResult>{versions}</ListVersionsResult>")),
        s3(locked),
        s3("<ListMultipartUploadsResult/>"),
    ];
    let down = scripted(&["down", "orders", "--yes"], replies).await;
    assert!(down.err.contains("  1 object deleted in bucket\n"), "{}", down.err);
    insta::assert_snapshot!(down.complaint(), @r"
    error: 1 could not be deleted in bucket bucket: firehose/b (AccessDenied: It is locked)
    hint: the credentials need s3:DeleteObject and s3:DeleteObjectVersion on all of it; the rest is gone
    ");
}

/// A listing whose pages name each other, or none, would be asked for ever.
#[tokio::test(flavor = "multi_thread")]
async fn pages_that_do_not_get_on_end_the_run() {
    let down = ["down", "orders", "--yes"];
    let begun = || vec![in_state("CREATE_COMPLETE"), answer("ListStackResources", BUCKET)];
    let versions = |next: &str| {
        s3(&format!(
            "<ListVersionsResult><IsTruncated>true</IsTruncated>{next}</ListVersionsResult>"
        ))
    };
    let next = "<NextKeyMarker>a</NextKeyMarker><NextVersionIdMarker>1</NextVersionIdMarker>";
    let replies = [begun(), vec![versions(next)]].concat();
    insta::assert_snapshot!(told(&down, replies).await, @"error: s3:ListBucketVersions on bucket bucket failed: the same page is named twice");
    let replies = [begun(), vec![versions("")]].concat();
    insta::assert_snapshot!(told(&down, replies).await, @"error: s3:ListBucketVersions on bucket bucket failed: a page that has a successor and does not say which");
    let uploads = "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated>\
                   <NextKeyMarker>a</NextKeyMarker><NextUploadIdMarker>1</NextUploadIdMarker>\
                   </ListMultipartUploadsResult>";
    let replies = [begun(), vec![s3("<ListVersionsResult/>"), s3(uploads)]].concat();
    insta::assert_snapshot!(told(&down, replies).await, @"error: s3:ListBucketMultipartUploads on bucket bucket failed: the same page is named twice");

    // Who else uses the templates is asked when the stack is gone: then it is no failure, but said.
    let stacks = answer("DescribeStacks", "<Stacks/><NextToken>again</NextToken>");
    let account = answer("GetCallerIdentity", "<Account>123456789012</Account>");
    let replies = vec![absent(), account, s3("<ListVersionsResult/>"), stacks];
    let left = scripted(&down, replies).await.well();
    let said = "cloudformation:DescribeStacks on stack orders failed: the same page is named twice";
    assert!(left.contains(said), "{left}");
}
