"""What a machine lacks is said with the command that brings it."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline import doctor
from pipeline.checkout import UNASKED, Checkout
from pipeline.errors import BadInput
from pipeline.preflight import Check


@pytest.mark.parametrize(
    ("version", "status"), [((3, 10), "refused"), ((3, 11), "ok"), ((3, 13), "ok"), ((3, 14), "refused")]
)
def test_a_python_that_nobody_tested_is_refused(version: tuple[int, int], status: str) -> None:
    assert doctor.check_python(version).status == status


def test_the_libraries_of_this_installation_are_as_pinned() -> None:
    for extra, command in doctor.EXTRAS.items():
        row = doctor.check_extra(extra, command)
        assert row.status == "ok", row.detail


def test_a_library_that_is_missing_or_of_another_version_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    known = metadata.version

    def version(name: str) -> str:
        if name == "sacrebleu":
            raise metadata.PackageNotFoundError(name)
        return "0.0.1" if name == "torch" else known(name)

    monkeypatch.setattr(metadata, "version", version)
    row = doctor.check_extra("steps", "make run")
    assert (row.status, row.fix) == ("refused", "make run")
    assert "sacrebleu is not installed" in row.detail
    assert "torch is 0.0.1 instead of" in row.detail


def test_without_the_package_itself_nobody_knows_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "DISTRIBUTION", "no-such-distribution")
    assert doctor.check_extra("steps", "make run").status == "unknown"


def test_an_extra_that_does_not_exist_is_unknown_and_never_ok() -> None:
    assert doctor.check_extra("nonsense", "make run").status == "unknown"


@pytest.mark.parametrize(("gigabytes", "status"), [(2.9, "refused"), (3.1, "warning"), (20.1, "ok")])
def test_a_disk_that_is_nearly_full_is_said(
    gigabytes: float, status: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda place: SimpleNamespace(free=gigabytes * 1e9))
    row = doctor.check_disk(tmp_path / "not" / "made" / "yet")
    assert row.status == status
    assert str(tmp_path) in row.detail


def engine(folder: Path, name: str, code: int) -> None:
    """A container engine that answers with an exit code."""
    program = folder / name
    program.write_text(f"#!/bin/sh\nexit {code}\n", encoding="utf-8")
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("engines", "status", "says"),
    [
        ({}, "warning", "neither podman nor docker is installed"),
        ({"docker": 0}, "ok", "docker"),
        ({"podman": 1}, "warning", "podman does not answer"),
        ({"podman": 1, "docker": 0}, "ok", "docker"),
    ],
)
def test_a_container_engine_has_to_answer(
    engines: dict[str, int], status: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, code in engines.items():
        engine(tmp_path, name, code)
    monkeypatch.setenv("PATH", str(tmp_path))
    row = doctor.check_engine()
    assert row.status == status
    assert says in row.detail


def test_code_that_is_not_committed_is_a_warning_and_what_git_cannot_tell_is_unknown() -> None:
    assert doctor.check_checkout(Checkout("1f" * 20)).status == "ok"
    dirty = doctor.check_checkout(Checkout("1f" * 20, ("a", "b", "c", "d")))
    assert (dirty.status, dirty.detail) == (
        "warning",
        "4 files are not committed: a, b, c ...; `asusu upsert` refuses that",
    )
    assert doctor.check_checkout(Checkout("0.1.0", (UNASKED,))).status == "unknown"


def compiled(monkeypatch: pytest.MonkeyPatch, answer: Callable[[], str]) -> Check:
    monkeypatch.setattr(doctor, "compile_recipe", lambda recipe, chosen: answer())
    (row,) = doctor.check_compiled()
    return row


def test_a_shipped_definition_that_is_stale_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Path(doctor.__file__).parent / "compiled" / "igbo.local.json"
    assert compiled(monkeypatch, lambda: place.read_text(encoding="utf-8")).status == "ok"
    row = compiled(monkeypatch, lambda: json.dumps({}))
    assert (row.status, row.fix) == ("refused", "make compile")


def test_without_the_sdk_a_stale_definition_is_not_called_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing() -> str:
        raise BadInput("compiling needs the SageMaker SDK", hint="make aws")

    row = compiled(monkeypatch, nothing)
    assert (row.status, row.fix) == ("warning", "make aws")


def test_every_environment_that_is_shipped_can_be_read() -> None:
    row = doctor.check_environments()
    assert row.status == "ok"
    assert "production" in row.detail
