"""A verb of the command line: its errors name, in what to do next, the environment that was typed."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

from pipeline.errors import AsusuError
from pipeline.preflight.remedies import Remedies


class Verb(TyperCommand):
    """Errors come from rooms that know no environment's name, and a bare command acts on production."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb."""
        try:
            return super().invoke(ctx)
        except AsusuError as error:
            env = ctx.params.get("env") or "local"
            if env != "local":
                error.hint = Remedies(env, "", ctx.params.get("recipe") or "igbo").aimed(error.hint)
            raise
