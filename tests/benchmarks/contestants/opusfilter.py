"""OpusFilter's own configuration for the rules it shares with this package, and the input it can read.

What it does not have and therefore does not do: NFC, mojibake repair, a ratio rule for longer sentences only, a cheap
rule for identical sides, folding of apostrophes in keys, JSONL, a record of what was dropped.
"""

from __future__ import annotations

import json
from pathlib import Path

# JSON is YAML. U+FFFD stands for bytes that its input had to lose, see readable_copy.
CONTROLS = "[\x00-\x1f\x7f-\x9f\u2028\u2029]"
WITHOUT_WIDTH = "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"


def readable_copy(source: Path, into: Path) -> Path:
    """The same lines as text that OpusFilter can read: it stops at the first bad byte and breaks lines at CR."""
    if not into.is_file():
        temporary = into.with_suffix(".partial")
        with source.open("rb") as lines, temporary.open("wb") as copy:
            for line in lines:
                copy.write(line.decode("utf-8", "replace").replace("\r", " ").encode())
        temporary.replace(into)
    return into


def write_configuration(path: Path, left: Path, right: Path, out: Path, identify: bool) -> Path:
    """Write the steps for two readable files; results go to `out`. `identify` adds CLD2 on both sides."""
    filters: list[dict[str, object]] = [
        {"LengthFilter": {"unit": "char", "min_length": 3, "max_length": 1000}},
        {"RegExpFilter": {"regexps": ["\ufffd", "\ufffd"], "accept_match": False}},
        {"LengthRatioFilter": {"unit": "char", "threshold": 2.5}},
        {"AlphabetRatioFilter": {"threshold": 0.5, "exclude_whitespace": True}},
        {"CharacterScoreFilter": {"scripts": ["Latin", "Latin"], "thresholds": [0.5, 0.5]}},
    ]
    if identify:
        filters.append({"Cld2Filter": {"languages": ["en", "ig"], "thresholds": [0, 0]}})
    names = {step: [f"{step}.en", f"{step}.ig"] for step in ("clean", "filtered", "unique", "train", "rest")}
    sub = {"RegExpSub": {"patterns": [[CONTROLS, " ", 0, []], [WITHOUT_WIDTH, "", 0, []]]}}
    steps = [
        ("preprocess", {"inputs": [str(left), str(right)], "outputs": names["clean"],
                        "preprocessors": [sub, {"WhitespaceNormalizer": {}}]}),
        ("filter", {"inputs": names["clean"], "outputs": names["filtered"], "filters": filters}),
        ("remove_duplicates", {"inputs": names["filtered"], "outputs": names["unique"],
                               "lowercase": True, "letters_only": True}),
        ("split", {"inputs": names["unique"], "outputs": names["rest"], "outputs_2": names["train"],
                   "divisor": 25, "threshold": 1}),
    ]  # fmt: skip
    configuration = {
        "common": {"output_directory": str(out)},
        "steps": [{"type": kind, "parameters": parameters} for kind, parameters in steps],
    }
    path.write_text(json.dumps(configuration, indent=1), encoding="utf-8")
    return path


def kept(out: Path) -> int:
    """Pairs that were left."""
    with (out / "unique.en").open("rb") as lines:
        return sum(1 for _ in lines)
