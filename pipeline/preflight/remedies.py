"""Remedies for the environment that was looked at. Rows name commands bare, and a bare one acts on production.

Rows and lint's findings come from many rooms, most of which know no environment's name; so the names are put in where the
rows leave, in one place that no row gets past.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib.resources import files
from itertools import chain, count
from pathlib import Path

from pipeline.preflight.check import Check

TARGETS = ("infra", "plan", "push-images", "rollback", "upsert-pipeline")  # of the Makefile: those that read ENV
VERBS = (  # those that take --env and --recipe; not `run`, which makes nothing in an account
    *("checkpoints", "compile", "doctor", "explain", "graph", "lint", "plan", "preflight", "publish"),
    *("resume", "rollback", "runs", "start", "stop", "upsert", "watch"),
)
BY_NAME = ("infra",)  # what infra/deploy.sh refuses a file for: the name stands in notices, as --env takes it
SUFFIXES = (".yaml", ".yml")
ENVIRONMENTS = Path(str(files("pipeline"))) / "environments"
PLACE = "pipeline/environments"  # as one types it in the checkout, where `make` is
OF_A_RECIPE = {"upsert-pipeline": "UPSERT"}  # targets that hand a recipe on, by the variable that does it
MAKE = re.compile(rf"\bmake ({'|'.join(TARGETS)})\b(?![\w-]| ENV=)")
END = r"$|[`\n]|[,;:)] | (?:then|or|and) |\basusu "  # of a command among words
AIMED = rf"(?:(?!{END}).)* --env\b"
ASUSU = re.compile(rf"\basusu ({'|'.join(VERBS)})\b(?![\w-])(?!{AIMED})( --recipe \S+)?")
AWS = re.compile(r"\baws ((?:cloudformation|ecr|sagemaker|service-quotas) [a-z-]+)(?![\w-]| --region\b)")


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
        if found[1] in BY_NAME and self.env.endswith(SUFFIXES):
            return self._by_name(found[0])
        hands_on = OF_A_RECIPE.get(found[1]) if self.recipe != "igbo" else None
        more = f' {hands_on}="--recipe {shlex.quote(self.recipe)}"' if hands_on else ""
        return f"{found[0]} ENV={shlex.quote(self.env)}{more}"

    def _asusu(self, found: re.Match[str]) -> str:
        recipe = f" --recipe {shlex.quote(self.recipe)}" if self.recipe != "igbo" and not found[2] else ""
        return f"{found[0]}{recipe} --env {shlex.quote(self.env)}"

    def _by_name(self, command: str) -> str:
        """A command that takes a shipped environment's name alone: a file is put where it has one, if it is not there."""
        file = Path(self.env)
        base = re.sub(r"[^a-z0-9-]+", "-", file.stem.lower()).strip("-")
        base = base if re.match(r"[a-z]", base) else f"account-{base}".rstrip("-")
        free = (name for name in chain([base], (f"{base}-{more}" for more in count(2))) if not _another(file, name))
        name = next(free)
        target = f"{PLACE}/{name}.yaml"
        moved = "" if (ENVIRONMENTS / f"{name}.yaml").is_file() else f"cp {shlex.quote(self.env)} {target} && "
        return f"{moved}{command} ENV={name}"


def _another(file: Path, name: str) -> bool:
    """Whether another environment than the file's has a name."""
    there = ENVIRONMENTS / f"{name}.yaml"
    return there.is_file() and not (file.is_file() and there.read_bytes() == file.read_bytes())
