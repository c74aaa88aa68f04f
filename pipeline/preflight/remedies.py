"""Remedies for the environment that was looked at. Rows name commands bare, and a bare one acts on production.

Rows and lint's findings come from many rooms, most of which know no environment's name; so the names are put in where the
rows leave, in one place that no row gets past.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, replace

from pipeline.preflight.check import Check

TARGETS = ("infra", "plan", "push-images", "rollback", "upsert-pipeline")  # of the Makefile: those that read ENV
VERBS = (  # those that take --env and --recipe; not `run`, which makes nothing in an account
    *("checkpoints", "compile", "doctor", "explain", "graph", "lint", "plan", "preflight", "publish"),
    *("resume", "rollback", "runs", "start", "stop", "upsert", "watch"),
)
OF_A_RECIPE = {"upsert-pipeline": "UPSERT"}  # targets that hand a recipe on, by the variable that does it
MAKE = re.compile(rf"\bmake ({'|'.join(TARGETS)})\b(?![\w-]| ENV=)")
ASUSU = re.compile(rf"\basusu ({'|'.join(VERBS)})\b(?![\w-]| --(?:env|recipe)\b)")
AWS = re.compile(r"\baws ((?:ecr|service-quotas) [a-z-]+)(?![\w-]| --region\b)")


@dataclass(frozen=True)
class Remedies:
    """Of one environment: its name, its region, and the recipe, where a command must name them to act on the same things.

    Without a region, commands of the AWS command line stay as they are.
    """

    env: str
    region: str
    recipe: str = "igbo"

    def aimed(self, text: str) -> str:
        """A remedy with the environment in each of its commands that takes one; those that name one stay as they are."""
        text = MAKE.sub(self._make, text)
        text = ASUSU.sub(self._asusu, text)
        return AWS.sub(rf"aws \1 --region {self.region}", text) if self.region else text

    def rows(self, checks: Iterable[Check]) -> list[Check]:
        """Rows whose remedies act on this environment."""
        return [replace(check, fix=self.aimed(check.fix)) for check in checks]

    def _make(self, found: re.Match[str]) -> str:
        hands_on = OF_A_RECIPE.get(found[1]) if self.recipe != "igbo" else None
        more = f' {hands_on}="--recipe {shlex.quote(self.recipe)}"' if hands_on else ""
        return f"{found[0]} ENV={shlex.quote(self.env)}{more}"

    def _asusu(self, found: re.Match[str]) -> str:
        recipe = f" --recipe {shlex.quote(self.recipe)}" if self.recipe != "igbo" else ""
        return f"{found[0]}{recipe} --env {shlex.quote(self.env)}"
