"""Memory: the formula of `steps.memory` against the measured peak, and the recipe on a card of a given size."""

from __future__ import annotations

import itertools

import torch

from steps.contract import MANIFEST, BaseModelManifest, load
from steps.instances import TRAINING_INSTANCES
from steps.levers import Levers
from steps.memory import memory_estimate
from tests.benchmarks.gpu_place import Place, Row
from tests.benchmarks.train_job import Setting
from tests.benchmarks.train_timing import GIB, time_setting

LENGTHS = (256, 512, 768, 1_024, 1_280)
RECIPE_STEPS = 50
AIM = 0.05  # of the measured peak


def measure_memory(place: Place) -> None:
    """Peak of two steps of two packs, for every length, with and without recomputation, dropout and adapters everywhere."""
    lengths = LENGTHS[:1] if place.tiny else LENGTHS
    checkpointing, dropouts = ("off", "on"), (0.0, 0.05)
    for length, recompute, targets, dropout in itertools.product(
        lengths, checkpointing, ("attention", "all-linear"), dropouts
    ):
        if not place.has_time():
            return
        setting = Setting(
            f"{length} slots",
            Levers(gradient_checkpointing=recompute, lora_dropout=dropout, attention="sdpa"),  # type: ignore[arg-type]
            length,
            2 * length,
            targets,
        )
        place.attempt(
            setting.name,
            lambda setting=setting: _peak(place, setting),  # type: ignore[misc]
            slots=length,
            recompute=recompute == "on",
            targets=targets,
            dropout=dropout,
        )


def _peak(place: Place, setting: Setting) -> Row:
    """Predicted and measured GiB of what tensors take; the context, which the formula adds apart, is left out of both."""
    timing = time_setting(place.cache / "run", place.staged, place.lengths, setting, warm=1, steps=1)
    shape = load(place.staged / MANIFEST, BaseModelManifest).shape
    labelled = _labelled_share(place)
    predicted = memory_estimate(
        shape,
        TRAINING_INSTANCES["ml.g5.xlarge"],
        setting.levers,
        rank=16,
        targets=setting.targets,
        slots=setting.pack_length,
        labelled_share=labelled,
    )
    expected = predicted.need - predicted.overhead
    error = expected / timing.peak_gib - 1 if timing.peak_gib else None
    return {
        "predicted_gib": round(expected, 3),
        "measured_gib": timing.peak_gib,
        "reserved_gib": timing.reserved_gib,
        "error": error,
        "labelled_share": round(labelled, 3),
    }


def _labelled_share(place: Place) -> float:
    """Share of real tokens that are to be predicted: answers and EOS."""
    both = list(zip(place.lengths.first, place.lengths.second, strict=True))
    answers = sum(first + second + 2 for first, second in both)
    overhead = sum(place.lengths.heads) + sum(place.lengths.middles)
    return answers / (answers + sum(first + second for first, second in both) + overhead * len(both))


def measure_recipe(place: Place) -> None:
    """The recipe's defaults for 50 steps, in a process that may not take more memory than the card it is meant for has."""
    steps = 2 if place.tiny else RECIPE_STEPS
    setting = Setting("recipe", Levers(), *((256, 512) if place.tiny else (1_024, 4_096)))
    on_gpu = torch.cuda.is_available()
    before = _used_gib()
    if on_gpu:
        total = torch.cuda.get_device_properties(0).total_memory / GIB
        torch.cuda.set_per_process_memory_fraction(min(1.0, place.cap_gib / total))

    def measure() -> Row:
        timing = time_setting(place.cache / "run", place.staged, place.lengths, setting, warm=1, steps=steps)
        return {
            "cap_gib": place.cap_gib,
            "peak_gib": timing.peak_gib,
            "reserved_gib": timing.reserved_gib,
            "context_gib": before,
            "steps": len(timing.losses),
            "tokens_per_second": timing.tokens_per_second,
            "first_loss": timing.losses[0],
            "last_loss": timing.losses[-1],
        }

    try:
        place.attempt(setting.name, measure)
    finally:
        if on_gpu:
            torch.cuda.set_per_process_memory_fraction(1.0)


def _used_gib() -> float | None:
    """What the device holds beside PyTorch's own tensors: the context, and other processes."""
    if not torch.cuda.is_available():
        return None
    free, total = torch.cuda.mem_get_info()
    return (total - free - torch.cuda.memory_reserved()) / GIB


def memory_table(rows: list[Row]) -> str:
    """Prediction beside measurement, in Markdown."""
    lines = [
        "| slots | recomputed | adapters | dropout | predicted GiB | measured GiB | error |",
        "|--:|---|---|--:|--:|--:|--:|",
    ]
    errors = []
    for row in rows:
        start = f"| {row['slots']:,} | {'yes' if row['recompute'] else 'no'} | {row['targets']} | {row['dropout']:g} |"
        if "failed" in row:
            lines.append(f"{start} | | {row['failed']} |")
            continue
        if row["error"] is None:
            lines.append(f"{start} {row['predicted_gib']:.2f} | no GPU | |")
            continue
        errors.append(row["error"])
        lines.append(f"{start} {row['predicted_gib']:.2f} | {row['measured_gib']:.2f} | {row['error']:+.1%} |")
    if errors:
        within = sum(abs(error) <= AIM for error in errors)
        lines.append(f"\n{within} of {len(errors)} within {AIM:.0%}; worst {max(errors, key=abs):+.1%}.")
    return "\n".join(lines) + "\n"


def recipe_table(rows: list[Row]) -> str:
    """What the capped run did, as a sentence."""
    row = rows[-1]
    if "failed" in row:
        return f"The recipe did not run: {row['failed']}\n"
    peak = (
        "" if row["peak_gib"] is None else f", peak {row['peak_gib']:.2f} GiB, reserved {row['reserved_gib']:.2f} GiB"
    )
    context = "" if row["context_gib"] is None else f" beside {row['context_gib']:.2f} GiB of the context"
    return (
        f"{row['steps']} steps capped at {row['cap_gib']} GiB{peak}{context}; {row['tokens_per_second']:,.0f} real tokens/s; "
        f"loss {row['first_loss']:.3f} to {row['last_loss']:.3f}.\n"
    )
