"""The global step: which rows go and which are held out, over all shards together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from steps.job import Refused
from steps.prepare.options import PrepareOptions
from steps.prepare.settle.caps import COLUMNS, drop_repeats
from steps.prepare.settle.components import connect, equal_sides
from steps.prepare.settle.copies import Copies, find_copies, near_pairs, spool_bands, superfluous
from steps.prepare.settle.engine import Engine
from steps.prepare.settle.groups import MAX_ROWS, Mask, Rows
from steps.prepare.settle.jaccard import Threshold
from steps.prepare.settle.sentences import Languages, Sentences, Shard, sentences_of
from steps.prepare.settle.split import assign, refuse_empty
from steps.prepare.settle.sweep import sweep
from steps.prepare.settle.verdicts import Verdicts
from steps.prepare.tables import BANDS, HASHES_FILE, TRAIN

PARALLEL_FROM = 50_000  # rows to fold; under it, starting processes takes longer than the work
LARGEST = 10  # components that the report names

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Settled:
    """What the global step decided. `verdicts` is a file of tables.VERDICTS; the counts are for the report."""

    verdicts: Path
    components: int
    largest_components: list[int]
    duplicate_clusters: dict[str, int]
    compared: int  # candidate pairs that were compared in full


def settle(
    shards: Sequence[Path],
    languages: Languages,
    options: PrepareOptions,
    seed: int,
    engine: Engine,
    work: Path,
    workers: int,
    progress: Progress,
) -> Settled:
    """Drop repeats and near-copies, group what is left, split it, and sweep the split clean.

    `shards` are folders in the order of their rows, each with tables.KEPT_FILE and tables.HASHES_FILE. `work` is a
    folder for this call alone. Neither the cut into shards nor workers or engine change the verdicts. Raises Refused
    when no rows are left to fill every split.
    """
    return _Settling(_open(shards), languages, options, engine, work, workers, progress).run(seed)


@dataclass(frozen=True)
class _Corpus:
    """The shards as the global step sees them; `keys` holds the pair key of each row of the run."""

    shards: list[Shard]
    files: list[Path]
    present: Mask
    keys: NDArray[np.uint64]


def _open(folders: Sequence[Path]) -> _Corpus:
    files = [folder / HASHES_FILE for folder in folders]
    shards, rows, keys = [], [], []
    for folder, file in zip(folders, files, strict=True):
        table = pq.read_table(file, columns=["row", "pair"])
        rows.append(table.column("row").to_numpy())
        keys.append(table.column("pair").to_numpy())
        shards.append(Shard(folder, int(rows[-1][0]), int(rows[-1][-1])) if len(table) else Shard(folder, 0, -1))
    all_rows = np.concatenate([np.empty(0, np.uint64), *rows])
    if not len(all_rows):
        raise Refused("no rows are left to split: every one was dropped. Look at the dropped rows and their rules.")
    if (all_rows[1:] <= all_rows[:-1]).any():
        raise ValueError("shards must be given in the order of their rows")
    if all_rows[-1] >= MAX_ROWS:
        raise Refused(f"the corpus has over {MAX_ROWS:,} pairs; prepare it in parts")
    present = np.zeros(int(all_rows[-1]) + 1, bool)
    present[all_rows] = True
    by_row = np.zeros(len(present), np.uint64)
    by_row[all_rows] = np.concatenate(keys)
    return _Corpus(shards, files, present, by_row)


class _Settling:
    """One run of the global step: what its phases share."""

    def __init__(
        self,
        corpus: _Corpus,
        languages: Languages,
        options: PrepareOptions,
        engine: Engine,
        work: Path,
        workers: int,
        progress: Progress,
    ) -> None:
        self.corpus, self.languages, self.options, self.engine = corpus, languages, options, engine
        self.work, self.workers, self.progress = work, workers, progress
        self.verdicts = Verdicts.of(corpus.present)
        self.threshold = Threshold.of(options.near)
        work.mkdir(parents=True, exist_ok=True)

    def run(self, seed: int) -> Settled:
        corpus, verdicts, options = self.corpus, self.verdicts, self.options
        asked = self.counted("duplicates", len(COLUMNS))
        repeats = drop_repeats(self.engine, corpus.files, options, verdicts, asked)
        edges, compared = equal_sides((repeats.left, repeats.right), verdicts.kept), 0
        if options.near_copies:
            copies = self.near_copies()
            edges, compared = np.concatenate([edges, copies.left, copies.right]), copies.compared
        components = connect(edges, verdicts.kept)
        verdicts.split[components.rows] = assign(components, corpus.keys, options, seed)[components.labels]
        if options.near_copies:
            self.sweep()
        refuse_empty(verdicts, components, options)
        path = self.work / "verdicts.parquet"
        verdicts.write(path)
        largest = np.sort(components.sizes)[::-1][:LARGEST].tolist()
        return Settled(path, len(components.sizes), largest, repeats.clusters, compared)

    def near_copies(self) -> Copies:
        """Near pairs of both sides; the rule near-duplicate applied."""
        verdicts = self.verdicts
        asked = self.counted("bands", 2 * BANDS)
        spools, candidates = spool_bands(self.engine, self.corpus.files, verdicts.kept, self.work / "bands", asked)
        sentences = self.sentences("compare", candidates)
        copies = find_copies(spools, sentences, self.threshold)
        if self.options.on("near-duplicate"):
            pairs = near_pairs(copies, sentences, self.threshold)
            verdicts.drop("near-duplicate", *superfluous(pairs, len(verdicts.kept)))
        return copies

    def sweep(self) -> None:
        """Drop what is near to a sentence held out elsewhere."""
        verdicts = self.verdicts
        held_out = np.flatnonzero(verdicts.kept & (verdicts.split != TRAIN)).astype(np.uint32)
        sentences = self.sentences("held-out", held_out)
        searched = self.counted("sweep", int(verdicts.kept.sum()) - len(held_out))
        workers = self.workers_for(int(verdicts.kept.sum()))
        sweep(self.corpus.shards, sentences, self.languages, self.threshold, verdicts, workers, searched)

    def sentences(self, phase: str, rows: Rows) -> Sentences:
        """Bigram sets of rows."""
        seen = self.counted(phase, len(rows))
        workers = self.workers_for(len(rows))
        return sentences_of(self.corpus.shards, rows, self.languages, self.work / phase, workers, seen)

    def workers_for(self, rows: int) -> int:
        """How many processes are worth starting."""
        return self.workers if rows >= PARALLEL_FROM else 1

    def counted(self, phase: str, total: int) -> Callable[[int], None]:
        """A function that hears how much more of a phase is done, and tells `progress`."""
        done = 0

        def more(amount: int) -> None:
            nonlocal done
            done += amount
            self.progress(phase, done, total)

        return more
