"""Publishing a corpus: what is counted, that it is whole or absent, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.errors import AsusuError, BadInput
from pipeline.staging import corpus
from pipeline.staging.corpus import CorpusSpec, parse_spec, publish_corpus
from steps.contract import MANIFEST, CorpusManifest, load
from steps.sums import damaged_files

LANGUAGES = ("en", "ig")
TSV = "id\ten\tig\n1\tI am here.\tAnọ m ebe a.\n2\tGood.\tỌ dị mma.\n"


def write(path: Path, content: str | bytes) -> Path:
    """A file with this content."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def publish(*paths: Path, into: Path) -> CorpusManifest:
    """One source, TSV or Moses by the number of files."""
    return publish_corpus([parse_spec(",".join(map(str, paths)))], LANGUAGES, into)


def test_one_path_is_tsv_and_two_are_a_moses_pair() -> None:
    assert parse_spec("a.tsv", "CC0") == CorpusSpec("a", "CC0", "tsv", (Path("a.tsv"),))
    assert parse_spec("c.en,c.ig").paths == (Path("c.en"), Path("c.ig"))
    assert parse_spec("c.en,c.ig").format == "moses"


@pytest.mark.parametrize("text", ["", "a.en,", ",a", "a,b,c"])
def test_other_shapes_of_a_corpus_are_refused(text: str) -> None:
    with pytest.raises(BadInput, match="Moses pair"):
        parse_spec(text)


def test_a_published_tsv_is_copied_counted_and_hashed(tmp_path: Path) -> None:
    source = write(tmp_path / "a.tsv", TSV)
    manifest = publish(source, into=tmp_path / "corpora")
    folder = tmp_path / "corpora" / manifest.fingerprint
    assert load(folder / MANIFEST, CorpusManifest) == manifest
    assert damaged_files(folder, manifest.files) == []
    assert (folder / manifest.sources[0].paths[0]).read_bytes() == source.read_bytes()
    assert manifest.pairs == 2
    assert manifest.words == {"en": 4, "ig": 7}


def test_columns_are_found_by_name_in_any_order_after_a_byte_order_mark(tmp_path: Path) -> None:
    source = write(tmp_path / "a.tsv", b"\xef\xbb\xbfig\tnote\ten\nMba.\tx y z\tNo, no.\n")
    assert publish(source, into=tmp_path / "corpora").words == {"en": 2, "ig": 1}


def test_lines_end_at_line_feeds_only_and_bad_bytes_are_no_concern_here(tmp_path: Path) -> None:
    english = write(tmp_path / "c.en", "one\u2028still one\rand one\n\n".encode() + b"\xff\xfe bad\nlast")
    igbo = write(tmp_path / "c.ig", "otu\n\nabụọ\natọ\n")
    manifest = publish(english, igbo, into=tmp_path / "corpora")
    assert manifest.pairs == 4
    assert manifest.sources[0].format == "moses"


def test_rows_with_missing_columns_count_as_pairs(tmp_path: Path) -> None:
    source = write(tmp_path / "a.tsv", "en\tig\nonly English\n")
    manifest = publish(source, into=tmp_path / "corpora")
    assert (manifest.pairs, manifest.words) == (1, {"en": 2, "ig": 0})


def test_publishing_again_gives_the_same_folder_and_writes_nothing(tmp_path: Path) -> None:
    source = write(tmp_path / "a.tsv", TSV)
    first = publish(source, into=tmp_path / "corpora")
    stamp = (tmp_path / "corpora" / first.fingerprint / MANIFEST).stat().st_mtime_ns
    assert publish(source, into=tmp_path / "corpora") == first
    assert (tmp_path / "corpora" / first.fingerprint / MANIFEST).stat().st_mtime_ns == stamp
    assert len(list((tmp_path / "corpora").iterdir())) == 1


def test_a_damaged_folder_is_replaced(tmp_path: Path) -> None:
    source = write(tmp_path / "a.tsv", TSV)
    manifest = publish(source, into=tmp_path / "corpora")
    folder = tmp_path / "corpora" / manifest.fingerprint
    (folder / manifest.files[0].path).write_text("half")
    publish(source, into=tmp_path / "corpora")
    assert damaged_files(folder, manifest.files) == []
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_sources_of_one_name_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    paths = [write(tmp_path / "a.tsv", TSV), write(tmp_path / "other" / "a.tsv", TSV)]
    manifest = publish_corpus([parse_spec(str(path)) for path in paths], LANGUAGES, tmp_path / "corpora")
    assert [source.name for source in manifest.sources] == ["a", "a-2"]
    assert len({entry.path for entry in manifest.files}) == 2
    assert manifest.pairs == 4


REFUSED: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "is empty"),
    "only a byte order mark": (b"\xef\xbb\xbf", "is empty"),
    "only a header": ("en\tig\n", "a header and no pair"),
    "a column missing": ("english\tig\nyes\tee\n", r"en is not there once\. Columns found: english, ig"),
    "a column twice": ("en\tig\tig\na\tb\tc\n", "ig is not there once"),
    "UTF-16": ("en\tig\nyes\tee\n".encode("utf-16"), "is UTF-16"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_be_a_corpus_is_refused_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    content, message = REFUSED[name]
    source = write(tmp_path / "a.tsv", content)
    with pytest.raises(BadInput, match=message) as caught:
        publish(source, into=tmp_path / "corpora")
    assert str(source) in caught.value.message
    assert caught.value.hint
    assert not (tmp_path / "corpora").exists() or not list((tmp_path / "corpora").iterdir())


def test_a_missing_file_and_a_folder_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"cannot read the corpus .*nowhere\.tsv"):
        publish(tmp_path / "nowhere.tsv", into=tmp_path / "corpora")
    with pytest.raises(BadInput, match="cannot read the corpus"):
        publish(tmp_path, into=tmp_path / "corpora")


def test_moses_files_of_different_length_are_refused_with_both_counts(tmp_path: Path) -> None:
    pair = write(tmp_path / "c.en", "a\nb\nc\n"), write(tmp_path / "c.ig", "a\nb\n")
    with pytest.raises(BadInput, match=r"c\.en has 3 lines and .*c\.ig has 2"):
        publish(*pair, into=tmp_path / "corpora")


def test_a_target_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path / "a.tsv", TSV)
    blocked = write(tmp_path / "file", "x")
    with pytest.raises(BadInput, match="cannot write to"):
        publish(source, into=blocked / "corpora")


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path / "a.tsv", TSV)

    def full(source: Path, target: Path) -> None:
        shutil.copy(source, target.parent.parent / "half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(corpus, "copy", full)
    with pytest.raises(AsusuError, match="No space left on device"):
        publish(source, into=tmp_path / "corpora")
    assert list((tmp_path / "corpora").iterdir()) == []
