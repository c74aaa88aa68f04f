"""What a listing of checkpoint folders proves."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files

import pytest

from pipeline.definition import read
from pipeline.runs.checkpoints import Checkpoint, Stored, addresses, checkpoints
from steps.contract import SEAL
from tests.unit.sealing import FILES, seal_of

Objects = dict[str, bytes]


def whole(step: int) -> Objects:
    """A sealed checkpoint."""
    return {**FILES, SEAL: seal_of(step).model_dump_json().encode()}


def listed(folders: dict[str, Objects]) -> list[Checkpoint]:
    objects = {f"{folder}/{name}": data for folder, found in folders.items() for name, data in found.items()}
    rows = [Stored(key, len(data), float(number)) for number, (key, data) in enumerate(objects.items())]
    return checkpoints("s3://b/checkpoints/x", ("TrainLora",), rows, objects.__getitem__)


def test_a_seal_that_agrees_with_every_file_makes_a_checkpoint() -> None:
    (found,) = listed({"checkpoint-40": whole(40)})
    assert (found.state, found.step, found.loss, found.problem) == ("sealed", 40, 1.25, "")
    assert found.address == "s3://b/checkpoints/x/checkpoint-40"
    assert (found.files, found.modified) == (4, 3.0)


def without(name: str) -> Callable[[Objects], None]:
    return lambda files: files.pop(name) and None


def with_(name: str, data: bytes) -> Callable[[Objects], None]:
    return lambda files: files.update({name: data})


@pytest.mark.parametrize(
    ("change", "state", "problem"),
    [
        (without(SEAL), "unsealed", "it has no seal"),
        (without("optimizer.pt"), "damaged", "optimizer.pt is missing"),
        (with_("optimizer.pt", b"mom"), "damaged", "optimizer.pt has 3 bytes instead of 7"),
        (with_(SEAL, b"{"), "damaged", "seal.json cannot be understood"),
        (with_(SEAL, b""), "damaged", "seal.json cannot be understood"),
        (with_(SEAL, b"\xff\xfe"), "damaged", "seal.json cannot be understood"),
        (with_(SEAL, b" " * (2**20 + 1)), "damaged", "seal.json has 1,048,577 bytes"),
        (with_(SEAL, seal_of(39).model_dump_json().encode()), "damaged", "the seal is of step 39 over 3 files"),
        (
            with_(SEAL, seal_of(40).model_copy(update={"loss": 0.1}).model_dump_json().encode()),
            "damaged",
            "seal.json does not match its own sum",
        ),
    ],
)
def test_whatever_differs_is_said(change: Callable[[Objects], None], state: str, problem: str) -> None:
    found = whole(40)
    change(found)
    (checkpoint,) = listed({"checkpoint-40": found})
    assert checkpoint.state == state
    assert problem in checkpoint.problem


def test_a_file_that_no_seal_lists_does_no_harm() -> None:
    (found,) = listed({"checkpoint-40": {**whole(40), "training_args.bin": b"x"}})
    assert found.state == "sealed"


def test_checkpoints_stand_in_the_order_of_their_steps_and_nothing_else_among_them() -> None:
    found = listed({"checkpoint-1000": whole(1000), "checkpoint-9": whole(9), "nonfinite-3": {"batch.json": b"{}"}})
    assert [row.name for row in found] == ["checkpoint-9", "checkpoint-1000"]
    assert checkpoints("s3://b/c/x", (), [Stored("none.json", 2, 0.0)], {}.__getitem__) == []


def test_the_definition_says_where_checkpoints_lie_and_who_shares_an_address() -> None:
    shipped = read((files("pipeline") / "compiled" / "igbo.local.json").read_text(encoding="utf-8"))
    assert addresses(shipped, "abcdefghijkl", "asusu-igbo") == {
        "s3://asusu-local/canary-checkpoints/abcdefghijkl": ("CanaryTrain", "CanaryResume"),
        "s3://asusu-local/checkpoints/abcdefghijkl": ("TrainLora",),
    }
