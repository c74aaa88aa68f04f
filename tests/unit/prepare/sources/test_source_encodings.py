"""Text that is UTF-16 or UTF-32 is refused by name; a byte order mark of UTF-8 is stripped once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steps.job import Refused
from steps.prepare.sources import streams

Read = Callable[..., list[Any]]
MARK = b"\xef\xbb\xbf"
TEXT = "en\tig\n" + "The town is near the river.\tObodo ahụ dị nso n'osimiri.\n" * 20


@pytest.mark.parametrize("encoding", ["UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"])
@pytest.mark.parametrize("mark", ["\ufeff", ""])
def test_wide_encodings_are_refused_with_their_name_and_the_command(read: Read, encoding: str, mark: str) -> None:
    content = (mark + TEXT).encode(encoding)
    with pytest.raises(Refused, match=rf"a\.tsv is {encoding}, not UTF-8\. Convert it: iconv -f {encoding} -t UTF-8"):
        read(content)
    with pytest.raises(Refused, match=f"is {encoding}"):
        read((TEXT.encode(), content))
    with pytest.raises(Refused, match=f"is {encoding}"):
        read(content, kind="jsonl")


def test_wide_text_of_another_script_is_known_by_its_spaces_and_line_ends(read: Read) -> None:
    with pytest.raises(Refused, match="is UTF-16LE"):
        read(("एक दो तीन चार\n" * 30).encode("utf-16-le"), kind="jsonl")


def test_wide_text_in_a_compressed_file_is_refused_too(read: Read, compressed: dict[str, Any]) -> None:
    for compress in compressed.values():
        with pytest.raises(Refused, match=r"is UTF-16LE, not UTF-8\. Unpack it and convert it"):
            read(compress(TEXT.encode("utf-16")))


def test_a_nul_here_and_there_is_noise_and_stays(read: Read) -> None:
    row = b"The to\0wn\tObo\0do\n"
    assert read(b"en\tig\n" + row + b"a b c d e\tf g h i j\n" * 30)[0][:2] == (b"The to\0wn", b"Obo\0do")


def test_a_file_of_nuls_is_read(read: Read) -> None:
    assert read((b"\0" * 40 + b"\n", b"\0" * 40 + b"\n")) == [(b"\0" * 40, b"\0" * 40, None, None)]


@pytest.mark.parametrize("block", [1, 2, 5, 1 << 20])
def test_a_byte_order_mark_is_stripped_once(read: Read, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(streams, "BLOCK_BYTES", block)
    assert read(MARK + b"en\tig\none\totu\n") == [(b"one", b"otu", None, None)]
    assert read((MARK + MARK + b"one\n", b"otu\n")) == [(MARK + b"one", b"otu", None, None)]


@pytest.mark.parametrize("content", [b"", MARK])
def test_a_file_with_nothing_in_it_is_refused(read: Read, content: bytes, compressed: dict[str, Any]) -> None:
    for given in (content, *(compress(content) for compress in compressed.values())):
        for kind in ("tsv", "jsonl"):
            with pytest.raises(Refused, match=rf"a\.{kind} is empty"):
                read(given, kind=kind)
        with pytest.raises(Refused, match=r"a\.ig is empty"):
            read((b"one\n", given))


def test_bytes_that_are_not_utf8_pass_through(read: Read) -> None:
    assert read((b"caf\xe9\n\xff\xff\n", b"a\nb\n")) == [
        (b"caf\xe9", b"a", None, None),
        (b"\xff\xff", b"b", None, None),
    ]
