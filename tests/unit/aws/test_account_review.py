"""The dossier of a version in an account: the same page from what its run left in S3, and nothing invented.

moto knows no steps of an execution and keeps jobs otherwise than the service: those three answers are given here.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.sagemaker.responses import SageMakerResponse

from steps import contract
from tests.unit.aws.conftest import BUCKET, CALLER, GROUP, NUMBER, Office
from tests.unit.review.conftest import REPORTS, canary, evaluation, samples_with_champion, training, with_champion

Asusu = Callable[..., tuple[int, str, str]]
PROCESSING = {
    "Preflight": ("preflight", contract.PREFLIGHT_REPORT),
    "PrepareCorpus": ("data-report", contract.DATA_REPORT),
    "TokenizeExamples": ("tokens", contract.PLAN),
    "EvaluateModel": ("evaluation", contract.EVALUATION_REPORT),
}


@dataclass
class Finished:
    """A version, the run that made it, and what its jobs are described as. What is not in `jobs` cannot be described."""

    office: Office
    run: str
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, kind: str, **describe: Any) -> None:
        arn = f"arn:aws:sagemaker:us-east-1:{NUMBER}:job/job-{name}"
        began = datetime(2026, 11, 20, 8, len(self.steps), tzinfo=UTC).timestamp()
        row = {"StepName": name, "StepStatus": "Succeeded", "StartTime": began, "EndTime": began + 60}
        self.steps.append(row | {"Metadata": {kind: {"Arn": arn}}})
        self.jobs[f"job-{name}"] = describe

    def put(self, file: Path, key: str) -> str:
        self.office.account.s3.upload_file(str(file), BUCKET, key)
        return f"s3://{BUCKET}/{key}"

    def delete(self, key: str) -> None:
        self.office.account.s3.delete_object(Bucket=BUCKET, Key=key)


@pytest.fixture
def finished(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Finished:
    """asusu-igbo/1, every report of its run in S3 as the steps leave them."""
    monkeypatch.chdir(tmp_path)
    name = office.register(1.0)
    made = Finished(office, str(office.package(name)["CustomerMetadataProperties"]["execution"]))
    reports = {**{file: make() for file, make in REPORTS.items()}, contract.SAMPLES: samples_with_champion()}
    reports[contract.EVALUATION_REPORT] = with_champion(evaluation())
    folder = tmp_path / "reports-of-the-run"
    for file, report in reports.items():
        contract.save(folder / file, report)
    for step, (output, file) in PROCESSING.items():
        address = made.put(folder / file, f"runs/{made.run}/{output}/{file}").removesuffix(f"/{file}")
        outputs = [{"OutputName": output, "S3Output": {"S3Uri": address}}]
        image = {"AppSpecification": {"ImageUri": f"repository/{step}@sha256:1"}}
        made.add(step, "ProcessingJob", ProcessingOutputConfig={"Outputs": outputs}, **image)
    made.put(folder / contract.SAMPLES, f"runs/{made.run}/evaluation/{contract.SAMPLES}")
    for step, file, report in (
        ("CanaryTrain", contract.CANARY_REPORT, canary("canary-train", 0, 12)),
        ("CanaryResume", contract.CANARY_REPORT, canary("canary-resume", 12, 16)),
        ("TrainLora", contract.TRAINING_REPORT, training()),
    ):
        contract.save(folder / step / file, report)
        with tarfile.open(folder / f"{step}.tar.gz", "w:gz") as archive:
            archive.add(folder / step / file, arcname=file)
        job = "job" if step == "TrainLora" else step
        address = made.put(folder / f"{step}.tar.gz", f"training/{made.run}/{job}/output/model.tar.gz")
        checkpoints = {"S3Uri": f"s3://{BUCKET}/checkpoints/{made.run}"}
        artefacts = {"S3ModelArtifacts": address}
        made.add(step, "TrainingJob", ModelArtifacts=artefacts, CheckpointConfig=checkpoints)

    def described(name: str) -> Callable[[Any], Any]:
        def respond(self: Any) -> Any:
            job = json.loads(self.body)[name]
            if job not in made.jobs:
                raise JsonRESTError("AccessDeniedException", f"{CALLER} may not describe {job}")
            return ActionResult(made.jobs[job])

        return respond

    answers = {
        "list_pipeline_execution_steps": lambda self: ActionResult({"PipelineExecutionSteps": made.steps}),
        "describe_training_job": described("TrainingJobName"),
        "describe_processing_job": described("ProcessingJobName"),
    }
    for operation, answer in answers.items():
        monkeypatch.setattr(SageMakerResponse, operation, answer, raising=False)
    return made


@pytest.fixture
def sealed(finished: Finished, training_seals: list[Path]) -> Finished:
    for path in training_seals:
        finished.put(path, f"checkpoints/{finished.run}/{path.parent.name}/{path.name}")
        finished.put(path, f"checkpoints/{finished.run}/{path.parent.name}/optimizer.bin")
    return finished


def facts(asusu: Asusu) -> dict[str, Any]:
    code, out, err = asusu("review", "1", "--json")
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def test_the_dossier_of_an_account_has_every_report_of_the_run_and_how_to_decide(
    sealed: Finished, asusu: Asusu
) -> None:
    found = facts(asusu)
    assert found["absent"] == {}
    for name in ("preflight", "data", "plan", "training", "evaluation", "samples"):
        assert found[name], name
    assert found["canaries"]["train"]["start_step"] == 0
    assert found["canaries"]["resume"]["start_step"] == 12
    assert [seal["step"] for seal in found["seals"]] == [100, 200]
    assert found["provenance"]["image of EvaluateModel"].startswith("repository/")
    assert found["version"]["name"] == f"{GROUP}/1"
    where = f"--env production --account {NUMBER}"
    assert found["commands"]["approve"] == f'asusu approve {GROUP}/1 --reason "..." {where}'


def test_the_page_lies_in_a_folder_of_the_account_and_nothing_else_is_left_here(
    finished: Finished, asusu: Asusu
) -> None:
    code, out, err = asusu("review", "--markdown")
    assert code == 0, err
    page = Path("work") / "reports" / NUMBER / f"{GROUP}-1.html"
    assert f"{GROUP}/1, waiting for approval\n  dossier:  {page}\n" in out
    assert "Passed the gate, waiting for approval" in page.read_text(encoding="utf-8")
    left = sorted(path for path in Path("work").rglob("*") if path.is_file())
    assert left == [page, page.with_suffix(".md")]


def test_a_decision_is_shown_with_its_reason_and_who(finished: Finished, asusu: Asusu) -> None:
    assert asusu("reject", "1", "--reason", "it invents names")[0] == 0
    finished.office.restore_metadata(
        finished.office.package(f"{GROUP}/1")
        | {
            "CustomerMetadataProperties": {
                "execution": finished.run,
                "execution_arn": f"arn:aws:sagemaker:us-east-1:{NUMBER}:pipeline/{GROUP}/execution/{finished.run}",
            }
        }
    )
    assert "CloudTrail" in facts(asusu)["earlier_decisions"], "an account keeps the last decision alone"
    found = facts(asusu)["version"]
    assert (found["status"], found["reason"]) == ("rejected", f"it invents names (by {CALLER})")
    assert found["who"] == "fake-user-profile-name", "moto's; as it is not the caller, the reason keeps its signature"
    (row,) = json.loads(asusu("packages", "--json")[1])
    assert [(made["verdict"], made["reason"]) for made in row["Decisions"]] == [("Rejected", found["reason"])]
    assert f"by fake-user-profile-name: {found['reason']}\n" in asusu("packages")[1]


def test_a_report_that_is_gone_and_a_job_that_may_not_be_described_are_said(finished: Finished, asusu: Asusu) -> None:
    finished.delete(f"runs/{finished.run}/tokens/{contract.PLAN}")
    del finished.jobs["job-Preflight"]
    found = facts(asusu)
    assert f"nothing lies at s3://{BUCKET}/runs/{finished.run}/tokens/plan.json" in found["absent"]["plan"]
    assert "may not describe job-Preflight" in found["absent"]["preflight"]
    assert set(found["absent"]) == {"plan", "preflight"}
    assert "missing:  " in asusu("review", "1")[1]


def test_of_a_step_taken_from_the_cache_the_report_that_the_entry_names_is_read(
    finished: Finished, asusu: Asusu
) -> None:
    taken = next(row for row in finished.steps if row["StepName"] == "EvaluateModel")
    taken |= {"Metadata": {}, "CacheHitResult": {"SourcePipelineExecutionArn": "arn:aws:sagemaker:elsewhere"}}
    found = facts(asusu)
    assert found["evaluation"]["champion"] == f"{GROUP}/1"
    assert found["samples"]
    assert found["absent"] == {}


def test_of_a_run_that_the_account_has_forgotten_the_entry_names_model_and_evaluation(
    finished: Finished, asusu: Asusu
) -> None:
    package = finished.office.package(f"{GROUP}/1")
    gone = f"arn:aws:sagemaker:us-east-1:{NUMBER}:pipeline/{GROUP}/execution/gonegonegone"
    named = package["CustomerMetadataProperties"] | {"execution_arn": gone}
    finished.office.restore_metadata(package | {"CustomerMetadataProperties": named})
    found = facts(asusu)
    for name in ("training", "evaluation", "samples"):
        assert found[name], name
    assert "gonegonegone" in found["absent"]["plan"]
    assert "the run ended before" not in json.dumps(found["absent"])


def test_with_nothing_registered_it_says_so_and_what_to_type(office: Office, asusu: Asusu) -> None:
    code, _, err = asusu("review")
    assert (code, "nothing is registered in production" in err) == (2, True)
    assert f"start --env production --account {NUMBER}" in err
    office.register(1.0)
    assert "there is no version 7" in asusu("review", "7")[2]
