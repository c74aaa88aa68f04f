"""How the images are built: the commands for podman and Docker, and what goes to Docker through its environment."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from containers import build, engine
from containers.bakefile import read_bake_file, targets
from containers.bases import Bases
from containers.pip_settings import CERTIFICATES
from pipeline.errors import AsusuError, BadInput
from pipeline.settings import load

BASE = {"image": "registry/base:1", "digest": "sha256:" + "1" * 64}
RECORDER = """#!{python}
import json, os, sys
names = ("TAG", "REVISION", "VERSION", "DATA_BASE", "TRAINING_BASE", "TRAINING_LOCK")
row = {{"arguments": sys.argv[1:], "variables": {{name: os.environ.get(name) for name in names}}}}
open({log!r}, "a").write(json.dumps(row) + "\\n")
sys.exit({code})
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A machine whose engines write down how they are called; returns a function that installs one."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(build, "read_bases", lambda: Bases.model_validate({"data": BASE, "training": BASE}))
    monkeypatch.setattr(build, "pip_settings", dict)
    for name in CERTIFICATES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(engine, "PLACE", tmp_path / "place")
    log = tmp_path / "log"

    def install(program: str, code: int = 0):
        path = tmp_path / program
        path.write_text(RECORDER.format(python=sys.executable, log=str(log), code=code))
        path.chmod(0o755)
        return lambda: [json.loads(line) for line in log.read_text().splitlines()]

    return install


def test_docker_bakes_with_our_variables_and_no_attestation_that_would_make_it_an_index(machine):
    calls = machine("docker")
    build.build(on_cpu=False)
    baked = calls()[-1]
    assert baked["arguments"][:2] == ["buildx", "bake"]
    assert {"--provenance=false", "--load"} <= set(baked["arguments"])
    assert baked["variables"]["TRAINING_LOCK"] == "training-gpu"
    assert baked["variables"]["TRAINING_BASE"] == f"{BASE['image']}@{BASE['digest']}"
    assert len(baked["variables"]["REVISION"]) == 40
    assert set(baked["variables"]) == set(read_bake_file()["variable"]), "every variable is given"


def test_the_cpus_torch_comes_from_its_own_index(machine):
    calls = machine("docker")
    build.build(on_cpu=True)
    given = [word for row in calls() for word in row["arguments"] if word.startswith("--set=")]
    assert [word.partition(",")[0] for word in given] == [
        "--set=data.secrets=id=pip_conf",
        "--set=training.secrets=id=pip_conf",
    ]
    assert "whl/cpu" in (engine.PLACE / "pip.conf").read_text()


def test_podman_writes_dockers_manifest_for_one_platform(machine):
    made = {target.name: target for target in targets(read_bake_file(), {"TAG": "t", "REVISION": "r"})}
    command = build.build_command(made["train"], ["--network", "host"])
    assert command[:6] == ["build", "--quiet", "--format", "docker", "--platform", "linux/amd64"]
    assert "--build-arg=BASE_IMAGE=localhost/asusu-training:t" in command
    assert [word for word in command if word.startswith("--tag=")] == ["--tag=localhost/asusu-train:t"]
    assert command[-3:] == ["--file", "containers/train/Dockerfile", "."]


@pytest.mark.parametrize("program", ["docker", "podman"])
def test_images_for_a_cpu_alone_take_the_names_that_runs_on_this_machine_look_for(machine, program, monkeypatch):
    calls = machine(program)
    monkeypatch.setattr(build, "has_buildx", lambda: program == "docker")
    build.build(on_cpu=False)
    assert not [row for row in calls() if "local/asusu" in " ".join(row["arguments"])]
    build.build(on_cpu=True)
    wanted = load("local").images.model_dump().values()
    tagged = [row["arguments"] for row in calls() if row["arguments"][0] == "tag"]
    assert tagged == [
        ["tag", f"{name.replace('local/', 'localhost/')}:{build.TAG}", f"{name}:latest"] for name in wanted
    ]


def test_a_build_that_fails_is_said_to_have_failed(machine, monkeypatch):
    machine("podman", code=1)
    monkeypatch.setattr(build, "has_buildx", lambda: False)
    with pytest.raises(AsusuError, match="`podman build --quiet ...` failed"):
        build.build(on_cpu=True)


def test_a_machine_without_an_engine_is_told_what_to_install(tmp_path, machine, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadInput, match="neither docker with buildx nor podman"):
        build.build(on_cpu=True)
