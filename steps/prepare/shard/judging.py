"""Asks every rule about the rows that no rule before it has hit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from steps.prepare.characters import Flags, Places
from steps.prepare.options import PrepareOptions
from steps.prepare.shard.benchmark import Benchmark
from steps.prepare.shard.rules import RULES, Question
from steps.prepare.shard.sides import Pairs


@dataclass(frozen=True)
class Judged:
    """Which of n pairs are kept; of the others, in order, the rule and what it found."""

    kept: Flags
    dropped: Places
    rules: list[str]
    values: list[str | None]
    identified: tuple[Counter[str], Counter[str]]
    swapped: int


def judge(pairs: Pairs, options: PrepareOptions, benchmarks: Sequence[Benchmark]) -> Judged:
    """Ask all rules that are on. A row whose reader found a flaw has no texts to ask about and goes for that flaw."""
    verdicts: dict[int, tuple[str, str | None]] = dict(pairs.flaws)
    asked = np.ones(len(pairs), dtype=np.bool_)
    asked[list(verdicts)] = False
    question = Question(pairs, options, benchmarks, asked)
    for rule in RULES:
        if options.on(rule.name):
            found = rule.find(question)
            hit = np.flatnonzero(found.rows & asked)
            verdicts.update((row, (rule.name, found.value(row))) for row in hit.tolist())
            asked[hit] = False
    dropped = sorted(verdicts)
    return Judged(
        kept=asked,
        dropped=np.array(dropped, dtype=np.int64),
        rules=[verdicts[row][0] for row in dropped],
        values=[verdicts[row][1] for row in dropped],
        identified=question.identified,
        swapped=question.swapped,
    )
