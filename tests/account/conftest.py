"""People at terminals before one account: an environment file of their own, keys of their own, the address in the environment."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from pipeline import settings
from pipeline.settings import Settings
from pipeline.staging.base_model import stage_base_model
from pipeline.staging.phrasebook import corpus
from tests.account.furnish import Person, furnish, write_tables
from tests.account.server import NUMBER

GROUP = "asusu-igbo"
PEOPLE = ("engineer", "operator", "approver")
QUICK = {  # the least that is better than such a base model by more than the gate's margin
    "MaxSteps": "150",
    "Epochs": "100",
    "TokensPerStep": "1024",
    "MaxValidationLoss": "8.0",
    "MaxBrokenShare": "1.0",
}


@dataclass(frozen=True)
class Office:
    """An account, the environment file that names it, and people who type commands."""

    folder: Path
    endpoint: str
    environment: Path
    settings: Settings
    people: dict[str, Person]
    said: list[str] = field(default_factory=list)

    def surroundings(self, who: str) -> dict[str, str]:
        """The variables of somebody's terminal."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        person = self.people[who]
        return {
            **kept,
            "PYTHONPATH": str(Path.cwd()),
            "COLUMNS": "160",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": person.key,
            "AWS_SECRET_ACCESS_KEY": person.secret,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def call(self, who: str, verb: str, *arguments: str, timeout: float = 900) -> subprocess.CompletedProcess[str]:
        """`asusu VERB ... --env FILE`, typed by somebody."""
        code = "import sys; from pipeline.cli.main import main; main()"
        return subprocess.run(
            [sys.executable, "-c", code, verb, *arguments, "--env", str(self.environment)],
            env=self.surroundings(who),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def client(self, service: str, who: str = "engineer") -> Any:
        """What the console would use: somebody's client."""
        person = self.people[who]
        return boto3.client(
            service,
            region_name=self.settings.region,
            endpoint_url=self.endpoint,
            aws_access_key_id=person.key,
            aws_secret_access_key=person.secret,
        )


def start_server(folder: Path) -> tuple[subprocess.Popen[str], str]:
    """An account in a process of its own, and its address."""
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.account.server", str(folder)], stdout=subprocess.PIPE, stderr=log, text=True
        )
    assert server.stdout is not None
    return server, server.stdout.readline().strip()


@pytest.fixture(scope="module")
def office(tmp_path_factory) -> Iterator[Office]:
    """A furnished account; nothing is deployed or published."""
    folder = tmp_path_factory.mktemp("account")
    write_tables(folder)
    server, endpoint = start_server(folder)
    chosen = settings.load("production", {"account": NUMBER})
    people, images = furnish(endpoint, chosen, GROUP, PEOPLE)
    environment = folder / "account.yaml"
    local = settings.load("local").start_parameters
    document = {
        **chosen.model_dump(mode="json", exclude_defaults=True),
        "images": images,
        "start_parameters": {**local, **QUICK},
    }
    environment.write_text(yaml.safe_dump(document), encoding="utf-8")
    yield Office(folder, endpoint, environment, settings.load(str(environment)), people)
    server.terminate()
    server.wait(120)


@pytest.fixture(scope="module")
def materials(tmp_path_factory) -> tuple[Path, Path]:
    """A corpus file and the folder of a staged base model."""
    folder = tmp_path_factory.mktemp("materials")
    table = folder / "phrases.tsv"
    lines = ["id\ten\tig", *("\t".join(row) for row in list(corpus())[:700])]
    table.write_bytes(("\n".join(lines) + "\n").encode("utf-8"))
    manifest = stage_base_model("tiny", folder / "base", steps=30)
    return table, folder / "base" / manifest.fingerprint
