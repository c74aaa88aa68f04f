"""`asusu estimate`: does it fit, how long, how much, before anything is started."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipeline import settings
from pipeline.cli.definition import Account, AsJson
from pipeline.cli.estimate_view import print_answer
from pipeline.cli.run import parse_params
from pipeline.errors import EXIT_OK, EXIT_REFUSED, BadInput
from pipeline.estimate import KNOWN_SHAPES, Answer, Question, answer
from steps.contract import MANIFEST, BaseModelManifest, ModelShape, load
from steps.job import Refused
from steps.levers import Levers, read_levers
from steps.parameters import PARAMETERS, Value, check_all, parse_value

MOST = 10**12  # examples or pairs; what is more than that is a slip of the hand


def estimate(
    examples: Annotated[int, typer.Option(min=0, max=MOST, help="Prompt-and-answer examples of one epoch")] = 0,
    pairs: Annotated[
        int, typer.Option(min=0, max=MOST, help="Instead of --examples: sentence pairs, each both ways")
    ] = 0,
    tokens_per_example: Annotated[
        float, typer.Option(min=1, max=1_000_000, help="With the prompt; 97 is Igbo news with Mistral's tokenizer")
    ] = 97.0,
    env: Annotated[
        str, typer.Option("--env", help="Environment whose levers and limits count: a shipped name, or a YAML file")
    ] = "production",
    account: Account = "",
    param: Annotated[list[str] | None, typer.Option(help="Run-time parameter, Name=Value; may be repeated")] = None,
    lever: Annotated[
        list[str] | None,
        typer.Option(help="Lever that differs from the environment's, such as batching=padded; may be repeated"),
    ] = None,
    model: Annotated[
        str, typer.Option(help=f"{', '.join(KNOWN_SHAPES)}, or a staged base model's folder or manifest.json")
    ] = "mistral-7b",
    max_runtime_hours: Annotated[
        float | None, typer.Option(min=0.01, max=672, help="The platform's limit, instead of the environment's")
    ] = None,
    interruptions_per_day: Annotated[
        float | None,
        typer.Option(min=0, max=100_000, help="Of a spot machine, instead of the environment's; an assumption"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Memory, time, cost, checkpoints and spot of a training run, by formula. Exit 0 it fits, 2 bad input, 4 refused."""
    chosen = settings.load(env, {"account": account or "000000000000"})
    question = Question(
        examples=_examples(examples, pairs),
        tokens_per_example=tokens_per_example,
        shape=_shape(model),
        values=_values(chosen.start_parameters | parse_params(param or [])),
        levers=_levers(chosen.levers, lever or []),
        hosts=chosen.training_hosts,
        platform_hours=max_runtime_hours or chosen.max_runtime_hours,
        margin_hours=chosen.stop_margin_minutes / 60,
        interruptions_per_day=(
            chosen.spot.interruptions_per_day if interruptions_per_day is None else interruptions_per_day
        ),
    )
    longest = question.number("MaxLength")
    if tokens_per_example > longest:
        raise BadInput(
            f"--tokens-per-example {tokens_per_example:g} is over MaxLength={longest}, and longer examples are left out",
            hint=f"count those that stay, or --param MaxLength={math.ceil(tokens_per_example)}",
        )
    found = answer(question)
    if as_json:
        print(json.dumps(_for_machines(question, found), indent=2, ensure_ascii=False))
    else:
        print_answer(Console(), question, found, model)
    raise typer.Exit(EXIT_REFUSED if found.problems else EXIT_OK)


def _examples(examples: int, pairs: int) -> int:
    if bool(examples) == bool(pairs):
        raise BadInput("say how much there is to train on: either --examples or --pairs", hint="--pairs 1000000")
    return examples or 2 * pairs


def _values(given: dict[str, str]) -> dict[str, Value]:
    """Defaults and what was given. Raises BadInput for values that do not go together."""
    problems = check_all(given)
    if problems:
        listed = "\n  ".join(problems)
        raise BadInput(f"parameters refused:\n  {listed}", hint="asusu params lists what is allowed")
    values: dict[str, Value] = {row.name: row.default for row in PARAMETERS if row.default is not None}
    return values | {name: parse_value(name, text) for name, text in given.items()}


def _levers(levers: Levers, given: list[str]) -> Levers:
    changes = {}
    for item in given:
        name, sign, value = item.partition("=")
        if not sign:
            raise BadInput(f"--lever {item!r} is not name=value", hint=f"one of {', '.join(Levers.model_fields)}")
        changes[name] = value
    try:
        return read_levers(json.dumps(levers.model_dump() | changes))
    except Refused as error:
        raise BadInput(str(error), hint=f"the levers are {', '.join(Levers.model_fields)}") from error


def _shape(model: str) -> ModelShape:
    """A known model's dimensions, or those in a staged base model's manifest."""
    if model in KNOWN_SHAPES:
        return KNOWN_SHAPES[model]
    path = Path(model)
    try:
        return load(path / MANIFEST if path.is_dir() else path, BaseModelManifest).shape
    except Refused as error:
        raise BadInput(
            f"--model {model} is neither {', '.join(KNOWN_SHAPES)} nor a staged base model: {error}",
            hint="asusu stage-base-model stages one",
        ) from error


def _for_machines(question: Question, found: Answer) -> dict[str, object]:
    machine_readable = found.spot.model_dump(mode="json") if found.spot else None
    return {
        "fits": not found.problems,
        "problems": found.problems,
        "examples": question.examples,
        "tokens_per_example": question.tokens_per_example,
        "instance_type": question.instance_type,
        "hosts": question.hosts,
        "levers": question.levers.model_dump(mode="json"),
        "limits": asdict(question.limits),
        "memory": found.memory.model_dump(mode="json"),
        "layer_bytes_per_slot": found.layer_terms,
        "packs": [
            {
                "pack_length": pack.length,
                "kept_gib": pack.kept.need,
                "kept_fits": pack.kept.fits,
                "recomputed_gib": pack.recomputed.need,
                "recomputed_fits": pack.recomputed.fits,
            }
            for pack in found.packs
        ],
        "trainable_parameters": found.trainable,
        "steps": found.steps,
        "estimate": found.time.model_dump(mode="json"),
        "saving": found.saving.model_dump(mode="json"),
        "spot": machine_readable,
    }
