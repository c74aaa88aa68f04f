"""What the platform does around a training process: restore, start, synchronise, end, restart, and now and then fail."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.local.checkpoints import CheckpointSync
from pipeline.local.store import Store
from tests.drill import rooms
from tests.drill.faults import Blow, Damage, Fault, Obstacle
from tests.drill.survey import survey, whole
from tests.drill.tiny import write_hyperparameters

URI = "s3://drill/checkpoints/run"
SYNC_SECONDS = 0.03  # the run is some 10,000 times shorter than a real one, and so is this
LIMIT_SECONDS = 600.0
ROOT = Path(__file__).resolve().parents[2]


class KeepingStore(Store):
    """A store that remembers what was deleted from it, files with temporary names left out."""

    @property
    def log(self) -> Path:
        return self.root.with_name("deleted.log")

    def delete(self, uri: str) -> None:
        if not uri.rpartition("/")[2].startswith("."):
            with self.log.open("a", encoding="utf-8") as log:
                log.write(f"{uri.removeprefix(URI)}\n")
        super().delete(uri)

    def deleted(self) -> list[str]:
        return self.log.read_text(encoding="utf-8").splitlines() if self.log.is_file() else []


class MachineLost(OSError):
    """Nothing more can be copied from it."""


@dataclass
class Attempt:
    """One process, from its start to its end. Times are seconds since its start."""

    number: int
    restored: dict[int, str] = field(default_factory=dict)
    """Checkpoints that it found, each with what is wrong with it."""
    events: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    exit_code: int = 0
    struck: bool = False
    failure: str = ""
    report: dict[str, Any] | None = None
    weights: Path | None = None
    sealed: list[int] = field(default_factory=list)
    """Whole checkpoints in its folder when it had ended."""
    stored: list[int] = field(default_factory=list)
    """Whole checkpoints in the store then."""
    seconds: float = 0.0

    def named(self, *names: str) -> list[dict[str, Any]]:
        return [event for _, event in self.events if event.get("event") in names]

    def when(self, *names: str) -> float | None:
        return next((second for second, event in self.events if event.get("event") in names), None)

    @property
    def began_at(self) -> int | None:
        """Step it went on from; None where it did not come so far."""
        found = self.named("starting", "resuming")
        return int(found[0]["step"]) if found else None

    @property
    def reached(self) -> int | None:
        """Last step that it reported."""
        found = self.named("train")
        return int(found[-1]["step"]) if found else self.began_at


@dataclass
class Place:
    """Inputs that all runs of a drill share, and the folder below which each has its own."""

    folder: Path
    base_model: Path
    tokens: Path
    hyperparameters: dict[str, str]


class Platform:
    """The store and the successive machines of one run."""

    def __init__(self, place: Place, name: str) -> None:
        self.folder = place.folder / name
        self._place = place
        self.folder.mkdir(parents=True)
        self.store = KeepingStore(self.folder / "s3")
        self.removed: set[str] = set()
        """Names that the drill itself took away."""
        self.damaged: set[int] = set()
        """Steps of checkpoints that the drill has damaged."""

    @property
    def stored(self) -> Path:
        return self.store.path(URI)

    def start(self, number: int, blow: Blow | None, fault: Fault | None) -> Attempt:
        """Restore the checkpoints, run the trainer to its end, whatever ends it, and look at what it left."""
        attempt = Attempt(number)
        root = self.folder / f"start-{number + 1}"
        folder = root / "checkpoints"
        folder.mkdir(parents=True)
        self._lay_out(root)
        obstacle = fault.obstacle if fault and fault.obstacle and fault.obstacle.start == number else None
        lost = threading.Event()
        with ExitStack() as stack:
            command, seen = stack.enter_context(_room(obstacle, folder))
            courier = _Courier(lost, blow)
            sync = CheckpointSync(
                self.store, seen, URI, every_seconds=SYNC_SECONDS, seed=str(self.folder), copy=courier.copy
            )
            sync.restore()
            if obstacle:
                _put_in_the_way(obstacle, seen, command)
            attempt.restored = survey(seen)
            if seen.is_dir():  # a file in its place is nothing that could be synchronised
                stack.enter_context(sync)
            marker = root / "struck"
            process = self._popen(command, root, blow, marker)
            hand = fault.damage if fault and fault.damage and fault.damage.while_running and not number else None
            watch = _Watch(attempt, process, blow, lost, lambda: self._delete_in_use(hand, seen))
            courier.kill = watch.strike
            watch.follow()
            attempt.struck |= marker.exists()
            if blow and blow.machine_lost:
                lost.set()
            attempt.sealed = whole(survey(seen))
        attempt.stored = whole(survey(self.stored))
        failure, report = root / "output" / "failure", root / "model" / "training.json"
        attempt.failure = failure.read_text(encoding="utf-8") if failure.is_file() else ""
        if not (blow and blow.machine_lost):
            attempt.report = json.loads(report.read_text(encoding="utf-8")) if report.is_file() else None
            attempt.weights = root / "model" / "adapter" / "adapter_model.safetensors"
        if obstacle and obstacle.how == "file instead of checkpoint":
            (self.stored / f"checkpoint-{obstacle.step}").unlink(missing_ok=True)
            self.removed.add(f"checkpoint-{obstacle.step}")
        return attempt

    def damage(self, damage: Damage) -> None:
        """Damage what lies in the store, while no machine runs."""
        found = whole(survey(self.stored))
        self._damage(damage, self.stored, found[-1 - damage.rank])

    def _delete_in_use(self, damage: Damage | None, folder: Path) -> None:
        """As soon as two checkpoints lie in the store whole."""
        if damage and not self.damaged:
            found = whole(survey(self.stored))
            if len(found) > 1:
                self._damage(damage, folder, found[-1 - damage.rank])

    def _damage(self, damage: Damage, folder: Path, step: int) -> None:
        checkpoint = folder / f"checkpoint-{step}"
        self.damaged.add(step)
        names = [damage.file] if damage.file else [path.name for path in checkpoint.iterdir()]
        for name in names:
            path = checkpoint / name
            content = bytearray(path.read_bytes())
            place = int(damage.share * len(content))
            if damage.how == "delete":
                path.unlink()
                self.removed.add(f"checkpoint-{step}/{name}")
            elif damage.how == "truncate":
                path.write_bytes(content[:place])
            else:
                content[place] ^= 1 << (place % 8)
                path.write_bytes(content)
        if not any(checkpoint.iterdir()):
            checkpoint.rmdir()

    def _lay_out(self, root: Path) -> None:
        write_hyperparameters(root, **self._place.hyperparameters)
        channels = root / "input" / "data"
        (channels / "resume").mkdir(parents=True)
        (channels / "resume" / "none.json").write_text("{}", encoding="utf-8")
        (channels / "model").symlink_to(self._place.base_model)
        (channels / "tokens").symlink_to(self._place.tokens)

    def _popen(self, prefix: list[str], root: Path, blow: Blow | None, marker: Path) -> subprocess.Popen[str]:
        program = ["steps.train", "train"]
        environment = {
            **os.environ,
            "SAGEMAKER_BASE_DIR": str(root),
            "TRAINING_JOB_NAME": "drill",
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
            "TOKENIZERS_PARALLELISM": "false",
            "HF_HUB_OFFLINE": "1",
            "CUDA_VISIBLE_DEVICES": "",
        }
        if blow and blow.act:
            program = ["tests.drill.child"]
            environment["DRILL_ACT"] = json.dumps({**blow.act, "marker": str(marker)})
        with (root / "stderr.log").open("wb") as log:
            return subprocess.Popen(
                [*prefix, sys.executable, "-m", *program],
                env=environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                errors="replace",
            )

    def forget(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self.folder)


@contextmanager
def _room(obstacle: Obstacle | None, folder: Path) -> Iterator[tuple[list[str], Path]]:
    """Where the process runs: what its command begins with, and the checkpoint folder as seen from here."""
    if obstacle and obstacle.kibibytes:
        with rooms.small_disk(folder, obstacle.kibibytes) as room:
            yield room.command(), room.view(folder)
    elif obstacle and obstacle.how == "read-only":
        with rooms.own_mount(folder) as room:
            yield room.command(), room.view(folder)
    else:
        yield [], folder


def _put_in_the_way(obstacle: Obstacle, folder: Path, command: list[str]) -> None:
    if obstacle.how == "read-only":
        subprocess.run([*command, "sh", "-c", rooms.READ_ONLY, _inside(folder)], check=True)
    elif obstacle.how == "file instead of folder":
        shutil.rmtree(folder)
        folder.write_text("not a folder", encoding="utf-8")
    elif obstacle.how == "file instead of checkpoint":
        (folder / f"checkpoint-{obstacle.step}").write_text("not a folder", encoding="utf-8")
    elif obstacle.file:
        (folder / f"checkpoint-{obstacle.step}").mkdir()
        (folder / f"checkpoint-{obstacle.step}" / obstacle.file).symlink_to("/dev/full")


def _inside(seen: Path) -> str:
    """The path inside a room of what /proc/<pid>/root/... shows."""
    return "/" + "/".join(seen.parts[4:])


class _Courier:
    """Copies single files to the store until the machine is lost, and loses it after so many where a blow says so."""

    def __init__(self, lost: threading.Event, blow: Blow | None) -> None:
        self._lost = lost
        self._blow = blow
        self._arrived: set[str] = set()
        self.kill = lambda: None

    def copy(self, source: Path, target: Path) -> object:
        if self._lost.is_set():
            raise MachineLost("the machine is lost")
        wanted = self._blow.arrived if self._blow else None
        mine = bool(wanted) and source.parent.name == f"checkpoint-{wanted[0]}" and not source.name.startswith(".")
        if mine and wanted and len(self._arrived | {source.name}) > wanted[1]:
            self.kill()
            raise MachineLost("the machine is lost")
        shutil.copyfile(source, target)
        if mine:
            self._arrived.add(source.name)
        return target


class _Watch:
    """Reads what a process prints until it ends, and strikes at the moment that a blow names."""

    def __init__(
        self,
        attempt: Attempt,
        process: subprocess.Popen[str],
        blow: Blow | None,
        lost: threading.Event,
        on_step: Callable[[], None],
    ) -> None:
        self._attempt, self._process, self._blow = attempt, process, blow
        self._lost, self._on_step = lost, on_step
        self._started = time.monotonic()

    def strike(self) -> None:
        """Send the blow's signal, if the process is still there."""
        if self._blow and self._process.poll() is None:
            if self._blow.machine_lost:
                self._lost.set()
            self._attempt.struck = True
            self._process.send_signal(self._blow.number)

    def follow(self) -> None:
        timers = [threading.Timer(LIMIT_SECONDS, self._process.kill)]
        if self._blow and self._blow.seconds and self._blow.at_step is None:
            timers.append(threading.Timer(self._blow.seconds, self.strike))
        for timer in timers:
            timer.daemon = True
            timer.start()
        assert self._process.stdout
        try:
            with self._process.stdout as lines:
                for line in lines:
                    self._read(line, timers)
            self._attempt.exit_code = self._process.wait()
        finally:
            self._process.kill()
            self._process.wait()
            for timer in timers:
                timer.cancel()
        self._attempt.seconds = time.monotonic() - self._started

    def _read(self, line: str, timers: list[threading.Timer]) -> None:
        try:
            event = json.loads(line)
        except ValueError:
            return  # half a line, cut off by the kill
        self._attempt.events.append((time.monotonic() - self._started, event))
        name = event.get("event")
        if name == "train":
            self._on_step()
        step = event["step"] if name == "train" else 0 if name in ("starting", "resuming") else None
        if not self._blow or step is None or step != self._blow.at_step:
            return
        if self._blow.seconds:
            timers.append(threading.Timer(self._blow.seconds, self.strike))
            timers[-1].daemon = True
            timers[-1].start()
        else:
            self.strike()
