"""Turns templates into offline pages: everything escaped, nothing fetched, written whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.review import wording

FILTERS = ("count", "short", "signed", "duration", "dollars", "printable", "megabytes", "percent")


def write_page(template: str, into: Path, **values: Any) -> None:
    """Render a template with `values` and write it to `into`. Equal values make equal pages.

    All texts are escaped, and the page's own policy forbids scripts and requests. Raises OSError where the disk fails.
    """
    page = _environment().get_template(template).render(**values, LONG_TEXT=wording.LONG_TEXT)
    into.parent.mkdir(parents=True, exist_ok=True)
    temporary = into.with_name(f".{into.name}.partial")
    try:
        temporary.write_text(page, encoding="utf-8", errors="replace")
        temporary.replace(into)
    finally:
        temporary.unlink(missing_ok=True)


def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("pipeline.review"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {name: getattr(wording, name) for name in FILTERS}
    return environment
