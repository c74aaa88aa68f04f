"""The data section of a run's page, and the same section as a page of its own beside the prepared corpus."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.errors import BadInput
from pipeline.review.data_charts import length_histogram, ratio_histogram, waterfall
from pipeline.review.page import write_page
from steps import contract
from steps.contract import DataReport, Histogram
from steps.job import Refused
from steps.languages import Language, language
from steps.prepare.options import PrepareOptions

MOST_NAMES = 8  # rows of the language table before the rest is summed


def render_data(report: DataReport | Path, into: Path) -> None:
    """Write the offline page of a data report to `into`, whole or not at all. Equal reports make equal pages.

    Raises BadInput where the report cannot be read.
    """
    if isinstance(report, Path):
        try:
            report = contract.load(report, DataReport)
        except Refused as error:
            raise BadInput(str(error), hint="prepare the corpus again, or name its data-report.json") from error
    write_page("data-report.html", into, data=report, view=view_of(report), charts=data_charts(report))


def data_charts(report: DataReport) -> dict[str, Any]:
    """Pictures as markup that is safe by construction: matplotlib escapes every text it is given."""
    from markupsafe import Markup

    charts = {
        "waterfall": waterfall(report),
        "lengths": length_histogram(report.lengths),
        "ratio": ratio_histogram(report.ratio, report.languages),
    }
    return {name: Markup(svg) for name, svg in charts.items()}  # noqa: S704


@dataclass(frozen=True)
class Identified:
    """One line of the language table: what a language's sentences were called, and whether that is as expected."""

    name: str
    rows: int
    expected: bool


@dataclass(frozen=True)
class DataView:
    """What the section shows beside the report's own numbers."""

    dropped: int
    languages: dict[str, Language]
    identified: dict[str, list[Identified]]
    lengths: dict[str, tuple[str, str]]
    near: float | None
    deviations: dict[str, Any]


def view_of(report: DataReport) -> DataView:
    """Numbers and names derived from a report. Never raises for options that this version does not know."""
    try:
        options = PrepareOptions.model_validate(report.options)
    except ValidationError:
        options = PrepareOptions()
    languages = {code: options.language(code) if _is_code(code) else _unknown(code) for code in report.languages}
    defaults = PrepareOptions().model_dump(mode="json")
    return DataView(
        dropped=sum(rule.dropped for rule in report.rules),
        languages=languages,
        identified={
            code: _identified(names, languages.get(code) or _unknown(code))
            for code, names in report.identified.items()
            if names
        },
        lengths={code: (_quantile(item, 0.5), _quantile(item, 0.95)) for code, item in report.lengths.items()},
        near=options.near if options.near_copies else None,
        deviations={name: value for name, value in report.options.items() if value != defaults.get(name)},
    )


def _is_code(code: str) -> bool:
    try:
        language(code)
    except ValueError:
        return False
    return True


def _unknown(code: str) -> Language:
    return Language.model_construct(code=code, name=code, scripts=(), identified_as=(code,))


def _identified(names: dict[str, int], expected: Language) -> list[Identified]:
    ranked = sorted(names.items(), key=lambda item: (-item[1], item[0]))
    rows = [Identified(name, count, name in expected.identified_as) for name, count in ranked[:MOST_NAMES]]
    rest = ranked[MOST_NAMES:]
    if rest:
        rows.append(Identified(f"{len(rest)} others", sum(count for _, count in rest), False))
    return rows


def _quantile(histogram: Histogram, share: float) -> str:
    """The bin that a share of the values does not go beyond, in words: `up to 60`."""
    total, seen = sum(histogram.counts), 0
    for place, count in enumerate(histogram.counts):
        seen += count
        if total and seen >= share * total:
            if place + 1 < len(histogram.edges):
                return f"under {histogram.edges[place + 1]:,.4g}"
            return f"{histogram.edges[place]:,.4g} or more"
    return "—"
