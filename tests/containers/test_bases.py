"""The images that ours stand on: filled in by a person, by digest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from containers.bases import read_bases
from containers.build import values
from pipeline.errors import BadInput

DIGEST = "sha256:" + "a" * 64


def written(folder: Path, **training: str) -> Path:
    path = folder / "bases.json"
    data = {"image": "python:3.11", "digest": DIGEST}
    path.write_text(json.dumps({"data": data, "training": {"image": "", "digest": "", **training}}))
    return path


def test_a_base_is_named_with_its_digest(tmp_path):
    bases = read_bases(written(tmp_path, image="torch:2", digest=DIGEST))
    assert bases.reference("training") == f"torch:2@{DIGEST}"
    assert bases.unpinned() == []


def test_a_base_that_nobody_named_is_refused_with_the_place_to_fill_it_in(tmp_path):
    bases = read_bases(written(tmp_path))
    assert bases.unpinned() == ["training"]
    with pytest.raises(BadInput, match="base image of training") as refused:
        bases.reference("training")
    assert "docs/containers.md" in refused.value.hint


def test_a_tag_is_no_digest(tmp_path):
    with pytest.raises(BadInput, match=r"training\.digest"):
        read_bases(written(tmp_path, image="torch:2", digest="latest"))


def test_images_for_a_cpu_need_no_base_from_aws(monkeypatch, tmp_path):
    monkeypatch.setattr("containers.build.read_bases", lambda: read_bases(written(tmp_path)))
    chosen = values(on_cpu=True)
    assert chosen["TRAINING_BASE"] == chosen["DATA_BASE"] == f"python:3.11@{DIGEST}"
    assert chosen["TRAINING_LOCK"] == "training-cpu"
    with pytest.raises(BadInput):
        values(on_cpu=False)
