"""The kinds of fault, and how a number and a seed become one of them with all its particulars."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.drill.rooms import can_mount
from tests.drill.survey import SEAL

PAGE = 4096  # a tmpfs counts in pages
WRITTEN_FIRST = ("README.md", "adapter_model.safetensors")  # by peft, in this order


@dataclass(frozen=True)
class Unbroken:
    """What the run without any fault was like: the measure of all others."""

    weights: str
    """sha256 of the adapter's file."""
    total_steps: int
    save_steps: int
    saved: list[int]
    files: list[str]
    """Of a checkpoint, by name, the seal among them."""
    sizes: list[dict[str, int]]
    """Their bytes, for each of the saved checkpoints."""
    evaluations: int
    """While training, the one after it not counted."""


@dataclass(frozen=True)
class Blow:
    """How one process is ended. `act` is done inside it by tests.drill.child; the rest comes from outside."""

    words: str
    act: Mapping[str, Any] | None = None
    number: int = signal.SIGKILL
    at_step: int | None = None
    """When this step has been reported; 0 is the beginning of the training."""
    seconds: float = 0.0
    """So much later; without `at_step` after the start of the process."""
    arrived: tuple[int, int] | None = None
    """(step, files): when so many files of that checkpoint have reached the store."""
    machine_lost: bool = False
    """The folder is gone with the machine: there is no last pass of the synchronisation."""


@dataclass(frozen=True)
class Damage:
    """What is done to a checkpoint. `rank` 0 is the newest whole one, 1 the one before it."""

    how: str
    """truncate, flip, delete"""
    rank: int = 0
    file: str = ""
    """Empty for the whole checkpoint."""
    share: float = 0.0
    """Where in the file."""
    while_running: bool = False
    """In the folder of the running process, from where the synchronisation carries it to the store."""


@dataclass(frozen=True)
class Obstacle:
    """What stands in the way of the start with this number (from 0), and is gone for the next."""

    how: str
    """small disk, read-only, full file, file instead of folder, file instead of checkpoint"""
    start: int
    kibibytes: int = 0
    step: int = 0
    file: str = ""


@dataclass(frozen=True)
class Fault:
    """One fault: blows to the first processes, then perhaps damage to the store or an obstacle."""

    number: int
    seed: int
    kind: str
    blows: tuple[Blow, ...] = ()
    damage: Damage | None = None
    obstacle: Obstacle | None = None
    inside_save: bool = False
    intervals: int = 1
    """Save intervals that may be lost: one more where the newest checkpoint itself is destroyed."""

    @property
    def words(self) -> str:
        """What happens, for the log."""
        parts = [blow.words for blow in self.blows]
        if self.damage:
            which = "the newest checkpoint" if not self.damage.rank else "the newest checkpoint but one"
            if self.damage.how == "delete":
                place = "the folder in use" if self.damage.while_running else "the store"
                parts.append(f"{self.damage.file or 'all'} of {which} deleted in {place}")
            else:
                done = {"truncate": "cut", "flip": "one bit flipped"}[self.damage.how]
                parts.append(f"{self.damage.file} of {which} {done} at {self.damage.share:.0%}")
        if self.obstacle:
            parts.append(self.obstacle.how + (f" of {self.obstacle.kibibytes} KiB" if self.obstacle.kibibytes else ""))
        return "; ".join(parts)


Make = Callable[[Random, Unbroken], dict[str, Any]]


def _step(random: Random, run: Unbroken) -> int:
    return random.randint(1, run.total_steps - 5)


def _killed(random: Random, run: Unbroken, *, after: int = 0, lost: bool | None = None) -> Blow:
    """A kill from outside that leaves `after` checkpoints behind at least."""
    step = random.randint(run.saved[after - 1] + 2 if after else 1, run.total_steps - 5)
    lost = random.random() < 0.5 if lost is None else lost
    return Blow(f"SIGKILL at step {step}{_whose(lost)}", at_step=step, machine_lost=lost)


def _whose(lost: bool) -> str:
    return ", machine lost" if lost else ""


def _inside_save(random: Random, run: Unbroken, words: str, *, middle: bool = False, **act: Any) -> dict[str, Any]:
    save = random.randint(1, len(run.saved))
    if middle:  # a seal may be some bytes shorter another time, where numbers of seconds stand in it
        act["size"] = random.randint(1, int(0.9 * run.sizes[save - 1][act["file"]]))
        words = f"killed at byte {act['size']:,} of {act['file']}"
    lost = random.random() < 0.5
    blow = Blow(f"{words}, save of step {run.saved[save - 1]}{_whose(lost)}", {"save": save, **act}, machine_lost=lost)
    return {"blows": (blow,), "inside_save": True}


def between_files(random: Random, run: Unbroken) -> dict[str, Any]:
    name = random.choice([name for name in run.files if name not in (SEAL, *WRITTEN_FIRST)])
    return _inside_save(random, run, f"SIGKILL before {name}", file=name)


def middle_of_file(random: Random, run: Unbroken) -> dict[str, Any]:
    name = random.choice([name for name in run.files if name != SEAL])
    return _inside_save(random, run, "", middle=True, file=name)


def before_seal(random: Random, run: Unbroken) -> dict[str, Any]:
    return _inside_save(random, run, "SIGKILL after the last file, before the seal", file=SEAL)


def middle_of_seal(random: Random, run: Unbroken) -> dict[str, Any]:
    if random.random() < 0.5:
        return _inside_save(random, run, "SIGKILL before the seal gets its name", file=SEAL, renaming=True)
    return _inside_save(random, run, "", middle=True, file=SEAL)


def kill_at_time(random: Random, run: Unbroken) -> dict[str, Any]:
    """Anywhere in a step, an evaluation or a save: up to four steps' time after one has been reported."""
    step, seconds, lost = random.randint(0, run.total_steps - 8), random.uniform(0.0, 0.1), random.random() < 0.5
    words = f"SIGKILL {1000 * seconds:.0f} ms after step {step}{_whose(lost)}"
    return {"blows": (Blow(words, at_step=step, seconds=seconds, machine_lost=lost),)}


def kill_at_step(random: Random, run: Unbroken) -> dict[str, Any]:
    return {"blows": (_killed(random, run),)}


def kill_twice(random: Random, run: Unbroken) -> dict[str, Any]:
    seconds = random.uniform(0.05, 3.0)  # importing the libraries takes longer
    again = Blow(f"again {seconds:.1f} s after its next start", seconds=seconds, machine_lost=True)
    return {"blows": (_killed(random, run), again)}


def term_in_training(random: Random, run: Unbroken) -> dict[str, Any]:
    step = _step(random, run)
    return {"blows": (Blow(f"SIGTERM at step {step}", number=signal.SIGTERM, at_step=step),)}


def term_in_evaluation(random: Random, run: Unbroken) -> dict[str, Any]:
    number, share = random.randint(1, run.evaluations), random.uniform(0.1, 0.95)
    words = f"SIGTERM after {share:.0%} of evaluation {number}"
    return {"blows": (Blow(words, {"evaluation": number, "share": share}, signal.SIGTERM),)}


def term_in_final_evaluation(random: Random, run: Unbroken) -> dict[str, Any]:
    share = random.uniform(0.1, 0.95)
    act = {"evaluation": 0, "share": share, "last_step": run.total_steps}
    return {"blows": (Blow(f"SIGTERM after {share:.0%} of the last evaluation", act, signal.SIGTERM),)}


def full_disk(random: Random, run: Unbroken) -> dict[str, Any]:
    """A real one: a tmpfs of a size that is used up within a save; where none can be mounted, /dev/full for one file."""
    save, share = random.randint(1, len(run.saved)), random.uniform(0.05, 0.95)
    if can_mount():
        rooms = [sum(-(-size // PAGE) for size in sizes.values()) for sizes in run.sizes]
        pages = sum(rooms[: save - 1]) + max(1, int(share * rooms[save - 1]))
        obstacle = Obstacle("disk", 0, kibibytes=pages * PAGE // 1024)
    else:
        name = random.choice([name for name in run.files if name.endswith((".pt", ".pth", ".bin"))])
        obstacle = Obstacle(f"/dev/full for {name}", 0, step=run.saved[save - 1], file=name)
    return {"obstacle": obstacle, "inside_save": True}


def _damaged(random: Random, run: Unbroken, how: str) -> dict[str, Any]:
    # of the drill's numbers a third hits the seal: everything else leans on it
    name = SEAL if random.random() < 0.34 else random.choice([name for name in run.files if name != SEAL])
    damage = Damage(how, file=name, share=random.uniform(0.0, 0.999))
    return {"blows": (_killed(random, run, after=1, lost=False),), "damage": damage, "intervals": 2}


def truncated(random: Random, run: Unbroken) -> dict[str, Any]:
    return _damaged(random, run, "truncate")


def flipped(random: Random, run: Unbroken) -> dict[str, Any]:
    return _damaged(random, run, "flip")


def deleted(random: Random, run: Unbroken) -> dict[str, Any]:
    name = "" if random.random() < 0.5 else random.choice(run.files)
    damage = Damage("delete", rank=random.choice((0, 0, 1)), file=name, while_running=random.random() < 0.5)
    return {"blows": (_killed(random, run, after=3, lost=False),), "damage": damage, "intervals": 2}


def half_synchronised(random: Random, run: Unbroken) -> dict[str, Any]:
    step, count = random.choice(run.saved[:-2]), random.randint(1, len(run.files) - 1)
    words = f"machine lost when {count} of {len(run.files)} files of checkpoint-{step} had reached the store"
    return {"blows": (Blow(words, arrived=(step, count), machine_lost=True),), "intervals": 2}


def unwritable(random: Random, run: Unbroken) -> dict[str, Any]:
    """Even root cannot write there: a file in the folder's place, or a read-only mount where one may mount."""
    how = random.choice(["file instead of folder", "file instead of checkpoint", *["read-only"] * can_mount()])
    if how == "file instead of checkpoint":
        return {"obstacle": Obstacle(how, 0, step=random.choice(run.saved))}
    return {"blows": (_killed(random, run, lost=False),), "obstacle": Obstacle(how, 1)}


KINDS: dict[str, Make] = {
    "killed between two files of a save": between_files,
    "killed in the middle of a file of a save": middle_of_file,
    "killed between last file and seal": before_seal,
    "killed in the middle of the seal": middle_of_seal,
    "disk full in a save": full_disk,
    "SIGKILL at a random time": kill_at_time,
    "SIGKILL at a random step": kill_at_step,
    "SIGKILL, and again while it starts": kill_twice,
    "SIGTERM in training": term_in_training,
    "SIGTERM in an evaluation while training": term_in_evaluation,
    "SIGTERM in the last evaluation": term_in_final_evaluation,
    "newest checkpoint truncated": truncated,
    "newest checkpoint with a flipped bit": flipped,
    "checkpoint deleted from the synchronised folder": deleted,
    "newest checkpoint half synchronised": half_synchronised,
    "unwritable folder": unwritable,
}

SCHEDULE = [  # thirty at a time, fourteen of them inside a save; the order mixes them, so that a short drill sees many
    middle_of_file,
    kill_at_time,
    flipped,
    before_seal,
    term_in_evaluation,
    full_disk,
    half_synchronised,
    middle_of_seal,
    deleted,
    between_files,
    term_in_training,
    unwritable,
    middle_of_file,
    truncated,
    kill_twice,
    term_in_final_evaluation,
    middle_of_seal,
    kill_at_step,
    between_files,
    flipped,
    kill_at_time,
    middle_of_file,
    full_disk,
    half_synchronised,
    middle_of_file,
    truncated,
    before_seal,
    term_in_training,
    middle_of_seal,
    between_files,
]


def make_fault(number: int, seed: int, run: Unbroken, kind: str = "") -> Fault:
    """The fault with this number, from 1; the same for the same seed, however many are asked for."""
    make = KINDS[kind] if kind else SCHEDULE[(number - 1) % len(SCHEDULE)]
    name = next(name for name, other in KINDS.items() if other is make)
    return Fault(number, seed, name, **make(Random(f"{seed}:{number}"), run))
