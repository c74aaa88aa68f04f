"""What model.tar.gz may hold, and what is refused before it touches the disk."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from steps.evaluate import unpack as room
from steps.evaluate.unpack import unpack
from steps.job import Refused


def archive(path: Path, *names: str, size: int = 3) -> Path:
    with tarfile.open(path, "w:gz") as members:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = size
            members.addfile(entry, io.BytesIO(b"x" * size))
    return path


def unpacked(path: Path) -> Path:
    folder = path.parent / "unpacked"
    folder.mkdir()
    return unpack(path, folder)


def test_adapter_and_report_are_unpacked_with_or_without_a_leading_dot(tmp_path: Path) -> None:
    names = ("./training.json", "adapter/adapter_model.safetensors", "./adapter/README.md")
    folder = unpacked(archive(tmp_path / "model.tar.gz", *names))
    assert sorted(path.name for path in folder.rglob("*.*")) == [
        "README.md",
        "adapter_model.safetensors",
        "training.json",
    ]


def test_nothing_is_asked_of_the_library_that_python_has_from_3_11_4_on_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(tarfile.TarFile, "extract")
    monkeypatch.delattr(tarfile.TarFile, "extractall")
    folder = unpacked(archive(tmp_path / "model.tar.gz", "adapter/README.md"))
    assert (folder / "adapter/README.md").read_bytes() == b"xxx"


@pytest.mark.parametrize("name", ["adapter/optimizer.pt", "adapter_model.bin", "code.py", "noextension", ".json"])
def test_a_file_that_could_carry_code_is_refused_by_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused, match=name):
        unpacked(archive(tmp_path / "model.tar.gz", name))


@pytest.mark.parametrize("name", ["../escaped.json", "adapter/../../escaped.json", "/escaped.json"])
def test_a_path_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused, match="unsafe"):
        unpacked(archive(tmp_path / "model.tar.gz", name))
    assert not (tmp_path / "escaped.json").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_anything_but_a_plain_file_is_refused(tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as members:
        entry = tarfile.TarInfo("training.json")
        entry.type, entry.linkname = kind, "/etc/passwd"
        members.addfile(entry)
    with pytest.raises(Refused, match="not a plain file"):
        unpacked(tmp_path / "model.tar.gz")


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    names = [f"{number}.json" for number in range(room.MAX_MEMBERS + 1)]
    with pytest.raises(Refused, match="more than 64 files"):
        unpacked(archive(tmp_path / "model.tar.gz", *names))


def test_an_archive_that_unpacks_to_too_much_is_refused_before_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "MAX_BYTES", 1024)
    with pytest.raises(Refused, match="unpacks to more than"):
        unpacked(archive(tmp_path / "model.tar.gz", "a.json", "b.json", size=600))
    assert not (tmp_path / "unpacked" / "b.json").exists()


def test_a_truncated_archive_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "model.tar.gz", "a.json", size=100_000)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(Refused, match="damaged"):
        unpacked(path)


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.tar.gz").write_bytes(b"not an archive")
    with pytest.raises(Refused, match="damaged"):
        unpacked(tmp_path / "model.tar.gz")


def test_a_missing_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot unpack"):
        unpacked(tmp_path / "model.tar.gz")
