"""TMX: streamed, languages by code or region, inline codes left out, entities refused."""

from __future__ import annotations

import tracemalloc
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from steps.job import Refused
from steps.prepare.sources import streams, tmx
from steps.prepare.sources.lines import KEPT_BYTES
from steps.prepare.sources.reading import read_pairs

Read = Callable[..., list[Any]]
BOMB = """<?xml version="1.0"?>
<!DOCTYPE tmx [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;">]>
<tmx><body><tu><tuv xml:lang="en"><seg>&c;</seg></tuv></tu></body></tmx>"""
OUTSIDE = '<!DOCTYPE tmx [<!ENTITY x SYSTEM "file:///etc/hostname">]><tmx><body><tu>&x;</tu></body></tmx>'
PARAMETER = '<!DOCTYPE tmx [<!ENTITY % x SYSTEM "http://localhost/x.dtd"> %x;]><tmx/>'


def variant(code: str, text: str) -> str:
    """A <tuv>."""
    return f'<tuv xml:lang="{code}"><seg>{text}</seg></tuv>'


def unit(*variants: tuple[str, str]) -> str:
    """A <tu>."""
    return f"<tu>{''.join(variant(*item) for item in variants)}</tu>"


def document(*units: str, head: str = '<?xml version="1.0" encoding="UTF-8"?>') -> bytes:
    """A TMX file as tools write it."""
    doctype = '<!DOCTYPE tmx SYSTEM "tmx14.dtd">'
    body = "\n".join(units)
    return f'{head}{doctype}<tmx version="1.4"><header srclang="en"/><body>{body}</body></tmx>'.encode()


def test_units_are_rows_and_a_doctype_that_names_a_file_is_no_harm(read: Read) -> None:
    content = document(unit(("en", "one &amp; &#x1ECB;"), ("ig", "otu")), unit(("ig", "abụọ"), ("en", "two\ntoo")))
    assert read(content, kind="tmx") == [
        ("one & ị".encode(), b"otu", None, None),
        (b"two\ntoo", "abụọ".encode(), None, None),
    ]


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_a_compressed_file_is_read(read: Read, compressed: dict[str, Any], suffix: str) -> None:
    content = compressed[suffix](document(unit(("en", "one"), ("ig", "otu"))))
    assert read(content, kind="tmx") == [(b"one", b"otu", None, None)]


@pytest.mark.parametrize("attribute", ["xml:lang", "lang"])
def test_old_and_new_attributes_name_the_language(read: Read, attribute: str) -> None:
    content = document(unit(("EN", "one"), ("Ig", "otu"))).replace(b"xml:lang", attribute.encode())
    assert read(content, kind="tmx")[0][:2] == (b"one", b"otu")


@pytest.mark.parametrize(
    ("variants", "left", "right", "value"),
    [
        ([("en-US", "colour"), ("ig-NG", "agba")], b"colour", b"agba", None),
        ([("en_GB", "colour"), ("ig", "agba")], b"colour", b"agba", None),
        ([("en-US", "a"), ("en-GB", "b"), ("ig", "c")], b"a", b"c", "2 of en: en-US, en-GB"),
        ([("en-US", "a"), ("en", "b"), ("ig", "c")], b"b", b"c", "2 of en: en, en-US"),
        ([("en", "a"), ("en", "b"), ("ig", "c"), ("ig-x", "d")], b"a", b"c", "2 of en: en, en; 2 of ig: ig, ig-x"),
        ([("fr", "a"), ("en", "b"), ("sw", "c"), ("ig", "d")], b"b", b"d", None),
    ],
)
def test_several_and_regional_languages(
    read: Read, variants: list[tuple[str, str]], left: bytes, right: bytes, value: str | None
) -> None:
    assert read(document(unit(*variants)), kind="tmx") == [(left, right, None, value)]


def test_two_regions_of_one_language_are_told_apart(read: Read) -> None:
    content = document(
        unit(("pt-BR", "trem"), ("pt-PT", "comboio")), unit(("pt", "a"), ("pt-PT", "b")), unit(("pt", "c"))
    )
    codes = ("pt-BR", "pt-PT")
    assert [row[:3] for row in read(content, kind="tmx", languages=codes, file_languages=codes)] == [
        (b"trem", b"comboio", None),
        (b"a", b"b", None),
        (b"c", b"", "malformed"),
    ]


def test_a_unit_that_lacks_a_language_is_malformed_and_says_what_it_has(read: Read) -> None:
    good = unit(("en", "one"), ("ig", "otu"))
    found = read(document(good, unit(("en", "two"), ("fr", "deux")), "<tu/>", good), kind="tmx")
    assert found[1] == (b"two", b"", "malformed", "has en, fr")
    assert found[2] == (b"", b"", "malformed", "has none")
    assert [row[2] for row in found] == [None, "malformed", "malformed", None]


def test_inline_codes_are_left_out_and_the_text_they_mark_is_kept(read: Read) -> None:
    text = (
        'See <bpt i="1">{\\b </bpt>the <hi type="x">old <hi>red</hi></hi> town<ept i="1">}</ept>'
        '<ph x="1">&lt;img alt="<sub>a bridge</sub>"/></ph>.<it pos="end">}</it><ut>x</ut> <foo>End</foo>'
    )
    content = document(unit(("en", text), ("ig", "<note>x</note>")))
    assert read(content, kind="tmx")[0][0] == b"See the old red towna bridge. End"


def test_notes_and_properties_are_no_text(read: Read) -> None:
    one = '<tuv xml:lang="en"><note>n</note><prop type="p">p</prop><seg>one</seg></tuv>'
    content = document(f"<tu><note>xx</note>{one}{variant('ig', 'otu')}</tu>")
    assert read(content, kind="tmx") == [(b"one", b"otu", None, None)]


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1"])
def test_other_encodings_that_the_file_declares_are_read(read: Read, encoding: str) -> None:
    text = document(unit(("en", "café"), ("ig", "otu")), head=f'<?xml version="1.0" encoding="{encoding}"?>').decode()
    assert read(text.encode(encoding), kind="tmx") == [("café".encode(), b"otu", None, None)]


@pytest.mark.parametrize("content", [BOMB, OUTSIDE, PARAMETER])
def test_entities_are_refused_before_they_are_expanded_or_fetched(read: Read, content: str) -> None:
    with pytest.raises(Refused, match=r"a\.tmx declares an entity or refers to one"):
        read(content.encode(), kind="tmx")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"a\.tmx is empty"),
        (b"en\tig\n", r"a\.tmx is no well-formed XML at line 1, column 1: syntax error"),
        (b"<tmx>\n<body></tmx>", r"is no well-formed XML at line 2, column 9: mismatched tag\. Look"),
        (b"<tmx><body>", r"is no well-formed XML at line 1, column 12: no element found"),
        (b"<tmx>\n\n  caf\xe9 </tmx>", r"at line 3, column 6: not well-formed \(invalid token\)"),
        (b"<tmx>\n&nbsp;</tmx>", r"at line 2, column 1: undefined entity"),
        (
            b'<!DOCTYPE tmx SYSTEM "tmx14.dtd"><tmx>\n&nbsp;</tmx>',
            r"at line 2, column 1: undefined entity &nbsp;\. Look",
        ),
        (b'<?xml version="1.0" encoding="klingon"?><tmx/>', r"encoding"),
        (b"<html><body>x</body></html>", "holds no translation unit"),
        (
            document(unit(("en", "a"), ("fr", "b")), unit(("sw", "b"))),
            r"no unit with both en and ig\. Languages found: en, fr, sw",
        ),
    ],
)
def test_files_that_help_nobody_are_refused(read: Read, content: bytes, message: str) -> None:
    with pytest.raises(Refused, match=message):
        read(content, kind="tmx")


def test_a_truncated_file_is_refused(read: Read) -> None:
    content = document(*(unit(("en", f"one {number}"), ("ig", "otu")) for number in range(100)))
    with pytest.raises(Refused, match="is no well-formed XML at line 7"):
        read(content[: len(content) * 3 // 4], kind="tmx")


def test_where_blocks_end_changes_no_row(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    content = document(*(unit(("en", f"ị {number} &lt;"), ("ig", f"ọ <hi>{number}</hi>")) for number in range(50)))
    whole = read(content, kind="tmx")
    monkeypatch.setattr(streams, "BLOCK_BYTES", 13)
    assert read(content, kind="tmx") == whole
    monkeypatch.setattr(tmx, "FEED_BYTES", 1)
    assert read(content, kind="tmx") == whole


def test_memory_is_flat_in_units_and_in_the_length_of_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    units = unit(("en", "one " * 20), ("ig", "otu " * 20)).encode() * 1000
    piece = b"x" * (1 << 20)

    def content(path: Path) -> Iterator[bytes]:
        yield b"<tmx><body>"
        for _ in range(4):
            yield units
        yield b'<tu><tuv xml:lang="en"><seg>'
        for _ in range(24):
            yield piece
        yield b"</seg></tuv>" + variant("ig", "otu").encode() + b"</tu></body></tmx>"

    monkeypatch.setattr(streams, "blocks", content)
    tracemalloc.start()
    [last] = deque(read_pairs("tmx", [tmp_path / "a.tmx"], ("en", "ig"), ("en", "ig")), maxlen=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert last.to_pylist()[-1] == {
        "left": b"x" * KEPT_BYTES, "right": b"otu", "flaw": "too-long", "value": str(24 << 20),
    }  # fmt: skip
    assert peak < 12 << 20
