"""A work directory with one object in its store, and a runner of tiny definitions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.local.job import Job, JobKind
from pipeline.local.launch import Processes
from pipeline.local.record import Execution, StepRecord
from pipeline.local.registry import Registry
from pipeline.local.runner import Options, run
from pipeline.local.store import Store
from tests.unit.local.pipelines import BUCKET, program

QUICK = Options(grace_seconds=5, sync_seconds=0.05, code_version="test")


@dataclass
class Heard:
    """A listener that remembers."""

    records: list[StepRecord] = field(default_factory=list)
    lines: list[tuple[str, str]] = field(default_factory=list)

    def on_step(self, record: StepRecord) -> None:
        self.records.append(record)

    def on_line(self, step: str, text: str) -> None:
        self.lines.append((step, text))


@dataclass
class Bench:
    """Everything a test needs to run definitions: `workdir`, `programs`, and what the listener heard."""

    workdir: Path
    programs: Path
    heard: Heard = field(default_factory=Heard)

    @property
    def store(self) -> Store:
        return Store(self.workdir / "s3")

    @property
    def registry(self) -> Registry:
        return Registry(self.workdir / "registry")

    def program(self, name: str, code: str) -> Path:
        return program(self.programs, name, code)

    def put(self, key: str, text: str = "content") -> str:
        path = self.programs / "object.txt"
        path.write_text(text, encoding="utf-8")
        self.store.put(path, f"{BUCKET}/{key}")
        return f"{BUCKET}/{key}"

    def run(self, text: str, parameters: dict[str, str] | None = None, **options: Any) -> Execution:
        return run(text, parameters or {}, self.workdir, options=replace(QUICK, **options), listener=self.heard)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    programs = tmp_path / "programs"
    programs.mkdir()
    return Bench(tmp_path / "work", programs)


@pytest.fixture
def new_job(bench: Bench) -> Callable[[JobKind], Job]:
    """A job of the given kind in an empty folder."""

    def make(kind: JobKind) -> Job:
        folder = bench.workdir / "jobs" / "step"
        folder.mkdir(parents=True)
        return Job(
            name=f"pipelines-abcdefghijkl-{kind}-1",
            kind=kind,
            folder=folder,
            store=bench.store,
            launcher=Processes(lambda image, kind: ["false"]),
            grace_seconds=QUICK.grace_seconds,
            sync_seconds=QUICK.sync_seconds,
            copy_checkpoint=QUICK.copy_checkpoint,
            on_start=lambda pid: None,
            on_line=lambda log, line: bench.heard.lines.append((log, line)),
        )

    return make
