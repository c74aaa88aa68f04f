"""What each person may do, verb by verb: a table of the rights that the commands need, and who has them."""

from __future__ import annotations

import ast
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

from tests.infra.policies import Context, Policies
from tests.infra.templates import BUCKET, HERE, read, resolve

PEOPLE = (
    "asusu-stage-base-model",
    "asusu-publish-corpus",
    "asusu-deploy",
    "asusu-operator",
    "asusu-approver",
)
READERS = {"asusu-deploy", "asusu-operator", "asusu-approver"}
PIPELINE = f"arn:aws:sagemaker:{HERE}:pipeline/asusu-igbo"
RUN = f"{PIPELINE}/execution/abc123"
PACKAGE = f"arn:aws:sagemaker:{HERE}:model-package/asusu-igbo/3"
JOB = f"arn:aws:sagemaker:{HERE}:training-job/pipelines-abc123-TrainLora-x"
KEY = f"arn:aws:kms:{HERE}:key/0000-key"
LOG = f"arn:aws:logs:{HERE}:log-group:/aws/sagemaker/TrainingJobs"
PUSH = (
    "BatchCheckLayerAvailability",
    "BatchGetImage",
    "CompleteLayerUpload",
    "InitiateLayerUpload",
    "PutImage",
    "UploadLayerPart",
)
PULL = ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer")
AWS_IMAGES = "000000000000:repository/pytorch-training"  # what the training image stands on
OPERATIONS = {  # of S3: what its calls ask for
    "get_bucket_encryption": "GetEncryptionConfiguration",
    "head_bucket": "ListBucket",
    "head_object": "GetObject",
    "list_objects_v2": "ListBucket",
    "create_multipart_upload": "PutObject",
    "upload_part": "PutObject",
    "complete_multipart_upload": "PutObject",
    "list_parts": "ListMultipartUploadParts",
    "list_multipart_uploads": "ListBucketMultipartUploads",
}
PREFIXES = {"service-quotas": "servicequotas"}  # of actions, where they differ from the service's name
ROOM = Path(__file__).resolve().parents[2] / "pipeline" / "aws"
Right = tuple[str, str] | tuple[str, str, Context]


def thing(key: str) -> str:
    """ARN of an object in the bucket."""
    return f"arn:aws:s3:::{BUCKET}/{key}"


def listing(prefix: str) -> Right:
    """To list below a prefix."""
    return ("s3:ListBucket", f"arn:aws:s3:::{BUCKET}", {"s3:prefix": prefix})


VERBS: dict[str, tuple[set[str], list[Right]]] = {
    "publish a corpus": (
        {"asusu-publish-corpus"},
        [
            listing("corpora/a/"),
            ("s3:ListBucketMultipartUploads", f"arn:aws:s3:::{BUCKET}"),
            ("s3:PutObject", thing("corpora/a/data/x.tsv")),
            ("s3:GetObject", thing("corpora/a/manifest.json")),
            ("s3:AbortMultipartUpload", thing("corpora/a/data/x.tsv")),
            ("kms:GenerateDataKey", KEY),
        ],
    ),
    "publish a base model": (
        {"asusu-stage-base-model"},
        [
            listing("base-models/a/"),
            ("s3:PutObject", thing("base-models/a/model/model.safetensors")),
            ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{HERE}:secret:asusu/hub-token-AbCdEf"),
        ],
    ),
    "publish nothing as champion and checkpoint": (
        {"asusu-publish-corpus", "asusu-stage-base-model"},
        [
            ("s3:PutObject", thing("champion/asusu-igbo/none.json")),
            ("s3:PutObject", thing("checkpoints/none/none.json")),
            listing("champion/asusu-igbo/"),
        ],
    ),
    "plan": (  # what is deployed, and the records of who deployed it from which code
        {"asusu-deploy", "asusu-operator"},
        [
            ("sagemaker:DescribePipeline", PIPELINE),
            ("sagemaker:ListTags", PIPELINE),
            listing("pipelines/asusu-igbo/records/"),
            ("s3:GetObject", thing("pipelines/asusu-igbo/records/00000001.json")),
            ("s3:GetObject", thing("pipelines/asusu-igbo/definitions/1f.json")),
            ("kms:Decrypt", KEY),
        ],
    ),
    "push images": (
        {"asusu-deploy"},
        [
            ("ecr:GetAuthorizationToken", "*"),
            *((f"ecr:{verb}", f"arn:aws:ecr:{HERE}:repository/asusu-train") for verb in PUSH),
            *((f"ecr:{verb}", f"arn:aws:ecr:{HERE.split(':')[0]}:{AWS_IMAGES}") for verb in PULL),
        ],
    ),
    "upsert and roll back": (
        {"asusu-deploy"},
        [
            ("sagemaker:CreatePipeline", PIPELINE),
            ("sagemaker:UpdatePipeline", PIPELINE),
            ("sagemaker:AddTags", PIPELINE),
            ("iam:PassRole", "arn:aws:iam::123456789012:role/asusu-pipeline"),
            ("s3:PutObject", thing("pipelines/asusu-igbo/definition.json")),
            ("s3:GetObject", thing("pipelines/asusu-igbo/definition.json")),
            listing("pipelines/asusu-igbo/"),
            ("kms:GenerateDataKey", KEY),
        ],
    ),
    "preflight and doctor": (
        {"asusu-deploy", "asusu-operator"},
        [
            ("servicequotas:ListServiceQuotas", "*"),
            ("servicequotas:GetServiceQuota", "*"),
            ("pricing:GetProducts", "*"),
            ("cloudformation:DescribeStacks", f"arn:aws:cloudformation:{HERE}:stack/asusu-platform/1a2b"),
            ("ecr:DescribeImages", f"arn:aws:ecr:{HERE}:repository/asusu-train"),
            ("iam:GetRole", "arn:aws:iam::123456789012:role/asusu-train"),
            ("iam:SimulatePrincipalPolicy", "arn:aws:iam::123456789012:role/asusu-pipeline"),
            ("kms:DescribeKey", KEY),
            ("s3:GetObject", thing("corpora/a/manifest.json")),
            ("s3:GetObject", thing("base-models/a/manifest.json")),
            ("s3:GetBucketVersioning", f"arn:aws:s3:::{BUCKET}"),
            ("sagemaker:DescribeModelPackageGroup", f"arn:aws:sagemaker:{HERE}:model-package-group/asusu-igbo"),
        ],
    ),
    "start, stop and resume": (
        {"asusu-operator"},
        [
            ("sagemaker:StartPipelineExecution", PIPELINE),
            ("sagemaker:StopPipelineExecution", RUN),
            ("sagemaker:RetryPipelineExecution", RUN),
        ],
    ),
    "watch and explain": (
        {*READERS},
        [
            ("sagemaker:ListPipelineExecutions", PIPELINE),
            ("sagemaker:DescribePipelineExecution", RUN),
            ("sagemaker:ListPipelineExecutionSteps", RUN),
            ("sagemaker:ListPipelineParametersForExecution", RUN),
            ("sagemaker:DescribePipelineDefinitionForExecution", RUN),
            ("sagemaker:DescribeTrainingJob", JOB),
            ("cloudwatch:GetMetricData", "*"),
            ("logs:FilterLogEvents", LOG),
            ("logs:GetLogEvents", f"{LOG}:log-stream:job/algo-1"),
            ("logs:DescribeLogStreams", LOG),
        ],
    ),
    "look at checkpoints": (
        {"asusu-operator"},
        [listing("checkpoints/abc123/"), ("s3:GetObject", thing("checkpoints/abc123/checkpoint-9/trainer_state.json"))],
    ),
    "read the registry": (
        {*READERS},
        [
            ("sagemaker:ListModelPackageGroups", "*"),
            ("sagemaker:ListModelPackages", f"arn:aws:sagemaker:{HERE}:model-package-group/asusu-igbo"),
            ("sagemaker:DescribeModelPackage", PACKAGE),
        ],
    ),
    "review": (
        {"asusu-approver"},
        [
            ("s3:GetObject", thing("runs/abc123/evaluation/evaluation.json")),
            ("s3:GetObject", thing("training/abc123/job/output/model.tar.gz")),
            ("s3:GetObject", thing("runs/abc123/bundle/model.tar.gz")),
            listing("checkpoints/abc123/"),
            ("s3:GetObject", thing("checkpoints/abc123/checkpoint-9/seal.json")),
            ("sagemaker:DescribeTrainingJob", JOB),
            ("sagemaker:DescribePipelineExecution", RUN),
            ("kms:Decrypt", KEY),
        ],
    ),
    "approve": (
        {"asusu-approver"},
        [("sagemaker:UpdateModelPackage", PACKAGE, {"sagemaker:ModelApprovalStatus": "Approved"})],
    ),
    "reject": (
        {"asusu-approver"},
        [("sagemaker:UpdateModelPackage", PACKAGE, {"sagemaker:ModelApprovalStatus": "Rejected"})],
    ),
}
NOBODY: list[Right] = [
    ("sagemaker:UpdateModelPackage", PACKAGE, {"sagemaker:ModelApprovalStatus": "PendingManualApproval"}),
    ("sagemaker:DeletePipeline", PIPELINE),
    ("sagemaker:CreateTrainingJob", JOB),
    ("sagemaker:StartPipelineExecution", f"arn:aws:sagemaker:{HERE}:pipeline/another-teams"),
    ("s3:DeleteObject", thing("checkpoints/abc123/checkpoint-9/seal.json")),
    ("s3:DeleteObject", thing("corpora/a/manifest.json")),
    ("s3:PutObject", thing("champion/asusu-igbo/adapter/adapter_model.safetensors")),
    ("s3:PutObject", thing("training/abc123/job/output/model.tar.gz")),
    ("s3:PutObject", thing("runs/abc123/bundle/model.tar.gz")),
    ("s3:PutObject", thing("runs/abc123/evaluation/evaluation.json")),
    ("s3:PutObject", thing("functions/code.zip")),
    ("s3:PutBucketPolicy", f"arn:aws:s3:::{BUCKET}"),
    ("kms:ScheduleKeyDeletion", KEY),
    ("iam:PassRole", "arn:aws:iam::123456789012:role/asusu-train"),
]


@pytest.fixture(scope="module")
def policies() -> Policies:
    return Policies(resolve(read()))


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_is_for_those_who_have_all_its_rights(policies: Policies, verb: str) -> None:
    who, rights = VERBS[verb]
    lacking = {role: [right for right in rights if not policies.allows(role, *right)] for role in PEOPLE}
    assert {role for role, rights in lacking.items() if not rights} == who, lacking


@pytest.mark.parametrize("right", NOBODY, ids=lambda right: f"{right[0]} {right[1].rsplit(':', 1)[-1]}")
def test_what_no_person_does(policies: Policies, right: Right) -> None:
    assert not [role for role in PEOPLE if policies.allows(role, *right)]


def test_nothing_is_read_or_written_without_tls(policies: Policies) -> None:
    plain = {"aws:SecureTransport": "false"}
    assert not policies.allows("asusu-operator", "s3:GetObject", thing("runs/abc123/x/y"), plain)
    assert policies.allows("asusu-operator", "s3:GetObject", thing("runs/abc123/x/y"))


def called() -> set[str]:
    """The actions that the calls in pipeline/aws need, from the names of the services' operations."""
    tree = [node for file in ROOM.rglob("*.py") for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))]
    names = {node.attr for node in tree if isinstance(node, ast.Attribute)}
    names |= {
        node.value for node in tree if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }  # paginators
    session = botocore.session.get_session()
    actions = set()
    for service in ("cloudformation", "ecr", "iam", "kms", "logs", "pricing", "s3", "sagemaker", "service-quotas"):
        for operation in session.get_service_model(service).operation_names:
            if "_" in (name := xform_name(operation)) and name in names:  # one word may be anybody's method
                meant = OPERATIONS.get(name, operation) if service == "s3" else operation
                actions.add(f"{PREFIXES.get(service, service)}:{meant}")
    return actions


def test_somebody_may_make_each_call_that_the_commands_make(policies: Policies) -> None:
    granted = {action for role in PEOPLE for row in policies.roles[role] if not row.denies for action in row.actions}
    wanted = called()
    assert {"s3:ListBucket", "sagemaker:StartPipelineExecution", "ecr:DescribeImages"} <= wanted
    assert not wanted - granted
