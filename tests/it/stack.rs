//! The stack, brought up, looked at and taken down in an emulator.

mod cloud;
mod scripted;
mod seeds;

use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

use aws_sdk_cloudformation::types::{Capability, ChangeSetType, TemplateStage};
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use fhcheck::aws::Aws;
use fhcheck::error::ErrorKind;
use fhcheck::observe::Silent;
use fhcheck::stack::{self, Stack, templates};
use serde_json::{Value, json};

use crate::emulator::{Emulator, fhcheck};

/// What a command came to: its exit code, stdout, stderr.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Said {
    /// What it said, which must have gone well.
    fn well(self) -> String {
        assert_eq!(self.code, Some(0), "{}\n{}", self.out, self.err);
        self.out
    }

    /// What it complained of, which must have ended the run; without the ids of requests.
    fn complaint(self) -> String {
        assert_eq!(self.code, Some(2), "{}\n{}", self.out, self.err);
        assert_eq!(self.out, "");
        let complaint = &self.err[self.err.find("error: ").expect("a complaint")..];
        match complaint.split_once(", request ") {
            Some((before, rest)) => format!("{before}{}", &rest[rest.find(')').unwrap()..]),
            None => complaint.to_owned(),
        }
    }
}

fn stack(emulator: &Emulator, words: &[&str]) -> Said {
    let words = [&["stack"], words].concat();
    emulator.fhcheck(&words).output().unwrap().into()
}

fn document(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn what_is_printed_is_what_is_in_the_repository() {
    let folder = tempfile::tempdir().unwrap();
    let print = |words: &[&str]| -> Said {
        fhcheck(&[&["stack", "print"], words].concat()).output().unwrap().into()
    };
    let out = folder.path().join("new/templates");
    print(&["--out", out.to_str().unwrap()]).well();
    let all = print(&[]).well();
    let mut names = Vec::new();
    for template in templates::all() {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("templates")
            .join(template.file());
        let text = std::fs::read_to_string(file).unwrap();
        assert_eq!(print(&[template.name]).well(), text, "{}", template.name);
        assert_eq!(std::fs::read_to_string(out.join(template.file())).unwrap(), text);
        assert!(all.contains(&format!("--- # {}\n{text}", template.file())));
        names.push(template.name);
    }
    assert_eq!(names, ["root", "bucket", "delivery", "producer"]);
    assert_eq!(std::fs::read_dir(out).unwrap().count(), names.len());
    assert_eq!(print(&["leaf"]).code, Some(2));
}

#[tokio::test]
async fn it_comes_up_changes_stays_and_goes_down() {
    let emulator = Emulator::start();
    let aws = emulator.aws();

    let up = stack(&emulator, &["up", "orders", "--tag", "team=orders"]);
    for line in ["making bucket fhcheck-templates-000000000000-us-east-1", "  CREATE_COMPLETE "] {
        assert!(up.err.contains(line), "{}", up.err);
    }
    assert!(up.err.contains("Delivery/DeliveryStream  AWS::KinesisFirehose"), "{}", up.err);
    insta::with_settings!({filters => [
        (r"orders-bucket-[a-z0-9-]+", "[bucket]"),
        (r"(policy/)\S+", "$1[policy]"),
    ]}, {
        insta::assert_snapshot!("up", up.well());
    });

    // Run again it changes nothing, and asks for no change.
    let again = stack(&emulator, &["up", "orders"]);
    assert_eq!(again.err, "");
    assert!(again.well().starts_with("CREATE_COMPLETE  orders, unchanged\n"));

    assert_eq!(buffering(&aws).await, 300);
    let longer = ["up", "orders", "-p", "BufferingIntervalSeconds=60"];
    assert!(stack(&emulator, &longer).well().starts_with("UPDATE_COMPLETE  orders, updated\n"));
    assert_eq!(buffering(&aws).await, 60);
    // What is not given stays as it is.
    let again = document(&stack(&emulator, &["up", "orders", "--format", "json"]).well());
    assert_eq!([&again["change"], &again["exit_code"]], [&json!("unchanged"), &json!(0)]);
    assert_eq!(buffering(&aws).await, 60);
    for (template, deployed) in deployed(&aws, "orders").await {
        assert_eq!(deployed, template.text, "{}", template.name);
    }

    let status = document(&stack(&emulator, &["status", "orders", "--format", "json"]).well());
    assert_eq!(status["state"], "UPDATE_COMPLETE");
    assert_eq!([&status["unwell"], &status["different_templates"]], [&json!([]), &json!([])]);
    let outputs = stack::outputs(&aws, "orders").await.unwrap();
    assert_eq!(status["outputs"], serde_json::to_value(&outputs).unwrap());
    assert_eq!(outputs["StreamName"], "orders");

    let bucket = &outputs["BucketName"];
    fill(&aws, bucket).await;
    let refused = stack(&emulator, &["down", "orders"]).complaint();
    insta::assert_snapshot!(refused, @r"
    error: nobody can be asked whether to delete the stack and its records
    hint: say --yes to delete them without being asked
    ");
    assert!(stack::outputs(&aws, "orders").await.is_ok(), "nothing was deleted");
    insta::assert_snapshot!(stack(&emulator, &["down", "orders", "--yes"]).well(), @r"
    stack orders is deleted
    1,101 objects were deleted in its bucket, versions included
    cleared away: bucket fhcheck-templates-000000000000-us-east-1 and the templates in it
    ");
    let left = aws.s3().list_buckets().send().await.unwrap();
    assert_eq!(left.buckets().len(), 0, "{left:?}");
    let gone = stack::outputs(&aws, "orders").await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);

    insta::assert_snapshot!(stack(&emulator, &["down", "orders", "--yes"]).well(), @"there is no stack orders");
    insta::assert_snapshot!(stack(&emulator, &["status", "orders"]).complaint(), @r"
    error: there is no stack named orders in us-east-1
    hint: `fhcheck stack up orders` makes it; or check the spelling, --region, and the account (--profile)
    ");
}

/// How long Firehose collects, in seconds.
async fn buffering(aws: &Aws) -> i32 {
    let asked = aws.firehose().describe_delivery_stream().delivery_stream_name("orders");
    let answer = asked.send().await.unwrap();
    let destination = &answer.delivery_stream_description().unwrap().destinations()[0];
    let s3 = destination.extended_s3_destination_description().unwrap();
    s3.buffering_hints().unwrap().interval_in_seconds().unwrap()
}

/// Each template with what CloudFormation has of it.
async fn deployed(aws: &Aws, name: &str) -> Vec<(templates::Template, String)> {
    let cloudformation = aws.cloudformation();
    let text = async |name: &str| {
        let asked = cloudformation.get_template().stack_name(name);
        let answer = asked.template_stage(TemplateStage::Original).send().await.unwrap();
        answer.template_body.unwrap()
    };
    let mut found = vec![(templates::ROOT, text(name).await)];
    for template in templates::NESTED {
        let mut logical = template.name.to_owned();
        logical[..1].make_ascii_uppercase();
        let asked = cloudformation.describe_stack_resource().stack_name(name);
        let answer = asked.logical_resource_id(logical).send().await.unwrap();
        let id = answer.stack_resource_detail.unwrap().physical_resource_id.unwrap();
        found.push((template, text(&id).await));
    }
    found
}

/// Fills a bucket with what is easily forgotten: old versions, markers, uploads that never ended.
async fn fill(aws: &Aws, bucket: &str) {
    let s3 = aws.s3();
    let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled);
    let versioned = s3.put_bucket_versioning().bucket(bucket);
    versioned.versioning_configuration(enabled.build()).send().await.unwrap();
    for number in 0..1_100 {
        let put = s3.put_object().bucket(bucket).key(format!("firehose/{}", number % 600));
        put.body(vec![b'x'].into()).send().await.unwrap();
    }
    s3.delete_object().bucket(bucket).key("firehose/1").send().await.unwrap();
    s3.create_multipart_upload().bucket(bucket).key("firehose/part").send().await.unwrap();
}

#[tokio::test]
async fn a_failure_names_the_innermost_resource_and_the_next_run_begins_anew() {
    let emulator = Emulator::start();
    let aws = emulator.aws();
    let firehose = aws.firehose();
    firehose.create_delivery_stream().delivery_stream_name("orders").send().await.unwrap();

    let up = stack(&emulator, &["up", "orders"]);
    assert!(up.err.contains("  CREATE_FAILED         Delivery  AWS"), "{}", up.err);
    insta::assert_snapshot!(up.complaint(), @r#"
    error: stack orders could not be created: Delivery (AWS::CloudFormation::Stack): AWS::KinesisFirehose::DeliveryStream create failed: b'{"__type": "ResourceInUseException", "message": "Delivery stream orders already exists."}'; it is now in ROLLBACK_COMPLETE
    hint: nothing of it is left; mend the cause and run `fhcheck stack up orders` again
    "#);
    let status = stack(&emulator, &["status", "orders"]);
    assert_eq!(status.code, Some(1));
    assert!(status.out.starts_with("ROLLBACK_COMPLETE  orders\n"), "{}", status.out);

    firehose.delete_delivery_stream().delivery_stream_name("orders").send().await.unwrap();
    let up = stack(&emulator, &["up", "orders"]);
    assert!(up.err.contains("the creation of stack orders was undone"), "{}", up.err);
    assert!(up.well().starts_with("CREATE_COMPLETE  orders, created\n"));

    // What is refused, or fails on the way, leaves what was there.
    let refused = stack(&emulator, &["up", "orders", "-p", "CompressionFormat=LZ4"]).complaint();
    insta::assert_snapshot!(refused, @r"
    error: cloudformation:CreateChangeSet on stack orders is refused: ValidationError: Parameter 'CompressionFormat' value 'LZ4' is not in AllowedValues: ['UNCOMPRESSED', 'GZIP', 'ZIP', 'Snappy', 'HADOOP_SNAPPY'] (HTTP 400)
    hint: nothing was changed; the answer says what is wrong
    ");
    assert_eq!(stack(&emulator, &["status", "orders"]).code, Some(0));
}

#[tokio::test]
async fn what_is_interrupted_is_picked_up() {
    let emulator = Emulator::start();
    let aws = emulator.aws();
    // A change set that nobody executed.
    let made = aws.cloudformation().create_change_set().stack_name("reviewed");
    let made = made.change_set_name("left").change_set_type(ChangeSetType::Create);
    let made =
        made.template_body(templates::NESTED[0].text).capabilities(Capability::CapabilityIam);
    made.send().await.unwrap();
    let status = stack(&emulator, &["status", "reviewed"]);
    assert!(status.out.starts_with("REVIEW_IN_PROGRESS  reviewed\n"), "{}", status.out);
    assert!(stack(&emulator, &["up", "reviewed"]).well().contains("reviewed, created\n"));

    // Killed as soon as CloudFormation has begun.
    let signal = |words: &[&str], signal: &str| {
        let words = [&["stack"], words].concat();
        let mut run = emulator.fhcheck(&words).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(run.stderr.take().unwrap()).lines().map(Result::unwrap);
        let begun = lines.any(|line| line.contains("_IN_PROGRESS"));
        assert!(begun, "{words:?} ended before it could be interrupted");
        let kill = Command::new("kill").args([signal, &run.id().to_string()]).status().unwrap();
        assert!(kill.success());
        let said: Vec<_> = lines.skip_while(|line| !line.starts_with("error: ")).collect();
        (run.wait().unwrap().code(), said.join("\n"))
    };
    signal(&["up", "killed"], "-KILL");
    assert!(stack(&emulator, &["up", "killed"]).well().starts_with("CREATE_COMPLETE  killed"));
    let (code, said) = signal(&["down", "killed", "--yes"], "-INT");
    assert_eq!(code, Some(2));
    insta::assert_snapshot!(said, @r"
    error: interrupted; what was begun goes on without fhcheck
    hint: `fhcheck stack down killed` removes what is left
    ");
    stack(&emulator, &["down", "killed", "--yes"]).well();
    // The templates stay as long as another stack needs them.
    let down = stack(&emulator, &["down", "killed", "--yes"]).well();
    assert!(down.contains("left: bucket fhcheck-templates-"), "{down}");
    assert!(down.contains("stack reviewed uses them"), "{down}");
    let down = stack(&emulator, &["down", "reviewed", "--yes"]).well();
    assert!(down.contains("cleared away: bucket fhcheck-templates-"), "{down}");
}

/// Runs a command on a terminal of its own, with an answer typed ahead.
const ON_A_TERMINAL: &str = "
import os, pty, sys
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
os.write(terminal, sys.argv[1].encode())
while True:
    try:
        shown = os.read(terminal, 4096)
    except OSError:
        break
    if not shown:
        break
    sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
";

#[cfg(unix)]
#[tokio::test]
async fn on_a_terminal_it_asks_before_it_deletes() {
    let emulator = Emulator::start();
    let aws = emulator.aws();
    stack(&emulator, &["up"]).well();
    let outputs = stack::outputs(&aws, "fhcheck").await.unwrap();
    let put = aws.s3().put_object().bucket(&outputs["BucketName"]).key("firehose/1");
    put.body(vec![b'x'].into()).send().await.unwrap();
    let down = |typed: &str| -> Said {
        let mut python = emulator.python();
        python.args(["-c", ON_A_TERMINAL, typed]).arg(assert_cmd::cargo::cargo_bin("fhcheck"));
        python.args(["stack", "down"]).output().unwrap().into()
    };
    let no = down("n\n");
    assert_eq!(no.code, Some(2), "{}", no.out);
    assert!(no.out.contains("holds 1 object\r\n"), "{}", no.out);
    assert!(no.out.contains("Delete stack fhcheck (CREATE_COMPLETE)"), "{}", no.out);
    assert!(no.out.contains("stack fhcheck stays as it is"), "{}", no.out);
    assert!(stack::outputs(&aws, "fhcheck").await.is_ok());
    let yes = down("y\n");
    assert_eq!(yes.code, Some(0), "{}", yes.out);
    assert!(stack::outputs(&aws, "fhcheck").await.is_err());
}

/// Templates can go to a bucket of the user's, which stays.
#[tokio::test]
async fn a_bucket_of_ones_own_keeps_what_was_in_it() {
    let emulator = Emulator::start();
    let s3 = emulator.aws().s3();
    let up = ["up", "--template-bucket", "mine"];
    insta::assert_snapshot!(stack(&emulator, &up).complaint(), @r"
    error: there is no bucket named mine in us-east-1: NoSuchBucket: The specified bucket does not exist (HTTP 404)
    hint: check the spelling, --region, and the account (--profile)
    ");

    s3.create_bucket().bucket("mine").send().await.unwrap();
    s3.put_object()
        .bucket("mine")
        .key("fhcheck/notes")
        .body(vec![b'x'].into())
        .send()
        .await
        .unwrap();
    stack(&emulator, &up).well();
    // The bucket is remembered.
    let again = stack(&emulator, &["up"]);
    assert!(again.well().contains("fhcheck, unchanged"));
    insta::assert_snapshot!(stack(&emulator, &["down", "-y"]).well(), @r"
    stack fhcheck is deleted
    cleared away: 3 templates in bucket mine
    ");
    let left = s3.list_objects_v2().bucket("mine").send().await.unwrap();
    let left: Vec<_> = left.contents().iter().filter_map(|object| object.key()).collect();
    assert_eq!(left, ["fhcheck/notes"]);
}

#[tokio::test]
async fn a_template_that_is_not_this_binarys_is_said_to_be_different() {
    let emulator = Emulator::start();
    let older = "Parameters:\n  TemplateBaseUrl:\n    Type: String\n    Default: https://x/templates\n\
                 Resources:\n  Topic:\n    Type: AWS::SNS::Topic\n";
    make(&emulator, "older", older).await;
    let status = stack(&emulator, &["status", "older"]);
    assert_eq!(status.code, Some(1), "{}", status.err);
    insta::assert_snapshot!(status.out, @r"
    CREATE_COMPLETE  older
      templates differ  root: deployed otherwise than this fhcheck has it

    Next  fhcheck stack up older
    ");
    let down = stack(&emulator, &["down", "older", "--yes"]).well();
    insta::assert_snapshot!(down, @r"
    stack older is deleted
    left: the templates at https://x/templates, which fhcheck did not put there
    ");
}

/// A name mistyped must not cost anybody a stack.
#[tokio::test]
async fn a_stack_of_somebody_else_is_left_alone() {
    let emulator = Emulator::start();
    let foreign = "Resources:\n  Topic:\n    Type: AWS::SNS::Topic\n";
    make(&emulator, "foreign", foreign).await;
    let said = stack(&emulator, &["down", "foreign", "--yes"]).complaint();
    insta::assert_snapshot!(said, @r"
    error: stack foreign was not made from fhcheck's templates
    hint: nothing was changed; name another stack
    ");
    assert_eq!(stack(&emulator, &["up", "foreign"]).complaint(), said);
    assert_eq!(stack(&emulator, &["status", "foreign"]).complaint(), said);
    let aws = emulator.aws();
    assert!(stack::outputs(&aws, "foreign").await.unwrap().is_empty(), "it is there");
}

async fn make(emulator: &Emulator, name: &str, template: &str) {
    let cloudformation = emulator.aws().cloudformation();
    cloudformation.create_stack().stack_name(name).template_body(template).send().await.unwrap();
    loop {
        let asked = cloudformation.describe_stacks().stack_name(name).send().await.unwrap();
        let state = asked.stacks()[0].stack_status().unwrap().as_str();
        if !state.ends_with("_IN_PROGRESS") {
            assert_eq!(state, "CREATE_COMPLETE");
            return;
        }
    }
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_asked() {
    let refused = |words: &[&str]| {
        Said::from(fhcheck(&[&["stack"], words].concat()).output().unwrap()).complaint()
    };
    insta::assert_snapshot!(refused(&["up", "my_orders"]), @r#"
    error: "my_orders" is no name for a stack
    hint: it begins with a letter and has letters, digits and hyphens, 64 at most
    "#);
    insta::assert_snapshot!(refused(&["up", "-p", "Shards=2"]), @r#"
    error: the stack has no parameter "Shards"
    hint: it has ShardCount, StreamRetentionHours, Prefix, ErrorOutputPrefix, BufferingIntervalSeconds, BufferingSizeMiB, CompressionFormat, Delimiter, LogRetentionDays
    "#);
    insta::assert_snapshot!(refused(&["up", "-p", "ShardCount"]), @r#"
    error: --parameter "ShardCount" is no KEY=VALUE
    hint: a value may be empty; the equals sign is needed
    "#);
}

#[tokio::test]
async fn a_name_that_could_be_no_stacks_is_no_stack() {
    let aws = Aws::with_key("http://127.0.0.1:9", "a", "b");
    let error = Stack::new(&aws, "a_b", &Silent).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Usage);
}
