"""A verb of the command line: its errors name, in what to do next, the environment and the program as they were typed."""

from __future__ import annotations

import re
from typing import Any

from typer.core import TyperCommand

from pipeline.cli.outcome import program
from pipeline.errors import AsusuError
from pipeline.preflight.remedies import Remedies


class Verb(TyperCommand):
    """Errors come from rooms that know neither: a bare command acts on production, and may not be on the path."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb."""
        try:
            return super().invoke(ctx)
        except AsusuError as error:
            env = ctx.params.get("env") or "local"
            if env != "local":
                error.hint = Remedies(env, "", ctx.params.get("recipe") or "igbo").aimed(error.hint)
            error.hint = _as_called(error.hint, ctx.parent.command.list_commands(ctx.parent))
            raise


def _as_called(hint: str, verbs: list[str]) -> str:
    """A hint whose commands begin as this one did."""
    return re.sub(rf"(?<![\w./-])asusu (?=(?:{'|'.join(verbs)})\b)", lambda _: f"{program()} ", hint)
