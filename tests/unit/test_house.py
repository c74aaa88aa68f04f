"""The house rules that code must keep, read from the syntax trees of both packages and of the functions."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(path for room in ("pipeline", "steps", "infra") for path in (ROOT / room).rglob("*.py"))
BOTO3_ROOMS = ("pipeline/aws/", "infra/functions/")  # the functions carry nothing else of ours
SDK_ROOMS = ("pipeline/recipes/", "pipeline/stages/", "pipeline/definition.py")


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_module_keeps_to_its_room(path):
    name = path.relative_to(ROOT).as_posix()
    names = set(imported(path))
    assert not (name.startswith("steps/") and "pipeline" in names), "steps never imports pipeline"
    assert not (name.startswith("infra/") and names & {"pipeline", "steps"}), "a function has its own folder only"
    assert name.startswith(BOTO3_ROOMS) or "boto3" not in names, "only these rooms import boto3"
    assert name.startswith(SDK_ROOMS) or "sagemaker" not in names, "the SDK stays in its rooms"
    assert "pickle" not in names
    assert path.stem not in ("utils", "common", "helpers", "misc"), "a drawer, not a room"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_code_of_a_model_is_ever_trusted(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg == "trust_remote_code":
            assert isinstance(node.value, ast.Constant)
            assert node.value.value is False
        if isinstance(node, ast.keyword) and node.arg == "weights_only":
            assert isinstance(node.value, ast.Constant)
            assert node.value.value is True
