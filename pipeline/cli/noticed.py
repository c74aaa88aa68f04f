"""What a start says of the account and does not refuse: a run that goes on beside it, a definition that was edited.

Silent where it may not be asked: nobody needs these rights to start.
"""

from __future__ import annotations

from pipeline.cli.outcome import program
from pipeline.cli.planning import records_of
from pipeline.cli.starting import Planned, differing
from pipeline.errors import AsusuError

MOST = 3  # executions to compare, each with a call of its own


def running_beside(plan: Planned) -> dict[str, str]:
    """A note on each execution of the pipeline that has not ended, by its ARN; for the newest few, what differs."""
    try:
        running = [run for run in plan.runs.listed() if run.is_running]
    except AsusuError:
        return {}
    options = plan.place.options
    return {
        run.arn: f"{run.execution_id} is running already{_compared(plan, run.arn) if number < MOST else ''}, and both cost;"
        f" {program()} stop {run.execution_id}{options} ends that one"
        for number, run in enumerate(running)
    }


def stray_definition(plan: Planned) -> list[str]:
    """A note where the deployed definition, or its role, is not what was recorded last."""
    from pipeline.aws.pipelines import strayed

    try:
        reason = strayed(records_of(plan.place), plan.runs.deployed)
    except AsusuError:
        return []
    what = "the deployed pipeline is not the one that was put in place last"
    return [f"{what}: {reason}; {program()} plan{plan.place.options} shows the changes"] if reason else []


def _compared(plan: Planned, arn: str) -> str:
    """How the parameters of an execution differ from the planned ones; empty where they may not be read."""
    try:
        other = differing(plan, arn)
    except AsusuError:
        return ""
    return f" with another {', '.join(other)}" if other else " with the same parameters"
