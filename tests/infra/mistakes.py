"""How a mistake is made in a template: one change to one resource."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

Change = Callable[[dict[str, Any]], None]
ALARM: dict[str, Any] = {
    "Namespace": "AWS/Sagemaker/ModelBuildingPipeline",
    "MetricName": "ExecutionFailed",
    "Dimensions": [{"Name": "PipelineName", "Value": "asusu-igbo"}],
    "Statistic": "Sum",
    "Period": 300,
    "EvaluationPeriods": 1,
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "TreatMissingData": "notBreaching",
    "AlarmActions": [{"Ref": "Notices"}],
}
FILTER: dict[str, Any] = {
    "FilterPattern": '{ $.event = "champion" }',
    "LogGroupName": {"Ref": "ChampionLog"},
    "MetricTransformations": [{"MetricNamespace": "Asusu", "MetricName": "Champions", "MetricValue": "1"}],
}


def put(*path: Any) -> Change:
    """Sets the last of `path` at the place that the others lead to, below Properties."""
    *way, last, value = path

    def change(resource: dict[str, Any]) -> None:
        place: Any = resource["Properties"]
        for part in way:
            place = place[part]
        place[last] = value

    return change


def statement(sid: str, **changes: Any) -> Change:
    """Changes a statement of a role or a policy; None takes a member away."""

    def change(resource: dict[str, Any]) -> None:
        properties = resource["Properties"]
        documents = [row["PolicyDocument"] for row in properties.get("Policies", [])]
        documents += [properties[name] for name in ("PolicyDocument",) if name in properties]
        row = next(row for document in documents for row in document["Statement"] if row["Sid"] == sid)
        row.update(changes)
        for name in [name for name, value in changes.items() if value is None]:
            del row[name]

    return change


def add_resource(kind: str, properties: dict[str, Any]) -> Change:
    """A resource that was not there."""
    return lambda resource: resource.update({"Type": kind, "Properties": copy.deepcopy(properties)})


def without(*path: Any) -> Change:
    """Takes the last of `path` away."""

    def change(resource: dict[str, Any]) -> None:
        place: Any = resource
        for part in path[:-1]:
            place = place[part]
        del place[path[-1]]

    return change


def alarm(**changes: Any) -> Change:
    """An alarm that is right but for the changes."""
    kept = {name: value for name, value in (ALARM | changes).items() if value is not None}
    return add_resource("AWS::CloudWatch::Alarm", kept)


def filtered(**changes: Any) -> Change:
    """A metric filter that is right but for the changes of what it makes."""
    return add_resource(
        "AWS::Logs::MetricFilter", FILTER | {"MetricTransformations": [FILTER["MetricTransformations"][0] | changes]}
    )


def _rows(resource: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = resource["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    return rows


def _drop_denies(resource: dict[str, Any]) -> None:
    rows = _rows(resource)
    rows[:] = [row for row in rows if row["Effect"] != "Deny"]


def _add(resource: dict[str, Any], action: str, kind: str) -> None:
    _drop_denies(resource)
    arn = {"Fn::Sub": f"arn:${{AWS::Partition}}:sagemaker:${{AWS::Region}}:${{AWS::AccountId}}:{kind}/asusu-*"}
    _rows(resource).append({"Sid": "More", "Effect": "Allow", "Action": action, "Resource": arn})


def start(resource: dict[str, Any]) -> None:
    """A role that may start, whatever it was denied."""
    _add(resource, "sagemaker:StartPipelineExecution", "pipeline")


def approve(resource: dict[str, Any]) -> None:
    """A role that may change an entry of the registry, whatever it was denied."""
    _add(resource, "sagemaker:UpdateModelPackage", "model-package")


def register_approved(resource: dict[str, Any]) -> None:
    """A pipeline that registers what it likes."""
    _drop_denies(resource)
    statement("Register", Condition=None)(resource)


def shell(resource: dict[str, Any]) -> None:
    """Training jobs that somebody may log in to."""
    row = next(row for row in _rows(resource) if row["Sid"] == "TrainingJobs")
    del row["Condition"]["BoolIfExists"]


def no_mfa(resource: dict[str, Any]) -> None:
    """A role that is taken without a second factor."""
    del resource["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]


def public(resource: dict[str, Any]) -> None:
    """A bucket that a policy may open."""
    resource["Properties"]["PublicAccessBlockConfiguration"]["BlockPublicPolicy"] = False


def expire(resource: dict[str, Any]) -> None:
    """A rule that ends current objects."""
    resource["Properties"]["LifecycleConfiguration"]["Rules"][1]["ExpirationInDays"] = 90
