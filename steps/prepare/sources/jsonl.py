"""JSON Lines: one object a line, with the texts under the language codes or in an object `translation`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from steps.prepare.sources.encoding import text_blocks
from steps.prepare.sources.lines import Lines, lines
from steps.prepare.sources.pairs import MALFORMED, Marks
from steps.prepare.sources.records import NESTED, remedy
from steps.prepare.sources.refusal import Unreadable, some

DECODE = json.JSONDecoder().decode


def read_jsonl(path: Path, languages: tuple[str, str]) -> Iterator[pa.Table]:
    """Tables of `pairs.PAIRS`. A line that is no object, or lacks a text, is malformed; what it has is kept.

    Bytes that are not UTF-8 pass through. Raises Unreadable for a file that cannot be text and, at the end, when no
    line had the texts.
    """
    keys: list[str] | None = None  # of the first object
    good = False
    for found in lines(text_blocks(path)):
        records = [_record(line) for line in found.texts.to_pylist()]
        if keys is None:
            keys = next((_keys(record) for record in records if isinstance(record, dict)), None)
        table, any_good = _table(found, records, languages)
        good |= any_good
        yield table
    if not good:
        problem = "holds no JSON object" if keys is None else "has no row with texts in both languages"
        seen = "" if keys is None else f". Keys of the first object: {some(keys)}"
        raise Unreadable(path, problem + seen, remedy(languages))


def _table(found: Lines, records: list[Any], languages: tuple[str, str]) -> tuple[pa.Table, bool]:
    """The table of some lines, and whether any of them was as it should be."""
    sides: tuple[list[bytes], list[bytes]] = ([], [])
    places, problems = [], []
    for place, record in enumerate(records):
        values = _values(record) if isinstance(record, dict) else {}
        texts = [values.get(language) for language in languages]
        for side, text in zip(sides, texts, strict=True):
            side.append(_bytes(text) if isinstance(text, str) else b"")
        if not all(isinstance(text, str) for text in texts):
            places.append(place)
            problems.append(_problem(record, values, languages))
    marks = Marks(len(found))
    marks.mark(np.array(places, dtype=np.int64), MALFORMED, problems)
    marks.too_long(found.sizes)
    left, right = (pa.array(side, pa.large_binary()) for side in sides)
    return marks.table(left, right), len(places) < len(records)


def _record(line: bytes) -> dict[str, Any] | str:
    """The object of a line, else what the line is instead."""
    if not line.strip():
        return "a blank line"
    try:
        value = DECODE(line.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError) as error:
        return f"no JSON: {error}" if isinstance(error, ValueError) else "no JSON: nested too deeply"
    return value if isinstance(value, dict) else f"{_kind(value)} instead of an object"


def _problem(record: Any, values: dict[str, Any], languages: tuple[str, str]) -> str:
    """What keeps a record from being a pair."""
    if isinstance(record, str):
        return record
    language = next(code for code in languages if not isinstance(values.get(code), str))
    return f"{language} is {_kind(values[language])}" if language in values else f"no key {language}"


def _values(record: dict[str, Any]) -> dict[str, Any]:
    nested = record.get(NESTED)
    return nested if isinstance(nested, dict) else record


def _keys(record: dict[str, Any]) -> list[str]:
    nested = record.get(NESTED)
    return [f"{NESTED}.{key}" for key in nested] if isinstance(nested, dict) else list(record)


def _bytes(text: str) -> bytes:
    """The text's bytes; half a surrogate pair, which JSON can spell, becomes bytes that are not UTF-8."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")
