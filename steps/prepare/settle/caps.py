"""Exact duplicates and the caps: rules that count equal hashes. The first rows of a group stay, by row number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from steps.prepare.options import PrepareOptions
from steps.prepare.settle.engine import Engine
from steps.prepare.settle.groups import Groups
from steps.prepare.settle.verdicts import Verdicts

COLUMNS = ("pair", "left", "right", "template")
CLUSTERS = {"2": 2, "3": 3, "4-9": 4, "10-99": 10, "100+": 100}  # name: least size


@dataclass(frozen=True)
class Repeats:
    """Rows with an equal sentence on the left, and on the right, whether dropped or not; clusters of equal pairs."""

    left: Groups
    right: Groups
    clusters: dict[str, int]


def drop_repeats(
    engine: Engine, files: Sequence[Path], options: PrepareOptions, verdicts: Verdicts, progress: Callable[[int], None]
) -> Repeats:
    """Apply the four rules, each to what those before it left; `progress` hears of each column."""

    def asked(column: str) -> Groups:
        groups = engine.groups(files, column)
        progress(1)
        return groups

    def apply(rule: str, groups: Groups, limit: int) -> Groups:
        if options.on(rule):
            groups = groups.only(verdicts.kept[groups.rows])
            over = groups.beyond(limit)
            verdicts.drop(rule, groups.rows[over], groups.firsts()[over])
        return groups

    pairs = asked("pair")
    apply("duplicate", pairs, 1)
    left = apply("source-cap", asked("left"), options.max_targets_per_source)
    right = apply("target-cap", asked("right"), options.max_sources_per_target)
    if options.on("template-cap"):  # else the shards hold no templates
        apply("template-cap", asked("template"), options.max_pairs_per_template)
    else:
        progress(1)
    return Repeats(left, right, cluster_sizes(pairs))


def cluster_sizes(groups: Groups) -> dict[str, int]:
    """Groups by size, in the classes of the report."""
    classes = np.searchsorted(list(CLUSTERS.values()), groups.sizes(), side="right") - 1
    return dict(zip(CLUSTERS, np.bincount(classes, minlength=len(CLUSTERS)).tolist(), strict=True))
