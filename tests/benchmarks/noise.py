"""What a preparation made of planted noise: recall per label, precision per rule, and whether repair restored the text.

    python -m tests.benchmarks.noise --rows 100000            makes the corpus, prepares it, prints the tables
    python -m tests.benchmarks.noise --corpus DIR --prepared DIR [--json]

Labels are those of `tests.benchmarks.synthetic`. What the numbers mean:

    caught    rows with this label that are in no split
    named     rows that were dropped under the rule meant for them, e.g. "identical" for a copied source
    exact     kept rows whose two sides are both exactly the text that was planted; a good row kept with another row's
              sentence beside it, as a reader that drops blank lines makes, is not exact
    right     among the rows that a rule dropped, those that were planted to be dropped

"blank" is misalignment by blank lines: the row without a partner must go, and no other pair may change. "shifted" rows
are pairs of plausible length that do not belong together; rules over single pairs cannot know it, only a scorer of
meaning can, so their share is reported and promised nothing. Of each template the first `max_pairs_per_template` are
good and the others are to be dropped.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tests.benchmarks import ours
from tests.benchmarks.design import I64
from tests.benchmarks.synthetic import LABELS_FILE, RESTORED, write_corpus
from tests.benchmarks.vocabulary import CODES, find_sample, read_vocabulary

SPLITS = ("train", "validation", "test")
CLEAN = ("good", *RESTORED)  # labels to keep
MEANT = {  # the rules meant for what is to be dropped
    "duplicate": ("duplicate",),
    "near-copy": ("near-duplicate",),
    "wrong-language": ("language",),
    "misaligned": ("ratio",),
    "shifted": (),
    "copied": ("identical",),
    "blank": ("empty",),
    "empty": ("empty",),
    "template": ("template-cap", "duplicate"),
    "undecodable": ("undecodable",),
    "over-long": ("too-long",),
}


@dataclass(frozen=True)
class Fate:
    """What became of the rows of one label."""

    label: str
    rows: int
    caught: int
    named: int
    exact: int

    @property
    def kept(self) -> int:
        """Rows in a split."""
        return self.rows - self.caught


@dataclass(frozen=True)
class RuleCount:
    """What one rule dropped: in all, and of what was planted to be dropped."""

    rule: str
    dropped: int
    right: int


@dataclass(frozen=True)
class Findings:
    """Both tables."""

    fates: list[Fate]
    rules: list[RuleCount]

    def fate(self, label: str) -> Fate:
        """The line of one label."""
        return next(fate for fate in self.fates if fate.label == label)


def _numbers(ids: pa.ChunkedArray) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Row of the corpus, from 0, of ids such as "synthetic:17"."""
    last = pc.list_element(pc.split_pattern(ids, ":", max_splits=1, reverse=True), 1)
    numbers: I64 = pc.cast(last, pa.int64()).to_numpy()
    return numbers - 1


def _planted(corpus: Path, side: int, clean: pa.ChunkedArray) -> pa.Array:
    """The text that a kept row must have: the file's line, or the text before it was damaged."""
    lines = (corpus / f"synthetic.{CODES[side]}").read_bytes().split(b"\n")[:-1]
    texts = pa.array(lines, pa.large_binary())
    return pc.coalesce(clean.cast(pa.large_binary()).combine_chunks(), texts)


def measure(corpus: Path, prepared: Path, dropped: Path | None = None) -> Findings:
    """Compare a prepared corpus with its labels. Memory grows with the corpus: meant for up to a million rows."""
    labels = pq.read_table(corpus / LABELS_FILE)
    names = np.array(labels["label"].cast(pa.string()).to_pylist())
    rule = np.full(len(names), "", dtype=object)
    exact = np.zeros(len(names), dtype=bool)
    left, right = (_planted(corpus, side, labels[f"clean_{('left', 'right')[side]}"]) for side in (0, 1))
    seen = 0
    for split in SPLITS:
        table = pq.read_table(prepared / f"{split}.parquet", columns=["id", *CODES])
        rows = _numbers(table["id"])
        same = [
            pc.equal(table[code].cast(pa.large_binary()), texts.take(pa.array(rows))).to_numpy()
            for code, texts in zip(CODES, (left, right), strict=True)
        ]
        exact[rows] = same[0] & same[1]
        seen += len(rows)
    gone = pq.read_table(dropped or prepared / "dropped.parquet", columns=["id", "rule"])
    rule[_numbers(gone["id"])] = gone["rule"].to_pylist()
    caught = rule != ""
    if seen + int(caught.sum()) != len(names):
        raise ValueError(f"{len(names)} rows went in; {seen} are in splits and {int(caught.sum())} were dropped")

    fates = []
    for label in dict.fromkeys((*CLEAN, *MEANT)):
        chosen = names == label
        if not chosen.any():
            continue
        named = np.isin(rule[chosen].astype(str), MEANT.get(label, ()))
        counts = chosen.sum(), caught[chosen].sum(), named.sum(), exact[chosen].sum()
        fates.append(Fate(label, *(int(count) for count in counts)))
    clean = np.isin(names, CLEAN)
    rules = [
        RuleCount(name, int((rule == name).sum()), int(((rule == name) & ~clean).sum()))
        for name in sorted(set(rule[caught]))
    ]
    return Findings(fates, rules)


def as_text(findings: Findings) -> str:
    """Two tables in Markdown."""
    lines = ["| label | rows | caught | under its rule | kept | kept exactly |", "|---|--:|--:|--:|--:|--:|"]
    for fate in findings.fates:
        named = f"{fate.named / fate.rows:.2%}" if MEANT.get(fate.label) else "–"
        # what is dropped by design leaves nothing to be exact about
        exact = f"{fate.exact / fate.kept:.2%}" if fate.kept and fate.label in CLEAN else "–"
        lines.append(
            f"| {fate.label} | {fate.rows:,} | {fate.caught / fate.rows:.2%} | {named}"
            f" | {fate.kept / fate.rows:.2%} | {exact} |"
        )
    lines += ["", "| rule | dropped | right to drop |", "|---|--:|--:|"]
    lines += [f"| {count.rule} | {count.dropped:,} | {count.right / count.dropped:.2%} |" for count in findings.rules]
    return "\n".join(lines) + "\n"


def prepare(corpus: Path, out: Path, *options: str) -> None:
    """Prepare the synthetic corpus of a folder through the command line."""
    subprocess.run(ours.command(corpus, out, *options), check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Recall and precision on planted noise.")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--corpus", type=Path, help="folder of a synthetic corpus; made when missing")
    parser.add_argument("--prepared", type=Path, help="folder that it was prepared into; prepared when missing")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    corpus = given.corpus or Path("build") / "benchmarks" / f"synthetic-{given.rows}"
    if not given.prepared:
        write_corpus(corpus, given.rows, seed=1, words=read_vocabulary(find_sample()))
        prepare(corpus, corpus / "prepared")
    findings = measure(corpus, given.prepared or corpus / "prepared")
    sys.stdout.write(json.dumps(asdict(findings), indent=2) + "\n" if given.json else as_text(findings))


if __name__ == "__main__":
    main()
