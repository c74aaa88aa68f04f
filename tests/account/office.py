"""An account on loopback, the environment file that names it, and the keys of the people who type commands at it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml

from pipeline import settings
from pipeline.settings import Settings
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

    def variables(self, who: str) -> dict[str, str]:
        """What somebody's terminal has set, for the commands to reach the account with somebody's keys."""
        person = self.people[who]
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": person.key,
            "AWS_SECRET_ACCESS_KEY": person.secret,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def call(self, who: str, verb: str, *arguments: str, timeout: float = 900) -> subprocess.CompletedProcess[str]:
        """`asusu VERB ... --env FILE`, typed by somebody."""
        code = "import sys; from pipeline.cli.main import main; main()"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return subprocess.run(
            [sys.executable, "-c", code, verb, *arguments, "--env", str(self.environment)],
            env={**kept, "PYTHONPATH": str(Path.cwd()), "COLUMNS": "160", **self.variables(who)},
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


@contextmanager
def open_office(folder: Path) -> Iterator[Office]:
    """A furnished account in a process of its own, as long as the block lasts; nothing is deployed or published."""
    write_tables(folder)
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.account.server", str(folder)],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,  # an interrupt at the terminal is for whoever opened the office
        )
    try:
        assert server.stdout is not None
        endpoint = server.stdout.readline().strip()
        assert endpoint, (folder / "server.log").read_text(encoding="utf-8")
        chosen = settings.load("production", {"account": NUMBER})
        people, images = furnish(endpoint, chosen, GROUP, PEOPLE)
        environment = folder / "account.yaml"
        document = {
            **chosen.model_dump(mode="json", exclude_defaults=True),
            "images": images,
            "start_parameters": {**settings.load("local").start_parameters, **QUICK},
        }
        environment.write_text(yaml.safe_dump(document), encoding="utf-8")
        yield Office(folder, endpoint, environment, settings.load(str(environment)), people)
    finally:
        server.terminate()
        server.wait(120)
