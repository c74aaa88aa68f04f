"""Verbs that read the definition: compile, lint, params, graph."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipeline import draw, settings
from pipeline.definition import Definition, compile_recipe, read
from pipeline.errors import BadInput
from pipeline.recipes import RECIPES, languages_of
from steps.parameters import PARAMETERS

Recipe = Annotated[str, typer.Option(help=f"Pipeline to use: {', '.join(RECIPES)}, or a language pair such as en-sw")]
Env = Annotated[str, typer.Option("--env", help="Environment: a shipped name, or a YAML file")]
Account = Annotated[str, typer.Option(help="AWS account number, for environments that name one as {account}")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a machine")]


def definition_text(recipe: str, env: str, account: str = "") -> str:
    """The definition of a recipe: the shipped one for `local`, which needs no SDK, compiled afresh for the others."""
    languages_of(recipe)
    if env == "local" and recipe in RECIPES:
        return (files("pipeline") / "compiled" / f"{recipe}.local.json").read_text(encoding="utf-8")
    return compile_recipe(recipe, settings.load(env, {"account": account} if account else {}))


def compile_(recipe: Recipe = "igbo", env: Env = "local", account: Account = "") -> None:
    """Print the canonical definition JSON: no network, no credentials, the same bytes every time."""
    sys.stdout.write(compile_recipe(recipe, settings.load(env, {"account": account} if account else {})))


def lint(
    file: Annotated[Path | None, typer.Argument(help="A definition to check instead of the recipe's")] = None,
    recipe: Recipe = "igbo",
    env: Env = "local",
    account: Account = "",
    as_json: AsJson = False,
) -> None:
    """Check a definition against the service's rules. Exit 1 when there are findings."""
    from pipeline.lint import lint as check
    from pipeline.preflight.remedies import Remedies

    findings = check(_definition(file, recipe, env, account))
    if file is None and env != "local":
        remedies = Remedies(env, settings.load(env, {"account": account} if account else {}).region, recipe)
        findings = [replace(finding, remedy=remedies.aimed(finding.remedy)) for finding in findings]
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False))
    else:
        for finding in findings:
            print(finding)
        print(f"{len(findings)} finding(s)" if findings else "no findings")
    raise typer.Exit(1 if findings else 0)


def params(env: Env = "local", account: Account = "", as_json: AsJson = False) -> None:
    """The run-time parameters: default, what is allowed, and what this environment starts with."""
    starts = settings.load(env, {"account": account or "000000000000"}).start_parameters
    if as_json:
        rows = [{**row.model_dump(), "allowed": row.allowed, "start": starts.get(row.name)} for row in PARAMETERS]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    console = Console()
    for row in PARAMETERS:
        default = f"default {row.default}" if row.default is not None else "must be given (run --local publishes it)"
        start = f", {env} starts with {starts[row.name]}" if row.name in starts else ""
        console.print(f"[bold]{row.name}[/] [dim]{row.type}[/], {default}{start}", highlight=False, soft_wrap=True)
        console.print(f"    {row.help}: {row.allowed}", highlight=False, soft_wrap=True, markup=False)


def graph(
    file: Annotated[Path | None, typer.Argument(help="A definition to draw instead of the recipe's")] = None,
    recipe: Recipe = "igbo",
    env: Env = "local",
    account: Account = "",
    mermaid: Annotated[bool, typer.Option("--mermaid", help="Print Mermaid text")] = False,
    as_json: AsJson = False,
) -> None:
    """Draw the DAG: a tree in the terminal, or Mermaid."""
    definition = _definition(file, recipe, env, account)
    if as_json:
        print(json.dumps([asdict(step) for step in draw.facts(definition)], indent=2, ensure_ascii=False))
    elif mermaid:
        sys.stdout.write(draw.mermaid(definition))
    else:
        Console().print(draw.tree(definition))


def _definition(file: Path | None, recipe: str, env: str, account: str) -> Definition:
    if file is None:
        return read(definition_text(recipe, env, account))
    try:
        return read(file.read_text(encoding="utf-8"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read {file}: {error}") from error
