"""The engine of CI: what is asked of the machine, and what is said where it cannot be had."""

from __future__ import annotations

import os
import resource
import tomllib

import pytest

from containers import build, debian, engine
from pipeline.errors import AsusuError


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A machine with neither podman nor apt."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CI", raising=False)


def test_without_an_engine_a_laptop_says_skipped_and_why(nowhere, capsys):
    assert build.main(["--ci"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("skipped: podman, runc, mmdebstrap not installed")
    assert "next: install podman" in said


@pytest.mark.parametrize(("said", "meant"), [("true", True), ("1", True), ("", False), ("false", False), ("0", False)])
def test_ci_means_the_same_to_the_build_and_to_the_tests_in_its_images(monkeypatch, said, meant):
    monkeypatch.setenv("CI", said)
    assert engine.in_ci() == meant


@pytest.mark.parametrize("said", ["true", "1"])
def test_without_an_engine_ci_fails(nowhere, monkeypatch, said):
    monkeypatch.setenv("CI", said)
    with pytest.raises(engine.Unavailable, match="podman"):
        build.main(["--ci"])


def test_the_settings_ask_for_no_more_than_the_machine_may_give(tmp_path, monkeypatch):
    for name, file in (("PLACE", "."), ("STORAGE_CONF", "storage.conf"), ("ENGINE_CONF", "containers.conf")):
        monkeypatch.setattr(engine, name, tmp_path / file)
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (1, 100 if kind == resource.RLIMIT_NPROC else -1))
    engine.configure()
    limits = tomllib.loads((tmp_path / "containers.conf").read_text())["containers"]["default_ulimits"]
    assert limits == ["nofile=8192:8192", "nproc=100:100"]
    storage = tomllib.loads((tmp_path / "storage.conf").read_text())["storage"]
    assert storage["graphroot"] == str(tmp_path / "store")


def test_a_program_that_fails_is_quoted():
    with pytest.raises(AsusuError, match="`sh -c echo what went wrong >&2; exit 3 ...` ended with 3: what went wrong"):
        engine.run(["sh", "-c", "echo what went wrong >&2; exit 3"])


def test_podman_is_called_with_the_store_of_this_checkout():
    places = engine.surroundings()
    assert places["CONTAINERS_STORAGE_CONF"].startswith(str(engine.ROOT / "build"))
    assert places["PATH"] == os.environ["PATH"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sources.list", "# deb http://old/debian x\ndeb http://near.example/debian bookworm main\n"),
        (
            "sources.list.d/debian.sources",
            "Types: deb\n# http://old/debian\nURIs: http://near.example/debian\nSuites: x\n",
        ),
    ],
)
def test_packages_come_from_where_this_machine_has_them(tmp_path, name, text):
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / name).write_text(text)
    (tmp_path / "sources.list.d" / "security.list").write_text("deb https://near.example/debian-security b main\n")
    assert debian.mirrors(tmp_path) == ("http://near.example/debian", "https://near.example/debian-security")


def test_a_machine_without_sources_asks_debian(tmp_path):
    assert debian.mirrors(tmp_path) == (debian.MIRROR, debian.SECURITY)
