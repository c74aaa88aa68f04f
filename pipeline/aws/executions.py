"""Executions of one pipeline in an account: started, retried, stopped, listed, described."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from pipeline.aws.session import Account, Missing, explained
from pipeline.aws.steps import answered_at, epoch_seconds, step_record
from pipeline.errors import BadInput
from pipeline.local.record import StepRecord
from pipeline.runs import RUNNING, Run

ARN = re.compile(r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]*:\d{12}:pipeline/[^/]+/execution/([^/]+)")
EXECUTION_ID = re.compile(r"[A-Za-z0-9-]{1,63}")
PAGE = 100  # botocore's shapes: rows of one answer


@dataclass(frozen=True)
class Start:
    """What a new execution is to be. Without `steps` it runs them all; `source` is the ARN that others are taken from."""

    parameters: Mapping[str, str]
    token: str
    name: str = ""
    steps: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True)
class Executions:
    """Those of one pipeline. `options` is what a command needs to come here, such as ` --env production`."""

    account: Account
    pipeline: str
    options: str = ""

    @cached_property
    def deployed(self) -> Mapping[str, Any]:
        """DescribePipeline's answer. Raises BadInput where there is no pipeline of that name."""
        try:
            with explained(f"looking up the pipeline {self.pipeline}"):
                found: Mapping[str, Any] = self.account.sagemaker.describe_pipeline(PipelineName=self.pipeline)
        except Missing as error:
            raise self._absent() from error
        return found

    def listed(self, most: int = PAGE) -> list[Run]:
        """The newest executions, newest first, without their steps. Raises BadInput where there is no such pipeline."""
        rows: list[Mapping[str, Any]] = []
        try:
            with explained(f"listing the executions of {self.pipeline}"):
                pages = self.account.sagemaker.get_paginator("list_pipeline_executions").paginate(
                    PipelineName=self.pipeline,
                    SortBy="CreationTime",
                    SortOrder="Descending",
                    PaginationConfig={"MaxItems": most, "PageSize": min(most, PAGE)},
                )
                for page in pages:
                    rows += page["PipelineExecutionSummaries"]
        except Missing as error:
            raise self._absent() from error
        runs = [
            Run(
                execution_id=row["PipelineExecutionArn"].rsplit("/", 1)[-1],
                pipeline=self.pipeline,
                status=row["PipelineExecutionStatus"],
                started=epoch_seconds(row["StartTime"]),
                reason=row.get("PipelineExecutionFailureReason") or "",
                name=row.get("PipelineExecutionDisplayName", ""),
                arn=row["PipelineExecutionArn"],
            )
            for row in rows
        ]
        return sorted(runs, key=lambda run: run.started, reverse=True)

    def with_steps(self, run: Run) -> Run:
        """A listed execution with its steps, and with what they say of its end; a list itself tells neither.

        Without an end where no step has one: the list does not know it either.
        """
        steps = self._steps(run.arn)
        ends = [step.ended for step in steps if step.ended]
        ended = max(ends, default=None) if not run.is_running else None
        return replace(run, steps=tuple(steps), ended=ended, refused=_refused(steps))

    def find(self, reference: str | None, fits: Callable[[Run], bool] = lambda run: True, what: str = "") -> str:
        """ARN of an execution by its id or ARN; without either of the newest one that fits.

        Raises BadInput for an execution of another pipeline, and where there is none; `what` describes those that fit.
        """
        if reference is None:
            found = next((run for run in self.listed() if fits(run)), None)
            if found is None:
                raise BadInput(
                    f"{self.pipeline} has no {what}execution in {self.account.region}",
                    hint=f"asusu runs{self.options}, asusu start{self.options}",
                )
            return found.arn
        below = f"{self.deployed['PipelineArn']}/execution/"
        match = ARN.fullmatch(reference)
        if match and not reference.casefold().startswith(below.casefold()):
            raise BadInput(
                f"{reference} is not an execution of {below.removesuffix('/execution/')}",
                hint="give --recipe and --env of its pipeline",
            )
        if not match and not EXECUTION_ID.fullmatch(reference):
            raise BadInput(
                f"{reference!r} is neither an execution's id nor its ARN", hint=f"asusu runs{self.options} lists them"
            )
        return below + (match[1] if match else reference)

    def run(self, arn: str) -> Run:
        """One execution with its steps in the order they started. Raises BadInput where there is none."""
        described = self._described(arn)
        steps = self._steps(arn)
        selection = described.get("SelectiveExecutionConfig") or {}
        status = described["PipelineExecutionStatus"]
        ends = [step.ended for step in steps if step.ended] or [epoch_seconds(described["LastModifiedTime"])]
        return Run(
            execution_id=arn.rsplit("/", 1)[-1],
            pipeline=self.pipeline,
            status=status,
            started=epoch_seconds(described["CreationTime"]),
            ended=None if status in RUNNING else max(ends),
            reason=described.get("FailureReason", ""),
            refused=_refused(steps),
            name=described.get("PipelineExecutionDisplayName", ""),
            arn=arn,
            steps=tuple(steps),
            selected=tuple(row["StepName"] for row in selection.get("SelectedSteps") or ()),
            source=selection.get("SourcePipelineExecutionArn", ""),
            seen=answered_at(described),
        )

    def parameters(self, arn: str) -> dict[str, str]:
        """The parameters that an execution was started with; those left at their defaults may be missing."""
        with explained("reading the parameters of an execution"):
            pages = self.account.sagemaker.get_paginator("list_pipeline_parameters_for_execution").paginate(
                PipelineExecutionArn=arn
            )
            return {row["Name"]: row["Value"] for page in pages for row in page.get("PipelineParameters", ())}

    def definition(self, arn: str) -> str:
        """The definition that an execution runs, whatever is deployed by now."""
        with explained("reading the definition of an execution"):
            answer = self.account.sagemaker.describe_pipeline_definition_for_execution(PipelineExecutionArn=arn)
        return str(answer["PipelineDefinition"])

    def start(self, wanted: Start) -> str:
        """Start an execution and return its ARN; the same token again starts nothing and returns the same."""
        request: dict[str, Any] = {
            "PipelineName": self.pipeline,
            "PipelineParameters": [{"Name": name, "Value": value} for name, value in wanted.parameters.items()],
            "ClientRequestToken": wanted.token,
        }
        if wanted.name:
            request["PipelineExecutionDisplayName"] = wanted.name
        if wanted.steps:
            selected: dict[str, Any] = {"SelectedSteps": [{"StepName": name} for name in wanted.steps]}
            request["SelectiveExecutionConfig"] = selected | (
                {"SourcePipelineExecutionArn": wanted.source} if wanted.source else {}
            )
        with explained(f"starting {self.pipeline}"):
            return str(self.account.sagemaker.start_pipeline_execution(**request)["PipelineExecutionArn"])

    def retry(self, arn: str, token: str) -> None:
        """Go on with an execution that failed or was stopped: same id, same parameters, hence the same checkpoints."""
        with explained("retrying an execution"):
            self.account.sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=token)

    def stop(self, arn: str, token: str) -> None:
        """Ask for the end of an execution: a training job gets SIGTERM, and 120 s to seal a checkpoint."""
        with explained("stopping an execution"):
            self.account.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=token)

    def _absent(self) -> BadInput:
        return BadInput(
            f"there is no pipeline {self.pipeline} in {self.account.region}", hint=f"asusu upsert{self.options}"
        )

    def _described(self, arn: str) -> Mapping[str, Any]:
        try:
            with explained("describing an execution"):
                found: Mapping[str, Any] = self.account.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        except Missing as error:
            raise BadInput(
                f"{self.pipeline} has no execution {arn.rsplit('/', 1)[-1]}",
                hint=f"asusu runs{self.options} lists them",
            ) from error
        return found

    def _steps(self, arn: str) -> list[StepRecord]:
        with explained("listing the steps of an execution"):
            pages = self.account.sagemaker.get_paginator("list_pipeline_execution_steps").paginate(
                PipelineExecutionArn=arn, SortOrder="Ascending"
            )
            found = {row["StepName"]: step_record(row) for page in pages for row in page["PipelineExecutionSteps"]}
        return list(found.values())  # of a step that was tried again, the last try


def _refused(steps: list[StepRecord]) -> bool:
    """Whether it ended in a Fail step, by the pipeline's own decision."""
    return any(step.type == "Fail" and step.status == "Failed" for step in steps)
