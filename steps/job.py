"""The container's side of SageMaker's contract: folders, parameters, events and the failure message.

The same code runs in a SageMaker container and on a laptop. The only difference is the root folder, taken from
`SAGEMAKER_BASE_DIR` (default `/opt/ml`), the variable AWS's own training toolkit uses.

Sources: SageMaker developer guide, "How Amazon SageMaker provides training information" and "Build your own
processing container".
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from steps.parameters import ParameterError, parse_value

FAILURE_LIMIT = 1024  # the service keeps the first 1,024 characters of output/failure and 1 KB of output/message


class Refused(Exception):
    """The step will not go on, for a reason a person can act on. Becomes the failure message; exit code 1."""


def base_dir() -> Path:
    """Root of the container's folders: `SAGEMAKER_BASE_DIR`, else `/opt/ml`."""
    return Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))


def processing_input(name: str) -> Path:
    """Folder of a processing input."""
    return base_dir() / "processing" / "input" / name


def processing_output(name: str) -> Path:
    """Folder of a processing output, created if missing."""
    path = base_dir() / "processing" / "output" / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def channel(name: str) -> Path:
    """Folder of a training channel."""
    return base_dir() / "input" / "data" / name


def model_dir() -> Path:
    """Folder that becomes model.tar.gz when a training job ends."""
    return base_dir() / "model"


def checkpoint_dir() -> Path:
    """Folder that is restored at start and synchronised to S3 while the job runs."""
    return base_dir() / "checkpoints"


def decode(text: str) -> Any:
    """A hyperparameter as the container sees it is always a string. JSON where it is JSON, else the string itself.

    `null`, `None` and the empty string all mean None, since SDK generations spell it differently.
    """
    if text in ("null", "None", ""):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def hyperparameters() -> dict[str, str]:
    """Hyperparameters of a training job, undecoded. Raises Refused when the file is missing or not a string map."""
    path = base_dir() / "input" / "config" / "hyperparameters.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Refused(f"cannot read {path}: {error}. This step must run as a SageMaker training job.") from error
    return {str(name): str(value) for name, value in values.items()}


def parameter(name: str, source: dict[str, str] | None = None) -> Any:
    """A run-time parameter of the table in `steps.parameters`, typed and checked against its range.

    Training steps pass `hyperparameters()` as `source`; processing steps read their environment.
    """
    values = os.environ if source is None else source
    if name not in values:
        raise Refused(f"parameter {name} did not reach this step: the definition must pass it on")
    try:
        return parse_value(name, values[name])
    except ParameterError as error:
        raise Refused(str(error)) from error


def setting(name: str, default: str | None = None) -> str:
    """A fixed setting that the recipe puts into a processing step's environment. Raises Refused without a default."""
    value = os.environ.get(name) or default
    if not value:
        raise Refused(f"{name} is not set: the definition must put it into this step's environment")
    return value


def event(name: str, **fields: Any) -> None:
    """Print one JSON line. Machines read these: the local runner, CloudWatch filters, MetricDefinitions.

    Of several processes that train together only the first speaks; but each says why it failed.
    """
    if name != "failed" and os.environ.get("RANK", "0") != "0":
        return
    print(json.dumps({"event": name, **fields}, ensure_ascii=False, allow_nan=False), flush=True)


def progress(done: int, total: int, unit: str, **fields: Any) -> None:
    """Print a progress event, e.g. `progress(3, 60, "steps", loss=1.2)`."""
    event("progress", done=done, total=total, unit=unit, **fields)


def note(text: str) -> None:
    """Say in one sentence what the step found; shown beside the step when it has ended."""
    event("note", text=text)


def write_json(path: Path, value: Any) -> None:
    """Write JSON under a temporary name, flush it to disk, then rename: a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.partial")
    text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False, sort_keys=False)
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _cut(text: str) -> str:
    """At most FAILURE_LIMIT bytes of UTF-8, never half a character: the service refuses a message that is not UTF-8."""
    return text.encode("utf-8", errors="replace")[:FAILURE_LIMIT].decode("utf-8", errors="ignore")


def run(main: Callable[[], None]) -> None:
    """Run a step: on failure leave the reason where the service looks for it, and exit with 1.

    Training jobs report `output/failure`, processing jobs `output/message`; both are written.
    """
    started = time.monotonic()
    try:
        main()
    except Exception as error:
        reason = str(error) if isinstance(error, Refused) else f"{type(error).__name__}: {error}"
        if "No space left on device" in reason:
            reason = f"the disk is full ({reason}). Make room and start again: what was finished and sealed is kept."
        event("failed", reason=reason, seconds=round(time.monotonic() - started, 3))
        output = base_dir() / "output"
        output.mkdir(parents=True, exist_ok=True)
        for name in ("failure", "message"):
            if "LOCAL_RANK" in os.environ and (output / name).exists():
                continue  # of several processes, the first to fail knows why; the others only lost it
            (output / name).write_text(_cut(reason), encoding="utf-8")
        if not isinstance(error, Refused):
            raise
        sys.exit(1)
    event("finished", seconds=round(time.monotonic() - started, 3))
