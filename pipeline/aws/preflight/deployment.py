"""What the infrastructure and the first deployment leave in an account, for `asusu doctor`: stacks, repositories, pipeline."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError

from pipeline.aws.preflight.account import check_platform
from pipeline.aws.preflight.asking import answers, found
from pipeline.aws.session import Account, explained
from pipeline.lint.images import REMEDY
from pipeline.preflight.check import Check
from pipeline.settings import Settings

STACKS = ("asusu-platform", "asusu-job-roles", "asusu-people-roles", "asusu-operations")  # as infra/deploy.sh has them
STUCK = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")  # not to be updated any more
GOOD = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")


def check_deployment(account: Account, chosen: Settings, pipeline: str) -> list[Check]:
    """Everything that `make infra`, `make push-images`, `asusu publish` and `asusu upsert` leave, in that order."""
    return [
        *answers("stacks", "cloudformation:DescribeStacks", lambda: check_stacks(account)),
        *check_platform(account, chosen, [pipeline]),
        *answers("repositories", "ecr:DescribeRepositories", lambda: check_repositories(account, chosen)),
        *answers("pipeline", "sagemaker:DescribePipeline", lambda: check_pipeline(account, pipeline)),
    ]


def check_stacks(account: Account) -> Iterator[Check]:
    """A row for each stack of the infrastructure."""
    client = account.client("cloudformation")
    for name in STACKS:
        with explained(f"looking at the stack {name}"):
            try:
                state = str(client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])
            except ClientError as error:
                if "does not exist" not in str(error.response.get("Error", {}).get("Message", "")):
                    raise
                state = ""
        if state in GOOD:
            yield Check(f"stack {name}", "ok", state)
        else:
            yield Check(f"stack {name}", "refused", state or "there is none", _remedy(name, state))


def _remedy(name: str, state: str) -> str:
    """What to do about a stack in this state, empty where there is none."""
    if state in STUCK:
        return f"see its events for what failed; aws cloudformation delete-stack --stack-name {name}, then make infra"
    if state == "UPDATE_ROLLBACK_FAILED":
        return f"aws cloudformation continue-update-rollback --stack-name {name}, then make infra"
    if state.endswith("_IN_PROGRESS") and state != "REVIEW_IN_PROGRESS":  # there a change set waits to be carried out
        return "wait until it has ended, then ask again"
    return "make infra"


def check_repositories(account: Account, chosen: Settings) -> Iterator[Check]:
    """A row for each repository that the environment names, in the environment's region."""
    for image in chosen.images.model_dump().values():
        registry, _, rest = str(image).partition("/")
        name = rest.partition("@")[0].partition(":")[0]
        answer = found(
            f"looking at the repository {name}",
            account.client("ecr").describe_repositories,
            registryId=registry.partition(".")[0],
            repositoryNames=[name],
        )
        if answer is None:
            yield Check(f"repository {name}", "refused", "there is none", "make infra")
        elif "@sha256:" not in image:
            yield Check(f"repository {name}", "refused", "there, and no image of it is pinned", REMEDY)
        else:
            yield Check(f"repository {name}", "ok", "there, and an image of it is pinned")


def check_pipeline(account: Account, name: str) -> Iterator[Check]:
    """The pipeline itself; without one everything else can be ready."""
    answer = found(f"looking at the pipeline {name}", account.sagemaker.describe_pipeline, PipelineName=name)
    if answer is None:
        yield Check(f"pipeline {name}", "warning", "not deployed yet", "make upsert-pipeline")
    else:
        yield Check(f"pipeline {name}", "ok", f"{answer['PipelineStatus']}, by {answer['RoleArn']}")
