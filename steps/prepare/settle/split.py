"""Assigns whole components to train, validation and test."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steps.job import Refused
from steps.prepare.options import PrepareOptions
from steps.prepare.settle.components import Components
from steps.prepare.settle.verdicts import Verdicts
from steps.prepare.stable_hash import xxh3_64
from steps.prepare.tables import TEST, TRAIN, VALIDATION

NAMES = {TRAIN: "train", VALIDATION: "validation", TEST: "test"}


def held_out_size(rows: int, options: PrepareOptions) -> int:
    """Most rows that validation, and that test, may have."""
    return max(1, min(options.held_out_pairs, int(rows * options.held_out_percent // 100)))


def assign(components: Components, keys: NDArray[np.uint64], options: PrepareOptions, seed: int) -> NDArray[np.int8]:
    """The split of every component.

    Components are taken in the order of a hash of their smallest pair key (`keys`, one a row of the run), so neither
    the order of rows nor how they were cut changes it, and rows added elsewhere move few. Each goes to test if it fits
    there whole, else to validation, else to train.
    """
    smallest = components.smallest(keys)
    order = np.argsort(xxh3_64(smallest, seed))  # without ties: of 8 bytes the hash is a bijection
    order = order[components.sizes[order] <= options.max_group_held_out]
    room = dict.fromkeys((TEST, VALIDATION), held_out_size(len(components.rows), options))
    splits = np.full(len(components.sizes), TRAIN, np.int8)
    for component, size in zip(order.tolist(), components.sizes[order].tolist(), strict=True):
        chosen = next((split for split, free in room.items() if size <= free), TRAIN)
        if chosen != TRAIN:
            room[chosen] -= size
            splits[component] = chosen
        elif not any(room.values()):
            break
    return splits


def refuse_empty(verdicts: Verdicts, components: Components, options: PrepareOptions) -> None:
    """Raise Refused when a split has no row."""
    for split, name in NAMES.items():
        if not (verdicts.kept & (verdicts.split == split)).any():
            raise Refused(
                f"{name} would be empty: the {len(components.rows)} rows left form {len(components.sizes)} groups of"
                f" equal or near-equal sentences, which stay whole, and test and validation take at most"
                f" {held_out_size(len(components.rows), options)} rows each. Add more varied text."
            )
