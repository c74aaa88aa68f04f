"""The rules that need the whole corpus: their names and reasons, in the order in which they are asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from steps.prepare.options import GLOBAL_RULES, PrepareOptions


@dataclass(frozen=True)
class Rule:
    """One line of the waterfall. The value of every row it drops is "row N", the row that made it superfluous."""

    name: str
    explain: Callable[[PrepareOptions], str]

    def reason(self, options: PrepareOptions) -> str:
        """Why a row goes, with the limit in force."""
        return self.explain(options)


RULES = (
    Rule("duplicate", lambda _: "an earlier row has the same letters and digits on both sides"),
    Rule("source-cap", lambda o: f"{o.max_targets_per_source} earlier rows have the same source sentence"),
    Rule("target-cap", lambda o: f"{o.max_sources_per_target} earlier rows have the same target sentence"),
    Rule("template-cap", lambda o: f"{o.max_pairs_per_template} earlier source sentences differ in digits only"),
    Rule("near-duplicate", lambda o: f"an earlier row shares at least {o.near:.0%} of the word bigrams of both sides"),
    Rule("held-out-copy", lambda o: f"a side is a near-copy ({o.near:.0%}) of a sentence held out in another split"),
)
RULES_BY_NAME = {rule.name: rule for rule in RULES}
assert tuple(RULES_BY_NAME) == GLOBAL_RULES  # noqa: S101  one table, two rooms
