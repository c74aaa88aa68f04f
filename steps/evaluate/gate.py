"""The gate: one small function per rule, each with its number, its limit and its reason; one verdict over all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from steps.contract import GATE_RULES, Difference, DirectionScores, GateVerdict, RuleVerdict

CHRF_MARGIN = 1.0  # chrF++ points over the base model; on a few hundred sentences less is easily noise
SIGNIFICANCE = 0.05
MESSAGE_LIMIT = 700  # advice and the Fail step's report address follow, and the service keeps 1,024 characters
ADVICE_LIMIT = 110
REASON_LIMIT = 300  # it may name a base model, whose name is somebody else's text
SIDES = ("forward", "backward")
ADVICE = {  # by the first refused rule; without the side
    "validation_loss": "train longer or on more text; raise MaxValidationLoss only where the limit itself is wrong",
    "better_than_base": "read the samples; a higher LearningRate, more steps or more text",
    "few_broken": "read the worst samples: such a model saw too little text, or too much of one kind",
    "adapter_trained": "the optimiser moved nothing: look at LearningRate and LoraTargets",
    "training_fraction": "raise MaxTrainingHours, or go on from its checkpoints with ResumeFrom",
    "not_worse_than_champion": "read the samples that changed most; more steps or text. The champion stays",
}


@dataclass(frozen=True)
class Limits:
    """The run-time parameters of the gate."""

    max_validation_loss: float
    min_training_fraction: float
    max_broken_share: float


@dataclass(frozen=True)
class Evidence:
    """All that the gate decides on. `scores` and `against_champion` are in the order of SIDES.

    The latter is empty where no champion was compared with, and then `not_compared` says why; else that is empty.
    """

    validation_loss: float
    scores: tuple[DirectionScores, DirectionScores]
    largest_lora_b: float
    training_fraction: float
    against_champion: Sequence[Difference]
    not_compared: str


def decide(evidence: Evidence, limits: Limits) -> GateVerdict:
    """Every rule, and the overall verdict with a sentence that a person can act on.

    A rule that could not be decided is never counted as passed: `undecided` names it with its reason.
    """
    rules = [
        validation_loss(evidence.validation_loss, limits.max_validation_loss),
        *(better_than_base(side, scores) for side, scores in zip(SIDES, evidence.scores, strict=True)),
        *(
            few_broken(side, scores, limits.max_broken_share)
            for side, scores in zip(SIDES, evidence.scores, strict=True)
        ),
        adapter_trained(evidence.largest_lora_b),
        training_fraction(evidence.training_fraction, limits.min_training_fraction),
        *(not_worse_than_champion(side, pair) for side, pair in zip(SIDES, evidence.against_champion, strict=False)),
    ]
    refused = [rule for rule in rules if not rule.passed]
    undecided = "" if evidence.against_champion else f"champion rule not decided: {brief(evidence.not_compared)}"
    return GateVerdict(
        verdict="refused" if refused else "passed",
        message=f"{sentence_of(refused)} {advice(refused[0])}" if refused else praise(len(rules), undecided),
        rules=rules,
        undecided=undecided,
    )


def validation_loss(loss: float, limit: float) -> RuleVerdict:
    """At or under MaxValidationLoss: a sanity bound on what the model was trained for."""
    value, bound = apart(loss, limit)
    where = "at or under" if loss <= limit else "over"
    sentence = f"validation loss {value} is {where} the limit {bound} (MaxValidationLoss)"
    return RuleVerdict(rule="validation_loss", passed=loss <= limit, value=loss, limit=limit, sentence=sentence)


def better_than_base(side: str, scores: DirectionScores) -> RuleVerdict:
    """At least CHRF_MARGIN over the base model: an adapter that adds nothing is not worth serving."""
    value, limit = scores.chrf.value, scores.base_chrf.value + CHRF_MARGIN
    passed = value >= limit
    shown, bound = apart(value, limit)
    where = "at or over" if passed else "under"
    sentence = (
        f"chrF++ {scores.direction} {shown} is {where} {bound}, the base model's score plus {CHRF_MARGIN:g}"
        f" (better_than_base_{side})"
    )
    return RuleVerdict(rule=f"better_than_base_{side}", passed=passed, value=value, limit=limit, sentence=sentence)


def few_broken(side: str, scores: DirectionScores, limit: float) -> RuleVerdict:
    """At or under MaxBrokenShare: translations that are empty, copied, looping or left in the source language."""
    share = scores.failures.broken
    passed = share <= limit
    shown, bound = apart(share, limit)
    where = "at or under" if passed else "over"
    sentence = f"share of broken translations {scores.direction} {shown} is {where} the limit {bound}"
    sentence += f" (MaxBrokenShare, few_broken_{side})"
    return RuleVerdict(rule=f"few_broken_{side}", passed=passed, value=share, limit=limit, sentence=sentence)


def adapter_trained(largest_lora_b: float) -> RuleVerdict:
    """Some lora_B weight has left its start at zero: else the model is its base, whatever else is reported."""
    passed = largest_lora_b > 0
    sentence = (
        f"largest lora_B weight {largest_lora_b:.4g} is over 0 (adapter_trained)"
        if passed
        else "every lora_B weight is 0, so the adapter is untrained and the model equals its base (adapter_trained)"
    )
    return RuleVerdict(rule="adapter_trained", passed=passed, value=largest_lora_b, limit=0.0, sentence=sentence)


def training_fraction(fraction: float, limit: float) -> RuleVerdict:
    """At or over MinTrainingFraction: a run cut short by time or a signal does not pass for the planned one."""
    value, bound = apart(fraction, limit)
    where = "at or over" if fraction >= limit else "under"
    sentence = f"trained share of the planned steps {value} is {where} the limit {bound} (MinTrainingFraction)"
    return RuleVerdict(
        rule="training_fraction", passed=fraction >= limit, value=fraction, limit=limit, sentence=sentence
    )


def not_worse_than_champion(side: str, pair: Difference) -> RuleVerdict:
    """Refuses only what is worse than the approved model beyond noise: the value is the paired bootstrap's p."""
    passed = pair.p >= SIGNIFICANCE
    p, bound = apart(pair.p, SIGNIFICANCE)
    ours, theirs = apart(pair.chrf, pair.other_chrf)
    verdict = f"p {p} is at or over {bound}" if passed else f"worse beyond noise, p {p} is under {bound}"
    sentence = (
        f"chrF++ {pair.direction} {ours} against the champion's {theirs}: {verdict} (not_worse_than_champion_{side})"
    )
    return RuleVerdict(
        rule=f"not_worse_than_champion_{side}", passed=passed, value=pair.p, limit=SIGNIFICANCE, sentence=sentence
    )


def apart(value: float, limit: float) -> tuple[str, str]:
    """Both numbers, short, with as many digits as it takes to tell them apart."""
    for digits in (4, 6, 9, 17):
        texts = f"{value:.{digits}g}", f"{limit:.{digits}g}"
        if texts[0] != texts[1] or value == limit:
            break
    return texts


def praise(passed: int, undecided: str) -> str:
    """What is said of a model that no rule refused: how many of the gate's rules decided that."""
    if undecided:
        return f"{passed} of {len(GATE_RULES)} rules of the gate passed and none refused; {undecided}."
    return f"Every rule of the gate passed, {passed} of {passed}."


def brief(reason: str) -> str:
    """A reason of at most REASON_LIMIT characters."""
    return reason if len(reason) <= REASON_LIMIT else f"{reason[: REASON_LIMIT - 1]}…"


def advice(refused: RuleVerdict) -> str:
    """What to do about a refused rule, as a sentence of at most ADVICE_LIMIT characters."""
    return f"Next: {ADVICE[refused.rule.removesuffix('_forward').removesuffix('_backward')]}."


def sentence_of(refused: Sequence[RuleVerdict]) -> str:
    """The refused rules in one message of at most MESSAGE_LIMIT characters; what does not fit is counted."""
    text = refused[0].sentence
    for place, rule in enumerate(refused[1:], start=1):
        longer = f"{text}; {rule.sentence}"
        rest = f"; {len(refused) - place} more refused."
        if len(longer) + len(rest) > MESSAGE_LIMIT:
            return text + rest
        text = longer
    return f"{text}."
