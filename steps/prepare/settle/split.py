"""Assigns whole components to train, validation and test."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steps.job import Refused
from steps.prepare.options import PrepareOptions
from steps.prepare.settle.components import Components
from steps.prepare.settle.verdicts import Verdicts
from steps.prepare.tables import TEST, TRAIN, VALIDATION

NAMES = {TRAIN: "train", VALIDATION: "validation", TEST: "test"}

# XXH3_64bits of 8 bytes, from the specification: two words of the default secret, the avalanche's multiplier
SECRET = 0x1CAD21F72C81017C ^ 0xDB979083E96DD4DE
MULTIPLIER = np.uint64(0x9FB21C651E98DF25)


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


def xxh3_64(values: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """XXH3 (64 bits) of each value's 8 little-endian bytes. Stable by specification, unlike Python's or Polars' hash."""
    low = seed & 0xFFFFFFFF
    swapped = int.from_bytes(low.to_bytes(4, "little"), "big")
    flip = (SECRET - ((seed ^ (swapped << 32)) & 0xFFFFFFFFFFFFFFFF)) & 0xFFFFFFFFFFFFFFFF
    mixed = ((values >> np.uint64(32)) | (values << np.uint64(32))) ^ np.uint64(flip)
    mixed ^= _rotated(mixed, 49) ^ _rotated(mixed, 24)
    mixed *= MULTIPLIER
    mixed ^= (mixed >> np.uint64(35)) + np.uint64(8)
    mixed *= MULTIPLIER
    return mixed ^ (mixed >> np.uint64(28))


def _rotated(values: NDArray[np.uint64], bits: int) -> NDArray[np.uint64]:
    return (values << np.uint64(bits)) | (values >> np.uint64(64 - bits))
