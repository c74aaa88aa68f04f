"""What is checked, and said, before an execution is started: parameters, the plan, what is taken over from which run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.cli.checkpointed import RESUME_FROM, SOURCES, earlier_run, refuse_unsealed
from pipeline.cli.deployed import Deployed
from pipeline.cli.outcome import program
from pipeline.cli.run import refuse_problems
from pipeline.definition import Definition, read
from pipeline.errors import AsusuError, BadInput
from pipeline.estimate import Answer
from pipeline.local.parameters import typed_parameters
from pipeline.review.wording import dollars, duration, spread
from pipeline.runs import Run
from pipeline.runs.judgement import PlanRefused, judge
from pipeline.runs.selection import TRAINING, read_before, taken_over, trains
from steps.contract import BaseModelManifest, CorpusManifest
from steps.parameters import check_all

if TYPE_CHECKING:
    from pipeline.aws.executions import Executions

DISPLAY_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,81}")  # botocore's shape of PipelineExecutionDisplayName
SHORT_HOURS = 0.1  # under it an estimate of the training says little: starting the machine takes as long
NOTHING = "none"  # of ResumeFrom: the training begins anew


@dataclass(frozen=True)
class Planned:
    """An execution as it will be started. `answer` is None where no training runs or it could not be judged."""

    place: Deployed
    runs: Executions
    definition: Definition
    parameters: Mapping[str, str]
    steps: tuple[str, ...] = ()
    source: Run | None = None
    answer: Answer | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def reused(self) -> tuple[str, ...]:
        """Steps whose results come from the source."""
        return taken_over(self.definition, self.steps) if self.steps else ()


def deployed_definition(runs: Executions) -> Definition:
    """What a start will run: the definition as it is in the account."""
    return read(runs.deployed["PipelineDefinition"], f"the deployed definition of {runs.pipeline}")


def refuse_display_name(name: str) -> None:
    """Raises BadInput for a display name that the service would refuse."""
    if name and not DISPLAY_NAME.fullmatch(name):
        raise BadInput(
            f"--name {name!r} cannot be a display name",
            hint="letters, digits and hyphens within, at most 82 characters",
        )


def source_for(runs: Executions, definition: Definition, steps: tuple[str, ...], wanted: str | None) -> Run | None:
    """The execution that the other steps' results come from, None where nothing is taken over.

    Raises BadInput where it has not ended, or lacks the result of one of those steps.
    """
    needed = taken_over(definition, steps)
    if not needed:
        return None
    arn = runs.find(wanted, lambda run: run.status in SOURCES, "ended ")
    run = runs.run(arn)
    if run.status not in SOURCES:
        raise BadInput(
            f"execution {run.execution_id} is {run.status}, and only one that succeeded or failed can be a source",
            hint=f"--source with one that {program()} runs{runs.options} lists as such",
        )
    done = {step.name for step in run.steps if step.status == "Succeeded"}
    lacking = [name for name in needed if name not in done]
    if lacking:
        raise BadInput(
            f"execution {run.execution_id} has no result of {', '.join(lacking)}",
            hint=f"--from {lacking[0]}, or --source with another execution",
        )
    return run


def planned(
    place: Deployed,
    runs: Executions,
    definition: Definition,
    given: Mapping[str, str],
    steps: tuple[str, ...] = (),
    source: Run | None = None,
) -> Planned:
    """Parameters completed and checked, the plan judged. Nothing is started.

    What was not given comes from the source, else from the environment's start_parameters. Raises BadInput for
    parameters that are refused and for a checkpoint that is not there, PlanRefused for a plan that cannot work.
    """
    before = runs.parameters(source.arn) if source else place.settings.start_parameters
    parameters = {**before, **given}
    _refuse_parameters(definition, parameters)
    if parameters.get(RESUME_FROM, NOTHING) != NOTHING and (not steps or TRAINING in steps):
        refuse_unsealed(runs, *earlier_run(runs, parameters[RESUME_FROM]))
    notes = []
    if source:
        reused = taken_over(definition, steps)
        for name, value in given.items():
            readers = read_before(definition, reused, name) if before.get(name) != value else []
            if readers:
                notes.append(f"{name}={value} comes too late for {', '.join(readers)}, taken over as they are")
    answer = None
    if trains(definition, steps):
        try:
            answer = _judged(place, definition, parameters)
        except (BadInput, PlanRefused):
            raise
        except AsusuError as error:
            notes.append(f"the plan was not judged, Preflight will: {error.message}")
    return Planned(place, runs, definition, parameters, steps, source, answer, notes)


def differing(plan: Planned, arn: str) -> dict[str, tuple[Any, Any]]:
    """Parameters in which an execution differs from the plan: its value and ours. What the definition lacks does not count."""
    declared = {row.name for row in plan.definition.parameters}
    theirs, ours = (
        typed_parameters(plan.definition, {name: value for name, value in given.items() if name in declared})
        for given in (plan.runs.parameters(arn), plan.parameters)
    )
    return {name: (theirs[name], ours[name]) for name in ours if theirs[name] != ours[name]}


def refuse_other(plan: Planned, arn: str) -> None:
    """Raises BadInput where the execution that a token had begun is not the planned one."""
    began = plan.runs.run(arn)
    other = [f"{name}={theirs} instead of {ours}" for name, (theirs, ours) in differing(plan, arn).items()]
    if set(began.selected) != set(plan.steps):
        other.append(f"{'the steps ' + ', '.join(began.selected) if began.selected else 'all steps'}")
    if began.source != (plan.source.arn if plan.source else ""):
        other.append(f"results of {began.source.rpartition('/')[2] or 'no other execution'}")
    if other:
        raise BadInput(
            f"this token has started execution {began.execution_id} already, with {'; '.join(other)}: nothing was started",
            hint=f"leave out --token to start another; {program()} watch {began.execution_id}{plan.place.options}",
        )


def plan_in_words(answer: Answer) -> str:
    """`4.1 h to 5.9 h, $5.80 to $8.30, 20.2 of 22.2 GiB, 4,100 optimiser steps`; of a short run, `under 6 minutes`."""
    time = answer.time
    low, high = (duration(3600 * hours) for hours in (time.hours_low, time.hours_high))
    return ", ".join(
        [
            spread(low, high) if time.hours_high >= SHORT_HOURS else "under 6 minutes",
            spread(dollars(time.usd_low), dollars(time.usd_high)),
            f"{answer.memory.need:.1f} of {answer.memory.available:.1f} GiB",
            f"{answer.steps:,} optimiser steps",
        ]
    )


def for_machines(plan: Planned, **more: Any) -> dict[str, Any]:
    """What is about to run, as JSON."""
    return {
        "pipeline": plan.runs.pipeline,
        "parameters": dict(plan.parameters),
        "steps": list(plan.steps) or [step.name for step in plan.definition.steps],
        "reused": list(plan.reused),
        "source": plan.source.arn if plan.source else None,
        "estimate": plan.answer.time.model_dump(mode="json") if plan.answer else None,
        "notes": plan.notes,
        **more,
    }


def _refuse_parameters(definition: Definition, parameters: Mapping[str, str]) -> None:
    missing = [row.name for row in definition.parameters if row.default is None and row.name not in parameters]
    if missing:
        raise BadInput(
            f"{' and '.join(missing)} must be given",
            hint=f"{program()} publish prints them; then --param {missing[0]}=s3://...",
        )
    refuse_problems(check_all(dict(parameters)), "started")
    typed_parameters(definition, parameters)  # the deployed pipeline may be older than this table


def _judged(place: Deployed, definition: Definition, parameters: Mapping[str, str]) -> Answer:
    from pipeline.aws.manifests import manifest_at

    corpus = manifest_at(place.account, parameters["CorpusUri"], CorpusManifest)
    model = manifest_at(place.account, parameters["BaseModelUri"], BaseModelManifest)
    return judge(definition, parameters, corpus, model, place.settings.spot.interruptions_per_day)
