"""Assigns whole components to train, validation and test."""

from __future__ import annotations

from collections.abc import Sequence

import xxhash

from steps.job import Refused
from steps.prepare.keys import pair_key
from steps.prepare.row import Texts

MAX_HELD_OUT = 2000  # pairs in validation, and in test: enough for stable chrF++ intervals
HELD_OUT_PERCENT = 5
MAX_GROUP_HELD_OUT = 100  # larger components are boilerplate and would fill a held-out split with one sentence


def held_out_size(rows: int) -> int:
    """Most pairs that validation, and that test, may have."""
    return max(1, min(MAX_HELD_OUT, rows * HELD_OUT_PERCENT // 100))


def split_groups(pairs: Sequence[Texts], groups: Sequence[list[int]], seed: int) -> dict[str, list[int]]:
    """Row indices per split, ascending. Raises Refused when no component fits into validation or into test.

    The order of assignment is a hash of each component's smallest pair key, so adding rows elsewhere moves few
    components, and neither row order nor process changes it. xxh3_64 is stable by specification.
    """
    room = {"test": held_out_size(len(pairs)), "validation": held_out_size(len(pairs))}
    splits: dict[str, list[int]] = {"train": [], "validation": [], "test": []}
    by_smallest_key = {min("\0".join(pair_key(pairs[row])) for row in group): group for group in groups}
    for smallest in sorted(by_smallest_key, key=lambda key: (xxhash.xxh3_64_intdigest(key.encode(), seed=seed), key)):
        group = by_smallest_key[smallest]
        chosen = "train"
        if len(group) <= MAX_GROUP_HELD_OUT:
            chosen = next((split for split, free in room.items() if len(group) <= free), "train")
        if chosen in room:
            room[chosen] -= len(group)
        splits[chosen] += group
    for split, rows in splits.items():
        if not rows:
            raise Refused(
                f"{split} would be empty: the {len(pairs)} rows left form {len(groups)} groups of equal or near-equal"
                f" sentences, which stay whole, and test and validation take at most"
                f" {held_out_size(len(pairs))} rows each. Add more varied text."
            )
    return {split: sorted(rows) for split, rows in splits.items()}
