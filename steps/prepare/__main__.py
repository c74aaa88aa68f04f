"""`python -m steps.prepare`: read, repair, filter, group, split, write, recount, report.

Limits: everything is held in memory, which suits some 200,000 pairs.
"""

from __future__ import annotations

from collections import Counter

from steps import contract, job
from steps.prepare.group import group_rows
from steps.prepare.leaks import count_leaks
from steps.prepare.progress import watched
from steps.prepare.read import open_corpus, read_corpus
from steps.prepare.repair import repair
from steps.prepare.report import build_report, refuse_too_few, refuse_unfit
from steps.prepare.row import Row
from steps.prepare.rules import sieve
from steps.prepare.split import split_groups
from steps.prepare.write import write_dropped, write_splits


def main() -> None:
    """Turn the mounted corpus into `splits` and `data-report`. Raises Refused for any reason a person can act on."""
    seed = int(job.parameter("Seed"))
    languages = (job.setting("SourceLanguage"), job.setting("TargetLanguage"))
    folder = job.processing_input("corpus")

    manifest = open_corpus(folder, languages)
    rows: list[Row] = []
    repaired: Counter[str] = Counter()
    for row in watched(read_corpus(folder, manifest, languages), manifest.pairs, "read"):
        texts, changes = repair(row.texts)
        rows.append(row._replace(texts=texts))
        repaired.update(changes)

    kept, dropped = sieve(watched(rows, len(rows), "filter"))
    refuse_too_few(len(rows), dropped, len(kept))
    groups = group_rows([row.texts for row in kept])
    splits = split_groups([row.texts for row in kept], groups, seed)

    report_folder = job.processing_output("data-report")
    files = write_splits(job.processing_output("splits"), kept, splits, languages)
    write_dropped(report_folder / contract.DROPPED, dropped, languages)

    report = build_report(
        manifest,
        languages,
        seed,
        rows_in=len(rows),
        repaired=repaired,
        dropped=dropped,
        groups=groups,
        files=files,
        leaks=count_leaks(files, languages),
    )
    refuse_unfit(report)
    contract.save(report_folder / contract.DATA_REPORT, report)
    sizes = ", ".join(f"{name} {count:,}" for name, count in report.splits.items())
    job.note(f"{report.rows_out:,} of {report.rows_in:,} rows kept: {sizes}; {report.leaks} leaks between them")
    job.event(
        "prepared",
        rows_in=report.rows_in,
        dropped={rule.rule: rule.dropped for rule in report.rules},
        rows_out=report.rows_out,
        splits=report.splits,
        components=report.components,
        leaks=report.leaks,
    )


if __name__ == "__main__":
    job.run(main)
