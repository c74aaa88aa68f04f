"""`asusu publish`: a corpus or a base model into an account, whole or not at all, and what to start with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline import settings
from pipeline.cli.definition import Account, AsJson, Env, Recipe
from pipeline.cli.deployed import deployed
from pipeline.cli.outcome import program
from pipeline.cli.progress import bar
from pipeline.cli.staging import DEFAULT_WORKDIR, Workdir
from pipeline.errors import BadInput, Interrupted, harmless
from pipeline.local.runner import interruptible
from pipeline.recipes import languages_of
from pipeline.staging.corpus import UNSTATED
from pipeline.staging.inputs import Bucket, open_bucket
from pipeline.staging.publishing import Ready, ready_base_model, ready_corpus

if TYPE_CHECKING:
    from pipeline.aws.publish import Published


def publish(
    corpus: Annotated[
        list[str] | None, typer.Option(help="File, or Moses pair as two paths with a comma; may be repeated")
    ] = None,
    base_model: Annotated[str, typer.Option(help="A staged folder, a model folder, `tiny`, or a hub id")] = "",
    revision: Annotated[str, typer.Option(help="Commit of a hub model, 40 hex digits")] = "",
    benchmark: Annotated[
        list[str] | None, typer.Option(help="Evaluation set kept out of every split; may be repeated")
    ] = None,
    licence: Annotated[str, typer.Option(help="Licence of the corpus, as its manifest says it")] = UNSTATED,
    env: Env = "production",
    account: Account = "",
    recipe: Recipe = "igbo",
    workdir: Workdir = DEFAULT_WORKDIR,
    as_json: AsJson = False,
) -> None:
    """Upload a corpus or a base model to its content-hashed address, and print the parameters to start with.

    What was sent is not sent again, so an upload that was cut goes on with the same command. Exit 0, 1 failed, 2 bad input.
    """
    if not corpus and not base_model:
        raise BadInput("nothing to publish", hint="give --corpus file.tsv, or --base-model folder")
    place = deployed(env, account, recipe)
    from pipeline.aws.publish import publish_folder, publish_none, refuse_bucket

    refuse_bucket(place.account, place.settings, place.number)
    made: dict[str, Published] = {}
    try:
        with interruptible():
            for ready in _ready(
                open_bucket(workdir, settings.load("local").bucket),
                corpus or [],
                base_model,
                revision,
                languages_of(recipe),
                benchmark or [],
                licence,
            ):
                with bar(f"publishing {harmless(ready.name)}") as progress:
                    found = publish_folder(
                        place.account, place.settings.bucket, ready.prefix, ready.folder, ready.files, progress
                    )
                made[ready.parameter] = found
            none = publish_none(place.account, place.settings.bucket, place.name)
    except KeyboardInterrupt:
        raise Interrupted("interrupted; what came is kept", hint="run the same command again: it goes on") from None
    parameters = {name: sent.address for name, sent in made.items()}
    if as_json:
        rows = {name: asdict(sent) for name, sent in made.items()}
        print(json.dumps({"parameters": parameters, "published": rows, "none": none}, indent=2, ensure_ascii=False))
        return
    for name, sent in made.items():
        print(f"{name}={sent.address}")
        print(f"  {sent.files} files, {sent.bytes:,} bytes; sent now: {sent.sent_files}, {sent.sent_bytes:,} bytes")
    given = "".join(f" --param {name}={address}" for name, address in parameters.items())
    print(f"next: {program()} preflight{place.options}{given}")


def _ready(
    bucket: Bucket,
    corpora: list[str],
    base_model: str,
    revision: str,
    languages: tuple[str, str],
    benchmarks: list[str],
    licence: str,
) -> Iterator[Ready]:
    """The corpus first: what is wrong with it is found in seconds."""
    if corpora:
        yield ready_corpus(bucket, corpora, languages, benchmarks=benchmarks, licence=licence)
    if base_model:
        with bar(f"staging {harmless(base_model)}") as progress:
            ready = ready_base_model(bucket, base_model, revision=revision, progress=progress)
        yield ready
