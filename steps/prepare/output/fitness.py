"""Refusals that need the numbers of the whole corpus: what no split should be made of, or was made wrongly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from steps.contract import CorpusManifest, CorpusSource, DataReport, ShardReport
from steps.job import Refused
from steps.languages import KNOWN
from steps.prepare.options import RULES, PrepareOptions
from steps.prepare.output.columns import refuse_reserved
from steps.prepare.output.totals import Totals, add_up
from steps.prepare.output.verdicts import DEFECT

MIN_ROWS = 20  # with fewer, 5 % is less than one row
MAX_UNDECODABLE = 0.01  # of a source: a few broken lines are dropped, more means another encoding
MIN_UNDECODABLE = 2  # one broken line is dropped, however small its source
MAX_SWAPPED = 0.5
MIN_SWAPPED = 20
MEND = {
    "moses": "give its two files in the other order",
    "tsv": "exchange the two language codes in its header",
    "jsonl": "exchange the two keys of its objects",
    "parquet": "exchange the names of its two columns",
    "tmx": "its xml:lang attributes name the wrong languages",
}


def waterfall(rows_in: int, dropped: Mapping[str, int], rows_out: int) -> str:
    """Rows in, rows dropped per rule that hit in the order asked, rows left: one line."""
    losses = [f"{rule} {dropped[rule]:,}" for rule in RULES if dropped.get(rule)]
    return f"{rows_in:,} rows in; dropped: {', '.join(losses) or 'none'}; {rows_out:,} rows left"


def refuse_unreadable(
    manifest: CorpusManifest, codes: tuple[str, str], shards: Sequence[ShardReport], options: PrepareOptions
) -> None:
    """Raise Refused for what the shards alone show, before any work on the whole corpus.

    A source of which more than 1 % of the lines do not decode; a source whose sides look swapped; too few rows left,
    with the waterfall; a language code that the written files cannot have as a column. `codes` are the source and the
    target language of the run: the corpus may have been published in the other order.
    """
    refuse_reserved(codes)
    for source in manifest.sources:
        parts = [shard for shard in shards if shard.source == source.name]
        if parts:
            totals = add_up(parts)
            _refuse_undecodable(source, totals)
            _refuse_swapped(source, totals, codes, options)
    if shards:
        whole = add_up(shards)
        refuse_too_few(whole.rows_in, whole.dropped, whole.rows_kept, _assumed(codes, whole.dropped, options))


def refuse_too_few(rows_in: int, dropped: Mapping[str, int], rows_out: int, more: str = "") -> None:
    """Raise Refused, with the waterfall and what `more` there is to say, when too few rows are left to be split."""
    if rows_out < MIN_ROWS:
        left = "no row is left" if rows_out == 0 else f"only {rows_out} rows are left"
        raise Refused(f"{left}, at least {MIN_ROWS} are needed. {waterfall(rows_in, dropped, rows_out)}{more}")


def _assumed(codes: Sequence[str], dropped: Mapping[str, int], options: PrepareOptions) -> str:
    """Which languages were taken for Latin for want of a description, where rules that look at letters dropped rows."""
    described = {language.code for language in options.languages} | set(KNOWN)
    unknown = [code for code in codes if code not in described]
    if not unknown or not any(dropped.get(rule) for rule in ("letters", "language")):
        return ""
    return (
        f". {' and '.join(unknown)}: not in the table of languages, and taken to be written in Latin letters."
        " Describe it in the options: languages: [{code: zh, name: Chinese, scripts: [Han], identified_as: [zh]}]"
    )


def refuse_unfit(report: DataReport) -> None:
    """Raise Refused when a row is unaccounted for, too few are left, or a sentence of one split is also in another."""
    dropped = {rule.rule: rule.dropped for rule in report.rules}
    total = sum(dropped.values())
    if not report.rows_in - total == report.rows_out == sum(report.splits.values()):
        raise Refused(
            f"the counts do not add up: {report.rows_in:,} rows in, {total:,} dropped, {report.rows_out:,} left,"
            f" {report.splits} written. {DEFECT}"
        )
    refuse_too_few(report.rows_in, dropped, report.rows_out)
    if report.leaks.total:
        raise Refused(
            f"{report.leaks.equal:,} equal sentences and {report.leaks.near:,} near-copies cross the splits, so test"
            f" scores would mean nothing. {DEFECT}"
        )


def _refuse_undecodable(source: CorpusSource, totals: Totals) -> None:
    count = totals.dropped.get("undecodable", 0)
    if count < MIN_UNDECODABLE or count <= MAX_UNDECODABLE * totals.rows_in:
        return
    examples = totals.first.get("undecodable")
    where = f", the first in row {examples[0].id.rpartition(':')[2]}" if examples else ""
    raise Refused(
        f"{source.name}: {count:,} of {totals.rows_in:,} rows ({count / totals.rows_in:.1%}) are not UTF-8{where} of"
        f" {' and '.join(source.paths)}. Find out the encoding and convert the file, e.g. with"
        f" iconv -f WINDOWS-1252 -t UTF-8 {source.paths[-1]} > converted"
    )


def _refuse_swapped(source: CorpusSource, totals: Totals, codes: tuple[str, str], options: PrepareOptions) -> None:
    asked = min((sum(names.values()) for names in totals.identified.values()), default=0)
    if totals.swapped < MIN_SWAPPED or totals.swapped <= MAX_SWAPPED * asked:
        return
    first, second = (options.language(code).name for code in codes)
    raise Refused(
        f"{source.name}: the files look swapped: what should be {first} was identified as {second} in"
        f" {totals.swapped:,} of {asked:,} rows. To mend it, {MEND[source.format]}."
    )
