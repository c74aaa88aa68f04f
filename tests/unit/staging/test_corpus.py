"""Publishing a corpus: what is counted, that it is whole or absent, and what is refused."""

from __future__ import annotations

import gzip
import io
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from pipeline.errors import AsusuError, BadInput
from pipeline.staging import corpus
from pipeline.staging.corpus import CorpusSpec, parse_spec, publish_corpus
from steps.contract import MANIFEST, CorpusManifest, load
from steps.prepare.sources import open_corpus
from steps.sums import damaged_files

LANGUAGES = ("en", "ig")
TSV = "id\ten\tig\n1\tI am here.\tAnọ m ebe a.\n2\tGood.\tỌ dị mma.\n"


def write(path: Path, content: str | bytes) -> Path:
    """A file with this content."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def parquet(columns: dict[str, list[str]]) -> bytes:
    """A Parquet file."""
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def publish(*paths: Path, into: Path) -> CorpusManifest:
    """One source, TSV or Moses by the number of files."""
    return publish_corpus([parse_spec(",".join(map(str, paths)))], LANGUAGES, into)


def test_one_path_is_tsv_and_two_are_a_moses_pair() -> None:
    assert parse_spec("a.tsv", "CC0") == CorpusSpec("a", "CC0", "tsv", (Path("a.tsv"),))
    assert parse_spec("c.en,c.ig").paths == (Path("c.en"), Path("c.ig"))
    assert parse_spec("c.en,c.ig").format == "moses"
    assert parse_spec("c.en.gz, c.ig.zst").name == "c"
    assert parse_spec("plain.txt").format == "tsv"
    assert parse_spec("A.TMX.GZ").format == "tmx"
    assert parse_spec("c.en-ig.jsonl.zst").name == "c.en-ig"


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
    "cut off": (gzip.compress(TSV.encode())[:-9], r"is cut off: its gzip stream ends after \d+ bytes"),
    "no line end but those of the header": ("\n\n", "is not there once"),
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


FORMATS: dict[str, bytes] = {
    "a.jsonl": b'{"en": "I am here.", "ig": "A m ebe a."}\n{"translation": {"en": "Good.", "ig": "O di mma."}}\n',
    "a.ndjson": b'{"en": "I am here.", "ig": "A m ebe a."}\n{"en": "Good.", "ig": "O di mma."}',
    "a.tmx": b"<tmx><body>"
    b'<tu><tuv xml:lang="en-GB"><seg>I am here.</seg></tuv><tuv xml:lang="ig"><seg>A m ebe a.</seg></tuv></tu>'
    b'<tu><tuv xml:lang="ig"><seg>O di mma.</seg></tuv><tuv xml:lang="en"><seg>Good.</seg></tuv></tu></body></tmx>',
    "a.tsv": TSV.encode(),
    "a.parquet": parquet({"en": ["I am here.", "Good."], "ig": ["A m ebe a.", "O di mma."]}),
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_every_format_is_known_by_its_suffix_copied_as_it_is_and_counted(
    name: str, suffix: str, tmp_path: Path
) -> None:
    if name.endswith("parquet") and suffix:
        pytest.skip("Parquet compresses what is in it")
    compress = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}[suffix]
    source = write(tmp_path / f"{name}{suffix}", compress(FORMATS[name]))
    manifest = publish(source, into=tmp_path / "corpora")
    [listed] = manifest.sources
    assert listed.name == "a"
    assert listed.format == {"ndjson": "jsonl"}.get(name[2:], name[2:])
    assert (tmp_path / "corpora" / manifest.fingerprint / listed.paths[0]).read_bytes() == source.read_bytes()
    assert (manifest.pairs, manifest.words) == (2, {"en": 4, "ig": 7})
    assert open_corpus(tmp_path / "corpora" / manifest.fingerprint, LANGUAGES) == manifest


def test_a_compressed_moses_pair_whose_files_share_a_name_is_published(tmp_path: Path) -> None:
    for code, text in (("en", b"I am here.\n"), ("ig", b"A m ebe a.\n")):
        (tmp_path / code).mkdir()
        write(tmp_path / code / "text.gz", gzip.compress(text))
    manifest = publish(tmp_path / "en" / "text.gz", tmp_path / "ig" / "text.gz", into=tmp_path / "corpora")
    assert manifest.sources[0].name == "text"
    assert len(set(manifest.sources[0].paths)) == 2
    assert manifest.words == {"en": 3, "ig": 4}


def test_benchmarks_are_published_beside_the_sources_and_not_counted_among_them(tmp_path: Path) -> None:
    source, benchmark = write(tmp_path / "a.tsv", TSV), write(tmp_path / "a.jsonl", FORMATS["a.jsonl"])
    specs = parse_spec(str(source)), parse_spec(str(benchmark), "CC-BY-4.0")
    manifest = publish_corpus(specs[:1], LANGUAGES, tmp_path / "corpora", benchmarks=specs[1:])
    assert [item.name for item in manifest.sources] == ["a"]
    assert [(item.name, item.licence, item.lines) for item in manifest.benchmarks] == [("a-2", "CC-BY-4.0", 2)]
    assert manifest.pairs == 2
    assert manifest.name == "a"
    folder = tmp_path / "corpora" / manifest.fingerprint
    assert (folder / manifest.benchmarks[0].paths[0]).read_bytes() == benchmark.read_bytes()
    assert open_corpus(folder, LANGUAGES) == manifest
    assert publish(source, into=tmp_path / "corpora").fingerprint != manifest.fingerprint


def test_one_file_of_three_languages_is_two_corpora(tmp_path: Path) -> None:
    source = write(tmp_path / "a.jsonl", json.dumps({"en": "one", "ig": "otu", "sw": "moja"}).encode())
    manifests = [publish_corpus([parse_spec(str(source))], ("en", code), tmp_path / "corpora") for code in ("ig", "sw")]
    assert [manifest.languages for manifest in manifests] == [["en", "ig"], ["en", "sw"]]
    assert manifests[0].fingerprint != manifests[1].fingerprint


def test_a_licence_that_is_stated_later_is_not_lost(tmp_path: Path) -> None:
    source = str(write(tmp_path / "a.tsv", TSV))
    publish_corpus([parse_spec(source)], LANGUAGES, tmp_path / "corpora")
    manifest = publish_corpus([parse_spec(source, "CC0-1.0")], LANGUAGES, tmp_path / "corpora")
    assert manifest.sources[0].licence == "CC0-1.0"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b'{"english": "x"}', "Keys of the first object: english"),
        ("a.tmx", b"<tmx>\n<body>", "is no well-formed XML at line 2"),
        ("a.parquet", TSV.encode(), "is no Parquet file"),
        ("a.tsv", b"PK\x03\x04", "is a zip archive"),
    ],
)
def test_what_the_readers_refuse_is_bad_input_with_a_hint(
    name: str, content: bytes, message: str, tmp_path: Path
) -> None:
    source = write(tmp_path / name, content)
    with pytest.raises(BadInput, match=message) as caught:
        publish(source, into=tmp_path / "corpora")
    assert str(source) in caught.value.message
    assert caught.value.hint
    assert not (tmp_path / "corpora").exists()


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
