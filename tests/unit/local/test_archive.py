from __future__ import annotations

import os
import tarfile
from pathlib import Path

from pipeline.local.archive import write_archive


def test_an_archive_holds_the_regular_files(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "adapter").mkdir(parents=True)
    (folder / "adapter" / "weights").write_bytes(b"\0" * 1000)
    (folder / "link").symlink_to(folder / "adapter")
    write_archive(folder, tmp_path / "model.tar.gz")
    with tarfile.open(tmp_path / "model.tar.gz") as archive:
        assert archive.getnames() == ["adapter/weights"]
        archive.extractall(tmp_path / "out", filter="data")
    assert (tmp_path / "out" / "adapter" / "weights").read_bytes() == b"\0" * 1000


def test_equal_folders_give_equal_archives_whatever_their_times(tmp_path: Path) -> None:
    for name, time in (("one", 1_000), ("two", 2_000)):
        (tmp_path / name).mkdir()
        for file in ("a", "b") if name == "one" else ("b", "a"):
            (tmp_path / name / file).write_text(file, encoding="utf-8")
            os.utime(tmp_path / name / file, (time, time))
        write_archive(tmp_path / name, tmp_path / f"{name}.tar.gz")
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()


def test_an_empty_folder_gives_an_empty_archive(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    write_archive(tmp_path / "model", tmp_path / "model.tar.gz")
    with tarfile.open(tmp_path / "model.tar.gz") as archive:
        assert archive.getnames() == []
