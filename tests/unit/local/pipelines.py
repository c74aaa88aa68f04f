"""Tiny definitions and tiny programs that stand in for containers."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

BUCKET = "s3://test-bucket"
EXECUTION_ID = {"Get": "Execution.PipelineExecutionId"}
Json = dict[str, Any]

PREAMBLE = """
import json, os, pathlib, signal, sys, time
base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
"""


def program(folder: Path, name: str, code: str) -> Path:
    """A Python program that knows `base`, the job's /opt/ml."""
    path = folder / f"{name}.py"
    path.write_text(PREAMBLE + textwrap.dedent(code), encoding="utf-8")
    return path


def join(*values: Any, on: str = "") -> Json:
    return {"Std:Join": {"On": on, "Values": list(values)}}


def parameter(name: str) -> Json:
    return {"Get": f"Parameters.{name}"}


def declared(name: str, kind: str, default: Any = None, choices: list[str] | None = None) -> Json:
    row = {"Name": name, "Type": kind, "DefaultValue": default, "EnumValues": choices}
    return {key: value for key, value in row.items() if value is not None}


def output_of(step: str, name: str = "out") -> Json:
    return {"Get": f"Steps.{step}.ProcessingOutputConfig.Outputs['{name}'].S3Output.S3Uri"}


def json_get(step: str, path: str, file: str = "Report") -> Json:
    return {"Std:JsonGet": {"PropertyFile": {"Get": f"Steps.{step}.PropertyFiles.{file}"}, "Path": path}}


def processing(name: str, script: Path, inputs: Json | None = None, **changes: Any) -> Json:
    """A processing step with one output `out`; `inputs` maps names to addresses; its property file is report.json."""
    rows = [
        {"InputName": key, "S3Input": {"S3Uri": uri, "LocalPath": f"/opt/ml/processing/input/{key}"}}
        for key, uri in (inputs or {}).items()
    ]
    target = {"S3Uri": join(BUCKET, "runs", EXECUTION_ID, name, on="/"), "LocalPath": "/opt/ml/processing/output/out"}
    arguments = {
        "AppSpecification": {"ImageUri": "any", "ContainerEntrypoint": ["python", str(script)]},
        "ProcessingInputs": rows,
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "out", "S3Output": target}]},
        **changes.pop("arguments", {}),
    }
    files = [{"PropertyFileName": "Report", "OutputName": "out", "FilePath": "report.json"}]
    return {"Name": name, "Type": "Processing", "Arguments": arguments, "PropertyFiles": files, **changes}


def training(name: str, script: Path, channels: Json | None = None, **changes: Any) -> Json:
    """A training step; `channels` maps names to addresses."""
    rows = [
        {"ChannelName": key, "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}}
        for key, uri in (channels or {}).items()
    ]
    arguments = {
        "AlgorithmSpecification": {
            "TrainingImage": "any",
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python", str(script)],
            "MetricDefinitions": [{"Name": "validation:loss", "Regex": "loss=([0-9.]+)"}],
        },
        "InputDataConfig": rows,
        "OutputDataConfig": {"S3OutputPath": join(BUCKET, "training", EXECUTION_ID, on="/")},
        "ResourceConfig": {"InstanceType": "ml.g5.xlarge", "InstanceCount": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        **changes.pop("arguments", {}),
    }
    return {"Name": name, "Type": "Training", "Arguments": arguments, **changes}


def checkpoints(*names: Any) -> Json:
    """The CheckpointConfig of this execution."""
    return {"CheckpointConfig": {"S3Uri": join(BUCKET, "checkpoints", EXECUTION_ID, *names, on="/")}}


def condition(name: str, conditions: list[Json], then: list[Json], otherwise: list[Json], **changes: Any) -> Json:
    arguments = {"Conditions": conditions, "IfSteps": then, "ElseSteps": otherwise}
    return {"Name": name, "Type": "Condition", "Arguments": arguments, **changes}


def at_most(left: Any, right: Any) -> Json:
    return {"Type": "LessThanOrEqualTo", "LeftValue": left, "RightValue": right}


def fail(name: str, message: Any) -> Json:
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}}


def register(name: str, **arguments: Any) -> Json:
    return {
        "Name": name,
        "Type": "RegisterModel",
        "Arguments": {"ModelPackageGroupName": "models", "ModelApprovalStatus": "PendingManualApproval", **arguments},
    }


def definition(*steps: Json, parameters: list[Json] | None = None) -> str:
    return json.dumps({"Version": "2020-12-01", "Parameters": parameters or [], "Steps": list(steps)})
