"""What is said, and what to type, for each way in which an execution ends."""

from __future__ import annotations

import json
import string
from dataclasses import fields

import pytest

from pipeline.local.record import StepRecord
from pipeline.runs import Run
from pipeline.runs.causes import CAUSES, REFUSALS, Commands, cause_of
from pipeline.runs.explain import SHOWN_LINES, Evidence, Explanation, explain

COMMANDS = Commands(**{row.name: f"asusu {row.name}" for row in fields(Commands)})


def failed(step: str, reason: str, *said: str, lines: tuple[str, ...] = (), status: str = "Failed") -> Explanation:
    """The explanation of a run that this step ended."""
    record = StepRecord(step, "Training", status=status, reason=reason)  # type: ignore[arg-type]
    return explain(Run("abc", "asusu-igbo", status, 0.0, steps=(record,)), Evidence(said, lines), COMMANDS)


@pytest.mark.parametrize(
    ("reason", "kind", "following"),
    [  # as the service words them
        (
            "ClientError: Failed to invoke sagemaker:CreateProcessingJob. Error Details: The account-level service limit "
            "'ml.g5.xlarge for processing job usage' is 0 Instances, with current utilization of 0 Instances",
            "quota",
            "asusu preflight",
        ),
        (
            "An error occurred (ResourceLimitExceeded) when calling the CreateTrainingJob operation",
            "quota",
            "asusu resume",
        ),
        (
            "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance",
            "capacity",
            "asusu resume",
        ),
        ("MaxWaitTimeExceeded", "waited too long", "asusu resume"),
        ("MaxRuntimeExceeded: the job was stopped after MaxRuntimeInSeconds=60", "time limit", "asusu checkpoints"),
        ("Interrupted", "spot interruption", "asusu resume"),
        ("AlgorithmError: torch.OutOfMemoryError: CUDA out of memory., exit code: 1", "GPU memory", "PackLength"),
        ("AlgorithmError: the GPU's memory is too small: CUDA out of", "GPU memory", "PackLength"),
        ("AlgorithmError: , exit code: 137", "host memory", "asusu resume"),
        ("the process was ended by signal 9 (Killed); log: x", "host memory", "asusu resume"),
        (
            "ClientError: User: arn:aws:sts::123456789012:assumed-role/asusu-pipeline/x is not authorized to perform: "
            "sagemaker:CreateTrainingJob on resource: x because no identity-based policy allows it",
            "denied",
            "asusu infra",
        ),
        ("ClientError: AccessDenied when calling PutObject", "denied", "asusu infra"),
        ("KMS.KMSInvalidStateException: the key is disabled", "encryption key", "asusu infra"),
        (
            "ClientError: x is not authorized to perform: kms:GenerateDataKey on this resource",
            "encryption key",
            "asusu infra",
        ),
        ("CannotPullContainerError: manifest unknown", "image", "asusu images"),
        ("CannotStartContainerError. Please ensure the model container", "image", "asusu images"),
        (
            "ClientError: Data download failed: No S3 objects found under S3 URL s3://b/x",
            "missing input",
            "asusu publish",
        ),
        ("ThrottlingException: Rate exceeded", "throttled", "asusu resume"),
        ("AlgorithmError: OSError: [Errno 28] No space left on device", "disk full", "asusu resume"),
        ("AlgorithmError: loss nan with gradient norm 3 at step 7: training has diverged.", "diverged", "LearningRate"),
        ("AlgorithmError: NCCL error: unhandled system error", "GPU fault", "asusu resume"),
        ("InternalServerError: We encountered an internal error. Please try again.", "service fault", "asusu resume"),
        ("the runner was killed", "runner ended", "asusu resume"),
    ],
)
def test_a_known_message_has_a_cause_and_a_command(reason: str, kind: str, following: str) -> None:
    found = failed("TrainLora", reason)
    assert found.kind == kind
    assert following in " ".join(found.next)
    assert "{" not in found.cause + " ".join(found.next)


@pytest.mark.parametrize(
    ("step", "reason", "following"),
    [  # the first thing to type
        ("TrainLora", "AlgorithmError: , exit code: 137", "asusu resume goes on"),
        ("EvaluateModel", "AlgorithmError: , exit code: 137", "asusu resume"),
        ("TrainLora", "CUDA out of memory", "asusu other --param TrainingInstanceType="),
        ("CanaryTrain", "CUDA out of memory", "PackLength"),
        ("TrainLora", "training has diverged", "asusu again --param LearningRate="),
        ("PrepareCorpus", "AlgorithmError: data/a.tsv is damaged, exit code: 1", "corrected in place: asusu resume"),
    ],
)
def test_what_was_trained_is_not_thrown_away_where_it_can_be_kept(step: str, reason: str, following: str) -> None:
    assert following in failed(step, reason).next[0]


def test_a_denied_action_and_a_quota_are_named() -> None:
    assert failed("A", "x is not authorized to perform: s3:PutObject on y").cause == "a role may not call s3:PutObject"
    quota = failed("A", "The account-level service limit 'ml.m5.xlarge for processing job usage' is 0 Instances")
    assert quota.cause.startswith("the account's quota `ml.m5.xlarge for processing job usage` is 0")


@pytest.mark.parametrize("cause", [*CAUSES, *REFUSALS], ids=lambda cause: cause.kind)
def test_every_cause_names_only_commands_and_groups_that_exist(cause: object) -> None:
    known = {row.name for row in fields(Commands)} | set(cause.pattern.groupindex) | {"step"}  # type: ignore[attr-defined]
    used = {
        name
        for text in (cause.words, *cause.next)  # type: ignore[attr-defined]
        for _, name, _, _ in string.Formatter().parse(text)
        if name
    }
    assert used <= known


@pytest.mark.parametrize(
    ("step", "reason", "kind"),
    [
        ("Preflight", "Parameters refused: Epochs=0 is out of range", "refused by Preflight"),
        (
            "Preflight",
            "The training plan does not fit: it needs 181 days but the platform ends the job after 120 hours (MaxRuntime)",
            "refused by Preflight",
        ),
        ("CanaryTrain", "The whole run would take 30 hours, and MaxTrainingHours is 24", "refused by a canary"),
        ("CanaryResume", "checkpoint-12 is not sealed", "refused by a canary"),
        ("PrepareCorpus", "no row is left of 7: 7 were dropped as too long", "the step's own refusal"),
    ],
)
def test_a_step_that_refuses_in_its_own_words_is_quoted(step: str, reason: str, kind: str) -> None:
    found = failed(step, f"AlgorithmError: {reason}, exit code: 1")
    assert (found.kind, found.said) == (kind, reason)


def test_a_preflight_that_never_got_a_machine_did_not_refuse() -> None:
    assert failed("Preflight", "CapacityError: none").kind == "capacity"


def test_the_steps_last_event_counts_more_than_what_the_service_cut_of_it() -> None:
    words = "no row is left of 7, " + "because " * 200
    event = json.dumps({"event": "failed", "reason": words, "seconds": 1})
    found = failed("PrepareCorpus", words[:100], lines=("AccessDenied in a warning", event))
    assert found.said == words.strip()
    assert found.kind == "the step's own refusal"


def test_a_log_is_looked_at_where_nothing_else_says_why() -> None:
    lines = (*(f"line {number}" for number in range(40)), "RuntimeError: NCCL error in x", "")
    found = failed("TrainLora", "AlgorithmError: See job logs for more information", lines=lines)
    assert found.kind == "GPU fault"
    assert len(found.lines) == SHOWN_LINES
    assert found.lines[-1] == "RuntimeError: NCCL error in x"


def test_a_step_without_any_reason_is_said_to_be_unexplained() -> None:
    found = failed("TrainLora", "")
    assert (found.kind, found.cause) == ("unknown", "the step left no reason")


def test_a_stop_by_a_person_is_no_failure() -> None:
    found = failed("TrainLora", "", "Stopped", status="Stopped")
    assert (found.kind, found.next) == ("stopped", ("asusu resume",))


def test_a_run_that_failed_before_its_first_step_says_what_the_service_said() -> None:
    run = Run("abc", "asusu-igbo", "Failed", 0.0, reason="Unable to assume role")
    found = explain(run, Evidence(), COMMANDS)
    assert (found.step, found.kind, found.said) == ("", "denied", "Unable to assume role")


def test_the_tables_order_counts_and_not_that_of_the_texts() -> None:
    found = cause_of(["InternalServerError", "CapacityError: none"], "TrainLora", COMMANDS)
    assert found is not None
    assert found.kind == "capacity"


def test_what_python_itself_prints_when_it_is_stopped_is_not_shown_as_telling():
    leaked = (
        "python3.11/multiprocessing/resource_tracker.py:254: UserWarning: resource_tracker: There appear to be 1 leaked"
    )
    lines = ("sealed checkpoint-120", leaked, "  warnings.warn('resource_tracker: There appear to be %d '")
    assert failed("TrainLora", "", lines=lines, status="Stopped").lines == ("sealed checkpoint-120",)
