"""Roles, bucket, key, images and group of an account: there and usable, or said why not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.stub import ANY

from pipeline.aws.preflight import check_platform
from pipeline.aws.preflight.asking import answers
from pipeline.aws.preflight.deployment import STACKS, check_stacks
from pipeline.aws.preflight.images import check_stored_images
from pipeline.aws.preflight.registry import check_groups
from pipeline.aws.preflight.roles import check_passing, check_roles, trusts
from pipeline.aws.preflight.storage import check_bucket, check_key
from pipeline.preflight import Check
from pipeline.preflight.remedies import Remedies
from tests.unit.aws.preflight.conftest import GROUP, KEY_USES, Stand, make_key, make_roles, push, simulation, trust
from tests.unit.preflight.deployed import BUCKET, DIGEST, NUMBER, REGION, REGISTRY, chosen

CALLER = {"Arn": f"arn:aws:sts::{NUMBER}:assumed-role/deploy/ada", "Account": NUMBER, "UserId": "AROAX:ada"}


def by_name(rows: list[Check]) -> dict[str, Check]:
    return {row.name: row for row in rows}


def test_after_the_infrastructure_is_deployed_the_platform_is_there(stand: Stand) -> None:
    stub = stand.iam()
    rows = check_platform(stand.account, stand.settings, [GROUP])
    assert {row.status for row in rows} == {"ok"}
    assert [row.name for row in rows] == [
        "role asusu-pipeline",
        "role asusu-prepare",
        "role asusu-train",
        "role asusu-evaluate",
        f"bucket {BUCKET}",
        "bucket versions",
        "bucket encryption",
        "key alias/asusu",
        "key for asusu-prepare",
        "key for asusu-train",
        "key for asusu-evaluate",
        f"group {GROUP}",
    ]
    stub.assert_no_pending_responses()


def test_in_an_empty_account_everything_is_missing_and_says_what_makes_it(empty: Stand) -> None:
    rows = check_platform(empty.account, empty.settings, [GROUP])
    assert len(rows) == 7
    assert {(row.status, row.fix) for row in rows} == {("refused", "make infra")}


def test_a_role_without_trust_in_the_service_is_refused(empty: Stand) -> None:
    make_roles(empty)
    document = json.dumps(trust("lambda.amazonaws.com"))
    empty.account.client("iam").update_assume_role_policy(RoleName="asusu-train", PolicyDocument=document)
    row = by_name(list(check_roles(empty.account, empty.settings, NUMBER)))["role asusu-train"]
    assert row.status == "refused"
    assert "does not name sagemaker.amazonaws.com" in row.detail


def test_a_role_of_another_path_is_refused_since_its_arn_is_another(empty: Stand) -> None:
    make_roles(empty)
    roles = empty.settings.roles.model_dump() | {"train": f"arn:aws:iam::{NUMBER}:role/team/asusu-train"}
    rows = by_name(list(check_roles(empty.account, chosen(roles=roles), NUMBER)))
    assert rows["role asusu-train"].status == "refused"


@pytest.mark.parametrize(
    ("policy", "status"),
    [
        (trust(), "ok"),
        (trust(StringEquals={"aws:SourceAccount": NUMBER}), "ok"),
        (trust(StringEquals={"aws:SourceAccount": ["000000000000", NUMBER]}), "ok"),
        (trust(StringEquals={"aws:SourceAccount": "000000000000"}), "refused"),
        (trust(ArnLike={"aws:SourceArn": f"arn:aws:sagemaker:{REGION}:{NUMBER}:*"}), "ok"),
        (trust(ArnLike={"aws:SourceArn": f"arn:aws:sagemaker:eu-west-1:{NUMBER}:*"}), "refused"),
        (trust(StringEquals={"aws:SourceAccount": "*"}), "refused"),
        (trust(StringLike={"aws:SourceAccount": "*"}), "ok"),
        (trust(StringEquals={"aws:SourceArn": f"arn:aws:sagemaker:{REGION}:{NUMBER}:*"}), "refused"),
        (trust(StringEquals={"sts:ExternalId": "x"}), "unknown"),
        (trust(StringNotEquals={"aws:SourceAccount": NUMBER}), "unknown"),
        ({"Statement": [trust()["Statement"][0] | {"Effect": "Deny"}]}, "unknown"),
        ({"Statement": trust()["Statement"][0]}, "ok"),
        ({"Statement": [trust()["Statement"][0] | {"Action": "sts:TagSession"}]}, "refused"),
        ({}, "refused"),
    ],
)
def test_a_trust_policy_is_understood_or_said_to_be_unknown(policy: dict[str, Any], status: str) -> None:
    assert trusts(policy, NUMBER, REGION)[0] == status


def test_a_bucket_of_another_region_is_refused(empty: Stand) -> None:
    west = {"LocationConstraint": "eu-west-1"}
    empty.account.client("s3", "eu-west-1").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=west)
    (row,) = check_bucket(empty.account, empty.settings, NUMBER)
    assert row.status == "refused"
    assert "lies in eu-west-1, and the environment is in us-east-1" in row.detail


def test_a_bucket_that_keeps_no_versions_is_a_warning(empty: Stand) -> None:
    empty.account.s3.create_bucket(Bucket=BUCKET)
    rows = by_name(list(check_bucket(empty.account, empty.settings, NUMBER)))
    assert [rows[name].status for name in (f"bucket {BUCKET}", "bucket versions", "bucket encryption")] == [
        "ok",
        "warning",
        "warning",
    ]


def test_a_key_that_is_switched_off_is_refused(empty: Stand) -> None:
    empty.account.client("kms").disable_key(KeyId=make_key(empty))
    (row,) = check_key(empty.account, empty.settings)
    assert (row.status, row.detail) == ("refused", "its state is Disabled, and it is for ENCRYPT_DECRYPT")


@pytest.mark.parametrize(
    ("decision", "status"), [("allowed", "ok"), ("implicitDeny", "unknown"), ("explicitDeny", "refused")]
)
def test_the_use_of_the_key_is_what_iam_simulates(empty: Stand, decision: str, status: str) -> None:
    make_key(empty)
    stub = empty.stub("iam")
    for _ in range(3):
        stub.add_response("simulate_principal_policy", simulation(decision, *KEY_USES))
    rows = by_name(list(check_key(empty.account, empty.settings)))
    assert {row.status for name, row in rows.items() if name.startswith("key for")} == {status}
    stub.assert_no_pending_responses()


def test_a_role_that_may_not_encrypt_is_not_ok_since_training_names_the_key_by_its_alias(empty: Stand) -> None:
    make_key(empty)
    stub = empty.stub("iam")
    answer = simulation("allowed", *KEY_USES)
    answer["EvaluationResults"][-1]["EvalDecision"] = "implicitDeny"
    for _ in range(3):
        stub.add_response("simulate_principal_policy", answer)
    rows = by_name(list(check_key(empty.account, empty.settings)))
    assert (rows["key for asusu-train"].status, rows["key for asusu-train"].fix) == ("unknown", "make infra")


def test_the_group_of_another_recipe_is_made_by_a_command_of_its_own(empty: Stand) -> None:
    ours, other = check_groups(empty.account, [GROUP, "asusu-en-sw"])
    assert (ours.status, ours.fix) == ("refused", "make infra")
    assert other.status == "refused"
    words = Remedies("staging", REGION, "en-sw").aimed(other.fix).split()
    assert words[:5] == ["aws", "sagemaker", "create-model-package-group", "--region", REGION]
    given = dict(zip(words[5::2], words[6::2], strict=True))
    empty.account.sagemaker.create_model_package_group(
        ModelPackageGroupName=given["--model-package-group-name"], Tags=[{"Key": "project", "Value": "asusu"}]
    )
    assert [row.status for row in check_groups(empty.account, ["asusu-en-sw"])] == ["ok"]


@pytest.mark.parametrize(
    ("state", "fix"),
    [
        ("ROLLBACK_COMPLETE", "aws cloudformation delete-stack --stack-name asusu-platform, then make infra"),
        ("ROLLBACK_FAILED", "aws cloudformation delete-stack --stack-name asusu-platform, then make infra"),
        ("UPDATE_ROLLBACK_FAILED", "aws cloudformation continue-update-rollback --stack-name asusu-platform, then"),
        ("UPDATE_IN_PROGRESS", "wait until it has ended"),
        ("REVIEW_IN_PROGRESS", "make infra"),
    ],
)
def test_a_stack_that_make_infra_cannot_update_is_named_with_what_can_be_done(
    empty: Stand, state: str, fix: str
) -> None:
    stub = empty.stub("cloudformation")
    for name in STACKS:
        row = {"StackName": name, "CreationTime": "2026-01-01T00:00:00Z", "StackStatus": state}
        stub.add_response("describe_stacks", {"Stacks": [row]}, {"StackName": name})
    first = next(iter(check_stacks(empty.account)))
    assert (first.status, first.detail) == ("refused", state)
    assert fix in first.fix
    stub.deactivate()


@pytest.mark.parametrize(
    ("decision", "missing", "status"),
    [
        ("allowed", (), "ok"),
        ("implicitDeny", (), "refused"),
        ("explicitDeny", (), "refused"),
        ("implicitDeny", ("aws:MultiFactorAuthPresent",), "unknown"),
    ],
)
def test_passing_a_role_is_what_iam_simulates_for_it(
    empty: Stand, decision: str, missing: tuple[str, ...], status: str
) -> None:
    stub = empty.stub("iam")
    mine = f"arn:aws:iam::{NUMBER}:role/people/deploy"
    role = {"Path": "/people/", "RoleName": "deploy", "RoleId": "AROAXAROAXAROAXAROAX", "Arn": mine}
    stub.add_response("get_role", {"Role": role | {"CreateDate": "2026-01-01T00:00:00Z"}}, {"RoleName": "deploy"})
    for source in (mine, *[empty.settings.roles.pipeline] * 3):
        stub.add_response(
            "simulate_principal_policy",
            simulation(decision, "iam:PassRole", missing=missing),
            {"PolicySourceArn": source, "ActionNames": ["iam:PassRole"], "ResourceArns": ANY, "ContextEntries": ANY},
        )
        if source == mine and status == "refused":  # asked then: is deploying this person's part?
            stub.add_response("simulate_principal_policy", simulation("allowed", "sagemaker:UpdatePipeline"))
    rows = list(check_passing(empty.account, empty.settings, CALLER, GROUP))
    assert [row.status for row in rows] == [status] * 4
    stub.assert_no_pending_responses()


def test_an_organisation_that_forbids_passing_is_a_refusal(empty: Stand) -> None:
    stub = empty.stub("iam")
    answer = simulation("allowed", "iam:PassRole")
    answer["EvaluationResults"][0]["OrganizationsDecisionDetail"] = {"AllowedByOrganizations": False}
    stub.add_response("simulate_principal_policy", answer)
    stub.add_response("simulate_principal_policy", simulation("allowed", "sagemaker:UpdatePipeline"))
    for _ in range(3):
        stub.add_response("simulate_principal_policy", answer)
    user = CALLER | {"Arn": f"arn:aws:iam::{NUMBER}:user/ada"}
    assert {row.status for row in check_passing(empty.account, empty.settings, user, GROUP)} == {"refused"}


def test_an_identity_that_iam_cannot_simulate_is_unknown(empty: Stand) -> None:
    stub = empty.stub("iam")
    for _ in range(3):
        stub.add_response("simulate_principal_policy", simulation("allowed", "iam:PassRole"))
    root = CALLER | {"Arn": f"arn:aws:iam::{NUMBER}:root"}
    rows = list(check_passing(empty.account, empty.settings, root, GROUP))
    assert [row.status for row in rows] == ["unknown", "ok", "ok", "ok"]


def test_a_question_that_may_not_be_asked_is_unknown_and_says_what_to_allow(empty: Stand) -> None:
    stub = empty.stub("iam")
    stub.add_client_error("get_role", "AccessDenied", "not authorized to perform iam:GetRole")
    (row,) = answers("roles", "iam:GetRole", lambda: check_roles(empty.account, empty.settings, NUMBER))
    assert row.status == "unknown"
    assert "not allowed to call GetRole" in row.detail
    assert "allow iam:GetRole" in row.fix


def test_an_account_that_does_not_answer_is_unknown_and_says_to_come_back(empty: Stand) -> None:
    stub = empty.stub("iam")
    stub.add_client_error("get_role", "Throttling", "Rate exceeded")
    (row,) = answers("roles", "iam:GetRole", lambda: check_roles(empty.account, empty.settings, NUMBER))
    assert (row.status, row.fix) == ("unknown", "wait a minute and repeat the command")


def test_images_are_looked_for_by_digest(empty: Stand) -> None:
    name = push(empty.account, "asusu-train")
    (row,) = check_stored_images(empty.account, [name])
    assert row.status == "ok"
    (row,) = check_stored_images(empty.account, [f"{REGISTRY}/asusu-train@{DIGEST}"])
    assert (row.name, row.status, row.fix) == ("image asusu-train", "refused", "make push-images")
    (row,) = check_stored_images(empty.account, [f"{REGISTRY}/nowhere@{DIGEST}"])
    assert row.status == "refused"


def test_images_without_a_digest_are_never_ok(empty: Stand) -> None:
    (row,) = check_stored_images(empty.account, [f"{REGISTRY}/asusu-train:latest"])
    assert row.status == "unknown"


def test_critical_findings_of_the_scan_are_a_warning(empty: Stand) -> None:
    name = push(empty.account, "asusu-scanned")
    stub = empty.stub("ecr")
    detail = {"imageScanFindingsSummary": {"findingSeverityCounts": {"CRITICAL": 2}}}
    stub.add_response("describe_images", {"imageDetails": [detail]})
    (row,) = check_stored_images(empty.account, [name])
    assert row.status == "warning"
    assert "2 critical findings" in row.detail
