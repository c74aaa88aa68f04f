"""What this account holds beside moto's state, and how it refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from moto.sagemaker.models import sagemaker_backends

from tests.account.platform import Platform

Answer = Mapping[str, Any]


class Refusal(Exception):
    """An error the service would answer with."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


@dataclass(frozen=True)
class Change:
    """Who created or changed a pipeline, and when, in epoch seconds."""

    caller: Mapping[str, str]
    when: float


@dataclass
class Account:
    """State beside moto's. `quotas` and `prices` are files that a test may rewrite while the account runs."""

    number: str
    region: str
    folder: Path
    platform: Platform
    tokens: dict[str, str] = field(default_factory=dict)
    facts: dict[str, dict[str, str]] = field(default_factory=dict)
    creators: dict[str, Mapping[str, str]] = field(default_factory=dict)
    selections: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    deciders: dict[str, Mapping[str, str]] = field(default_factory=dict)
    changes: dict[str, list[Change]] = field(default_factory=dict)  # of a pipeline, by its ARN

    @property
    def backend(self) -> Any:
        """moto's SageMaker."""
        return sagemaker_backends[self.number][self.region]

    def arn(self, resource: str) -> str:
        """The address of one of SageMaker's resources here."""
        return f"arn:aws:sagemaker:{self.region}:{self.number}:{resource}"

    def quotas(self) -> list[dict[str, Any]]:
        """Rows of `quotas.json`: QuotaName, QuotaCode, Value."""
        return json.loads((self.folder / "quotas.json").read_text(encoding="utf-8"))

    def prices(self) -> dict[str, float]:
        """`prices.json`: dollars an hour by `<instance>-<component>`, e.g. `ml.g5.xlarge-Training`."""
        return json.loads((self.folder / "prices.json").read_text(encoding="utf-8"))

    def package(self, request: Mapping[str, Any]) -> Any:
        """moto's record of the version in a request. Raises Refusal where there is none."""
        arn = str(request["ModelPackageArn"])
        for package in self.backend.model_packages.values():
            if package.arn == arn:
                return package
        raise Refusal("ValidationException", f"Model package {arn} does not exist")

    def execution_id(self, request: Mapping[str, Any]) -> str:
        """The id in a request's PipelineExecutionArn. Raises Refusal for one that this account has not."""
        arn = str(request["PipelineExecutionArn"])
        for pipeline in self.backend.pipelines.values():
            if arn in pipeline.pipeline_executions:
                return arn.rpartition("/")[2]
        raise Refusal("ResourceNotFound", f"Pipeline execution {arn} does not exist")
