from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.errors import BadInput
from pipeline.local.workplace import locked


def test_two_runners_cannot_share_a_work_directory(tmp_path: Path) -> None:
    with (
        locked(tmp_path),
        pytest.raises(BadInput, match=f"process {os.getpid()} is using .*: a run, or a decision on a version"),
        locked(tmp_path),
    ):
        pass


def test_the_lock_is_free_again_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path / "new"):
            assert (tmp_path / "new").is_dir()


def test_a_directory_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(BadInput, match="cannot write to the work directory") as error,
        locked(tmp_path / "file" / "work"),
    ):
        pass
    assert "--workdir" in error.value.hint
