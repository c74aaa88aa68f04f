"""What each role is granted, and what it is denied for good. A right that a template gives anew must be written down here.

Actions are compared as they are, since one more can be a way to every other: IAM's, a function's code, a bucket's policy.
Where in the bucket an action reaches is the second table.
"""

from __future__ import annotations

from tests.infra.policies import Context, Policies
from tests.infra.rules import Findings, rule
from tests.infra.templates import ACCOUNT, BUCKET, HERE, Resource

Words = frozenset[str]


def named(service: str, names: str) -> Words:
    """Actions of one service."""
    return frozenset(f"{service}:{name}" for name in names.split())


SEND = named("s3", "AbortMultipartUpload ListMultipartUploadParts PutObject")
PULL = named("ecr", "BatchCheckLayerAvailability BatchGetImage GetDownloadUrlForLayer")
JOB = (
    named("cloudwatch", "PutMetricData")
    | named("ecr", "GetAuthorizationToken")
    | PULL
    | named("kms", "Decrypt DescribeKey Encrypt GenerateDataKey")
    | named("logs", "CreateLogGroup CreateLogStream DescribeLogStreams PutLogEvents")
    | named("s3", "GetObject ListBucket")
    | SEND
)
READ = (
    named("cloudwatch", "GetMetricData ListMetrics")
    | named("kms", "Decrypt DescribeKey")
    | named("logs", "DescribeLogStreams FilterLogEvents GetLogEvents")
    | named("s3", "GetBucketLocation GetBucketVersioning GetEncryptionConfiguration GetObject ListBucket")
    | named("sagemaker", "DescribeModelPackage DescribeModelPackageGroup ListModelPackageGroups ListModelPackages")
    | named("sagemaker", "DescribePipeline DescribePipelineDefinitionForExecution DescribePipelineExecution")
    | named("sagemaker", "ListPipelines ListPipelineExecutions ListPipelineExecutionSteps ListPipelineVersions")
    | named("sagemaker", "DescribeProcessingJob DescribeTrainingJob ListProcessingJobs ListTrainingJobs")
    | named("sagemaker", "ListPipelineParametersForExecution ListTags")
)
LOOK = (
    named("cloudformation", "DescribeStacks")
    | named("ecr", "BatchGetImage DescribeImages DescribeImageScanFindings DescribeRepositories")
    | named("iam", "GetRole SimulatePrincipalPolicy")
    | named("pricing", "GetProducts")
    | named("servicequotas", "GetServiceQuota ListServiceQuotas")
)
PUBLISH = (
    named("kms", "Decrypt DescribeKey GenerateDataKey")
    | named("s3", "GetObject ListBucket ListBucketMultipartUploads")
    | SEND
)
FUNCTION = (
    named("kms", "Decrypt GenerateDataKey")
    | named("logs", "CreateLogStream PutLogEvents")
    | named("sagemaker", "DescribeModelPackage")
    | named("sns", "Publish")
)
GRANTED: dict[str, Words] = {
    "asusu-pipeline": named("iam", "PassRole")
    | named("kms", "Decrypt DescribeKey")
    | named("s3", "GetObject")
    | named("sagemaker", "CreateProcessingJob DescribeProcessingJob StopProcessingJob AddTags ListTags")
    | named("sagemaker", "CreateTrainingJob DescribeTrainingJob StopTrainingJob")
    | named("sagemaker", "CreateExperiment DescribeExperiment CreateTrial DescribeTrial AssociateTrialComponent")
    | named("sagemaker", "CreateTrialComponent DescribeTrialComponent UpdateTrialComponent")
    | named("sagemaker", "CreateModelPackage DescribeModelPackage DescribeModelPackageGroup"),
    "asusu-prepare": JOB | named("kms", "CreateGrant"),
    "asusu-train": JOB | named("s3", "DeleteObject"),
    "asusu-evaluate": JOB,
    "asusu-stage-base-model": PUBLISH | named("secretsmanager", "GetSecretValue"),
    "asusu-publish-corpus": PUBLISH,
    "asusu-deploy": READ
    | LOOK
    | PULL
    | SEND
    | named("ecr", "CompleteLayerUpload GetAuthorizationToken InitiateLayerUpload PutImage UploadLayerPart")
    | named("iam", "PassRole")
    | named("kms", "GenerateDataKey")
    | named("sagemaker", "AddTags CreatePipeline DeleteTags UpdatePipeline"),
    "asusu-operator": READ
    | LOOK
    | named("sagemaker", "RetryPipelineExecution StartPipelineExecution StopPipelineExecution"),
    "asusu-approver": READ | named("sagemaker", "UpdateModelPackage"),
    "asusu-champion": FUNCTION
    | SEND - named("s3", "ListMultipartUploadParts")
    | named("s3", "DeleteObject GetObject ListBucket")
    | named("sagemaker", "ListModelPackages"),
    "asusu-notice": FUNCTION | named("sagemaker", "DescribePipelineExecution ListPipelineExecutionSteps"),
}

READERS = ("asusu-deploy", "asusu-operator", "asusu-approver")
DEPLOYING = "deploy operator"
PLACES: dict[str, tuple[str, str, str]] = {  # an object: who reads, who writes, who deletes it
    "corpora/a/x.tsv": (f"prepare publish-corpus {DEPLOYING}", "publish-corpus", ""),
    "base-models/a/manifest.json": (
        f"prepare train evaluate stage-base-model {DEPLOYING}",
        "stage-base-model",
        "",
    ),
    "base-models/a/model/x": (f"train evaluate stage-base-model {DEPLOYING}", "stage-base-model", ""),
    "runs/e/preflight/x": ("operator approver", "prepare", ""),
    "runs/e/splits/x": ("prepare evaluate operator approver", "prepare", ""),
    "runs/e/data-report/x": ("evaluate operator approver", "prepare", ""),
    "runs/e/tokens/x": ("train evaluate operator approver", "prepare", ""),
    "runs/e/evaluation/x": ("pipeline operator approver", "evaluate", ""),
    "runs/e/bundle/x": ("champion operator approver", "evaluate", ""),
    "checkpoints/e/x": ("train operator", "train", "train"),
    "checkpoints/e/seal.json": ("train operator approver", "train", "train"),
    "checkpoints/none/x": ("train operator", "", ""),
    "checkpoints/none/none.json": (
        f"train stage-base-model publish-corpus {DEPLOYING}",
        "stage-base-model publish-corpus",
        "",
    ),
    "canary-checkpoints/e/x": ("train operator", "train", "train"),
    "training/e/x": ("train evaluate approver", "train", ""),
    "champion/asusu-igbo/x": (f"evaluate champion approver {DEPLOYING}", "champion", "champion"),
    "champion/asusu-igbo/none.json": (
        f"evaluate champion approver stage-base-model publish-corpus {DEPLOYING}",
        "champion stage-base-model publish-corpus",
        "champion",
    ),
    "pipelines/asusu-igbo/x": (DEPLOYING, "deploy", ""),
    "functions/x": ("", "", ""),
    "elsewhere/x": ("", "", ""),
}

PACKAGE = f"arn:aws:sagemaker:{HERE}:model-package/asusu-igbo/1"
PIPELINE = f"arn:aws:sagemaker:{HERE}:pipeline/asusu-igbo"
JOB_ARN = f"arn:aws:sagemaker:{HERE}:training-job/x"
APPROVED = {"sagemaker:ModelApprovalStatus": "Approved"}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/"
Request = tuple[str, str, Context]
REGISTER: Request = ("sagemaker:CreateModelPackage", PACKAGE, APPROVED)
DECIDE: Request = ("sagemaker:UpdateModelPackage", PACKAGE, APPROVED)
DELETE: Request = ("sagemaker:DeleteModelPackage", PACKAGE, {})
STARTING: list[Request] = [(f"sagemaker:{verb}PipelineExecution", PIPELINE, {}) for verb in ("Start", "Retry")]
CHANGING: list[Request] = [(f"sagemaker:{verb}Pipeline", PIPELINE, {}) for verb in ("Create", "Update")]
JOBS: list[Request] = [(f"sagemaker:Create{kind}Job", JOB_ARN, {}) for kind in ("Processing", "Training")]
PASSING: list[Request] = [("iam:PassRole", f"{ROLE}{name}", {}) for name in ("asusu-train", "administrator")]
TAKING: Request = ("sts:AssumeRole", f"{ROLE}asusu-approver", {})
DENIED: dict[str, list[Request]] = {  # also where somebody attaches a policy that allows everything
    "asusu-pipeline": [REGISTER, DECIDE, DELETE],
    "asusu-train": [
        (f"s3:{verb}Object", f"arn:aws:s3:::{BUCKET}/checkpoints/none/none.json", {}) for verb in ("Put", "Delete")
    ],
    "asusu-deploy": [REGISTER, DECIDE, DELETE, *STARTING, *JOBS, *PASSING, TAKING],
    "asusu-operator": [REGISTER, DECIDE, DELETE, *CHANGING, *JOBS, *PASSING, TAKING],
    "asusu-approver": [REGISTER, DELETE, *STARTING, *CHANGING, *JOBS, *PASSING, TAKING],
}


@rule
def granted_actions(_: list[Resource], policies: Policies) -> Findings:
    """Every role may do what is written above: nothing more, nothing less."""
    for role, rows in policies.roles.items():
        found = {action for row in rows if not row.denies for action in row.actions}
        known = GRANTED.get(role, frozenset())
        yield from (f"{role}: may {action}, which nobody wrote down" for action in sorted(found - known))
        yield from (f"{role}: may not {action}" for action in sorted(known - found))
    yield from (f"{role}: is gone" for role in GRANTED.keys() - policies.roles.keys())


@rule
def places_of_objects(_: list[Resource], policies: Policies) -> Findings:
    """Who reads, writes and deletes what in the bucket."""
    for key, (readers, writers, deleters) in PLACES.items():
        for verb, names in (("Get", readers), ("Put", writers), ("Delete", deleters)):
            who = {f"asusu-{name}" for name in names.split()}
            asked = (f"s3:{verb}Object", f"arn:aws:s3:::{BUCKET}/{key}")
            found = {role for role in policies.roles if policies.allows(role, *asked)}
            yield from (f"{role}: may {verb} {key}" for role in sorted(found - who))
            yield from (f"{role}: may not {verb} {key}" for role in sorted(who - found))


@rule
def lists_of_a_prefix(_: list[Resource], policies: Policies) -> Findings:
    """Only who may read what everybody may sees the whole bucket; others list below their own prefixes."""
    asked = ("s3:ListBucket", f"arn:aws:s3:::{BUCKET}")
    for role in policies.roles:
        may = policies.allows(role, *asked) or policies.allows(role, *asked, {"s3:prefix": "elsewhere/"})
        if may != (role in READERS):
            yield f"{role}: {'lists' if may else 'may not list'} the whole bucket"


@rule
def denied_for_good(_: list[Resource], policies: Policies) -> Findings:
    """A policy that allows everything, attached later, does not undo the separation of duties."""
    for role, requests in DENIED.items():
        for action, resource, context in requests:
            if not policies.denies(role, action, resource, context):
                yield f"{role}: nothing denies {action} on {resource.rsplit(':', 1)[-1]}"
