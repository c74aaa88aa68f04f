"""What was guessed and planned beside what happened."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.review.files import Run
from pipeline.review.wording import count, dollars, duration, short, spread
from steps.contract import Estimate, TrainingCost, TrainingPlan, TrainingReport

UNKNOWN = "—"
ROWS = (
    *("optimiser steps", "share of the plan", "epochs", "token slots", "token slots per second", "tokens per second"),
    *("training time", "price"),
)


@dataclass(frozen=True)
class PlannedAndActual:
    """One line: what Preflight guessed from the corpus, what TokenizeExamples planned, what TrainLora did."""

    what: str
    guessed: str
    planned: str
    actual: str


def plan_against_actual(run: Run) -> list[PlannedAndActual]:
    """Every number that was promised, with a dash where a step did not get to say."""
    guessed = _estimated(run.preflight.estimate) if run.preflight else {}
    planned = _planned(run.plan) if run.plan else {}
    actual = _done(run.training, run.plan) if run.training else {}
    if run.evaluation and run.evaluation.cost:
        actual["price"] = _paid(run.evaluation.cost)
    if _on_cpu(run):
        actual["price"] = "no GPU, no price"
    return [
        PlannedAndActual(what, guessed.get(what, UNKNOWN), planned.get(what, UNKNOWN), actual.get(what, UNKNOWN))
        for what in ROWS
    ]


def price_assumed(run: Run) -> str:
    """Which price the cost was counted at; empty where nothing was paid for or nobody said."""
    cost = run.evaluation.cost if run.evaluation else None
    return "" if cost is None or _on_cpu(run) else cost.assumption


def _on_cpu(run: Run) -> bool:
    return run.canary_train is not None and run.canary_train.memory_limit_gib is None


def _estimated(estimate: Estimate) -> dict[str, str]:
    return {
        "token slots": count(estimate.tokens),
        "token slots per second": spread(count(estimate.tokens_per_second_low), count(estimate.tokens_per_second_high)),
        "training time": spread(duration(estimate.hours_low * 3600), duration(estimate.hours_high * 3600)),
        "price": spread(dollars(estimate.usd_low), dollars(estimate.usd_high)),
    }


def _planned(plan: TrainingPlan) -> dict[str, str]:
    amounts = {"optimiser steps": count(plan.steps), "share of the plan": "1", "epochs": short(plan.epochs)}
    return amounts | _estimated(plan.estimate)


def _paid(cost: TrainingCost) -> str:
    return f"{dollars(cost.usd)} at {dollars(cost.usd_per_hour)} an hour, {cost.purchase}"


def _done(training: TrainingReport, plan: TrainingPlan | None) -> dict[str, str]:
    done = {
        "optimiser steps": count(training.steps),
        "share of the plan": short(training.fraction),
        "tokens per second": count(training.tokens_per_second),
        "training time": duration(training.seconds_used),
    }
    if plan:
        hours = training.seconds_used / 3600
        done["epochs"] = short(training.steps * plan.micro_batches_per_step / plan.micro_batches)
        done["price"] = (
            f"{dollars(hours * plan.estimate.usd_per_hour)} at {dollars(plan.estimate.usd_per_hour)} an hour"
        )
    return done
