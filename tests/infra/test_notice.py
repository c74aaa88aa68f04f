"""The notices: what a person reads, from what the service answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from notice.handler import describe, handle
from notice.wording import Place, ended, waiting

from steps.contract import REGISTRY_KEYS
from tests.infra.templates import ACCOUNT, HERE, REGION
from tests.infra.test_events import EVENTS

PLACE = Place("production", ACCOUNT, REGION)
ARN = f"arn:aws:sagemaker:{HERE}:pipeline/asusu-igbo/execution/p4jn9xou8a8s"
PACKAGE = {
    "ModelPackageName": "asusu-igbo/3",
    "ModelPackageGroupName": "asusu-igbo",
    "ModelPackageVersion": 3,
    "ModelPackageArn": f"arn:aws:sagemaker:{HERE}:model-package/asusu-igbo/3",
    "ModelPackageStatus": "Completed",
    "ModelPackageStatusDetails": {"ValidationStatuses": []},
    "CreationTime": datetime(2026, 2, 24, tzinfo=UTC),
    "ModelApprovalStatus": "PendingManualApproval",
    "CustomerMetadataProperties": {
        "validation_loss": "1.2345",
        "chrf_forward": "41.20",
        "chrf_backward": "48.90",
        "champion": "asusu-igbo/2",
        "gate": "passed 9 of 9 rules",
    },
}
FAILED = {"PipelineExecutionArn": ARN, "PipelineExecutionStatus": "Failed", "FailureReason": "Step failure"}
STEPS: list[dict[str, Any]] = [
    {"StepName": "Preflight", "StepStatus": "Succeeded"},
    {"StepName": "CanaryTrain", "StepStatus": "Failed", "FailureReason": "the loss is not falling:\n 3.1, 3.2"},
]


def event(name: str) -> dict[str, Any]:
    kind, detail = EVENTS[name]
    return {"detail-type": kind, "account": ACCOUNT, "region": REGION, "source": "aws.sagemaker", "detail": detail}


@contextmanager
def answering(*answers: tuple[str, dict[str, Any]]) -> Iterator[Any]:
    """A client that gives these answers in this order, each checked against the service's shapes."""
    client = boto3.client("sagemaker", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub:
        for operation, answer in answers:
            stub.add_response(operation, answer)
        yield client
        stub.assert_no_pending_responses()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")


def test_a_version_that_waits_is_said_with_its_scores_and_the_commands() -> None:
    said = waiting(PACKAGE, PLACE)
    assert said.subject == "asusu-igbo/3 waits for approval"
    assert "validation loss  1.2345" in said.text
    assert "chrF++ back      48.90" in said.text
    assert "champion was     asusu-igbo/2" in said.text
    assert f"  asusu review asusu-igbo/3 --env production --account {ACCOUNT}\n" in said.text
    assert f'  asusu approve asusu-igbo/3 --env production --account {ACCOUNT} --reason "..."\n' in said.text
    assert f"https://{REGION}.console.aws.amazon.com/" in said.text


def test_scores_that_a_version_does_not_have_are_left_out() -> None:
    said = waiting(PACKAGE | {"CustomerMetadataProperties": {"validation_loss": "1.2"}}, PLACE)
    assert "validation loss  1.2" in said.text
    assert "chrF++" not in said.text


def test_every_score_of_a_notice_is_one_that_the_pipeline_registers() -> None:
    from notice.wording import SCORES

    assert {key for _, key in SCORES} <= set(REGISTRY_KEYS)


def test_a_failed_run_is_said_with_step_reason_and_what_to_do() -> None:
    said = ended(FAILED, STEPS, PLACE)
    assert said.subject == "asusu-igbo run p4jn9xou8a8s failed in CanaryTrain"
    assert "failed after 1 finished step." in said.text
    assert "  CanaryTrain  the loss is not falling: 3.1, 3.2\n" in said.text
    assert f"  asusu explain p4jn9xou8a8s --env production --account {ACCOUNT}\n" in said.text
    assert f"  asusu checkpoints p4jn9xou8a8s --env production --account {ACCOUNT}\n" in said.text


def test_the_run_of_another_language_is_asked_for_by_its_recipe() -> None:
    other = FAILED | {"PipelineExecutionArn": ARN.replace("asusu-igbo", "asusu-en-sw")}
    assert (
        f"  asusu explain p4jn9xou8a8s --recipe en-sw --env production --account {ACCOUNT}\n"
        in ended(other, STEPS, PLACE).text
    )


def test_a_run_that_failed_before_its_first_step_gives_the_service_s_reason() -> None:
    assert "  reason  Step failure\n" in ended(FAILED, [], PLACE).text
    bare = {key: value for key, value in FAILED.items() if key != "FailureReason"}
    assert "the service gave none" in ended(bare, [], PLACE).text


def test_a_stopped_run_is_not_called_failed() -> None:
    said = ended(
        FAILED | {"PipelineExecutionStatus": "Stopped"}, [{"StepName": "TrainLora", "StepStatus": "Stopped"}], PLACE
    )
    assert said.subject == "asusu-igbo run p4jn9xou8a8s was stopped in TrainLora"
    assert "  TrainLora  Stopped\n" in said.text


def test_a_subject_fits_into_a_mail() -> None:
    long = [{"StepName": "Schritt-für-" + "x" * 200, "StepStatus": "Failed"}]
    subject = ended(FAILED, long, PLACE).subject
    assert len(subject) == 100
    assert subject.isascii()
    assert subject.isprintable()


def test_a_registration_asks_the_registry_and_says_it() -> None:
    with answering(("describe_model_package", PACKAGE)) as client:
        said = describe(client, event("registered"))
    assert said == waiting(PACKAGE, PLACE)


def test_a_version_that_was_decided_meanwhile_is_not_announced() -> None:
    with answering(("describe_model_package", PACKAGE | {"ModelApprovalStatus": "Approved"})) as client:
        assert describe(client, event("registered")) is None


def test_a_failure_asks_for_the_steps_of_every_page() -> None:
    pages = [{"PipelineExecutionSteps": STEPS[:1], "NextToken": "more"}, {"PipelineExecutionSteps": STEPS[1:]}]
    asked = [("list_pipeline_execution_steps", page) for page in pages]
    with answering(("describe_pipeline_execution", FAILED), *asked) as client:
        assert describe(client, event("failed")) == ended(FAILED, STEPS, PLACE)


@pytest.mark.parametrize("name", ["running", "succeeded", "stopping"])
def test_a_run_that_goes_well_is_not_announced(name: str) -> None:
    with answering() as client:
        assert describe(client, event(name)) is None


def test_a_notice_comes_out_of_the_topic(account: None, monkeypatch: pytest.MonkeyPatch) -> None:
    sagemaker, sns, sqs = boto3.client("sagemaker"), boto3.client("sns"), boto3.client("sqs")
    topic = sns.create_topic(Name="asusu-notices")["TopicArn"]
    queue = sqs.create_queue(QueueName="reader")["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{HERE}:reader")
    monkeypatch.setenv("TOPIC", topic)
    sagemaker.create_model_package_group(ModelPackageGroupName="asusu-igbo")
    arn = sagemaker.create_model_package(
        ModelPackageGroupName="asusu-igbo",
        ModelApprovalStatus="PendingManualApproval",
        CustomerMetadataProperties={"validation_loss": "1.2345"},
    )["ModelPackageArn"]
    registered = event("registered")
    registered["detail"] = registered["detail"] | {"ModelPackageArn": arn}
    assert handle(registered, None) == {"outcome": "said", "subject": "asusu-igbo/1 waits for approval"}
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    said = json.loads(message["Body"])
    assert said["Subject"] == "asusu-igbo/1 waits for approval"
    assert "validation loss  1.2345" in said["Message"]
