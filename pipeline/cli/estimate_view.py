"""How `asusu estimate` prints its answer: aligned lines, the same in a terminal and in a file."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console

from pipeline.cli.outcome import program
from pipeline.errors import harmless
from pipeline.estimate import Answer, Question
from pipeline.review.wording import count, dollars, duration
from steps.budget import ACHIEVED, ACHIEVED_HIGH, FILL
from steps.contract import MemoryEstimate
from steps.instances import TRAINING_INSTANCES
from steps.memory import USABLE

WORDS = {"none": "", "liger": ", liger kernels"}


def print_answer(console: Console, question: Question, found: Answer, model: str) -> None:
    """Print memory, time and cost, checkpoints, spot, and the verdict."""

    def say(text: str = "", style: str | None = None) -> None:
        console.print(harmless(text), style=style, highlight=False, soft_wrap=True, markup=False)

    machine = TRAINING_INSTANCES[question.instance_type]
    each = f"{question.hosts} x {question.instance_type}" if question.hosts > 1 else question.instance_type
    say(
        f"{count(question.examples)} examples of {question.tokens_per_example:g} tokens, {model}, "
        f"on {each} ({machine.gpus} {machine.gpu}, {machine.gpu_gib:g} GiB each)"
    )
    say()
    say(f"GPU memory, {_how(question)}", "bold")
    for name, amount, why in _memory_lines(question, found):
        say(f"  {name:<12}{amount:>8}  {why}".rstrip())
    say()
    say("GPU memory by PackLength, GiB; what does not fit in brackets", "bold")
    say("  PackLength  " + "".join(f"{pack.length:>9,}" for pack in found.packs))
    say("  kept        " + "".join(f"{_gib(pack.kept):>9}" for pack in found.packs))
    say("  recomputed  " + "".join(f"{_gib(pack.recomputed):>9}" for pack in found.packs))
    say()
    say(f"Time and cost, {count(found.steps)} optimiser steps, {count(found.time.tokens)} token slots", "bold")
    for line in _time_lines(question, found):
        say(line)
    say(f"  {found.time.assumptions}")
    say()
    _print_saving(say, found)
    say()
    if found.problems:
        say("Refused:", "bold red")
        for problem in found.problems:
            say(f"  {problem}")
        say(f"next: fewer epochs or steps, another lever, or a higher limit; {program()} params lists them")
    else:
        say("It fits. CanaryTrain replaces these numbers by measured ones.", "bold green")
        if found.memory.advice:
            say(f"  {found.memory.advice}")


def _how(question: Question) -> str:
    levers, values = question.levers, question.values
    dropout = f", dropout {levers.lora_dropout:g}" if levers.lora_dropout else ""
    return (
        f"rank {values['LoraRank']} on {values['LoraTargets']}, {levers.batching} {count(float(values['PackLength']))}"
        f"{dropout}{WORDS[levers.kernels]}"
    )


def _memory_lines(question: Question, found: Answer) -> list[tuple[str, str, str]]:
    memory, machine = found.memory, TRAINING_INSTANCES[question.instance_type]
    terms = ", ".join(f"{name} {amount / 1024:.1f}" for name, amount in found.layer_terms.items() if amount)
    layer = f"KiB a layer and slot: {terms}"
    kept = f"recomputed; at once at most {layer}" if memory.gradient_checkpointing else f"kept; {layer}"
    return [
        ("weights", f"{memory.weights:.2f}", "bf16, frozen"),
        ("adapters", f"{memory.adapters:.2f}", f"{count(found.trainable)} weights, gradients, AdamW moments"),
        ("activations", f"{memory.activations:.2f}", kept),
        ("logits", f"{memory.logits:.2f}", "" if memory.logits else "gone when the peak comes"),
        ("overhead", f"{memory.overhead:.2f}", "context, workspaces"),
        ("need", f"{memory.need:.2f}", f"GiB for micro-batches of {count(memory.slots)} slots"),
        ("available", f"{memory.available:.2f}", f"{USABLE:.0%} of {machine.gpu_gib:g}"),
        ("margin", f"{memory.margin:+.2f}", ""),
        ("longest", count(memory.longest), "slots of a micro-batch that fit"),
    ]


def _gib(found: MemoryEstimate) -> str:
    return f"{found.need:.1f}" if found.fits else f"({found.need:.1f})"


def _time_lines(question: Question, found: Answer) -> list[str]:
    time, limits = found.time, question.limits
    padded = question.levers.batching == "padded"
    real = question.tokens_per_example / question.number("MaxLength") if padded else FILL[question.levers.batching]
    fast, slow = time.tokens_per_second_high, time.tokens_per_second_low
    speeds = [fast, fast * ACHIEVED / ACHIEVED_HIGH, slow]  # not slots by hours: those of a tiny run are rounded to 0
    rows = [
        ("", ["low", "expected", "high"], "limit"),
        (
            "hours",
            [f"{hours:,.1f}" for hours in (time.hours_low, time.hours_expected, time.hours_high)],
            f"{limits.training_hours:g} (MaxTrainingHours), "
            f"{(limits.platform_hours or 0) - limits.margin_hours:g} (MaxRuntime less {60 * limits.margin_hours:g} min)",
        ),
        (
            "days",
            [f"{hours / 24:,.1f}" for hours in (time.hours_low, time.hours_expected, time.hours_high)],
            "",
        ),
        (
            "dollars",
            [dollars(usd) for usd in (time.usd_low, time.usd_expected, time.usd_high)],
            f"{dollars(limits.usd)} (MaxCostUsd)",
        ),
        ("slots/s", [count(speed) for speed in speeds], f"{real:.0%} of the slots hold a real token"),
    ]
    return [
        f"  {name:<12}" + "".join(f"{cell:>11}" for cell in cells) + f"   {last}".rstrip() for name, cells, last in rows
    ]


def _print_saving(say: Callable[..., None], found: Answer) -> None:
    saving, spot = found.saving, found.spot
    say("Checkpoints", "bold")
    say(
        f"  every {saving.minutes:g} min or {count(saving.steps)} steps: {count(saving.checkpoints)} of "
        f"{saving.checkpoint_mib:.1f} MiB, {saving.total_gib:.1f} GiB in all, {saving.restore_minutes:.1f} min to restore"
    )
    say()
    say("Spot against on demand", "bold")
    if spot is None:
        say("  no spot price of this instance type is known")
        return
    lost = duration(3600 * spot.hours_lost_each)
    say(f"  on demand   {spot.on_demand_hours:,.1f} h, {dollars(spot.on_demand_usd)}")
    if spot.hours is None or spot.usd is None:
        say(f"  spot        never ends: {spot.interruptions_per_day:g} interruptions a day lose {lost} each")
    else:
        say(
            f"  spot        {spot.hours:,.1f} h, {dollars(spot.usd)} at ${spot.usd_per_hour:g}/h: "
            f"{spot.interruptions:,.1f} interruptions ({spot.interruptions_per_day:g} a day assumed), {lost} lost to each"
        )
    say(f"  break-even  {spot.break_even_per_day:,.1f} interruptions a day")
