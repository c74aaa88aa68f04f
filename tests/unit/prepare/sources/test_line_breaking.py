"""Lines end at b"\\n" and nowhere else, wherever blocks of the file end, and in bounded memory."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steps.prepare.sources import lines as module
from steps.prepare.sources.lines import KEPT_BYTES, MAX_LINE_BYTES, clip, lines

INNER = ["\r", "\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x00"]


def broken(blocks: list[bytes]) -> list[tuple[bytes, int]]:
    """Text and size of every line."""
    return [pair for found in lines(blocks) for pair in zip(found.texts.to_pylist(), found.sizes.tolist(), strict=True)]


def blocks_of(data: bytes, size: int) -> list[bytes]:
    """The data in blocks of a size."""
    return [data[start : start + size] for start in range(0, len(data), size)]


@pytest.mark.parametrize("sign", INNER)
def test_no_other_character_ends_a_line(sign: str) -> None:
    data = f"on{sign}e\ntwo\n".encode()
    assert [text for text, _ in broken([data])] == [f"on{sign}e".encode(), b"two"]


@settings(deadline=None)
@given(st.binary(min_size=1) | st.lists(st.sampled_from([b"\n", b"a", b"\r\n", b"bc"]), min_size=1).map(b"".join))
def test_every_line_is_there_with_its_size_whatever_the_bytes(data: bytes) -> None:
    expected = data.removesuffix(b"\n").split(b"\n")
    assert broken([data]) == [(line, len(line)) for line in expected]


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([b"\n", b"a", b"\r", b"\xe1\xbb\x8b", b"0123456789"]), min_size=1).map(b"".join), st.data()
)
def test_the_size_of_the_blocks_changes_no_line(data: bytes, draw: st.DataObject) -> None:
    size = draw.draw(st.integers(1, len(data)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MAX_LINE_BYTES", 12)
        patch.setattr(module, "KEPT_BYTES", 5)
        assert broken(blocks_of(data, size)) == broken([data])


def test_a_line_over_the_limit_keeps_its_start_its_size_and_its_place() -> None:
    longest, longer = b"x" * MAX_LINE_BYTES, b"y" * (MAX_LINE_BYTES + 1)
    data = b"\n".join((b"one", longest, longer, b"four", longer, b"six", longer))
    expected = [
        (b"one", 3),
        (longest, MAX_LINE_BYTES),
        (b"y" * KEPT_BYTES, MAX_LINE_BYTES + 1),
        (b"four", 4),
        (b"y" * KEPT_BYTES, MAX_LINE_BYTES + 1),
        (b"six", 3),
        (b"y" * KEPT_BYTES, MAX_LINE_BYTES + 1),
    ]
    assert broken([data]) == expected
    assert broken(blocks_of(data, 300_000)) == expected


@pytest.mark.parametrize("shift", range(4))
def test_no_character_is_cut_in_two(shift: int) -> None:
    text = "a" * shift + "ị" * KEPT_BYTES
    kept = clip(text.encode())
    assert text.startswith(kept.decode())
    assert KEPT_BYTES - 3 <= len(kept) <= KEPT_BYTES


def test_bytes_that_are_no_characters_are_cut_where_the_limit_is() -> None:
    assert len(clip(b"\x80" * 2 * KEPT_BYTES)) == KEPT_BYTES - 3
    assert clip(b"ab") == b"ab"


def test_a_line_of_half_a_gigabyte_takes_the_memory_of_a_few_blocks() -> None:
    block = b"x" * (4 << 20)
    tracemalloc.start()
    found = broken([block] * 128 + [b"\nnext\n"])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [(b"x" * KEPT_BYTES, 128 * len(block)), (b"next", 4)]
    assert peak < 5 * len(block)
