"""What a listing of checkpoint folders proves: sealed, not sealed, or damaged.

A seal names every file with its size and is written last. Sizes are compared and sums are not: a week's checkpoints are
50 GiB, and training reads the sums of the one that it goes on from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import ValidationError

from pipeline.definition import Definition
from pipeline.local.names import execution_variables
from pipeline.local.resolver import Scope, resolve
from steps.contract import SEAL, Seal
from steps.train.checkpoints import NAME

State = Literal["sealed", "unsealed", "damaged"]
MOST_SEAL_BYTES = 2**20  # a seal lists a dozen files


@dataclass(frozen=True)
class Stored:
    """One object below a checkpoint address. `key` is relative to it; `modified` is epoch seconds."""

    key: str
    bytes: int
    modified: float


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint folder. `steps` are the pipeline's steps that share the address; `problem` says what is wrong.

    `step` and `loss` are the seal's; `modified` is when the newest file arrived, in epoch seconds.
    """

    name: str
    address: str
    steps: tuple[str, ...]
    state: State
    files: int
    bytes: int
    modified: float
    step: int
    loss: float | None = None
    problem: str = ""

    def for_machines(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def addresses(definition: Definition, execution_id: str, pipeline: str) -> dict[str, tuple[str, ...]]:
    """Where an execution's checkpoints lie, and the steps that share each address, in the order of the definition."""
    scope = Scope({}, execution_variables(execution_id, pipeline, "", ""))
    found: dict[str, tuple[str, ...]] = {}
    for step in definition.steps:
        where = (step.arguments.get("CheckpointConfig") or {}).get("S3Uri")
        if where:
            address = str(resolve(where, scope)).rstrip("/")
            found[address] = (*found.get(address, ()), step.name)
    return found


def checkpoints(
    address: str, steps: tuple[str, ...], listed: Iterable[Stored], read: Callable[[str], bytes]
) -> list[Checkpoint]:
    """Every checkpoint of a listing, in the order of their steps. `read` gives the bytes of a key."""
    folders: dict[str, dict[str, Stored]] = {}
    for row in listed:
        name, _, rest = row.key.partition("/")
        if rest and NAME.fullmatch(name):
            folders.setdefault(name, {})[rest] = row
    found = [_checkpoint(address, steps, name, files, read) for name, files in folders.items()]
    return sorted(found, key=lambda row: row.step)


def _checkpoint(
    address: str, steps: tuple[str, ...], name: str, files: Mapping[str, Stored], read: Callable[[str], bytes]
) -> Checkpoint:
    seal, state, problem = _sealed(name, files, read)
    return Checkpoint(
        name=name,
        address=f"{address}/{name}",
        steps=steps,
        state=state,
        files=len(files),
        bytes=sum(row.bytes for row in files.values()),
        modified=max(row.modified for row in files.values()),
        step=_number(name),
        loss=seal.loss if seal else None,
        problem=problem,
    )


def _sealed(name: str, files: Mapping[str, Stored], read: Callable[[str], bytes]) -> tuple[Seal | None, State, str]:
    """The seal, whether it holds, and what is wrong."""
    if SEAL not in files:
        return None, "unsealed", "it has no seal: it is being written or arriving, or its job ended too early"
    if files[SEAL].bytes > MOST_SEAL_BYTES:
        return None, "damaged", f"{SEAL} has {files[SEAL].bytes:,} bytes"
    try:
        seal = Seal.model_validate_json(read(f"{name}/{SEAL}"))
    except ValidationError as error:
        first = error.errors()[0]
        return None, "damaged", f"{SEAL} cannot be understood: {'.'.join(map(str, first['loc']))} {first['msg']}"
    problem = _problem(name, files, seal)
    return seal, "damaged" if problem else "sealed", problem


def _problem(name: str, files: Mapping[str, Stored], seal: Seal) -> str:
    """The first thing in which a seal and the files differ, empty where they agree."""
    if not seal.is_as_written:
        return f"{SEAL} does not match its own sum"
    if seal.step != _number(name) or not seal.files:
        return f"the seal is of step {seal.step} over {len(seal.files)} files"
    for entry in seal.files:
        stored = files.get(entry.path)
        if stored is None:
            return f"{entry.path} is missing"
        if stored.bytes != entry.bytes:
            return f"{entry.path} has {stored.bytes:,} bytes instead of {entry.bytes:,}"
    return ""


def _number(name: str) -> int:
    match = NAME.fullmatch(name)
    return int(match[1]) if match else -1
