"""What a canary's measurements must stay within, and the sentences about those that do not."""

from __future__ import annotations

from dataclasses import dataclass

from steps.contract import CanaryReport
from steps.train.options import TrainOptions

CHECKPOINT_SECONDS = 100.0  # the platform kills 120 s after SIGTERM; the step in progress ends first
EVALUATION_SHARE = 0.05  # the lost run spent four fifths of its bill on validation
WAITING_SHARE = 0.2
WORTH_HOURS = 0.25  # a share of the time is refused only where it comes to more than a quarter of an hour of it
UNEVEN = 2.0  # times the median step that one in twenty may take before it is worth a word
SMALLER = "Lower PackLength or LoraRank, choose LoraTargets=attention, or set the lever gradient_checkpointing to on."


@dataclass(frozen=True)
class CanaryLimits:
    """Limits of one run. Hours and dollars are of the whole run."""

    training_hours: float
    platform_hours: float
    """MaxRuntime less the margin in which training stops itself."""
    usd: float
    checkpoint_seconds: float = CHECKPOINT_SECONDS
    evaluation_share: float = EVALUATION_SHARE
    waiting_share: float = WAITING_SHARE
    worth_hours: float = WORTH_HOURS


def limits_of(options: TrainOptions) -> CanaryLimits:
    """The limits that a run's options set, and this house's own."""
    return CanaryLimits(
        training_hours=options.max_training_hours,
        platform_hours=options.max_runtime_seconds / 3600 - options.stop_margin_minutes / 60,
        usd=options.max_cost_usd,
    )


def passed_limits(report: CanaryReport, limits: CanaryLimits) -> list[str]:
    """A sentence for every limit that was passed, with the remedy; empty when the real run may start."""
    if report.peak_tflops is not None and report.achieved_tflops > report.peak_tflops:
        return [
            f"{report.achieved_tflops:,.1f} TFLOPS were measured where {report.device} has {report.peak_tflops:,.0f} "
            "(dense bf16). That cannot be true, so nothing that follows from the measured speed is. Look at how time or "
            "FLOPs are counted."
        ]
    return [*_memory(report), *_time_and_money(report, limits), *_shares(report, limits)]


def remarks(report: CanaryReport) -> list[str]:
    """What is worth a word and no refusal."""
    said = []
    if report.step_seconds_p95 > UNEVEN * report.step_seconds_p50:
        said.append(
            f"steps are uneven: one in twenty takes {report.step_seconds_p95:.3g} s or more, half of them "
            f"{report.step_seconds_p50:.3g} s or less"
        )
    if report.peak_tflops is None and report.memory_limit_gib is not None:
        said.append(f"{report.device} is not the GPU of the instance type, so there is no share of its peak")
    return said


def _memory(report: CanaryReport) -> list[str]:
    if report.memory_limit_gib is None or report.peak_reserved_gib <= report.memory_limit_gib:
        return []
    return [
        f"peak memory was {report.peak_reserved_gib:.1f} GiB reserved ({report.peak_allocated_gib:.1f} allocated), over the "
        f"{report.memory_limit_gib:.1f} GiB of the GPU that may be used. {SMALLER}"
    ]


def _time_and_money(report: CanaryReport, limits: CanaryLimits) -> list[str]:
    found = [
        (report.projected_hours, limits.training_hours, "hours", "MaxTrainingHours"),
        (report.projected_hours, limits.platform_hours, "hours", "the platform's MaxRuntime less the margin"),
        (report.projected_usd, limits.usd, "dollars", "MaxCostUsd"),
    ]
    over = [f"{value:,.1f} {unit} over {name} ({limit:g})" for value, limit, unit, name in found if value > limit]
    if not over:
        return []
    return [
        f"at the measured {report.tokens_per_second:,.0f} tokens/s the run would take {' and '.join(over)}. "
        "Lower Epochs or MaxSteps, or raise the limit on purpose."
    ]


def _shares(report: CanaryReport, limits: CanaryLimits) -> list[str]:
    problems = []
    if report.checkpoint_seconds > limits.checkpoint_seconds:
        problems.append(
            f"writing and sealing a checkpoint took {report.checkpoint_seconds:,.1f} s, over {limits.checkpoint_seconds:g}: it "
            "would not be done in the 120 s between SIGTERM and the end. Lower LoraRank or choose LoraTargets=attention."
        )
    hours = report.evaluation_share * report.projected_hours
    if report.evaluation_share > limits.evaluation_share and hours > limits.worth_hours:
        problems.append(
            f"validation would take {report.evaluation_share:.1%} of the run ({hours:,.1f} h), over "
            f"{limits.evaluation_share:.0%}. Lower held_out_pairs in prepare_options."
        )
    hours = report.loader_wait_share * report.projected_hours
    if report.loader_wait_share > limits.waiting_share and hours > limits.worth_hours:
        problems.append(
            f"{report.loader_wait_share:.1%} of step time was spent waiting for data, over {limits.waiting_share:.0%}: this "
            "machine's CPU does not keep up. Choose an instance type with more of it."
        )
    return problems
