"""Pictures of the training and of its scores."""

from __future__ import annotations

from typing import Any

from pipeline.review.figure import BASE, CHAMPION, INK, LOST, TRAINED, legend, name_rows, number, svg
from steps.contract import CanaryReport, EvaluationReport, MemoryEstimate, TrainingReport


def loss_curves(training: TrainingReport, limit: float | None) -> str:
    """Training and validation loss by optimiser step, with the gate's limit where it is known."""

    def draw(axes: Any) -> None:
        axes.plot(
            [point.step for point in training.curve],
            [point.loss for point in training.curve],
            color=BASE,
            linewidth=1.4,
            marker="." if len(training.curve) < 60 else "",
            label="training",
        )
        if training.validation_curve:
            steps, losses = zip(*training.validation_curve, strict=True)
            axes.plot(steps, losses, color=TRAINED, linewidth=2, marker="o", markersize=4, label="validation")
        if limit is not None:
            axes.axhline(limit, color=LOST, linewidth=1.2, linestyle=(0, (5, 4)), label="limit of the gate")
        axes.set_xlabel("optimiser step")
        axes.set_ylabel("nats per answer token")
        axes.set_ylim(bottom=0)
        legend(axes)

    return svg("loss", 3.2, draw)


def chrf_bars(evaluation: EvaluationReport) -> str:
    """chrF++ per direction with 95 % intervals: the trained model over its base, and the champion where there is one."""
    champions = [scores.champion_chrf for scores in evaluation.directions]

    def draw(axes: Any) -> None:
        names, place = [], 0
        for scores, champion in zip(evaluation.directions, champions, strict=True):
            systems = [
                ("this model", scores.chrf.value, scores.chrf.low, scores.chrf.high, TRAINED),
                ("base", scores.base_chrf.value, scores.base_chrf.low, scores.base_chrf.high, BASE),
            ]
            if champion:
                systems.insert(1, ("champion", champion.value, champion.low, champion.high, CHAMPION))
            for name, value, low, high, colour in systems:
                axes.barh(place, value, color=colour, height=0.66)
                axes.plot([low, high], [place, place], color=INK, linewidth=1.2)
                number(axes, place, max(value, high), f"{value:.1f}", 100)
                names.append(f"{scores.direction} {name}")
                place += 1
        name_rows(axes, names)
        axes.set_xlim(0, 108)
        axes.set_xlabel("chrF++, higher is better")

    count = sum(2 + bool(champion) for champion in champions)
    return svg("chrf", 0.9 + 0.36 * count, draw)


def memory_bars(memory: MemoryEstimate, canary: CanaryReport | None) -> str:
    """GiB of one GPU: the formula's terms on top of each other, what a canary measured, and what may be used."""
    measured = canary if canary and canary.memory_limit_gib is not None else None
    terms = [
        ("weights", memory.weights, BASE, 1.0),
        ("adapters", memory.adapters, CHAMPION, 1.0),
        ("activations", memory.activations, TRAINED, 1.0),
        ("logits", memory.logits, TRAINED, 0.55),
        ("overhead", memory.overhead, BASE, 0.5),
    ]
    limit = measured.memory_limit_gib if measured and measured.memory_limit_gib else memory.available

    def draw(axes: Any) -> None:
        left = 0.0
        for name, value, colour, strength in terms:
            axes.barh(0, value, left=left, color=colour, alpha=strength, height=0.6, label=f"{name} {value:.1f}")
            left += value
        full = 1.12 * max(limit, left, measured.peak_reserved_gib if measured else 0)
        number(axes, 0, max(left, limit), f"{left:.1f}", full)
        names = ["formula"]
        if measured:
            axes.barh(1, measured.peak_reserved_gib, color=BASE, alpha=0.5, height=0.6)
            axes.barh(1, measured.peak_allocated_gib, color=INK, alpha=0.6, height=0.6)
            number(axes, 1, max(measured.peak_reserved_gib, limit), f"{measured.peak_allocated_gib:.1f}", full)
            names.append("measured")
        axes.axvline(limit, color=LOST, linewidth=1.4, linestyle=(0, (5, 4)), label=f"may be used {limit:.1f}")
        name_rows(axes, names)
        axes.set_xlim(0, full)
        axes.set_xlabel("GiB")
        legend(axes)

    return svg("memory", 2.4 if measured else 2.0, draw)
