from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.errors import BadInput, StepFailed
from pipeline.local.job import Job, JobKind
from pipeline.local.processing import run
from tests.unit.local.conftest import Bench
from tests.unit.local.pipelines import BUCKET

NewJob = Callable[[JobKind], Job]


def request(bench: Bench, code: str, inputs: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
    return {
        "AppSpecification": {"ImageUri": "any", "ContainerEntrypoint": ["python", str(bench.program("job", code))]},
        "ProcessingInputs": [
            {"InputName": name, "S3Input": {"S3Uri": uri, "LocalPath": f"/opt/ml/processing/input/{name}"}}
            for name, uri in (inputs or {}).items()
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "out",
                    "S3Output": {"S3Uri": f"{BUCKET}/out", "LocalPath": "/opt/ml/processing/output/out"},
                }
            ]
        },
        **changes,
    }


def test_inputs_come_down_and_outputs_go_up(bench: Bench, new_job: NewJob) -> None:
    bench.put("corpus/data/a.txt", "ji")
    bench.put("models/manifest.json", "{}")
    code = """
    text = (base / "processing/input/corpus/data/a.txt").read_text()
    names = sorted(path.name for path in (base / "processing/input/manifest").iterdir())
    (base / "processing/output/out/deep").mkdir()
    (base / "processing/output/out/deep/b.txt").write_text(text.upper() + str(names))
    """
    inputs = {"corpus": f"{BUCKET}/corpus", "manifest": f"{BUCKET}/models/manifest.json"}
    outcome = run(request(bench, code, inputs), new_job("Processing"))
    assert (outcome.status, outcome.exit_code, outcome.reason) == ("Completed", 0, "")
    assert bench.store.read_text(f"{BUCKET}/out/deep/b.txt") == "JI['manifest.json']"


def test_the_container_finds_its_own_request(bench: Bench, new_job: NewJob) -> None:
    job = new_job("Processing")
    asked = request(bench, "", Environment={"SEED": "17"})
    run(asked, job)
    config = json.loads((job.base_dir / "config/processingjobconfig.json").read_text())
    assert config == {"ProcessingJobArn": job.arn, "ProcessingJobName": job.name, **asked}
    resources = json.loads((job.base_dir / "config/resourceconfig.json").read_text())
    assert resources == {"current_host": "algo-1", "hosts": ["algo-1"]}


def test_the_description_answers_references(bench: Bench, new_job: NewJob) -> None:
    job = new_job("Processing")
    described = run(request(bench, ""), job).describe
    assert described["ProcessingJobName"] == job.name
    assert described["ProcessingJobStatus"] == "Completed"
    assert described["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"] == f"{BUCKET}/out"
    assert described["ProcessingStartTime"] <= described["ProcessingEndTime"]


def test_an_empty_input_fails_before_the_process_starts(bench: Bench, new_job: NewJob) -> None:
    job = new_job("Processing")
    with pytest.raises(StepFailed, match=f"no S3 objects found under the address {BUCKET}/nothing of input 'corpus'"):
        run(request(bench, "(base / 'started').touch()", {"corpus": f"{BUCKET}/nothing"}), job)
    assert not (job.base_dir / "started").exists()


def test_a_failed_job_tells_its_message_and_uploads_nothing(bench: Bench, new_job: NewJob) -> None:
    code = """
    (base / "processing/output/out/half.txt").write_text("half")
    (base / "output/message").write_text("the corpus has no header")
    sys.exit(3)
    """
    outcome = run(request(bench, code), new_job("Processing"))
    assert (outcome.status, outcome.exit_code, outcome.reason) == ("Failed", 3, "the corpus has no header")
    assert outcome.describe["ExitMessage"] == outcome.describe["FailureReason"] == "the corpus has no header"
    assert not bench.store.exists(f"{BUCKET}/out")


def test_a_job_that_dies_without_a_word_says_how_and_where_its_log_is(bench: Bench, new_job: NewJob) -> None:
    job = new_job("Processing")
    outcome = run(request(bench, "raise ValueError('no rows')"), job)
    assert outcome.reason == (
        "the process ended with exit code 1, its last error line being: ValueError: no rows; "
        f"log: {job.folder / 'stderr.log'}"
    )


def test_the_message_is_its_first_1024_bytes(bench: Bench, new_job: NewJob) -> None:
    code = "(base / 'output/message').write_bytes('ọ'.encode() * 500); sys.exit(1)"
    outcome = run(request(bench, code), new_job("Processing"))
    assert outcome.reason == "ọ" * 341


def test_a_message_that_is_not_utf_8_fails_the_job(bench: Bench, new_job: NewJob) -> None:
    outcome = run(request(bench, "(base / 'output/message').write_bytes(b'\\xff')"), new_job("Processing"))
    assert (outcome.status, outcome.exit_code) == ("Failed", 0)
    assert "not UTF-8" in outcome.reason


def test_a_message_of_a_job_that_went_well_is_kept(bench: Bench, new_job: NewJob) -> None:
    outcome = run(request(bench, "(base / 'output/message').write_text('fine')"), new_job("Processing"))
    assert (outcome.status, outcome.describe["ExitMessage"]) == ("Completed", "fine")


def test_a_job_that_runs_too_long_is_stopped(bench: Bench, new_job: NewJob) -> None:
    asked = request(bench, "time.sleep(60)", StoppingCondition={"MaxRuntimeInSeconds": 1})
    outcome = run(asked, new_job("Processing"))
    assert (outcome.status, outcome.exit_code) == ("Stopped", -15)
    assert outcome.reason == "MaxRuntimeExceeded: the job was stopped after MaxRuntimeInSeconds=1"


@pytest.mark.parametrize("path", ["/data/input", "/opt/ml/input", "/opt/ml/processing/../../x"])
def test_a_local_path_elsewhere_is_refused(bench: Bench, new_job: NewJob, path: str) -> None:
    asked = request(bench, "")
    asked["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["LocalPath"] = path
    with pytest.raises(BadInput, match="LocalPath .* of output 'out'"):
        run(asked, new_job("Processing"))


def test_several_hosts_share_the_objects_of_a_sharded_input(bench: Bench, new_job: NewJob) -> None:
    for name in ("a", "b", "c"):
        bench.put(f"cut/{name}.txt", name)
    code = """
    resources = json.loads((base / "config/resourceconfig.json").read_text())
    names = sorted(path.stem for path in (base / "processing/input/cut").iterdir())
    (base / "processing/output/out" / resources["current_host"]).write_text(" ".join(names))
    """
    asked = request(bench, code, {"cut": f"{BUCKET}/cut"})
    asked["ProcessingInputs"][0]["S3Input"]["S3DataDistributionType"] = "ShardedByS3Key"
    asked["ProcessingResources"] = {"ClusterConfig": {"InstanceCount": 2}}
    assert run(asked, new_job("Processing")).status == "Completed"
    assert bench.store.read_text(f"{BUCKET}/out/algo-1") == "a c"
    assert bench.store.read_text(f"{BUCKET}/out/algo-2") == "b"


def test_one_failing_host_fails_the_job_and_nothing_goes_up(bench: Bench, new_job: NewJob) -> None:
    code = """
    (base / "processing/output/out/half.txt").write_text("half")
    host = json.loads((base / "config/resourceconfig.json").read_text())["current_host"]
    (base / "output/message").write_text(f"no room on {host}")
    raise SystemExit(host == "algo-2")
    """
    asked = request(bench, code) | {"ProcessingResources": {"ClusterConfig": {"InstanceCount": 2}}}
    outcome = run(asked, new_job("Processing"))
    assert (outcome.status, outcome.reason) == ("Failed", "no room on algo-2")
    assert not bench.store.exists(f"{BUCKET}/out/half.txt")
