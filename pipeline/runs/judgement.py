"""Can a run that somebody is about to start work: hours, memory and dollars, by the formulas that Preflight decides by.

The limits and levers are those of the deployed definition, since that is what runs, and not those of this checkout.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.definition import Definition
from pipeline.errors import EXIT_REFUSED, AsusuError
from pipeline.estimate import Answer
from pipeline.plan.cost import Unknown, Work, training
from steps.budget import tokens_per_example
from steps.contract import BaseModelManifest, CorpusManifest


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
    examples = 2 * corpus.pairs  # both directions
    work = Work(examples, tokens_per_example(corpus), model.shape, interruptions_per_day)
    try:
        found = training(definition, given, work)
    except Unknown as error:
        raise Unjudged(f"the deployed definition does not tell enough: {error.message}") from error
    if found.problems:
        listed = "\n  ".join(found.problems)
        raise PlanRefused(
            f"the plan is refused, nothing was started:\n  {listed}\n  assumed: {found.time.assumptions}",
            hint="lower Epochs or MaxSteps, or raise the limit on purpose; asusu estimate shows what each costs",
        )
    return found
