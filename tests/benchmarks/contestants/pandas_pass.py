"""The same work as `plain_loop`, a whole column at a time with pandas.

python pandas_pass.py LEFT RIGHT OUT
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import ftfy
import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from plain_loop import (  # type: ignore[import-not-found]  # the script beside this one
    APOSTROPHES,
    CONTROLS,
    HELD_OUT,
    HELD_OUT_PERCENT,
    MAX_CHARACTERS,
    MAX_RATIO,
    MIN_CHARACTERS,
    MIN_LETTERS,
    NO_LATIN,
    NO_WORD,
    RATIO_FROM,
    SUSPECT,
    WITHOUT_WIDTH,
)


def unmojibaked(text: str) -> str:
    """The text, its encoding repaired where it looks wrong."""
    return ftfy.fix_encoding(text) if SUSPECT.search(text) else text


def column(path: Path) -> pd.Series:
    """One side, repaired."""
    lines = path.read_bytes().decode("utf-8", "replace").split("\n")[:-1]
    texts = pd.Series(lines, dtype="object").map(unmojibaked)
    texts = texts.str.replace(CONTROLS, " ", regex=True).str.replace(WITHOUT_WIDTH, "", regex=True)
    return texts.str.split().str.join(" ").str.normalize("NFC")


def keys(texts: pd.Series) -> pd.Series:
    """Letters, marks and digits, case-folded."""
    return texts.str.casefold().str.replace(APOSTROPHES, "", regex=True).str.replace(NO_WORD, "", regex=True)


def main(left: Path, right: Path, out: Path) -> None:
    """Prepare, and print the counts as JSON."""
    out.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame({"en": column(left), "ig": column(right)})
    frame.insert(0, "id", "synthetic:" + pd.Series(np.arange(1, len(frame) + 1)).astype(str))
    rows = len(frame)
    sizes = pd.DataFrame({code: frame[code].str.len() for code in ("en", "ig")})
    shorter, longer = sizes.min(axis=1), sizes.max(axis=1)
    letters = pd.DataFrame(
        {
            code: frame[code].str.replace(NO_LATIN, "", regex=True).str.len()
            / (sizes[code] - frame[code].str.count(" ")).clip(lower=1)
            for code in ("en", "ig")
        }
    ).min(axis=1)
    hits = {
        "empty": shorter == 0,
        "undecodable": frame["en"].str.contains("\ufffd") | frame["ig"].str.contains("\ufffd"),
        "too-short": shorter < MIN_CHARACTERS,
        "too-long": longer > MAX_CHARACTERS,
        "ratio": (longer >= RATIO_FROM) & (longer > MAX_RATIO * shorter),
        "identical": frame["en"].str.casefold() == frame["ig"].str.casefold(),
        "letters": letters < MIN_LETTERS,
    }
    rule = pd.Series(np.select(list(hits.values()), list(hits), default=""))
    frame = frame[rule == ""]
    counts = rule[rule != ""].value_counts().to_dict()
    repeated = pd.DataFrame({code: keys(frame[code]) for code in ("en", "ig")}).duplicated()
    counts["duplicate"] = int(repeated.sum())
    frame = frame[~repeated]
    counts["kept"] = len(frame)
    shuffled = frame.sample(frac=1, random_state=17)
    held_out = min(HELD_OUT, rows * HELD_OUT_PERCENT // 100)
    for name, part in (
        ("test", shuffled[:held_out]),
        ("validation", shuffled[held_out : 2 * held_out]),
        ("train", shuffled[2 * held_out :]),
    ):
        part.sort_index().to_json(out / f"{name}.jsonl", orient="records", lines=True, force_ascii=False)
    sys.stdout.write(json.dumps({name: int(count) for name, count in counts.items()}) + "\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
