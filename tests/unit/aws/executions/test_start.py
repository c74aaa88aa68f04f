"""`asusu start`: what is sent to the service, and what is refused before anything is sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from pipeline.aws import manifests, session
from pipeline.aws.records import Record, Records
from pipeline.errors import AsusuError
from tests.unit.aws.executions.conftest import BUCKET, CORPUS, DONE, MODEL, NAME, Plant, step
from tests.unit.aws.executions.sealed import store_checkpoint

Asusu = Callable[..., tuple[int, str, str]]
INPUTS = ("--param", f"CorpusUri={CORPUS}", "--param", f"BaseModelUri={MODEL}")
BIG = f"s3://{BUCKET}/corpora/big"


def sent(plant: Plant) -> dict[str, object]:
    """The one request for a start."""
    (request,) = plant.requests("start_pipeline_execution")
    return request


def test_a_start_sends_the_parameters_and_says_the_token_the_plan_and_what_comes_next(
    plant: Plant, asusu: Asusu
) -> None:
    code, said, _ = asusu("start", *INPUTS, "--param", "Epochs=0.5", "--name", "friday")
    assert code == 0
    request = sent(plant)
    given = {row["Name"]: row["Value"] for row in request["PipelineParameters"]}
    assert given == {"CorpusUri": CORPUS, "BaseModelUri": MODEL, "Epochs": "0.5"}
    assert request["PipelineExecutionDisplayName"] == "friday"
    assert "SelectiveExecutionConfig" not in request
    assert str(request["ClientRequestToken"]) in said
    assert "of 21.3 GiB" in said
    execution = plant.executions.listed()[0].execution_id
    assert f"started {NAME}: execution {execution}" in said
    assert f"watch {execution} --env production" in said


def test_a_given_token_is_sent_as_it_is_so_that_a_repeated_command_starts_nothing_twice(
    plant: Plant, asusu: Asusu
) -> None:
    token = "release-2026-11-21-attempt-000001"
    assert asusu("start", *INPUTS, "--token", token)[0] == 0
    assert sent(plant)["ClientRequestToken"] == token


def test_a_repeated_token_says_that_nothing_new_began_and_refuses_other_values(plant: Plant, asusu: Asusu) -> None:
    token = ("--token", "release-2026-11-21-attempt-000001")
    assert "started asusu-igbo:" in asusu("start", *INPUTS, "--param", "MaxSteps=50", *token)[1]
    plant.steps[plant.executions.listed()[0].arn] = []
    code, said, _ = asusu("start", *INPUTS, "--param", "MaxSteps=50", "--param", "Epochs=1", *token)  # Epochs' default
    assert code == 0
    assert "asusu-igbo had been started already: execution" in said
    code, said, complaint = asusu("start", *INPUTS, "--param", "MaxSteps=60", *token)
    assert (code, said, len(plant.executions.listed())) == (2, "", 1)
    assert "already, with MaxSteps=50 instead of 60: nothing was started" in complaint


def test_a_start_from_a_checkpoint_that_is_not_there_is_refused_before_the_canaries_are_paid(
    plant: Plant, asusu: Asusu
) -> None:
    code, _, complaint = asusu("start", *INPUTS, "--param", "ResumeFrom=nonesuch")
    assert (code, plant.asked) == (2, [])
    assert "asusu-igbo has no execution nonesuch" in complaint
    earlier = plant.begun("Failed", *DONE)
    store_checkpoint(plant, earlier, 500, sealed=False)
    code, _, complaint = asusu("start", *INPUTS, "--param", f"ResumeFrom={earlier}/checkpoint-500")
    assert (code, plant.requests("start_pipeline_execution")) == (2, [])
    assert f"no sealed checkpoint checkpoint-500 of execution {earlier} lies in S3" in complaint
    store_checkpoint(plant, earlier, 500)
    assert asusu("start", *INPUTS, "--param", f"ResumeFrom={earlier}/checkpoint-500")[0] == 0


@pytest.mark.parametrize("token", ["short", "x" * 129, "with a blank" + 30 * "x"])
def test_a_token_that_the_service_would_refuse_is_refused(plant: Plant, asusu: Asusu, token: str) -> None:
    code, _, complaint = asusu("start", *INPUTS, "--token", token)
    assert (code, plant.asked) == (2, [])
    assert "32 to 128 characters" in complaint


@pytest.mark.parametrize("name", ["-friday", "friday night", "f" * 83])
def test_a_display_name_that_the_service_would_refuse_is_refused(plant: Plant, asusu: Asusu, name: str) -> None:
    code, _, complaint = asusu("start", *INPUTS, f"--name={name}")
    assert (code, plant.asked) == (2, [])
    assert "display name" in complaint


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("--param", "Epochs=-1"), "Epochs=-1 is out of range; allowed: 0.01 to 100 epochs"),
        (("--param", "Epoch=1"), "unknown parameter 'Epoch'"),
        (("--param", "PackLength=1000"), "TokensPerStep=4096 is not a multiple of PackLength=1000"),
    ],
)
def test_parameters_that_cannot_work_are_refused(plant: Plant, asusu: Asusu, given: tuple[str, ...], says: str) -> None:
    code, _, complaint = asusu("start", *INPUTS, *given)
    assert (code, plant.asked) == (2, [])
    assert says in complaint


def test_a_start_without_its_inputs_says_which_and_how_to_get_them(plant: Plant, asusu: Asusu) -> None:
    code, _, complaint = asusu("start", "--param", f"BaseModelUri={MODEL}")
    assert (code, plant.asked) == (2, [])
    assert "CorpusUri must be given" in complaint
    assert "asusu publish" in complaint


def test_a_parameter_that_the_deployed_pipeline_does_not_know_is_refused(plant: Plant, asusu: Asusu) -> None:
    older = json.loads(plant.executions.deployed["PipelineDefinition"])
    older["Parameters"] = [row for row in older["Parameters"] if row["Name"] != "MaxBrokenShare"]
    plant.account.sagemaker.update_pipeline(PipelineName=NAME, PipelineDefinition=json.dumps(older))
    code, _, complaint = asusu("start", *INPUTS, "--param", "MaxBrokenShare=0.1")
    assert (code, plant.asked) == (2, [])
    assert "MaxBrokenShare is not a parameter" in complaint


def test_a_start_while_the_plan_is_refused_says_every_reason(plant: Plant, asusu: Asusu) -> None:
    plant.publish(5_000_000, BIG)
    code, said, complaint = asusu("start", "--param", f"CorpusUri={BIG}", "--param", f"BaseModelUri={MODEL}")
    assert (code, said, plant.asked) == (4, "", [])
    assert "the plan is refused, nothing was started" in complaint
    for reason in ("MaxTrainingHours is 24", "MaxRuntime", "MaxCostUsd is 100"):
        assert reason in complaint


def _change_training(plant: Plant, argument: str, **values: object) -> None:
    """Deploy a definition whose long training is told something else."""
    changed = json.loads(plant.executions.deployed["PipelineDefinition"])
    (training,) = [row for row in changed["Steps"] if row["Name"] == "TrainLora"]
    training["Arguments"][argument].update(values)
    plant.account.sagemaker.update_pipeline(PipelineName=NAME, PipelineDefinition=json.dumps(changed))


def test_the_plan_is_judged_by_the_limits_that_are_deployed(plant: Plant, asusu: Asusu) -> None:
    _change_training(plant, "StoppingCondition", MaxRuntimeInSeconds=3600)
    code, _, complaint = asusu("start", *INPUTS)
    assert (code, plant.asked) == (4, [])
    assert "the platform ends the job after 1 hours" in complaint


def test_a_corpus_that_nobody_published_is_refused(plant: Plant, asusu: Asusu) -> None:
    code, _, complaint = asusu("start", "--param", f"CorpusUri={BIG}", "--param", f"BaseModelUri={MODEL}")
    assert (code, plant.asked) == (2, [])
    assert f"nothing is published at {BIG}" in complaint


def test_a_plan_whose_numbers_are_unknown_is_started_and_said_not_to_be_judged(plant: Plant, asusu: Asusu) -> None:
    _change_training(plant, "HyperParameters", Levers="unheard of")
    code, said, _ = asusu("start", *INPUTS)
    assert code == 0
    assert len(plant.requests("start_pipeline_execution")) == 1
    assert "note:   the plan was not judged, Preflight will: the deployed definition does not tell enough" in said


def test_a_plan_whose_manifests_may_not_be_read_is_started_and_said_not_to_be_judged(
    plant: Plant, asusu: Asusu, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*arguments: object) -> None:
        raise AsusuError("you are not allowed to call GetObject")

    monkeypatch.setattr(manifests, "manifest_at", denied)
    code, said, _ = asusu("start", *INPUTS)
    assert (code, len(plant.requests("start_pipeline_execution"))) == (0, 1)
    assert "note:   the plan was not judged, Preflight will: you are not allowed to call GetObject" in said


@pytest.mark.parametrize(("body", "says"), [("{}", "Field required"), ("no JSON", "Invalid JSON")])
def test_a_manifest_that_is_none_is_refused(plant: Plant, asusu: Asusu, body: str, says: str) -> None:
    plant.account.s3.put_object(Bucket=BUCKET, Key="corpora/small/manifest.json", Body=body.encode())
    code, _, complaint = asusu("start", *INPUTS)
    assert (code, plant.asked) == (2, [])
    assert "manifest.json is not a manifest of this version" in complaint
    assert says in complaint


def _lose_answers(monkeypatch: pytest.MonkeyPatch, operation: str, error: BaseException) -> None:
    """The service does what a command asks of it, and the command gets this instead of the answer."""
    theirs = session.connect

    def lose(**_: object) -> None:
        raise error

    def connect(region: str | None) -> session.Account:
        account = theirs(region)
        account.sagemaker.meta.events.register(f"after-call.sagemaker.{operation}", lose)
        return account

    monkeypatch.setattr(session, "connect", connect)


CUT = ReadTimeoutError(endpoint_url="https://api.sagemaker.us-east-1.amazonaws.com")


@pytest.mark.parametrize(("error", "ends"), [(CUT, 1), (KeyboardInterrupt(), 130)])
def test_a_start_whose_answer_is_lost_says_the_token_that_keeps_it_from_being_paid_twice(
    plant: Plant, asusu: Asusu, monkeypatch: pytest.MonkeyPatch, error: BaseException, ends: int
) -> None:
    _lose_answers(monkeypatch, "StartPipelineExecution", error)
    code, said, complaint = asusu("start", *INPUTS)
    assert (code, said) == (ends, "")
    assert len(plant.executions.listed()) == 1
    token = sent(plant)["ClientRequestToken"]
    assert f"next: wait a minute, then repeat the same command with --token {token}: what has begun" in complaint
    assert complaint.count("repeat") == 1


def test_a_retry_whose_answer_is_lost_says_its_token(
    plant: Plant, asusu: Asusu, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant.begun("Failed", *DONE, step("TrainLora", "Failed"))
    _lose_answers(monkeypatch, "RetryPipelineExecution", CUT)
    code, _, complaint = asusu("resume")
    (request,) = plant.requests("retry_pipeline_execution")
    assert code == 1
    assert f"--token {request['ClientRequestToken']}" in complaint


def test_a_start_that_the_service_refuses_is_an_answer_and_needs_no_token(
    plant: Plant, asusu: Asusu, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}
    _lose_answers(monkeypatch, "StartPipelineExecution", ClientError(refusal, "StartPipelineExecution"))
    code, _, complaint = asusu("start", *INPUTS)
    assert code == 1
    assert "you are not allowed to call StartPipelineExecution" in complaint
    assert "--token" not in complaint


def test_the_canaries_alone_are_everything_up_to_the_second_and_take_over_nothing(plant: Plant, asusu: Asusu) -> None:
    assert asusu("start", *INPUTS, "--canary-only")[0] == 0
    selected = sent(plant)["SelectiveExecutionConfig"]
    names = ["Preflight", "PrepareCorpus", "TokenizeExamples", "CanaryTrain", "CanaryResume"]
    assert selected == {"SelectedSteps": [{"StepName": name} for name in names]}


def test_from_a_step_runs_it_and_those_after_it_with_the_parameters_of_the_source(plant: Plant, asusu: Asusu) -> None:
    source = plant.begun("Failed", *DONE, step("TrainLora", "Failed"), CorpusUri=CORPUS, BaseModelUri=MODEL, Seed="5")
    code, said, _ = asusu("start", "--from", "TrainLora", "--param", "Seed=6")
    assert code == 0
    request = sent(plant)
    names = ["TrainLora", "EvaluateModel", "CheckValidationLoss", "RegisterModel", "RejectModel"]
    assert sorted(row["StepName"] for row in request["SelectiveExecutionConfig"]["SelectedSteps"]) == sorted(names)
    assert request["SelectiveExecutionConfig"]["SourcePipelineExecutionArn"] == plant.arn(source)
    assert {row["Name"]: row["Value"] for row in request["PipelineParameters"]}["Seed"] == "6"
    assert f"reused: Preflight, PrepareCorpus, TokenizeExamples, CanaryTrain, CanaryResume of {source}" in said
    assert "Seed=6 comes too late for Preflight, PrepareCorpus" in said


def test_a_source_that_lacks_a_needed_result_is_refused(plant: Plant, asusu: Asusu) -> None:
    plant.begun("Failed", *DONE[:2], step("TokenizeExamples", "Failed"), CorpusUri=CORPUS, BaseModelUri=MODEL)
    code, _, complaint = asusu("start", "--from", "TrainLora")
    assert (code, plant.requests("start_pipeline_execution")) == (2, [])
    assert "has no result of TokenizeExamples, CanaryTrain, CanaryResume" in complaint
    assert "--from TokenizeExamples" in complaint


def test_a_source_that_was_stopped_is_refused_as_the_service_would(plant: Plant, asusu: Asusu) -> None:
    source = plant.begun("Stopped", *DONE, CorpusUri=CORPUS, BaseModelUri=MODEL)
    code, _, complaint = asusu("start", "--from", "TrainLora", "--source", source)
    assert (code, plant.requests("start_pipeline_execution")) == (2, [])
    assert f"execution {source} is Stopped" in complaint


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--from", "TrainLoar"), "has no step 'TrainLoar'"),
        (("--from", "RegisterModel"), "RegisterModel is a branch of CheckValidationLoss"),
        (("--from", "CanaryResume"), "CanaryResume goes on from the checkpoint of CanaryTrain"),
        (("--from", "TrainLora", "--canary-only"), "contradict each other"),
        (("--source", "abcdefghijkl"), "--source goes with --from"),
    ],
)
def test_a_choice_of_steps_that_cannot_run_is_refused(
    plant: Plant, asusu: Asusu, arguments: tuple[str, ...], says: str
) -> None:
    code, _, complaint = asusu("start", *INPUTS, *arguments)
    assert (code, plant.requests("start_pipeline_execution")) == (2, [])
    assert says in complaint


def test_no_pipeline_of_that_name_says_how_to_get_one(plant: Plant, asusu: Asusu) -> None:
    code, _, complaint = asusu("start", *INPUTS, "--recipe", "en-sw")
    assert (code, plant.asked) == (2, [])
    assert "there is no pipeline asusu-en-sw in us-east-1" in complaint
    assert "asusu upsert --recipe en-sw --env production" in complaint


def test_a_start_for_a_machine_is_json_alone(plant: Plant, asusu: Asusu) -> None:
    code, said, _ = asusu("start", *INPUTS, "--json")
    facts = json.loads(said)
    assert code == 0
    assert facts["arn"] == plant.executions.listed()[0].arn
    assert facts["parameters"]["CorpusUri"] == CORPUS
    assert facts["estimate"]["hours_high"] > facts["estimate"]["hours_low"] > 0
    assert facts["token"] == sent(plant)["ClientRequestToken"]


def test_a_start_beside_a_running_execution_says_so_and_whether_it_is_the_same(plant: Plant, asusu: Asusu) -> None:
    assert "running already" not in asusu("start", *INPUTS)[1]
    first = plant.executions.listed()[0].execution_id
    plant.becomes(first, "Executing")
    said = asusu("start", *INPUTS, "--param", "Seed=17")[1]  # its default
    assert f"note:   {first} is running already with the same parameters, and both cost" in said
    assert f"asusu stop {first} --env production" in said
    facts = json.loads(asusu("start", *INPUTS, "--param", "Seed=18", "--json")[1])
    (note,) = facts["notes"]
    assert "is running already with another Seed, and both cost" in note


def test_a_repeated_token_does_not_call_its_own_execution_another(plant: Plant, asusu: Asusu) -> None:
    token = ("--token", "release-2026-11-21-attempt-000001")
    asusu("start", *INPUTS, *token)
    plant.steps[plant.executions.listed()[0].arn] = []
    plant.becomes(plant.executions.listed()[0].execution_id, "Executing")
    assert "running already" not in asusu("start", *INPUTS, *token)[1]


def _recorded(plant: Plant) -> None:
    """As an upsert records what is deployed."""
    records = Records(plant.account, BUCKET, NAME, " --env production")
    deployed = plant.executions.deployed
    sha256 = records.keep(deployed["PipelineDefinition"])
    one = Record(
        number=1,
        state="done",
        action="upsert",
        definition=sha256,
        role=deployed["RoleArn"],
        tags={"project": "asusu"},
        code="0" * 40,
        by="ada",
        at=datetime.now(UTC),
    )
    records.begin(one)


def test_a_start_of_a_definition_that_was_edited_since_its_upsert_says_so(
    plant: Plant, asusu: Asusu, monkeypatch: pytest.MonkeyPatch
) -> None:
    _recorded(plant)
    assert "note:" not in asusu("start", *INPUTS, "--canary-only")[1]
    _change_training(plant, "StoppingCondition", MaxRuntimeInSeconds=80_000)
    said = asusu("start", *INPUTS, "--canary-only")[1]
    assert "note:   the deployed pipeline is not the one that was put in place last: its definition was edited" in said
    assert "asusu plan --env production shows the changes" in said

    def denied(*arguments: object) -> None:
        raise AsusuError("you are not allowed to call ListObjectsV2")

    monkeypatch.setattr(Records, "newest_first", denied)
    code, said, _ = asusu("start", *INPUTS, "--canary-only")
    assert code == 0
    assert "note:" not in said
