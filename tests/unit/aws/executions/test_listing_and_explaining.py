"""`asusu runs`, `explain` and `checkpoints` of an account."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline import settings
from pipeline.aws import logs
from pipeline.errors import AsusuError
from tests.unit.aws.executions.conftest import BEGAN, BUCKET, CORPUS, DONE, MODEL, NAME, Plant, step
from tests.unit.aws.executions.sealed import store_checkpoint

Asusu = Callable[..., tuple[int, str, str]]
QUOTA = (
    "ClientError: Failed to invoke sagemaker:CreateTrainingJob. Error Details: The account-level service limit "
    "'ml.g5.xlarge for training job usage' is 0 Instances, with current utilization of 0 Instances and a request delta "
    "of 1 Instances. Please use AWS Service Quotas to request an increase for this quota."
)


def explained(asusu: Asusu, *arguments: str) -> dict[str, Any]:
    code, said, complaint = asusu("explain", *arguments, "--json")
    assert (code, complaint) == (0, "")
    found: dict[str, Any] = json.loads(said)
    return found


def test_runs_lists_every_execution_with_its_reason(plant: Plant, asusu: Asusu) -> None:
    failed = plant.begun("Failed", reason="Step failure: TrainLora")
    running = plant.begun("Executing")
    code, said, _ = asusu("runs")
    assert code == 0
    assert [failed in said, running in said, "Step failure: TrainLora" in said] == [True, True, True]
    listed = json.loads(asusu("runs", "--json")[1])
    assert {row["execution"]: row["status"] for row in listed} == {failed: "Failed", running: "Executing"}
    assert listed[0]["arn"].startswith(f"arn:aws:sagemaker:us-east-1:123456789012:pipeline/{NAME}/execution/")


def test_runs_tells_how_long_each_took_and_a_refusal_from_a_failure(plant: Plant, asusu: Asusu) -> None:
    """Neither is in the list that the service gives."""
    rejected = step("RejectModel", "Failed", kind="", minutes=25, Metadata={"Fail": {"ErrorMessage": "Model refused"}})
    refused = plant.begun("Failed", *DONE, rejected, reason="Model refused")
    failed = plant.begun("Failed", *DONE, step("TrainLora", "Failed", minutes=55))
    running = plant.begun("Executing", *DONE)
    listed = {row["execution"]: row for row in json.loads(asusu("runs", "--json")[1])}
    assert {name: row["refused"] for name, row in listed.items()} == {refused: True, failed: False, running: False}
    ends = {refused: BEGAN + timedelta(minutes=30), failed: BEGAN + timedelta(minutes=60), running: None}
    assert {name: row["ended"] for name, row in listed.items()} == {
        name: end and end.timestamp() for name, end in ends.items()
    }
    assert "refused by the gate" in asusu("runs")[1]


def test_a_pipeline_that_never_ran_says_how_to_start_it(plant: Plant, asusu: Asusu) -> None:
    code, said, _ = asusu("runs")
    assert code == 0
    assert "asusu-igbo has not run in us-east-1" in said
    assert "start --env production --param CorpusUri=... --param BaseModelUri=..." in said


def test_a_zero_quota_is_explained_by_its_name(plant: Plant, asusu: Asusu) -> None:
    failed = plant.begun("Failed", *DONE, step("TrainLora", "Failed", kind="", FailureReason=QUOTA))
    found = explained(asusu)
    assert (found["step"], found["kind"]) == ("TrainLora", "quota")
    assert found["cause"] == "the account's quota `ml.g5.xlarge for training job usage` is 0, and this step needs more"
    assert any(f"resume {failed} --env production" in line for line in found["next"])


def test_a_processing_step_is_explained_by_its_exit_message_not_by_see_the_logs(plant: Plant, asusu: Asusu) -> None:
    reason = "AlgorithmError: See job logs for more information"
    plant.begun("Failed", step("Preflight", "Failed", kind="ProcessingJob", FailureReason=reason))
    plant.jobs["job-Preflight"] = {
        "ProcessingJobStatus": "Failed",
        "ExitMessage": "Parameters refused: Epochs=0 is out of range",
        "FailureReason": reason,
    }
    found = explained(asusu)
    assert found["kind"] == "refused by Preflight"
    assert found["said"] == "Parameters refused: Epochs=0 is out of range"


def test_the_log_shows_what_the_service_does_not_say(plant: Plant, asusu: Asusu) -> None:
    plant.begun("Failed", *DONE[:3], step("CanaryTrain", "Failed", FailureReason="AlgorithmError: , exit code: 1"))
    plant.jobs["job-CanaryTrain"] = {"SecondaryStatus": "Failed", "FailureReason": "AlgorithmError: , exit code: 1"}
    plant.log(
        "job-CanaryTrain",
        '{"event": "progress", "done": 3, "total": 12, "unit": "steps"}',
        "Traceback (most recent call last):",
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB.",
    )
    found = explained(asusu)
    assert found["kind"] == "GPU memory"
    assert found["lines"][-1].startswith("torch.OutOfMemoryError")
    assert not any("progress" in line for line in found["lines"])


def test_a_job_that_the_platform_ended_is_explained_by_its_secondary_status(plant: Plant, asusu: Asusu) -> None:
    stopped = plant.begun("Failed", *DONE, step("TrainLora", "Stopped"))
    plant.jobs["job-TrainLora"] = {"SecondaryStatus": "MaxRuntimeExceeded", "TrainingJobStatus": "Stopped"}
    found = explained(asusu)
    assert found["kind"] == "time limit"
    assert f"checkpoints {stopped} --env production" in found["next"][0]


def test_a_refusal_by_the_gate_is_no_failure_and_is_not_retried(plant: Plant, asusu: Asusu) -> None:
    rejected = step("RejectModel", "Failed", kind="", Metadata={"Fail": {"ErrorMessage": "Model refused: chrF++ 1.2"}})
    plant.begun("Failed", *DONE, rejected, reason="Model refused: chrF++ 1.2")
    found = explained(asusu)
    assert (found["kind"], found["outcome"]) == ("refused by the gate", "refused by the gate")
    assert found["said"] == "Model refused: chrF++ 1.2"
    assert not any("resume" in line for line in found["next"])


def test_a_run_that_goes_on_or_went_well_is_said_to(plant: Plant, asusu: Asusu) -> None:
    running = plant.begun("Executing", step("Preflight", "Executing", kind="ProcessingJob"))
    assert explained(asusu, running)["kind"] == "running"
    package = f"arn:aws:sagemaker:us-east-1:123456789012:model-package/{NAME}/3"
    registered = step("RegisterModel", kind="", Metadata={"RegisterModel": {"Arn": package}})
    found = explained(asusu, plant.begun("Succeeded", *DONE, registered))
    assert (found["kind"], found["cause"]) == ("succeeded", f"it registered {package}")


def test_without_a_name_the_newest_that_did_not_succeed_is_explained(plant: Plant, asusu: Asusu) -> None:
    failed = plant.begun("Failed", *DONE, step("TrainLora", "Failed", FailureReason="InternalServerError: try again"))
    plant.begun("Succeeded", *DONE)
    assert explained(asusu)["execution"] == failed


def test_a_log_that_may_not_be_read_is_said_and_the_rest_is_explained(
    plant: Plant, asusu: Asusu, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant.begun("Failed", *DONE, step("TrainLora", "Failed", FailureReason="CapacityError: none"))

    def denied(*arguments: object) -> list[logs.Line]:
        raise AsusuError("you are not allowed to call DescribeLogStreams")

    monkeypatch.setattr(logs, "tail", denied)
    code, said, _ = asusu("explain")
    assert code == 0
    assert "cause:  AWS has no free machine" in said
    assert "log:    not read, you are not allowed to call DescribeLogStreams" in said


def test_what_a_log_says_cannot_command_the_terminal(plant: Plant, asusu: Asusu) -> None:
    plant.begun("Failed", step("PrepareCorpus", "Failed", kind="ProcessingJob", FailureReason="bad \x1b[2J corpus"))
    plant.log("job-PrepareCorpus", "evil \x1b]0;title\x07 line", kind="Processing")
    assert "\x1b" not in asusu("explain")[1]


def test_of_several_streams_the_first_host_and_the_last_start_are_read(plant: Plant) -> None:
    plant.begun("Executing", step("TrainLora", "Executing"))
    plant.log("job-TrainLora", "first start", stream="algo-1-100")
    plant.log("job-TrainLora", "other host", stream="algo-2-300")
    plant.log("job-TrainLora", "second start", stream="algo-1-200")
    plant.log("job-TrainLora-2", "another job", stream="algo-1-900")
    record = plant.executions.run(plant.executions.listed()[0].arn).steps[0]
    assert [line.text for line in logs.tail(plant.account, record, 5)] == ["second start"]


def test_only_the_end_of_a_log_is_read(plant: Plant) -> None:
    plant.begun("Executing", step("TrainLora", "Executing"))
    plant.log("job-TrainLora", *[f"line {number}" for number in range(50)], every=1)
    record = plant.executions.run(plant.executions.listed()[0].arn).steps[0]
    assert [line.text for line in logs.tail(plant.account, record, 3)] == ["line 47", "line 48", "line 49"]


def test_checkpoints_tell_sealed_from_unsealed_and_damaged(plant: Plant, asusu: Asusu) -> None:
    run = plant.begun("Failed", *DONE, step("TrainLora", "Failed"))
    store_checkpoint(plant, run, 12, prefix="canary-checkpoints")
    store_checkpoint(plant, run, 100, loss=1.5)
    cut = store_checkpoint(plant, run, 200)
    plant.account.s3.put_object(Bucket=BUCKET, Key=f"{cut}/optimizer.pt", Body=b"cut")
    store_checkpoint(plant, run, 1000, sealed=False)
    store_checkpoint(plant, "another", 700)
    code, said, _ = asusu("checkpoints", "--json")
    found = json.loads(said)
    assert (code, found["execution"]) == (1, run)
    assert [(row["name"], row["state"], row["steps"][-1]) for row in found["checkpoints"]] == [
        ("checkpoint-12", "sealed", "CanaryResume"),
        ("checkpoint-100", "sealed", "TrainLora"),
        ("checkpoint-200", "damaged", "TrainLora"),
        ("checkpoint-1000", "unsealed", "TrainLora"),
    ]
    assert found["checkpoints"][2]["problem"] == "optimizer.pt has 3 bytes instead of 7"
    assert found["checkpoints"][1]["loss"] == 1.5
    code, said, _ = asusu("checkpoints", run)
    assert code == 1
    assert f"the newest sealed one is checkpoint-100 of TrainLora; next: asusu resume {run} --env production" in said


PACKAGE = f"arn:aws:sagemaker:us-east-1:123456789012:model-package/{NAME}/3"
REGISTERED = step("RegisterModel", kind="", Metadata={"RegisterModel": {"Arn": PACKAGE}})
REFUSED = step("RejectModel", "Failed", kind="", Metadata={"Fail": {"ErrorMessage": "Model refused"}})
UNTRAINED = step("TrainLora", "Failed")


@pytest.mark.parametrize(
    ("status", "steps", "sealed", "says"),
    [
        (
            "Executing",
            [step("TrainLora", "Executing")],
            100,
            "one is checkpoint-100 of TrainLora; next: asusu watch RUN",
        ),
        ("Stopped", [step("TrainLora", "Stopped")], 100, "one is checkpoint-100 of TrainLora; next: asusu resume RUN"),
        ("Failed", [UNTRAINED], 0, "TrainLora has no sealed one; next: asusu explain RUN"),
        ("Failed", [step("TrainLora"), step("EvaluateModel", "Failed")], 100, "is complete; next: asusu resume RUN"),
        ("Failed", [step("TrainLora"), REFUSED], 100, "whose training is complete; next: asusu explain RUN"),
        ("Succeeded", [step("TrainLora"), REGISTERED], 100, "whose training is complete; next: asusu packages"),
    ],
)
def test_a_resume_is_offered_where_it_trains_on_and_nowhere_else(
    plant: Plant, asusu: Asusu, status: str, steps: list[dict[str, Any]], sealed: int, says: str
) -> None:
    run = plant.begun(status, *DONE, *steps)
    store_checkpoint(plant, run, 16, prefix="canary-checkpoints")
    if sealed:
        store_checkpoint(plant, run, sealed)
    said = asusu("checkpoints")[1]
    assert f"{says.replace('RUN', run)} --env production\n" in said


def test_after_the_canaries_alone_the_whole_run_is_offered_with_their_parameters(plant: Plant, asusu: Asusu) -> None:
    given = ("--param", f"CorpusUri={CORPUS}", "--param", f"BaseModelUri={MODEL}", "--param", "Epochs=0.5")
    assert asusu("start", "--canary-only", *given)[0] == 0
    run = plant.executions.listed()[0].execution_id
    plant.becomes(run, "Succeeded", "", *DONE)
    store_checkpoint(plant, run, 16, prefix="canary-checkpoints")
    whole = f"asusu start --env production {' '.join(given)}"
    assert f"TrainLora has no sealed one; next: {whole}\n" in asusu("checkpoints")[1]
    said = asusu("watch", run)[1]
    assert f"next:   {whole}\n" in said
    plant.asked.clear()
    assert typed(asusu, whole) == 0
    assert "SelectiveExecutionConfig" not in plant.requests("start_pipeline_execution")[0]


def test_a_run_without_checkpoints_says_so(plant: Plant, asusu: Asusu) -> None:
    run = plant.begun("Executing")
    code, said, _ = asusu("checkpoints")
    assert (code, said) == (0, f"no checkpoint of {run} is stored\n")


def typed(asusu: Asusu, line: str) -> int:
    """The exit code of a command as it was printed."""
    return asusu(*shlex.split(line[line.index("asusu ") :])[1:])[0]


def test_a_start_is_printed_as_it_can_be_typed(plant: Plant, asusu: Asusu) -> None:
    reason = "AlgorithmError: data/a.tsv is damaged, exit code: 1"
    failing = step("PrepareCorpus", "Failed", kind="ProcessingJob", FailureReason=reason)
    given = {"CorpusUri": CORPUS, "BaseModelUri": MODEL, "Epochs": "0.5", "Seed": "17"}  # 17 is the default
    failed = plant.begun("Failed", DONE[0], failing, **given)
    in_place, anew = explained(asusu)["next"]
    assert in_place == f"corrected in place: asusu resume {failed} --env production"
    assert anew.endswith(
        f"asusu start --env production --param CorpusUri={CORPUS} --param BaseModelUri={MODEL} --param Epochs=0.5"
    )
    assert typed(asusu, anew) == 0


def test_on_day_six_the_commands_keep_what_was_trained(plant: Plant, asusu: Asusu) -> None:
    killed = step("TrainLora", "Failed", FailureReason="AlgorithmError: , exit code: 137")
    failed = plant.begun("Failed", *DONE, killed, CorpusUri=CORPUS, BaseModelUri=MODEL)
    store_checkpoint(plant, failed, 500)
    first, second = explained(asusu)["next"]
    assert first.startswith(f"asusu resume {failed} --env production goes on")
    assert typed(asusu, second.replace("=...", "=ml.g5.2xlarge")) == 0
    (request,) = plant.requests("start_pipeline_execution")
    assert {"Name": "ResumeFrom", "Value": failed} in request["PipelineParameters"]
    diverged = step("TrainLora", "Failed", FailureReason="AlgorithmError: loss nan: training has diverged")
    failed = plant.begun("Failed", *DONE, diverged, CorpusUri=CORPUS, BaseModelUri=MODEL)
    assert typed(asusu, explained(asusu)["next"][0].replace("=...", "=0.0001")) == 0
    (request,) = plant.requests("start_pipeline_execution")
    assert request["SelectiveExecutionConfig"]["SourcePipelineExecutionArn"] == plant.arn(failed)


def test_before_the_first_checkpoint_is_sealed_another_machine_is_offered_without_one(
    plant: Plant, asusu: Asusu
) -> None:
    waiting = step("TrainLora", "Failed", FailureReason="CapacityError: none")
    failed = plant.begun("Failed", *DONE, waiting, CorpusUri=CORPUS, BaseModelUri=MODEL)
    store_checkpoint(plant, failed, 500, sealed=False)
    other = explained(asusu)["next"][1]
    assert f"asusu start --from TrainLora --source {failed} --env production" in other
    assert typed(asusu, other.replace("=...", "=ml.g5.2xlarge")) == 0


def test_a_long_reason_takes_one_line_of_a_table_and_keeps_its_place_in_an_explanation(
    plant: Plant, asusu: Asusu
) -> None:
    reason = "Traceback:\n" + "\n".join(f"  line {number} of many" for number in range(60))
    plant.begun("Failed", step("PrepareCorpus", "Failed", kind="ProcessingJob", FailureReason=reason), reason=reason)
    said = asusu("runs")[1]
    assert "line 2 of many" in said
    assert "line 30 of many" not in said
    lines = asusu("explain")[1].splitlines()
    assert "            line 59 of many" in lines


def test_a_number_of_another_account_is_refused_where_the_environment_names_its_own(
    plant: Plant, asusu: Asusu, tmp_path: Path
) -> None:
    here = tmp_path / "here.yaml"
    chosen = settings.load("production", {"account": "123456789012"})
    here.write_text(yaml.safe_dump(chosen.model_dump(mode="json", exclude_defaults=True)), encoding="utf-8")
    assert asusu("runs", env=str(here))[0] == 0
    code, _, complaint = asusu("runs", env=str(here), account="999999999999")
    assert code == 2
    assert "of account 123456789012, and --account says 999999999999" in complaint
