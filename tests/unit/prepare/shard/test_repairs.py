"""Repairs change how a sentence is written and never what it says; and only the texts that need it are touched."""

from __future__ import annotations

import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.prepare.characters import join
from steps.prepare.shard.mojibake import repair_mojibake
from steps.prepare.shard.repair import repair
from steps.prepare.shard.repairing import find_suspects, repair_all

STRANGE = (
    "aA \u00a0\u2003\u2028\u0085\t\r\x00\x1f\x7f\x9f\u00ad\u200b\u200c\u200d\u200e\ufeff\ufffd\ufffe\u0301\u0323\u0307\u0308"
    "eéịọụO\u1ecc\u212b\u2000\u0344\u0958कक्षनی\u06ccم👩👧ÃÂá»\u008d\u008bâ€™·ª√°’“”–\uac00\u1161\u11a8"
)
texts = st.text(alphabet=st.one_of(st.sampled_from(STRANGE), st.characters(exclude_categories=["Cs"])), max_size=30)


@pytest.mark.parametrize(
    ("text", "expected", "names"),
    [
        ("Kedụ ka ị mere?", "Kedụ ka ị mere?", ()),
        ("O\u0323 di\u0323 mma", "Ọ dị mma", ("nfc",)),
        ("a\rb\u2028c\u0085d\x00e", "a b c d e", ("controls",)),
        (" two  spaces\u00a0here ", "two spaces here", ("white-space",)),
        ("infor\u00admation \ufeffhere\u200e\u200bnow", "information here now", ("controls",)),
        ("می\u200cخواهم क\u094d\u200dष 👩\u200d👧", "می\u200cخواهم क\u094d\u200dष 👩\u200d👧", ()),
        ("an\u200d\u200cd", "and", ("controls",)),
        ("\x00\u200b\t", "", ("controls", "white-space")),
    ],
)
def test_a_text_is_repaired_and_the_repairs_are_named(text: str, expected: str, names: tuple[str, ...]) -> None:
    assert repair(text) == (expected, names)


@pytest.mark.parametrize("encoding", ["windows-1252", "latin-1", "macroman"])
def test_text_read_in_a_wrong_encoding_is_restored(encoding: str) -> None:
    good = "Ụlọ ọrụ dị n’ime obodo ahụ, ọ bụ ezie na ọ́ dị anya"
    bad = good.encode().decode(encoding, errors="replace")
    if "\ufffd" in bad:  # windows-1252 has no character for some bytes; programs then keep the byte
        bad = "".join(bytes([byte]).decode(encoding, errors="ignore") or chr(byte) for byte in good.encode())
    assert bad != good
    assert repair(bad) == (good, ("mojibake",))


@pytest.mark.parametrize(
    "text", ["“Kedụ?” – ọ́ bụ é, à, ñ…", "MAÇÃ É BOA", "café®", "l’été «à»", "€5 £3", "naïve—“quoted”", "a\u0085b"]
)
def test_clean_text_is_not_taken_for_mojibake(text: str) -> None:
    assert repair_mojibake(text) == text


def test_tone_marks_on_dotted_vowels_survive() -> None:
    repaired, _ = repair("o\u0323\u0301 i\u0301\u0323")
    assert repaired == "ọ\u0301 ị\u0301"
    assert unicodedata.is_normalized("NFC", repaired)


@given(texts)
def test_repairing_twice_is_repairing_once(text: str) -> None:
    repaired, _ = repair(text)
    assert repair(repaired) == (repaired, ())
    assert repaired == " ".join(unicodedata.normalize("NFC", repaired).split())


@given(texts)
def test_a_text_that_is_not_suspected_needs_no_repair(text: str) -> None:
    suspects = find_suspects(join(pa.array([text], pa.large_string())))
    if not len(suspects.any) and not len(suspects.uncomposed):
        assert repair(text) == (text, ())


@given(st.lists(texts, max_size=8))
def test_all_rows_are_repaired_as_each_alone(rows: list[str]) -> None:
    found = repair_all(pa.array(rows, pa.large_string()))
    assert [
        (text, tuple(name for name in found.changed if found.changed[name][place]))
        for place, text in enumerate(found.texts.to_pylist())
    ] == [repair(row) for row in rows]
    again = join(found.texts)
    assert again.ends.tolist() == found.rows.ends.tolist()
    assert again.data.tobytes() == found.rows.data.tobytes()
