"""Speed: strategies and levers against the lost run's, alone and together, with model FLOP utilisation."""

from __future__ import annotations

import functools

from steps.budget import flops_per_token
from steps.contract import MANIFEST, BaseModelManifest, load
from steps.levers import Levers
from tests.benchmarks.gpu_place import Place, Row
from tests.benchmarks.train_job import MAX_LENGTH, Setting, example_lengths
from tests.benchmarks.train_report import interval
from tests.benchmarks.train_timing import time_setting

LOST, FAIR, PACKED = "padded, batch 1, checkpointing", "padded, batch 16, checkpointing", "packed 1,024"
WARM, STEPS, ROUNDS = 2, 5, 5


def contestants(tiny: bool) -> list[Setting]:
    """The lost run and a fair base with 16 rows at once; then the recipe, and levers alone and together. The most telling come
    first: when time is short, those have run."""
    slots = (256, 512) if tiny else (1_024, 4_096)

    def padded(name: str, pack: int, checkpointing: str) -> Setting:
        levers = Levers(batching="padded", gradient_checkpointing=checkpointing, attention="sdpa")  # type: ignore[arg-type]
        return Setting(name, levers, pack, 2 * pack if tiny else 4_096, one_at_a_time=True)

    def packed(name: str, **changes: object) -> Setting:
        levers = Levers(gradient_checkpointing="off", attention="sdpa").model_copy(update=changes)
        return Setting(name, levers, *slots, one_at_a_time=True)

    return [
        padded(LOST, MAX_LENGTH, "on"),
        padded(FAIR, 16 * MAX_LENGTH, "on"),
        padded("padded, batch 1", MAX_LENGTH, "off"),
        packed("packed 1,024, checkpointing", gradient_checkpointing="on"),
        packed(PACKED),
        packed("packed 1,024, Liger", kernels="liger"),
        packed("packed 1,024, varlen", attention="varlen"),
        packed("packed 1,024, compile", compile=True),
        packed("packed 1,024, Liger, varlen", kernels="liger", attention="varlen"),
        packed("packed 1,024, Liger, varlen, compile", kernels="liger", attention="varlen", compile=True),
        packed("packed 1,024, Liger, compile", kernels="liger", compile=True),
        packed("token budget 1,024", batching="token-budget"),
        packed("packed 1,024, dropout 0.05", lora_dropout=0.05),
        packed("packed 1,024, AdamW not fused", optimizer="adamw_torch"),
        packed("packed 1,024, logits everywhere", logits="all"),
    ]


def measure_speed(place: Place) -> None:
    """All in turn, there and back, until the part's minutes are used. What fails once is not tried again."""
    entries, failed = contestants(place.tiny), set[str]()
    for number in range(1, (1 if place.tiny else ROUNDS) + 1):
        for setting in entries if number % 2 else reversed(entries):
            if setting.name in failed or not place.has_time():
                continue
            row = place.attempt(setting.name, functools.partial(_time, place, setting, number), round=number)
            if "failed" in row:
                failed.add(setting.name)


def _time(place: Place, setting: Setting, number: int) -> Row:
    """Rates of one job. Slots a second, times the share of slots of the whole split that hold a real token: which examples
    happened to be in the few steps that were timed makes no difference."""
    steps = {"warm": 1, "steps": 1} if place.tiny else {"warm": WARM, "steps": STEPS}
    timing = time_setting(place.cache / "run", place.staged, place.lengths, setting, seed=number, **steps)
    shape = load(place.staged / MANIFEST, BaseModelManifest).shape
    slots = timing.slots / len(timing.seconds)
    flops = flops_per_token(shape, recompute=False) * timing.slots / sum(timing.seconds)
    examples = [length for both in example_lengths(place.lengths) for _, length in both]
    rates = [slots / seconds * timing.fill for seconds in timing.seconds]
    return {
        "rates": rates,
        "tokens_per_second": sum(rates) / len(rates),
        "examples_per_second": sum(rates) / len(rates) * len(examples) / sum(examples),
        "tflops": flops / 1e12,
        "of_peak": flops / 1e12 / place.peak_tflops,
        "fill": timing.fill,
        "peak_gib": timing.peak_gib,
    }


def speed_table(rows: list[Row], peak_tflops: float) -> str:
    """Ratios of real tokens a second to the lost run's, and to the fair base, with 95 % bootstrap intervals over steps."""
    rates: dict[str, list[float]] = {}
    reasons = {row["name"]: row["failed"] for row in rows if "failed" in row}
    good = [row for row in rows if "failed" not in row]
    for row in good:
        rates.setdefault(row["name"], []).extend(row["rates"])
    lines = [
        "| configuration | real tokens/s | examples/s | times the lost run's | times batch 16"
        " | model TFLOPS | of peak | peak GiB |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, own in rates.items():
        of_it = [row for row in good if row["name"] == name]

        def mean(key: str, of_it: list[Row] = of_it) -> float:
            return float(sum(row[key] for row in of_it) / len(of_it))

        peak = of_it[0]["peak_gib"]
        lines.append(
            f"| {name} | {mean('tokens_per_second'):,.0f} | {mean('examples_per_second'):,.1f} | {_ratio(own, rates.get(LOST))}"
            f" | {_ratio(own, rates.get(FAIR))} | {mean('tflops'):.3g} | {mean('of_peak'):.1%}"
            f" | {'–' if peak is None else format(peak, '.1f')} |"
        )
    lines.append(
        "\nModel TFLOPS: 4 FLOPs a weight and token slot, padding counted, recomputation not; "
        f"peak {peak_tflops:g} TFLOPS, dense bf16."
    )
    lines += [f"- {name}: {reason}" for name, reason in reasons.items()]
    return "\n".join(lines) + "\n"


def _ratio(own: list[float], reference: list[float] | None) -> str:
    if not reference:
        return "–"
    middle, low, high = interval(own, reference)
    return f"{middle:.2f} ({low:.2f}–{high:.2f})"
