"""The folder of a preparation: what lies there already is never lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.errors import BadInput
from pipeline.staging.corpus import parse_spec
from pipeline.staging.in_place import link_corpus
from pipeline.staging.prepared import partial_of, settle


def test_what_appears_in_the_place_meanwhile_is_kept(tmp_path: Path) -> None:
    out = tmp_path / "out"
    fresh = partial_of(out, "key") / "out"
    fresh.mkdir(parents=True)
    (fresh / "train.parquet").write_text("new")
    out.mkdir()
    (out / "thesis.txt").write_text("precious")
    with pytest.raises(BadInput, match="the finished preparation lies in"):
        settle(partial_of(out, "key"), out, "key")
    assert (out / "thesis.txt").read_text() == "precious"
    assert (fresh / "train.parquet").read_text() == "new"


@pytest.mark.parametrize("change", ["write", "replace", "remove"])
def test_a_file_that_changes_after_its_sum_is_noticed(tmp_path: Path, change: str) -> None:
    source = tmp_path / "a.tsv"
    source.write_text("en\tig\nyam\tji\n")
    (tmp_path / "links").mkdir()
    linked = link_corpus([parse_spec(str(source))], ("en", "ig"), tmp_path / "links")
    assert linked.changed() == []
    if change == "write":
        source.write_text("en\tig\nyam\tji\nfish\tazụ\n")
    elif change == "replace":
        (tmp_path / "b.tsv").write_text("en\tig\nyam\tji\n")
        (tmp_path / "b.tsv").replace(source)
    else:
        source.unlink()
    assert linked.changed() == [source]


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.tsv")
    (tmp_path / "links").mkdir()
    with pytest.raises(BadInput, match="regular file"):
        link_corpus([parse_spec(str(tmp_path / "a.tsv"))], ("en", "ig"), tmp_path / "links")
