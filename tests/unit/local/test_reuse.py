from __future__ import annotations

from pathlib import Path

from pipeline.local.record import Execution
from tests.unit.local.conftest import Bench
from tests.unit.local.pipelines import (
    BUCKET,
    at_most,
    checkpoints,
    condition,
    declared,
    definition,
    fail,
    json_get,
    output_of,
    parameter,
    processing,
    register,
    training,
)

COPY = """
(base / "processing/output/out/copy.txt").write_text((base / "processing/input/in/in.txt").read_text())
(base / "processing/output/out/report.json").write_text(json.dumps({"loss": 0.5}))
"""
TRAIN = """
source = (base / "input/data/d/copy.txt").read_text()
(base / "model/weights").write_text(source)
(base / "checkpoints/checkpoint-1").mkdir(exist_ok=True)
(base / "checkpoints/checkpoint-1/weights").write_text(source)
"""
MODEL = {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}
PARAMETERS = [
    declared("In", "String", f"{BUCKET}/in"),
    declared("Limit", "Float", 1.0),
    declared("Name", "String", "x"),
]


def pipeline(bench: Bench) -> str:
    package = {"InferenceSpecification": {"Containers": [{"Image": "any", "ModelDataUrl": MODEL}]}}
    train_arguments = {**checkpoints(), "HyperParameters": {"name": parameter("Name")}}
    return definition(
        processing("Copy", bench.program("copy", COPY), {"in": parameter("In")}),
        training("Train", bench.program("train", TRAIN), {"d": output_of("Copy")}, arguments=train_arguments),
        condition(
            "Gate",
            [at_most(json_get("Copy", "loss"), parameter("Limit"))],
            [register("Register", **package)],
            [fail("Reject", "no")],
            DependsOn=["Train"],
        ),
        parameters=PARAMETERS,
    )


def reused(execution: Execution) -> dict[str, bool]:
    return {
        step.name: step.reused for step in execution.steps if step.type in ("Processing", "Training", "RegisterModel")
    }


def test_a_second_run_reuses_every_step_at_its_old_address(bench: Bench) -> None:
    bench.put("in/in.txt")
    first = bench.run(pipeline(bench))
    bench.heard.lines.clear()
    second = bench.run(pipeline(bench))
    assert reused(first) == {"Copy": False, "Train": False, "Register": False}
    assert reused(second) == {"Copy": True, "Train": True, "Register": True}
    assert second.status == "Succeeded"
    for name in ("Copy", "Train"):
        old, new = first.step(name), second.step(name)
        assert (old.describe, old.job_name, old.log_folder) == (new.describe, new.job_name, new.log_folder)
    assert len(bench.registry.packages("models")) == 1


def test_changed_content_at_the_same_address_runs_again(bench: Bench) -> None:
    bench.put("in/in.txt", "one")
    bench.run(pipeline(bench))
    bench.put("in/in.txt", "two")
    execution = bench.run(pipeline(bench))
    assert reused(execution) == {"Copy": False, "Train": False, "Register": False}
    assert len(bench.registry.packages("models")) == 2


def test_equal_content_at_another_address_is_reused(bench: Bench) -> None:
    bench.put("in/in.txt")
    bench.run(pipeline(bench))
    bench.put("elsewhere/in.txt")
    assert reused(bench.run(pipeline(bench), {"In": f"{BUCKET}/elsewhere"}))["Copy"]


def test_a_changed_parameter_runs_only_the_steps_that_see_it(bench: Bench) -> None:
    bench.put("in/in.txt")
    bench.run(pipeline(bench))
    assert reused(bench.run(pipeline(bench), {"Name": "y"})) == {"Copy": True, "Train": False, "Register": True}
    assert bench.run(pipeline(bench), {"Limit": "0.1"}).refused


def test_a_step_whose_output_is_gone_or_changed_runs_again(bench: Bench) -> None:
    bench.put("in/in.txt")
    first = bench.run(pipeline(bench), execution_id="abcdefghijkl")
    bench.store.delete(first.step("Train").describe["ModelArtifacts"]["S3ModelArtifacts"])
    assert reused(bench.run(pipeline(bench))) == {"Copy": True, "Train": False, "Register": True}
    bench.put("runs/abcdefghijkl/Copy/copy.txt", "tampered")
    assert reused(bench.run(pipeline(bench)))["Copy"] is False


def test_a_package_that_is_gone_is_registered_again(bench: Bench) -> None:
    bench.put("in/in.txt")
    bench.run(pipeline(bench))
    (bench.workdir / "registry" / "models" / "1.json").unlink()
    assert reused(bench.run(pipeline(bench))) == {"Copy": True, "Train": True, "Register": False}


def test_forced_steps_and_new_code_run_again(bench: Bench) -> None:
    bench.put("in/in.txt")
    bench.run(pipeline(bench))
    forced = bench.run(pipeline(bench), force=frozenset({"Copy"}))
    assert reused(forced) == {"Copy": False, "Train": True, "Register": True}
    assert not any(reused(bench.run(pipeline(bench), code_version="new")).values())


def test_a_failed_step_is_not_reused(bench: Bench) -> None:
    marker = bench.programs / "repaired"
    code = f"sys.exit(0 if pathlib.Path({str(marker)!r}).exists() else 1)"
    text = definition(processing("P", bench.program("p", code)))
    assert bench.run(text).status == "Failed"
    marker.touch()
    again = bench.run(text)
    assert (again.status, again.step("P").reused) == ("Succeeded", False)


def test_checkpoints_of_a_reused_step_lie_in_the_new_executions_prefix(bench: Bench) -> None:
    bench.put("in/in.txt")
    bench.run(pipeline(bench), execution_id="aaaaaaaaaaaa")
    bench.run(pipeline(bench), execution_id="bbbbbbbbbbbb")
    assert bench.store.exists(f"{BUCKET}/checkpoints/bbbbbbbbbbbb/checkpoint-1/weights")


def test_a_step_after_a_reused_one_still_finds_its_checkpoint(bench: Bench) -> None:
    first = "(base / 'checkpoints/a').write_text('1')"
    second = "(base / 'model/found').write_text((base / 'checkpoints/a').read_text())"
    text = definition(
        training("One", bench.program("one", first), arguments=checkpoints()),
        training("Two", bench.program("two", second), arguments=checkpoints(), DependsOn=["One"]),
    )
    bench.run(text)
    execution = bench.run(text, force=frozenset({"Two"}))
    assert execution.status == "Succeeded"
    assert [step.reused for step in execution.steps] == [True, False]
    assert [step.reused for step in bench.run(text).steps] == [True, True]


def test_the_copies_of_the_inputs_go_when_a_job_succeeds_and_stay_when_it_fails(bench: Bench) -> None:
    bench.put("in/in.txt")
    text = definition(processing("P", bench.program("p", ""), {"in": f"{BUCKET}/in"}))
    folder = bench.run(text).step("P").log_folder
    assert isinstance(folder, Path)
    assert not (folder / "ml/processing/input").exists()
    text = definition(processing("P", bench.program("p", "sys.exit(1)"), {"in": f"{BUCKET}/in"}))
    folder = bench.run(text, code_version="new").step("P").log_folder
    assert isinstance(folder, Path)
    assert (folder / "ml/processing/input/in/in.txt").is_file()
