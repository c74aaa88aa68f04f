"""What a person should look at before training on the corpus: one sentence each. Signals are no warnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from steps.contract import CorpusSource, RuleCount
from steps.languages import Language

MAX_RULE_SHARE = 0.2
MAX_COMPONENT_SHARE = 0.1
MIN_VALIDATION = 100
UNSPACED = {"Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan"}
UNSTATED = ("", "not stated", "unstated", "unknown", "none", "noassertion")


def warnings(
    sources: Sequence[CorpusSource],
    rules: Sequence[RuleCount],
    rows_in: int,
    rows_out: int,
    splits: Mapping[str, int],
    largest_component: int,
) -> list[str]:
    """The sentences: rules, then groups, splits and licences."""
    found = [
        f"The rule {rule.rule} dropped {_percent(rule.dropped, rows_in)} of all rows ({rule.dropped:,} of {rows_in:,}):"
        " look at its examples before you trust it."
        for rule in rules
        if rule.dropped > MAX_RULE_SHARE * rows_in
    ]
    if largest_component > MAX_COMPONENT_SHARE * rows_out:
        found.append(
            f"One group of equal or near-equal sentences holds {largest_component:,} of the {rows_out:,} rows left"
            f" ({_percent(largest_component, rows_out)}): the corpus repeats itself, and the group is in one split."
        )
    if splits.get("validation", 0) < MIN_VALIDATION:
        found.append(
            f"The validation split has only {splits.get('validation', 0):,} pairs: what is measured on it is a rough"
            " number."
        )
    return found + [
        f"The licence of {source.name} is not stated: find out whether you may train on it and share the model."
        for source in sources
        if source.licence.strip().casefold() in UNSTATED
    ]


def unspaced_warnings(languages: Sequence[Language]) -> list[str]:
    """What cannot be found in languages that write no spaces between words."""
    return [
        f"{language.name} is written without spaces, so a sentence is one word here: near-copies and benchmark sentences"
        " are found in it only when they are equal."
        for language in languages
        if UNSPACED & set(language.scripts)
    ]


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"
