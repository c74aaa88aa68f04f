"""The files of a run that the page is made of, read into typed reports; what is missing is said, not guessed."""

from __future__ import annotations

import tarfile
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pipeline.decided import Decision
from pipeline.review.package import PackageFacts
from steps import contract
from steps.contract import Report
from steps.job import Refused

CANARY_TRAIN = "canary-train.json"
CANARY_RESUME = "canary-resume.json"
MEMBERS = dict.fromkeys((CANARY_TRAIN, CANARY_RESUME), contract.CANARY_REPORT)  # their name inside a model.tar.gz
MAX_REPORT_BYTES = 64 * 1024**2

AnyReport = TypeVar("AnyReport", bound=Report)


@dataclass(frozen=True)
class RunFiles:
    """Where a run's artefacts lie. None, or a path where nothing is, stands for a step that left nothing.

    Reports of training jobs may be given as the job's model.tar.gz that holds them. `provenance` is shown as it is
    (definition hash, execution id, jobs), `parameters` with the help of the parameter table, `commands` are pairs of
    what a command does and the command. `failure` is the reason of a run that failed, `package` the version it registered,
    `decisions` what was decided about that version, the oldest first: all of it, unless `earlier` says where those before
    are kept. `unrecorded` says why nobody knows where the other artefacts lie; it is empty where a run's record was read.
    """

    provenance: Mapping[str, str]
    parameters: Mapping[str, str | int | float] = field(default_factory=dict)
    commands: Sequence[tuple[str, str]] = ()
    failure: str = ""
    package: PackageFacts | None = None
    decisions: tuple[Decision, ...] = ()
    earlier: str = ""
    unrecorded: str = ""
    preflight: Path | None = None
    data_report: Path | None = None
    plan: Path | None = None
    canary_train: Path | None = None
    canary_resume: Path | None = None
    training: Path | None = None
    seals: Sequence[Path] = ()
    evaluation: Path | None = None
    samples: Path | None = None


@dataclass(frozen=True)
class Run:
    """The reports of a run. `absent` says in one sentence each, by field, what is missing and why."""

    preflight: contract.PreflightReport | None
    data: contract.DataReport | None
    plan: contract.TrainingPlan | None
    canary_train: contract.CanaryReport | None
    canary_resume: contract.CanaryReport | None
    training: contract.TrainingReport | None
    seals: list[contract.Seal]
    evaluation: contract.EvaluationReport | None
    samples: contract.SampleSet | None
    absent: Mapping[str, str]


def read_run(files: RunFiles) -> Run:
    """Read what is there. Never raises for a missing or malformed report: the page has to say so instead."""
    absent: dict[str, str] = {}

    def read(name: str, path: Path | None, file: str, step: str, kind: type[AnyReport]) -> AnyReport | None:
        try:
            return _load(path, file, kind)
        except FileNotFoundError:
            why = files.unrecorded or f"the run ended before {step} wrote it"
            absent[name] = f"There is no {file}: {why}."
        except (Refused, OSError, UnicodeDecodeError, tarfile.TarError, EOFError, zlib.error) as error:
            absent[name] = f"{file} of {step} cannot be read: {error}"
        return None

    seals = [read("seals", path, contract.SEAL, "TrainLora", contract.Seal) for path in files.seals]
    return Run(
        preflight=read("preflight", files.preflight, contract.PREFLIGHT_REPORT, "Preflight", contract.PreflightReport),
        data=read("data", files.data_report, contract.DATA_REPORT, "PrepareCorpus", contract.DataReport),
        plan=read("plan", files.plan, contract.PLAN, "TokenizeExamples", contract.TrainingPlan),
        canary_train=read("canary_train", files.canary_train, CANARY_TRAIN, "CanaryTrain", contract.CanaryReport),
        canary_resume=read("canary_resume", files.canary_resume, CANARY_RESUME, "CanaryResume", contract.CanaryReport),
        training=read("training", files.training, contract.TRAINING_REPORT, "TrainLora", contract.TrainingReport),
        seals=sorted((seal for seal in seals if seal), key=lambda seal: seal.step),
        evaluation=read(
            "evaluation", files.evaluation, contract.EVALUATION_REPORT, "EvaluateModel", contract.EvaluationReport
        ),
        samples=read("samples", files.samples, contract.SAMPLES, "EvaluateModel", contract.SampleSet),
        absent=absent,
    )


def _load(path: Path | None, file: str, kind: type[AnyReport]) -> AnyReport:
    if path is None or not path.is_file():
        raise FileNotFoundError(file)
    if path.suffix != ".gz":
        return contract.load(path, kind)
    with tempfile.TemporaryDirectory() as scratch:
        unpacked = Path(scratch) / file
        unpacked.write_bytes(_member(path, MEMBERS.get(file, file)))
        return contract.load(unpacked, kind)


def _member(archive: Path, name: str) -> bytes:
    """One report out of a model.tar.gz; nothing else of it touches the disk. Raises FileNotFoundError without it."""
    with tarfile.open(archive, "r:gz") as members:
        for member in members:
            if member.isfile() and member.name.removeprefix("./") == name and member.size <= MAX_REPORT_BYTES:
                content = members.extractfile(member)
                if content:
                    return content.read()
    raise FileNotFoundError(name)
