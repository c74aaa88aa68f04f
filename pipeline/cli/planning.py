"""What `plan`, `upsert` and `rollback` look at before anything is changed: the wanted pipeline, the deployed one, the plan."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.cli.deployed import Deployed
from pipeline.definition import Definition, digest, read, with_own_sum
from pipeline.errors import AsusuError, BadInput
from pipeline.plan import Change, Loosened, Plan, compare, undone
from pipeline.plan.cost import Ceiling, Unknown, Work, ceiling, ended_early, training
from pipeline.plan.gate import loosened
from pipeline.plan.leaves import ABSENT
from pipeline.plan.refusal import Lost

if TYPE_CHECKING:
    from pipeline.aws.deploying import Wanted
    from pipeline.aws.pipelines import Deployed as Pipeline
    from pipeline.aws.pipelines import Situation
    from pipeline.aws.records import Records
    from pipeline.estimate import Answer

ROLE = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/")


@dataclass(frozen=True)
class Planned:
    """A plan against an account. `edits` is the plan from the last upsert to what is deployed, where that is another.

    `looser_than_last` is what the last upsert's gate would have refused and the wanted one lets through, and the plan from
    what is deployed does not say: somebody made it looser before, or there is nothing to compare with.
    """

    place: Deployed
    records: Records
    situation: Situation
    wanted: Wanted
    before: Definition | None
    after: Definition
    plan: Plan
    edits: Plan | None
    looser_than_last: tuple[Loosened, ...] = ()

    @property
    def drift(self) -> str:
        """Why what is deployed is not what was deployed last, empty where it is."""
        return self.situation.drift.reason if self.situation.drift else ""

    @property
    def idle(self) -> bool:
        """Whether there is nothing to deploy."""
        return self.plan.empty and not self.drift

    @property
    def lost(self) -> Lost | None:
        """What deploying would lose, None where it says the same as whoever edited it."""
        drift = self.situation.drift
        if drift is None or self.plan.empty or (self.edits and not undone(self.edits, self.plan)):
            return None
        return Lost(drift.reason, drift.remedy)

    @property
    def looser(self) -> tuple[Loosened, ...]:
        """Every way in which the gate gets looser, than what is deployed and than what was deployed last."""
        return (*self.plan.loosened, *self.looser_than_last)

    @property
    def accepted(self) -> tuple[str, ...]:
        """The names of these ways, for the record."""
        return tuple(dict.fromkeys(one.what for one in self.looser))


def read_file(file: Path) -> str:
    """The text of a definition's file. Raises BadInput where it cannot be read."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read {file}: {error}") from error


def wanted_text(place: Deployed, file: Path | None) -> str:
    """The definition to deploy: a compiled file, or the recipe compiled afresh. Raises BadInput for another account's.

    A file that was edited is given its own sum anew: a package would name another definition otherwise.
    """
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
    return with_own_sum(text)


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
    around = {"Role": wanted.role, "Tags": dict(wanted.tags)}
    standing = _around(pipeline, {*wanted.tags, *(last.tags if last else ())})
    plan = compare(before, after, standing, around)
    return Planned(
        place=place,
        records=records,
        situation=situation,
        wanted=wanted,
        before=before,
        after=after,
        plan=plan,
        edits=_edits(situation, before),
        looser_than_last=tuple(one for one in _looser(situation, after) if one not in plan.loosened),
    )


def _around(pipeline: Pipeline | None, tags: Collection[str]) -> dict[str, Any]:
    """A pipeline's role and those of its tags that are ours."""
    if pipeline is None:
        return {}
    return {"Role": pipeline.role, "Tags": {key: value for key, value in pipeline.tags.items() if key in tags}}


def _edits(situation: Situation, before: Definition | None) -> Plan | None:
    """What others changed since the last upsert, None where nobody can tell."""
    pipeline, last = situation.pipeline, situation.last
    if not (situation.drift and situation.recorded and before and pipeline and last):
        return None
    tags = last.tags if last.state == "done" else {}  # one that died before it tagged did not set them
    return compare(situation.recorded, before, {"Role": last.role, "Tags": dict(tags)}, _around(pipeline, tags))


def _looser(situation: Situation, after: Definition) -> list[Loosened]:
    """Against the last upsert's gate, which somebody may have made looser, or deleted, since."""
    if situation.last is None:
        return []
    if situation.recorded is None:
        kept = f"that of upsert {situation.last.number}, whose definition is gone"
        return [Loosened("gate", kept, "another, perhaps", "nobody can tell what would be registered now")]
    return loosened(situation.recorded, after)


@dataclass(frozen=True)
class Cost:
    """A run by one definition. `training` is None where the formulas cannot tell, and `unknown` says why.

    `ended` says what ends it before its examples are read, empty where nothing does.
    """

    training: Answer | None
    unknown: str
    ceiling: Ceiling
    ended: str = ""


def cost(definition: Definition, parameters: Mapping[str, str], work: Work) -> Cost:
    """Time and money of a run that is started with these parameters."""
    most = ceiling(definition, parameters)
    try:
        return Cost(training(definition, parameters, work), "", most, ended_early(definition, parameters, work))
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
        "ended": found.ended,
        "at_most": asdict(found.ceiling),
    }


def for_machines(planned: Planned) -> dict[str, Any]:
    """A plan against an account as JSON, without its cost."""
    pipeline, last = planned.situation.pipeline, planned.situation.last
    edits = plan_for_machines(planned.edits or Plan(creates=False))
    return {
        "pipeline": planned.place.name,
        "environment": planned.place.env,
        "account": planned.place.number,
        "region": planned.place.settings.region,
        "definition": digest(planned.wanted.text),
        "deployed": pipeline.sha256 if pipeline else None,
        "last": last.model_dump(mode="json") if last else None,
        "drift": planned.drift or None,
        "edits": edits["changes"],
        "edits_loosened": edits["gate_loosened"],
        "edits_lost": planned.lost is not None,
        **plan_for_machines(planned.plan),
        "gate_loosened": [asdict(one) for one in planned.looser],
    }
