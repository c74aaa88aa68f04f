"""A small sound definition to break: prepare, a canary, training, evaluation, and a gate with both branches."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import Any

import pytest

from pipeline.definition import Definition, canonical, read
from pipeline.lint import Finding, lint

ROLE = "arn:aws:iam::123456789012:role/asusu"
EXECUTION = {"Get": "Execution.PipelineExecutionId"}


def text(name: str) -> dict[str, Any]:
    """A parameter as text, as `.to_string()` writes it."""
    return {"Std:Join": {"On": "", "Values": [{"Get": f"Parameters.{name}"}]}}


def address(*parts: Any) -> dict[str, Any]:
    """`s3://bucket/part/...`"""
    return {"Std:Join": {"On": "/", "Values": ["s3://bucket", *parts]}}


def decided(path: str) -> dict[str, Any]:
    """A value of the evaluation's property file."""
    return {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Report"}, "Path": path}}


def processing(image: str, inputs: dict[str, Any], outputs: list[str], environment: dict[str, Any]) -> dict[str, Any]:
    """Arguments of a processing step."""
    return {
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30}
        },
        "AppSpecification": {"ImageUri": image, "ContainerArguments": ["--strict"]},
        "RoleArn": ROLE,
        "ProcessingInputs": [
            {
                "InputName": name,
                "S3Input": {"S3Uri": uri, "LocalPath": f"/opt/ml/processing/input/{name}", "S3DataType": "S3Prefix"},
            }
            for name, uri in inputs.items()
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": name,
                    "S3Output": {
                        "S3Uri": address("runs", EXECUTION, name),
                        "LocalPath": f"/opt/ml/processing/output/{name}",
                        "S3UploadMode": "EndOfJob",
                    },
                }
                for name in outputs
            ]
        },
        "Environment": environment,
        "StoppingCondition": {"MaxRuntimeInSeconds": 7200},
    }


def training(mode: str, checkpoints: str) -> dict[str, Any]:
    """Arguments of a training step."""
    return {
        "AlgorithmSpecification": {
            "TrainingImage": "local/asusu-train",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "loss", "Regex": '"loss": ([-+0-9.eE]+)'}],
        },
        "HyperParameters": {"mode": mode, "Epochs": text("Epochs"), "Seed": text("Seed"), "save_total_limit": "None"},
        "InputDataConfig": [
            {
                "ChannelName": "splits",
                "DataSource": {
                    "S3DataSource": {
                        "S3DataType": "S3Prefix",
                        "S3Uri": {"Get": "Steps.Prepare.ProcessingOutputConfig.Outputs['splits'].S3Output.S3Uri"},
                    }
                },
            }
        ],
        "OutputDataConfig": {"S3OutputPath": address("training", EXECUTION)},
        "ResourceConfig": {
            "InstanceType": {"Get": "Parameters.TrainingInstanceType"},
            "InstanceCount": 1,
            "VolumeSizeInGB": 30,
        },
        "RoleArn": ROLE,
        "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
        "CheckpointConfig": {"S3Uri": address(checkpoints, EXECUTION), "LocalPath": "/opt/ml/checkpoints"},
        "EnableNetworkIsolation": True,
        "Environment": {"LOG_LEVEL": "info"},
    }


def registration() -> dict[str, Any]:
    """Arguments of the step that registers the model."""
    return {
        "ModelPackageGroupName": "asusu",
        "ModelApprovalStatus": "PendingManualApproval",
        "CustomerMetadataProperties": {"loss": decided("registry.loss"), "kind": "LoRA adapter"},
        "InferenceSpecification": {
            "Containers": [
                {
                    "Image": "local/asusu-evaluate",
                    "ModelDataUrl": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"},
                }
            ],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    }


def sound() -> dict[str, Any]:
    """The whole definition, fresh."""
    loss = {"Type": "LessThanOrEqualTo", "LeftValue": decided("metrics.loss.value")}
    loss["RightValue"] = {"Get": "Parameters.MaxLoss"}
    verdict = {"Type": "Equals", "LeftValue": decided("gate.verdict"), "RightValue": "passed"}
    message = {"Std:Join": {"On": "", "Values": ["Refused: the limit is ", text("MaxLoss")]}}
    steps: list[dict[str, Any]] = [
        {
            "Name": "Prepare",
            "Type": "Processing",
            "Description": "Splits the corpus",
            "Arguments": processing(
                "local/asusu-prepare", {"corpus": {"Get": "Parameters.CorpusUri"}}, ["splits"], {"Seed": text("Seed")}
            ),
            "CacheConfig": {"Enabled": True, "ExpireAfter": "P30D"},
        },
        {"Name": "Canary", "Type": "Training", "Arguments": training("canary", "canary-checkpoints")},
        {"Name": "Train", "Type": "Training", "Arguments": training("train", "checkpoints"), "DependsOn": ["Canary"]},
        {
            "Name": "Evaluate",
            "Type": "Processing",
            "Arguments": processing(
                "local/asusu-evaluate",
                {"model": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}},
                ["report"],
                {},
            ),
            "PropertyFiles": [{"PropertyFileName": "Report", "OutputName": "report", "FilePath": "evaluation.json"}],
        },
        {
            "Name": "Check",
            "Type": "Condition",
            "Arguments": {
                "Conditions": [loss, verdict],
                "IfSteps": [{"Name": "Register", "Type": "RegisterModel", "Arguments": registration()}],
                "ElseSteps": [{"Name": "Reject", "Type": "Fail", "Arguments": {"ErrorMessage": message}}],
            },
        },
    ]
    parameters = [
        {"Name": "CorpusUri", "Type": "String"},
        {
            "Name": "TrainingInstanceType",
            "Type": "String",
            "DefaultValue": "ml.g5.xlarge",
            "EnumValues": ["ml.g5.xlarge", "ml.g5.2xlarge"],
        },
        {"Name": "Epochs", "Type": "Float", "DefaultValue": 1},  # a whole number is a good Float
        {"Name": "MaxLoss", "Type": "Float", "DefaultValue": 1.5},
        {"Name": "Seed", "Type": "Integer", "DefaultValue": 17},
    ]
    experiment = {"ExperimentName": {"Get": "Execution.PipelineName"}, "TrialName": EXECUTION}
    raw = {"Version": "2020-12-01", "Parameters": parameters, "PipelineExperimentConfig": experiment, "Steps": steps}
    return copy.deepcopy(raw)


@dataclass
class Example:
    """The sound definition with handles to break it by."""

    raw: dict[str, Any]

    @property
    def steps(self) -> dict[str, dict[str, Any]]:
        """Every step by name, those of the branches too."""
        top = self.raw["Steps"]
        nested = [step for row in top for key in ("IfSteps", "ElseSteps") for step in row["Arguments"].get(key, [])]
        return {step["Name"]: step for step in [*top, *nested]}

    def arguments(self, name: str) -> dict[str, Any]:
        """Arguments of a step, to change in place."""
        arguments: dict[str, Any] = self.steps[name]["Arguments"]
        return arguments

    def parameter(self, name: str) -> dict[str, Any]:
        """Declaration of a parameter, to change in place."""
        found: dict[str, Any] = next(row for row in self.raw["Parameters"] if row["Name"] == name)
        return found

    def read(self) -> Definition:
        """The definition as the product reads it."""
        return read(canonical(self.raw))

    def findings(self) -> list[Finding]:
        """All findings."""
        return lint(self.read())

    def found(self) -> set[tuple[str, str]]:
        """Rule and place of every finding."""
        return {(finding.rule, finding.where) for finding in self.findings()}


@pytest.fixture
def example() -> Example:
    """The sound definition, fresh for each test."""
    return Example(json.loads(canonical(sound())))
