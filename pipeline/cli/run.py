"""`asusu run --local`: the compiled definition on this machine, from raw corpus to registered package."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipeline import settings
from pipeline.cli.containers import ContainerMemory, ContainerUser, Images, InRunner, Runner, launcher
from pipeline.cli.definition import Account, AsJson, Env, Recipe, definition_text
from pipeline.cli.outcome import print_outcome, program, report_on, summary
from pipeline.cli.progress import bar
from pipeline.cli.staging import DEFAULT_WORKDIR, Workdir
from pipeline.cli.view import View
from pipeline.definition import Definition, read
from pipeline.errors import EXIT_FAILED, EXIT_OK, EXIT_REFUSED, AsusuError, BadInput, Interrupted
from pipeline.local.champion import settle_champion
from pipeline.local.record import Execution
from pipeline.local.requests import check_images, passed_over
from pipeline.local.runner import Options, interruptible
from pipeline.local.runner import run as run_definition
from pipeline.recipes import languages_of, pipeline_name
from pipeline.staging.inputs import Bucket, open_bucket, publish_inputs, refuse_missing
from steps.parameters import ParameterError, check_all, parse_value


def run(
    local: Annotated[bool, typer.Option("--local", help="Run on this machine")] = False,
    recipe: Recipe = "igbo",
    env: Env = "local",
    account: Account = "",
    param: Annotated[list[str] | None, typer.Option(help="Run-time parameter, Name=Value; may be repeated")] = None,
    corpus: Annotated[
        list[str] | None,
        typer.Option(
            help="TSV, JSONL, TMX or Parquet, or a Moses pair as two paths joined by a comma; default: the phrasebook"
        ),
    ] = None,
    benchmark: Annotated[
        list[str] | None, typer.Option(help="Evaluation set: kept out of every split, and scored; repeatable")
    ] = None,
    base_model: Annotated[
        str | None, typer.Option(help="`tiny` (the default), or a folder with a model and its tokenizer")
    ] = None,
    workdir: Workdir = DEFAULT_WORKDIR,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the newest unfinished run")] = False,
    runner: InRunner = Runner.PROCESS,
    images: Images = "",
    container_user: ContainerUser = "",
    container_memory: ContainerMemory = "",
    as_json: AsJson = False,
) -> None:
    """Run the whole pipeline. Exit 0 registered, 1 failed, 2 bad input, 4 refused by the gate."""
    if not local:
        raise BadInput("only local runs exist so far", hint="asusu run --local")
    given = parse_params(param or [])
    starter = launcher(runner, images, container_user, container_memory)
    text = definition_text(recipe, env, account)
    definition = read(text)
    name = pipeline_name(recipe)
    console = Console(stderr=as_json)
    chosen = settings.load(env, {"account": account} if account else {})
    _refuse_contradictions(resume, given, corpus, benchmark, base_model)
    parameters = given if resume else chosen.start_parameters | given
    refuse_problems(check_all(parameters))
    check_images(definition, starter.check)
    bucket = open_bucket(workdir, chosen.bucket)
    if not resume:
        refuse_missing(bucket, parameters)
        parameters |= _publish(bucket, given, corpus or [], benchmark or [], base_model or "tiny", languages_of(recipe))
    for sentence in passed_over(definition):
        console.print(f"note: {sentence}", highlight=False, soft_wrap=True)
    settle = partial(settle_champion, group=name, bucket=chosen.bucket)
    options = Options(resume=resume, launcher=starter, first=settle)
    execution = _execute(name, text, definition, parameters, workdir, options, console)
    outcome = report_on(execution, text, workdir)
    if outcome.unwritten:
        print(f"{program()}: the report could not be written: {outcome.unwritten}", file=sys.stderr)
    if as_json:
        print(json.dumps(summary(outcome), indent=2, ensure_ascii=False))
    else:
        print_outcome(console, outcome)
    raise typer.Exit(_exit_code(execution))


def _refuse_contradictions(
    resume: bool,
    given: dict[str, str],
    corpora: list[str] | None,
    benchmarks: list[str] | None,
    base_model: str | None,
) -> None:
    """Two answers to one question: nothing of what was typed may be passed over in silence."""
    options = {
        "--corpus": (corpora, "CorpusUri"),
        "--benchmark": (benchmarks, "CorpusUri"),
        "--base-model": (base_model, "BaseModelUri"),
    }
    for option, (value, name) in options.items():
        if value and resume:
            raise BadInput(f"{option} and --resume contradict each other: a resumed run keeps its inputs")
        if value and name in given:
            raise BadInput(f"{option} and --param {name}=... name the same thing", hint="give one of them")


def parse_params(items: list[str]) -> dict[str, str]:
    """`Name=Value` items, checked against the table; of a name given twice the last counts.

    Raises BadInput with every problem at once.
    """
    given: dict[str, str] = {}
    problems = []
    for item in items:
        name, sign, value = item.partition("=")
        if not sign:
            problems.append(f"--param {item!r} is not Name=Value")
            continue
        try:
            parse_value(name, value)
        except ParameterError as error:
            problems.append(str(error))
        given[name] = value
    refuse_problems(problems)
    return given


def refuse_problems(problems: list[str], done: str = "run") -> None:
    """Raises BadInput that lists every problem with parameters; nothing was `done`."""
    if problems:
        listed = "\n  ".join(problems)
        raise BadInput(
            f"parameters refused, nothing was {done}:\n  {listed}", hint=f"{program()} params lists what is allowed"
        )


def _publish(
    bucket: Bucket,
    given: dict[str, str],
    corpora: list[str],
    benchmarks: list[str],
    base_model: str,
    languages: tuple[str, str],
) -> dict[str, str]:
    title = "building the tiny base model" if base_model == "tiny" else f"staging {base_model}"
    try:
        with interruptible(), bar(title) as progress:
            return publish_inputs(bucket, given, corpora, base_model, languages, progress, benchmarks=benchmarks)
    except KeyboardInterrupt:
        raise Interrupted("interrupted before the first step", hint="run the same command again") from None


def _execute(
    name: str,
    text: str,
    definition: Definition,
    parameters: dict[str, str],
    workdir: Path,
    options: Options,
    console: Console,
) -> Execution:
    with View(definition.steps, console) as view:
        try:
            return run_definition(text, parameters, workdir, pipeline_name=name, options=options, listener=view)
        except OSError as error:
            raise AsusuError(
                f"cannot write in {workdir}: {error}", hint=f"make room, then {program()} run --local --resume"
            ) from error


def _exit_code(execution: Execution) -> int:
    if execution.status == "Succeeded":
        return EXIT_OK
    return EXIT_REFUSED if execution.refused else EXIT_FAILED
