"""The whole preparation, phase by phase. Phases hand each other folders, so that each may run on machines of its own.

cut       one host      sources -> shards of raw bytes, both sides together
shards    any number    a shard -> kept rows with hashes, dropped rows, counts
finish    one host      hashes -> verdicts; kept rows and verdicts -> splits; splits -> leaks; all -> report
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from steps import contract
from steps.contract import CorpusManifest, CorpusSource, DataReport, ShardReport
from steps.job import Refused
from steps.languages import Language
from steps.prepare import output, sources
from steps.prepare.leaks import count_leaks
from steps.prepare.options import PrepareOptions
from steps.prepare.pool import in_order
from steps.prepare.settle import settle
from steps.prepare.settle.engine import open_engine
from steps.prepare.shard import Benchmark, build_benchmark, prepare_shard
from steps.prepare.shard.decoding import REPLACEMENT, decode
from steps.prepare.tables import SHARD_REPORT

SIDES = ("left", "right")

Progress = Callable[[str, int, int], None]  # phase, rows done, rows in all


@dataclass(frozen=True)
class Inputs:
    """A corpus: its manifest, and the folder that the manifest's paths are relative to."""

    folder: Path
    manifest: CorpusManifest


@dataclass(frozen=True)
class Outputs:
    """Where the splits with their manifest go, and the report with the dropped rows; may be one folder."""

    splits: Path
    report: Path


@dataclass(frozen=True)
class Job:
    """What all phases must agree on."""

    inputs: Inputs
    codes: tuple[str, str]
    options: PrepareOptions
    progress: Progress

    @property
    def languages(self) -> tuple[Language, Language]:
        """Source and target as the options describe them."""
        return self.options.language(self.codes[0]), self.options.language(self.codes[1])


def prepare(
    inputs: Inputs,
    outputs: Outputs,
    *,
    languages: tuple[str, str],
    options: PrepareOptions,
    seed: int,
    workers: int,
    engine: str,
    work: Path,
    tokenizer: Path | None,
    progress: Progress,
) -> DataReport:
    """All phases on this host. A second call with the same `work` goes on behind the last finished shard.

    The bytes written depend on the inputs, languages, options and seed only. Raises Refused for every reason a person
    can act on. The caller owns `work` and removes it.
    """
    output.refuse_reserved(languages)
    job = Job(inputs, languages, options, progress)
    cuts = cut_corpus(job, work / "cut")
    shards = prepare_shards(job, cuts, work / "shards", workers, remove_cuts=True)
    return finish(job, shards, outputs, seed=seed, workers=workers, engine=engine, work=work, tokenizer=tokenizer)


def cut_corpus(job: Job, into: Path) -> Iterator[Path]:
    """Cut the sources into shards of both sides; each path is given out when the file is whole."""
    into.mkdir(parents=True, exist_ok=True)
    done = 0

    def seen(rows: int) -> None:
        nonlocal done
        done += rows
        job.progress("cut", done, job.inputs.manifest.pairs)

    return sources.cut(job.inputs.folder, job.inputs.manifest, job.codes, into, job.options, seen)


def prepare_shards(job: Job, cuts: Iterable[Path], into: Path, workers: int, remove_cuts: bool = False) -> list[Path]:
    """The shard function over all cut files. What an earlier, interrupted call finished is not done again."""
    into.mkdir(parents=True, exist_ok=True)
    work = partial(
        _prepare_one,
        into=into,
        languages=job.languages,
        options=job.options,
        benchmarks=read_benchmarks(job),
        remove_cut=remove_cuts,
    )
    shards, done = [], 0
    for shard, rows in in_order(work, cuts, workers):
        shards.append(shard)
        done += rows
        job.progress("shards", done, max(done, job.inputs.manifest.pairs))
    return shards


def _prepare_one(
    cut: Path,
    into: Path,
    languages: tuple[Language, Language],
    options: PrepareOptions,
    benchmarks: Sequence[Benchmark],
    remove_cut: bool,
) -> tuple[Path, int]:
    shard = into / cut.stem
    if (shard / SHARD_REPORT).is_file():  # written last, so the shard is whole
        report = contract.load(shard / SHARD_REPORT, contract.ShardReport)
    else:
        report = prepare_shard(cut, shard, languages, options, benchmarks)
    if remove_cut:
        cut.unlink()
    return shard, report.rows_in


def read_benchmarks(job: Job) -> list[Benchmark]:
    """The evaluation sets of others that this corpus must not contain, hashed."""
    folder, manifest = job.inputs.folder, job.inputs.manifest
    found = []
    for source in manifest.benchmarks if job.options.on("benchmark") else ():
        tables = sources.read_source(source, folder, manifest.languages, job.codes, job.options)
        benchmark = build_benchmark(source.name, _readable(source, tables), job.languages, job.options)
        if not len(benchmark.keys):
            raise Refused(f"benchmark {source.name} ({', '.join(source.paths)}) holds no sentence to look for")
        found.append(benchmark)
    return found


def _benchmark_tables(job: Job) -> dict[str, Iterator[pa.Table]]:
    """The rows of every evaluation set that was kept out, by its name."""
    manifest = job.inputs.manifest
    return {
        source.name: sources.read_source(source, job.inputs.folder, manifest.languages, job.codes, job.options)
        for source in (manifest.benchmarks if job.options.on("benchmark") else ())
    }


def _readable(source: CorpusSource, tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The tables of a benchmark. Raises Refused at their end when over 1 % of the rows are not UTF-8: nothing would be
    found of them, and nobody would see it."""
    rows = bad = 0
    for table in tables:
        rows += len(table)
        sides = [pc.match_substring(decode(table.column(name).combine_chunks()), REPLACEMENT) for name in SIDES]
        bad += pc.sum(pc.or_(*sides)).as_py() or 0
        yield table
    if bad > max(1, rows * output.MAX_UNDECODABLE):
        raise Refused(
            f"benchmark {source.name}: {bad:,} of {rows:,} rows of {' and '.join(source.paths)} are not UTF-8."
            " Find out the encoding and convert the file with iconv"
        )


def finish(
    job: Job,
    shards: Sequence[Path],
    outputs: Outputs,
    *,
    seed: int,
    workers: int,
    engine: str,
    work: Path,
    tokenizer: Path | None,
) -> DataReport:
    """The global step, the writing and the report, from all shards in order. Nothing is left behind when it refuses.

    Shards may come in any order. Raises Refused when one is missing, or there twice."""
    for folder in (outputs.splits, outputs.report):
        folder.mkdir(parents=True, exist_ok=True)
    read = [(contract.load(shard / SHARD_REPORT, contract.ShardReport), shard) for shard in shards]
    read.sort(key=lambda item: (item[0].first_row, item[1].name))
    shard_reports, shards = [report for report, _ in read], [shard for _, shard in read]
    _refuse_gaps(job.inputs.manifest, shard_reports)
    output.refuse_unreadable(job.inputs.manifest, job.codes, shard_reports, job.options)
    settled = settle(
        shards, job.languages, job.options, seed, open_engine(engine), work / "settle", workers, job.progress
    )
    dropped = outputs.report / contract.DROPPED
    evaluation_sets: list[Path] = []
    files = output.write_corpus(shards, settled.verdicts, outputs.splits, dropped, job.codes, job.options, job.progress)
    try:
        report = output.build_report(
            job.inputs.manifest,
            job.languages,
            job.options,
            seed,
            shard_reports=shard_reports,
            shards=shards,
            settled=settled,
            files=files,
            leaks=count_leaks(files, job.languages, job.options, job.progress, workers),
            tokenizer=tokenizer,
        )
        output.refuse_unfit(report)
        contract.save(outputs.report / contract.DATA_REPORT, report)
        evaluation_sets = output.write_benchmarks(_benchmark_tables(job), job.codes, outputs.splits)
        output.write_manifest(job.inputs.manifest, outputs.splits, outputs.report, report, evaluation_sets)
    except BaseException:
        for path in (*files.values(), *evaluation_sets, dropped, outputs.report / contract.DATA_REPORT):
            path.unlink(missing_ok=True)
        raise
    return report


def _refuse_gaps(manifest: CorpusManifest, shards: Sequence[ShardReport]) -> None:
    """Raise Refused unless the shards hold every row of every source once: a host's part may not have arrived."""
    expected = 0
    for shard in shards:
        if shard.first_row != expected:
            break
        expected += shard.rows_in
    if expected == manifest.pairs:
        return
    following = next((shard.first_row for shard in shards if shard.first_row > expected), manifest.pairs)
    raise Refused(
        f"the shards are not whole: rows {expected:,} to {following - 1:,} of {manifest.pairs:,} are missing or there"
        " twice. A host of the shard step has left nothing, or another run's shards lie beside these: run it again."
    )
