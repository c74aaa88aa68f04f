"""Executions of this account take turns, take over what the service would, and a stop reaches each as the service's would."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.account.platform import Platform

NAMES = ("aaaaaaaaaaaa", "bbbbbbbbbbbb")
SEALING = """
import signal, sys, time
from pathlib import Path
told, begun = [], Path(sys.argv[1])
signal.signal(signal.SIGTERM, lambda *_: told.append(1))
begun.touch()
while not told:
    time.sleep(0.01)
time.sleep(0.5)
begun.write_text(str(len(told)))
"""


class Idle(Platform):
    """Its executions do nothing until they are told to end, and note how often they were told."""

    def _begin(self, execution_id: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", SEALING, str(self.folder / execution_id)])

    def _carry(self, execution_id: str) -> None:
        """Nothing."""


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Idle]:
    made = Idle(tmp_path, "123456789012", "us-east-1")
    for name in NAMES:
        made.start(name, "asusu-igbo", '{"Steps": []}', {})
    until((tmp_path / NAMES[0]).exists)
    yield made
    made.close()


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_second_of_two_waits_for_its_turn(platform: Idle, tmp_path: Path) -> None:
    assert [platform.status(name)[0] for name in NAMES] == ["Executing", "Executing"]
    assert not (tmp_path / NAMES[1]).exists()
    platform.stop(NAMES[0])
    until((tmp_path / NAMES[1]).exists)
    assert NAMES[0] not in platform.running


def test_a_second_stop_does_not_reach_a_job_that_is_sealing(platform: Idle, tmp_path: Path) -> None:
    platform.stop(NAMES[0])
    platform.stop(NAMES[0])
    assert platform.status(NAMES[0])[0] == "Stopping"
    until(lambda: NAMES[0] not in platform.running)
    assert (tmp_path / NAMES[0]).read_text() == "1"


def test_an_execution_that_waits_can_be_stopped_and_begun_again(platform: Idle, tmp_path: Path) -> None:
    platform.stop(NAMES[1])
    until(lambda: platform.status(NAMES[1])[0] == "Stopped")
    platform.proceed(NAMES[1])
    assert platform.status(NAMES[1])[0] == "Executing"
    assert not (tmp_path / NAMES[1]).exists()


def test_of_an_earlier_execution_only_steps_that_are_cached_are_taken_over(platform: Idle, tmp_path: Path) -> None:
    cached = {"Name": "Cached", "Type": "Processing", "CacheConfig": {"Enabled": True, "ExpireAfter": "P30D"}}
    steps = [cached, {"Name": "Off", "Type": "Training", "CacheConfig": {"Enabled": False}}]
    definition = json.dumps({"Version": "2020-12-01", "Steps": [*steps, {"Name": "Bare", "Type": "Processing"}]})
    for name, chosen in {
        "everything11": {},
        "withoutbare1": {"selected": ("Cached", "Off")},
        "fromanother1": {"selected": ("Bare",), "source": "arn:of-another"},
    }.items():
        platform.start(name, "asusu-igbo", definition, {}, **chosen)
    forced = {path.stem: json.loads(path.read_text())["force"] for path in (tmp_path / "executions").glob("*1.json")}
    assert forced == {"everything11": ["Bare", "Off"], "withoutbare1": ["Off"], "fromanother1": ["Bare"]}
