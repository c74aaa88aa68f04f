"""What an engineer, an operator and an approver type, in their order, and what every command answered."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from tests.account.furnish import deploy_stack, write_tables
from tests.account.office import GROUP, Office

PATIENCE = 300  # seconds until a training seals its first checkpoint on a machine with other things to do
LOST = "asusu-operations"  # a stack that somebody deletes
LONG_PAIRS = 4000  # of a hundred words: 0.01 hours are too few to read them a hundred times


@dataclass
class Diary:
    """What every command answered, by the name of its moment."""

    office: Office
    said: dict[str, CompletedProcess[str]] = field(default_factory=dict)

    def __getitem__(self, moment: str) -> CompletedProcess[str]:
        return self.said[moment]

    def note(self, moment: str, who: str, *words: str) -> CompletedProcess[str]:
        """Somebody types a command."""
        self.said[moment] = self.office.call(who, *words)
        return self.said[moment]

    def found(self, moment: str) -> Any:
        """The JSON that a command answered, at its moment or later."""
        assert self.said[moment].stdout, self.said[moment].stderr
        return json.loads(self.said[moment].stdout)


def tell(office: Office, table: Path, base: Path) -> Diary:
    """From an empty account to a champion, with a stop on the way and a refusal by the gate at the end."""
    diary = Diary(office)
    diary.note("start before upsert", "operator", "start")
    params = _publish(diary, table, base)
    _check(diary, params)
    _deploy(diary)
    _roll_back(diary)
    _start_in_vain(diary, params)
    _run(diary, params)
    _decide(diary)
    diary.note("start from a step", "operator", "start", "--from", "EvaluateModel", "--param", "MaxValidationLoss=0.01")
    diary.note("watch the gate", "operator", "watch", "--every", "0.5")
    diary.note("explain the gate", "operator", "explain", "--json")
    diary.note("resume after the gate", "operator", "resume")
    diary.note("runs", "operator", "runs", "--json")
    return diary


def _publish(diary: Diary, table: Path, base: Path) -> list[str]:
    """Options with the addresses that a run starts with."""
    diary.note("publish", "engineer", "publish", "--corpus", str(table), "--base-model", str(base), "--json")
    given = diary.found("publish")["parameters"]
    return [item for name, value in given.items() for item in ("--param", f"{name}={value}")]


def _check(diary: Diary, params: list[str]) -> None:
    folder = diary.office.folder
    write_tables(folder, quotas={"ml.g5.xlarge for processing job usage": 0})
    diary.note("preflight without quota", "engineer", "preflight", "--json", *params)
    write_tables(folder)
    diary.note("preflight", "engineer", "preflight", *params)
    diary.note("doctor", "engineer", "doctor", "--json")
    stacks = diary.office.client("cloudformation")
    stacks.delete_stack(StackName=LOST)
    diary.note("doctor without a stack", "engineer", "doctor", "--json")
    deploy_stack(stacks, LOST)


def _deploy(diary: Diary) -> None:
    upsert = ("upsert", "--yes", "--allow-dirty")
    diary.note("first plan", "engineer", "plan")
    diary.note("upsert", "engineer", *upsert)
    diary.note("plan after upsert", "engineer", "plan")
    diary.note("runs after upsert", "operator", "runs", "--json")
    client = diary.office.client("sagemaker", "engineer")
    edited = _with_default(diary.office, "MaxValidationLoss", 9.5)
    client.update_pipeline(PipelineName=GROUP, PipelineDefinition=edited)  # by hand, in the console
    diary.note("plan after an edit", "engineer", "plan")
    diary.note("upsert over an edit", "engineer", *upsert)
    diary.note("upsert again", "engineer", *upsert, "--overwrite-edits")


def _roll_back(diary: Diary) -> None:
    """Another seed is deployed, and taken back."""
    file = diary.office.folder / "another-seed.json"
    file.write_text(_with_default(diary.office, "Seed", 99), encoding="utf-8")
    diary.note("upsert another", "engineer", "upsert", "--yes", "--allow-dirty", "--definition", str(file))
    diary.note("rollback", "engineer", "rollback", "--yes")
    diary.note("deployed so far", "engineer", "rollback", "--list", "--json")


def _with_default(office: Office, name: str, value: float) -> str:
    """The deployed definition with another default."""
    client = office.client("sagemaker", "engineer")
    definition = json.loads(client.describe_pipeline(PipelineName=GROUP)["PipelineDefinition"])
    for row in definition["Parameters"]:
        if row["Name"] == name:
            row["DefaultValue"] = value
    return json.dumps(definition)


def _start_in_vain(diary: Diary, params: list[str]) -> None:
    long = diary.office.folder / "long.tsv"
    row = "\t".join((" ".join(["house"] * 100), " ".join(["ụlọ"] * 100)))
    long.write_text("id\ten\tig\n" + "".join(f"{number}\t{row}\n" for number in range(LONG_PAIRS)), encoding="utf-8")
    diary.note("publish long", "engineer", "publish", "--corpus", str(long), "--json")
    address = diary.found("publish long")["parameters"]["CorpusUri"]
    short = [item for name in ("MaxSteps=0", "MaxTrainingHours=0.01") for item in ("--param", name)]
    diary.note("approver starts", "approver", "start", *params)
    diary.note("start from nowhere", "operator", "start", "--from", "Nowhere", *params)
    diary.note("start out of range", "operator", "start", *params, "--param", "MaxTrainingHours=9999")
    diary.note("start too long", "operator", "start", *params, "--param", f"CorpusUri={address}", *short)
    diary.note("runs in vain", "operator", "runs", "--json")


def _run(diary: Diary, params: list[str]) -> None:
    """The canaries alone; then the whole, stopped in its training and gone on with."""
    diary.note("start canaries", "operator", "start", "--canary-only", *params)
    diary.note("watch canaries", "operator", "watch", "--every", "0.5")
    diary.note("start", "operator", "start", *params, "--json")
    token = diary.found("start")["token"]
    diary.note("start repeated", "operator", "start", *params, "--token", token, "--json")  # as after a lost answer
    diary.note("start repeated otherwise", "operator", "start", *params, "--token", token, "--canary-only")
    _until(lambda: _sealed(diary.office, diary.found("start")["execution"]), "a checkpoint is sealed")
    diary.note("stop", "operator", "stop")
    diary.note("watch the stop", "operator", "watch", "--every", "0.5")
    diary.note("explain the stop", "operator", "explain", "--json")
    diary.note("resume", "operator", "resume")
    diary.note("watch", "operator", "watch", "--every", "0.5")
    diary.note("explain", "operator", "explain", diary.found("start")["execution"])
    diary.note("checkpoints", "operator", "checkpoints", "--json")


def _until(happened: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, f"waited {PATIENCE} s until {what}"
        time.sleep(0.2)


def _sealed(office: Office, execution: str) -> bool:
    """Whether the long training of an execution has a sealed checkpoint in the bucket."""
    answer = office.client("s3").list_objects_v2(Bucket=office.settings.bucket, Prefix=f"checkpoints/{execution}/")
    return any(row["Key"].endswith("/seal.json") for row in answer.get("Contents", ()))


def _decide(diary: Diary) -> None:
    dossiers = str(diary.office.folder / "dossiers")
    diary.note("packages", "approver", "packages", "--json")
    diary.note("review", "approver", "review", "1", "--workdir", dossiers)
    diary.note("approve one's own", "operator", "approve", "1", "--reason", "my own work is good")
    diary.note("operator decides", "operator", "reject", "1", "--reason", "no")
    diary.note("approve", "approver", "approve", "1", "--reason", "first of its kind; read 20 samples")
    diary.note("packages at last", "approver", "packages", "--json")
