"""The environment of an account as the verbs of an account see it: settings, clients, names."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline import settings
from pipeline.definition import compile_recipe
from pipeline.errors import BadInput
from pipeline.preflight.machines import check_region
from pipeline.preflight.remedies import Remedies
from pipeline.recipes import languages_of, pipeline_name
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.aws.session import Account

PLACEHOLDER = "0" * 12


@dataclass(frozen=True)
class Deployed:
    """One recipe in one environment of an account."""

    recipe: str
    env: str
    settings: Settings
    account: Account
    number: str

    @property
    def name(self) -> str:
        """The pipeline's name in the account, e.g. `asusu-igbo`."""
        return pipeline_name(self.recipe)

    @property
    def options(self) -> str:
        """What a command needs to come to the same place, with a leading blank: ` --env production`."""
        recipe = "" if self.recipe == "igbo" else f" --recipe {shlex.quote(self.recipe)}"
        return f"{recipe} --env {shlex.quote(self.env)}"

    @property
    def remedies(self) -> Remedies:
        """What remedies need to act on this environment."""
        return Remedies(self.env, self.settings.region, self.recipe)

    def text(self) -> str:
        """The canonical definition, compiled afresh."""
        return compile_recipe(self.recipe, self.settings)


def environment(env: str, account: str = "") -> Settings:
    """The settings of an environment that has an account; nobody is asked.

    Raises BadInput for `local`, for settings that are wrong, and for a region without SageMaker, which would otherwise be
    waited for: nothing answers there.
    """
    if env == "local":
        raise BadInput("the environment `local` has no account", hint="give --env production, or a YAML file")
    chosen = settings.load(env, {"account": account or PLACEHOLDER})
    found = check_region(chosen.region)
    if found.status == "refused":
        raise BadInput(found.detail, hint=found.fix)
    return chosen


def deployed(env: str, account: str = "", recipe: str = "igbo") -> Deployed:
    """Connect to an environment's account; its number, where not given, is that of the credentials.

    Raises BadInput for `local`, for missing or foreign credentials, for another account's number, for settings that are wrong.
    """
    languages_of(recipe)
    chosen = environment(env, account)
    try:
        from pipeline.aws.session import connect, connect_environment
    except ModuleNotFoundError as error:
        raise BadInput(f"{error.name} is not installed, which an account needs", hint="make aws") from error
    if not account:
        account = connect(chosen.region).caller()["Account"]
        chosen = settings.load(env, {"account": account})
    return Deployed(recipe, env, chosen, connect_environment(chosen, account), account)
