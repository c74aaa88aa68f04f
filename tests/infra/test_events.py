"""The rules' patterns, taken from the template, against events as the service sends them. moto matches for real."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from tests.infra.templates import ACCOUNT, HERE, REGION, read, resolve

PACKAGE = "SageMaker Model Package State Change"
RUN = "SageMaker Model Building Pipeline Execution Status Change"
STEP = "SageMaker Model Building Pipeline Execution Step Status Change"


def package(group: str, status: str) -> tuple[str, dict[str, Any]]:
    """An event of the registry, with the members that the developer guide shows."""
    arn = f"arn:aws:sagemaker:{HERE}:model-package/{group}/3"
    return PACKAGE, {
        "ModelPackageName": f"{group}/3",
        "ModelPackageGroupName": group,
        "ModelPackageVersion": 3,
        "ModelPackageArn": arn,
        "CreationTime": "2026-02-24T17:00:14Z",
        "ModelPackageStatus": "Completed",
        "ModelApprovalStatus": status,
        "LastModifiedTime": "2026-02-24T17:00:14Z",
    }


def run(pipeline: str, status: str) -> tuple[str, dict[str, Any]]:
    """An event of an execution, with the members that the developer guide shows."""
    arn = f"arn:aws:sagemaker:{HERE}:pipeline/{pipeline}"
    return RUN, {
        "pipelineExecutionDisplayName": "evening",
        "currentPipelineExecutionStatus": status,
        "previousPipelineExecutionStatus": "Executing",
        "executionStartTime": "2026-03-15T16:03:13Z",
        "executionEndTime": "2026-03-15T16:10:10Z",
        "pipelineExecutionDescription": "",
        "pipelineArn": arn,
        "pipelineExecutionArn": f"{arn}/execution/p4jn9xou8a8s",
    }


EVENTS = {
    "registered": package("asusu-igbo", "PendingManualApproval"),
    "approved": package("asusu-igbo", "Approved"),
    "rejected": package("asusu-igbo", "Rejected"),
    "another language": package("asusu-en-sw", "Approved"),
    "another team's": package("churn", "PendingManualApproval"),
    "failed": run("asusu-igbo", "Failed"),
    "stopped": run("asusu-igbo", "Stopped"),
    "partly failed": run("asusu-igbo", "CompletedWithFailures"),
    "running": run("asusu-igbo", "Executing"),
    "stopping": run("asusu-igbo", "Stopping"),
    "succeeded": run("asusu-igbo", "Succeeded"),
    "another team's failure": run("churn", "Failed"),
    "a step": (STEP, run("asusu-igbo", "Failed")[1] | {"currentStepStatus": "Failed"}),
}
WANTED = {
    "PackageChanged": {"registered", "approved", "rejected", "another language"},
    "PackageWaits": {"registered"},
    "RunEndedBadly": {"failed", "stopped", "partly failed"},
}


@pytest.fixture
def heard(account: None) -> dict[str, set[str]]:
    """For each rule of the template, the events that reached its target."""
    events, sqs = boto3.client("events"), boto3.client("sqs")
    queues = {}
    for row in resolve(read()):
        if row.type == "AWS::Events::Rule":
            queues[row.name] = sqs.create_queue(QueueName=row.name)["QueueUrl"]
            events.put_rule(Name=row.name, EventPattern=json.dumps(row.properties["EventPattern"]))
            arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{row.name}"
            events.put_targets(Rule=row.name, Targets=[{"Id": "queue", "Arn": arn}])
    for name, (kind, detail) in EVENTS.items():
        for source in ("aws.sagemaker", "somebody.else"):
            sent = {"name": name, "source": source} if source != "aws.sagemaker" else {"name": name}
            entry = {"Source": source, "DetailType": kind, "Detail": json.dumps(detail | sent)}
            assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0
    found: dict[str, set[str]] = {}
    for name, queue in queues.items():
        found[name] = set()
        while rows := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for row in rows:
                body = json.loads(row["Body"])
                found[name].add(body["detail"]["name"] + body["detail"].get("source", ""))
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=row["ReceiptHandle"])
    return found


def test_each_rule_hears_what_it_is_for_and_nothing_else(heard: dict[str, set[str]]) -> None:
    assert heard == WANTED
