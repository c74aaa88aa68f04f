"""`asusu plan`: what deploying would change, in words, and what a run takes before and after. Changes nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from pipeline import settings
from pipeline.cli.definition import Account, AsJson, Env, Recipe, definition_text
from pipeline.cli.deployed import Deployed
from pipeline.cli.deployed import deployed as account_of
from pipeline.cli.outcome import program
from pipeline.cli.plan_view import Paper, print_costs, print_place, print_plan
from pipeline.cli.planning import (
    Planned,
    against_account,
    cost,
    cost_for_machines,
    for_machines,
    plan_for_machines,
    read_file,
    records_of,
    wanted_text,
)
from pipeline.definition import Definition, read
from pipeline.errors import EXIT_DIFFERENT, EXIT_OK, BadInput
from pipeline.estimate import MISTRAL_7B
from pipeline.plan import Plan, compare
from pipeline.plan.cost import Work

MOST = 10**12
USUAL = 100_000
DefinitionFile = Annotated[
    Path | None, typer.Option("--definition", help="Deploy this compiled file instead of compiling afresh")
]
Examples = Annotated[
    int, typer.Option(min=0, max=MOST, help=f"Examples of the run that is priced; {USUAL:,} by default")
]
Pairs = Annotated[int, typer.Option(min=0, max=MOST, help="Instead of --examples: sentence pairs, each both ways")]
Tokens = Annotated[float, typer.Option(min=1, max=1_000_000, help="Of an example, with the prompt")]


def plan(
    env: Env = "production",
    account: Account = "",
    recipe: Recipe = "igbo",
    definition: DefinitionFile = None,
    against: Annotated[
        Path | None, typer.Option(help="Compare with this definition instead of the deployed one: needs no account")
    ] = None,
    deployed: Annotated[
        bool, typer.Option("--deployed", help="Only print the definition that is deployed, whoever made it so")
    ] = False,
    examples: Examples = 0,
    pairs: Pairs = 0,
    tokens_per_example: Tokens = 97.0,
    as_json: AsJson = False,
) -> None:
    """Compare the compiled definition with what is deployed. Exit 0 no differences, 3 differences or edits of others."""
    work = work_of(examples, pairs, tokens_per_example)
    if deployed:
        if against or definition:
            raise BadInput("--deployed prints what is deployed, and compares nothing", hint="leave the other file out")
        sys.stdout.write(_standing(account_of(env, account, recipe)))
        return
    if against is not None:
        different = _files(against, definition, (recipe, env, account), work, as_json)
    else:
        planned = planned_upsert(env, account, recipe, definition)
        parameters = planned.place.settings.start_parameters
        if as_json:
            said = for_machines(planned) | _run(planned.before, planned.after, parameters, work)
            print(json.dumps(said, indent=2, ensure_ascii=False))
        else:
            show(Paper(Console()), planned, work, source_of(definition))
        different = not planned.idle
    raise typer.Exit(EXIT_DIFFERENT if different else EXIT_OK)


def planned_upsert(env: str, account: str, recipe: str, file: Path | None) -> Planned:
    """The plan of an upsert: looks at the account, then compiles."""
    place = account_of(env, account, recipe)
    from pipeline.aws.deploying import Wanted
    from pipeline.aws.pipelines import look

    records = records_of(place)
    situation = look(place.account, records)
    wanted = Wanted(wanted_text(place, file), place.settings.roles.pipeline, place.settings.tags)
    return against_account(place, records, situation, wanted)


def _standing(place: Deployed) -> str:
    """The text of the deployed definition. Raises BadInput where there is none."""
    from pipeline.aws.pipelines import deployed_pipeline

    found = deployed_pipeline(place.account, place.name)
    if found is None:
        raise BadInput(f"{place.name} is not deployed", hint=f"{program()} plan{place.options} says what would be")
    return found.text


def source_of(file: Path | None) -> str:
    """Where a wanted definition comes from, to complete "what is deployed is"."""
    return f"what {file} says" if file else "what this code compiles to"


def work_of(examples: int, pairs: int, tokens_per_example: float) -> Work:
    """The run that is priced. Raises BadInput where both amounts are given."""
    if examples and pairs:
        raise BadInput("--examples and --pairs say the same thing twice", hint="give one of them")
    return Work(examples or 2 * pairs or USUAL, tokens_per_example, MISTRAL_7B)


def show(paper: Paper, planned: Planned, work: Work, source: str) -> None:
    """Print a plan against an account. `source` is what the wanted definition is, as `source_of` says it."""
    print_place(paper, planned)
    same = f"what is deployed is {source}"
    print_plan(paper, planned.plan, planned.after, same, replaces=planned.situation.pipeline is not None)
    if planned.idle:
        return
    parameters = planned.place.settings.start_parameters
    before = cost(planned.before, parameters, work) if planned.before else None
    print_costs(paper, before, cost(planned.after, parameters, work), work)


def _files(against: Path, file: Path | None, compiled: tuple[str, str, str], work: Work, as_json: bool) -> bool:
    """Compare without an account; whether there are differences."""
    recipe, env, account = compiled
    before = read(read_file(against), str(against))
    after = read(read_file(file), str(file)) if file else read(definition_text(recipe, env, account))
    found: Plan = compare(before, after)
    parameters = settings.load(env, {"account": account or "0" * 12}).start_parameters
    if as_json:
        said = plan_for_machines(found) | _run(before, after, parameters, work)
        print(json.dumps(said, indent=2, ensure_ascii=False))
        return not found.empty
    paper = Paper(Console())
    paper.say(f"from {against} to {file or f'the recipe {recipe}, {env}'}", style="bold")
    print_plan(paper, found, after, f"{against} is {source_of(file)}")
    if not found.empty:
        print_costs(paper, cost(before, parameters, work), cost(after, parameters, work), work)
    return not found.empty


def _run(before: Definition | None, after: Definition, parameters: Mapping[str, str], work: Work) -> dict[str, Any]:
    ours = cost(before, parameters, work) if before else None
    return {
        "run": {
            "examples": work.examples,
            "tokens_per_example": work.tokens_per_example,
            "before": cost_for_machines(ours),
            "after": cost_for_machines(cost(after, parameters, work)),
        }
    }
