"""Recounts leaks from the written files, knowing nothing of how the rows were split."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow.parquet as pq

from steps.prepare.links import links


def count_leaks(files: Mapping[str, Path], languages: tuple[str, str]) -> int:
    """Links between sentences of different splits, over both languages: equal sentences and verified near-copies."""
    leaks = 0
    for language in languages:
        sentences: list[str] = []
        splits: list[str] = []
        for split, path in files.items():
            column = pq.read_table(path, columns=[language]).column(language).to_pylist()
            sentences += column
            splits += [split] * len(column)
        linked = links(sentences, f"recount {language} leaks")
        leaks += sum(splits[first] != splits[second] for first, second in linked)
    return leaks
