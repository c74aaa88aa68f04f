"""Jobs in real containers: what they see, how they are shut in, how they end, and that nothing is left of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import BadInput
from pipeline.local.engine import Engine
from pipeline.local.launch import Processes, Work
from pipeline.local.record import Execution, load
from tests.containers.runner_bench import ENGINE, IMAGE, ContainerBench, containers, image_with, launcher, need
from tests.unit.local.pipelines import BUCKET, Json, checkpoints, definition

pytestmark = pytest.mark.containers

EXECUTION_ID = "abcdefghijkl"
USERS = ["0", "12345"] if os.geteuid() == 0 else [""]

# Counts in its checkpoint folder; the last is written at SIGTERM, and only its owner may read it.
COUNT = """
counter = base / "checkpoints/counter"
def stop(*_):
    (base / "checkpoints/last").write_text("sealed")
    (base / "checkpoints/last").chmod(0o600)
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
found = int(counter.read_text()) if counter.exists() else 0
print("found", found, flush=True)
for number in range(found + 1, 6):
    counter.write_text(str(number))
    print("at", number, flush=True)
    while number == 3:
        time.sleep(0.01)
(base / "model/steps").write_text(str(number))
"""


@pytest.fixture
def bench(tmp_path: Path) -> ContainerBench:
    need("preflight")
    return ContainerBench(tmp_path / "work, with: signs")


def told(bench: ContainerBench) -> dict[str, object]:
    """What a program printed as one line of JSON."""
    return dict(json.loads(bench.lines[-1]))


@pytest.mark.parametrize("user", USERS)
def test_a_container_is_shut_in(bench: ContainerBench, user: str) -> None:
    code = """
    def writable(place):
        try:
            pathlib.Path(place, "x").write_text("x")
            return True
        except OSError:
            return False

    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    print(json.dumps({
        "user": [os.getuid(), os.getgid()],
        "pid": os.getpid(),
        "network": [line.split(":")[0].strip() for line in open("/proc/net/dev") if ":" in line],
        "capabilities": status["CapEff"].strip() + status["CapBnd"].strip(),
        "no new privileges": status["NoNewPrivs"].strip(),
        "writable": [place for place in "/ /etc /usr/bin /run /var/tmp /opt /tmp /opt/ml".split() if writable(place)],
    }))
    """
    assert bench.run(definition(bench.processing("P", code)), {"user": user}).status == "Succeeded"
    assert told(bench) == {
        "user": [int(user)] * 2 if user else [int(number) for number in Engine(ENGINE).user.split(":")],
        "pid": 1,
        "network": ["lo"],
        "capabilities": "0" * 32,
        "no new privileges": "1",
        "writable": ["/tmp", "/opt/ml"],  # noqa: S108
    }


def test_a_container_has_the_requests_environment_and_no_more_of_this_machines_than_limits_on_threads(
    bench: ContainerBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "https_proxy", "HTTP_PROXY", "SAGEMAKER_BASE_DIR", "ASUSU_KEEP"):
        monkeypatch.setenv(name, "of this machine")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    environment = {"Own": "two\nlines, 'quoted' = \"ọ\"", "PATH_LIKE": "$HOME"}
    step = bench.processing("P", "print(json.dumps(dict(os.environ)))", Environment=environment)
    assert bench.run(definition(step)).status == "Succeeded"
    seen = told(bench)
    assert {name: seen[name] for name in environment} == environment
    assert seen["OMP_NUM_THREADS"] == "3"
    assert "of this machine" not in seen.values()
    assert {"SAGEMAKER_BASE_DIR", "ASUSU_KEEP"}.isdisjoint(seen)


def test_entry_point_and_arguments_are_those_of_the_service(bench: ContainerBench, tmp_path: Path) -> None:
    def without_entry_point(step: Json, **application: list[str]) -> str:
        specification = step["Arguments"].get("AppSpecification") or step["Arguments"]["AlgorithmSpecification"]
        del specification["ContainerEntrypoint"]
        specification.update(application)
        return definition(step)

    training, processing = bench.training("T", ""), bench.processing("P", "")
    more = bench.training("T", "print(json.dumps(sys.argv[1:]))")
    more["Arguments"]["AlgorithmSpecification"]["ContainerArguments"] = ["--x", "a b"]
    with image_with('ENTRYPOINT ["python", "-c", "import sys; print(sys.argv[1:])"]', tmp_path) as images:
        bench.run(without_entry_point(training), {"images": images})
        bench.run(without_entry_point(processing, ContainerArguments=["--x", "a b"]), {"images": images})
        bench.run(definition(more), {"images": images})
    assert bench.lines == ["['train']", "['--x', 'a b']", '["--x", "a b"]']


@pytest.mark.parametrize("user", USERS)
def test_what_only_its_owner_may_read_reaches_the_store(bench: ContainerBench, user: str) -> None:
    code = """
    assert os.environ["TRAINING_JOB_NAME"].startswith("pipelines-")
    for name in ("model", "checkpoints", "output/data"):
        (base / name / "deep").mkdir()
        path = base / name / "deep/private"
        path.write_text(name)
        path.chmod(0o600)
        path.parent.chmod(0o700)
    print("loss=1")
    """
    step = bench.training("T", code, **checkpoints())
    ended = bench.run(definition(step), {"user": user}, execution_id=EXECUTION_ID)
    assert ended.status == "Succeeded", ended.failure_reason
    archive = bench.store.path(ended.step("T").describe["ModelArtifacts"]["S3ModelArtifacts"])
    with tarfile.open(archive) as tar:
        assert tar.extractfile("deep/private").read() == b"model"  # type: ignore[union-attr]
    assert bench.store.read_text(f"{BUCKET}/checkpoints/{EXECUTION_ID}/deep/private") == "checkpoints"
    again = bench.run(definition(step), {"user": user})
    assert again.step("T").reused


def test_a_failure_is_told_in_the_programs_words_or_by_its_end(bench: ContainerBench) -> None:
    words = bench.training("T", "(base / 'output/failure').write_text('the loss is not finite'); sys.exit(1)")
    assert bench.run(definition(words)).failure_reason == "step T failed: the loss is not finite"
    killed = bench.run(definition(bench.processing("P", "sys.exit(3)"))).step("P")
    assert (killed.exit_code, killed.reason.split(";")[0]) == (3, "the process ended with exit code 3")


def test_death_for_want_of_memory_is_told_as_a_signal(bench: ContainerBench) -> None:
    ended = bench.run(definition(bench.processing("P", "x = b'x' * 2**30")), {"memory": "64m"})
    assert ended.step("P").exit_code == -signal.SIGKILL
    assert "was ended by signal 9 (Killed)" in ended.failure_reason


def test_max_runtime_means_sigterm_and_time_to_save(bench: ContainerBench) -> None:
    code = """
    def stop(*_):
        (base / "model/saved").write_text("x")
        sys.exit(0)
    signal.signal(signal.SIGTERM, stop)
    time.sleep(60)
    """
    step = bench.training("T", code, StoppingCondition={"MaxRuntimeInSeconds": 6})
    ended = bench.run(definition(step), execution_id=EXECUTION_ID)
    assert ended.step("T").exit_code == 0
    assert "MaxRuntimeExceeded" in ended.failure_reason
    with tarfile.open(bench.store.path(ended.step("T").describe["ModelArtifacts"]["S3ModelArtifacts"])) as tar:
        assert "saved" in tar.getnames()
    assert containers(EXECUTION_ID) == []


def test_a_container_that_is_deaf_to_sigterm_is_killed(bench: ContainerBench) -> None:
    code = """
    signal.signal(signal.SIGTERM, lambda *_: print("no", flush=True))
    print("ready", flush=True)
    while True:
        time.sleep(1)
    """

    def on_line(step: str, text: str) -> None:
        bench.lines.append(text)
        if text == "ready":
            raise KeyboardInterrupt

    bench.on_line = on_line  # type: ignore[method-assign]
    ended = bench.run(definition(bench.processing("P", code)), execution_id=EXECUTION_ID, grace_seconds=2)
    assert (ended.status, bench.lines) == ("Stopped", ["ready", "no"])
    assert containers(EXECUTION_ID) == []


def test_a_command_that_ended_before_its_container_is_no_success(bench: ContainerBench) -> None:
    starter = launcher()
    folder = bench.workdir / "ml"
    folder.mkdir(parents=True)
    application = {"ContainerEntrypoint": ["sleep", "60"]}
    launch = starter.launch(Work(EXECUTION_ID, "Processing", IMAGE, application, {}, folder.parent, folder))
    assert launch.exit_code(0) == 0, "it was not started"
    runs = subprocess.Popen(launch.command, cwd=launch.cwd)
    wait_for(lambda: Engine(ENGINE).is_running(EXECUTION_ID))
    runs.kill()
    runs.wait()
    assert launch.exit_code(0) == -signal.SIGTERM
    launch.clear_away()
    assert containers(EXECUTION_ID) == []


def start_runner(bench: ContainerBench, text: str, user: str) -> subprocess.Popen[bytes]:
    path = bench.workdir.with_name("definition.json")
    path.write_text(text, encoding="utf-8")
    code = """
    import sys
    from pathlib import Path
    from tests.containers.runner_bench import ContainerBench
    text, workdir, user, execution_id = sys.argv[1:]
    ContainerBench(Path(workdir)).run(Path(text).read_text(), {"user": user}, execution_id=execution_id)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(path), str(bench.workdir), user, EXECUTION_ID]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])})


def wait_for(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline, "it did not happen within a minute"
        time.sleep(0.05)


def stop_at_three(bench: ContainerBench, text: str, number: signal.Signals, user: str) -> Execution:
    """Start a runner, and end it with a signal when the counter's third checkpoint is in the store."""
    runner = start_runner(bench, text, user)
    counter = bench.store.path(f"{BUCKET}/checkpoints/{EXECUTION_ID}/counter")
    wait_for(lambda: counter.is_file() and counter.read_text() == "3")
    runner.send_signal(number)
    runner.wait()
    return load(bench.workdir, EXECUTION_ID)


@pytest.mark.parametrize("user", USERS)
def test_sigterm_to_the_runner_lets_the_container_save_and_leaves_none(bench: ContainerBench, user: str) -> None:
    text = definition(bench.training("T", COUNT, **checkpoints()))
    left = stop_at_three(bench, text, signal.SIGTERM, user)
    assert (left.status, left.step("T").status) == ("Stopped", "Stopped")
    assert containers(EXECUTION_ID) == []
    assert bench.store.read_text(f"{BUCKET}/checkpoints/{EXECUTION_ID}/last") == "sealed"
    resumed = bench.run(text, {"user": user}, resume=True)
    assert (resumed.status, bench.lines) == ("Succeeded", ["found 3", "at 4", "at 5"])


def test_the_container_of_a_killed_runner_is_ended_by_the_next_run(bench: ContainerBench) -> None:
    text = definition(bench.training("T", COUNT, **checkpoints()))
    left = stop_at_three(bench, text, signal.SIGKILL, "")
    name = left.step("T").job_name
    assert (left.step("T").status, left.step("T").engine) == ("Executing", ENGINE)
    assert containers(name) == [name]
    resumed = bench.run(text, resume=True)
    assert (resumed.status, bench.lines) == ("Succeeded", ["found 3", "at 4", "at 5"])
    assert containers(EXECUTION_ID) == []


def test_a_step_is_reused_for_the_same_image_only(bench: ContainerBench, tmp_path: Path) -> None:
    text = definition(bench.processing("P", "print('ran')"))
    assert bench.run(text).step("P").reused is False
    assert bench.run(text).step("P").reused is True
    with image_with("LABEL changed=yes", tmp_path) as images:
        assert bench.run(text, {"images": images}).step("P").reused is False


def test_a_step_of_a_process_is_not_reused_in_a_container(bench: ContainerBench) -> None:
    text = definition(bench.processing("P", "print('ran')"))
    program = bench.store.path(f"{BUCKET}/code/P/job.py")
    step = json.loads(text)["Steps"][0]
    step["Arguments"]["AppSpecification"]["ContainerEntrypoint"] = ["python", str(program)]
    both = definition(step)
    assert bench.run(both, launcher=Processes()).status == "Succeeded"
    assert bench.run(both).step("P").reused is False


def test_an_image_that_is_not_there_is_refused_before_anything_runs(bench: ContainerBench) -> None:
    text = definition(bench.processing("P", ""))
    with pytest.raises(
        BadInput, match=rf"step P: there is no image localhost/nothing-preflight in {ENGINE}"
    ) as refused:
        bench.run(text, {"images": "localhost/nothing-{step}"})
    assert "make images" in refused.value.hint
    assert not (bench.workdir / "executions").exists()
