"""The images' libraries: hash-locked, the versions that the tests ran with, the same on CPU and GPU."""

from __future__ import annotations

import re
import tomllib

import pytest

from containers.bakefile import ROOT
from containers.locks import DATA, LOCKS, TRAINING, Lock, asked, name_of, requirements, without
from pipeline.errors import BadInput

BY_NAME = {lock.name: lock for lock in LOCKS}


def versions(text: str) -> dict[str, str]:
    rows = re.findall(r"^([\w.-]+)==([^\s\\]+)", text, re.MULTILINE)
    return {name_of(name): version for name, version in rows}


def locked(name: str) -> dict[str, str]:
    return versions(BY_NAME[name].path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", BY_NAME)
def test_every_file_is_named_by_its_hash(name):
    blocks = re.split(r"(?m)^(?=[a-z])", BY_NAME[name].path.read_text(encoding="utf-8"))[1:]
    assert len(blocks) > 30
    assert all("--hash=sha256:" in block for block in blocks)


@pytest.mark.parametrize("name", BY_NAME)
def test_a_lock_is_what_pyproject_pins_today(name):
    for requirement in asked(BY_NAME[name], requirements()):
        package, version = name_of(requirement), requirement.partition("==")[2]
        if package != "torch" or name != "training-gpu":
            assert locked(name)[package] == version


@pytest.mark.parametrize("name", BY_NAME)
def test_an_image_holds_the_versions_that_the_tests_ran_with(name):
    tested = versions((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    for package, version in locked(name).items():
        if package in tested:
            assert version.removesuffix("+cpu") == tested[package]


def test_cpu_and_gpu_differ_in_torch_and_in_kernels_that_need_a_gpu():
    on_cpu, on_gpu = locked("training-cpu"), locked("training-gpu")
    assert on_cpu.pop("torch").endswith("+cpu")
    assert on_gpu.pop("liger-kernel")
    assert "torch" not in on_gpu, "it belongs to AWS's image"
    assert on_cpu == on_gpu
    assert not [name for name in on_gpu if name.startswith(("nvidia-", "cuda-", "triton"))]


def test_every_library_of_the_steps_is_in_an_image():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert {name_of(row) for row in extras["steps"]} <= {*DATA, *TRAINING}


@pytest.mark.parametrize("name", BY_NAME)
def test_a_lock_names_no_index_and_no_machine(name):
    text = BY_NAME[name].path.read_text(encoding="utf-8")
    assert not re.search(r"https?://|file:|--index-url|--find-links|(?<!\w)/\w", text)


def test_a_package_that_nobody_pins_is_refused():
    with pytest.raises(BadInput, match="leftpad"):
        asked(Lock("x", "", ("leftpad",), "3.11"), requirements())


def test_leaving_a_package_out_takes_its_hashes_with_it():
    text = "# head\na==1 \\\n    --hash=sha256:1\ntorch==2 \\\n    --hash=sha256:2\ntorchmetrics==3 \\\n    --hash=sha256:3\n"
    left = without(text, re.compile("torch|nvidia-.*"))
    assert left == "# head\na==1 \\\n    --hash=sha256:1\ntorchmetrics==3 \\\n    --hash=sha256:3\n"
