"""What `plan`, `upsert` and `rollback` look at before anything is changed: the wanted pipeline, the deployed one, the plan."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import settings
from pipeline.cli.deployed import PLACEHOLDER, Deployed, deployed
from pipeline.definition import Definition, digest, read
from pipeline.errors import AsusuError, BadInput
from pipeline.plan import Change, Plan, compare
from pipeline.plan.cost import Ceiling, Unknown, Work, ceiling, training
from pipeline.plan.leaves import ABSENT
from pipeline.preflight.machines import check_region

if TYPE_CHECKING:
    from pipeline.aws.deploying import Wanted
    from pipeline.aws.pipelines import Situation
    from pipeline.aws.records import Records
    from pipeline.estimate import Answer

ROLE = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/")


@dataclass(frozen=True)
class Planned:
    """A plan against an account. `edits` is the plan from the last upsert to what is deployed, where that is another."""

    place: Deployed
    records: Records
    situation: Situation
    wanted: Wanted
    before: Definition | None
    after: Definition
    plan: Plan
    edits: Plan | None

    @property
    def drift(self) -> str:
        """Why what is deployed is not what was deployed last, empty where it is."""
        return self.situation.drift.reason if self.situation.drift else ""

    @property
    def idle(self) -> bool:
        """Whether there is nothing to deploy."""
        return self.plan.empty and not self.drift


def connected(env: str, account: str, recipe: str) -> Deployed:
    """The environment's account. Raises BadInput also for a region that nobody knows, before it is waited for."""
    if (
        env != "local"
        and (found := check_region(settings.load(env, {"account": PLACEHOLDER}).region)).status == "refused"
    ):
        raise BadInput(found.detail, hint=found.fix)
    return deployed(env, account, recipe)


def read_file(file: Path) -> str:
    """The text of a definition's file. Raises BadInput where it cannot be read."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read {file}: {error}") from error


def wanted_text(place: Deployed, file: Path | None) -> str:
    """The definition to deploy: a compiled file, or the recipe compiled afresh. Raises BadInput for another account's."""
    if file is None:
        return place.text()
    text = read_file(file)
    read(text, str(file))
    strangers = sorted(set(ROLE.findall(text)) - {place.number})
    if strangers:
        raise BadInput(
            f"{file} is compiled for account {', '.join(strangers)}, and this is account {place.number}",
            hint=f"asusu compile{place.options} --account {place.number} > {file}",
        )
    return text


def records_of(place: Deployed) -> Records:
    """The records of a recipe's upserts."""
    from pipeline.aws.records import Records

    return Records(place.account, place.settings.bucket, place.name, place.options)


def against_account(place: Deployed, records: Records, situation: Situation, wanted: Wanted) -> Planned:
    """The plan from what an account has to what is wanted."""
    from pipeline.aws.deploying import check_size
    from pipeline.aws.pipelines import readable

    check_size(wanted.text)
    after = read(wanted.text)
    pipeline, last = situation.pipeline, situation.last
    before = readable(pipeline.text) if pipeline else None
    ours = {*wanted.tags, *(last.tags if last else ())}
    around = {"Role": wanted.role, "Tags": dict(wanted.tags)}
    standing: Mapping[str, Any] = {}
    if pipeline:
        standing = {"Role": pipeline.role, "Tags": {key: pipeline.tags[key] for key in pipeline.tags if key in ours}}
    recorded = situation.drift.recorded if situation.drift else None
    return Planned(
        place=place,
        records=records,
        situation=situation,
        wanted=wanted,
        before=before,
        after=after,
        plan=compare(before, after, standing, around),
        edits=compare(recorded, before) if recorded and before else None,
    )


@dataclass(frozen=True)
class Cost:
    """A run by one definition. `training` is None where the formulas cannot tell, and `unknown` says why."""

    training: Answer | None
    unknown: str
    ceiling: Ceiling


def cost(definition: Definition, parameters: Mapping[str, str], work: Work) -> Cost:
    """Time and money of a run that is started with these parameters."""
    most = ceiling(definition, parameters)
    try:
        return Cost(training(definition, parameters, work), "", most)
    except Unknown as error:
        return Cost(None, error.message, most)
    except AsusuError as error:
        return Cost(None, str(error), most)


def plan_for_machines(plan: Plan) -> dict[str, Any]:
    """A plan as JSON. A side that is nothing is left out."""
    return {
        "creates": plan.creates,
        "changes": [_change(change) for change in plan.changes],
        "gate_loosened": [asdict(one) for one in plan.loosened],
        "caches": [{**asdict(one), "hits": one.hits} for one in plan.caches],
    }


def _change(change: Change) -> dict[str, Any]:
    sides = {"before": change.before, "after": change.after}
    said = {"step": change.step, "where": change.where, "text": change.text, "meaning": change.meaning}
    return said | {name: side for name, side in sides.items() if side is not ABSENT}


def cost_for_machines(found: Cost | None) -> dict[str, Any] | None:
    """A run's time and money as JSON, None for no run."""
    if found is None:
        return None
    answer = found.training
    return {
        "training": answer.time.model_dump(mode="json") if answer else None,
        "problems": answer.problems if answer else [],
        "unknown": found.unknown,
        "at_most": asdict(found.ceiling),
    }


def for_machines(planned: Planned) -> dict[str, Any]:
    """A plan against an account as JSON, without its cost."""
    pipeline, last = planned.situation.pipeline, planned.situation.last
    return {
        "pipeline": planned.place.name,
        "environment": planned.place.env,
        "account": planned.place.number,
        "region": planned.place.settings.region,
        "definition": digest(planned.wanted.text),
        "deployed": pipeline.sha256 if pipeline else None,
        "last": last.model_dump(mode="json") if last else None,
        "drift": planned.drift or None,
        "edits": plan_for_machines(planned.edits)["changes"] if planned.edits else [],
        **plan_for_machines(planned.plan),
    }
