"""Executions that really run: the local runner's folders on one side, the account's S3, logs and registry on the other."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.loaders import Loader
from botocore.model import ServiceModel

from pipeline.definition import read
from pipeline.local.names import ACCOUNT as NOWHERE
from pipeline.local.process import STDOUT_LOG
from pipeline.local.record import Execution, load_all
from pipeline.local.registry import Registry
from pipeline.local.store import PARTIAL

EVERY_SECONDS = 0.5
FUNCTIONS = Path(__file__).resolve().parents[2] / "infra" / "functions"
LOG_GROUPS = {"Training": "/aws/sagemaker/TrainingJobs", "Processing": "/aws/sagemaker/ProcessingJobs"}


@dataclass
class Running:
    """An execution that has not ended. Without a process it waits for its turn."""

    process: subprocess.Popen[bytes] | None = None
    stopping: bool = False


@dataclass
class Platform:
    """One account's executions below `folder`; `endpoint` is the account's own address.

    The service runs several at once. Here they share one work directory, whose cache is the account's, so one waits for the
    other: it is Executing meanwhile, and has no steps.
    """

    folder: Path
    number: str
    region: str
    endpoint: str = ""
    running: dict[str, Running] = field(default_factory=dict)
    never_begun: set[str] = field(default_factory=set)  # stopped before their turn
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _sent: dict[Path, tuple[int, int]] = field(default_factory=dict)
    _logged: dict[Path, int] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def workdir(self) -> Path:
        """The local runner's work directory."""
        return self.folder / "work"

    def client(self, service: str) -> Any:
        """A client of this account, as anybody's."""
        keys = {"aws_access_key_id": "platform", "aws_secret_access_key": "platform"}
        return boto3.client(service, region_name=self.region, endpoint_url=self.endpoint, **keys)

    def start(
        self,
        execution_id: str,
        pipeline: str,
        definition: str,
        parameters: Mapping[str, str],
        *,
        selected: Iterable[str] = (),
        source: str = "",
    ) -> None:
        """Begin an execution. `selected`: only these steps; the others' results come from `source`, else they are left out.

        A step runs unless its definition says that it is cached, as at the service: the local runner would find any that
        is finished. Selected steps all run, and those that a `source` gives do not.
        """
        chosen = set(selected)
        document = json.loads(definition)
        if chosen and not source:
            document["Steps"] = [step for step in document["Steps"] if step["Name"] in chosen]
        text = json.dumps(document)
        plan = {
            "pipeline": pipeline,
            "definition": text,
            "parameters": dict(parameters),
            "force": sorted(chosen if source else _not_cached(text)),
        }
        path = self.folder / "executions" / f"{execution_id}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(plan), encoding="utf-8")
        self.proceed(execution_id)

    def proceed(self, execution_id: str) -> None:
        """Run an execution when no other one runs, also one that had ended."""
        self.never_begun.discard(execution_id)
        self.running[execution_id] = Running()
        threading.Thread(target=self._take_turn, args=(execution_id,), daemon=True).start()

    def stop(self, execution_id: str) -> None:
        """As StopPipelineExecution: the running job gets SIGTERM, once, since a second would end it without a checkpoint."""
        with self._lock:
            running = self.running.get(execution_id)
            if running is None or running.stopping:
                return
            running.stopping = True
            if running.process:
                running.process.send_signal(signal.SIGTERM)

    def status(self, execution_id: str) -> tuple[str, str]:
        """Status and failure reason of an execution."""
        record, running = self.record(execution_id), self.running.get(execution_id)
        if running is not None:
            return ("Stopping" if running.stopping else "Executing"), ""
        if record is None:
            if execution_id in self.never_begun:
                return "Stopped", ""
            log = self.folder / "executions" / f"{execution_id}.log"
            return "Failed", log.read_text(encoding="utf-8", errors="replace")[-1000:] if log.is_file() else ""
        return record.status, record.failure_reason if record.status == "Failed" else ""

    def record(self, execution_id: str) -> Execution | None:
        """The local runner's record, None before it has one."""
        return next((found for found in self.records() if found.execution_id == execution_id), None)

    def records(self) -> list[Execution]:
        """Every record."""
        return load_all(self.workdir)

    def invoke(self, function: str, event: Mapping[str, Any]) -> None:
        """Run the handler of `infra/functions/<function>` as the account's own, and keep what it printed."""
        code = f"import json, sys; from {function}.handler import handle; handle(json.load(sys.stdin), None)"
        surroundings = {
            **os.environ,
            "PYTHONPATH": str(FUNCTIONS),
            "BUCKET": self.client("s3").list_buckets()["Buckets"][0]["Name"],
            "TOPIC": f"arn:aws:sns:{self.region}:{self.number}:asusu",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": function,
            "AWS_SECRET_ACCESS_KEY": function,
        }
        with (self.folder / f"{function}.log").open("ab") as log:
            subprocess.run(
                [sys.executable, "-c", code],
                input=json.dumps(event).encode(),
                env=surroundings,
                stdout=log,
                stderr=log,
                check=False,
            )

    def close(self) -> None:
        """End what runs."""
        for execution_id in list(self.running):
            self.stop(execution_id)
        for running in list(self.running.values()):
            if running.process:
                running.process.wait(60)

    def _take_turn(self, execution_id: str) -> None:
        """The life of an execution: waiting, running, carried into the account."""
        while not self._turn.acquire(timeout=EVERY_SECONDS):
            with self._lock:
                if self.running[execution_id].stopping:
                    self._leave(execution_id)
                    return
        try:
            with self._lock:
                if self.running[execution_id].stopping:
                    self._leave(execution_id)
                    return
                process = self._begin(execution_id)
                self.running[execution_id].process = process
            self._follow(execution_id, process)
        finally:
            self._turn.release()

    def _leave(self, execution_id: str) -> None:
        """End an execution that was stopped before its turn."""
        self.never_begun.add(execution_id)
        del self.running[execution_id]

    def _begin(self, execution_id: str) -> subprocess.Popen[bytes]:
        """Start the process; the objects of the account lie ready for it."""
        self._fetch()
        with (self.folder / "executions" / f"{execution_id}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.account.execution", str(self.folder), execution_id],
                stdout=log,
                stderr=log,
            )

    def _follow(self, execution_id: str, process: subprocess.Popen[bytes]) -> None:
        while True:
            ended = process.poll() is not None
            with self._lock:
                self._carry(execution_id)
                if ended:
                    del self.running[execution_id]
                    return
            time.sleep(EVERY_SECONDS)

    def _fetch(self) -> None:
        """Make the runner's store what the account's buckets hold."""
        s3, store = self.client("s3"), self.workdir / "s3"
        wanted = set()
        for bucket in [row["Name"] for row in s3.list_buckets()["Buckets"]]:
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
                for row in page.get("Contents", ()):
                    path = store / bucket / row["Key"]
                    wanted.add(path)
                    if path.is_file() and path.stat().st_size == row["Size"] and path in self._sent:
                        continue
                    path.parent.mkdir(parents=True, exist_ok=True)
                    s3.download_file(bucket, row["Key"], str(path))
                    self._sent[path] = _look(path)
        for path in [path for path in store.rglob("*") if path.is_file() and path not in wanted]:
            path.unlink()

    def _carry(self, execution_id: str) -> None:
        self._send_objects()
        if record := self.record(execution_id):
            self._send_logs(record)
        self._register()

    def _send_objects(self) -> None:
        s3, store = self.client("s3"), self.workdir / "s3"
        for path in sorted(store.rglob("*")) if store.is_dir() else ():
            if PARTIAL in path.name:
                continue
            with contextlib.suppress(FileNotFoundError):
                if path.is_file() and self._sent.get(path) != (look := _look(path)):
                    bucket, _, key = path.relative_to(store).as_posix().partition("/")
                    s3.upload_file(str(path), bucket, key)
                    self._sent[path] = look

    def _send_logs(self, record: Execution) -> None:
        logs = self.client("logs")
        for step in record.steps:
            if step.log_folder is None or step.type not in LOG_GROUPS or step.reused:
                continue
            for name in (STDOUT_LOG, "stderr.log"):
                path, group = step.log_folder / name, LOG_GROUPS[step.type]
                stream = f"{step.job_name}/algo-1-{int(record.started)}"
                if not path.is_file():
                    continue
                with path.open("rb") as file:
                    file.seek(self._logged.get(path, 0))
                    data = file.read()
                whole = data[: data.rfind(b"\n") + 1]
                if not whole:
                    continue
                if path not in self._logged:
                    with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
                        logs.create_log_group(logGroupName=group)
                    with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
                        logs.create_log_stream(logGroupName=group, logStreamName=stream)
                lines = [line for line in whole.decode("utf-8", "replace").splitlines() if line]
                now = int(time.time() * 1000)
                events = [{"timestamp": now, "message": line} for line in lines]
                for start in range(0, len(events), 1000):
                    logs.put_log_events(
                        logGroupName=group, logStreamName=stream, logEvents=events[start : start + 1000]
                    )
                self._logged[path] = self._logged.get(path, 0) + len(whole)

    def _register(self) -> None:
        """Every version that the runner registered becomes one of the account's, in the same order."""
        sagemaker = self.client("sagemaker")
        members = _request_members("CreateModelPackage")
        registry = Registry(self.workdir / "registry")
        for group in registry.groups():
            pages = sagemaker.get_paginator("list_model_packages").paginate(
                ModelPackageGroupName=group, ModelPackageType="Versioned"
            )
            known = sum(len(page["ModelPackageSummaryList"]) for page in pages)
            for package in registry.packages(group)[known:]:
                request = {name: package[name] for name in package if name in members}
                sagemaker.create_model_package(**self._here(request))

    def _here(self, request: dict[str, Any]) -> dict[str, Any]:
        """The account's own name where the runner wrote that of no account."""
        text = json.dumps(request).replace(NOWHERE, f"arn:aws:sagemaker:{self.region}:{self.number}")
        return dict(json.loads(text))


def _not_cached(definition: str) -> set[str]:
    """Steps whose definition does not say that an earlier result may be taken."""
    return {step.name for step in read(definition).steps if not (step.raw.get("CacheConfig") or {}).get("Enabled")}


def _look(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _request_members(operation: str) -> frozenset[str]:
    model = ServiceModel(Loader().load_service_model("sagemaker", "service-2"))
    return frozenset(model.operation_model(operation).input_shape.members)
