"""Can a run that somebody is about to start work: hours, memory and dollars, by the formulas that Preflight decides by.

The limits and levers are those of the deployed definition, since that is what runs, and not those of this checkout.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.definition import Definition
from pipeline.errors import EXIT_REFUSED, AsusuError
from pipeline.estimate import Answer, Question, answer
from steps.contract import BaseModelManifest, CorpusManifest
from steps.job import Refused
from steps.levers import read_levers
from steps.parameters import PARAMETERS, Value, parse_value
from steps.preflight.__main__ import PROMPT_TOKENS, TOKENS_PER_WORD

DEAREST = max(TOKENS_PER_WORD.values())
DEPLOYED = ("Levers", "TrainingHosts", "MaxRuntimeSeconds", "StopMarginMinutes")


class PlanRefused(AsusuError):
    """What somebody wants to start cannot work; nothing was started."""

    exit_code = EXIT_REFUSED


class Unjudged(AsusuError):
    """The numbers that a judgement needs are not known."""


def judge(
    definition: Definition,
    given: Mapping[str, str],
    corpus: CorpusManifest,
    model: BaseModelManifest,
    interruptions_per_day: float,
) -> Answer:
    """What the formulas say of a run with these parameters, the other ones being the definition's defaults.

    Raises PlanRefused with every reason, Unjudged where the deployed definition does not say what it was deployed with.
    """
    found = answer(_question(definition, given, corpus, model, interruptions_per_day))
    if found.problems:
        listed = "\n  ".join(found.problems)
        raise PlanRefused(
            f"the plan is refused, nothing was started:\n  {listed}\n  assumed: {found.time.assumptions}",
            hint="lower Epochs or MaxSteps, or raise the limit on purpose; asusu estimate shows what each costs",
        )
    return found


def _question(
    definition: Definition,
    given: Mapping[str, str],
    corpus: CorpusManifest,
    model: BaseModelManifest,
    interruptions_per_day: float,
) -> Question:
    deployed = _deployed(definition)
    words = sum(count * TOKENS_PER_WORD.get(code, DEAREST) for code, count in corpus.words.items())
    try:
        return Question(
            examples=2 * corpus.pairs,  # both directions
            tokens_per_example=words / corpus.pairs + PROMPT_TOKENS,
            shape=model.shape,
            values=_values(definition, given),
            levers=read_levers(deployed["Levers"]),
            hosts=int(deployed["TrainingHosts"]),
            platform_hours=float(deployed["MaxRuntimeSeconds"]) / 3600,
            margin_hours=float(deployed["StopMarginMinutes"]) / 60,
            interruptions_per_day=interruptions_per_day,
        )
    except (ValueError, Refused) as error:
        raise Unjudged(f"the deployed definition says something that cannot be understood: {error}") from error


def _deployed(definition: Definition) -> Mapping[str, Any]:
    """What a step that plans the training was told when the definition was compiled."""
    for step in definition.steps:
        environment = step.arguments.get("Environment") or {}
        if step.type == "Processing" and all(isinstance(environment.get(name), str) for name in DEPLOYED):
            return environment
    raise Unjudged(f"no step of the deployed definition says {', '.join(DEPLOYED)}")


def _values(definition: Definition, given: Mapping[str, str]) -> dict[str, Value]:
    """Every run-time parameter as the run will see it: given, else the deployed default, else the table's."""
    values: dict[str, Value] = {row.name: row.default for row in PARAMETERS if row.default is not None}
    declared = {row.name: row.default for row in definition.parameters if row.default is not None}
    texts = {name: str(value) for name, value in declared.items() if name in values} | dict(given)
    return values | {name: parse_value(name, text) for name, text in texts.items()}
