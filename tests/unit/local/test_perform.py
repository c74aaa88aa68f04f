"""What the record says of a step that did not end well, or whose success is a proof."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.local.record import latest
from tests.unit.local.conftest import Bench
from tests.unit.local.pipelines import (
    BUCKET,
    at_most,
    checkpoints,
    condition,
    definition,
    fail,
    join,
    json_get,
    processing,
    register,
    training,
)


def test_a_step_that_fails_ends_the_execution_with_its_own_words(bench: Bench) -> None:
    code = "(base / 'output/failure').write_text('the loss is not finite'); sys.exit(1)"
    text = definition(training("Train", bench.program("t", code)), processing("After", Path("x"), DependsOn=["Train"]))
    execution = bench.run(text)
    assert (execution.status, execution.refused) == ("Failed", False)
    assert execution.failure_reason == "step Train failed: the loss is not finite"
    assert (execution.step("Train").exit_code, execution.step("After").status) == (1, "Pending")
    assert execution.step("Train").describe["TrainingJobStatus"] == "Failed"


def test_max_runtime_fails_the_step(bench: Bench) -> None:
    step = training(
        "Train", bench.program("t", "time.sleep(60)"), arguments={"StoppingCondition": {"MaxRuntimeInSeconds": 1}}
    )
    execution = bench.run(definition(step))
    assert execution.step("Train").status == "Failed"
    assert "MaxRuntimeExceeded" in execution.failure_reason
    assert execution.step("Train").describe["SecondaryStatus"] == "MaxRuntimeExceeded"


def test_an_empty_input_fails_the_step_and_says_where_to_put_it(bench: Bench) -> None:
    text = definition(processing("Prepare", bench.program("p", ""), {"corpus": f"{BUCKET}/nothing"}))
    execution = bench.run(text)
    assert f"no S3 objects found under the address {BUCKET}/nothing" in execution.failure_reason
    assert str(bench.workdir / "s3" / "test-bucket" / "nothing") in execution.failure_reason
    assert execution.step("Prepare").exit_code is None


def test_a_missing_property_file_fails_the_step_that_reads_it(bench: Bench) -> None:
    text = definition(
        processing("Evaluate", bench.program("e", "")),
        condition("Gate", [at_most(json_get("Evaluate", "loss"), 1)], [fail("A", "a")], []),
    )
    execution = bench.run(text, execution_id="abcdefghijkl")
    expected = f"step Gate failed: there is no object {BUCKET}/runs/abcdefghijkl/Evaluate/report.json"
    assert execution.failure_reason.startswith(expected)
    assert execution.refused is False


def test_a_comparison_of_text_with_a_number_fails_the_condition_and_is_no_refusal(bench: Bench) -> None:
    text = definition(condition("Gate", [at_most("0.5", 1)], [], [fail("A", "a")]))
    execution = bench.run(text)
    assert "cannot compare '0.5' (text) with 1 (number)" in execution.failure_reason
    assert (execution.refused, execution.step("A").status) == (False, "Pending")


def test_a_number_from_a_step_in_a_string_slot_fails_the_step(bench: Bench) -> None:
    train = training("Train", bench.program("t", "print('loss=0.5')"))
    loss = {"Get": "Steps.Train.FinalMetricDataList['validation:loss'].Value"}
    bare = processing("Report", bench.program("r", ""), arguments={"Environment": {"LOSS": loss}})
    assert "Environment.LOSS must be text, but it is 0.5" in bench.run(definition(train, bare)).failure_reason
    code = "(base / 'processing/output/out/loss').write_text(os.environ['LOSS'])"
    joined = processing("Report", bench.program("r", code), arguments={"Environment": {"LOSS": join(loss)}})
    execution = bench.run(definition(train, joined), execution_id="abcdefghijkl")
    assert bench.store.read_text(f"{BUCKET}/runs/abcdefghijkl/Report/loss") == "0.5"
    assert execution.step("Train").reused


def test_a_model_that_does_not_exist_is_not_registered(bench: Bench) -> None:
    package = {
        "InferenceSpecification": {"Containers": [{"Image": "any", "ModelDataUrl": f"{BUCKET}/no/model.tar.gz"}]}
    }
    execution = bench.run(definition(register("Register", **package)))
    assert "the model to register is missing" in execution.failure_reason


def test_a_crash_of_the_platforms_disk_is_a_failure_with_a_reason(bench: Bench) -> None:
    bench.put("runs", "an object where a folder should be")
    execution = bench.run(definition(processing("P", bench.program("p", "(base / 'processing/output/out/a').touch()"))))
    assert execution.step("P").status == "Failed"
    assert "the local platform could not read or write its files" in execution.failure_reason


def test_an_error_of_the_runner_itself_is_recorded_and_goes_on(bench: Bench) -> None:
    def broken(step: str, text: str) -> None:
        raise ZeroDivisionError("in the view")

    bench.heard.on_line = broken  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError):
        bench.run(definition(processing("P", bench.program("p", "print('x')"))))
    execution = latest(bench.workdir)
    assert execution is not None
    assert (execution.status, execution.failure_reason) == ("Failed", "ZeroDivisionError: in the view")
    assert execution.step("P").status == "Failed"


CANARY_TRAIN = """
(base / "checkpoints/checkpoint-3").mkdir()
(base / "checkpoints/checkpoint-3/weights").write_text("w" * 100)
(base / "checkpoints/checkpoint-3/seal.json").write_text(json.dumps({"weights": 100}))
"""
CANARY_RESUME = """
found = base / "checkpoints/checkpoint-3"
whole = (found / "weights").is_file() and (found / "weights").stat().st_size == 100
if not whole:
    (base / "output/failure").write_text("checkpoint-3 did not arrive whole")
    sys.exit(1)
"""


def canaries(bench: Bench) -> str:
    return definition(
        training("CanaryTrain", bench.program("ct", CANARY_TRAIN), arguments=checkpoints()),
        training(
            "CanaryResume", bench.program("cr", CANARY_RESUME), arguments=checkpoints(), DependsOn=["CanaryTrain"]
        ),
    )


def test_one_jobs_checkpoint_reaches_the_next_job(bench: Bench) -> None:
    assert bench.run(canaries(bench)).status == "Succeeded"


def test_a_checkpoint_that_did_not_arrive_whole_fails_the_next_job(bench: Bench) -> None:
    def lose_weights(source: Path, target: Path) -> None:
        if source.name != "weights":
            shutil.copyfile(source, target)

    execution = bench.run(canaries(bench), copy_checkpoint=lose_weights)
    assert execution.step("CanaryTrain").status == "Succeeded"
    assert execution.failure_reason == "step CanaryResume failed: checkpoint-3 did not arrive whole"
