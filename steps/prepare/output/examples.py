"""Rows to look at for the rules that need the whole corpus: found by row in the kept rows of the shards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from steps.contract import Example, ShardReport
from steps.prepare.output.drawing import drawn_places
from steps.prepare.output.totals import EXAMPLES
from steps.prepare.output.verdicts import Verdicts
from steps.prepare.output.write import read_arrow
from steps.prepare.tables import KEPT_FILE

EXAMPLE_CHARACTERS = 200


def global_examples(
    dropped: Verdicts, rules: Iterable[str], shards: Sequence[Path], reports: Sequence[ShardReport]
) -> dict[str, tuple[int, list[Example], list[Example]]]:
    """Per rule: how many rows it dropped, the first five, and five drawn by the hash of their row."""
    found = {rule: np.flatnonzero(pc.equal(dropped.rules, rule).to_numpy(zero_copy_only=False)) for rule in rules}
    first = {rule: places[:EXAMPLES] for rule, places in found.items()}
    drawn = {rule: places[drawn_places(dropped.rows[places], EXAMPLES)] for rule, places in found.items()}
    wanted = np.unique(np.concatenate([*first.values(), *drawn.values()])).astype(np.intp)
    seen = dict(zip(wanted.tolist(), _read(dropped, wanted, shards, reports), strict=True))
    return {
        rule: (len(found[rule]), [seen[place] for place in first[rule]], [seen[place] for place in drawn[rule]])
        for rule in found
    }


def _read(
    dropped: Verdicts, wanted: NDArray[np.intp], shards: Sequence[Path], reports: Sequence[ShardReport]
) -> list[Example]:
    """Examples of these verdicts, ascending by row, opening each shard at most once."""
    starts = np.array([report.first_row for report in reports], np.uint64)
    rows = dropped.rows[wanted]
    owners = np.searchsorted(starts, rows, side="right") - 1
    examples = []
    for owner in np.unique(owners):
        kept = read_arrow(shards[owner] / KEPT_FILE)
        here = owners == owner
        places = np.searchsorted(kept.column("row").to_numpy(), rows[here])
        for place, row in zip(wanted[here].tolist(), kept.take(places).to_pylist(), strict=True):
            examples.append(
                Example(
                    row=row["row"],
                    id=f"{row['source']}:{row['number']}",
                    left=row["left"][:EXAMPLE_CHARACTERS],
                    right=row["right"][:EXAMPLE_CHARACTERS],
                    value=dropped.values[place].as_py(),
                )
            )
    return examples
