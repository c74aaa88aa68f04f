"""Turns templates into offline pages: everything escaped, nothing fetched, written whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.local.files import write_text_atomically
from pipeline.review import markdown, wording

FILTERS = ("count", "short", "signed", "duration", "dollars", "printable", "moment", "megabytes", "percent")


def write_page(template: str, into: Path, **values: Any) -> None:
    """Render a template with `values` and write it to `into`. Equal values make equal pages.

    A template of HTML or of Markdown, by its name. All texts are escaped for it, and the HTML page's own policy forbids
    scripts and requests. Two that write the same page at once do not meet: the last one's stays. Raises OSError where
    the disk fails.
    """
    environment = _markdown() if template.endswith(".md") else _html()
    page = environment.get_template(template).render(**values, LONG_TEXT=wording.LONG_TEXT)
    write_text_atomically(into, page.encode("utf-8", "replace").decode("utf-8"))


def _html() -> Any:
    return _environment(autoescape=True)


def _markdown() -> Any:
    """Markdown has no escaping of jinja's own: every printed value goes through ours unless a filter has quoted it."""
    environment = _environment(autoescape=False, finalize=markdown.finished)
    environment.filters |= {"quoted": markdown.quoted, "cell": markdown.quoted_in_table}
    return environment


def _environment(**options: Any) -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(  # noqa: S701 - escaping is given by both callers
        loader=PackageLoader("pipeline.review"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        **options,
    )
    environment.filters |= {name: getattr(wording, name) for name in FILTERS}
    return environment
