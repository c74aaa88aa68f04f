"""Names and addresses of jobs, pipelines and executions."""

from __future__ import annotations

import hashlib
from pathlib import Path

ACCOUNT = "arn:aws:sagemaker:local:000000000000"  # no region, no account
JOBS_FOLDER, KEPT_FOLDER = "jobs", "kept"
JOB_NAME_LIMIT = 63  # characters; botocore's shapes of TrainingJobName and ProcessingJobName


def job_name(execution_id: str, step: str, attempt: int) -> str:
    """`pipelines-<execution id>-<step>-<attempt>`: the service's form, with the attempt instead of a random end.

    A step name that does not fit, or has the underscore that job names do not allow, is cut and gets a hash.
    """
    head, tail = f"pipelines-{execution_id}-", f"-{attempt}"
    room = JOB_NAME_LIMIT - len(head) - len(tail)
    plain = step.replace("_", "-").strip("-")
    if plain != step or len(plain) > room:
        plain = f"{plain[: room - 9].rstrip('-')}-{hashlib.sha256(step.encode()).hexdigest()[:8]}"
    return head + plain + tail


def job_folder(workdir: Path, execution_id: str, step: str, attempt: int) -> Path:
    """The job's own folder; later attempts get a number, so that the logs of the first stay."""
    return workdir / JOBS_FOLDER / execution_id / (step if attempt == 1 else f"{step}.{attempt}")


def kept_folder(folder: Path) -> Path:
    """What outlives a job: beside all jobs of the work directory, or beside a job that lies elsewhere.

    `folder` is the job's own, or that of one of its hosts.
    """
    jobs = next((parent for parent in folder.parents if parent.name == JOBS_FOLDER), folder)
    return jobs.with_name(KEPT_FOLDER)


def execution_variables(execution_id: str, pipeline: str, started: str, now: str) -> dict[str, str]:
    """What `Execution.` references resolve to."""
    pipeline_arn = f"{ACCOUNT}:pipeline/{pipeline}"
    return {
        "PipelineExecutionId": execution_id,
        "PipelineName": pipeline,
        "PipelineArn": pipeline_arn,
        "PipelineExecutionArn": f"{pipeline_arn}/execution/{execution_id}",
        "StartDateTime": started,
        "CurrentDateTime": now,
    }
