"""Two people at once, an upsert that died, and an account that says no: a clear sentence, and nothing half done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto.core import set_initial_no_auth_action_count

from pipeline.aws.deploying import Deployment, Wanted, deploy
from pipeline.aws.pipelines import Situation, check_name, look
from pipeline.aws.records import LEASE, Busy, Record
from pipeline.errors import AsusuError, BadInput
from tests.unit.deploy.conftest import BUCKET, NAME, REGION, Desk
from tests.unit.plan.editing import account_text, default, edited

ROLE = "arn:aws:iam::123456789012:role/asusu-pipeline"
WHY = Deployment("upsert", "code", "ada")


def wanted(epochs: float) -> Wanted:
    return Wanted(edited(account_text(), default("Epochs", epochs)), ROLE, {})


def seen(desk: Desk) -> Situation:
    return look(desk.account, desk.records)


def states(desk: Desk) -> list[str]:
    return [record.state for record in desk.records.newest_first()]


def test_of_two_who_saw_the_same_only_the_first_deploys(desk: Desk) -> None:
    ours = theirs = seen(desk)
    deploy(desk.account, desk.records, ours, wanted(2), WHY)
    with pytest.raises(Busy, match="somebody else deploys"):
        deploy(desk.account, desk.records, theirs, wanted(3), WHY)
    assert desk.deployed["PipelineDefinition"] == wanted(2).text
    assert states(desk) == ["done"]


def test_an_upsert_between_begin_and_end_keeps_others_out(desk: Desk) -> None:
    during: list[AsusuError] = []

    def meanwhile(**_: Any) -> None:
        try:
            deploy(desk.account, desk.records, seen(desk), wanted(3), WHY)
        except AsusuError as error:
            during.append(error)

    desk.account.sagemaker.meta.events.register("before-call.sagemaker.CreatePipeline", meanwhile)
    deploy(desk.account, desk.records, seen(desk), wanted(2), WHY)
    assert [type(error) for error in during] == [Busy]
    assert "ada has been deploying" in str(during[0])
    assert desk.deployed["PipelineDefinition"] == wanted(2).text


def test_an_edit_between_the_plan_and_the_yes_is_not_lost(desk: Desk) -> None:
    deploy(desk.account, desk.records, seen(desk), wanted(2), WHY)
    agreed = seen(desk)
    desk.edit_in_console(default("Seed", 5))
    edit = desk.deployed["PipelineDefinition"]
    with pytest.raises(AsusuError, match="changed by somebody else in the meantime"):
        deploy(desk.account, desk.records, agreed, wanted(3), WHY)
    assert desk.deployed["PipelineDefinition"] == edit
    assert states(desk) == ["failed", "done"]
    assert seen(desk).last == list(desk.records.newest_first())[1]


def test_who_comes_second_is_told_how_to_look_at_the_same_place(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    deploy(desk.account, desk.records, seen(desk), wanted(2), WHY)

    def meanwhile(name: str, yes: bool) -> None:
        deploy(desk.account, desk.records, seen(desk), wanted(5), WHY)

    monkeypatch.setattr("pipeline.cli.upsert._confirm", meanwhile)
    code, _, error = desk.upsert(edits=(default("Epochs", 3),))
    assert code == 1
    assert "somebody else deploys" in error
    assert f"look at it with `asusu plan --env {desk.environment}`" in error
    assert desk.deployed["PipelineDefinition"] == wanted(5).text


def test_an_upsert_that_the_service_refuses_is_recorded_as_failed_and_can_be_repeated(desk: Desk) -> None:
    deploy(desk.account, desk.records, seen(desk), wanted(2), WHY)

    def fail(**_: Any) -> None:
        raise AsusuError("the service is down")

    events = desk.account.sagemaker.meta.events
    events.register("before-call.sagemaker.UpdatePipeline", fail)
    with pytest.raises(AsusuError, match="the service is down"):
        deploy(desk.account, desk.records, seen(desk), wanted(3), WHY)
    events.unregister("before-call.sagemaker.UpdatePipeline", fail)
    assert states(desk) == ["failed", "done"]
    assert seen(desk).drift is None
    deploy(desk.account, desk.records, seen(desk), wanted(3), WHY)
    assert states(desk) == ["done", "failed", "done"]


def begun(desk: Desk, at: datetime) -> None:
    """A record as an upsert leaves it that was killed after it began."""
    text = wanted(7).text
    record = Record(
        number=2,
        state="begun",
        action="upsert",
        definition=desk.records.keep(text),
        role=ROLE,
        tags={},
        code="code",
        by="eve",
        at=at,
    )
    desk.records.begin(record)


def test_an_upsert_that_died_blocks_others_for_a_while_and_no_longer(desk: Desk) -> None:
    deploy(desk.account, desk.records, seen(desk), wanted(2), WHY)
    begun(desk, datetime.now(UTC))
    with pytest.raises(Busy, match="eve has been deploying"):
        deploy(desk.account, desk.records, seen(desk), wanted(3), WHY)
    later = datetime.now(UTC) + LEASE + timedelta(seconds=1)
    assert deploy(desk.account, desk.records, seen(desk), wanted(3), WHY, later).number == 3


def test_an_upsert_that_died_after_the_update_is_known_by_what_is_deployed(desk: Desk) -> None:
    deploy(desk.account, desk.records, seen(desk), wanted(2), WHY)
    begun(desk, datetime.now(UTC) - LEASE)
    assert seen(desk).drift is None
    desk.account.sagemaker.update_pipeline(PipelineName=NAME, PipelineDefinition=wanted(7).text)
    found = seen(desk)
    assert found.drift is None
    assert found.last is not None
    assert found.last.number == 2


def test_a_record_that_cannot_be_read_is_named(desk: Desk) -> None:
    desk.account.s3.put_object(Bucket=BUCKET, Key=f"pipelines/{NAME}/records/00000001.json", Body=b"{}")
    code, _, error = desk.plan()
    assert code == 1
    assert f"s3://{BUCKET}/pipelines/{NAME}/records/00000001.json is not a record" in error


@pytest.mark.parametrize("name", ["", "-asusu", "asusu igbo", "asusu_igbo", "àsụsụ", "a" * 257, "asusu-", "a/b", "a\n"])
def test_a_name_that_the_service_would_refuse_is_bad_input(name: str) -> None:
    with pytest.raises(BadInput, match="no name of a pipeline"):
        check_name(name)


def test_a_recipe_that_gives_no_name_is_bad_input(desk: Desk) -> None:
    for verb in ("plan", "upsert", "rollback"):
        code, _, error = desk.asusu(verb, "--recipe", "bad name!")
        assert code == 2
        assert "unknown recipe" in error


def test_the_local_environment_deploys_nothing(desk: Desk) -> None:
    for verb in ("plan", "upsert", "rollback"):
        code, _, error = desk.call(verb, "--env", "local")
        assert code == 2
        assert "has no account" in error


def test_without_credentials_the_sentence_says_to_sign_in(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as surroundings:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"):
            surroundings.delenv(name, raising=False)
        surroundings.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        code, _, error = desk.plan()
    assert code == 2
    assert "no usable AWS credentials" in error
    assert "sign in again" in error


def test_credentials_of_another_account_are_refused(desk: Desk) -> None:
    text = desk.environment.read_text(encoding="utf-8")
    desk.environment.write_text(text.replace("123456789012", "0" * 12), encoding="utf-8")
    code, _, error = desk.plan()
    assert code == 2
    assert "these credentials are of account 123456789012" in error


@pytest.mark.parametrize(
    "verb",
    ["upsert --yes", "plan", "rollback --list", "preflight", "publish --base-model tiny", "start", "runs", "packages"],
)
def test_a_region_that_nobody_knows_is_bad_input_before_anybody_is_asked(desk: Desk, verb: str) -> None:
    text = desk.environment.read_text(encoding="utf-8")
    desk.environment.write_text(text.replace("region: us-east-1", "region: us-east-9"), encoding="utf-8")
    code, _, error = desk.asusu(*verb.split())
    assert code == 2
    assert "SageMaker is not known in us-east-9" in error
    assert "us-east-1" in error, "what may be meant"


def test_a_bucket_that_is_not_there_is_named(desk: Desk) -> None:
    text = desk.environment.read_text(encoding="utf-8")
    desk.environment.write_text(text.replace(f"bucket: {BUCKET}", "bucket: asusu-elsewhere"), encoding="utf-8")
    code, _, error = desk.upsert()
    assert code == 2
    assert "there is no bucket asusu-elsewhere" in error
    assert desk.account.sagemaker.list_pipelines()["PipelineSummaries"] == []


@contextmanager
def allowed(monkeypatch: pytest.MonkeyPatch, *actions: str) -> Iterator[None]:
    """Be a user with nothing but these actions; moto then judges requests as IAM does."""
    iam = boto3.client("iam", region_name=REGION)
    iam.create_user(UserName="guest")
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="guest", PolicyName="guest", PolicyDocument=document)
    key = iam.create_access_key(UserName="guest")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    monkeypatch.delenv("AWS_SECURITY_TOKEN", raising=False)
    yield


def test_a_denied_action_is_named(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    @set_initial_no_auth_action_count(0)
    def denied() -> tuple[int, str, str]:
        return desk.plan()

    with allowed(monkeypatch, "sts:GetCallerIdentity"):
        code, _, error = denied()
    assert code == 1
    assert "you are not allowed to call DescribePipeline" in error


def test_who_may_not_update_leaves_the_pipeline_and_a_record_that_failed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.upsert()
    before = desk.deployed["PipelineDefinition"]

    @set_initial_no_auth_action_count(0)
    def denied() -> tuple[int, str, str]:
        return desk.upsert(edits=(default("Epochs", 2.0),))

    reading = ("sagemaker:DescribePipeline", "sagemaker:ListTags", "s3:*", "sts:GetCallerIdentity")
    with allowed(monkeypatch, *reading):
        code, _, error = denied()
    assert code == 1
    assert "you are not allowed to call UpdatePipeline" in error
    assert desk.deployed["PipelineDefinition"] == before
    assert states(desk) == ["failed", "done"]
