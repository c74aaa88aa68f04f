"""The code's version: one sum for all, that follows what decides the bytes and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from steps.prepare.output.manifest import preparation_version
from steps.version import code_version


@pytest.fixture
def room(tmp_path: Path) -> Path:
    folder = tmp_path / "steps" / "room"
    folder.mkdir(parents=True)
    (folder / "a.py").write_text("a = 1\n")
    return folder


def test_the_code_version_follows_names_and_bytes_of_the_sources_only(room: Path) -> None:
    before = code_version(room)
    assert before.rpartition("+")[2].isalnum()
    assert len(before.rpartition("+")[2]) == 12

    (room / "a.pyc").write_bytes(b"compiled")
    assert code_version(room) == before
    (room / "a.py").rename(room / "b.py")
    renamed = code_version(room)
    (room / "b.py").write_text("a = 2\n")
    assert len({before, renamed, code_version(room)}) == 3


def test_files_beside_the_folder_libraries_and_more_text_count_where_they_are_named(room: Path, tmp_path: Path) -> None:
    beside = tmp_path / "languages.py"
    beside.write_text("b = 1\n")
    before = code_version(room, beside=[beside])
    beside.write_text("b = 2\n")
    versions = {
        code_version(room),
        before,
        code_version(room, beside=[beside]),
        code_version(room, libraries=["numpy"]),
        code_version(room, more="16.0.0"),
    }
    assert len(versions) == 5


def test_the_preparation_has_a_version_of_its_own_so_that_training_code_does_not_prepare_again() -> None:
    assert preparation_version() != code_version()
    assert preparation_version().partition("+")[0] == code_version().partition("+")[0]
