"""One offline HTML page from the artefacts of a run: the first form of the approver's dossier."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.review.charts import chrf_bars, loss_curves, memory_bars
from pipeline.review.data_page import data_charts, view_of
from pipeline.review.files import Run, RunFiles, read_run
from pipeline.review.measured import canaries_measured
from pipeline.review.page import write_page
from pipeline.review.planned import plan_against_actual
from steps.contract import Sample
from steps.parameters import BY_NAME

DRAWN = 20
WORST = 10
WORTH_DRAWING = 0.1  # of a GPU's memory; a smaller model shows nothing but the GPU


def render(inputs: RunFiles, into: Path) -> None:
    """Write the page to `into`, whole or not at all. Equal artefacts make equal pages.

    Works for a run that failed early: sections without their report say which step did not write it. All texts are
    escaped, and the page's own policy forbids scripts and requests.
    """
    run = read_run(inputs)
    write_page(
        "report.html",
        into,
        run=run,
        data=run.data,
        view=view_of(run.data) if run.data else None,
        files=inputs,
        charts=_charts(run),
        drawn=run.samples.samples[:DRAWN] if run.samples else [],
        worst=worst_samples(run.samples.samples) if run.samples else [],
        planned=plan_against_actual(run),
        measured=canaries_measured(run, inputs.parameters),
        table=BY_NAME,
    )


def worst_samples(samples: list[Sample]) -> list[Sample]:
    """The lowest chrF++ first; samples.json keeps the worst of the whole test set."""
    return sorted(samples, key=lambda sample: sample.chrf)[:WORST]


def _charts(run: Run) -> dict[str, Any]:
    """Pictures as markup that is safe by construction: matplotlib escapes every text it is given."""
    from markupsafe import Markup

    charts: dict[str, str] = {}
    if run.training:
        rules = run.evaluation.gate.rules if run.evaluation else []
        limits = [rule.limit for rule in rules if rule.rule == "validation_loss"]
        charts["loss"] = loss_curves(run.training, limits[0] if limits else None)
    if run.plan and run.plan.memory.need > WORTH_DRAWING * run.plan.memory.available:
        charts["memory"] = memory_bars(run.plan.memory, run.canary_train)
    if run.evaluation:
        charts["chrf"] = chrf_bars(run.evaluation)
    safe = {name: Markup(svg) for name, svg in charts.items()}  # noqa: S704
    return safe | (data_charts(run.data) if run.data else {})
