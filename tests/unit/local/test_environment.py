from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipeline.errors import BadInput
from pipeline.local.environment import JobKind, command_for, command_line, variables

KNOWN = "train"


@pytest.mark.parametrize(
    "image",
    [
        f"local/asusu-{KNOWN}",
        f"asusu-{KNOWN}:1.0",
        f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/asusu-{KNOWN}@sha256:{'0' * 64}",
        f"localhost:5000/asusu-{KNOWN}:tag@sha256:{'0' * 64}",
    ],
)
def test_an_image_runs_the_step_of_its_name(image: str) -> None:
    assert command_for(image, "Training") == [sys.executable, "-m", f"steps.{KNOWN}"]


@pytest.mark.parametrize("image", ["pytorch:2", "asusu-nothing", "asusu-", "asusu-../x", ""])
def test_any_other_image_is_refused_with_the_known_ones(image: str) -> None:
    with pytest.raises(BadInput, match=f"has no program on this machine; known: .*asusu-{KNOWN}"):
        command_for(image, "Processing")


@pytest.mark.parametrize(
    ("kind", "application", "expected"),
    [
        ("Processing", {}, ["image-program"]),
        ("Training", {}, ["image-program", "train"]),
        ("Training", {"ContainerArguments": ["--fast"]}, ["image-program", "--fast"]),
        ("Processing", {"ContainerEntrypoint": ["tool", "-x"]}, ["tool", "-x"]),
        ("Training", {"ContainerEntrypoint": ["tool"], "ContainerArguments": ["a"]}, ["tool", "a"]),
        ("Processing", {"ContainerEntrypoint": ["python", "job.py"]}, [sys.executable, "job.py"]),
    ],
)
def test_entry_point_and_arguments_override_as_in_docker(
    kind: JobKind, application: dict[str, list[str]], expected: list[str]
) -> None:
    assert command_line(application, kind, "image", lambda image, kind: ["image-program"]) == expected


def test_a_job_inherits_nothing_but_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    seen = variables({"OWN": "1", "HOME": "/root", "SAGEMAKER_BASE_DIR": "/x"}, Path("/job/ml"), Path("/job/home"))
    assert "AWS_SECRET_ACCESS_KEY" not in seen
    assert seen["OMP_NUM_THREADS"] == "1"
    assert seen["LC_ALL"] == "C.UTF-8"
    assert seen["OWN"] == "1"
    assert seen["SAGEMAKER_BASE_DIR"] == "/job/ml"
    assert seen["HOME"] == "/job/home"
    assert (Path(seen["PYTHONPATH"]) / "steps").is_dir()
