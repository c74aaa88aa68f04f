"""Jobs through an engine's command line. The engine is a stand-in that runs the programs without a container, since one
is not on every machine; what containers do is tested in tests/containers/test_runner_jobs.py."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import BadInput
from pipeline.local.containers import Containers
from pipeline.local.environment import JobKind
from pipeline.local.launch import Work
from pipeline.local.record import save
from tests.unit.local.conftest import Bench
from tests.unit.local.pipelines import definition, processing, training

ID = "ab" * 32
STAND_IN = """
import csv, json, os, pathlib, subprocess, sys
here = pathlib.Path(__file__).parent
with (here / "asked").open("a") as asked:
    asked.write(json.dumps(sys.argv[1:]) + "\\n")
words = sys.argv[1:]
if words[0] == "image":
    print((here / "id").read_text())
elif words[0] == "create":
    (name,) = (word.removeprefix("--name=") for word in words if word.startswith("--name="))
    (here / name).write_text(json.dumps(words))
elif words[0] == "start":
    words = json.loads((here / words[-1]).read_text())
    options = [word for word in words if word.startswith("--")]
    (mount,) = (word.removeprefix("--mount=") for word in options if word.startswith("--mount="))
    source = next(csv.reader([mount]))[1].removeprefix("source=")
    (entry,) = (word.removeprefix("--entrypoint=") for word in options if word.startswith("--entrypoint="))
    rest = words[words.index((here / "id").read_text()) + 1:]
    entry = sys.executable if entry == "python" else entry
    sys.exit(subprocess.call([entry, *rest], env={**os.environ, "SAGEMAKER_BASE_DIR": source}))
"""


class Pretended:
    """The stand-in, and what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "stand_in.py").write_text(STAND_IN, encoding="utf-8")
        (folder / "podman").write_text(
            f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(folder / "stand_in.py"))} "$@"\n'
        )
        (folder / "podman").chmod(0o755)
        self.image(ID)

    def image(self, number: str) -> None:
        (self.folder / "id").write_text(number)

    def asked(self, verb: str) -> list[list[str]]:
        if not (self.folder / "asked").exists():
            return []
        lines = [json.loads(line) for line in (self.folder / "asked").read_text().splitlines()]
        return [words for words in lines if words[0] == verb]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pretended]:
    pretended = Pretended(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{pretended.folder}{os.pathsep}{os.environ['PATH']}")
    return pretended


def work(kind: JobKind = "Training", **changes: Any) -> Work:
    folder = Path("/jobs/a, b")
    return replace(Work("pipelines-x-T-1", kind, "image", {}, {"Own": "1"}, folder, folder / "ml"), **changes)


def options(given: Containers | None = None, **changes: Any) -> list[str]:
    return (given or Containers("podman", ids={"image": ID})).options(work(**changes))


def test_a_container_is_shut_in() -> None:
    words = options()
    wanted = {
        "--network=none",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
        "--read-only",
        "--shm-size=1g",
        '--mount=type=bind,"source=/jobs/a, b/ml",target=/opt/ml',
        "--env=Own=1",
    }
    assert wanted <= set(words)
    assert words[-2:] == [ID, "train"]


@pytest.mark.parametrize(
    ("kind", "application", "end"),
    [
        ("Processing", {}, [ID]),
        ("Processing", {"ContainerArguments": ["a", "b"]}, [ID, "a", "b"]),
        ("Training", {"ContainerArguments": ["a"]}, [ID, "a"]),
        ("Training", {"ContainerEntrypoint": ["python", "-m", "x"]}, ["--entrypoint=python", ID, "-m", "x"]),
        (
            "Processing",
            {"ContainerEntrypoint": ["python", "x"], "ContainerArguments": ["y"]},
            ["--entrypoint=python", ID, "x", "y"],
        ),
    ],
)
def test_the_images_python_is_meant_and_not_this_machines(
    kind: JobKind, application: dict[str, list[str]], end: list[str]
) -> None:
    assert options(kind=kind, application=application)[-len(end) :] == end


def test_limits_on_threads_are_all_that_this_machine_adds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setenv("RAYON_NUM_THREADS", "2")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    words = options(environment={"RAYON_NUM_THREADS": "4"})
    assert {"--env=OMP_NUM_THREADS=2", "--env=RAYON_NUM_THREADS=4"} <= set(words)
    assert "secret" not in " ".join(words)


@pytest.mark.parametrize(
    ("code", "read"), [(0, 0), (1, 1), (125, 125), (128, 128), (137, -9), (143, -15), (255, 255), (-9, -9)]
)
def test_death_by_a_signal_reads_as_that_of_a_process(engine: Pretended, tmp_path: Path, code: int, read: int) -> None:
    launch = Containers("podman", ids={"image": ID}).launch(work(folder=tmp_path, base_dir=tmp_path / "ml"))
    assert launch.command == ["podman", "start", "--attach", "pipelines-x-T-1"]
    assert launch.exit_code(code) == read


def test_no_more_memory_than_given() -> None:
    assert "--memory=2g" in options(Containers("podman", memory="2g", ids={"image": ID}))
    assert not any(word.startswith("--memory") for word in options())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"engine": "kubectl"}, "'kubectl' is no container engine"),
        ({"images": "localhost/asusu-train"}, r"must have \{step\} once"),
        ({"images": "{step}/{step}"}, r"must have \{step\} once"),
        ({"user": "root"}, "'root' is no user id"),
        ({"user": "1000:"}, "'1000:' is no user id"),
        ({"memory": "4"}, "'4' is no amount of memory"),
        ({"memory": "0g"}, "'0g' is no amount of memory"),
    ],
)
def test_values_that_are_none_are_refused(given: dict[str, str], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        Containers(**{"engine": "podman", **given})


def test_a_user_whose_files_the_caller_could_not_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("os.getegid", lambda: 1000)
    with pytest.raises(BadInput, match="what user 12345 writes could not be read here"):
        Containers("podman", user="12345")
    assert "--user=0:0" in options(Containers("podman", user="0", ids={"image": ID}))


def test_an_arbitrary_user_owns_the_jobs_folder(
    monkeypatch: pytest.MonkeyPatch, engine: Pretended, tmp_path: Path
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    given: list[tuple[str, int, int]] = []
    monkeypatch.setattr("os.chown", lambda path, user, group, **_: given.append((path.name, user, group)))
    (tmp_path / "ml/model").mkdir(parents=True)
    starter = Containers("podman", user="12345", ids={"image": ID})
    starter.launch(work(folder=tmp_path, base_dir=tmp_path / "ml"))
    assert "--user=12345:12345" in engine.asked("create")[0]
    assert sorted(given) == [("ml", 12345, 12345), ("model", 12345, 12345)]


def test_a_definition_runs_through_the_engine(bench: Bench, engine: Pretended) -> None:
    text = definition(
        processing("P", bench.program("p", "(base / 'processing/output/out/report.json').write_text('{}')")),
        training("T", bench.program("t", "print('training', sys.argv[1:]); print('loss=0.5')")),
    )
    ended = bench.run(text, launcher=Containers("podman"))
    assert (ended.status, [step.engine for step in ended.steps]) == ("Succeeded", ["podman", "podman"])
    assert ended.step("T").describe["FinalMetricDataList"][0]["Value"] == 0.5
    assert [words[-1] for words in engine.asked("rm")] == [step.job_name for step in ended.steps]
    assert len(engine.asked("image")) == 1, "one image, asked for once"


def test_an_image_is_called_in_the_engine_what_the_caller_says(bench: Bench, engine: Pretended) -> None:
    application = {"ImageUri": f"123456789012.dkr.ecr.x.amazonaws.com/asusu-train@sha256:{'0' * 64}"}
    step = processing("P", bench.program("p", ""))
    step["Arguments"]["AppSpecification"] |= application
    bench.run(definition(step), launcher=Containers("podman", "localhost/asusu-{step}:dev"))
    assert [words[-1] for words in engine.asked("image")] == ["localhost/asusu-train:dev"]


def test_a_run_keeps_the_image_that_it_began_with(bench: Bench, engine: Pretended) -> None:
    starter = Containers("podman")
    text = definition(processing("P", bench.program("p", "")))
    starter.check("Processing", "any", {})
    engine.image("cd" * 32)
    assert starter.version("any") == f"image {ID}"
    assert Containers("podman").version("any") == f"image {'cd' * 32}"
    engine.image(ID)
    assert bench.run(text, launcher=starter).status == "Succeeded"


def test_a_step_is_reused_for_the_same_image_and_not_for_a_process(bench: Bench, engine: Pretended) -> None:
    text = definition(processing("P", bench.program("p", "print('ran')")))

    def reused(**options: object) -> bool:
        return bench.run(text, **options).step("P").reused

    assert not reused()
    assert not reused(launcher=Containers("podman"))
    assert reused(launcher=Containers("podman"))
    engine.image("cd" * 32)
    assert not reused(launcher=Containers("podman"))
    assert reused()


def test_an_interrupt_removes_the_container(bench: Bench, engine: Pretended) -> None:
    def on_line(step: str, text: str) -> None:
        raise KeyboardInterrupt

    bench.heard.on_line = on_line  # type: ignore[method-assign]
    step = training("T", bench.program("t", "print('running', flush=True); time.sleep(60)"))
    ended = bench.run(definition(step), launcher=Containers("podman"))
    assert ended.status == "Stopped"
    assert [words[-1] for words in engine.asked("rm")] == [ended.step("T").job_name]


def test_the_next_run_removes_the_container_of_a_killed_runner(bench: Bench, engine: Pretended) -> None:
    text = definition(processing("P", bench.program("p", "")))
    ended = bench.run(text, launcher=Containers("podman"), execution_id="abcdefghijkl")
    killed = replace(ended.step("P"), status="Executing", job_name="left-behind")
    save(bench.workdir, replace(ended, status="Executing").with_step(killed))
    bench.run(text)
    assert engine.asked("rm")[-1][-1] == "left-behind"


def test_an_engine_that_is_not_installed_is_refused_before_anything_is_written(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadInput, match="step P: podman is not installed"):
        bench.run(definition(processing("P", Path("x"))), launcher=Containers("podman"))
    assert not bench.workdir.exists()
