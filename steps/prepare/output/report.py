"""The data report: what the shards counted, what the global step decided, what the written files hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from steps.contract import CorpusManifest, DataReport, Example, Leaks, RuleCount, ShardReport
from steps.languages import Language
from steps.prepare.options import GLOBAL_RULES, RULES, PrepareOptions
from steps.prepare.output.examples import global_examples
from steps.prepare.output.rows import SourceRows
from steps.prepare.output.tokens import estimate_tokens
from steps.prepare.output.totals import Totals, add_up
from steps.prepare.output.verdicts import Verdicts
from steps.prepare.output.warning import unspaced_warnings, warnings
from steps.sums import fingerprint_of, list_files

if TYPE_CHECKING:
    from steps.prepare.settle import Settled

CHANGES_NOTHING = {"shard_pairs", "shard_bytes"}  # left out of the report, so that its bytes do not depend on them


def build_report(
    manifest: CorpusManifest,
    languages: tuple[Language, Language],
    options: PrepareOptions,
    seed: int,
    *,
    shard_reports: Sequence[ShardReport],
    shards: Sequence[Path],
    settled: Settled,
    files: Mapping[str, Path],
    leaks: Leaks,
    tokenizer: Path | None,
) -> DataReport:
    """The report. The sizes of the splits are read from the written files, so that the sum shows what went missing.

    `shards` are the folders of `shard_reports`, in order of their rows. Raises Refused without a usable tokenizer.
    """
    totals = add_up(shard_reports)
    dropped = Verdicts.read(settled.verdicts, SourceRows.of(shard_reports)).dropped()
    by_all = global_examples(dropped, GLOBAL_RULES, shards, shard_reports)
    rules = _rules(totals, by_all, manifest, options)
    codes = languages[0].code, languages[1].code
    rows_out = totals.rows_kept - len(dropped)
    splits = {split: pq.read_metadata(path).num_rows for split, path in files.items()}
    largest = list(settled.largest_components[:10])
    return DataReport(
        corpus=manifest.name,
        corpus_fingerprint=manifest.fingerprint,
        languages=list(codes),
        sources=manifest.sources,
        rows_in=totals.rows_in,
        repaired=totals.repaired,
        rules=rules,
        rows_out=rows_out,
        splits=splits,
        components=settled.components,
        largest_components=largest,
        duplicate_clusters=settled.duplicate_clusters,
        leaks=leaks,
        lengths={code: totals.lengths[code] for code in codes if code in totals.lengths},
        ratio=totals.ratio,
        identified={code: totals.identified[code] for code in codes if code in totals.identified},
        benchmarks={source.name: 0 for source in manifest.benchmarks} | totals.benchmarks,
        signals=totals.signals,
        tokens=estimate_tokens(files["train"], codes, tokenizer) if tokenizer else None,
        warnings=warnings(manifest.sources, rules, totals.rows_in, rows_out, splits, max(largest, default=0))
        + unspaced_warnings(languages),
        options=_reported(options),
        seed=seed,
    )


def _reported(options: PrepareOptions) -> dict[str, Any]:
    """The options that decide the output. For the scorer's folder stands the sum of what is in it, wherever it lies."""
    reported = options.model_dump(mode="json", exclude=CHANGES_NOTHING)
    if options.scorer:
        reported["scorer"]["folder"] = f"sha256:{fingerprint_of(list_files(Path(options.scorer.folder)))}"
    return reported


def _rules(
    totals: Totals,
    by_all: Mapping[str, tuple[int, list[Example], list[Example]]],
    manifest: CorpusManifest,
    options: PrepareOptions,
) -> list[RuleCount]:
    """Every rule in the order asked, those that are off too."""
    from steps.prepare.settle.rules import RULES_BY_NAME as GLOBAL
    from steps.prepare.shard.rules import RULES_BY_NAME as LOCAL

    counts = []
    for name in RULES:
        rule = LOCAL[name] if name in LOCAL else GLOBAL[name]
        local = totals.dropped.get(name, 0), totals.first.get(name, []), totals.drawn.get(name, [])
        dropped, first, drawn = by_all.get(name, local)
        counts.append(
            RuleCount(
                rule=name,
                reason=rule.reason(options),
                on=options.on(name) and (name != "benchmark" or bool(manifest.benchmarks)),
                dropped=dropped,
                share=dropped / totals.rows_in if totals.rows_in else 0,
                first=first,
                drawn=drawn,
            )
        )
    return counts
