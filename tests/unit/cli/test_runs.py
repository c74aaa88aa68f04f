"""`asusu runs`, `explain` and `checkpoints` of this machine, and the verbs that only an account has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline.cli.main import app
from pipeline.errors import BadInput
from pipeline.local.runner import Options, run
from tests.unit.local.pipelines import checkpoints, definition, fail, processing, program, training
from tests.unit.sealing import FILES, seal_of

SEALING = f"""
folder = base / "checkpoints" / "checkpoint-7"
folder.mkdir(parents=True)
for name, data in {FILES!r}.items():
    (folder / name).write_bytes(data)
(folder / "seal.json").write_text({seal_of(7).model_dump_json()!r})
(base / "checkpoints" / "checkpoint-8").mkdir()
(base / "checkpoints" / "checkpoint-8" / "optimizer.pt").write_bytes(b"x")
print(json.dumps(dict(event="failed", reason="training has diverged: loss nan at step 9", seconds=1)))
(base / "output").mkdir(exist_ok=True)
(base / "output" / "failure").write_text("training has diverged: loss nan at step 9")
sys.exit(1)
"""


def asusu(*arguments: str) -> tuple[int, str]:
    ended = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})
    if isinstance(ended.exception, BadInput):
        return ended.exception.exit_code, str(ended.exception)
    return ended.exit_code, ended.output


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work directory with a run that failed after sealing a checkpoint, one that was refused, and one that succeeded."""
    folder = tmp_path_factory.mktemp("runs")
    diverging = training("TrainLora", program(folder, "train", SEALING), arguments=checkpoints())
    well = processing(
        "Prepare", program(folder, "prepare", '(base / "processing/output/out/report.json").write_text("{}")')
    )
    wheres = {"workdir": folder / "work"}
    for execution_id, text in (
        ("aaaaaaaaaaaa", definition(diverging)),
        ("bbbbbbbbbbbb", definition(fail("RejectModel", "Model refused: chrF++ 1.2"))),
        ("cccccccccccc", definition(well)),
    ):
        run(
            text,
            {},
            **wheres,
            options=Options(
                execution_id=execution_id,
                code_version="1",
                command_for=lambda image, kind: ["python"],
                sync_seconds=0.1,
            ),
        )
    return folder / "work"


def rows(*arguments: str) -> Any:
    code, said = asusu(*arguments, "--json")
    assert code in (0, 1)
    return json.loads(said)


def test_runs_lists_the_newest_first_with_how_they_ended(place: Path) -> None:
    found = rows("runs", "--workdir", str(place))
    assert [(row["execution"], row["status"], row["refused"]) for row in found] == [
        ("cccccccccccc", "Succeeded", False),
        ("bbbbbbbbbbbb", "Failed", True),
        ("aaaaaaaaaaaa", "Failed", False),
    ]
    code, said = asusu("runs", "--workdir", str(place), "--most", "2")
    assert code == 0
    assert "refused by the gate" in said
    assert "aaaaaaaaaaaa" not in said


def test_an_empty_work_directory_says_what_to_type(tmp_path: Path) -> None:
    code, said = asusu("runs", "--workdir", str(tmp_path))
    assert code == 0
    assert "run --local --workdir" in said
    for verb in ("explain", "checkpoints"):
        code, said = asusu(verb, "--workdir", str(tmp_path))
        assert code == 2
        assert "nothing has run" in said


def test_a_local_failure_is_explained_in_the_words_of_an_account_with_the_commands_of_this_machine(place: Path) -> None:
    found = rows("explain", "aaaaaaaaaaaa", "--workdir", str(place))
    assert (found["step"], found["kind"]) == ("TrainLora", "diverged")
    assert found["said"] == "training has diverged: loss nan at step 9"
    assert "run --local --workdir" in found["next"][0]


def test_without_a_name_the_newest_that_did_not_succeed_is_explained(place: Path) -> None:
    code, said = asusu("explain", "--workdir", str(place))
    assert code == 0
    assert "bbbbbbbbbbbb: refused by the gate in RejectModel" in said
    assert "Model refused: chrF++ 1.2" in said


def test_local_checkpoints_are_told_apart_as_in_an_account(place: Path) -> None:
    found = rows("checkpoints", "aaaaaaaaaaaa", "--workdir", str(place))
    assert [(row["name"], row["state"]) for row in found["checkpoints"]] == [
        ("checkpoint-7", "sealed"),
        ("checkpoint-8", "unsealed"),
    ]
    code, said = asusu("checkpoints", "aaaaaaaaaaaa", "--workdir", str(place))
    assert code == 0
    assert "the newest sealed one is checkpoint-7 of TrainLora" in said
    (place / "s3" / "test-bucket" / "checkpoints" / "aaaaaaaaaaaa" / "checkpoint-7" / "optimizer.pt").write_bytes(
        b"cut"
    )
    code, said = asusu("checkpoints", "aaaaaaaaaaaa", "--workdir", str(place))
    assert code == 1
    assert "checkpoint-7 is damaged: optimizer.pt has 3 bytes instead of 7" in said


def test_here_too_a_complete_training_is_not_offered_to_be_gone_on_with(tmp_path: Path) -> None:
    completing = SEALING.partition("print(")[0] + '(base / "model").mkdir(exist_ok=True)\n'
    trained = training("TrainLora", program(tmp_path, "train", completing), arguments=checkpoints())
    options = Options(code_version="1", command_for=lambda image, kind: ["python"], sync_seconds=0.1)
    assert run(definition(trained), {}, workdir=tmp_path / "work", options=options).status == "Succeeded"
    said = asusu("checkpoints", "--workdir", str(tmp_path / "work"))[1]
    assert "checkpoint-7 of TrainLora, whose training is complete; next: asusu packages --workdir" in said
    assert "--resume" not in said


def test_an_execution_that_is_not_there_is_bad_input(place: Path) -> None:
    for verb in ("explain", "checkpoints"):
        code, said = asusu(verb, "zzzzzzzzzzzz", "--workdir", str(place))
        assert code == 2
        assert "there is no execution 'zzzzzzzzzzzz'" in said


@pytest.mark.parametrize(
    ("verb", "instead"),
    [
        ("start", "run --local"),
        ("resume", "run --local --resume"),
        ("stop", "Ctrl-C"),
        ("watch", "run --local shows itself"),
    ],
)
def test_what_only_an_account_has_says_what_to_type_here(verb: str, instead: str) -> None:
    code, said = asusu(verb)
    assert code == 2
    assert instead in said
    assert "--env ENV" in said
