"""`asusu prepare`: a raw parallel corpus to clean, leak-free splits with their report, on this machine."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from pipeline.cli.definition import AsJson
from pipeline.cli.prepare_costs import UNITS, costs
from pipeline.cli.prepare_outcome import print_prepared, render_page
from pipeline.cli.prepare_request import Request, read_request
from pipeline.cli.progress import bar, phases
from pipeline.errors import AsusuError, BadInput, Interrupted
from pipeline.local.runner import interruptible
from pipeline.staging import prepared
from pipeline.staging.in_place import LinkedCorpus, link_corpus
from steps.job import Refused
from steps.sums import list_files

if TYPE_CHECKING:
    from steps.contract import DataReport

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FULL_DISK = ("No space left on device", "File too large", "Disk quota exceeded")


def prepare(
    corpus: Annotated[
        list[str],
        typer.Option(help="TSV, JSONL, TMX or Parquet, or a Moses pair as two paths joined by a comma; repeatable"),
    ],
    out: Annotated[Path, typer.Option(help="Folder to make: new, empty, or an earlier preparation to replace")],
    languages: Annotated[str, typer.Option(help="Source and target, e.g. en,sw")] = "en,ig",
    licence: Annotated[
        list[str] | None, typer.Option(help="Of each corpus in order, or NAME=licence by the corpus' name; repeatable")
    ] = None,
    benchmark: Annotated[
        list[str] | None, typer.Option(help="Evaluation set whose sentences must be in no split; repeatable")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, max=256, help="Processes, and threads of the main one; 0: one a core")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, max=2_147_483_647, help="Seeds the split")] = 17,
    config: Annotated[Path | None, typer.Option(help="YAML or JSON file with options")] = None,
    setting: Annotated[list[str] | None, typer.Option("--set", help="One option, e.g. max_ratio=3; repeatable")] = None,
    off: Annotated[list[str] | None, typer.Option(help="A rule to switch off, e.g. language; repeatable")] = None,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Also write every split as JSON lines")] = False,
    tokenizer: Annotated[Path | None, typer.Option(help="Folder of the tokenizer for the estimate of tokens")] = None,
    engine: Annotated[str, typer.Option(help="Of the corpus-wide step: native, or ray for a cluster")] = "native",
    work: Annotated[Path | None, typer.Option(help="Fast disk for what is only needed on the way")] = None,
    force: Annotated[bool, typer.Option("--force", help="Prepare again even if nothing has changed")] = False,
    as_json: AsJson = False,
) -> None:
    """Prepare a corpus: repair, filter, drop copies, split without leaks, report. Files are read where they lie.

    The same inputs and options give the same bytes for any number of workers. A run that was interrupted goes on with the
    same command. Exit 0 done, 1 failed, 2 bad input or a corpus unfit for training, 130 interrupted.
    """
    request = read_request(
        corpus,
        languages,
        licence or [],
        benchmark or [],
        config,
        setting or [],
        off or [],
        jsonl,
        tokenizer,
        engine,
        seed,
        out,
    )
    out = out.resolve()  # a link is followed, and the hidden folder lies on the disk that it points to
    started = time.monotonic()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = workers or cores
    os.environ.setdefault("POLARS_MAX_THREADS", str(workers))  # read once, when Polars is first imported
    try:
        with interruptible(), contextlib.redirect_stdout(sys.stderr), tempfile.TemporaryDirectory() as links:
            with bar("reading the corpus"):
                linked = link_corpus(request.corpora, request.languages, Path(links), request.benchmarks)
            key = key_of(request, linked)
            report = None if force else prepared.finished(out, key)
            reused = report is not None
            if report is None:
                report = _prepare(request, linked, out, key, workers, work)
    except KeyboardInterrupt:
        raise Interrupted(
            "interrupted; nothing was written to --out, and finished shards are kept",
            hint="run the same command again: it goes on behind them",
        ) from None
    if as_json:
        print(report.model_dump_json(indent=2))
        return
    seconds = None if reused else time.monotonic() - started
    print_prepared(Console(), report, out, seconds, prepared.abandoned(out, key))


def key_of(request: Request, linked: LinkedCorpus) -> str:
    """A sum over all that decides the bytes: texts, names, licences, options, code, and the models that are asked."""
    from steps.prepare.output.manifest import preparation_version

    scorer = request.options.scorer
    folders = [folder for folder in (request.tokenizer, scorer and Path(scorer.folder)) if folder]
    options = request.options.model_dump(mode="json")
    if scorer:
        del options["scorer"]["folder"]  # what is in it counts, not where it lies
    return prepared.key_of(
        {
            "corpus": linked.manifest.model_dump(mode="json"),
            "options": options,
            "languages": request.languages,
            "seed": request.seed,
            "code": preparation_version(),
            "models": [[entry.model_dump() for entry in list_files(folder)] for folder in folders],
        }
    )


def _prepare(
    request: Request, linked: LinkedCorpus, out: Path, key: str, workers: int, work: Path | None
) -> DataReport:
    partial = prepared.partial_of(out, key)
    room = work / f"asusu-prepare-{key}" if work else partial / "work"
    with contextlib.ExitStack() as held:
        if work:  # beside other calls' rooms: one that differs in --out only would share this one
            held.enter_context(prepared.held(room, "--work"))
        held.enter_context(prepared.held(partial))
        for name in ("input", "out"):
            shutil.rmtree(partial / name, ignore_errors=True)
        linked = linked.moved_to(partial / "input")
        with _in_one_sentence(linked, partial, room), phases(costs(request.options, workers), UNITS) as progress:
            room.mkdir(parents=True, exist_ok=True)
            report = _run(request, linked, partial, room, workers, progress)
            if linked.changed():
                raise Refused("the corpus changed")
        render_page(partial / "out")
        prepared.settle(partial, out, key)
        if work:
            shutil.rmtree(room, ignore_errors=True)
    return report


def _run(
    request: Request,
    linked: LinkedCorpus,
    partial: Path,
    room: Path,
    workers: int,
    progress: Callable[[str, int, int], None],
) -> DataReport:
    from steps.prepare.run import Inputs, Outputs, prepare

    return prepare(
        Inputs(linked.folder, linked.manifest),
        Outputs(splits=partial / "out", report=partial / "out"),
        languages=request.languages,
        options=request.options,
        seed=request.seed,
        workers=workers,
        engine=request.engine,
        work=room,
        tokenizer=request.tokenizer,
        progress=progress,
    )


@contextlib.contextmanager
def _in_one_sentence(linked: LinkedCorpus, partial: Path, room: Path) -> Iterator[None]:
    """Turns what ends a preparation into one message. What cannot be gone on with is removed."""
    try:
        yield
    except Refused as error:
        if isinstance(error.__cause__, BrokenProcessPool):  # no fault of the input
            raise AsusuError(str(error)) from error
        if error.__cause__ and _is_full(error.__cause__):
            raise _no_room(error, partial, room) from error
        for folder in (partial, room):
            shutil.rmtree(folder, ignore_errors=True)
        if changed := linked.changed():
            raise BadInput(
                f"{', '.join(map(str, changed))} changed while it was read: nothing was written",
                hint="run the same command again when nobody writes to it",
            ) from error
        raise explain(error, linked) from error
    except AsusuError:
        raise
    except Exception as error:
        if isinstance(error, MemoryError) or _is_full(error):
            raise _no_room(error, partial, room) from error
        if not isinstance(error, OSError):
            raise
        raise AsusuError(
            f"cannot go on: {error}; nothing was written to --out, and finished shards are kept in {room}",
            hint="mend that and run the same command again",
        ) from error


def _is_full(error: BaseException) -> bool:
    """True for a disk without room: libraries written in other languages give the words and no number."""
    numbered = isinstance(error, OSError) and error.errno in NO_ROOM
    return numbered or any(words in str(error) for words in FULL_DISK)


def _no_room(error: Exception, partial: Path, room: Path) -> AsusuError:
    """What a full disk, or memory that ran out, leaves: no output, and the shards that are finished."""
    shutil.rmtree(partial / "out", ignore_errors=True)
    what = "memory" if isinstance(error, MemoryError) else "room on that disk (or give --work another one)"
    return AsusuError(
        f"cannot go on: {error}; nothing was written to --out, and finished shards are kept in {room}",
        hint=f"make {what} and run the same command again",
    )


def explain(error: Refused, linked: LinkedCorpus) -> BadInput:
    """A refusal of the steps, with the names of files as they were given."""
    from steps.prepare.sources import Unreadable

    if isinstance(error, Unreadable):
        path = linked.original(error.path)
        return BadInput(f"{path} {linked.in_own_words(error.problem)}", hint=linked.in_own_words(error.remedy))
    return BadInput(linked.in_own_words(str(error)))
