"""What `make infra` asks of the AWS command line: infra/deploy.sh itself, with an `aws` before it that writes down each call."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.aws.preflight.deployment import STACKS
from pipeline.settings import Settings, environment_names, load
from tests.infra.policies import Context, Policies
from tests.infra.templates import ACCOUNT, BUCKET, FOLDER, read, resolve

AWS = """#!/bin/sh
printf '%s\\t' "$@" >> "$CALLS"
echo >> "$CALLS"
[ "$1" != sts ] || echo {account}
case "${{MISSING:-}} " in *"$2 "*) exit 254 ;; esac
"""
IN_ACCOUNTS = [name for name in environment_names() if name != "local"]


@dataclass(frozen=True)
class Deployment:
    """A copy of what the script reads, where environments may be changed."""

    folder: Path

    @property
    def environments(self) -> Path:
        return self.folder / "pipeline" / "environments"

    def edited(self, name: str, pattern: str, put: str) -> None:
        """Write the environment `name`: production's file with something else in it."""
        text, count = re.subn(pattern, put, (self.environments / "production.yaml").read_text(encoding="utf-8"))
        assert count
        (self.environments / f"{name}.yaml").write_text(text, encoding="utf-8")

    def run(self, environment: str, **variables: str) -> tuple[subprocess.CompletedProcess[str], list[list[str]]]:
        """How it ended, and the arguments of each call of `aws`."""
        calls = self.folder / "calls"
        calls.write_text("")
        around = {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "CALLS": str(calls),
            "ENVIRONMENT": environment,
        }
        ended = subprocess.run(
            [self.folder / "infra" / "deploy.sh"], env=around | variables, capture_output=True, text=True, check=False
        )
        return ended, [line.rstrip("\t").split("\t") for line in calls.read_text().splitlines()]


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    shutil.copytree(FOLDER, tmp_path / "infra", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(FOLDER.parent / "pipeline" / "environments", tmp_path / "pipeline" / "environments")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "aws").write_text(AWS.format(account=ACCOUNT))
    (tmp_path / "bin" / "aws").chmod(0o755)
    return Deployment(tmp_path)


def option(call: list[str], name: str) -> str:
    """What is given for an option, empty where it is not given."""
    return call[call.index(name) + 1] if name in call else ""


def deployments(calls: list[list[str]]) -> list[list[str]]:
    """The calls that deploy a stack."""
    return [call for call in calls if call[:2] == ["cloudformation", "deploy"]]


def parameters(calls: list[list[str]], stack: str) -> dict[str, str]:
    """The parameters that a stack is given."""
    call = next(call for call in deployments(calls) if option(call, "--stack-name") == stack)
    given = call[call.index("--parameter-overrides") + 1 :] if "--parameter-overrides" in call else []
    return dict(row.split("=", 1) for row in given)


def refused(context: Context) -> bool:
    """Whether the bucket's policy denies an upload of the functions' code."""
    asked = ("s3:PutObject", f"arn:aws:s3:::{BUCKET}/functions/code.zip", {"aws:SecureTransport": "true", **context})
    return any(row.denies and row.applies(*asked) for row in Policies(resolve(read())).buckets)


def test_the_functions_are_uploaded_as_the_bucket_takes_them(deployment: Deployment) -> None:
    _, calls = deployment.run("production")
    package = next(call for call in calls if call[:2] == ["cloudformation", "package"])
    algorithm, named = "s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id"
    assert option(package, "--s3-bucket") == BUCKET
    key = option(package, "--kms-key-id")
    assert key == load("production", {"account": ACCOUNT}).kms_key
    assert not refused({algorithm: "aws:kms", named: key})
    assert refused({algorithm: "AES256"}), "what the command line sends where no key is named"


def test_every_stack_is_deployed_and_in_the_order_in_which_they_need_each_other(deployment: Deployment) -> None:
    ended, calls = deployment.run("staging", EMAIL="ada@example.org")
    assert ended.returncode == 0, ended.stderr
    assert tuple(option(call, "--stack-name") for call in deployments(calls)) == STACKS
    assert parameters(calls, "asusu-operations") == {"Environment": "staging", "Email": "ada@example.org"}


@pytest.mark.parametrize("name", IN_ACCOUNTS)
def test_region_and_longest_training_are_those_of_the_environment(deployment: Deployment, name: str) -> None:
    settings = load(name, {"account": ACCOUNT})
    _, calls = deployment.run(name)
    assert {option(call, "--region") for call in calls} == {settings.region}
    assert parameters(calls, "asusu-job-roles") == {"MaxTrainingSeconds": str(settings.max_runtime_hours * 3600)}


def test_the_environments_region_wins_over_the_shells(deployment: Deployment) -> None:
    deployment.edited("west", "us-east-1", "eu-west-1")
    _, calls = deployment.run("west", AWS_REGION="us-west-2", AWS_DEFAULT_REGION="us-west-2")
    assert {option(call, "--region") for call in calls} == {"eu-west-1"}
    assert option(calls[-2], "--s3-bucket") == f"asusu-{ACCOUNT}-eu-west-1"


@pytest.mark.parametrize(
    ("pattern", "put", "hours"),
    [
        ("max_runtime_hours: 120", "max_runtime_hours: 168", 168),
        (r"max_runtime_hours: 120.*\n", "", Settings.model_fields["max_runtime_hours"].default),
        ("region: us-east-1 ", 'region: "us-east-1" ', 120),
    ],
    ids=["longer", "the default", "quoted region"],
)
def test_a_file_of_ones_own_is_read_as_the_settings_read_it(
    deployment: Deployment, pattern: str, put: str, hours: int
) -> None:
    deployment.edited("mine", pattern, put)
    ended, calls = deployment.run("mine")
    assert ended.returncode == 0, ended.stderr
    assert parameters(calls, "asusu-job-roles") == {"MaxTrainingSeconds": str(hours * 3600)}
    assert {option(call, "--region") for call in calls} == {"us-east-1"}


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ("local", "has no account"),
        ("productoin", "there is no environment productoin"),
        ("mine.yaml", "is not a name"),
        ("../../elsewhere/mine", "is not a name"),
        ("Production", "is not a name"),
    ],
)
def test_what_is_no_environment_is_refused_before_anything_is_asked(
    deployment: Deployment, environment: str, said: str
) -> None:
    ended, calls = deployment.run(environment)
    assert (ended.returncode, calls) == (2, [])
    assert said in ended.stderr


@pytest.mark.parametrize(
    ("given", "passed"), [("", {}), ("false", {"ApproverMfa": "false"}), ("true", {"ApproverMfa": "true"})]
)
def test_whether_approving_asks_for_a_second_factor_is_passed_on_and_otherwise_left(
    deployment: Deployment, given: str, passed: dict[str, str]
) -> None:
    ended, calls = deployment.run("production", MFA=given)
    assert ended.returncode == 0, ended.stderr
    assert parameters(calls, "asusu-people-roles") == passed
    assert set(passed) <= read()["people-roles"]["Parameters"].keys()


def test_a_second_factor_that_is_neither_true_nor_false_is_refused(deployment: Deployment) -> None:
    ended, calls = deployment.run("production", MFA="no")
    assert (ended.returncode, calls) == (2, [])
    assert "MFA=no is neither true nor false" in ended.stderr


def test_a_second_region_of_an_account_is_refused_before_anything_is_made(deployment: Deployment) -> None:
    ended, calls = deployment.run("production", MISSING="describe-stacks")
    assert ended.returncode == 2
    assert f"account {ACCOUNT} has the role asusu-pipeline, and no stack asusu-job-roles in us-east-1" in ended.stderr
    assert not deployments(calls)


def test_a_new_account_has_neither_the_roles_nor_the_stack(deployment: Deployment) -> None:
    ended, calls = deployment.run("production", MISSING="get-role describe-stacks")
    assert ended.returncode == 0, ended.stderr
    assert len(deployments(calls)) == len(STACKS)


@pytest.mark.parametrize(
    ("pattern", "put", "said"),
    [("region: us-east-1", "place: us-east-1", "names no region"), ("hours: 120", "hours: soon", "whole hours")],
)
def test_a_file_that_does_not_say_enough_is_refused_before_anything_is_asked(
    deployment: Deployment, pattern: str, put: str, said: str
) -> None:
    deployment.edited("mine", pattern, put)
    ended, calls = deployment.run("mine")
    assert (ended.returncode, calls) == (2, [])
    assert said in ended.stderr
