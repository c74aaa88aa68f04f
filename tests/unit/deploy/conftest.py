"""An account in memory, an environment file and compiled definitions, and `asusu` called in this process."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import create_loader
from moto import mock_aws

from pipeline.aws.records import Records
from pipeline.aws.session import Account, connect
from pipeline.cli.main import main
from tests.unit.plan.editing import NUMBER, REGISTRY, Edit, account_text, edited

REGION = "us-east-1"
BUCKET = f"asusu-{NUMBER}-{REGION}"
NAME = "asusu-igbo"
STEPS = ("preflight", "prepare", "tokenize", "train", "evaluate")
JOBS = ("pipeline", "prepare", "train", "evaluate")
SETTINGS = f"""\
region: {REGION}
bucket: {BUCKET}
kms_key: alias/asusu
images: {{{", ".join(f"{step}: {REGISTRY}/asusu-{step}@sha256:{'0' * 64}" for step in STEPS)}}}
roles: {{{", ".join(f"{step}: arn:aws:iam::{NUMBER}:role/asusu-{step}" for step in JOBS)}}}
tags:
  project: asusu
  stage: production
"""
LOADER = cache(create_loader)  # each command reads the service's models anew, a second a time


@dataclass(frozen=True)
class Desk:
    """Somebody with an account, a clean checkout and an environment file."""

    account: Account
    folder: Path
    checkout: Path
    environment: Path
    call: Callable[..., tuple[int, str, str]]

    def compiled(self, *edits: Edit, name: str = "wanted.json") -> Path:
        """A compiled definition's file."""
        path = self.folder / name
        path.write_text(edited(account_text(), *edits), encoding="utf-8")
        return path

    def asusu(self, verb: str, *options: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of a verb in this environment."""
        return self.call(verb, *options, "--env", str(self.environment))

    def upsert(self, *options: str, edits: tuple[Edit, ...] = ()) -> tuple[int, str, str]:
        """Deploy a definition without being asked."""
        return self.asusu("upsert", "--yes", "--definition", str(self.compiled(*edits)), *options)

    def plan(self, *options: str, edits: tuple[Edit, ...] = ()) -> tuple[int, str, str]:
        """Look at what deploying a definition would change."""
        return self.asusu("plan", "--definition", str(self.compiled(*edits)), *options)

    @property
    def deployed(self) -> dict[str, Any]:
        """The pipeline as the account describes it."""
        found: dict[str, Any] = self.account.sagemaker.describe_pipeline(PipelineName=NAME)
        return found

    @property
    def records(self) -> Records:
        """The records of the upserts."""
        return Records(self.account, BUCKET, NAME)

    @property
    def tags(self) -> dict[str, str]:
        """The pipeline's tags; moto appends where the service replaces, so the last one counts."""
        rows = self.account.sagemaker.list_tags(ResourceArn=self.deployed["PipelineArn"])["Tags"]
        return {row["Key"]: row["Value"] for row in rows}

    def edit_in_console(self, *edits: Edit) -> None:
        """What somebody does who knows nothing of `asusu`."""
        text = self.deployed["PipelineDefinition"]
        raw = json.loads(text)
        for edit in edits:
            edit(raw)
        self.account.sagemaker.update_pipeline(PipelineName=NAME, PipelineDefinition=json.dumps(raw))

    def commit(self) -> None:
        """Commit what is in the checkout."""
        git(self.checkout, "add", "--all")
        git(self.checkout, "commit", "--quiet", "--message", "change")


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
    ended = subprocess.run(["git", "-C", str(folder), *who, *arguments], capture_output=True, text=True, check=True)
    return ended.stdout.strip()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    """moto in this process: no network, no credentials of anybody."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("botocore.session.create_loader", LOADER)
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    git(checkout, "init", "--quiet")
    (checkout / "code.py").write_text("print(1)\n")
    monkeypatch.setattr("pipeline.checkout.HERE", checkout)
    environment = tmp_path / "account.yaml"
    environment.write_text(SETTINGS, encoding="utf-8")

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["asusu", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    with mock_aws():
        account = connect(REGION)
        account.s3.create_bucket(Bucket=BUCKET)
        found = Desk(account, tmp_path, checkout, environment, call)
        found.commit()
        yield found
