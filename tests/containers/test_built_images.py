"""The images as they were built: what is in them, what is not, and that every step starts in them."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from containers import engine
from containers.bakefile import ROOT, read_bake_file, targets
from containers.inputs import files
from pipeline.images import STEPS
from steps.version import code_version
from tests.containers.runner_bench import need

pytestmark = pytest.mark.containers

SHUT = ["--rm", "--network=none", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
STARTS = {  # what a step imports before it reads anything, and what it says when nothing is mounted
    "preflight": "did not reach Preflight",
    "prepare": "SourceLanguage is not set",
    "tokenize": "SourceLanguage is not set",
    "train": "hyperparameters.json",
    "evaluate": "SourceLanguage is not set",
}


def image(step: str) -> str:
    return f"localhost/asusu-{step}:dev"


def inside(step: str, *command: str, user: str = "0") -> str:
    """What a program says inside an image of which nothing may be changed."""
    return engine.podman("run", *SHUT, f"--user={user}", f"--entrypoint={command[0]}", image(step), *command[1:])


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    need(*STEPS)


@pytest.mark.parametrize("step", STEPS)
def test_an_image_is_what_the_service_takes(step):
    found: dict[str, Any] = json.loads(engine.podman("inspect", image(step)))[0]
    assert found["ManifestType"] == "application/vnd.docker.distribution.manifest.v2+json"
    assert (found["Os"], found["Architecture"]) == ("linux", "amd64")
    assert found["Config"]["Entrypoint"] == ["python", "-m", f"steps.{step}"]
    assert not found["Config"].get("Cmd")
    assert not found["Config"].get("User")
    assert not found["Config"].get("Volumes")
    assert len(found["Config"]["Labels"]["org.opencontainers.image.revision"]) == 40


@pytest.mark.parametrize("user", ["0", "12345"])
@pytest.mark.parametrize("step", STEPS)
def test_a_step_starts_as_any_user_and_says_why_it_cannot_go_on(step, user, tmp_path):
    tmp_path.chmod(0o777)
    arguments = [*SHUT, f"--user={user}", f"--volume={tmp_path}:/opt/ml", image(step)]
    ended = subprocess.run(
        ["podman", "run", *arguments, *(["train"] if step == "train" else [])],
        env=engine.surroundings(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 1, ended.stderr
    assert STARTS[step] in (tmp_path / "output" / "failure").read_text(encoding="utf-8"), ended.stderr


@pytest.mark.parametrize("step", STEPS)
def test_nothing_of_the_machine_that_built_it_is_left(step):
    look = "/ -xdev ( -name pip.conf -o -name *.whl -o -path /opt/ml -o -path /run/locks/* -o -path /run/secrets/* )"
    found = engine.podman("run", "--rm", "--network=none", "--entrypoint=find", image(step), *look.split())
    assert found == "", "asked as root with every capability, which sees all folders"
    assert inside(step, "ls", "/opt").split() == ["asusu"]
    history = engine.podman("history", "--no-trunc", "--format", "{{.CreatedBy}}", image(step))
    variables = inside(step, "env")
    for word in ("index-url", "find-links", "PIP_CERT", "_TOKEN", "PASSWORD", "AWS_"):
        assert word not in history
        assert word not in variables


@pytest.mark.parametrize("step", STEPS)
def test_an_image_holds_the_code_that_its_inputs_name_and_no_other(step):
    made = {target.name: target for target in targets(read_bake_file(), {})}
    wanted = {path.relative_to(ROOT).as_posix() for path in files(made[step]) if path.suffix == ".py"}
    found = inside(step, "find", "steps", "-name", "*.py").split()
    assert set(found) == wanted


def test_evaluation_says_the_code_of_this_checkout():
    say = "from steps.version import code_version; print(code_version())"
    inside_code, here = inside("evaluate", "python", "-c", say).strip(), code_version()
    assert inside_code.partition("+")[2] == here.partition("+")[2]
    assert not inside_code.startswith("unpackaged")


@pytest.mark.parametrize("step", ["prepare", "train"])
def test_no_library_of_an_image_misses_another(step):
    assert inside(step, "python", "-m", "pip", "check").strip() == "No broken requirements found."


def test_torch_is_the_one_for_a_cpu_and_only_where_it_is_used():
    assert "+cpu" in inside("train", "python", "-c", "from importlib.metadata import version; print(version('torch'))")
    assert (
        inside("prepare", "python", "-c", "import importlib.util as u; print(u.find_spec('torch'))").strip() == "None"
    )
