"""The checkpoint that a new execution is to go on from, looked for before anything is started."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.cli.following import is_trained
from pipeline.cli.outcome import program
from pipeline.errors import BadInput
from pipeline.runs import Run
from pipeline.runs.selection import TRAINING

if TYPE_CHECKING:
    from pipeline.aws.executions import Executions

RESUME_FROM = "ResumeFrom"  # the parameter
AFTER_TRAINING = "EvaluateModel"
SOURCES = ("Succeeded", "Failed")  # API reference of SelectiveExecutionConfig: no other execution can be a source
REFERENCE = re.compile(r"(.*?)(?:/(checkpoint-\d+))?")


def earlier_run(runs: Executions, reference: str) -> tuple[Run, str]:
    """The run of `RUN[/checkpoint-STEP]`, RUN being an id or an ARN, and the checkpoint's name, empty for the newest.

    Raises BadInput where there is no such run.
    """
    match = REFERENCE.fullmatch(reference)
    named, checkpoint = (match[1], match[2] or "") if match else (reference, "")
    return runs.run(runs.find(named)), checkpoint


def refuse_complete(run: Run, checkpoint: str, changed: bool, options: str) -> None:
    """Raises BadInput where nothing is left to train: the newest checkpoint of a complete training, all values the same.

    With other values there may be: a training that ended at MaxTrainingHours, or is to take more epochs.
    """
    if not is_trained(run) or checkpoint or changed:
        return
    which, source = run.execution_id, run.status in SOURCES
    again = f"{program()} start --from {AFTER_TRAINING} --source {which}{options}"
    raise BadInput(
        f"the training of execution {which} is complete; there is nothing to go on with",
        hint=f"{again if source else f'{program()} resume {which}{options}'} evaluates it again; --param with another value"
        " (MaxTrainingHours=..., Epochs=...) trains on",
    )


def refuse_unsealed(runs: Executions, run: Run, name: str) -> None:
    """Raises BadInput unless the checkpoint of the training lies sealed and whole in S3."""
    from pipeline.aws.checkpoints import checkpoints_of

    found = checkpoints_of(runs.account, runs.definition(run.arn), run.execution_id, runs.pipeline)
    usable = [row for row in found if TRAINING in row.steps and row.state == "sealed" and name in ("", row.name)]
    if not usable:
        raise BadInput(
            f"no sealed checkpoint {name + ' ' if name else ''}of execution {run.execution_id} lies in S3",
            hint=f"{program()} checkpoints {run.execution_id}{runs.options} says what is there",
        )
