"""What the dossier of an account's version is made of: the artefacts of its run, brought to this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar, cast

from pipeline.aws.executions import Executions
from pipeline.aws.objects import fetch
from pipeline.aws.session import Account, explained
from pipeline.decided import decisions_of
from pipeline.definition import digest, read
from pipeline.errors import AsusuError, BadInput
from pipeline.local.parameters import Scalar, typed_parameters
from pipeline.local.record import Execution, ExecutionStatus, StepRecord
from pipeline.local.store import Store, parse_uri
from pipeline.packages import Package
from pipeline.review.entry import gather_entry, pointers_of
from pipeline.review.files import MAX_REPORT_BYTES, RunFiles
from pipeline.review.gather import gather
from pipeline.review.package import facts_of
from steps.contract import DATA_REPORT, EVALUATION_REPORT, PLAN, PREFLIGHT_REPORT, SAMPLES, SEAL
from steps.evaluate.unpack import MAX_BYTES

REPORTS = {  # in the outputs of processing steps, by the output's name
    "preflight": (PREFLIGHT_REPORT,),
    "data-report": (DATA_REPORT,),
    "tokens": (PLAN,),
    "evaluation": (EVALUATION_REPORT, SAMPLES),
}
EARLIER = "CloudTrail, as UpdateModelPackage events"  # decisions before the last
Result = TypeVar("Result")


@dataclass(frozen=True)
class Review:
    """Fetches into `store`, which holds buckets as folders. `problems` collects what could not be had, and why."""

    account: Account
    store: Store
    problems: list[str] = field(default_factory=list)

    def files_of(self, package: Package, group: list[Package], commands: list[tuple[str, str]]) -> RunFiles:
        """The files of a version; where its run cannot be described, those that the registry entry names.

        `group` holds all versions of its group. What may not be read, or is gone, is said in the page.
        """
        files = self._of_run(package, commands) or self._of_entry(package, commands)
        return replace(
            files,
            package=facts_of(package, group),
            decisions=tuple(decisions_of(package)),
            earlier=EARLIER,
            unrecorded="; ".join(dict.fromkeys(self.problems)),
        )

    def _of_run(self, package: Package, commands: list[tuple[str, str]]) -> RunFiles | None:
        """None where the account does not tell about the run, or no longer."""
        arn = str((package.get("CustomerMetadataProperties") or {}).get("execution_arn", ""))
        if not arn:
            self.problems.append("the entry does not say which run made it")
            return None
        executions = Executions(self.account, str(package["ModelPackageGroupName"]))
        found = self._tried(lambda: _described(executions, arn))
        if found is None:
            return None
        execution, text = found
        steps = tuple(known for step in execution.steps if (known := self._tried(partial(self._step, step))))
        for address, most in _wanted(steps):
            self._fetch(address, most)
        for step in steps:
            if step.name == "TrainLora":
                self._tried(partial(self._fetch_seals, step.describe["CheckpointConfig"]["S3Uri"]))
        files = gather(replace(execution, steps=steps), text, self.store, commands)
        return files if all((files.data_report, files.training, files.evaluation)) else self._filled(files, package)

    def _filled(self, files: RunFiles, package: Package) -> RunFiles:
        """The same files; of a step that was not told about, those that the entry names."""
        named = self._of_entry(package, [])
        return replace(
            files,
            data_report=files.data_report or named.data_report,
            training=files.training or named.training,
            evaluation=files.evaluation or named.evaluation,
            samples=files.samples or named.samples,
        )

    def _of_entry(self, package: Package, commands: list[tuple[str, str]]) -> RunFiles:
        where = pointers_of(package)
        for name, address in vars(where).items():
            if address:
                self._fetch(address, MAX_BYTES if name == "training" else MAX_REPORT_BYTES)
        return gather_entry(package, self.store, commands, "")

    def _step(self, step: StepRecord) -> StepRecord:
        """The step as a local record has it: with the answer of its job's Describe call."""
        if not step.job_name:
            if not step.type:
                raise AsusuError(f"the account does not say which job did {step.name}")
            return step
        with explained(f"describing the job of {step.name}"):
            if step.type == "Training":
                answer = self.account.sagemaker.describe_training_job(TrainingJobName=step.job_name)
            else:
                answer = self.account.sagemaker.describe_processing_job(ProcessingJobName=step.job_name)
        return replace(step, describe=answer)

    def _fetch_seals(self, prefix: str) -> None:
        place = parse_uri(f"{prefix}/")
        with explained(f"listing {prefix}"):
            pages = self.account.s3.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=place.key)
            keys = [row["Key"] for page in pages for row in page.get("Contents", ())]
        for key in keys:
            if key.endswith(f"/{SEAL}"):
                self._fetch(f"s3://{place.bucket}/{key}", MAX_REPORT_BYTES)

    def _fetch(self, address: str, most: int) -> None:
        target = self._tried(lambda: fetch(self.account, address, self.store.path(address), most))
        if target and not target.is_file():
            self.problems.append(f"nothing lies at {address}")

    def _tried(self, action: Callable[[], Result]) -> Result | None:
        """What the action gives; None, and the reason among the problems, where the account refuses it."""
        try:
            return action()
        except AsusuError as error:
            self.problems.append(error.message)
            return None


def _described(executions: Executions, arn: str) -> tuple[Execution, str]:
    """An execution as the local runner records one, and its definition."""
    run, text = executions.run(arn), executions.definition(arn)
    execution = Execution(
        execution_id=run.execution_id,
        pipeline_name=run.pipeline,
        definition_digest=digest(text),
        parameters=_parameters(executions, arn, text),
        steps=run.steps,
        started=run.started,
        status=cast(ExecutionStatus, run.status),
        ended=run.ended,
        failure_reason=run.reason,
        refused=run.refused,
    )
    return execution, text


def _parameters(executions: Executions, arn: str, text: str) -> Mapping[str, Scalar]:
    """Every parameter of the definition with its value in this execution."""
    given = executions.parameters(arn)
    try:
        return typed_parameters(read(text), given)
    except BadInput:
        return dict(given)  # a definition of another make; what was given still holds


def _wanted(steps: tuple[StepRecord, ...]) -> Iterator[tuple[str, int]]:
    """Addresses of what the page is made of, and the most bytes each may have."""
    for step in steps:
        outputs: list[dict[str, Any]] = (step.describe.get("ProcessingOutputConfig") or {}).get("Outputs") or []
        for output in outputs:
            for file in REPORTS.get(output["OutputName"], ()):
                yield f"{output['S3Output']['S3Uri']}/{file}", MAX_REPORT_BYTES
        artefact = (step.describe.get("ModelArtifacts") or {}).get("S3ModelArtifacts")
        if artefact:
            yield artefact, MAX_BYTES
