"""Reading TSV and Moses sources: lines end at b"\\n" only, and what cannot be read is refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from steps.job import Refused, processing_input
from steps.prepare.read import open_corpus, read_corpus
from steps.prepare.row import Texts

LANGUAGES = ("en", "ig")
INNER = ["\r", "\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x00"]


@pytest.fixture
def read(published: Callable[..., Path]) -> Callable[..., list[Texts]]:
    """Publishes sources and reads the texts of all rows."""

    def run(sources: dict[str, Any], **options: Any) -> list[Texts]:
        published(sources, **options)
        folder = processing_input("corpus")
        return [row.texts for row in read_corpus(folder, open_corpus(folder, LANGUAGES), LANGUAGES)]

    return run


Read = Callable[..., list[Texts]]


def test_tsv_columns_are_found_by_language_code_and_quotes_mean_nothing(read: Read) -> None:
    content = 'id\tig\tnote\ten\n1\t"Ụtụtụ ọma\tx\tGood "morning\n2\tNdo\ty\tSorry"\n'.encode()
    assert read({"a": content}) == [('Good "morning', '"Ụtụtụ ọma'), ('Sorry"', "Ndo")]


def test_moses_lines_are_paired_by_place_and_a_blank_line_keeps_its_place(read: Read) -> None:
    assert read({"a": (b"one\n\nthree\nfour\n", b"otu\nabuo\n\nano\n")}) == [
        ("one", "otu"),
        ("", "abuo"),
        ("three", ""),
        ("four", "ano"),
    ]


def test_moses_files_follow_the_manifest_order_of_languages(read: Read) -> None:
    assert read({"a": (b"otu\n", b"one\n")}, languages=("ig", "en")) == [("one", "otu")]


@pytest.mark.parametrize("sign", INNER)
def test_no_other_character_ends_a_line(read: Read, sign: str) -> None:
    left, right = f"on{sign}e\ntwo\n".encode(), f"otu\nabu{sign}o\n".encode()
    expected = [(f"on{sign}e", "otu"), ("two", f"abu{sign}o")]
    assert read({"moses": (left, right)}) == expected
    assert read({"tsv": f"en\tig\non{sign}e\totu\ntwo\tabu{sign}o\n".encode()}) == expected


def test_windows_line_ends_and_a_missing_last_newline_change_no_row(read: Read) -> None:
    assert read({"a": b"en\tig\r\none\totu\r\ntwo\tabuo"}) == [("one", "otu\r"), ("two", "abuo")]
    assert read({"a": (b"one\ntwo", b"otu\nabuo\n")}) == [("one", "otu"), ("two", "abuo")]


def test_a_byte_order_mark_is_stripped_once(read: Read) -> None:
    mark = b"\xef\xbb\xbf"
    assert read({"a": mark + b"en\tig\none\totu\n"}) == [("one", "otu")]
    assert read({"a": (mark + mark + b"one\n", b"otu\n")}) == [("\ufeffone", "otu")]


def test_a_row_with_missing_columns_has_blank_texts_and_is_marked(published: Callable[..., Path]) -> None:
    published({"a": b"en\tig\tnote\none\n\none\totu\tx\textra\none\totu\tx\n"})
    folder = processing_input("corpus")
    rows = list(read_corpus(folder, open_corpus(folder, LANGUAGES), LANGUAGES))
    assert [row.texts for row in rows] == [("one", ""), ("", ""), ("one", "otu"), ("one", "otu")]
    assert [row.malformed for row in rows] == [True, True, True, False]
    assert [row.id for row in rows] == ["a:1", "a:2", "a:3", "a:4"]


def test_a_few_undecodable_rows_are_marked_and_read_on(read: Read) -> None:
    assert read({"a": (b"one\ntw\xffo\n", b"otu\nabuo\n")}) == [
        ("one", "otu"),
        ("tw\ufffdo", "abuo"),
    ]


@pytest.mark.parametrize(("bad", "good", "refused"), [(9, 0, False), (10, 990, False), (10, 989, True)])
def test_more_than_one_percent_and_ten_undecodable_rows_are_refused(
    read: Read, bad: int, good: int, refused: bool
) -> None:
    content = b"en\tig\n" + b"one\totu\n" * good + b"caf\xe9\totu\n" * bad
    if not refused:
        assert len(read({"latin": content})) == bad + good
        return
    with pytest.raises(Refused, match=rf"latin\.tsv: 10 of 999 rows are not UTF-8, the first is row {good + 1}"):
        read({"latin": content})


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ((b"a\nb\n", b"c\n"), r"a\.en has 2 lines and a\.ig has 1"),
        ((b"a\n", b"c\n\n"), r"a\.en has 1 lines and a\.ig has 2"),
        (b"", r"a\.tsv is empty"),
        ((b"", b""), r"a\.en is empty"),
        (b"en\tig\n", r"a\.tsv: there is a header and no pair below it"),
        (b"en\tfr\nx\ty\n", r"a\.tsv: the header has 0 columns named 'ig'.*: en, fr"),
        (b"en\tig\tig\nx\ty\tz\n", r"a\.tsv: the header has 2 columns named 'ig'"),
        ("en\tig\nx\ty\n".encode("utf-16"), r"a\.tsv is UTF-16\. Convert it: iconv"),
    ],
)
def test_bad_input_is_refused_by_name(read: Read, source: Any, message: str) -> None:
    with pytest.raises(Refused, match=message):
        read({"a": source})


def test_a_corpus_without_manifest_is_refused(published: Callable[..., Path]) -> None:
    published({"a": b"en\tig\nx\ty\n"})
    folder = processing_input("corpus")
    (folder / "manifest.json").unlink()
    with pytest.raises(Refused, match=r"cannot read manifest\.json"):
        open_corpus(folder, LANGUAGES)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), r"data/a\.tsv is missing"),
        (lambda path: path.write_bytes(b""), r"data/a\.tsv has 0 bytes instead of"),
        (lambda path: path.write_bytes(b"en\tig\nx\tz\n"), r"data/a\.tsv does not match its sha256"),
    ],
)
def test_a_damaged_file_is_refused_by_name(
    published: Callable[..., Path], damage: Callable[[Path], object], message: str
) -> None:
    published({"a": b"en\tig\nx\ty\n"})
    folder = processing_input("corpus")
    damage(folder / "data" / "a.tsv")
    with pytest.raises(Refused, match=message):
        open_corpus(folder, LANGUAGES)


def test_a_corpus_of_other_languages_is_refused(published: Callable[..., Path]) -> None:
    published({"a": b"en\tsw\nx\ty\n"}, languages=("en", "sw"))
    with pytest.raises(Refused, match="the corpus holds en-sw, this pipeline needs en-ig"):
        open_corpus(processing_input("corpus"), LANGUAGES)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda manifest: manifest["files"].clear(), r"data/a\.tsv has no sum in the manifest"),
        (lambda manifest: manifest["sources"].append(manifest["sources"][0]), "source name a is used twice"),
        (lambda manifest: manifest["sources"][0].update(format="moses"), "source a lists 1 files instead of 2"),
        (lambda manifest: manifest.pop("pairs"), r"manifest\.json is not a valid CorpusManifest: pairs"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(
    published: Callable[..., Path], change: Callable[[dict[str, Any]], object], message: str
) -> None:
    published({"a": b"en\tig\nx\ty\n"})
    folder = processing_input("corpus")
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(Refused, match=message):
        open_corpus(folder, LANGUAGES)
