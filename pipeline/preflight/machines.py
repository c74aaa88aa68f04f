"""Machines and times of a definition against what the service allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline.lint.shapes import named_shape
from pipeline.preflight.check import Check
from pipeline.preflight.disks import LOCAL_GB, has_local_disk
from pipeline.preflight.jobs import Job, Kind
from pipeline.settings import Settings
from steps.parameters import BY_NAME

HOUR = 3600
TRAINING_LONGEST = 28 * 24 * HOUR  # API reference of StoppingCondition; the shape itself has no maximum


def check_region(region: str) -> Check:
    """Whether the installed list of endpoints knows SageMaker in a region."""
    import botocore.session

    session = botocore.session.get_session()
    known = {
        name
        for partition in session.get_available_partitions()
        for name in session.get_available_regions("sagemaker", partition)
    }
    if region in known:
        return Check("region", "ok", region)
    near = sorted(name for name in known if name.split("-")[:2] == region.split("-")[:2])
    return Check(
        "region",
        "refused",
        f"SageMaker is not known in {region}",
        f"correct region in the environment's file: {', '.join(near or sorted(known))}",
    )


def check_volume_keys(jobs: list[Job]) -> Check:
    """No key for the volume of a machine that has disks of its own."""
    wrong = [job for job in jobs if job.volume_key and has_local_disk(job.instance_type)]
    if wrong:
        detail = f"{_listed(wrong)}: VolumeKmsKeyId is refused where the machine has its own disks, which are encrypted"
        return Check("volume keys", "refused", detail, "leave VolumeKmsKeyId out of these steps")
    unclear = [job for job in jobs if job.volume_key and has_local_disk(job.instance_type) is None]
    if unclear:
        detail = f"{_listed(unclear)}: nobody wrote down whether these machines take a VolumeKmsKeyId"
        return Check("volume keys", "unknown", detail, "add the family to pipeline/preflight/disks.py, with a source")
    return Check("volume keys", "ok", "asked for only where the machine has a volume")


def check_disks(jobs: list[Job]) -> Check:
    """A processing job may not ask for more than the machine's own disks hold; for training the size is ignored there."""
    local = [job for job in jobs if job.kind == "processing" and job.volume_gb and has_local_disk(job.instance_type)]
    small = [job for job in local if (job.volume_gb or 0) > LOCAL_GB.get(job.instance_type, job.volume_gb or 0)]
    if small:
        detail = "; ".join(
            f"{job.step} asks for {job.volume_gb} GB, and {job.instance_type} has {LOCAL_GB[job.instance_type]}"
            for job in small
        )
        return Check("disks", "refused", detail, "lower VolumeSizeInGB, or take a larger machine")
    unclear = [job for job in local if job.instance_type not in LOCAL_GB]
    if unclear:
        return Check("disks", "unknown", f"{_listed(unclear)}: the size of the machine's own disks is not known")
    return Check("disks", "ok", "no job asks for more than its machine has")


def check_times(chosen: Settings, jobs: list[Job], parameters: Mapping[str, str]) -> Iterator[Check]:
    """Every time limit against the service's longest, and the hours one may train against the platform's limit."""
    problems = []
    for job in jobs:
        longest = _longest(job.kind)
        if job.seconds is None:
            problems.append(f"{job.step} has no time limit")
        elif job.seconds > longest:
            problems.append(f"{job.step} may take {_hours(job.seconds)}; the service allows {_hours(longest)}")
    if problems:
        yield Check("time limits", "refused", "; ".join(problems), "set StoppingCondition, max_runtime_hours")
    else:
        most = max((job for job in jobs if job.seconds), key=lambda job: job.seconds or 0, default=None)
        detail = f"the longest is {most.step}, {_hours(most.seconds or 0)}" if most else "there are no jobs"
        yield Check("time limits", "ok", detail)
    yield _training_hours(chosen, parameters)


def _longest(kind: Kind) -> int:
    """Seconds that the service lets a job run at most, whatever an account's quota says."""
    return TRAINING_LONGEST if kind == "training" else int(named_shape("ProcessingMaxRuntimeInSeconds").metadata["max"])


def _training_hours(chosen: Settings, parameters: Mapping[str, str]) -> Check:
    given = parameters.get("MaxTrainingHours", str(BY_NAME["MaxTrainingHours"].default))
    usable = chosen.max_runtime_hours - chosen.stop_margin_minutes / 60
    try:
        hours = float(given)
    except ValueError:
        return Check("training hours", "unknown", f"MaxTrainingHours={given!r} is not a number", "asusu params")
    if hours > usable:
        detail = f"MaxTrainingHours={hours:g}, and the platform's limit leaves {usable:g} hours"
        return Check("training hours", "warning", detail, "raise max_runtime_hours, or lower MaxTrainingHours")
    return Check("training hours", "ok", f"MaxTrainingHours={hours:g} of {usable:g} before the platform's limit")


def check_spot(jobs: list[Job]) -> Check:
    """Spot machines: training only, longer wait than run, and somewhere to go on from. Lint looks at the same fields."""
    spot = [job for job in jobs if job.spot]
    if not spot:
        return Check("spot", "ok", "no job runs on spot machines")
    problems = [f"{job.step} has no checkpoint address" for job in spot if not job.checkpoints]
    problems += [
        f"{job.step} waits {_hours(job.wait_seconds or 0)} and runs {_hours(job.seconds or 0)}"
        for job in spot
        if (job.wait_seconds or 0) < (job.seconds or 0)
    ]
    if problems:
        return Check("spot", "refused", "; ".join(problems), "set spot.max_wait_hours in the environment's file")
    return Check(
        "spot",
        "ok",
        ", ".join(f"{job.step} runs and waits {_hours(job.wait_seconds or 0)} together" for job in spot),
    )


def _listed(jobs: list[Job]) -> str:
    return ", ".join(f"{job.step} on {job.instance_type}" for job in jobs)


def _hours(seconds: int) -> str:
    return f"{seconds / HOUR:,.4g} h"
