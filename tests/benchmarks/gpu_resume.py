"""SIGTERM and resume: the container's entry point, stopped in the middle and started again, beside one that was left alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from steps.contract import ADAPTER_FOLDER, ADAPTER_WEIGHTS
from steps.levers import Levers
from tests.benchmarks.gpu_place import Place, Row
from tests.benchmarks.train_job import Setting, write_job
from tests.benchmarks.vocabulary import ROOT

STEPS, STOP_AT = 12, 5
PAIRS = 48


def measure_resume(place: Place) -> None:
    """One row: how far losses and weights differ, seconds from SIGTERM to the end, seconds of a checkpoint."""
    place.attempt("stop and resume", lambda: _stop_and_resume(place))


def _stop_and_resume(place: Place) -> Row:
    setting = Setting("resume", Levers(), *((256, 512) if place.tiny else (1_024, 4_096)))
    lengths = place.lengths.thinned(PAIRS)
    folders = [place.cache / name for name in ("unbroken", "stopped")]
    for folder in folders:
        write_job(_emptied(folder), place.staged, lengths, setting, steps=STEPS)
    unbroken, _ = _run(place, folders[0])
    before, seconds_to_end = _run(place, folders[1], stop_at=STOP_AT)
    after, _ = _run(place, folders[1])
    straight, resumed = _losses(unbroken), _losses(before) | _losses(after)
    seconds = [event["seconds"] for event in (*unbroken, *before, *after) if event["event"] == "checkpoint_sealed"]
    weights = [load_file(folder / "model" / ADAPTER_FOLDER / ADAPTER_WEIGHTS) for folder in folders]
    stopped = max(_losses(before), default=0)
    return {
        "steps": STEPS,
        "stopped_at": stopped,
        "continued_from": next((event["step"] for event in after if event["event"] == "resuming"), None),
        "seconds_from_sigterm_to_end": seconds_to_end,
        "checkpoint_seconds": seconds,
        "losses_compared": len(straight.keys() & resumed.keys()),
        "largest_loss_difference": max(abs(straight[step] - resumed[step]) for step in straight),
        "largest_weight_difference": max(
            float((weights[0][name].float() - weights[1][name].float()).abs().max()) for name in weights[0]
        ),
        "largest_weight": max(float(weight.float().abs().max()) for weight in weights[0].values()),
    }


def _emptied(folder: Path) -> Path:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
    return folder


def _run(place: Place, root: Path, stop_at: int = 0) -> tuple[list[dict[str, Any]], float | None]:
    """Run a job to its end; after step `stop_at` send SIGTERM. Returns its events, and seconds from SIGTERM to the end.

    Raises RuntimeError with the end of its output where it fails.
    """
    command = [sys.executable, "-m", "tests.benchmarks.gpu_job", "small" if place.tiny else "full"]
    environment = os.environ | {"SAGEMAKER_BASE_DIR": str(root), "PYTHONPATH": str(ROOT)}
    log = root / "log.txt"
    events, signalled = [], 0.0
    with (
        log.open("w", encoding="utf-8") as errors,
        subprocess.Popen(
            command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        for line in process.stdout or ():
            if not line.startswith("{"):
                continue
            event = json.loads(line)
            events.append(event)
            if stop_at and not signalled and event["event"] == "train" and event["step"] >= stop_at:
                process.send_signal(signal.SIGTERM)
                signalled = time.monotonic()
    if process.returncode:
        reason = next((event["reason"] for event in events if event["event"] == "failed"), "")
        raise RuntimeError(f"the job failed: {reason or log.read_text(encoding='utf-8')[-300:]}".replace("\n", " "))
    return events, time.monotonic() - signalled if signalled else None


def _losses(events: list[dict[str, Any]]) -> dict[int, float]:
    """Training loss by step."""
    return {int(event["step"]): float(event["loss"]) for event in events if event["event"] == "train"}


def resume_table(rows: list[Row]) -> str:
    """As a sentence or two."""
    row = rows[-1]
    if "failed" in row:
        return f"Stop and resume did not run: {row['failed']}\n"
    seconds = sorted(row["checkpoint_seconds"])
    where = torch.cuda.get_device_name() if torch.cuda.is_available() else "a CPU"
    return (
        f"SIGTERM at step {row['stopped_at']} of {row['steps']} on {where}: ended {row['seconds_from_sigterm_to_end']:.1f} s "
        f"later, continued from step {row['continued_from']}. Beside an unbroken run: {row['losses_compared']} losses, largest "
        f"difference {row['largest_loss_difference']:.2g}; adapter weights up to {row['largest_weight']:.2g}, largest difference "
        f"{row['largest_weight_difference']:.2g}. Checkpoints took {seconds[0]:.2f} to {seconds[-1]:.2f} s.\n"
    )
