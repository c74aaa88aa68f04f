"""An execution as a person sees it, of this machine or of an account: its steps, how it ended, what that means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import EXIT_FAILED, EXIT_OK, EXIT_REFUSED
from pipeline.local.record import Execution, StepRecord

RUNNING = ("Executing", "Stopping")


@dataclass(frozen=True)
class Run:
    """One execution. `status` is the service's own word; times are epoch seconds.

    `refused`: it ended in a Fail step, by the pipeline's own decision. `name` is the display name, `arn` is empty for a
    local run. `selected` are the steps of a selective execution, `source` the ARN that the others' results come from.
    `seen` is when the service said all this, by its own clock, 0 where that is unknown.
    """

    execution_id: str
    pipeline: str
    status: str
    started: float
    ended: float | None = None
    reason: str = ""
    refused: bool = False
    name: str = ""
    arn: str = ""
    steps: tuple[StepRecord, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    selected: tuple[str, ...] = ()
    source: str = ""
    seen: float = 0.0

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.status in RUNNING

    @property
    def exit_code(self) -> int:
        """0 succeeded, 4 refused by the gate, 1 for every other end."""
        if self.status == "Succeeded":
            return EXIT_OK
        return EXIT_REFUSED if self.refused else EXIT_FAILED

    @property
    def package(self) -> str:
        """ARN of the version that it registered, empty where it registered none."""
        found = [step.describe.get("ModelPackageArn", "") for step in self.steps if step.status == "Succeeded"]
        return next((str(arn) for arn in found if arn), "")

    @property
    def failed_step(self) -> StepRecord | None:
        """The step that ended it: the first that failed, else the first that was stopped."""
        for status in ("Failed", "Stopped"):
            for step in self.steps:
                if step.status == status:
                    return step
        return None

    @property
    def outcome(self) -> str:
        """How it stands in one word or two, as lists show it."""
        return "refused by the gate" if self.refused else self.status

    def for_machines(self) -> dict[str, Any]:
        """As JSON: the same keys here and in an account."""
        return {
            "execution": self.execution_id,
            "arn": self.arn,
            "name": self.name,
            "pipeline": self.pipeline,
            "status": self.status,
            "refused": self.refused,
            "started": self.started,
            "ended": self.ended,
            "reason": self.reason,
            "package": self.package,
            "parameters": dict(self.parameters),
            "steps": [
                {
                    "name": step.name,
                    "type": step.type,
                    "status": step.status,
                    "reused": step.reused,
                    "attempts": step.attempts,
                    "started": step.started,
                    "ended": step.ended,
                    "job": step.job_name,
                    "reason": step.reason,
                }
                for step in self.steps
            ],
        }


def of_this_machine(execution: Execution) -> Run:
    """A local execution as one of these."""
    return Run(
        execution_id=execution.execution_id,
        pipeline=execution.pipeline_name,
        status=execution.status,
        started=execution.started,
        ended=execution.ended,
        reason=execution.failure_reason,
        refused=execution.refused,
        steps=execution.steps,
        parameters={name: str(value) for name, value in execution.parameters.items()},
    )
