"""`asusu resume` and `stop`: the same execution gone on with, a new one from a checkpoint, the end of a running one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit.aws.executions.conftest import CORPUS, DONE, MODEL, Plant, step
from tests.unit.aws.executions.sealed import store_checkpoint

Asusu = Callable[..., tuple[int, str, str]]
FAILED = step("TrainLora", "Failed", FailureReason="CapacityError: no ml.g5.xlarge", minutes=25)
INPUTS = {"CorpusUri": CORPUS, "BaseModelUri": MODEL}


@pytest.mark.parametrize("status", ["Failed", "Stopped"])
def test_the_newest_unfinished_execution_is_retried_in_place(plant: Plant, asusu: Asusu, status: str) -> None:
    ended = plant.begun(status, *DONE, FAILED)
    code, said, _ = asusu("resume")
    assert code == 0
    (request,) = plant.requests("retry_pipeline_execution")
    assert request["PipelineExecutionArn"] == plant.arn(ended)
    assert request["ClientRequestToken"] in said
    assert plant.requests("start_pipeline_execution") == []
    assert f"watch {ended} --env production" in said


@pytest.mark.parametrize(("status", "says"), [("Succeeded", "has succeeded"), ("Executing", "has not ended")])
def test_an_old_failure_is_not_retried_behind_a_newer_run(plant: Plant, asusu: Asusu, status: str, says: str) -> None:
    older = plant.begun("Failed", *DONE, FAILED)
    newer = plant.begun(status, *DONE)
    code, _, complaint = asusu("resume")
    assert (code, plant.requests("retry_pipeline_execution")) == (2, [])
    assert f"execution {newer} {says}" in complaint
    assert asusu("resume", older)[0] == 0


def test_an_execution_can_be_named_by_its_arn(plant: Plant, asusu: Asusu) -> None:
    older = plant.begun("Failed", *DONE, FAILED)
    plant.begun("Failed", *DONE, FAILED)
    assert asusu("resume", plant.arn(older))[0] == 0
    assert plant.requests("retry_pipeline_execution")[0]["PipelineExecutionArn"] == plant.arn(older)


@pytest.mark.parametrize(
    ("status", "steps", "says"),
    [
        ("Executing", DONE, "has not ended"),
        ("Succeeded", DONE, "has succeeded"),
        (
            "Failed",
            [
                *DONE,
                step("RejectModel", "Failed", kind="", Metadata={"Fail": {"ErrorMessage": "Model refused: too bad"}}),
            ],
            "was refused by the gate, and would be again",
        ),
    ],
)
def test_an_execution_that_cannot_be_gone_on_with_is_refused(
    plant: Plant, asusu: Asusu, status: str, steps: list[dict[str, object]], says: str
) -> None:
    code, _, complaint = asusu("resume", plant.begun(status, *steps))
    assert (code, plant.requests("retry_pipeline_execution")) == (2, [])
    assert says in complaint


def test_other_parameters_for_the_same_execution_are_refused(plant: Plant, asusu: Asusu) -> None:
    plant.begun("Failed", *DONE, FAILED)
    code, _, complaint = asusu("resume", "--param", "LearningRate=0.0001")
    assert (code, plant.asked) == (2, [])
    assert "keeps its parameters" in complaint


@pytest.mark.parametrize("by", ["id", "ARN"])
def test_a_new_execution_goes_on_from_a_sealed_checkpoint_and_takes_over_the_rest(
    plant: Plant, asusu: Asusu, by: str
) -> None:
    ended = plant.begun("Failed", *DONE, FAILED, **INPUTS, Seed="5")
    store_checkpoint(plant, ended, 500)
    named = plant.arn(ended) if by == "ARN" else ended
    code, _, complaint = asusu("resume", "--checkpoint", f"{named}/checkpoint-500")
    assert (code, complaint) == (0, "")
    (request,) = plant.requests("start_pipeline_execution")
    given = {row["Name"]: row["Value"] for row in request["PipelineParameters"]}
    assert given == {**INPUTS, "Seed": "5", "ResumeFrom": f"{ended}/checkpoint-500"}
    selected = [row["StepName"] for row in request["SelectiveExecutionConfig"]["SelectedSteps"]]
    assert selected[0] == "TrainLora"
    assert request["SelectiveExecutionConfig"]["SourcePipelineExecutionArn"] == plant.arn(ended)


def test_of_a_stopped_execution_nothing_can_be_taken_over_so_all_steps_run(plant: Plant, asusu: Asusu) -> None:
    ended = plant.begun("Stopped", *DONE, step("TrainLora", "Stopped"), **INPUTS)
    store_checkpoint(plant, ended, 500)
    assert asusu("resume", "--checkpoint", ended)[0] == 0
    (request,) = plant.requests("start_pipeline_execution")
    assert "SelectiveExecutionConfig" not in request
    assert {"Name": "ResumeFrom", "Value": ended} in request["PipelineParameters"]


@pytest.mark.parametrize("sealed", [True, False])
def test_a_checkpoint_that_is_not_there_or_not_sealed_is_refused(plant: Plant, asusu: Asusu, sealed: bool) -> None:
    ended = plant.begun("Failed", *DONE, FAILED, **INPUTS)
    store_checkpoint(plant, ended, 400 if sealed else 500, sealed=sealed)
    code, _, complaint = asusu("resume", "--checkpoint", f"{ended}/checkpoint-500")
    assert (code, plant.requests("start_pipeline_execution")) == (2, [])
    assert f"no sealed checkpoint checkpoint-500 of execution {ended} lies in S3" in complaint


def test_from_the_end_of_a_complete_training_nothing_is_trained_again_unless_a_value_is_another(
    plant: Plant, asusu: Asusu
) -> None:
    ended = plant.begun("Succeeded", *DONE, step("TrainLora"), **INPUTS, MaxTrainingHours="1")
    store_checkpoint(plant, ended, 500)
    for same in ((), ("--param", "MaxTrainingHours=1")):
        code, _, complaint = asusu("resume", "--checkpoint", ended, *same)
        assert (code, plant.requests("start_pipeline_execution")) == (2, [])
        assert f"the training of execution {ended} is complete" in complaint
    offered = f"asusu start --from EvaluateModel --source {ended} --env production"
    assert offered in complaint
    assert asusu(*offered.split()[1:])[0] == 0
    plant.asked.clear()
    assert asusu("resume", "--checkpoint", ended, "--param", "MaxTrainingHours=2")[0] == 0
    assert plant.requests("start_pipeline_execution")


def test_of_a_run_that_was_stopped_after_its_training_the_rest_is_offered(plant: Plant, asusu: Asusu) -> None:
    """It cannot be a source."""
    ended = plant.begun("Stopped", *DONE, step("TrainLora"), step("EvaluateModel", "Stopped"), **INPUTS)
    store_checkpoint(plant, ended, 500)
    assert f"next: asusu resume {ended} --env production" in asusu("resume", "--checkpoint", ended)[2]


def test_the_canaries_checkpoint_is_not_one_to_go_on_from(plant: Plant, asusu: Asusu) -> None:
    ended = plant.begun("Failed", *DONE, FAILED, **INPUTS)
    store_checkpoint(plant, ended, 12, prefix="canary-checkpoints")
    code, _, complaint = asusu("resume", "--checkpoint", ended)
    assert (code, plant.requests("start_pipeline_execution")) == (2, [])
    assert "no sealed checkpoint" in complaint


def test_the_one_running_execution_is_stopped(plant: Plant, asusu: Asusu) -> None:
    plant.begun("Failed", FAILED)
    running = plant.begun("Executing", step("Preflight", "Executing", kind="ProcessingJob"))
    plant.begun("Succeeded")
    code, said, _ = asusu("stop")
    assert code == 0
    (request,) = plant.requests("stop_pipeline_execution")
    assert request["PipelineExecutionArn"] == plant.arn(running)
    assert f"resume {running} --env production" in said


def test_of_several_running_executions_one_must_be_named(plant: Plant, asusu: Asusu) -> None:
    first, second = plant.begun(), plant.begun()
    code, _, complaint = asusu("stop")
    assert (code, plant.requests("stop_pipeline_execution")) == (2, [])
    assert first in complaint
    assert second in complaint
    assert asusu("stop", first)[0] == 0


def test_an_execution_that_is_being_stopped_is_not_stopped_again(plant: Plant, asusu: Asusu) -> None:
    stopping = plant.begun("Stopping", *DONE)
    code, said, _ = asusu("stop")
    assert (code, plant.requests("stop_pipeline_execution")) == (0, [])
    assert f"{stopping} is stopping already" in said


def test_an_ended_execution_is_not_stopped(plant: Plant, asusu: Asusu) -> None:
    ended = plant.begun("Succeeded", *DONE)
    code, _, complaint = asusu("stop", ended)
    assert (code, plant.requests("stop_pipeline_execution")) == (2, [])
    assert f"execution {ended} has ended already: Succeeded" in complaint


@pytest.mark.parametrize("verb", ["resume", "stop", "watch", "explain", "checkpoints"])
@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("abcdefghijkl", "asusu-igbo has no execution abcdefghijkl"),
        ("no such thing", "neither an execution's id nor its ARN"),
        (
            "arn:aws:sagemaker:us-east-1:123456789012:pipeline/asusu-en-sw/execution/abcdefghijkl",
            "is not an execution of arn:aws:sagemaker:us-east-1:123456789012:pipeline/asusu-igbo",
        ),
    ],
)
def test_an_execution_that_is_not_of_this_pipeline_is_refused(
    plant: Plant, asusu: Asusu, verb: str, reference: str, says: str
) -> None:
    code, _, complaint = asusu(verb, reference)
    assert (code, plant.requests(f"{verb}_pipeline_execution")) == (2, [])
    assert says in complaint


@pytest.mark.parametrize("verb", ["start", "resume", "stop", "watch", "runs"])
def test_without_credentials_the_verbs_say_how_to_get_some(
    asusu: Asusu, monkeypatch: pytest.MonkeyPatch, tmp_path: object, verb: str
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", f"{tmp_path}/none")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", f"{tmp_path}/none")
    code, _, complaint = asusu(verb)
    assert code == 2
    assert "there are no usable AWS credentials" in complaint
    assert "aws sso login" in complaint
