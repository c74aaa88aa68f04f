from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import BadInput
from pipeline.local.record import latest
from pipeline.local.runner import Options, run
from tests.unit.local.conftest import Bench
from tests.unit.local.pipelines import (
    BUCKET,
    at_most,
    condition,
    declared,
    definition,
    fail,
    join,
    json_get,
    output_of,
    parameter,
    processing,
    register,
    training,
)

PREPARE = """
print(json.dumps({"event": "progress", "done": 1, "total": 1, "unit": "files"}))
text = (base / "processing/input/corpus/corpus.txt").read_text()
(base / "processing/output/out/tokens.txt").write_text(text.upper())
"""
TRAIN = """
print("loss=0.5")
(base / "model/weights").write_text((base / "input/data/tokens/tokens.txt").read_text())
"""
EVALUATE = """
assert (base / "processing/input/model/model.tar.gz").is_file()
report = {"loss": 0.5, "text": "0.500", "message": "loss 0.5"}
(base / "processing/output/out/report.json").write_text(json.dumps(report))
"""
MODEL = {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}
PARAMETERS = [declared("Corpus", "String", f"{BUCKET}/corpus"), declared("Limit", "Float", 1.0)]


def chain(bench: Bench) -> str:
    """Prepare, Train, Evaluate, and a gate that registers or refuses."""
    bench.put("corpus/corpus.txt", "nri")
    package = {
        "CustomerMetadataProperties": {"loss": json_get("Evaluate", "text")},
        "InferenceSpecification": {"Containers": [{"Image": "any", "ModelDataUrl": MODEL}]},
    }
    message = join(json_get("Evaluate", "message"), " is over ", parameter("Limit"))
    return definition(
        processing("Prepare", bench.program("prepare", PREPARE), {"corpus": parameter("Corpus")}),
        training("Train", bench.program("train", TRAIN), {"tokens": output_of("Prepare")}),
        processing("Evaluate", bench.program("evaluate", EVALUATE), {"model": MODEL}),
        condition(
            "Gate",
            [at_most(json_get("Evaluate", "loss"), parameter("Limit"))],
            [register("Register", **package)],
            [fail("Reject", message)],
        ),
        parameters=PARAMETERS,
    )


def test_a_pipeline_runs_from_its_corpus_to_a_registered_package(bench: Bench) -> None:
    execution = bench.run(chain(bench), execution_id="abcdefghijkl")
    assert (execution.status, execution.refused, execution.failure_reason) == ("Succeeded", False, "")
    assert {step.name: step.status for step in execution.steps} == {
        "Prepare": "Succeeded",
        "Train": "Succeeded",
        "Evaluate": "Succeeded",
        "Gate": "Succeeded",
        "Register": "Succeeded",
        "Reject": "Skipped",
    }
    assert execution.step("Gate").outcome is True
    (package,) = bench.registry.packages("models")
    assert package["CustomerMetadataProperties"] == {"loss": "0.500"}
    model = package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
    assert model == f"{BUCKET}/training/abcdefghijkl/pipelines-abcdefghijkl-Train-1/output/model.tar.gz"
    assert bench.store.exists(model)


def test_the_record_on_disk_is_the_one_returned_and_the_definition_lies_beside_it(bench: Bench) -> None:
    text = chain(bench)
    execution = bench.run(text, execution_id="abcdefghijkl")
    assert latest(bench.workdir) == execution
    assert (bench.workdir / "executions" / "abcdefghijkl.definition.json").read_text(encoding="utf-8") == text


def test_the_listener_hears_every_change_and_every_line_of_standard_output(bench: Bench) -> None:
    bench.run(chain(bench))
    statuses = [record.status for record in bench.heard.records if record.name == "Prepare"]
    assert statuses[0] == "Executing"
    assert statuses[-1] == "Succeeded"
    assert json.loads(next(text for step, text in bench.heard.lines if step == "Prepare"))["unit"] == "files"
    assert ("Train", "loss=0.5") in bench.heard.lines


def test_a_refused_gate_fails_with_its_message_and_registers_nothing(bench: Bench) -> None:
    execution = bench.run(chain(bench), {"Limit": "0.25"})
    assert (execution.status, execution.refused) == ("Failed", True)
    assert execution.failure_reason == "loss 0.5 is over 0.25"
    assert execution.step("Register").status == "Skipped"
    assert bench.registry.groups() == []


def test_what_hangs_on_a_branch_not_taken_is_skipped(bench: Bench) -> None:
    touch = bench.program("touch", "")
    text = definition(
        condition("Gate", [at_most(2, 1)], [processing("Yes", touch)], [processing("No", touch)]),
        processing("AfterYes", touch, DependsOn=["Yes"]),
        processing("AfterNo", touch, DependsOn=["No"]),
    )
    execution = bench.run(text)
    assert execution.status == "Succeeded"
    assert [step.status for step in execution.steps] == ["Succeeded", "Skipped", "Succeeded", "Skipped", "Succeeded"]


def test_steps_run_in_the_order_of_their_dependencies(bench: Bench) -> None:
    touch = bench.program("touch", "print('ran')")
    steps = [processing("C", touch, DependsOn=["B"]), processing("A", touch), processing("B", touch, DependsOn=["A"])]
    bench.run(definition(*steps))
    assert [step for step, _ in bench.heard.lines] == ["A", "B", "C"]


def test_a_pipeline_may_run_outside_the_main_thread(bench: Bench) -> None:
    executions = []
    text = definition(processing("P", bench.program("p", "")))
    thread = threading.Thread(target=lambda: executions.append(bench.run(text)))
    thread.start()
    thread.join()
    assert executions[0].status == "Succeeded"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"Limi": "1"}, "Limi is not a parameter; known: Corpus, Limit"),
        ({"Limit": "high"}, "Limit='high' is not a number"),
        ({"Corpus": f"{BUCKET}//x"}, "step Prepare: .* two slashes"),
    ],
)
def test_a_bad_parameter_runs_and_writes_nothing(bench: Bench, parameters: dict[str, str], message: str) -> None:
    text = chain(bench)
    before = sorted(bench.workdir.rglob("*"))
    with pytest.raises(BadInput, match=message):
        bench.run(text, parameters)
    assert sorted(bench.workdir.rglob("*")) == before


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"Name": "T", "Type": "Transform", "Arguments": {}}, "has the type 'Transform'"),
        (processing("P", Path("x"), arguments={"AppSpecification": {"ImageUri": "unknown"}}), "has no program"),
        (processing("P", Path("x"), DependsOn=["Q"]), "needs step 'Q'"),
    ],
)
def test_a_bad_definition_runs_and_writes_nothing(bench: Bench, step: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        bench.run(definition(processing("First", Path("x")), step))
    assert not bench.workdir.exists()


def test_a_work_directory_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="cannot write to the work directory"):
        run(definition(), {}, tmp_path / "file" / "work")


def test_an_image_runs_what_the_callers_function_says(bench: Bench) -> None:
    script = bench.program("p", "print(sys.argv[1:])")
    text = definition(processing("P", script, arguments={"AppSpecification": {"ImageUri": "my-image"}}))
    bench.run(text, command_for=lambda image, kind: [sys.executable, str(script), image, kind])
    assert bench.heard.lines == [("P", "['my-image', 'Processing']")]


@pytest.mark.parametrize("execution_id", ["short", "ABCDEFGHIJKL", "../../../abc"])
def test_an_execution_id_is_12_lower_case_letters_and_digits(bench: Bench, execution_id: str) -> None:
    with pytest.raises(BadInput, match="is not 12 lower-case"):
        bench.run(definition(), execution_id=execution_id)


def test_an_execution_id_is_used_once(bench: Bench) -> None:
    bench.run(definition(), execution_id="abcdefghijkl")
    with pytest.raises(BadInput, match="there already is an execution abcdefghijkl"):
        bench.run(definition(), execution_id="abcdefghijkl")


def test_the_defaults_are_those_of_the_service() -> None:
    assert Options().grace_seconds == 120
