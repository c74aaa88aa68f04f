"""Pushing: only what the registry does not have, and a lock that says what it holds. The registry is moto's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from containers import push as pushing
from containers.bases import Bases, read_bases
from containers.push import Engine, push, refuse_edited, repository_of
from pipeline import settings
from pipeline.aws.images import DOCKER_MANIFEST
from pipeline.aws.session import Account, connect
from pipeline.cli.deployed import Deployed
from pipeline.errors import AsusuError, BadInput
from pipeline.images import STEPS, write_lock

NUMBER, REGION = "123456789012", "us-east-1"
COMMIT, LATER = "c" * 40, "d" * 40


@dataclass
class Registry(Engine):
    """What an engine does to the registry: one image for all addresses of a push."""

    account: Account
    addresses: list[str] = field(default_factory=list)

    def push(self, image: str, addresses: Sequence[str]) -> None:
        self.addresses += addresses
        manifest = json.dumps({"schemaVersion": 2, "mediaType": DOCKER_MANIFEST, "made from": addresses[0]})
        for address in addresses:
            repository, _, tag = address.rpartition("/")[2].partition(":")
            self.account.client("ecr").put_image(
                repositoryName=repository,
                imageManifest=manifest,
                imageManifestMediaType=DOCKER_MANIFEST,
                imageTag=tag,
                imageDigest="sha256:" + hashlib.sha256(manifest.encode()).hexdigest(),
            )


@dataclass
class Bench:
    """An account with repositories, an environment's file, and what was built."""

    place: Deployed
    engine: Registry
    path: Path
    built: list[str] = field(default_factory=list)

    def push(self, commit: str = COMMIT) -> Any:
        return push(self.place, commit, self.engine, lambda: self.built.append(commit))


def with_digests(digit: str = "1") -> Bases:
    row = {"image": "registry/base:1", "digest": "sha256:" + digit * 64}
    return Bases.model_validate({"data": row, "training": row})


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr("containers.push.read_bases", with_digests)
    monkeypatch.setattr("containers.build.read_bases", with_digests)
    path = tmp_path / "mine.yaml"
    path.write_text((Path(settings.__file__).parent / "environments" / "production.yaml").read_text())
    with mock_aws():
        account = connect(REGION)
        for step in STEPS:
            account.client("ecr").create_repository(repositoryName=f"asusu-{step}", imageTagMutability="IMMUTABLE")
        chosen = settings.load(str(path), {"account": NUMBER})
        yield Bench(Deployed("igbo", str(path), chosen, account, NUMBER), Registry(account), path)


def test_the_first_push_builds_pushes_every_image_under_both_tags_and_says_what_is_there(bench):
    lock = bench.push()
    assert bench.built == [COMMIT]
    tags = {address.rpartition(":")[2] for address in bench.engine.addresses}
    assert tags == {f"git-{COMMIT}", *(f"inputs-{lock[step].inputs}" for step in STEPS)}
    assert len(bench.engine.addresses) == 2 * len(STEPS)
    assert len({lock[step].digest for step in STEPS}) == len(STEPS)
    assert all(lock[step].git == COMMIT and lock[step].base == "sha256:" + "1" * 64 for step in STEPS)
    write_lock(lock, settings.lock_place(str(bench.path)))
    pinned = settings.load(str(bench.path), {"account": NUMBER})
    assert pinned.images.train.endswith(f"/asusu-train@{lock.train.digest}")


def test_an_unchanged_image_is_neither_built_nor_pushed_again_and_keeps_its_digest_and_commit(bench):
    lock = bench.push()
    write_lock(lock, settings.lock_place(str(bench.path)))
    bench.engine.addresses.clear()
    assert bench.push(LATER) == lock
    assert bench.built == [COMMIT]
    assert bench.engine.addresses == []


def test_a_changed_image_alone_is_pushed(bench, monkeypatch):
    before = bench.push()
    write_lock(before, settings.lock_place(str(bench.path)))
    bench.engine.addresses.clear()
    known = pushing.inputs
    monkeypatch.setattr(pushing, "inputs", lambda step, made: "f" * 16 if step == "train" else known(step, made))
    after = bench.push(LATER)
    assert {address.rpartition("/")[2] for address in bench.engine.addresses} == {
        "asusu-train:inputs-" + "f" * 16,
        f"asusu-train:git-{LATER}",
    }
    assert (after.train.git, after.train.inputs) == (LATER, "f" * 16)
    assert after.train.digest != before.train.digest
    assert after.model_dump(exclude={"train"}) == before.model_dump(exclude={"train"})


def test_a_push_that_did_not_arrive_is_noticed(bench, monkeypatch):
    monkeypatch.setattr(bench.engine, "push", lambda image, addresses: None)
    with pytest.raises(AsusuError, match="preflight was pushed, and the registry does not have it"):
        bench.push()


def test_a_base_without_a_digest_stops_everything_before_it_begins(bench, monkeypatch):
    monkeypatch.setattr("containers.push.read_bases", read_bases)
    if not read_bases().unpinned():
        pytest.skip("somebody has filled in the bases")
    with pytest.raises(BadInput, match="has no digest") as refused:
        bench.push()
    assert "containers/bases.json" in refused.value.hint
    assert bench.built == bench.engine.addresses == []


def test_code_that_is_not_committed_is_not_pushed_under_a_commit():
    refuse_edited(["README.md", "docs/x.md"])
    with pytest.raises(BadInput, match=r"not committed: steps/job\.py"):
        refuse_edited(["README.md", "steps/job.py"])


def test_a_repository_with_a_tag_is_not_pushed_to():
    assert repository_of("host:5000/asusu-train@sha256:0") == "host:5000/asusu-train"
    with pytest.raises(BadInput, match="asusu-train:v1 with a tag"):
        repository_of("host/asusu-train:v1")
