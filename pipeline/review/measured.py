"""What the canaries measured, beside what was planned and what is allowed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pipeline.review.files import Run
from pipeline.review.wording import count, dollars, duration, percent, short, spread
from steps.contract import CanaryReport, TrainingPlan
from steps.train.limits import CHECKPOINT_SECONDS, EVALUATION_SHARE, WAITING_SHARE


@dataclass(frozen=True)
class Measured:
    """One line: a measurement of each canary, what the plan expected, and the limit. A text is empty where there is none."""

    what: str
    values: list[str]
    planned: str
    limit: str


def canaries_measured(run: Run, parameters: Mapping[str, str | int | float]) -> list[Measured]:
    """A line for everything a canary measures; `parameters` are those of the run, for its limits."""
    canaries = [canary for canary in (run.canary_train, run.canary_resume) if canary]
    planned = _planned(run.plan) if run.plan else {}
    limits = _limits(canaries[0], parameters) if canaries else {}
    return [
        Measured(what, [text(canary) for canary in canaries], planned.get(what, ""), limits.get(what, ""))
        for what, text in LINES.items()
    ]


def _loss(canary: CanaryReport) -> str:
    if not canary.probe_losses:
        return "—"
    return f"{short(canary.probe_losses[0])} to {short(canary.probe_losses[-1])}"


def _share_of_peak(canary: CanaryReport) -> str:
    if canary.peak_tflops is None or canary.peak_share is None:
        return "—"
    return f"{percent(canary.peak_share)} of {short(canary.peak_tflops)}"


def _gib(value: float, canary: CanaryReport) -> str:
    return f"{value:.1f} GiB" if canary.memory_limit_gib is not None else f"{value:.2f} GiB of the host"


LINES: dict[str, Callable[[CanaryReport], str]] = {
    "ran on": lambda canary: canary.device,
    "steps": lambda canary: f"{canary.start_step} to {canary.end_step}",
    "loss on a fixed batch": _loss,
    "tokens per second": lambda canary: count(canary.tokens_per_second),
    "token slots per second": lambda canary: count(canary.slots_per_second),
    "examples per second": lambda canary: short(canary.examples_per_second),
    "TFLOPS": lambda canary: short(canary.achieved_tflops),
    "share of the peak": _share_of_peak,
    "peak memory": lambda canary: _gib(canary.peak_allocated_gib, canary),
    "with what is reserved": lambda canary: (
        "—" if canary.memory_limit_gib is None else _gib(canary.peak_reserved_gib, canary)
    ),
    "half of the steps under": lambda canary: duration(canary.step_seconds_p50),
    "19 of 20 steps under": lambda canary: duration(canary.step_seconds_p95),
    "waiting for data": lambda canary: f"{percent(canary.loader_wait_share)} of step time",
    "one validation": lambda canary: duration(canary.evaluation_seconds),
    "all validations": lambda canary: f"{percent(canary.evaluation_share)} of the run",
    "one checkpoint": lambda canary: duration(canary.checkpoint_seconds),
    "the whole run": lambda canary: duration(canary.projected_hours * 3600),
    "its price": lambda canary: dollars(canary.projected_usd),
}


def _planned(plan: TrainingPlan) -> dict[str, str]:
    """Predictions for the instance type; the machine that ran it may be another."""
    time = plan.estimate
    return {
        "token slots per second": spread(count(time.tokens_per_second_low), count(time.tokens_per_second_high)),
        "peak memory": f"{plan.memory.need:.1f} GiB",
        "the whole run": spread(duration(time.hours_low * 3600), duration(time.hours_high * 3600)),
        "its price": spread(dollars(time.usd_low), dollars(time.usd_high)),
    }


def _limits(canary: CanaryReport, parameters: Mapping[str, str | int | float]) -> dict[str, str]:
    limits = {
        "waiting for data": percent(WAITING_SHARE),
        "all validations": percent(EVALUATION_SHARE),
        "one checkpoint": duration(CHECKPOINT_SECONDS),
    }
    if canary.peak_tflops is not None:
        limits["share of the peak"] = percent(1)
    if canary.memory_limit_gib is not None:
        limits["with what is reserved"] = f"{canary.memory_limit_gib:.1f} GiB"
    if "MaxTrainingHours" in parameters:
        limits["the whole run"] = duration(float(parameters["MaxTrainingHours"]) * 3600)
    if "MaxCostUsd" in parameters:
        limits["its price"] = dollars(float(parameters["MaxCostUsd"]))
    return limits
