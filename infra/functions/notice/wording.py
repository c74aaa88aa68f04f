"""What a notice says: who has to do what, why, and with which command."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SUBJECT_LIMIT = 100  # characters of ASCII without a line break, API reference of SNS Publish
SCORES = (
    ("validation loss", "validation_loss"),
    ("chrF++ there", "chrf_forward"),
    ("chrF++ back", "chrf_backward"),
    ("champion was", "champion"),
    ("gate", "gate"),
    ("trained", "training_steps"),
    ("corpus", "corpus"),
)


@dataclass(frozen=True)
class Notice:
    """Subject and text of one message."""

    subject: str
    text: str


@dataclass(frozen=True)
class Place:
    """Where commands and the console find things."""

    environment: str
    account: str
    region: str

    @property
    def options(self) -> str:
        """The options of a command that name this environment."""
        return f"--env {self.environment} --account {self.account}"

    def of(self, pipeline: str) -> str:
        """The same for a pipeline; the first recipe needs no name."""
        recipe = pipeline.removeprefix("asusu-")
        return self.options if recipe == "igbo" else f"--recipe {recipe} {self.options}"

    @property
    def console(self) -> str:
        """Address of the service's console."""
        return f"https://{self.region}.console.aws.amazon.com/sagemaker/home?region={self.region}"


def waiting(package: Mapping[str, Any], place: Place) -> Notice:
    """A version waits for a decision: its scores, and how to look and decide."""
    version = package["ModelPackageVersion"]
    name = f"{package['ModelPackageGroupName']}/{version}"
    facts = package.get("CustomerMetadataProperties") or {}
    lines = [
        f"{name} passed its gate and waits for somebody who did not start the run to decide.",
        "",
        *_table([(label, str(facts[key])) for label, key in SCORES if facts.get(key)]),
        "",
        "Look at it:",
        f"  asusu review {name} {place.options}",
        "Decide:",
        f'  asusu approve {name} {place.options} --reason "..."',
        f'  asusu reject {name} {place.options} --reason "..."',
        "",
        f"Console: {place.console}#/model-packages/{package['ModelPackageArn']}",
    ]
    return _notice(f"{name} waits for approval", lines)


def ended(execution: Mapping[str, Any], steps: list[Mapping[str, Any]], place: Place) -> Notice:
    """An execution did not end well: which step, why, and the next command.

    `execution` is DescribePipelineExecution's answer and `steps` are those of ListPipelineExecutionSteps.
    """
    arn = str(execution["PipelineExecutionArn"])
    pipeline, _, run = arn.partition(":pipeline/")[2].partition("/execution/")
    status = str(execution["PipelineExecutionStatus"])
    verb = {"Stopped": "was stopped"}.get(status, "failed")
    bad = [step for step in steps if step.get("StepStatus") in ("Failed", "Stopped")]
    reasons = [(str(step["StepName"]), str(step.get("FailureReason") or step["StepStatus"])) for step in bad]
    if not reasons:
        reasons = [("reason", str(execution.get("FailureReason") or "the service gave none"))]
    done = sum(step.get("StepStatus") == "Succeeded" for step in steps)
    lines = [
        f"Run {run} of {pipeline} {verb} after {done} finished step{'' if done == 1 else 's'}.",
        "",
        *_table(reasons),
        "",
        "What happened, in words, with the log:",
        f"  asusu explain {run} {place.of(pipeline)}",
        "Checkpoints that can be gone on from:",
        f"  asusu checkpoints {run} {place.of(pipeline)}",
        "",
        f"Console: {place.console}#/pipelines/{pipeline}/executions/{run}",
    ]
    where = f" in {reasons[0][0]}" if bad else ""
    return _notice(f"{pipeline} run {run} {verb}{where}", lines)


def _table(rows: list[tuple[str, str]]) -> list[str]:
    wide = max((len(label) for label, _ in rows), default=0)
    return [f"  {label:<{wide}}  {' '.join(value.split())}" for label, value in rows]


def _notice(subject: str, lines: list[str]) -> Notice:
    return Notice(re.sub(r"[^ -~]+", "-", subject)[:SUBJECT_LIMIT].strip(), "\n".join(lines) + "\n")
