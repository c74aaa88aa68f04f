"""The preparation as a careful person writes it in plain Python: one loop over two files, regular expressions, a set.

    python plain_loop.py LEFT RIGHT OUT

Same repairs, same rules in the same order, same key, one JSON object a pair. It splits by a hash of the row, without
groups, writes no Parquet, does not keep what it drops and does not check its output for leaks.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import ftfy
import xxhash

CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
WITHOUT_WIDTH = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
# The first bytes of a UTF-8 character, read as cp1252 or Latin-1: a capital or small accented letter, then a sign
SUSPECT = re.compile(
    "[À-ÿ][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]"
)
APOSTROPHES = re.compile("['`\u00b4\u2018\u2019\u201b\u02b9\u02bb\u02bc\u2032\uff07]")
MARKS = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
NO_WORD = re.compile(f"[^\\w{MARKS}]|_")
NO_LATIN = re.compile("[^A-Za-zªºÀ-ÖØ-öø-ʯ\u0300-\u036f\u1d00-\u1dbf\u1dc0-\u1dffḀ-ỿⱠ-Ɀ꜠-ꟿ]+")
MIN_CHARACTERS, MAX_CHARACTERS, MAX_RATIO, RATIO_FROM, MIN_LETTERS = 3, 1000, 2.5, 20, 0.5
HELD_OUT, HELD_OUT_PERCENT = 2000, 5


def repaired(line: bytes) -> str:
    """Decoded, read again where it was read wrongly, without invisible characters, white space collapsed, NFC."""
    text = line.decode("utf-8", "replace")
    if SUSPECT.search(text):
        text = ftfy.fix_encoding(text)
    return unicodedata.normalize("NFC", " ".join(WITHOUT_WIDTH.sub("", CONTROLS.sub(" ", text)).split()))


def broken_rule(left: str, right: str) -> str | None:  # noqa: PLR0911
    """Name of the first rule that a pair breaks."""
    if not left or not right:
        return "empty"
    if "\ufffd" in left or "\ufffd" in right:
        return "undecodable"
    shorter, longer = sorted((len(left), len(right)))
    if shorter < MIN_CHARACTERS:
        return "too-short"
    if longer > MAX_CHARACTERS:
        return "too-long"
    if longer >= RATIO_FROM and longer > MAX_RATIO * shorter:
        return "ratio"
    if left.casefold() == right.casefold():
        return "identical"
    for text in (left, right):
        if len(NO_LATIN.sub("", text)) < MIN_LETTERS * (len(text) - text.count(" ")):
            return "letters"
    return None


def key(text: str) -> str:
    """Letters, marks and digits, case-folded."""
    return NO_WORD.sub("", APOSTROPHES.sub("", text.casefold()))


def pairs(left: Path, right: Path) -> Iterator[tuple[bytes, bytes]]:
    """Lines of both files side by side, broken at b"\\n" only."""
    with left.open("rb") as lefts, right.open("rb") as rights:
        yield from zip(lefts, rights, strict=True)


def main(left: Path, right: Path, out: Path) -> None:
    """Prepare, and print the counts as JSON."""
    out.mkdir(parents=True, exist_ok=True)
    rows = sum(1 for _ in pairs(left, right))
    held_out = min(HELD_OUT, rows * HELD_OUT_PERCENT // 100) / max(rows, 1)
    seen: set[int] = set()
    counts: Counter[str] = Counter()
    files = {name: (out / f"{name}.jsonl").open("w", encoding="utf-8") for name in ("train", "validation", "test")}
    for number, lines in enumerate(pairs(left, right), start=1):
        source, target = map(repaired, lines)
        rule = broken_rule(source, target)
        if rule is None:
            digest = xxhash.xxh3_64_intdigest(f"{key(source)}\0{key(target)}".encode())
            if digest in seen:
                rule = "duplicate"
        if rule is not None:
            counts[rule] += 1
            continue
        seen.add(digest)
        counts["kept"] += 1
        chance = xxhash.xxh3_64_intdigest(digest.to_bytes(8, "little"), seed=17) / 2**64
        split = "test" if chance < held_out else "validation" if chance < 2 * held_out else "train"
        row = {"id": f"synthetic:{number}", "en": source, "ig": target}
        files[split].write(json.dumps(row, ensure_ascii=False) + "\n")
    for file in files.values():
        file.close()
    sys.stdout.write(json.dumps(counts) + "\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
