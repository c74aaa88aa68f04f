"""Hours and dollars of the training: the plan's arithmetic at today's price, against the ceilings of the parameters."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.definition import Definition
from pipeline.errors import BadInput
from pipeline.preflight.check import Check
from pipeline.preflight.jobs import Job, with_values
from pipeline.runs.judgement import PlanRefused, Unjudged, judge
from steps.contract import BaseModelManifest, CorpusManifest
from steps.instances import TRAINING_INSTANCES

NAME = "hours and cost"


def check_plan(
    definition: Definition,
    parameters: Mapping[str, str],
    corpus: CorpusManifest | None,
    model: BaseModelManifest | None,
    usd_per_hour: Mapping[str, float | None],
    interruptions_per_day: float,
) -> Check:
    """Whether the planned hours fit, and cost at most MaxCostUsd. `usd_per_hour` is by instance type, as just asked.

    Without a price of today the dated table's is used, and the row is a warning at best.
    """
    if corpus is None or model is None:
        missing = "the corpus" if corpus is None else "the base model"
        return Check(NAME, "unknown", f"nothing can be planned without {missing}", "asusu publish")
    try:
        found = judge(definition, parameters, corpus, model, interruptions_per_day)
    except PlanRefused as error:
        reasons = [line.strip() for line in error.message.splitlines()[1:]]
        return Check(NAME, "refused", "; ".join(reasons) or error.message, error.hint)
    except (Unjudged, BadInput) as error:
        return Check(NAME, "unknown", error.message, error.hint)
    instance = _value("TrainingInstanceType", definition, parameters)
    ceiling = float(_value("MaxCostUsd", definition, parameters))
    machine, today = TRAINING_INSTANCES[instance], usd_per_hour.get(instance)
    hosts = found.time.usd_per_hour / machine.usd_per_hour
    price = hosts * (today or machine.usd_per_hour)
    most = found.time.hours_high * price
    detail = (
        f"{found.time.hours_low:,.2f} to {found.time.hours_high:,.2f} hours of training at ${price:,.3f},"
        f" at most ${most:,.2f} of MaxCostUsd={ceiling:g}; the other steps are not in it"
    )
    if most > ceiling:
        return Check(NAME, "refused", detail, "lower Epochs or MaxSteps, or raise MaxCostUsd on purpose")
    if today is None:
        return Check(NAME, "warning", f"{detail}. The price is of {machine.priced}, us-east-1, and none of today's")
    return Check(NAME, "ok", detail)


def training_machines(jobs: list[Job]) -> list[str]:
    """Instance types of the training jobs, once each."""
    return list(dict.fromkeys(job.instance_type for job in jobs if job.kind == "training"))


def _value(name: str, definition: Definition, parameters: Mapping[str, str]) -> str:
    return next(str(row.default) for row in with_values(definition, parameters).parameters if row.name == name)
