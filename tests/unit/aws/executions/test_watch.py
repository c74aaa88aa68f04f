"""`asusu watch`: to the end, whatever the end, and through a network that breaks."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from rich.console import Console

from pipeline.aws import logs
from pipeline.cli.watch import Watching
from pipeline.errors import AsusuError, BadInput
from tests.unit.aws.executions.conftest import BEGAN, DONE, NAME, Plant, step

Asusu = Callable[..., tuple[int, str, str]]
PACKAGE = f"arn:aws:sagemaker:us-east-1:123456789012:model-package/{NAME}/3"
REGISTERED = step("RegisterModel", kind="", minutes=60, Metadata={"RegisterModel": {"Arn": PACKAGE}})
REJECTED = step("RejectModel", "Failed", kind="", Metadata={"Fail": {"ErrorMessage": "Model refused: chrF++ 1.2"}})


def progress(done: int, loss: float) -> str:
    return json.dumps({"event": "progress", "done": done, "total": 583, "unit": "steps", "loss": loss})


def follow(plant: Plant, execution_id: str, then: list[Callable[[], Any]]) -> tuple[Any, str, list[float]]:
    """Watch, one arranged change at every pause: the run as it ended, what was printed, and the pauses."""
    out, pauses = io.StringIO(), []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        then.pop(0)()

    console = Console(file=out, width=200)
    run = Watching(plant.executions, plant.arn(execution_id), console, every=1, sleep=pause).to_the_end()
    return run, out.getvalue(), pauses


@pytest.mark.parametrize(
    ("status", "steps", "code"),
    [
        ("Succeeded", [*DONE, REGISTERED], 0),
        ("Failed", [*DONE, step("TrainLora", "Failed", FailureReason="CapacityError: none")], 1),
        ("Stopped", [*DONE, step("TrainLora", "Stopped")], 1),
        ("CompletedWithFailures", [*DONE], 1),
        ("Failed", [*DONE, REJECTED], 4),
    ],
)
def test_the_exit_code_tells_the_outcome(
    plant: Plant, asusu: Asusu, status: str, steps: list[dict[str, Any]], code: int
) -> None:
    run = plant.begun(status, *steps)
    assert asusu("watch", run)[0] == code
    found, said, _ = asusu("watch", run, "--json")
    assert (found, json.loads(said)["status"]) == (code, status)


def test_the_end_says_what_was_registered_or_why_not(plant: Plant, asusu: Asusu) -> None:
    assert f"{PACKAGE}, waiting for approval" in asusu("watch", plant.begun("Succeeded", *DONE, REGISTERED))[1]
    failed = plant.begun("Failed", step("TrainLora", "Failed", FailureReason="CapacityError: none"))
    said = asusu("watch", failed)[1]
    assert "cause:  AWS has no free machine" in said
    assert f"resume {failed} --env production" in said


def test_every_change_is_one_line_and_a_run_is_followed_to_its_end(plant: Plant) -> None:
    run = plant.begun("Executing", *DONE, step("TrainLora", "Executing"))
    plant.log("job-Preflight", json.dumps({"event": "note", "text": "18 parameters fit"}), kind="Processing")
    plant.log("job-TrainLora", progress(0, 3.0), progress(10, 2.5), progress(20, 1.93), "noise")
    ended, printed, pauses = follow(
        plant,
        run,
        [
            lambda: None,
            lambda: plant.becomes(run, "Executing", "", *DONE, step("TrainLora"), step("EvaluateModel", "Executing")),
            lambda: plant.becomes(run, "Succeeded", "", *DONE, step("TrainLora"), step("EvaluateModel"), REGISTERED),
        ],
    )
    assert (ended.status, ended.package, pauses) == ("Succeeded", PACKAGE, [1, 1, 1])
    lines = printed.splitlines()
    assert [line for line in lines if line.startswith("▶")] == ["▶ TrainLora", "▶ EvaluateModel"]
    assert [line.split("  ")[0] for line in lines if line.startswith("✓")] == [
        *(f"✓ {name}" for name in ("Preflight", "PrepareCorpus", "TokenizeExamples", "CanaryTrain", "CanaryResume")),
        *(f"✓ {name}" for name in ("TrainLora", "EvaluateModel", "RegisterModel")),
    ]
    assert "✓ Preflight  5 min  18 parameters fit" in lines


def test_training_shows_its_loss_and_when_it_will_end(plant: Plant) -> None:
    run = plant.begun("Executing", step("TrainLora", "Executing"))
    plant.log("job-TrainLora", progress(0, 3.0), progress(10, 2.5), progress(20, 1.93))  # a minute apart
    _, printed, _ = follow(plant, run, [lambda: plant.becomes(run, "Stopped", "", step("TrainLora", "Stopped"))])
    assert printed.splitlines()[:2] == ["▶ TrainLora", "    TrainLora: 20/583 steps, loss 1.93, 56.3 min left"]


def test_of_a_step_that_has_ended_its_last_words_are_shown_also_when_they_come_late(plant: Plant) -> None:
    """And not how far it was when it was seen last."""
    run = plant.begun("Executing", step("CanaryTrain", "Executing"))
    plant.log("job-CanaryTrain", progress(4, 4.7), progress(5, 4.6))
    later = [step("CanaryTrain"), step("CanaryResume", "Executing")]
    note = json.dumps({"event": "note", "text": "the whole would take 3 hours"})
    _, printed, _ = follow(
        plant,
        run,
        [
            lambda: plant.becomes(run, "Executing", "", *later),
            lambda: None,
            lambda: plant.log("job-CanaryTrain", note, stream="algo-1-2"),
            lambda: None,
            lambda: plant.becomes(run, "Stopped", "", *later[:1]),
        ],
    )
    lines = [line for line in printed.splitlines() if "CanaryTrain" in line]
    assert lines[2:] == ["✓ CanaryTrain  5 min", "    CanaryTrain: the whole would take 3 hours"]


def test_a_step_without_last_words_is_not_asked_for_ever(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = logs.tail

    def counted(account: Any, record: Any, most: int) -> list[logs.Line]:
        asked.append(record.name)
        return real(account, record, most)

    monkeypatch.setattr(logs, "tail", counted)
    run = plant.begun("Executing", step("CanaryTrain"))
    follow(plant, run, [*[lambda: None] * 12, lambda: plant.becomes(run, "Stopped")])
    assert 1 < len(asked) < 6


def test_a_job_that_may_not_be_described_is_said_and_the_run_is_watched_all_the_same(
    plant: Plant, asusu: Asusu, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*arguments: object) -> logs.Job:
        raise AsusuError("you are not allowed to call DescribeTrainingJob")

    monkeypatch.setattr(logs, "describe_job", denied)
    run = plant.begun("Executing", step("TrainLora", "Executing"))
    _, printed, _ = follow(plant, run, [lambda: None, lambda: plant.becomes(run, "Succeeded")])
    assert printed.count("you are not allowed to call DescribeTrainingJob") == 1
    failed = plant.begun("Failed", step("TrainLora", "Failed", FailureReason="CapacityError: none"))
    plant.log("job-TrainLora", "the last line")
    for verb, code in (("watch", 1), ("explain", 0)):
        found, said, _ = asusu(verb, failed)
        assert found == code
        assert "cause:  AWS has no free machine" in said
        assert "log:    the last line" in said
        assert "job:    not described, you are not allowed to call DescribeTrainingJob" in said


def test_a_machine_that_is_still_awaited_is_said(plant: Plant) -> None:
    run = plant.begun("Executing", step("TrainLora", "Executing"))
    plant.jobs["job-TrainLora"] = {
        "SecondaryStatus": "Starting",
        "SecondaryStatusTransitions": [
            {"Status": "Starting", "StartTime": 1.0, "StatusMessage": "Insufficient capacity error, retrying!"}
        ],
    }
    _, printed, _ = follow(plant, run, [lambda: plant.becomes(run, "Succeeded")])
    assert "TrainLora: Starting: Insufficient capacity error, retrying!" in printed


def test_without_a_log_the_jobs_own_metrics_are_shown(plant: Plant) -> None:
    run = plant.begun("Executing", step("TrainLora", "Executing"))
    plant.jobs["job-TrainLora"] = {
        "SecondaryStatus": "Training",
        "FinalMetricDataList": [{"MetricName": "train:loss", "Value": 1.75, "Timestamp": 1.0}],
    }
    _, printed, _ = follow(plant, run, [lambda: plant.becomes(run, "Succeeded")])
    assert "TrainLora: loss 1.75" in printed


def breaking(plant: Plant, monkeypatch: pytest.MonkeyPatch, error: Exception, times: int) -> None:
    """DescribePipelineExecution fails so many times, as botocore raises it."""
    client, left = plant.account.sagemaker, [error] * times
    real = client.describe_pipeline_execution

    def describe(**request: Any) -> Any:
        if left:
            raise left.pop()
        return real(**request)

    monkeypatch.setattr(client, "describe_pipeline_execution", describe)


def service_error(client: Any, code: str) -> Exception:
    page = code.isdecimal()
    return client.exceptions.ClientError(
        {
            "Error": {"Code": code, "Message": "<html>Bad Gateway</html>" if page else "of the service"},
            "ResponseMetadata": {"HTTPStatusCode": int(code) if page else 400},
        },
        "DescribePipelineExecution",
    )


@pytest.mark.parametrize("kind", ["network", "ThrottlingException", "InternalFailure", "502"])
def test_a_break_is_said_once_and_waited_for_with_longer_and_longer_pauses(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    run = plant.begun("Succeeded", *DONE)
    client = plant.account.sagemaker
    error = EndpointConnectionError(endpoint_url="https://x") if kind == "network" else service_error(client, kind)
    breaking(plant, monkeypatch, error, times=3)
    ended, printed, pauses = follow(plant, run, [lambda: None] * 3)
    assert (ended.status, pauses) == ("Succeeded", [1, 2, 4])
    assert printed.count("no answer, trying on") == 1
    assert printed.count("connected again") == 1


@pytest.mark.parametrize(("code", "kind"), [("ExpiredTokenException", BadInput), ("AccessDeniedException", AsusuError)])
def test_what_only_a_person_can_mend_ends_the_watching(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, code: str, kind: type[AsusuError]
) -> None:
    run = plant.begun("Executing", *DONE)
    breaking(plant, monkeypatch, service_error(plant.account.sagemaker, code), times=1)
    with pytest.raises(kind):
        follow(plant, run, [])


def test_a_log_that_may_not_be_read_is_said_once_and_the_run_is_watched_all_the_same(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*arguments: object) -> list[logs.Line]:
        raise AsusuError("you are not allowed to call DescribeLogStreams")

    monkeypatch.setattr(logs, "tail", denied)
    run = plant.begun("Executing", *DONE, step("TrainLora", "Executing"))
    ended, printed, _ = follow(plant, run, [lambda: plant.becomes(run, "Succeeded", "", *DONE, step("TrainLora"))])
    assert ended.status == "Succeeded"
    assert printed.count("no progress is shown: you are not allowed to call DescribeLogStreams") == 1


def test_ctrl_c_leaves_the_run_alone_and_says_how_to_come_back(
    plant: Plant, asusu: Asusu, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupted)
    run = plant.begun("Executing", *DONE)
    code, _, complaint = asusu("watch", run)
    assert code == 130
    assert "the run goes on" in complaint
    assert f"watch {run} --env production" in complaint
    assert plant.requests("stop_pipeline_execution") == []


def test_the_clock_of_a_running_step_is_the_services_and_stands_still_between_two_looks(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step may have ended since the last look: it is never shown to run longer than it did."""
    run = plant.begun("Executing", step("CanaryResume", "Executing"))
    looked = (BEGAN + timedelta(seconds=17)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    client = plant.account.sagemaker
    client.meta.events.register_first("after-call.sagemaker.DescribePipelineExecution", _dated(looked), "dated")
    out = io.StringIO()
    console = Console(file=out, width=80, force_terminal=True)

    def pause(seconds: float) -> None:
        console.file.flush()
        plant.becomes(run, "Stopped")

    try:
        Watching(plant.executions, plant.arn(run), console, every=1, sleep=pause).to_the_end()
    finally:
        client.meta.events.unregister("after-call.sagemaker.DescribePipelineExecution", unique_id="dated")
    drawn = [line for line in out.getvalue().splitlines() if "CanaryResume" in line]
    assert "17 s" in drawn[-1]


def _dated(moment: str) -> Callable[..., None]:
    def answer(parsed: dict[str, Any], **_: object) -> None:
        parsed.setdefault("ResponseMetadata", {}).setdefault("HTTPHeaders", {})["date"] = moment

    return answer
