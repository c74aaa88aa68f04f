"""How a local run ends for a person: the verdict, the numbers, five translations, where things lie, what to type next."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.local.record import Execution
from pipeline.local.registry import Registry
from pipeline.local.store import Store
from pipeline.review.files import RunFiles
from pipeline.review.gather import gather
from pipeline.review.report import render
from pipeline.review.wording import duration
from steps.contract import EvaluationReport, SampleSet, load

SHOWN = 5


@dataclass(frozen=True)
class Outcome:
    """An ended execution and what it left for a person."""

    execution: Execution
    workdir: Path
    page: Path
    files: RunFiles
    unwritten: str = ""  # why the page could not be written


def report_on(execution: Execution, definition_text: str, workdir: Path) -> Outcome:
    """Render the run's page."""
    page = workdir / "reports" / f"{execution.execution_id}.html"
    commands = [("next", next_command(execution, workdir))]
    files = gather(execution, definition_text, Store(workdir / "s3"), commands)
    try:
        render(files, page)
    except OSError as error:
        return Outcome(execution, workdir, page, files, unwritten=str(error))
    return Outcome(execution, workdir, page, files)


def summary(outcome: Outcome) -> dict[str, Any]:
    """The outcome for a machine."""
    execution, evaluation = outcome.execution, outcome.files.evaluation
    return {
        "execution": execution.execution_id,
        "status": execution.status,
        "refused": execution.refused,
        "reason": execution.failure_reason,
        "package": _package_arn(execution),
        "report": str(outcome.page),
        "steps": [
            {
                "name": step.name,
                "status": step.status,
                "reused": step.reused,
                "seconds": round(step.ended - step.started, 2) if step.started and step.ended else None,
            }
            for step in execution.steps
        ],
        "evaluation": json.loads(evaluation.read_text(encoding="utf-8"))
        if evaluation and evaluation.is_file()
        else None,
    }


def print_outcome(console: Console, outcome: Outcome) -> None:
    """Print the end of a run."""
    execution, files = outcome.execution, outcome.files
    console.print()
    if files.evaluation and files.samples:
        _print_evaluation(console, load(files.evaluation, EvaluationReport), load(files.samples, SampleSet))
    took = duration(round((execution.ended or execution.started) - execution.started, 1))
    if execution.status == "Succeeded":
        console.print(
            f"[bold green]registered[/] after {took}: {_package_arn(execution)}, waiting for approval", soft_wrap=True
        )
    elif execution.refused:
        console.print(f"[bold red]refused by the gate[/] after {took}, nothing was registered")
        console.print(f"  {escape(execution.failure_reason)}", soft_wrap=True)
    else:
        console.print(
            f"[bold red]{execution.status.lower()}[/] after {took}: {escape(execution.failure_reason)}", soft_wrap=True
        )
        for step in execution.steps:
            if step.status in ("Failed", "Stopped", "Executing") and step.log_folder:
                console.print(f"  logs:    {step.log_folder}", soft_wrap=True)
    if not outcome.unwritten:
        console.print(f"  report:  {outcome.page}", soft_wrap=True)
    if execution.status == "Succeeded":
        for path in _package_paths(execution, outcome.workdir):
            console.print(f"  package: {path}", soft_wrap=True)
    console.print(f"  next:    {next_command(execution, outcome.workdir)}", soft_wrap=True)


def _print_evaluation(console: Console, report: EvaluationReport, samples: SampleSet) -> None:
    table = Table(
        "direction", "chrF++", "base", "BLEU", "base", "sentences", title="held-out test", title_justify="left"
    )
    for row in report.directions:
        numbers = [row.chrf, row.base_chrf, row.bleu, row.base_bleu]
        table.add_row(row.direction, *(f"{score.value:.1f}" for score in numbers), str(row.sentences))
    console.print(table)
    for rule in report.gate.rules:
        mark = "[green]✓[/]" if rule.passed else "[red]✗[/]"
        console.print(f"{mark} {escape(rule.sentence)}", soft_wrap=True)
    console.print()
    for sample in samples.showcase[:SHOWN]:
        console.print(f"[dim]{sample.direction}[/]  {escape(sample.source)}", soft_wrap=True)
        console.print(f"       model      {escape(sample.hypothesis)}", soft_wrap=True)
        console.print(f"       reference  {escape(sample.reference)}", soft_wrap=True)
    console.print()


def _package_arn(execution: Execution) -> str | None:
    for step in execution.steps:
        if step.type == "RegisterModel" and step.status == "Succeeded":
            return str(step.describe["ModelPackageArn"])
    return None


def _package_paths(execution: Execution, workdir: Path) -> list[Path]:
    registry = Registry(workdir / "registry")
    package = registry.package(_package_arn(execution) or "")
    if package is None:
        return []
    return [registry.root / package["ModelPackageGroupName"] / f"{package['ModelPackageVersion']}.json"]


def program() -> str:
    """This command as it was called, so that what is printed can be typed."""
    return sys.argv[0] if sys.argv[0].endswith("asusu") else "asusu"


def next_command(execution: Execution, workdir: Path) -> str:
    """What to type after this end."""
    if execution.status == "Succeeded" or execution.refused:
        return f"{program()} params"
    place = "" if workdir == Path("work") else f" --workdir {shlex.quote(str(workdir))}"
    failed = [step for step in execution.steps if step.status == "Failed"]
    if failed and failed[0].type != "Training":
        return "correct what is named above and run the same command again; finished steps are reused"
    return f"{program()} run --local{place} --resume"
