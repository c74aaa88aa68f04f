"""The approver's dossier from the artefacts of a run: one offline HTML page, or the same facts as Markdown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.review.charts import chrf_bars, loss_curves, memory_bars
from pipeline.review.choice import changed_samples, drawn_samples, worst_samples
from pipeline.review.curves import summarised
from pipeline.review.data_page import data_charts, view_of
from pipeline.review.files import Run, RunFiles, read_run
from pipeline.review.measured import canaries_measured
from pipeline.review.package import compared_with
from pipeline.review.page import write_page
from pipeline.review.planned import plan_against_actual, price_assumed
from pipeline.review.training_charts import learning_rate, peak_memory, speed
from steps.contract import ADAPTER_WEIGHTS, GATE_RULES, GateVerdict
from steps.parameters import BY_NAME

ON_CHAMPION = "not_worse_than_champion_"
WORTH_DRAWING = 0.1  # of a GPU's memory; a smaller model shows nothing but the GPU


def render(inputs: RunFiles, into: Path) -> None:
    """Write the page to `into`, whole or not at all. Equal artefacts make equal pages.

    Works for a run that failed early: sections without their report say which step did not write it. All texts are
    escaped, and the page's own policy forbids scripts and requests.
    """
    run = read_run(inputs)
    write_page("report.html", into, charts=_charts(run), **_values(run, inputs))


def render_markdown(inputs: RunFiles, into: Path) -> None:
    """Write the same facts as Markdown without HTML, whole or not at all; pictures are left out, texts are escaped."""
    write_page("report.md", into, **_values(read_run(inputs), inputs))


def _values(run: Run, inputs: RunFiles) -> dict[str, Any]:
    samples = run.samples.samples if run.samples else []
    return {
        "run": run,
        "data": run.data,
        "view": view_of(run.data) if run.data else None,
        "files": inputs,
        "undecided": _undecided(run.evaluation.gate) if run.evaluation else [],
        "drawn": drawn_samples(samples),
        "worst": worst_samples(samples),
        "changed": changed_samples(samples),
        "against": compared_with(run.evaluation.champion, inputs.package) if run.evaluation else None,
        "curves": summarised(run.training) if run.training else [],
        "planned": plan_against_actual(run),
        "price_assumed": price_assumed(run),
        "measured": canaries_measured(run, inputs.parameters),
        "table": BY_NAME,
        "adapter_weights": ADAPTER_WEIGHTS,
    }


def _undecided(gate: GateVerdict) -> list[str]:
    """The rules that the gate could not decide: those on the champion, where there was none to compare with."""
    decided = {rule.rule for rule in gate.rules}
    on_champion = [rule for rule in GATE_RULES if rule.startswith(ON_CHAMPION)]
    return [rule for rule in on_champion if rule not in decided] if gate.undecided else []


def _charts(run: Run) -> dict[str, Any]:
    """Pictures as markup that is safe by construction: matplotlib escapes every text it is given."""
    from markupsafe import Markup

    charts: dict[str, str] = {}
    if run.training:
        rules = run.evaluation.gate.rules if run.evaluation else []
        limits = [rule.limit for rule in rules if rule.rule == "validation_loss"]
        charts["loss"] = loss_curves(run.training, limits[0] if limits else None)
        charts["rate"] = learning_rate(run.training)
        if run.training.pace_curve:
            charts["speed"] = speed(run.training)
            charts["peak"] = peak_memory(run.training, run.canary_train.memory_limit_gib if run.canary_train else None)
    if run.plan and run.plan.memory.need > WORTH_DRAWING * run.plan.memory.available:
        charts["memory"] = memory_bars(run.plan.memory, run.canary_train)
    if run.evaluation:
        charts["chrf"] = chrf_bars(run.evaluation)
    safe = {name: Markup(svg) for name, svg in charts.items()}  # noqa: S704
    return safe | (data_charts(run.data) if run.data else {})
