from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import StepFailed
from pipeline.local.job import Job, JobKind
from pipeline.local.training import run
from tests.unit.local.conftest import Bench
from tests.unit.local.pipelines import BUCKET

NewJob = Callable[[JobKind], Job]


def request(bench: Bench, code: str, **changes: Any) -> dict[str, Any]:
    bench.put("data/train.txt", "nri")
    return {
        "AlgorithmSpecification": {
            "TrainingImage": "any",
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python", str(bench.program("job", code))],
            "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}],
        },
        "HyperParameters": {"save_total_limit": "null", "epochs": "1.0"},
        "InputDataConfig": [
            {
                "ChannelName": "tokens",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"{BUCKET}/data"}},
            }
        ],
        "OutputDataConfig": {"S3OutputPath": f"{BUCKET}/training"},
        "ResourceConfig": {"InstanceType": "ml.g5.xlarge", "InstanceCount": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        "CheckpointConfig": {"S3Uri": f"{BUCKET}/checkpoints"},
        **changes,
    }


def unpack(bench: Bench, uri: str, folder: Path) -> dict[str, str]:
    with tarfile.open(bench.store.path(uri)) as archive:
        archive.extractall(folder, filter="data")
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_the_model_goes_up_as_an_archive(bench: Bench, new_job: NewJob, tmp_path: Path) -> None:
    job = new_job("Training")
    code = "(base / 'model/weights').write_text((base / 'input/data/tokens/train.txt').read_text())"
    outcome = run(request(bench, code), job)
    address = f"{BUCKET}/training/{job.name}/output/model.tar.gz"
    assert (outcome.status, outcome.exit_code) == ("Completed", 0)
    assert outcome.describe["ModelArtifacts"] == {"S3ModelArtifacts": address}
    assert unpack(bench, address, tmp_path / "model") == {"weights": "nri"}
    assert not bench.store.exists(f"{BUCKET}/training/{job.name}/output/output.tar.gz")


def test_output_data_goes_up_when_there_is_some(bench: Bench, new_job: NewJob, tmp_path: Path) -> None:
    job = new_job("Training")
    run(request(bench, "(base / 'output/data/log.txt').write_text('x')"), job)
    assert unpack(bench, f"{BUCKET}/training/{job.name}/output/output.tar.gz", tmp_path / "out") == {"log.txt": "x"}


def test_without_compression_the_files_go_up_as_they_are(bench: Bench, new_job: NewJob) -> None:
    config = {"S3OutputPath": f"{BUCKET}/training", "CompressionType": "NONE"}
    outcome = run(request(bench, "(base / 'model/w').write_text('x')", OutputDataConfig=config), new_job("Training"))
    address = outcome.describe["ModelArtifacts"]["S3ModelArtifacts"]
    assert bench.store.objects(address).keys() == {"w"}


def test_the_container_finds_the_files_of_the_platform(bench: Bench, new_job: NewJob) -> None:
    job = new_job("Training")
    run(request(bench, "print(sys.argv[1:], os.environ['TRAINING_JOB_NAME'])"), job)
    config = {path.stem: json.loads(path.read_text()) for path in (job.base_dir / "input/config").iterdir()}
    assert config["hyperparameters"] == {"save_total_limit": "null", "epochs": "1.0"}
    assert config["inputdataconfig"] == {
        "tokens": {
            "TrainingInputMode": "File",
            "S3DistributionType": "FullyReplicated",
            "RecordWrapperType": "None",
        }
    }
    assert config["resourceconfig"]["hosts"] == ["algo-1"]
    assert config["resourceconfig"]["current_instance_type"] == "ml.g5.xlarge"
    assert ("stdout.log", f"[] {job.name}") in bench.heard.lines


def test_metrics_are_read_from_both_logs(bench: Bench, new_job: NewJob) -> None:
    code = "print('loss=2.0', flush=True); time.sleep(0.2); print('loss=0.5', file=sys.stderr)"
    metrics = run(request(bench, code), new_job("Training")).describe["FinalMetricDataList"]
    assert [(row["MetricName"], row["Value"]) for row in metrics] == [("loss", 0.5)]


def test_a_failure_file_is_the_reason_in_1024_characters_and_no_model_is_kept(bench: Bench, new_job: NewJob) -> None:
    code = "(base / 'model/w').touch(); (base / 'output/failure').write_text('ọ' * 2000); sys.exit(2)"
    outcome = run(request(bench, code), new_job("Training"))
    assert (outcome.status, outcome.exit_code, outcome.reason) == ("Failed", 2, "ọ" * 1024)
    assert outcome.describe["FailureReason"] == outcome.reason
    assert "ModelArtifacts" not in outcome.describe
    assert not bench.store.exists(f"{BUCKET}/training")


def test_an_empty_channel_fails_before_the_process_starts(bench: Bench, new_job: NewJob) -> None:
    channel = {"ChannelName": "resume", "DataSource": {"S3DataSource": {"S3Uri": f"{BUCKET}/nothing"}}}
    with pytest.raises(StepFailed, match="no S3 objects found .* of channel 'resume'"):
        run(request(bench, "", InputDataConfig=[channel]), new_job("Training"))


def test_checkpoints_are_restored_and_synchronised(bench: Bench, new_job: NewJob) -> None:
    bench.put("checkpoints/checkpoint-1/weights", "one")
    code = """
    old = base / "checkpoints/checkpoint-1"
    (base / "checkpoints/checkpoint-2").mkdir()
    (base / "checkpoints/checkpoint-2/weights").write_text((old / "weights").read_text() + " two")
    (old / "weights").unlink()
    """
    run(request(bench, code), new_job("Training"))
    assert bench.store.objects(f"{BUCKET}/checkpoints").keys() == {"checkpoint-2/weights"}
    assert bench.store.read_text(f"{BUCKET}/checkpoints/checkpoint-2/weights") == "one two"


def test_a_job_killed_in_the_middle_leaves_its_checkpoints(bench: Bench, new_job: NewJob) -> None:
    code = "(base / 'checkpoints/a').write_text('x'); os.kill(os.getpid(), signal.SIGKILL)"
    outcome = run(request(bench, code), new_job("Training"))
    assert (outcome.status, outcome.exit_code) == ("Failed", -9)
    assert "was ended by signal 9" in outcome.reason
    assert bench.store.exists(f"{BUCKET}/checkpoints/a")


def test_checkpoints_that_cannot_be_stored_fail_the_job(bench: Bench, new_job: NewJob) -> None:
    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    job = replace(new_job("Training"), copy_checkpoint=full)
    outcome = run(request(bench, "(base / 'checkpoints/a').write_text('x')"), job)
    assert outcome.status == "Failed"
    assert "checkpoints could not be copied to the store: a: [Errno 28] No space left" in outcome.reason


def test_at_max_runtime_the_job_may_save_and_keeps_its_model(bench: Bench, new_job: NewJob, tmp_path: Path) -> None:
    code = """
    def save(*_):
        (base / "model/w").write_text("saved")
        (base / "checkpoints/last").write_text("saved")
        sys.exit(0)
    signal.signal(signal.SIGTERM, save)
    time.sleep(60)
    """
    asked = request(bench, code, StoppingCondition={"MaxRuntimeInSeconds": 2})
    outcome = run(asked, new_job("Training"))
    assert (outcome.status, outcome.exit_code) == ("Stopped", 0)
    assert outcome.describe["SecondaryStatus"] == "MaxRuntimeExceeded"
    assert "MaxRuntimeInSeconds=2" in outcome.reason
    assert unpack(bench, outcome.describe["ModelArtifacts"]["S3ModelArtifacts"], tmp_path / "m") == {"w": "saved"}
    assert bench.store.exists(f"{BUCKET}/checkpoints/last")


def test_a_job_deaf_to_sigterm_is_killed_after_the_grace(bench: Bench, new_job: NewJob) -> None:
    code = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: time.sleep(1)"
    job = replace(new_job("Training"), grace_seconds=0.2)
    outcome = run(request(bench, code, StoppingCondition={"MaxRuntimeInSeconds": 2}), job)
    assert (outcome.status, outcome.exit_code) == ("Stopped", -9)
