"""What stores, queues, functions and alarms must be like."""

from __future__ import annotations

import json
from typing import Any

from tests.infra.policies import Policies
from tests.infra.rules import Findings, of_type, rule
from tests.infra.templates import BUCKET, FOLDER, HERE, Resource

LASTING = (
    "AWS::ECR::Repository",
    "AWS::KMS::Alias",
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::SageMaker::ModelPackageGroup",
    "AWS::SecretsManager::Secret",
)
EVENTS = {  # detail-types of the service, with the fields of `detail` that rules may ask for
    "SageMaker Model Package State Change": {"ModelPackageGroupName", "ModelApprovalStatus", "ModelPackageArn"},
    "SageMaker Model Building Pipeline Execution Status Change": {
        "pipelineArn",
        "pipelineExecutionArn",
        "currentPipelineExecutionStatus",
        "previousPipelineExecutionStatus",
    },
}
METRICS = {  # namespaces with the sets of dimensions under which the services publish
    "AWS/Sagemaker/ModelBuildingPipeline": [{"PipelineName"}, {"PipelineName", "StepName"}],
    "/aws/sagemaker/TrainingJobs": [{"Host"}, {"TrainingJobName"}],
    "AWS/Lambda": [{"FunctionName"}],
}
UNDONE = ("checkpoints/", "canary-checkpoints/")  # where jobs delete, and only there old versions end
OF_A_RULE = {"Id", "Status", "Prefix", "AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration"}
DAY = 86400


@rule
def lasting_things_are_kept(resources: list[Resource], _: Policies) -> Findings:
    """What holds data outlives its stack."""
    yield from (f"{row.where}: goes with its stack" for row in of_type(resources, *LASTING) if not row.kept)


@rule
def closed_buckets(resources: list[Resource], policies: Policies) -> Findings:
    """Private, versioned, encrypted, and never without TLS; nothing but old access logs ends by itself."""
    for bucket in of_type(resources, "AWS::S3::Bucket"):
        name, properties = bucket.properties["BucketName"], bucket.properties
        closed = properties.get("PublicAccessBlockConfiguration", {})
        if list(closed.values()) != [True] * 4:
            yield f"{bucket.where}: may be opened to the public"
        if properties.get("VersioningConfiguration") != {"Status": "Enabled"}:
            yield f"{bucket.where}: deletes for good"
        if "BucketEncryption" not in properties:
            yield f"{bucket.where}: names no encryption"
        plain = {"aws:SecureTransport": "false"}
        asked = ("s3:GetObject", f"arn:aws:s3:::{name}/x", plain)
        if not any(row.denies and row.applies(*asked) for row in policies.buckets):
            yield f"{bucket.where}: answers without TLS"
        if properties.get("OwnershipControls") != {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}:
            yield f"{bucket.where}: takes access lists"
        if name == BUCKET:
            for row in properties.get("LifecycleConfiguration", {}).get("Rules", []):
                yield from (f"{bucket.where}: rule {row['Id']} {what}" for what in _ends_too_much(row))


def _ends_too_much(row: dict[str, Any]) -> Findings:
    """What a rule does to objects that it should not; current ones stay, where and as they are."""
    if strange := row.keys() - OF_A_RULE:
        yield f"says {', '.join(sorted(strange))}"
    ends = row.get("NoncurrentVersionExpiration")
    if ends is not None and row.get("Prefix") not in UNDONE:
        yield f"ends old versions below {row.get('Prefix') or 'the whole bucket'}"
    if ends is not None and ends.get("NoncurrentDays", 0) < 90:
        yield "leaves under 90 days to undo"


@rule
def keys_that_turn(resources: list[Resource], _: Policies) -> Findings:
    """The key is renewed by itself, and what takes a key of ours has it."""
    for row in of_type(resources, "AWS::KMS::Key"):
        if row.properties.get("EnableKeyRotation") is not True:
            yield f"{row.where}: is never renewed"
    for row in of_type(resources, "AWS::SecretsManager::Secret"):
        if row.properties.get("KmsKeyId") != "0000-key":
            yield f"{row.where}: is under the service's own key"
    for row in of_type(resources, "AWS::ECR::Repository"):
        wanted = {"EncryptionType": "KMS", "KmsKey": f"arn:aws:kms:{HERE}:key/0000-key"}
        if row.properties.get("EncryptionConfiguration") != wanted:
            yield f"{row.where}: is not under our key"


@rule
def one_key(_: list[Resource], policies: Policies) -> Findings:
    """Objects are stored with our key or not at all."""
    key, algorithm = "s3:x-amz-server-side-encryption-aws-kms-key-id", "s3:x-amz-server-side-encryption"
    target = ("s3:PutObject", f"arn:aws:s3:::{BUCKET}/runs/e/evaluation/x")
    for context, right in (
        ({}, True),
        ({algorithm: "aws:kms", key: "alias/asusu"}, True),
        ({algorithm: "AES256"}, False),
        ({algorithm: "aws:kms", key: f"arn:aws:kms:{HERE}:key/another"}, False),
        ({"s3:x-amz-server-side-encryption-customer-algorithm": "AES256"}, False),
    ):
        if policies.allows("asusu-evaluate", *target, context) != right:
            yield f"platform.BucketPolicy: {'refuses' if right else 'takes'} {context}"


@rule
def fixed_images(resources: list[Resource], _: Policies) -> Findings:
    """A tag stays what it was, every image is scanned, and only untagged ones go."""
    for repository in of_type(resources, "AWS::ECR::Repository"):
        properties = repository.properties
        if properties.get("ImageTagMutability") != "IMMUTABLE":
            yield f"{repository.where}: a tag may be moved"
        if properties.get("ImageScanningConfiguration") != {"ScanOnPush": True}:
            yield f"{repository.where}: images are not scanned"
        for row in json.loads(properties["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]:
            if row["selection"]["tagStatus"] != "untagged":
                yield f"{repository.where}: images with a tag end"


@rule
def real_events(resources: list[Resource], _: Policies) -> Findings:
    """A rule waits for an event that exists, of our own pipelines, and may call what it targets."""
    allowed = {row.properties["SourceArn"] for row in of_type(resources, "AWS::Lambda::Permission")}
    for row in of_type(resources, "AWS::Events::Rule"):
        pattern = row.properties["EventPattern"]
        for kind in pattern.get("detail-type", [""]):
            if kind not in EVENTS:
                yield f"{row.where}: there is no event {kind!r}"
            elif unknown := pattern.get("detail", {}).keys() - EVENTS[kind]:
                yield f"{row.where}: {kind} has no {', '.join(sorted(unknown))}"
        if pattern.get("source") != ["aws.sagemaker"]:
            yield f"{row.where}: waits for another source"
        if not {"ModelPackageGroupName", "pipelineArn"} & pattern.get("detail", {}).keys():
            yield f"{row.where}: wakes up for other people's models"
        if f"arn:aws:events:{HERE}:rule/{row.name}" not in allowed:
            yield f"{row.where}: may not call its target"


@rule
def topics_with_our_key(resources: list[Resource], _: Policies) -> Findings:
    """A topic under the service's own key takes nothing from alarms; under none it is not encrypted."""
    for row in of_type(resources, "AWS::SNS::Topic"):
        if not str(row.properties.get("KmsMasterKeyId", "")).startswith(f"arn:aws:kms:{HERE}:key/"):
            yield f"{row.where}: is under {row.properties.get('KmsMasterKeyId', 'no key')}"


@rule
def functions_that_exist(resources: list[Resource], _: Policies) -> Findings:
    """A function's handler is in the sources, and its log ends."""
    groups = {row.properties["LogGroupName"]: row for row in of_type(resources, "AWS::Logs::LogGroup")}
    for row in of_type(resources, "AWS::Lambda::Function"):
        module, _, name = row.properties["Handler"].rpartition(".")
        file = FOLDER / row.properties["Code"] / f"{module.replace('.', '/')}.py"
        if not file.is_file() or f"def {name}(" not in file.read_text(encoding="utf-8"):
            yield f"{row.where}: there is no {row.properties['Handler']}"
        log = groups.get(row.properties.get("LoggingConfig", {}).get("LogGroup"))
        if log is None or "RetentionInDays" not in log.properties:
            yield f"{row.where}: its log is kept for ever"


@rule
def alarms_that_can_ring(resources: list[Resource], _: Policies) -> Findings:
    """The service takes a day at most (a week from hourly periods) and no SEARCH; metrics have the dimensions asked for."""
    for row in of_type(resources, "AWS::CloudWatch::Alarm"):
        properties = row.properties
        period, times = properties.get("Period", 300), properties["EvaluationPeriods"]
        if period * times > (DAY if period < 3600 else 7 * DAY):
            yield f"{row.where}: looks back {period * times} seconds"
        if any("SEARCH" in str(metric.get("Expression", "")) for metric in properties.get("Metrics", [])):
            yield f"{row.where}: searches"
        if not properties.get("AlarmActions") or "TreatMissingData" not in properties:
            yield f"{row.where}: tells nobody, or does not say what silence means"
        asked = {dimension["Name"] for dimension in properties.get("Dimensions", [])}
        if "Namespace" in properties and asked not in METRICS.get(properties["Namespace"], []):
            yield f"{row.where}: {properties['Namespace']} has nothing under {', '.join(sorted(asked))}"


@rule
def dashboards_of_json(resources: list[Resource], _: Policies) -> Findings:
    """The body is JSON, which no linter looks into."""
    for row in of_type(resources, "AWS::CloudWatch::Dashboard"):
        try:
            json.loads(row.properties["DashboardBody"])
        except ValueError as error:
            yield f"{row.where}: {error}"


@rule
def metric_filters_that_work(resources: list[Resource], _: Policies) -> Findings:
    """The service refuses a default value beside dimensions."""
    for row in of_type(resources, "AWS::Logs::MetricFilter"):
        for made in row.properties["MetricTransformations"]:
            if made.get("Dimensions") and "DefaultValue" in made:
                yield f"{row.where}: {made['MetricName']} has both dimensions and a default value"
