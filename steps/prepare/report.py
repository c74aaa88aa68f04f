"""The data report, and the refusals that need its numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow.parquet as pq

from steps.contract import CorpusManifest, DataReport, RuleCount
from steps.job import Refused
from steps.prepare.repair import REPAIRS
from steps.prepare.rules import RULES, Dropped, Rule

MIN_ROWS = 20  # with fewer, 5 % is less than one row
EXAMPLES = 3
EXAMPLE_CHARACTERS = 200


def waterfall(rows_in: int, dropped: Sequence[Dropped], rows_out: int) -> str:
    """Rows in, rows dropped per rule that hit, rows left: one line."""
    counts = Counter(rule for _, rule in dropped)
    losses = [f"{rule.name} {counts[rule.name]}" for rule in RULES if counts[rule.name]]
    return f"{rows_in} rows in; dropped: {', '.join(losses) or 'none'}; {rows_out} rows left"


def refuse_too_few(rows_in: int, dropped: Sequence[Dropped], rows_out: int) -> None:
    """Raise Refused, with the waterfall, when too few rows are left to be split."""
    if rows_out < MIN_ROWS:
        left = "no row is left" if rows_out == 0 else f"only {rows_out} rows are left"
        raise Refused(f"{left}, at least {MIN_ROWS} are needed. {waterfall(rows_in, dropped, rows_out)}")


def rule_count(rule: Rule, dropped: Sequence[Dropped], languages: tuple[str, str]) -> RuleCount:
    """How many rows a rule dropped, and the first three, shortened."""
    rows = [row for row, name in dropped if name == rule.name]
    examples = [
        {"id": row.id} | {code: text[:EXAMPLE_CHARACTERS] for code, text in zip(languages, row.texts, strict=True)}
        for row in rows[:EXAMPLES]
    ]
    return RuleCount(rule=rule.name, reason=rule.reason, dropped=len(rows), examples=examples)


def build_report(
    manifest: CorpusManifest,
    languages: tuple[str, str],
    seed: int,
    *,
    rows_in: int,
    repaired: Mapping[str, int],
    dropped: Sequence[Dropped],
    groups: Sequence[list[int]],
    files: Mapping[str, Path],
    leaks: int,
) -> DataReport:
    """The report, with the sizes of the splits read from the written files."""
    splits = {split: pq.read_metadata(path).num_rows for split, path in files.items()}
    return DataReport(
        corpus=manifest.name,
        corpus_fingerprint=manifest.fingerprint,
        languages=list(languages),
        sources=manifest.sources,
        rows_in=rows_in,
        repaired={name: repaired.get(name, 0) for name in REPAIRS},
        rules=[rule_count(rule, dropped, languages) for rule in RULES],
        rows_out=sum(len(group) for group in groups),
        splits=splits,
        components=len(groups),
        largest_component=max(map(len, groups)),
        leaks=leaks,
        seed=seed,
    )


def refuse_unfit(report: DataReport) -> None:
    """Raise Refused when a row is unaccounted for, or a sentence of one split is also in another."""
    dropped = sum(rule.dropped for rule in report.rules)
    if not report.rows_in - dropped == report.rows_out == sum(report.splits.values()):
        raise Refused(
            f"the counts do not add up: {report.rows_in} rows in, {dropped} dropped, {report.rows_out} left,"
            f" {report.splits} written. This is a defect of the step, not of the corpus."
        )
    if report.leaks:
        raise Refused(
            f"{report.leaks} sentences or near-copies cross the splits, so test scores would mean nothing."
            " This is a defect of the step, not of the corpus."
        )
