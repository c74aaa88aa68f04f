"""The sum by which an image that need not be built again is found."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from containers.bakefile import ROOT, read_bake_file, targets
from containers.inputs import inputs, sources
from pipeline.images import STEPS

VALUES = {"DATA_BASE": "python@sha256:1", "TRAINING_BASE": "torch@sha256:2", "TAG": "a", "REVISION": "b"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What images are made of, in a folder that may be changed."""
    shutil.copytree(ROOT / "steps", tmp_path / "steps", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "containers", tmp_path / "containers", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def sums(root: Path, **values: str) -> dict[str, str]:
    made = targets(read_bake_file(), {**VALUES, **values})
    return {step: inputs(step, made, root) for step in STEPS}


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {step for step in STEPS if before[step] != after[step]}


def test_the_commit_the_tag_and_old_bytecode_are_not_what_an_image_is_made_of(checkout):
    before = sums(checkout)
    cache = checkout / "steps" / "train" / "__pycache__"
    cache.mkdir()
    (cache / "x.cpython-311.pyc").write_bytes(b"old")
    assert sums(checkout, TAG="other", REVISION="other") == before
    assert len(set(before.values())) == len(STEPS)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("steps/train/setup.py", {"train", "evaluate"}),  # evaluation's report names the code of every step
        ("steps/prepare/run.py", {"prepare", "evaluate"}),
        ("steps/job.py", set(STEPS)),
        ("containers/train/Dockerfile", {"train"}),
        ("containers/base/Dockerfile", set(STEPS)),
        ("containers/locks/data.lock", {"preflight", "prepare", "tokenize"}),
        ("containers/locks/training-gpu.lock", {"train", "evaluate"}),
        ("containers/locks/training-cpu.lock", set()),
    ],
)
def test_a_change_reaches_the_images_that_hold_it_and_no_others(checkout, path, expected):
    before = sums(checkout)
    with (checkout / path).open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert changed(before, sums(checkout)) == expected


def test_a_file_under_another_name_is_another_input(checkout):
    before = sums(checkout)
    (checkout / "steps" / "train" / "pace.py").rename(checkout / "steps" / "train" / "pace_2.py")
    assert changed(before, sums(checkout)) == {"train", "evaluate"}


def test_another_base_image_is_another_input(checkout):
    before = sums(checkout)
    assert changed(before, sums(checkout, TRAINING_BASE="torch@sha256:3")) == {"train", "evaluate"}
    assert changed(before, sums(checkout, DATA_BASE="python@sha256:3")) == {"preflight", "prepare", "tokenize"}


def test_flags_and_targets_of_a_copy_are_no_sources():
    assert sources("FROM x\nCOPY --chmod=755 a/*.py b there/\nRUN cp c d\n") == ["a/*.py", "b"]
