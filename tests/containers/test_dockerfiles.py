"""Rules of the images that need no engine: what the Dockerfiles and the bake file say."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from containers.bakefile import ROOT, read_bake_file, targets
from containers.inputs import files, sources
from pipeline.errors import BadInput
from pipeline.images import STEPS

VALUES = {"DATA_BASE": "python:3.11", "TRAINING_BASE": "torch:2", "TAG": "t", "REVISION": "r", "VERSION": "1.2.3"}
DOCKERFILES = sorted(ROOT.glob("containers/*/Dockerfile"))
MADE = {target.name: target for target in targets(read_bake_file(), VALUES)}


def instructions(path: Path) -> list[tuple[str, str]]:
    """Every instruction of a Dockerfile with its text, continued lines joined."""
    text = re.sub(r"\\\n\s*", "", path.read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


def test_hadolint_finds_nothing():
    program = shutil.which("hadolint") or str(Path(sys.executable).with_name("hadolint"))
    ended = subprocess.run([program, "--no-color", *map(str, DOCKERFILES)], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "")


def test_hadolint_finds_what_is_wrong(tmp_path):
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM python:latest\nRUN pip install torch\nCMD python -m steps.train\n")
    program = shutil.which("hadolint") or str(Path(sys.executable).with_name("hadolint"))
    ended = subprocess.run([program, "--no-color", str(bad)], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "DL3007" in ended.stdout


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)
def test_a_dockerfile_names_no_user_and_nothing_that_the_service_mounts(path):
    words = [word for word, _ in instructions(path)]
    assert "USER" not in words, "the service expects root"
    assert "VOLUME" not in words
    assert "/opt/ml" not in path.read_text(encoding="utf-8")
    assert words[:2] == ["ARG", "FROM"]
    assert instructions(path)[1] == ("FROM", "${BASE_IMAGE}")


@pytest.mark.parametrize("step", STEPS)
def test_a_step_starts_its_program_without_a_shell_that_would_keep_the_signals(step):
    text = dict(instructions(ROOT / "containers" / step / "Dockerfile"))["ENTRYPOINT"]
    assert json.loads(text) == ["python", "-m", f"steps.{step}"]
    assert (ROOT / "steps" / step / "__main__.py").is_file()


def test_libraries_come_from_a_lock_of_hashes_and_leave_no_cache():
    installs = [text for word, text in instructions(ROOT / "containers/base/Dockerfile") if "pip install" in text]
    assert len(installs) == 1
    for flag in ("--require-hashes", "--no-deps", "--only-binary :all:", "--no-cache-dir"):
        assert flag in installs[0]
    others = [path for path in DOCKERFILES if path.parent.name != "base"]
    assert not [path for path in others if "pip" in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("step", ["prepare", "tokenize"])
def test_a_cached_steps_image_holds_its_own_code_only_so_that_other_steps_may_change(step):
    held = {path.relative_to(ROOT).parts[:2] for path in files(MADE[step])}
    others = {("steps", name) for name in STEPS if name != step}
    assert not held & others
    assert ("steps", step) in held


@pytest.mark.parametrize("step", STEPS)
def test_an_image_holds_every_module_that_its_step_imports(step):
    held = {path for path in files(MADE[step]) if path.suffix == ".py"}
    for path in held:
        for name in re.findall(r"^\s*(?:from|import) (steps[\w.]*)", path.read_text(encoding="utf-8"), re.MULTILINE):
            place = ROOT / name.replace(".", "/")
            assert place.with_suffix(".py") in held or place / "__init__.py" in held, f"{path.name} imports {name}"


def test_the_builder_sees_code_and_locks_and_nothing_else():
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert allowed == ["steps", "containers/locks"]
    for path in DOCKERFILES:
        for source in sources(path.read_text(encoding="utf-8")):
            assert source.split("/")[0] == "steps"


def test_the_bake_file_builds_bases_first_and_every_step():
    assert [name for name in MADE if name in STEPS] == list(STEPS)
    order = list(MADE)
    for target in MADE.values():
        assert all(order.index(base) < order.index(target.name) for base in target.bases)
    assert MADE["train"].args["BASE_IMAGE"] == "localhost/asusu-training:t"
    assert MADE["data"].args["BASE_IMAGE"] == "python:3.11"
    assert MADE["training"].args["LOCK"] == "training-gpu"
    assert {target.platforms for target in MADE.values()} == {("linux/amd64",)}
    assert MADE["prepare"].tags == ("localhost/asusu-prepare:t",)
    assert MADE["prepare"].labels["org.opencontainers.image.revision"] == "r"


def test_docker_reads_the_contexts_that_we_fill_in_ourselves():
    raw = read_bake_file()["target"]
    for step in STEPS:
        base = MADE[step].bases[0]
        assert raw[step]["contexts"] == {base: f"target:{base}"}
        assert raw[step]["args"]["BASE_IMAGE"] == base


def test_a_variable_that_the_bake_file_does_not_know_is_refused():
    with pytest.raises(BadInput, match="COLOUR"):
        targets(read_bake_file(), {"COLOUR": "blue"})
