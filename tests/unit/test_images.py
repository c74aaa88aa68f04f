"""Images by digest: the lock that compiling an environment reads, and what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline import settings
from pipeline.definition import Definition
from pipeline.errors import BadInput
from pipeline.images import STEPS, ImageLock, mutable, pinned, read_lock, tag_of, write_lock
from pipeline.lint import lint
from tests.unit.preflight.deployed import definition

ACCOUNT = {"account": "123456789012"}
REGISTRY = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
SHIPPED = Path(settings.__file__).parent / "environments" / "production.yaml"


def a_lock(**changes: Any) -> ImageLock:
    """A lock with another digest for every step."""
    rows = {
        step: {
            "digest": f"sha256:{number:064x}",
            "inputs": f"{number:016x}",
            "base": f"sha256:{99:064x}",
            "git": "c" * 40,
        }
        for number, step in enumerate(STEPS)
    }
    return ImageLock.model_validate({**rows, **changes})


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """The production environment in a file of its own."""
    return Path(shutil.copy(SHIPPED, tmp_path / "mine.yaml"))


def mutable_images(compiled: Definition) -> list[str]:
    return [finding.where for finding in lint(compiled) if finding.rule == "mutable-image"]


def test_pushed_images_are_compiled_by_digest_and_lint_has_nothing_to_say(environment):
    write_lock(a_lock(), environment.with_name("mine.images.json"))
    chosen = settings.load(str(environment), ACCOUNT)
    assert chosen.images.train == f"{REGISTRY}/asusu-train@sha256:{STEPS.index('train'):064x}"
    assert mutable_images(definition(images=chosen.images)) == []


def test_an_environment_whose_images_nobody_pushed_has_repositories_that_lint_refuses(environment):
    chosen = settings.load(str(environment), ACCOUNT)
    assert chosen.images.train == f"{REGISTRY}/asusu-train"
    assert len(mutable_images(definition(images=chosen.images))) == 8, "seven jobs and the registered package"


def test_the_shipped_environments_read_the_lock_beside_them():
    assert settings.lock_place("production") == SHIPPED.with_name("production.images.json")
    assert settings.lock_place("some/where.yml") == Path("some/where.images.json")


def test_this_machines_own_environment_needs_no_digests():
    assert settings.load("local").images.train == "local/asusu-train"
    assert not mutable("local/asusu-train")


def test_a_tag_beside_a_lock_is_refused_since_both_name_the_image(environment):
    write_lock(a_lock(), environment.with_name("mine.images.json"))
    environment.write_text(environment.read_text().replace("amazonaws.com/asusu-train", "amazonaws.com/asusu-train:v7"))
    with pytest.raises(BadInput, match="asusu-train:v7 with a tag, and mine.images.json"):
        settings.load(str(environment), ACCOUNT)


def test_a_digest_in_the_environments_file_wins_over_the_lock():
    own = f"{REGISTRY}/asusu-train@sha256:{7:064x}"
    repositories = {step: f"{REGISTRY}/asusu-{step}" for step in STEPS} | {"train": own}
    assert pinned(repositories, a_lock(), "x.images.json")["train"] == own


def test_a_damaged_lock_names_every_problem_and_the_way_out():
    raw = json.loads(a_lock().text())
    raw["train"]["digest"] = "latest"
    del raw["prepare"]
    raw["account"] = "123456789012"
    with pytest.raises(BadInput) as refused:
        read_lock(json.dumps(raw), "mine.images.json")
    for word in ("mine.images.json has 3 problem(s)", "train.digest", "prepare", "account", "make push-images"):
        assert word in str(refused.value)


def test_a_lock_that_is_not_json_is_refused():
    with pytest.raises(BadInput, match="mine.images.json"):
        read_lock("{", "mine.images.json")


def test_a_lock_survives_writing_and_reading_and_holds_no_account(tmp_path):
    path = tmp_path / "mine.images.json"
    write_lock(a_lock(), path)
    assert read_lock(path.read_text(), path.name) == a_lock()
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    assert "123456789012" not in path.read_text()


@pytest.mark.parametrize(
    ("reference", "tag"),
    [("a/b:v1", "v1"), ("a/b", ""), ("host:5000/b", ""), ("host:5000/b:v2@sha256:0", "v2")],
)
def test_a_registrys_port_is_no_tag(reference, tag):
    assert tag_of(reference) == tag
