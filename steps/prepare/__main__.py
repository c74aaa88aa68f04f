"""`python -m steps.prepare`: the preparation under the container contract, whole or one phase of it.

Phase    mounts               leaves
whole    corpus               splits, data-report
cut      corpus               cut (shards of both sides), context (manifest and benchmarks)
shards   cut, context         shards; any number of hosts, each with some of the cut files
finish   shards, context      splits, data-report
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from steps import contract, job
from steps.contract import CorpusManifest, DataReport
from steps.job import Refused
from steps.prepare import run
from steps.prepare.options import PrepareOptions, read_options
from steps.prepare.run import Inputs, Outputs
from steps.prepare.sources import open_corpus

SECONDS_BETWEEN_EVENTS = 1.0
COLUMN_PHASES = ("duplicates", "bands")  # the global step asks about one column of hashes at a time


def main() -> None:
    """Do the phase that the environment names. Raises Refused for any reason a person can act on."""
    phases = {"whole": whole, "cut": cut, "shards": shards, "finish": finish}
    name = job.setting("Phase", "whole")
    if name not in phases:
        raise Refused(f"Phase={name!r} is not one of {', '.join(phases)}")
    phases[name]()


def whole() -> None:
    """The corpus to splits and report, on this host."""
    folder = job.processing_input("corpus")
    work = _work()
    report = run.prepare(
        Inputs(folder, open_corpus(folder, _codes())),
        _outputs(),
        languages=_codes(),
        options=_options(),
        seed=int(job.parameter("Seed")),
        workers=_workers(),
        engine="native",
        work=work,
        tokenizer=_tokenizer(),
        progress=_watched(),
    )
    shutil.rmtree(work, ignore_errors=True)
    _say(report)


def cut() -> None:
    """The corpus to shards, each with both sides: the service's own sharding would part the files of a pair."""
    folder = job.processing_input("corpus")
    manifest = open_corpus(folder, _codes())
    files = list(run.cut_corpus(_job(folder, manifest), job.processing_output("cut")))
    context = job.processing_output("context")
    for source in manifest.benchmarks:
        for path in source.paths:
            (context / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / path, context / path)
    contract.save(context / contract.MANIFEST, manifest)
    job.note(f"{manifest.pairs:,} pairs cut into {len(files)} shards")


def shards() -> None:
    """The shard function over the cut files that this host was given."""
    files = sorted(job.processing_input("cut").glob("*.arrow"))
    done = run.prepare_shards(_context_job(), files, job.processing_output("shards"), _workers())
    job.note(f"{len(done)} shards prepared on this host")


def finish() -> None:
    """The corpus-wide decisions, the splits and the report, from the shards of all hosts."""
    folder = job.processing_input("shards")
    work = _work()
    report = run.finish(
        _context_job(),
        [path for path in folder.iterdir() if path.is_dir()],
        _outputs(),
        seed=int(job.parameter("Seed")),
        workers=_workers(),
        engine="native",
        work=work,
        tokenizer=_tokenizer(),
    )
    shutil.rmtree(work, ignore_errors=True)
    _say(report)


def _job(folder: Path, manifest: CorpusManifest) -> run.Job:
    return run.Job(Inputs(folder, manifest), _codes(), _options(), _watched())


def _context_job() -> run.Job:
    folder = job.processing_input("context")
    return _job(folder, contract.load(folder / contract.MANIFEST, CorpusManifest))


def _codes() -> tuple[str, str]:
    return job.setting("SourceLanguage"), job.setting("TargetLanguage")


def _options() -> PrepareOptions:
    return read_options(job.setting("PrepareOptions", "{}"))


def _outputs() -> Outputs:
    return Outputs(splits=job.processing_output("splits"), report=job.processing_output("data-report"))


def _work() -> Path:
    """A folder on the job's volume; the container's own disk is small."""
    folder = job.base_dir() / "processing" / "work"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _workers() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _tokenizer() -> Path | None:
    folder = job.processing_input("tokenizer")
    return folder if folder.is_dir() else None


def _watched() -> Callable[[str, int, int], None]:
    """Progress events, at most one a second within a phase."""
    last, current = 0.0, ""

    def say(phase: str, done: int, total: int) -> None:
        nonlocal last, current
        if phase != current or done >= total or time.monotonic() - last >= SECONDS_BETWEEN_EVENTS:
            last, current = time.monotonic(), phase
            unit = "columns" if phase in COLUMN_PHASES else "pairs"
            job.progress(done, max(done, total), unit, phase=phase)

    return say


def _say(report: DataReport) -> None:
    sizes = ", ".join(f"{name} {count:,}" for name, count in report.splits.items())
    job.note(f"{report.rows_out:,} of {report.rows_in:,} rows kept: {sizes}; {report.leaks.total} leaks between them")
    job.event(
        "prepared",
        rows_in=report.rows_in,
        dropped={rule.rule: rule.dropped for rule in report.rules},
        rows_out=report.rows_out,
        splits=report.splits,
        components=report.components,
        leaks=report.leaks.total,
    )


if __name__ == "__main__":
    job.run(main)
