"""What is asked of podman and docker, and what their answers mean. Real engines: tests/containers/test_runner_jobs.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import BadInput, StepFailed
from pipeline.local.engine import ENGINES, Engine

ID = "0123456789abcdef" * 4


def stand_in(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, script: str) -> None:
    """A command of that name, and no other commands."""
    (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("prefix", ["", "sha256:"])
def test_an_image_has_an_id_of_digits_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, prefix: str
) -> None:
    stand_in(monkeypatch, tmp_path, name, f'[ "$*" = "image inspect --format {{{{.Id}}}} a/b:c" ] && echo {prefix}{ID}')
    assert Engine(name).image_id("a/b:c") == ID


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadInput, match=f"{name} is not installed") as refused:
        Engine(name).image_id("a/b")
    assert f"install {name}" in refused.value.hint


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("podman", "Error: inspecting object: a/b: image not known"),
        ("docker", "Error: No such image: a/b"),
        ("docker", "Error response from daemon: No such image: a/b:latest"),
    ],
)
def test_an_image_that_is_not_there_is_named_with_what_builds_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, says: str
) -> None:
    stand_in(monkeypatch, tmp_path, name, f"echo '{says}' >&2; exit 125")
    with pytest.raises(BadInput, match=f"there is no image a/b in {name}") as refused:
        Engine(name).image_id("a/b")
    assert "make images" in refused.value.hint


@pytest.mark.parametrize(
    ("script", "says"),
    [
        (
            "echo warning >&2; echo 'Cannot connect to the Docker daemon' >&2; exit 1",
            "Cannot connect to the Docker daemon",
        ),
        ("exit 1", "it says nothing"),
    ],
)
def test_an_engine_that_does_not_answer_is_no_missing_image(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, says: str
) -> None:
    stand_in(monkeypatch, tmp_path, "docker", script)
    with pytest.raises(BadInput, match=f"docker does not answer: {says}"):
        Engine("docker").image_id("a/b")


@pytest.mark.parametrize("name", ENGINES)
def test_no_image_is_ever_fetched_and_no_container_outlives_its_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    stand_in(monkeypatch, tmp_path, name, f'echo "$*" > {tmp_path}/asked')
    Engine(name).create("job-1", ["--option", "image"])
    words = (tmp_path / "asked").read_text().split()
    assert (words[0], words[-3:]) == ("create", ["--name=job-1", "--option", "image"])
    assert {"--rm", "--pull=never"} <= set(words)
    alone = {"--http-proxy=false", "--read-only-tmpfs=false"}
    assert alone & set(words) == (alone if name == "podman" else set())


def test_a_container_that_cannot_be_made_fails_the_step_in_the_engines_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stand_in(monkeypatch, tmp_path, "podman", "echo 'WARN old' >&2; echo 'Error: no space' >&2; exit 125")
    with pytest.raises(StepFailed, match="podman could not make the container job-1: Error: no space"):
        Engine("podman").create("job-1", ["image"])


def test_an_interrupt_while_a_container_is_made_leaves_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = f'echo "$1" >> {tmp_path}/asked; if [ "$1" = create ]; then kill -INT $PPID; /bin/sleep 0.3; fi'
    stand_in(monkeypatch, tmp_path, "podman", f"{script}\necho $1 >> {tmp_path}/done")
    with pytest.raises(KeyboardInterrupt):
        Engine("podman").create("job-1", ["image"])
    assert (tmp_path / "asked").read_text().split() == ["create", "rm"]
    assert (tmp_path / "done").read_text().split() == ["create", "rm"], "removed after it was made, not before"


@pytest.mark.parametrize("name", ENGINES)
def test_removing_kills_at_once_and_never_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    stand_in(monkeypatch, tmp_path, name, f'echo "$*" > {tmp_path}/asked; exit 1')
    Engine(name).remove("job-1")
    words = (tmp_path / "asked").read_text().split()
    assert (words[0], words[-1]) == ("rm", "job-1")
    assert "--force" in words
    (tmp_path / name).unlink()
    Engine(name).remove("job-1")


@pytest.mark.parametrize(
    ("name", "caller", "user"),
    [("podman", 0, "0:0"), ("docker", 0, "0:0"), ("podman", 1000, "0:0"), ("docker", 1000, "1000:100")],
)
def test_programs_run_as_whoever_writes_files_that_the_caller_can_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, caller: int, user: str
) -> None:
    stand_in(monkeypatch, tmp_path, name, "echo '[name=seccomp,profile=builtin]'")
    monkeypatch.setattr("os.geteuid", lambda: caller)
    monkeypatch.setattr("os.getegid", lambda: 100)
    assert Engine(name).user == user


def test_a_docker_without_root_lets_the_caller_look_like_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    stand_in(monkeypatch, tmp_path, "docker", "echo '[name=seccomp,profile=builtin name=rootless name=cgroupns]'")
    assert Engine("docker").user == "0:0"


def test_another_program_is_no_engine() -> None:
    with pytest.raises(BadInput, match="'rm' is no container engine"):
        Engine("rm")
