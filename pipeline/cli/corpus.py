"""`asusu corpus`: a public corpus, fetched with its sum, its source and its licence."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.definition import AsJson
from pipeline.cli.outcome import program
from pipeline.cli.progress import bar
from pipeline.errors import Interrupted, harmless
from pipeline.local.runner import interruptible
from pipeline.staging.opus import fetch_corpus
from pipeline.staging.opus_names import BASE_URL, OpusCorpus, Source, parse_name


def corpus(
    name: Annotated[str, typer.Argument(help="opus:<corpus>/<release>, e.g. opus:NLLB/v1")],
    source: Annotated[str, typer.Argument(help="Language to translate from, by OPUS' code, e.g. en")],
    target: Annotated[str, typer.Argument(help="Language to translate into, e.g. ig")],
    into: Annotated[Path, typer.Option(help="Folder of all fetched corpora")] = Path("corpora"),
    sha256: Annotated[str, typer.Option(help="What the archive's sum must be")] = "",
    base_url: Annotated[str, typer.Option(hidden=True, help="Another server with the same layout")] = BASE_URL,
    as_json: AsJson = False,
) -> None:
    """Fetch a corpus of OPUS. This is the one verb that needs a network; no other, and no test, asks OPUS for anything.

    A fetch that was cut goes on where it stopped. The archive's sum is printed and kept; OPUS publishes none, so the first
    is trusted and a later one that differs is refused. Exit 0 fetched or there already, 1 failed, 2 bad input.
    """
    wanted = parse_name(name, source, target)
    try:
        with interruptible(), bar(wanted.folder) as progress:
            found, folder = fetch_corpus(wanted, into, sha256=sha256, base_url=base_url, progress=progress)
    except KeyboardInterrupt:
        raise Interrupted("interrupted; what came is kept", hint="run the same command again: it goes on") from None
    if as_json:
        print(json.dumps(found.model_dump(mode="json") | {"folder": str(folder)}, indent=2, ensure_ascii=False))
    else:
        _print(wanted, found, folder)


def _print(wanted: OpusCorpus, found: Source, folder: Path) -> None:
    counts = [found.lines[side] for side in wanted.sides]
    if counts[0] == counts[1]:
        print(f"{found.corpus} {found.release}, {wanted.pair}: {counts[0]:,} pairs")
    else:
        print(
            f"{found.corpus} {found.release}: the sides have {counts[0]:,} and {counts[1]:,} lines and cannot be paired"
        )
    for side in wanted.sides:
        print(f"  file:     {folder / side}")
    print(f"  from:     {found.url} ({found.bytes:,} bytes)")
    print(f"  sha256:   {found.sha256}")
    print(f"  licence:  {harmless(found.licence)}")
    print(f"  next:     {harmless(next_command(wanted, found, folder))}")


def next_command(wanted: OpusCorpus, found: Source, folder: Path) -> str:
    """The `asusu prepare` for these files."""
    languages = ",".join(code.replace("_", "-") for code in wanted.languages)
    words = [
        *("--corpus", ",".join(str(folder / side) for side in wanted.sides)),
        *("--licence", found.licence),
        *(() if languages == "en,ig" else ("--languages", languages)),
        *("--out", f"prepared/{wanted.folder}"),
    ]
    return f"{program()} prepare {shlex.join(words)}"
