"""Deploys root.yaml, uses it, deletes it; prints as JSON what was there. Argument: templates/."""

import json
import pathlib
import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

STACK = "orders"
TEMPLATES = pathlib.Path(sys.argv[1])

config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})


def client(service):
    return boto3.client(service, config=config)


def settle(stack):
    """Waits for the stack to come to an end; returns how it ended, and every failure on the way."""
    for _ in range(600):
        try:
            status = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        except ClientError:
            return "GONE", []
        if not status.endswith("_IN_PROGRESS"):
            events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
            return status, [
                f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}"
                for event in events
                if event["ResourceStatus"].endswith("_FAILED")
            ]
        time.sleep(0.1)
    raise TimeoutError(f"{stack} does not settle")


def objects(bucket):
    found = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {
        item["Key"]: s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read().decode()
        for item in found
    }


cloudformation, s3, firehose = client("cloudformation"), client("s3"), client("firehose")
kinesis, function, iam, logs = client("kinesis"), client("lambda"), client("iam"), client("logs")

# Path-style URLs, as an emulator wants them and AWS takes them.
s3.create_bucket(Bucket="uploads")
for template in TEMPLATES.glob("*.yaml"):
    s3.upload_file(str(template), "uploads", f"fhcheck/{template.name}")
base = f"{s3.meta.endpoint_url}/uploads/fhcheck"

cloudformation.create_stack(
    StackName=STACK,
    TemplateURL=f"{base}/root.yaml",
    Parameters=[
        {"ParameterKey": "TemplateBaseUrl", "ParameterValue": base},
        {"ParameterKey": "Delimiter", "ParameterValue": "yes"},
    ],
    Capabilities=["CAPABILITY_IAM"],
)
status, failures = settle(STACK)
report = {"created": status, "failures": failures}
if status != "CREATE_COMPLETE":
    sys.exit(json.dumps(report))

stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
bucket = outputs["BucketName"]

answer = function.invoke(FunctionName=outputs["FunctionName"], Payload=b"{}")
manifest = json.loads(answer["Payload"].read())
for _ in range(100):
    delivered = objects(bucket)
    if len(delivered) == 10:
        break
    time.sleep(0.1)

version = iam.get_policy(PolicyArn=outputs["ReaderPolicyArn"])["Policy"]["DefaultVersionId"]
reader = iam.get_policy_version(PolicyArn=outputs["ReaderPolicyArn"], VersionId=version)
delivery = firehose.describe_delivery_stream(DeliveryStreamName=outputs["DeliveryStreamName"])
report |= {
    "stackId": stack["StackId"],
    "outputs": outputs,
    "functionError": answer.get("FunctionError"),
    "manifest": manifest,
    "delivered": delivered,
    "reader": reader["PolicyVersion"]["Document"],
    "delivery": delivery["DeliveryStreamDescription"],
    "logGroups": {
        group["logGroupName"]: group.get("retentionInDays")
        for group in logs.describe_log_groups()["logGroups"]
    },
    "encryption": s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"],
    "publicAccess": s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"],
    "bucketPolicy": json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]),
    "tags": {
        nested["LogicalResourceId"]: cloudformation.describe_stacks(
            StackName=nested["PhysicalResourceId"]
        )["Stacks"][0]["Tags"]
        for nested in cloudformation.list_stack_resources(StackName=STACK)["StackResourceSummaries"]
        if nested["ResourceType"] == "AWS::CloudFormation::Stack"
    },
}

for key in delivered:
    s3.delete_object(Bucket=bucket, Key=key)
cloudformation.delete_stack(StackName=STACK)
report["deleted"] = settle(STACK)
report["left"] = {
    "streams": kinesis.list_streams()["StreamNames"],
    "deliveryStreams": firehose.list_delivery_streams()["DeliveryStreamNames"],
    "functions": function.list_functions()["Functions"],
    "roles": [role["RoleName"] for role in iam.list_roles()["Roles"]],
    "policies": [policy["PolicyName"] for policy in iam.list_policies(Scope="Local")["Policies"]],
    "logGroups": [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]],
    "buckets": [item["Name"] for item in s3.list_buckets()["Buckets"]],
}
print(json.dumps(report, default=str))
