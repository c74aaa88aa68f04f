"""How a local run ends for a person: the verdict, the numbers, five translations, where things lie, what to type next."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.decided import decisions_of
from pipeline.errors import harmless
from pipeline.local.record import Execution
from pipeline.local.registry import Registry
from pipeline.local.store import Store
from pipeline.packages import name_of
from pipeline.review.files import RunFiles
from pipeline.review.gather import gather
from pipeline.review.package import facts_of
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
    """Render the run's dossier: that of the version it registered, or, for a run without one, of the run itself."""
    package = Registry(workdir / "registry").package(_package_arn(execution) or "")
    if package:
        page, files = page_of(package, workdir), files_of(package, execution, definition_text, workdir)
    else:
        page = workdir / "reports" / f"{execution.execution_id}.html"
        commands = [("next", next_command(execution, workdir))]
        files = gather(execution, definition_text, Store(workdir / "s3"), commands)
    try:
        render(files, page)
    except OSError as error:
        return Outcome(execution, workdir, page, files, unwritten=str(error))
    return Outcome(execution, workdir, page, files)


def page_of(package: Mapping[str, Any], workdir: Path, account: str = "") -> Path:
    """Where the dossier of a version lies: those of an account in a folder of its number."""
    name = f"{package['ModelPackageGroupName']}-{package['ModelPackageVersion']}.html"
    return workdir / "reports" / account / name


def files_of(package: Mapping[str, Any], execution: Execution, definition_text: str, workdir: Path) -> RunFiles:
    """What the dossier of a version is made of: its run's artefacts, where it stands, and how to decide."""
    group = Registry(workdir / "registry").packages(str(package["ModelPackageGroupName"]))
    commands = decision_commands(package, group, place_of(workdir))
    return stands(gather(execution, definition_text, Store(workdir.absolute() / "s3"), commands), package, group)


def stands(files: RunFiles, package: Mapping[str, Any], group: Sequence[Mapping[str, Any]]) -> RunFiles:
    """The same files with where the version stands: what was decided about it, and which version is champion."""
    return replace(files, package=facts_of(package, group), decisions=tuple(decisions_of(package)))


def decision_commands(
    package: Mapping[str, Any], group: Sequence[Mapping[str, Any]], options: str
) -> list[tuple[str, str]]:
    """What an approver may type: purpose and command, of those that would change something. `options` name the registry.

    An approved version can be approved again where another one of its `group` is the champion by now.
    """
    asusu, name, stand = program(), name_of(package), facts_of(package, group)
    verbs = {"approve": not stand.is_champion, "reject": package["ModelApprovalStatus"] != "Rejected"}
    return [
        ("look", f"{asusu} review {name} --open{options}"),
        *((verb, f'{asusu} {verb} {name} --reason "..."{options}') for verb, moves in verbs.items() if moves),
    ]


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
        status = files.package.status if files.package else ""
        console.print(f"[bold green]registered[/] after {took}: {_package_arn(execution)}, {status}", soft_wrap=True)
    elif execution.refused:
        console.print(f"[bold red]refused by the gate[/] after {took}, nothing was registered")
        console.print(f"  {_shown(execution.failure_reason)}", soft_wrap=True)
    else:
        console.print(
            f"[bold red]{execution.status.lower()}[/] after {took}: {_shown(execution.failure_reason)}", soft_wrap=True
        )
        for step in execution.steps:
            if step.status in ("Failed", "Stopped", "Executing") and step.log_folder:
                console.print(f"  logs:    {step.log_folder}", soft_wrap=True)
    if not outcome.unwritten:
        console.print(f"  dossier: {outcome.page}", soft_wrap=True)
    if execution.status == "Succeeded":
        for path in _package_paths(execution, outcome.workdir):
            console.print(f"  package: {path}", soft_wrap=True)
    todo = [command for _, command in files.commands] or [next_command(execution, outcome.workdir)]
    for label, command in zip(["next:", *[""] * len(todo)], todo, strict=False):
        console.print(f"  {label:<8} {escape(command)}", soft_wrap=True, highlight=False)


def _print_evaluation(console: Console, report: EvaluationReport, samples: SampleSet) -> None:
    compared = ["champion"] if any(row.champion_chrf for row in report.directions) else []
    columns = ["direction", "chrF++", "base", *compared, "BLEU", "base", *compared, "sentences"]
    table = Table(*columns, title="held-out test", title_justify="left")
    for row in report.directions:
        champion = [[score] if compared else [] for score in (row.champion_chrf, row.champion_bleu)]
        numbers = [row.chrf, row.base_chrf, *champion[0], row.bleu, row.base_bleu, *champion[1]]
        shown = [f"{score.value:.1f}" if score else "—" for score in numbers]
        table.add_row(row.direction, *shown, str(row.sentences))
    console.print(table)
    for rule in report.gate.rules:
        mark = "[green]✓[/]" if rule.passed else "[red]✗[/]"
        console.print(f"{mark} {_shown(rule.sentence)}", soft_wrap=True)
    if report.gate.undecided:
        console.print(f"[yellow]–[/] {_shown(report.gate.undecided)}", soft_wrap=True)
    console.print()
    for sample in samples.showcase[:SHOWN]:
        console.print(f"[dim]{sample.direction}[/]  {_shown(sample.source)}", soft_wrap=True)
        console.print(f"       model      {_shown(sample.hypothesis)}", soft_wrap=True)
        console.print(f"       reference  {_shown(sample.reference)}", soft_wrap=True)
    console.print()


def _shown(text: str) -> str:
    """Text of a corpus or a model as a terminal may show it."""
    return escape(harmless(text))


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


def place_of(workdir: Path) -> str:
    """The option that names a work directory, empty for the default one."""
    return "" if workdir == Path("work") else f" --workdir {shlex.quote(str(workdir))}"


def next_command(execution: Execution, workdir: Path) -> str:
    """What to type after an end that registered nothing."""
    if execution.status == "Succeeded" or execution.refused:
        return f"{program()} params"
    place = place_of(workdir)
    failed = [step for step in execution.steps if step.status == "Failed"]
    if failed and failed[0].type != "Training":
        return "correct what is named above and run the same command again; finished steps are reused"
    engine = next((f" --runner {step.engine}" for step in execution.steps if step.engine), "")
    return f"{program()} run --local{place}{engine} --resume"
