"""What `asusu prepare` was asked for, checked before anything is read or written: all problems are said at once."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from pipeline.cli.prepare_options import gather_options
from pipeline.errors import BadInput
from pipeline.staging.corpus import CorpusSpec, parse_spec
from pipeline.staging.prepared import refuse_occupied
from steps.job import Refused
from steps.languages import language
from steps.prepare.options import PrepareOptions

ENGINES = ("native", "ray")

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Request:
    """A preparation that can be begun."""

    corpora: list[CorpusSpec]
    benchmarks: list[CorpusSpec]
    languages: tuple[str, str]
    options: PrepareOptions
    tokenizer: Path | None
    engine: str
    seed: int


def read_request(
    corpora: Sequence[str],
    languages: str,
    licences: Sequence[str],
    benchmarks: Sequence[str],
    config: Path | None,
    settings: Sequence[str],
    off: Sequence[str],
    jsonl: bool,
    tokenizer: Path | None,
    engine: str,
    seed: int,
    out: Path,
) -> Request:
    """The request that the command line spells, and whether `out` may be written. Raises BadInput with every problem."""
    problems: list[BadInput] = []

    def ask(question: Callable[[], Answer]) -> Answer | None:
        try:
            return question()
        except BadInput as error:
            problems.append(error)
            return None

    given = [ask(lambda text=text: parse_spec(text)) for text in (*corpora, *benchmarks)]  # type: ignore[misc]
    specs = [spec for spec in given if spec is not None]
    pair = ask(lambda: read_languages(languages))
    ask(lambda: refuse_occupied(out))
    ask(
        lambda: refuse_inside(
            out, [*(path for spec in specs for path in spec.paths), *([tokenizer] if tokenizer else [])]
        )
    )
    options = ask(lambda: gather_options(config, settings, off, jsonl))
    ask(lambda: check_engine(engine))
    ask(lambda: check_tokenizer(tokenizer))
    if options:
        ask(lambda: check_scorer(options))
    licensed = ask(lambda: with_licences(specs, len(corpora), licences)) if len(specs) == len(given) else None
    if problems or pair is None or options is None or licensed is None:
        raise together(problems)
    count = len(corpora)
    return Request(licensed[:count], licensed[count:], pair, options, tokenizer, engine, seed)


def refuse_inside(out: Path, inputs: Sequence[Path]) -> None:
    """Raises BadInput for an input that lies in the folder that is going to be replaced."""
    inside = [str(path) for path in inputs if path.resolve().is_relative_to(out.resolve())]
    if inside:
        raise BadInput(
            f"{', '.join(inside)} would be replaced: it lies in --out {out}",
            hint="give --out another folder",
        )


def together(problems: Sequence[BadInput]) -> BadInput:
    """One error for several."""
    if len(problems) == 1:
        return problems[0]
    listed = "\n".join(f"- {problem}" for problem in problems)
    return BadInput(f"{len(problems)} things are wrong, nothing was run:\n{listed}")


def read_languages(text: str) -> tuple[str, str]:
    """`en,sw` as two different codes. Raises BadInput."""
    codes = [code.strip() for code in text.split(",")]
    hint = "write source and target as two codes, e.g. --languages en,sw"
    if len(codes) != 2:
        raise BadInput(f"--languages {text!r} is not two codes joined by a comma", hint=hint)
    for code in codes:
        try:
            language(code)
        except ValidationError as error:
            raise BadInput(f"--languages {text!r}: {code!r} is not a language code", hint=hint) from error
    if codes[0] == codes[1]:
        raise BadInput(f"--languages {text!r}: both are {codes[0]}", hint=hint)
    return codes[0], codes[1]


def check_engine(engine: str) -> None:
    """Raises BadInput for an engine that is unknown or not installed."""
    if engine not in ENGINES:
        raise BadInput(f"--engine {engine!r} is not known", hint=f"use one of {', '.join(ENGINES)}")
    if engine == "ray" and importlib.util.find_spec("ray") is None:
        raise BadInput("--engine ray needs Ray, which is not installed", hint='pip install "asusu[cluster]"')


def check_tokenizer(folder: Path | None) -> None:
    """Raises BadInput for a folder without a usable tokenizer."""
    if folder is None:
        return
    if not folder.is_dir():
        raise BadInput(f"--tokenizer {folder} is not a folder", hint="give the folder that holds tokenizer.json")
    from steps.prompt import load_tokenizer

    try:
        load_tokenizer(folder)
    except Refused as error:
        raise BadInput(
            f"--tokenizer {folder}: {error}", hint="give the folder of the model that will be trained"
        ) from error


def check_scorer(options: PrepareOptions) -> None:
    """Raises BadInput for a scorer that cannot be loaded, in seconds and not in the middle of the run."""
    if options.scorer is None or not options.on("similarity"):
        return
    from steps.prepare.shard.encoder_folder import check_folder

    try:
        check_folder(Path(options.scorer.folder))
    except Refused as error:
        raise BadInput(f"scorer: {error}") from error


def with_licences(specs: Sequence[CorpusSpec], corpora: int, licences: Sequence[str]) -> list[CorpusSpec]:
    """The specs with their licences: NAME=licence by name, the others one for each of the first `corpora` specs.

    Raises BadInput when neither fits.
    """
    names = {spec.name for spec in specs}
    named = {name: text for name, sign, text in (item.partition("=") for item in licences) if sign and name in names}
    rest = [item for item in licences if item.partition("=")[0] not in names or "=" not in item]
    if rest and len(rest) != corpora:
        raise BadInput(
            f"{len(rest)} --licence for {corpora} corpora: {', '.join(rest)}",
            hint="give one for each --corpus in the same order, or NAME=licence with a NAME of: "
            + ", ".join(spec.name for spec in specs),
        )
    in_order = [replace(spec, licence=text) for spec, text in zip(specs[:corpora], rest, strict=False)] or specs[
        :corpora
    ]
    return [replace(spec, licence=named.get(spec.name, spec.licence)) for spec in (*in_order, *specs[corpora:])]
